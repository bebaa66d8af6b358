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

pub const CONTACT: Field = Field { code: "contact", zh: "联系人" };
pub const EMAIL: Field = Field { code: "email", zh: "电子邮箱" };
pub const PHONE: Field = Field { code: "phone", zh: "电话" };
pub const WORK: Field = Field { code: "work", zh: "业务方向" };
pub const CARD_HOURS: Field = Field { code: "card_hours", zh: "每月卡时" };
pub const PURPOSE: Field = Field { code: "purpose", zh: "用途" };

const fn required(field: Field, answer: Answer) -> Question {
    Question { field, answer, is_required: true }
}

/// The form that an organisation fills in.
pub const FORM: Form = Form {
    version: 1,
    questions: &[
        required(field::LEGAL_NAME, Answer::Line),
        Question { field: field::NAME_EN, answer: Answer::Line, is_required: false },
        required(field::TAX_NUMBER, Answer::CreditCode),
        required(field::SLUG, Answer::Slug),
        required(CONTACT, Answer::Name),
        required(EMAIL, Answer::Email),
        required(PHONE, Answer::Phone),
        required(WORK, Answer::Line),
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
    fn a_path_that_nobody_set_is_one_that_could_be_set() {
        for domain in TenantDomain::ALL {
            let steps = path(domain);
            assert!(!steps.is_empty() && steps.iter().all(|step| step.problem().is_none()), "{steps:?}");
        }
    }
}
