//! Who may do what with corrections, and what each kind books.

use base::{auth::Action, detail::Detail};
use domain::{
    CardMs, ContractId, MicroCny, Month,
    contract::{ContractKind, ContractState},
    ledger::{Account, Cause, CorrectionKind, Posting, Unit},
};
pub use store::corrections::CorrectionState;
use store::{corrections::Correction, payments::Purpose};

use crate::actions::{AMOUNT, NUMBER, REASON};

const KIND: Detail = Detail::word::<CorrectionKind>("kind", "cause");
const CORRECTS: Detail = Detail::text("corrects");
const STATE: Detail = Detail::word::<CorrectionState>("state", "correction-state");

pub const READ: Action = Action::new("read_correction", "read_money");
pub const PROPOSE: Action =
    Action::new("propose_correction", "keep_money").keeps(&[NUMBER, KIND, AMOUNT, CORRECTS, REASON]);
pub const DECIDE: Action =
    Action::new("decide_correction", "keep_money").keeps(&[NUMBER, KIND, AMOUNT, CORRECTS, REASON, STATE]);

/// The figures of a contract in the books, when a correction of the contract is checked.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub kind: ContractKind,
    /// The money balance of the contract; below zero where it owes.
    pub balance: MicroCny,
    /// The part of its fee that nobody has paid. It is on the balance, and no money that could leave.
    pub fee_open: MicroCny,
    /// The contract to which money is moved.
    pub other: Option<(ContractKind, ContractState)>,
    /// The charges of the contract, less the amounts waived, given back and corrected.
    pub charged: MicroCny,
    /// The subject of the correction; `None` where it names nothing of the contract's.
    pub named: Option<Named>,
    /// Another reversal takes the same payment back or is to; another pay-out has the same reference of the bank's.
    pub is_done: bool,
}

/// The subject of a correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A payment for the contract, with the card time that was booked with it.
    Payment(Purpose, MicroCny, CardMs),
    /// A run, an entry or a month, with what is left of what it was charged.
    Charge { left: MicroCny },
    /// The contract as a whole.
    Whole,
}

/// Why a correction can't be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The payment that it names is none of the contract's.
    NoPayment,
    /// The subject is nothing of the contract's.
    NamesNothing,
    /// A payment is taken back once.
    AlreadyReversed,
    /// A reference of the bank's pays out once.
    AlreadyPaidOut,
    /// A payment is taken back whole.
    NotWhole(MicroCny),
    /// There is no more than this.
    MoreThan(MicroCny),
    NoOtherContract,
    SameContract,
    /// Money is moved to a metered contract between its approval and its end: no other could use it.
    TakesNoMoney,
    /// Money that leaves has a reference of the bank's.
    NoReference,
}

/// Refuses a correction that takes or gives more than there is.
pub fn check(correction: &Correction, standing: &Standing) -> Result<(), Fault> {
    use CorrectionKind as K;
    let amount = correction.amount_micro_cny;
    let at_most = |most: MicroCny| {
        if amount.0 <= most.0.max(0) { Ok(()) } else { Err(Fault::MoreThan(MicroCny(most.0.max(0)))) }
    };
    let is_other_named = correction.other_contract.is_some();
    match correction.kind {
        K::Transfer if correction.other_contract == Some(correction.contract) => Err(Fault::SameContract),
        K::Transfer if !is_other_named => Err(Fault::NoOtherContract),
        K::Reversal => match standing.named {
            Some(Named::Payment(..)) if standing.is_done => Err(Fault::AlreadyReversed),
            Some(Named::Payment(_, paid, _)) if paid != amount => Err(Fault::NotWhole(paid)),
            Some(Named::Payment(..)) => Ok(()),
            _ => Err(Fault::NoPayment),
        },
        _ if standing.named.is_none() => Err(Fault::NamesNothing),
        K::PayOut if correction.reference.is_empty() => Err(Fault::NoReference),
        K::PayOut if standing.is_done => Err(Fault::AlreadyPaidOut),
        K::Transfer if !takes_money(standing.other) => Err(Fault::TakesNoMoney),
        K::PayOut | K::Transfer => at_most(MicroCny(standing.balance.0.saturating_sub(standing.fee_open.0))),
        K::CreditNote | K::Allowance => match standing.named {
            Some(Named::Charge { left }) => at_most(left.min(standing.charged)),
            _ => Err(Fault::NamesNothing),
        },
        K::WriteOff => at_most(MicroCny(standing.balance.0.saturating_neg())),
    }
}

