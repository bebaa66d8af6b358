//! What a tenant is asked, by which path the application goes, and how refusals are told.

use base::{
    approval::{Answer, Form, Question, Step},
    error::AppError,
    refusal::{Refused, VoucherRefusal as Why},
};
use domain::{
    Millis, Role, TenantDomain,
    problem::{Field, field},
    voucher::RulesFault,
};

/// The code of this kind of application.
pub const CODE: &str = "voucher";
/// How long after a voucher's end its months may be claimed: the last one has to be closed first.
pub const CLAIM_WITHIN: Millis = Millis::from_hours(24 * 90);
/// The most programmes that are listed.
pub const MOST_PROGRAMMES: u32 = 200;
/// The most yuan that are asked for at once.
const MOST_YUAN: i64 = 1_000_000_000;

pub const PROGRAMME: Field = Field { code: "programme", zh: "券种" };
pub const USAGE: Field = Field { code: "usage", zh: "用途" };
pub const TENANT_SIZE: Field = Field { code: "tenant_size", zh: "企业规模" };
pub const FACILITY_KIND: Field = Field { code: "facility_kind", zh: "设施类别" };
pub const YUAN: Field = Field { code: "amount_yuan", zh: "合同金额（元）" };
pub const ELSEWHERE: Field =
    Field { code: "elsewhere_yuan", zh: "本年度在别处申请的金额（元）" };

const fn required(field: Field, answer: Answer) -> Question {
    Question { field, answer, is_required: true, only: &[] }
}

const fn optional(field: Field, answer: Answer) -> Question {
    Question { field, answer, is_required: false, only: &[] }
}

/// The form that a tenant fills in.
pub const FORM: Form = Form {
    version: 1,
    questions: &[
        required(PROGRAMME, Answer::Slug),
        required(field::CONTRACT, Answer::Line),
        required(USAGE, Answer::Line),
        required(TENANT_SIZE, Answer::Line),
        optional(FACILITY_KIND, Answer::Line),
        required(YUAN, Answer::Number { least: 1, most: MOST_YUAN }),
        optional(ELSEWHERE, Answer::Number { least: 0, most: MOST_YUAN }),
    ],
};

/// Who decides, where the settings name nobody: whoever keeps contracts looks first, then the center.
pub fn path(_: TenantDomain) -> Vec<Step> {
    vec![Step::all_of(1, Role::Contracts), Step::all_of(1, Role::Operator)]
}

pub fn refused(why: Why) -> AppError {
    Refused::Voucher { why, rule: 0 }.into()
}

/// A fault of a programme's rules, as people are told it.
pub fn told(fault: RulesFault) -> AppError {
    let (why, rule) = match fault {
        RulesFault::NoRules => (Why::NoRules, 0),
        RulesFault::TooMany { .. } => (Why::TooManyRules, 0),
        RulesFault::Rate { rule } => (Why::RateOutOfRange, rule),
        RulesFault::Total { rule } => (Why::TotalOutOfRange, rule),
        RulesFault::Unreachable { rule } => (Why::RuleUnreachable, rule),
        RulesFault::Cap => (Why::CapOutOfRange, 0),
        RulesFault::Combined => (Why::CombinedOutOfRange, 0),
    };
    Refused::Voucher { why, rule }.into()
}

/// The number after the last one of a year: `V-2026-000017`.
pub fn next_number(prefix: &str, last: Option<&str>) -> Result<String, AppError> {
    let last = match last {
        None => 0,
        Some(last) => last[prefix.len()..].parse::<u64>().map_err(AppError::internal)?,
    };
    Ok(format!("{prefix}{:06}", last + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_one_another_past_the_millionth() {
        let next = |last| next_number("V-2026-", last).unwrap();
        assert_eq!(next(None), "V-2026-000001");
        assert_eq!(next(Some("V-2026-000009")), "V-2026-000010");
        assert_eq!(next(Some("V-2026-999999")), "V-2026-1000000");
        assert!(next_number("V-2026-", Some("V-2026-x")).is_err());
    }

    #[test]
    fn a_path_that_nobody_set_is_one_that_could_be_set() {
        for domain in TenantDomain::ALL {
            assert!(path(domain).iter().all(|step| step.problem().is_none()));
        }
    }
}
