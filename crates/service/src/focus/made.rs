//! The charges of a contract's month, made of what moved its balance.

use base::error::AppError;
use domain::{
    CardMs, Contract, MicroCny, Month, Timestamp, Zone, billing,
    contract::{ContractKind, ContractKindName},
    ledger::CauseName,
};
use store::{Tx, amendments, contracts};

use super::{
    charge::{Account, Charge, Committed, ContractOf, Costs, Priced, RunOf},
    rows::{self, Key, Moved, Runs},
    rule::{ChargeCategory, ChargeFrequency, CommitmentStatus, PricingCategory, spread},
};

/// A month of a contract, by the center's calendar.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    pub zone: &'a Zone,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// The commitment that a contract is, in a word; a grant commits the center alone, and who pays by use has committed to
/// nothing.
pub fn commitment(kind: ContractKindName) -> Option<&'static str> {
    match kind {
        ContractKindName::Prepaid => Some("prepaid"),
        ContractKindName::Reserved => Some("reserved"),
        ContractKindName::Metered | ContractKindName::Grant => None,
    }
}

pub fn contract_of(contract: &Contract) -> ContractOf {
    ContractOf {
        id: contract.id,
        number: contract.number.clone(),
        commitment: commitment(contract.kind.name()),
    }
}

/// The charges of a contract in a month. Their billed costs add up to what its statement bills.
pub fn charges(
    tx: &Tx,
    contract: &Contract,
    account: &Account,
    span: Span<'_>,
) -> Result<Vec<Charge>, AppError> {
    let moved = rows::moved(tx, span.zone, contract.id, (span.from, span.until))?;
    let mut runs = Runs::of(tx, account);
    let (mut charges, mut terms) = (Vec::new(), MicroCny::ZERO);
    for (key, amounts) in moved {
        if key.cause == CauseName::Term {
            terms.0 -= amounts.money.0;
            continue;
        }
        let run = key.run.map(|run| runs.get(run)).transpose()?;
        charges.extend(charge(contract, span, key, amounts, run));
    }
    if terms != MicroCny::ZERO {
        let reserved = reserved(tx, contract, span)?;
        spread_term(contract, span, terms, reserved, &mut charges);
    }
    Ok(charges)
}

