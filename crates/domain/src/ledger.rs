//! The ledger 账本: append-only, double-entry, in integers.
//!
//! A transfer moves one amount in one unit from the account that it debits to the account that it credits, so
//! each entry balances by its shape. Its key is unique: posting twice is posting once. An account's balance
//! is the sum of its credits less the sum of its debits.

pub mod billing;

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    CardMs, ContractId, MicroCny, Month, ProgrammeId, RunId, Timestamp, TransferId, VoucherId, codes,
    voucher::VoucherCause,
};

/// A place between which amounts are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "account", content = "contract", rename_all = "snake_case")]
pub enum Account {
    /// Money that came in from outside.
    Cash,
    /// Fees that are due and not paid yet.
    Receivable,
    /// Money that the center has earned by use that it delivered.
    Revenue,
    /// Money that the center has earned by cards that it kept for somebody over a term.
    TermRevenue,
    /// Money that was left of packages when their term ended.
    Forfeited,
    /// Debts that nobody will pay any more.
    WrittenOff,
    /// Card time that the center has promised in packages and grants.
    Capacity,
    /// Card time that the center has delivered.
    Delivered,
    /// Card time that was delivered and money that was earned, and that the center does without.
    Waived,
    /// Money that authorities have put into the pots of their voucher programmes.
    Pledged,
    /// Money of vouchers that the authorities paid to tenants themselves.
    Reimbursed,
    /// The account of a contract: the amounts that it was given, less those that it has used.
    Contract(ContractId),
    /// The pot of a voucher programme: what is neither committed nor spent. Never below zero.
    Pot(ProgrammeId),
    /// What a voucher still has of its face. Never below zero.
    Voucher(VoucherId),
}

impl Account {
    /// The center's own accounts.
    pub const OF_CENTER: [Self; 11] = [
        Self::Cash,
        Self::Receivable,
        Self::Revenue,
        Self::TermRevenue,
        Self::Forfeited,
        Self::WrittenOff,
        Self::Capacity,
        Self::Delivered,
        Self::Waived,
        Self::Pledged,
        Self::Reimbursed,
    ];

    /// The code by which it is kept and told. Those of all contracts have one; a pot's and a voucher's have its id.
    pub fn code(&self) -> Cow<'static, str> {
        let name = self.name().code();
        match self.owner() {
            Some(owner) => Cow::Owned(format!("{name}:{owner}")),
            None => Cow::Borrowed(name),
        }
    }

    /// The programme or the voucher whose account it is.
    pub fn owner(&self) -> Option<String> {
        match self {
            Self::Pot(programme) => Some(programme.to_string()),
            Self::Voucher(voucher) => Some(voucher.to_string()),
            _ => None,
        }
    }

    pub fn name(&self) -> AccountName {
        match self {
            Self::Cash => AccountName::Cash,
            Self::Receivable => AccountName::Receivable,
            Self::Revenue => AccountName::Revenue,
            Self::TermRevenue => AccountName::TermRevenue,
            Self::Forfeited => AccountName::Forfeited,
            Self::WrittenOff => AccountName::WrittenOff,
            Self::Capacity => AccountName::Capacity,
            Self::Delivered => AccountName::Delivered,
            Self::Waived => AccountName::Waived,
            Self::Pledged => AccountName::Pledged,
            Self::Reimbursed => AccountName::Reimbursed,
            Self::Contract(_) => AccountName::Contract,
            Self::Pot(_) => AccountName::Pot,
            Self::Voucher(_) => AccountName::Voucher,
        }
    }

    /// The contract whose account it is.
    pub fn contract(&self) -> Option<ContractId> {
        match self {
            Self::Contract(contract) => Some(*contract),
            _ => None,
        }
    }

    /// The account that is kept under this code and is no contract's.
    pub fn of_code(code: &str) -> Option<Self> {
        match code.split_once(':') {
            Some(("pot", id)) => id.parse().ok().map(Self::Pot),
            Some(("voucher", id)) => id.parse().ok().map(Self::Voucher),
            Some(_) => None,
            None => Self::OF_CENTER.into_iter().find(|account| account.name().code() == code),
        }
    }
}