fn takes_money(other: Option<(ContractKind, ContractState)>) -> bool {
    matches!(other, Some((ContractKind::Metered { .. }, state)) if state.takes_money())
}

/// The entries that a correction books; one, but where a payment with card time is reversed. `month` is the closed month to
/// which its subject belongs.
pub fn entries(correction: &Correction, standing: &Standing, month: Option<Month>) -> Vec<Posting> {
    use CorrectionKind as K;
    let own = Account::Contract(correction.contract);
    let other = Account::Contract(correction.other_contract.unwrap_or(ContractId::from_bytes([0; 16])));
    let earned = match standing.kind {
        ContractKind::Reserved { .. } => Account::TermRevenue,
        _ => Account::Revenue,
    };
    let (debit, credit) = match correction.kind {
        K::Reversal => match standing.named {
            Some(Named::Payment(Purpose::Fee, ..)) => (Account::Receivable, Account::Cash),
            _ => (own, Account::Cash),
        },
        K::PayOut => (own, Account::Cash),
        K::Transfer => (own, other),
        K::CreditNote => (earned, own),
        K::Allowance => (Account::Waived, own),
        K::WriteOff => (Account::WrittenOff, own),
    };
    let time = match (correction.kind, standing.named) {
        (K::Reversal, Some(Named::Payment(_, _, card_ms))) => card_ms,
        _ => CardMs(0),
    };
    let id = correction.id;
    let money = (id.to_string(), Unit::MicroCny, debit, credit, correction.amount_micro_cny.0);
    let time = (format!("{id}/time"), Unit::CardMs, own, Account::Capacity, time.0);
    let posting = |(key, unit, debit, credit, amount)| {
        let cause = Cause::Correction(correction.kind);
        Posting { key, unit, debit, credit, amount, cause, corrects: month }
    };
    [money, time].into_iter().map(posting).filter(|posting| posting.amount > 0).collect()
}

#[cfg(test)]
mod tests {
    use domain::{CorrectionId, MemberId, Timestamp};

    use super::*;

    fn correction(kind: CorrectionKind, amount: i64) -> Correction {
        Correction {
            id: CorrectionId::from_bytes([1; 16]),
            kind,
            contract: ContractId::from_bytes([2; 16]),
            other_contract: (kind == CorrectionKind::Transfer).then(|| ContractId::from_bytes([3; 16])),
            amount_micro_cny: MicroCny(amount),
            corrects: "icbc-1".into(),
            reason: "typed twice".into(),
            reference: if kind == CorrectionKind::PayOut { "icbc-2".into() } else { String::new() },
            state: CorrectionState::Proposed,
            proposed_by: MemberId::from_bytes([4; 16]),
            proposed_at: Timestamp::default(),
            decided_by: None,
            decided_at: None,
            note: String::new(),
        }
    }

