//! What an organisation is asked, and by which path its application goes.

use base::approval::{Answer, Form, Question, Step};
use domain::{
    Role, TenantDomain,
    problem::{Field, field},
};

/// The code of this kind of application.
pub const CODE: &str = "join";
/// The most drafts of one address that nobody has handed in.
pub const MOST_DRAFTS: u64 = 5;
/// The short name of the first project.
pub const FIRST_PROJECT: &str = "main";
const MOST_CARDS: i64 = 100_000;
const MOST_CARD_HOURS: i64 = 100_000_000;
const MOST_STAFF: i64 = 10_000_000;
const MOST_YUAN: i64 = 1_000_000_000;
/// The highest level of the classified protection of networks (GB/T 22239).
const MOST_LEVEL: i64 = 5;

pub const CONTACT: Field = Field { code: "contact", zh: "联系人" };
pub const EMAIL: Field = Field { code: "email", zh: "电子邮箱" };
pub const PHONE: Field = Field { code: "phone", zh: "电话" };
pub const WORK: Field = Field { code: "work", zh: "业务方向" };
pub const CARD_HOURS: Field = Field { code: "card_hours", zh: "每月卡时" };
pub const PURPOSE: Field = Field { code: "purpose", zh: "用途" };
pub const GROUP: Field = Field { code: "group", zh: "院系或课题组" };
pub const FUNDING: Field = Field { code: "funding", zh: "项目经费" };
pub const STAFF: Field = Field { code: "staff", zh: "员工人数" };
pub const BUDGET: Field = Field { code: "budget", zh: "年度算力预算" };
pub const FILING: Field = Field { code: "filing", zh: "生成式人工智能服务备案号" };
pub const APPROVAL: Field = Field { code: "approval", zh: "立项批复文号" };
pub const PROTECTION: Field = Field { code: "protection", zh: "网络安全等级" };

const RESEARCH: &[TenantDomain] = &[TenantDomain::Research];
const ENTERPRISE: &[TenantDomain] = &[TenantDomain::Enterprise];
const GOVERNMENT: &[TenantDomain] = &[TenantDomain::Government];

const fn required(field: Field, answer: Answer) -> Question {
    Question { field, answer, is_required: true, only: &[] }
}

const fn optional(field: Field, answer: Answer) -> Question {
    Question { is_required: false, ..required(field, answer) }
}

const fn of(only: &'static [TenantDomain], question: Question) -> Question {
    Question { only, ..question }
}

/// The form that an organisation fills in: a part for all, and one for each domain.
pub const FORM: Form = Form {
    version: 2,
    questions: &[
        required(field::LEGAL_NAME, Answer::Line),
        optional(field::NAME_EN, Answer::Line),
        required(field::TAX_NUMBER, Answer::CreditCode),
        required(field::SLUG, Answer::Slug),
        required(CONTACT, Answer::Name),
        required(EMAIL, Answer::Email),
        required(PHONE, Answer::Phone),
        required(WORK, Answer::Line),
        // Grants are made out to a group and its project.
        of(RESEARCH, required(GROUP, Answer::Line)),
        of(RESEARCH, optional(FUNDING, Answer::Line)),
        // The size decides what share a voucher pays, the budget which kind of contract fits, and models that the public uses
        // are filed.
        of(ENTERPRISE, required(STAFF, Answer::Number { least: 1, most: MOST_STAFF })),
        of(ENTERPRISE, optional(BUDGET, Answer::Number { least: 1, most: MOST_YUAN })),
        of(ENTERPRISE, optional(FILING, Answer::Line)),
        // A department computes on behalf of a project that was approved, and by the level of its system.
        of(GOVERNMENT, required(APPROVAL, Answer::Line)),
        of(GOVERNMENT, required(PROTECTION, Answer::Number { least: 1, most: MOST_LEVEL })),
        required(field::CARDS, Answer::Number { least: 1, most: MOST_CARDS }),
        required(CARD_HOURS, Answer::Number { least: 1, most: MOST_CARD_HOURS }),
        required(PURPOSE, Answer::Text),
    ],
};

/// Who decides, where the settings name nobody. Money follows for a company, so that its contract's keepers look first; a
/// department is bound by a matter of two.
pub fn path(domain: TenantDomain) -> Vec<Step> {
    match domain {
        TenantDomain::Enterprise => vec![Step::all_of(1, Role::Contracts), Step::all_of(1, Role::Operator)],
        TenantDomain::Research => vec![Step::all_of(1, Role::Contracts)],
        TenantDomain::Government => vec![Step::all_of(2, Role::Operator)],
    }
}

/// The login of the first administrator.
pub fn login(slug: &str) -> String {
    format!("{slug}-admin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_domain_is_asked_what_matters_to_it_and_nothing_of_the_others() {
        let codes = |domain| FORM.asked(domain).map(|question| question.field.code).collect::<Vec<_>>();
        let (research, enterprise) = (codes(TenantDomain::Research), codes(TenantDomain::Enterprise));
        let government = codes(TenantDomain::Government);
        for all in [&research, &enterprise, &government] {
            assert!(all.starts_with(&["legal_name"]) && all.ends_with(&["purpose"]), "{all:?}");
        }
        assert!(research.contains(&"group") && !enterprise.contains(&"group"));
        assert!(enterprise.contains(&"staff") && !government.contains(&"staff"));
        assert!(government.contains(&"protection") && !research.contains(&"protection"));
        // What another domain is asked is no answer here.
        let given = serde_json::json!({ "protection": 3 }).as_object().expect("an object").clone();
        assert!(FORM.read(TenantDomain::Government, &given, true).is_ok());
        assert!(FORM.read(TenantDomain::Research, &given, true).is_err());
    }

    #[test]
    fn a_path_that_nobody_set_is_one_that_could_be_set() {
        for domain in TenantDomain::ALL {
            let steps = path(domain);
            assert!(!steps.is_empty() && steps.iter().all(|step| step.problem().is_none()), "{steps:?}");
        }
    }
}