impl fmt::Display for Account {
    /// The contract's id, or the code of another account.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(contract) => write!(f, "{contract}"),
            other => f.write_str(&other.code()),
        }
    }
}

codes! {
    /// The accounts by name: those of all contracts have one.
    pub enum AccountName {
        Contract = "contract",
        Cash = "cash",
        Receivable = "receivable",
        Revenue = "revenue",
        TermRevenue = "term_revenue",
        Forfeited = "forfeited",
        WrittenOff = "written_off",
        Waived = "waived",
        Capacity = "capacity",
        Delivered = "delivered",
        Pledged = "pledged",
        Pot = "pot",
        Voucher = "voucher",
        Reimbursed = "reimbursed",
    }

    /// The thing that an amount counts.
    pub enum Unit {
        CardMs = "card_ms",
        MicroCny = "micro_cny",
    }
}

impl Unit {
    /// An amount as people read it, to the last part: in yuan, or in card-hours.
    pub fn exact(self, amount: i64) -> String {
        match self {
            Self::CardMs => CardMs(amount).exact(),
            Self::MicroCny => MicroCny(amount).exact(),
        }
    }
}

/// An entry of the ledger. Its `amount` is above zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    pub id: TransferId,
    pub key: String,
    pub at: Timestamp,
    pub unit: Unit,
    pub debit: Account,
    pub credit: Account,
    pub amount: i64,
    pub cause: Cause,
    /// The closed period that the entry corrects.
    pub corrects: Option<Month>,
}

codes! {
    /// An entry by which people put right what was booked.
    pub enum CorrectionKind {
        /// A payment that was booked by mistake is taken back.
        Reversal = "reversal",
        /// Money that was paid in goes back to who paid it.
        PayOut = "pay_out",
        /// Less is charged than was: a red-letter entry.
        CreditNote = "credit_note",
        /// Money goes from one contract to another.
        Transfer = "transfer",
        /// The center does without a charge.
        Allowance = "allowance",
        /// A debt is given up.
        WriteOff = "write_off",
    }
}

codes! {
    /// The reason for an entry.
    pub enum CauseName {
        TopUp = "top_up",
        Package = "package",
        Fee = "fee",
        Term = "term",
        Forfeiture = "forfeiture",
        FeeCancelled = "fee_cancelled",
        Use = "use",
        Refund = "refund",
        Waiver = "waiver",
        Reversal = "reversal",
        PayOut = "pay_out",
        CreditNote = "credit_note",
        Transfer = "transfer",
        Allowance = "allowance",
        WriteOff = "write_off",
        Funding = "funding",
        Issue = "issue",
        Return = "return",
        Redemption = "redemption",
        RedemptionReversal = "redemption_reversal",
        Reimbursement = "reimbursement",
        Recovery = "recovery",
    }
}

/// Why an entry was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", content = "of", rename_all = "snake_case")]
pub enum Cause {
    /// Money was paid in.
    TopUp,
    /// The card time of a package or grant.
    Package,
    /// The fee of a package or of reserved cards is due.
    Fee,
    /// A part of the fee of reserved cards is earned, as that part of the term has passed.
    Term,
    /// The rest of a package or grant goes to the center when it has ended.
    Forfeiture,
    /// The part of a fee that was neither earned nor paid when people ended the contract is due no more.
    FeeCancelled,
    /// The use of a run.
    Use(RunId),
    /// Use that was metered beyond a run's end is given back.
    Refund(RunId),
    /// Use of a run that the center cut short is not charged.
    Waiver(RunId),
    Correction(CorrectionKind),
    /// A voucher's money moved.
    Voucher(VoucherCause),
}

