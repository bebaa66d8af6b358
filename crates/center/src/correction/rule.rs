//! Who may do what with corrections, and what each kind books.

use base::auth::Action;
use domain::{
    ContractId, MicroCny,
    contract::ContractKind,
    ledger::{Account, Cause, CorrectionKind, Posting, Unit},
};
use store::{corrections::Correction, payments::Purpose};

pub const READ: Action = Action::new("read_correction", "read_money");
pub const PROPOSE: Action = Action::new("propose_correction", "keep_money");
pub const DECIDE: Action = Action::new("decide_correction", "keep_money");

/// What stands in the books about a contract when a correction of it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub kind: ContractKind,
    /// What the contract has, less what it owes.
    pub balance: MicroCny,
    /// How much of that is a fee that nobody has paid yet.
    pub unpaid: MicroCny,
    /// What it was charged, less what was given back and corrected.
    pub charged: MicroCny,
    /// The payment that is taken back.
    pub payment: Option<(Purpose, MicroCny)>,
    /// Another reversal takes it back, or is proposed.
    pub is_reversed: bool,
}

/// Why a correction can't be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The payment that it names is none of the contract's.
    NoPayment,
    /// A payment is taken back once.
    AlreadyReversed,
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
        K::Reversal => match standing.payment {
            None => Err(Fault::NoPayment),
            Some(_) if standing.is_reversed => Err(Fault::AlreadyReversed),
            Some((_, paid)) if paid != amount => Err(Fault::NotWhole(paid)),
            Some(_) => Ok(()),
        },
        K::PayOut if correction.reference.is_empty() => Err(Fault::NoReference),
        K::PayOut | K::Transfer => at_most(MicroCny(standing.balance.0.saturating_sub(standing.unpaid.0))),
        K::CreditNote | K::Allowance => at_most(standing.charged),
        K::WriteOff => at_most(MicroCny(standing.balance.0.saturating_neg())),
    }
}

/// The entry that it books.
pub fn entry(correction: &Correction, standing: &Standing) -> Posting {
    use CorrectionKind as K;
    let own = Account::Contract(correction.contract);
    let other = Account::Contract(correction.other_contract.unwrap_or(ContractId::from_bytes([0; 16])));
    let earned = match standing.kind {
        ContractKind::Reserved { .. } => Account::TermRevenue,
        _ => Account::Revenue,
    };
    let (debit, credit) = match correction.kind {
        K::Reversal => match standing.payment {
            Some((Purpose::Fee, _)) => (Account::Receivable, Account::Cash),
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
        corrects: None,
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
        let standing = |balance: i64, charged: i64| Standing {
            kind: ContractKind::Metered { credit_limit: MicroCny(0) },
            balance: MicroCny(balance),
            unpaid: MicroCny(0),
            charged: MicroCny(charged),
            payment: Some((Purpose::Balance, MicroCny(5))),
            is_reversed: false,
        };
        for (kind, balance, charged, most) in [
            (K::Reversal, 0, 0, 5),
            (K::PayOut, 7, 0, 7),
            (K::Transfer, 7, 0, 7),
            (K::CreditNote, 0, 9, 9),
            (K::Allowance, 0, 9, 9),
            (K::WriteOff, -3, 0, 3),
        ] {
            let standing = standing(balance, charged);
            assert_eq!(check(&correction(kind, most), &standing), Ok(()), "{kind:?}");
            assert!(check(&correction(kind, most + 1), &standing).is_err(), "{kind:?}");
            let entry = entry(&correction(kind, most), &standing);
            assert!(entry.debit != entry.credit && entry.cause.code() == kind.code());
        }
        let half_paid = Standing { unpaid: MicroCny(4), ..standing(7, 0) };
        assert_eq!(check(&correction(K::PayOut, 3), &half_paid), Ok(()));
        assert_eq!(check(&correction(K::Transfer, 4), &half_paid), Err(Fault::MoreThan(MicroCny(3))));
        let nothing = Standing { payment: None, ..standing(0, 0) };
        assert_eq!(check(&correction(K::Reversal, 5), &nothing), Err(Fault::NoPayment));
        let twice = Standing { is_reversed: true, ..standing(5, 0) };
        assert_eq!(check(&correction(K::Reversal, 5), &twice), Err(Fault::AlreadyReversed));
        assert_eq!(check(&correction(K::WriteOff, 1), &standing(5, 0)), Err(Fault::MoreThan(MicroCny(0))));
        let same = Correction {
            other_contract: Some(ContractId::from_bytes([2; 16])),
            ..correction(K::Transfer, 1)
        };
        assert_eq!(check(&same, &standing(5, 0)), Err(Fault::SameContract));
        let unnamed = Correction { reference: String::new(), ..correction(K::PayOut, 1) };
        assert_eq!(check(&unnamed, &standing(5, 0)), Err(Fault::NoReference));
    }
}
