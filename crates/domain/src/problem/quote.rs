//! Faults of quotes, and how they read.

use super::shown::{Words, grouped, shown};
use crate::{ServiceClass, contract::ContractKindName};

/// A fault of a quote that is drawn up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuoteFault {
    /// A quote is for a tenant, or for an application.
    OneParty,
    /// The contract of this kind could not hold a discount.
    NoDiscount { kind: ContractKindName },
    /// Cards are reserved for the whole term.
    HoursOfReserved,
    /// A kind that has no credit.
    NoCredit { kind: ContractKindName },
    /// The price book in force has no price for this.
    NoPrice { pool: String, class: ServiceClass },
    /// No price book is in force.
    NoPrices,
    /// An amount or a sum is above `most`.
    TooMuch { most: i64 },
    /// It would be valid for more than `most_days` days.
    ValidTooLong { most_days: i64 },
    /// The application came to nothing.
    ApplicationOver,
}

pub fn en(fault: &QuoteFault) -> Words {
    match fault {
        QuoteFault::OneParty => {
            ("are both given, or neither".into(), "give the tenant or the application, not both".into())
        }
        QuoteFault::NoDiscount { kind } => (
            format!("has a discount, which a {} contract can't hold", kind.code()),
            "leave it out; a metered contract is charged by the price book, and a grant is free".into(),
        ),
        QuoteFault::HoursOfReserved => (
            "gives card time for reserved cards".into(),
            "leave it out: cards are reserved for the whole term".into(),
        ),
        QuoteFault::NoCredit { kind } => (
            format!("is not for a {} contract", kind.code()),
            "leave it out: a metered one has credit".into(),
        ),
        QuoteFault::NoPrice { pool, class } => (
            format!("has `{}` with {} work, for which there is no price", shown(pool), class.code()),
            "choose another pool or service class, or publish a price for it".into(),
        ),
        QuoteFault::NoPrices => {
            ("can't be priced: no price book is in force".into(), "publish a price book first".into())
        }
        QuoteFault::TooMuch { most } => {
            ("come to more than there can be".into(), format!("stay below {}", grouped(*most)))
        }
        QuoteFault::ValidTooLong { most_days } => (
            format!("is more than {most_days} days from now"),
            "give an earlier day: prices are not held for longer".into(),
        ),
        QuoteFault::ApplicationOver => {
            ("was rejected, withdrawn, or has expired".into(), "name one that goes on".into())
        }
    }
}

pub fn zh(fault: &QuoteFault) -> Words {
    match fault {
        QuoteFault::OneParty => ("须二者择一".into(), "请填写租户或申请之一".into()),
        QuoteFault::NoDiscount { kind } => (
            format!("有折扣，而{}合同不能约定折扣", kind_word(*kind)),
            "请去掉折扣：按量合同按价目计费，资助合同免费".into(),
        ),
        QuoteFault::HoursOfReserved => {
            ("为预留的加速卡填写了卡时".into(), "请不要填写：加速卡在整个期限内预留".into())
        }
        QuoteFault::NoCredit { kind } => {
            (format!("不适用于{}合同", kind_word(*kind)), "请不要填写：只有按量合同有信用额度".into())
        }
        QuoteFault::NoPrice { pool, class } => (
            format!("中“{}”的{}作业没有价格", shown(pool), class_word(*class)),
            "请换用其他资源池或服务等级，或先发布价格".into(),
        ),
        QuoteFault::NoPrices => ("无法计价：没有现行价目".into(), "请先发布价目".into()),
        QuoteFault::TooMuch { most } => ("金额或卡时过大".into(), format!("请不要超过 {}", grouped(*most))),
        QuoteFault::ValidTooLong { most_days } => {
            (format!("距现在超过 {most_days} 天"), "请填写更早的日期：价格不能保留更久".into())
        }
        QuoteFault::ApplicationOver => {
            ("已被驳回、撤回或已过期".into(), "请填写仍在办理或已批准的申请".into())
        }
    }
}

fn kind_word(kind: ContractKindName) -> &'static str {
    match kind {
        ContractKindName::Prepaid => "预付",
        ContractKindName::Metered => "按量",
        ContractKindName::Reserved => "预留",
        ContractKindName::Grant => "资助",
    }
}

fn class_word(class: ServiceClass) -> &'static str {
    match class {
        ServiceClass::Urgent => "加急",
        ServiceClass::Normal => "普通",
        ServiceClass::Spot => "闲时",
    }
}

/// Samples of all, for tests: a variant that is left out does not compile.
#[cfg(test)]
pub fn samples() -> Vec<QuoteFault> {
    let is_known = |fault: &QuoteFault| match fault {
        QuoteFault::OneParty
        | QuoteFault::NoDiscount { .. }
        | QuoteFault::HoursOfReserved
        | QuoteFault::NoCredit { .. }
        | QuoteFault::NoPrice { .. }
        | QuoteFault::NoPrices
        | QuoteFault::TooMuch { .. }
        | QuoteFault::ValidTooLong { .. }
        | QuoteFault::ApplicationOver => true,
    };
    let kinds = ContractKindName::ALL;
    let all: Vec<QuoteFault> = kinds
        .into_iter()
        .flat_map(|kind| [QuoteFault::NoDiscount { kind }, QuoteFault::NoCredit { kind }])
        .chain(ServiceClass::ALL.map(|class| QuoteFault::NoPrice { pool: "npu".into(), class }))
        .chain([
            QuoteFault::OneParty,
            QuoteFault::HoursOfReserved,
            QuoteFault::NoPrices,
            QuoteFault::TooMuch { most: 1_000_000 },
            QuoteFault::ValidTooLong { most_days: 365 },
            QuoteFault::ApplicationOver,
        ])
        .collect();
    assert!(all.iter().all(is_known));
    all
}