impl Cause {
    /// The code by which it is kept.
    pub fn code(self) -> &'static str {
        self.name().code()
    }

    pub fn name(self) -> CauseName {
        match self {
            Self::TopUp => CauseName::TopUp,
            Self::Package => CauseName::Package,
            Self::Fee => CauseName::Fee,
            Self::Term => CauseName::Term,
            Self::Forfeiture => CauseName::Forfeiture,
            Self::FeeCancelled => CauseName::FeeCancelled,
            Self::Use(_) => CauseName::Use,
            Self::Refund(_) => CauseName::Refund,
            Self::Waiver(_) => CauseName::Waiver,
            Self::Correction(kind) => match kind {
                CorrectionKind::Reversal => CauseName::Reversal,
                CorrectionKind::PayOut => CauseName::PayOut,
                CorrectionKind::CreditNote => CauseName::CreditNote,
                CorrectionKind::Transfer => CauseName::Transfer,
                CorrectionKind::Allowance => CauseName::Allowance,
                CorrectionKind::WriteOff => CauseName::WriteOff,
            },
            Self::Voucher(cause) => match cause {
                VoucherCause::Funding => CauseName::Funding,
                VoucherCause::Issue => CauseName::Issue,
                VoucherCause::Return => CauseName::Return,
                VoucherCause::Redemption => CauseName::Redemption,
                VoucherCause::RedemptionReversal => CauseName::RedemptionReversal,
                VoucherCause::Reimbursement => CauseName::Reimbursement,
                VoucherCause::Recovery => CauseName::Recovery,
            },
        }
    }

    /// The run that it names.
    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::Use(run) | Self::Refund(run) | Self::Waiver(run) => Some(run),
            _ => None,
        }
    }

    /// The cause with this code, and this run where it names one.
    pub fn from_code(code: &str, run: Option<RunId>) -> Option<Self> {
        Some(match (code, run) {
            ("top_up", None) => Self::TopUp,
            ("package", None) => Self::Package,
            ("fee", None) => Self::Fee,
            ("term", None) => Self::Term,
            ("forfeiture", None) => Self::Forfeiture,
            ("fee_cancelled", None) => Self::FeeCancelled,
            ("use", Some(run)) => Self::Use(run),
            ("refund", Some(run)) => Self::Refund(run),
            ("waiver", Some(run)) => Self::Waiver(run),
            (code, None) => match VoucherCause::from_code(code) {
                Some(cause) => Self::Voucher(cause),
                None => Self::Correction(CorrectionKind::from_code(code)?),
            },
            _ => return None,
        })
    }
}

/// An entry before it has an id and a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    pub key: String,
    pub unit: Unit,
    pub debit: Account,
    pub credit: Account,
    pub amount: i64,
    pub cause: Cause,
    pub corrects: Option<Month>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_to_the_last_part() {
        let told = |unit: Unit, amounts: [i64; 3]| amounts.map(|amount| unit.exact(amount));
        assert_eq!(
            told(Unit::MicroCny, [-1_234_567_000_001, 500_000, 0]),
            ["-1234567.000001", "0.50", "0.00"]
        );
        assert_eq!(
            told(Unit::CardMs, [-45_000_001, 3_599_999, 0]),
            ["-12:30:00.001", "0:59:59.999", "0:00:00.000"]
        );
    }

    #[test]
    fn every_account_is_found_by_its_code() {
        let own = [
            Account::Pot(ProgrammeId::from_bytes([7; 16])),
            Account::Voucher(VoucherId::from_bytes([8; 16])),
        ];
        for account in Account::OF_CENTER.into_iter().chain(own) {
            assert_eq!(Account::of_code(&account.code()), Some(account));
        }
        for wrong in ["pot", "pot:", "voucher:prg_07", "cash:1", "contract"] {
            assert_eq!(Account::of_code(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_cause_is_found_by_its_code() {
        let run = RunId::from_bytes([1; 16]);
        for name in CauseName::ALL {
            let found: Vec<Cause> =
                [None, Some(run)].into_iter().filter_map(|run| Cause::from_code(name.code(), run)).collect();
            assert_eq!(found.iter().map(|cause| cause.name()).collect::<Vec<_>>(), [name]);
        }
    }
}
