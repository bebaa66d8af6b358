//! Who may do what with corrections, and what each kind books.

use base::auth::Action;
use domain::{
    ContractId, MicroCny, Month,
    contract::ContractKind,
    ledger::{Account, Cause, CorrectionKind, Posting, Unit},
};
use store::{corrections::Correction, payments::Purpose};

pub const READ: Action = Action::new("read_correction", "read_money");
pub const PROPOSE: Action = Action::new("propose_correction", "keep_money");
pub const DECIDE: Action = Action::new("decide_correction", "keep_money");

/// The figures of a contract in the books, when a correction of the contract is checked.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub kind: ContractKind,
    /// The money balance of the contract; below zero where it owes.
    pub balance: MicroCny,
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
    /// A payment for the contract.
    Payment(Purpose, MicroCny),
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
            Some(Named::Payment(_, paid)) if paid != amount => Err(Fault::NotWhole(paid)),
            Some(Named::Payment(..)) => Ok(()),
            _ => Err(Fault::NoPayment),
        },
        _ if standing.named.is_none() => Err(Fault::NamesNothing),
        K::PayOut if correction.reference.is_empty() => Err(Fault::NoReference),
        K::PayOut if standing.is_done => Err(Fault::AlreadyPaidOut),
        K::PayOut | K::Transfer => at_most(standing.balance),
        K::CreditNote | K::Allowance => match standing.named {
            Some(Named::Charge { left }) => at_most(left.min(standing.charged)),
            _ => Err(Fault::NamesNothing),
        },
        K::WriteOff => at_most(MicroCny(standing.balance.0.saturating_neg())),
    }
}

/// The entry that it books. `month` is the closed month to which belongs what is put right.
pub fn entry(correction: &Correction, standing: &Standing, month: Option<Month>) -> Posting {
    use CorrectionKind as K;
    let own = Account::Contract(correction.contract);
    let other = Account::Contract(correction.other_contract.unwrap_or(ContractId::from_bytes([0; 16])));
    let earned = match standing.kind {
        ContractKind::Reserved { .. } => Account::TermRevenue,
        _ => Account::Revenue,
    };
    let (debit, credit) = match correction.kind {
        K::Reversal => match standing.named {
            Some(Named::Payment(Purpose::Fee, _)) => (Account::Receivable, Account::Cash),
            _ => (own, Account::Cash),
        },
        K::PayOut => (own, Account::Cash),
        K::Transfer => (own, other),
        K::CreditNote => (earned, own),
        K::Allowance => (Account::Waived, own),
        K::WriteOff => (Account::WrittenOff, own),
    };
    Posting {
        key: correction.id.to_string(),
        unit: Unit::MicroCny,
        debit,
        credit,
        amount: correction.amount_micro_cny.0,
        cause: Cause::Correction(correction.kind),
        corrects: month,
    }
}

#[cfg(test)]
mod tests {
    use domain::{CorrectionId, MemberId, Timestamp};
    use store::corrections::CorrectionState;

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
        let payment = Some(Named::Payment(Purpose::Balance, MicroCny(5)));
        let charge = |left: i64| Some(Named::Charge { left: MicroCny(left) });
        let standing = |balance: i64, charged: i64, named| Standing {
            kind: ContractKind::Metered { credit_limit: MicroCny(0) },
            balance: MicroCny(balance),
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
            let entry = entry(&correction(kind, most), &standing, None);
            assert!(entry.debit != entry.credit && entry.cause.code() == kind.code());
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
        assert_eq!(entry(&correction(K::CreditNote, 1), &owed_nothing, month).corrects, month);
    }
}