fn charge(contract: &Contract, span: Span<'_>, key: Key, moved: Moved, run: Option<RunOf>) -> Option<Charge> {
    use CauseName as C;
    let kind = contract.kind.name();
    let billed = billing::billed(kind, key.cause, moved.money);
    let (from, until) = (span.zone.day_begins(key.day), span.zone.day_begins(key.day + 1));
    let plain = |category, description, costs| Charge {
        contract: Some(contract_of(contract)),
        category,
        frequency: ChargeFrequency::OneTime,
        description,
        corrects: key.corrects,
        from: from.max(span.from),
        until: until.min(span.until),
        costs,
        run: None,
        priced: None,
        pricing: None,
        consumed: None,
        committed: None,
        statement: None,
        invoice: None,
    };
    match key.cause {
        C::Use | C::Refund | C::Waiver => {
            let description = match key.cause {
                C::Refund => "Use that was metered too far is given back",
                C::Waiver => "Use of a run that the center cut short is not charged",
                _ => "Use of accelerator cards",
            };
            let plain = plain(ChargeCategory::Usage, description, Costs::default());
            let used = Used {
                card_ms: CardMs(-moved.card_ms.0),
                drawn: MicroCny(-moved.money.0),
                billed,
                is_waived: key.cause == C::Waiver,
            };
            Some(used.of(kind, plain, run?))
        }
        C::Fee => {
            let committed = match contract.kind {
                ContractKind::Prepaid { package, .. } => Some(package),
                ContractKind::Reserved { cards, .. } => {
                    let (from, until) = (contract.starts_at.max(from), contract.ends_at);
                    Some(CardMs(until.since(from).0.max(0).saturating_mul(cards.into())))
                }
                ContractKind::Metered { .. } | ContractKind::Grant { .. } => None,
            };
            let costs = Costs { effective: MicroCny::ZERO, ..Costs::alike(billed) };
            Some(Charge {
                priced: Some(Priced::Whole(billed)),
                pricing: Some(PricingCategory::Standard),
                committed: Some(Committed { quantity: committed, status: None }),
                ..plain(ChargeCategory::Purchase, "Fee of the contract", costs)
            })
        }
        C::FeeCancelled => {
            let costs = Costs { effective: MicroCny::ZERO, ..Costs::alike(billed) };
            let text = "The part of the fee that is due no more";
            Some(plain(ChargeCategory::Adjustment, text, costs))
        }
        C::CreditNote => {
            Some(plain(ChargeCategory::Credit, "Less is charged than was", Costs::alike(billed)))
        }
        C::Allowance => {
            Some(plain(ChargeCategory::Adjustment, "The center does without a charge", Costs::alike(billed)))
        }
        C::Redemption => {
            Some(plain(ChargeCategory::Credit, "A voucher's share of the charges", Costs::alike(billed)))
        }
        C::RedemptionReversal => {
            let text = "What a voucher paid is taken back with its charge";
            Some(plain(ChargeCategory::Credit, text, Costs::alike(billed)))
        }
        C::Forfeiture if commitment(kind).is_some() => {
            let text = "Left of the package when its term ended";
            let costs = Costs::default();
            let plain = plain(ChargeCategory::Usage, text, costs);
            Some(unused(plain, MicroCny(-moved.money.0), CardMs(-moved.card_ms.0)))
        }
        // What is paid in or out is no charge, nor is a debt that is given up; a term is spread over the use of its month.
        C::Forfeiture
        | C::Term
        | C::TopUp
        | C::Package
        | C::Reversal
        | C::PayOut
        | C::Transfer
        | C::WriteOff
        | C::Funding
        | C::Issue
        | C::Return
        | C::Reimbursement
        | C::Recovery => None,
    }
}

/// The use of a run on a day, or what is given back of it.
struct Used {
    card_ms: CardMs,
    /// The money that left the contract's account for it.
    drawn: MicroCny,
    billed: MicroCny,
    is_waived: bool,
}

impl Used {
    fn of(self, kind: ContractKindName, plain: Charge, run: RunOf) -> Charge {
        let Self { card_ms, drawn, billed, is_waived } = self;
        let is_metered = kind == ContractKindName::Metered;
        let is_listed = is_metered && run.list_rate == run.rate;
        let list = if is_listed { drawn } else { run.list_rate.charge(card_ms).unwrap_or_default() };
        let is_committed = commitment(kind).is_some();
        // What is covered by a commitment or a grant would have cost its list price; nobody negotiated another.
        let (rate, contracted) = if is_metered { (run.rate, drawn) } else { (run.list_rate, list) };
        let effective = match kind {
            ContractKindName::Metered | ContractKindName::Prepaid => drawn,
            // That of a reservation is its part of the term.
            ContractKindName::Reserved | ContractKindName::Grant => MicroCny::ZERO,
        };
        let priced = if is_waived {
            Priced::Waived(MicroCny(-contracted.0))
        } else {
            Priced::CardTime { used: card_ms, contracted: rate }
        };
        Charge {
            frequency: ChargeFrequency::UsageBased,
            // A waiver is priced as it is charged.
            costs: Costs { billed, contracted, effective, list: if is_waived { contracted } else { list } },
            priced: Some(priced),
            pricing: Some(if is_committed { PricingCategory::Committed } else { PricingCategory::Standard }),
            consumed: Some(card_ms),
            committed: is_committed
                .then_some(Committed { quantity: Some(card_ms), status: Some(CommitmentStatus::Used) }),
            run: Some(run),
            ..plain
        }
    }
}