    #[test]
    fn none_takes_or_gives_more_than_there_is() {
        use CorrectionKind as K;
        let payment = Some(Named::Payment(Purpose::Balance, MicroCny(5), CardMs(0)));
        let charge = |left: i64| Some(Named::Charge { left: MicroCny(left) });
        let standing = |balance: i64, charged: i64, named| Standing {
            kind: ContractKind::Metered { credit_limit: MicroCny(0) },
            balance: MicroCny(balance),
            fee_open: MicroCny(0),
            other: Some((ContractKind::Metered { credit_limit: MicroCny(0) }, ContractState::Exhausted)),
            charged: MicroCny(charged),
            named,
            is_done: false,
        };
        for (kind, balance, charged, named, most) in [
            (K::Reversal, 0, 0, payment, 5),
            (K::PayOut, 7, 0, payment, 7),
            (K::Transfer, 7, 0, Some(Named::Whole), 7),
            (K::CreditNote, 0, 9, charge(20), 9),
            (K::CreditNote, 0, 9, charge(4), 4),
            (K::Allowance, 0, 9, charge(9), 9),
            (K::WriteOff, -3, 0, charge(0), 3),
        ] {
            let standing = standing(balance, charged, named);
            assert_eq!(check(&correction(kind, most), &standing), Ok(()), "{kind:?}");
            assert!(check(&correction(kind, most + 1), &standing).is_err(), "{kind:?}");
            let entries = entries(&correction(kind, most), &standing, None);
            assert_eq!(entries.len(), 1);
            assert!(entries[0].debit != entries[0].credit && entries[0].cause.code() == kind.code());
            let nothing = Standing { named: None, ..standing };
            let fault = if kind == K::Reversal { Fault::NoPayment } else { Fault::NamesNothing };
            assert_eq!(check(&correction(kind, most), &nothing), Err(fault), "{kind:?}");
        }
        let whole = standing(0, 9, Some(Named::Whole));
        assert_eq!(check(&correction(K::CreditNote, 1), &whole), Err(Fault::NamesNothing), "no charge");
        let twice = Standing { is_done: true, ..standing(5, 0, payment) };
        assert_eq!(check(&correction(K::Reversal, 5), &twice), Err(Fault::AlreadyReversed));
        assert_eq!(check(&correction(K::PayOut, 5), &twice), Err(Fault::AlreadyPaidOut));
        let owed_nothing = standing(5, 0, charge(0));
        assert_eq!(check(&correction(K::WriteOff, 1), &owed_nothing), Err(Fault::MoreThan(MicroCny(0))));
        let same = Correction {
            other_contract: Some(ContractId::from_bytes([2; 16])),
            ..correction(K::Transfer, 1)
        };
        assert_eq!(check(&same, &owed_nothing), Err(Fault::SameContract));
        let unnamed = Correction { reference: String::new(), ..correction(K::PayOut, 1) };
        assert_eq!(check(&unnamed, &owed_nothing), Err(Fault::NoReference));
        let month = "2026-10".parse().ok();
        assert_eq!(entries(&correction(K::CreditNote, 1), &owed_nothing, month)[0].corrects, month);
    }

    #[test]
    fn a_fee_that_nobody_paid_can_not_leave() {
        use CorrectionKind as K;
        let standing = |balance: i64, open: i64, other| Standing {
            kind: ContractKind::Reserved { cards: 1, fee: MicroCny(10) },
            balance: MicroCny(balance),
            fee_open: MicroCny(open),
            other,
            charged: MicroCny(0),
            named: Some(Named::Whole),
            is_done: false,
        };
        let metered = |state| Some((ContractKind::Metered { credit_limit: MicroCny(0) }, state));
        let active = metered(ContractState::Active);
        for kind in [K::PayOut, K::Transfer] {
            for (balance, open, most) in [(10, 10, 0), (10, 4, 6), (3, 10, 0), (10, 0, 10)] {
                let standing = standing(balance, open, active);
                assert_eq!(
                    check(&correction(kind, most + 1), &standing),
                    Err(Fault::MoreThan(MicroCny(most)))
                );
            }
        }
        let grant = Some((ContractKind::Grant { cap: None }, ContractState::Active));
        for other in [grant, metered(ContractState::Draft), metered(ContractState::Terminated), None] {
            let fault = check(&correction(K::Transfer, 1), &standing(9, 0, other));
            assert_eq!(fault, Err(Fault::TakesNoMoney), "{other:?}");
        }
    }

    #[test]
    fn card_time_that_was_booked_with_a_payment_goes_with_it() {
        let standing = |money: i64| Standing {
            kind: ContractKind::Prepaid { package: CardMs(9), fee: MicroCny(9) },
            balance: MicroCny(9),
            fee_open: MicroCny(0),
            other: None,
            charged: MicroCny(0),
            named: Some(Named::Payment(Purpose::Balance, MicroCny(money), CardMs(7))),
            is_done: false,
        };
        for money in [0, 5] {
            let reversal = correction(CorrectionKind::Reversal, money);
            assert_eq!(check(&reversal, &standing(money)), Ok(()));
            let entries = entries(&reversal, &standing(money), None);
            let moved: Vec<_> = entries.iter().map(|entry| (entry.unit, entry.amount)).collect();
            let both = [(Unit::MicroCny, 5), (Unit::CardMs, 7)];
            assert_eq!(moved, both[usize::from(money == 0)..]);
        }
    }
}
