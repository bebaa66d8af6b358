//! The dataset Contract Commitment: what tenants have committed to by contracts with a fee.

use center::app::csv::{self, END, quoted};
use domain::{CardMs, Contract, Course, contract::ContractKind};

use super::{
    made::commitment,
    rule::{CARD_HOURS, card_hours, instant, yuan},
};

/// The columns, in the order of their names; ours behind.
const COLUMNS: [&str; 15] = [
    "BillingCurrency",
    "ContractCommitmentCategory",
    "ContractCommitmentCost",
    "ContractCommitmentDescription",
    "ContractCommitmentId",
    "ContractCommitmentPeriodEnd",
    "ContractCommitmentPeriodStart",
    "ContractCommitmentQuantity",
    "ContractCommitmentType",
    "ContractCommitmentUnit",
    "ContractId",
    "ContractPeriodEnd",
    "ContractPeriodStart",
    "x_ContractNumber",
    "x_Tenant",
];

pub fn head() -> String {
    format!("{}{END}", COLUMNS.join(","))
}

/// The row of a contract with its course; nothing where its kind commits the tenant to nothing.
pub fn row(contract: &Contract, course: &Course, tenant: &str) -> Option<String> {
    let kind = commitment(contract.kind.name())?;
    let (from, until) = (course.from(), course.until());
    let (quantity, description) = match contract.kind {
        ContractKind::Prepaid { package, .. } => (package, "A package of card time, paid by a fee"),
        ContractKind::Reserved { cards, .. } => {
            let kept = until.since(from).0.max(0).saturating_mul(cards.into());
            (CardMs(kept), "Cards that are kept for a term, paid by a fee")
        }
        ContractKind::Metered { .. } | ContractKind::Grant { .. } => return None,
    };
    let row: [String; COLUMNS.len()] = [
        "CNY".to_owned(),
        "Usage".to_owned(),
        contract.fee().map(yuan).unwrap_or_default(),
        quoted(description),
        quoted(&contract.number),
        instant(until),
        instant(from),
        card_hours(quantity),
        kind.to_owned(),
        CARD_HOURS.to_owned(),
        contract.id.to_string(),
        instant(contract.ends_at),
        instant(contract.starts_at),
        quoted(&contract.number),
        quoted(tenant),
    ];
    Some(csv::row(&row))
}