/// The part of a commitment that served nobody.
fn unused(plain: Charge, amount: MicroCny, left: CardMs) -> Charge {
    Charge {
        frequency: ChargeFrequency::UsageBased,
        costs: Costs { billed: MicroCny::ZERO, ..Costs::alike(amount) },
        priced: Some(Priced::Whole(amount)),
        pricing: Some(PricingCategory::Committed),
        committed: Some(Committed { quantity: Some(left), status: Some(CommitmentStatus::Unused) }),
        ..plain
    }
}

/// Spreads what a month of a reservation's term earned over the use of the month; the rest is a row of its own.
fn spread_term(
    contract: &Contract,
    span: Span<'_>,
    term: MicroCny,
    reserved: CardMs,
    charges: &mut Vec<Charge>,
) {
    let is_of_month = |charge: &&mut Charge| charge.consumed.is_some() && charge.corrects.is_none();
    let uses: Vec<CardMs> =
        charges.iter_mut().filter(is_of_month).filter_map(|charge| charge.consumed).collect();
    let (shares, rest) = spread(term, reserved, &uses);
    for (charge, share) in charges.iter_mut().filter(is_of_month).zip(shares) {
        charge.costs.effective = share;
    }
    let left = CardMs((reserved.0 - uses.iter().map(|used| used.0).sum::<i64>()).max(0));
    let plain = Charge {
        contract: Some(contract_of(contract)),
        category: ChargeCategory::Usage,
        frequency: ChargeFrequency::UsageBased,
        description: "Cards that were kept and not used",
        corrects: None,
        from: span.from,
        until: span.until,
        costs: Costs::default(),
        run: None,
        priced: None,
        pricing: None,
        consumed: None,
        committed: None,
        statement: None,
        invoice: None,
    };
    charges.push(unused(plain, rest, left));
}

/// The card time that a reservation kept in a month, by the versions of its terms.
fn reserved(tx: &Tx, contract: &Contract, span: Span<'_>) -> Result<CardMs, AppError> {
    let Some(course) = contracts::course(tx, contract)? else { return Ok(CardMs::ZERO) };
    let versions = amendments::list_versions(tx, contract.id)?;
    let mut kept = 0_i64;
    for (place, version) in versions.iter().enumerate() {
        let ContractKind::Reserved { cards, .. } = version.kind else { continue };
        let next = versions.get(place + 1).map_or(course.until(), |next| next.from_at.min(course.until()));
        let from = version.from_at.max(course.from()).max(span.from);
        let until = next.min(span.until);
        kept = kept.saturating_add(until.since(from).0.max(0).saturating_mul(cards.into()));
    }
    Ok(CardMs(kept))
}

/// The row by which the sum of an invoice's rows is the amount of the invoice.
pub fn rounding(invoice: &store::invoices::Invoice, span: Span<'_>) -> Option<Charge> {
    let amounts = billing::InvoiceAmounts {
        billed: invoice.billed_micro_cny,
        amount_fen: invoice.amount_fen,
        tax_fen: invoice.tax_fen,
    };
    let rounding = amounts.rounding();
    (rounding != MicroCny::ZERO).then(|| Charge {
        contract: None,
        category: ChargeCategory::Adjustment,
        frequency: ChargeFrequency::OneTime,
        description: "The invoice is rounded to the fen",
        corrects: None,
        from: span.from,
        until: span.until,
        costs: Costs::alike(rounding),
        run: None,
        priced: None,
        pricing: None,
        consumed: None,
        committed: None,
        statement: None,
        invoice: Some(invoice.number.clone()),
    })
}

/// The months of statements that are in an issued invoice, with its number.
pub fn invoiced(tx: &Tx, month: Month) -> Result<Vec<(String, String)>, AppError> {
    let found = store::invoices::of_month(tx, month)?.into_iter();
    Ok(found.filter(|one| !one.number.is_empty()).map(|one| (one.statement, one.number)).collect())
}

#[cfg(test)]
mod tests;
