//! Sums of transfers: kept ones, carried forward now and then, and those of the few transfers since.

use std::{collections::BTreeMap, ops::ControlFlow};

use domain::{
    CardMs, ContractId, MicroCny, Month, Timestamp,
    ledger::{Account, Cause, Unit},
};

use super::rows::{AccountColumns, account, transfer_columns};
use crate::db::{StoreError, Tx, params, statements};

/// How many transfers are between two carryings forward.
const CHECKPOINT_EVERY: i64 = 256;

statements! { "transfers";
    UPTO = "SELECT upto_seq FROM ledger_checkpoint WHERE id = 1";
    SET_UPTO = "UPDATE ledger_checkpoint SET upto_seq = ?1 WHERE id = 1";
    SINCE = concat!("SELECT ", transfer_columns!(), " FROM transfers WHERE seq > ?1 ORDER BY seq");
    MOVED = "SELECT CAST(COALESCE(SUM(CASE WHEN debit_contract = ?1 THEN amount ELSE -amount END), 0) AS BIGINT) FROM \
             transfers WHERE unit = 'micro_cny' AND ((debit_contract = ?1 AND credit = ?2) OR \
             (credit_contract = ?1 AND debit = ?2)) \
             AND (?3 IS NULL OR corrects = ?3 OR (corrects IS NULL AND at >= ?4 AND at < ?5))";
    OF_CAUSE = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM transfers \
                WHERE debit_contract = ?1 AND cause = ?2 AND unit = ?3";
    CORRECTED = "SELECT CAST(COALESCE(SUM(CASE WHEN credit_contract = ?1 THEN amount ELSE -amount END), 0) AS BIGINT) \
                 FROM transfers WHERE unit = 'micro_cny' AND at >= ?2 AND (debit_contract = ?1 OR credit_contract = ?1) \
                 AND cause IN ('reversal', 'pay_out', 'credit_note', 'transfer', 'allowance', 'write_off')";
    CARRY = "INSERT INTO ledger_sums (account, contract, unit, debits, credits) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (account, contract, unit) DO UPDATE SET debits = ledger_sums.debits + excluded.debits, \
             credits = ledger_sums.credits + excluded.credits";
    SUMS = "SELECT account, contract, unit, debits, credits FROM ledger_sums";
    SUM_OF = "SELECT account, debits, credits FROM ledger_sums WHERE account = ?1 AND contract = ?2 AND unit = ?3";
}

/// The sums of all debits and of all credits of an account in one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub debits: i64,
    pub credits: i64,
}

impl Sums {
    fn balance(self) -> i64 {
        self.credits - self.debits
    }

    fn add(&mut self, more: Self) {
        self.debits += more.debits;
        self.credits += more.credits;
    }
}

pub(super) type SumsByAccount = BTreeMap<(Account, Unit), Sums>;

/// The balances of a contract's two accounts: credits less debits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContractBalance {
    pub use_balance: CardMs,
    pub money_balance: MicroCny,
}

/// Credits less debits of an account.
pub fn balance(tx: &Tx, account: Account, unit: Unit) -> Result<i64, StoreError> {
    let kept =
        tx.find(SUM_OF, params![account.code().as_ref(), contract_of(&account), unit.code()], |row| {
            Ok(Sums { debits: row.get(1)?, credits: row.get(2)? })
        })?;
    let mut sums = kept.unwrap_or_default();
    if let Some(more) = since_checkpoint(tx)?.get(&(account, unit)) {
        sums.add(*more);
    }
    Ok(sums.balance())
}

/// How much money went from a contract to an account of the center, less what came back from there: in all, or what
/// belongs to a month of these bounds.
pub fn moved_between(
    tx: &Tx,
    contract: ContractId,
    center: Account,
    of: Option<(Month, Timestamp, Timestamp)>,
) -> Result<i64, StoreError> {
    let (month, from, until) = match of {
        Some((month, from, until)) => (Some(month.to_string()), from, until),
        None => (None, Timestamp::default(), Timestamp::default()),
    };
    tx.one(MOVED, params![&contract, center.code().as_ref(), month.as_deref(), from, until], |row| row.get(0))
}

/// How much left a contract's account for a cause that names no run.
pub fn sum_of_cause(tx: &Tx, contract: ContractId, cause: Cause, unit: Unit) -> Result<i64, StoreError> {
    tx.one(OF_CAUSE, params![&contract, cause.code(), unit.code()], |row| row.get(0))
}

/// How much money corrections of an instant or later gave to a contract, less what they took.
pub fn corrected_since(tx: &Tx, contract: ContractId, since: Timestamp) -> Result<i64, StoreError> {
    tx.one(CORRECTED, params![&contract, since], |row| row.get(0))
}

/// The balances of all contracts that have transfers.
pub fn balances_of_contracts(tx: &Tx) -> Result<BTreeMap<ContractId, ContractBalance>, StoreError> {
    let mut balances: BTreeMap<ContractId, ContractBalance> = BTreeMap::new();
    for ((account, unit), sums) in kept_and_since(tx)? {
        if let Account::Contract(contract) = account {
            let balance = balances.entry(contract).or_default();
            match unit {
                Unit::CardMs => balance.use_balance = CardMs(sums.balance()),
                Unit::MicroCny => balance.money_balance = MicroCny(sums.balance()),
            }
        }
    }
    Ok(balances)
}

/// The sums moved out of and into an account since its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turnover {
    pub account: Account,
    pub unit: Unit,
    pub debits: i64,
    pub credits: i64,
}

/// The turnover of the center's own accounts, of those that have any.
pub fn turnovers_of_center(tx: &Tx) -> Result<Vec<Turnover>, StoreError> {
    let all = kept_and_since(tx)?.into_iter();
    let of_center = all.filter(|((account, _), _)| !matches!(account, Account::Contract(_)));
    let turnover = |((account, unit), Sums { debits, credits })| Turnover { account, unit, debits, credits };
    Ok(of_center.map(turnover).collect())
}

/// The sums of every account: the kept ones and those of the transfers since.
pub(super) fn kept_and_since(tx: &Tx) -> Result<SumsByAccount, StoreError> {
    let mut all = since_checkpoint(tx)?;
    for (key, kept) in kept_sums(tx)? {
        all.entry(key).or_default().add(kept);
    }
    Ok(all)
}

/// Carries the sums forward if the transfer with this number is one after which that is due.
pub(super) fn carry_forward_after(tx: &Tx, seq: i64) -> Result<(), StoreError> {
    if seq % CHECKPOINT_EVERY != 0 {
        return Ok(());
    }
    let (sums, last) = add_up(tx, checkpoint(tx)?)?;
    for ((account, unit), sums) in &sums {
        let (name, own) = (account.code(), contract_of(account));
        let row = params![name.as_ref(), own, unit.code(), sums.debits, sums.credits];
        tx.execute(CARRY, row)?;
    }
    tx.execute(SET_UPTO, params![last])
}

/// The sums of the transfers since the last carrying forward.
fn since_checkpoint(tx: &Tx) -> Result<SumsByAccount, StoreError> {
    Ok(add_up(tx, checkpoint(tx)?)?.0)
}

/// The number of the last transfer that is in the kept sums.
fn checkpoint(tx: &Tx) -> Result<i64, StoreError> {
    tx.one(UPTO, params![], |row| row.get(0))
}

/// The sums of the transfers after number `after`, and the number of the last.
pub(super) fn add_up(tx: &Tx, after: i64) -> Result<(SumsByAccount, i64), StoreError> {
    let (mut sums, mut last) = (SumsByAccount::new(), after);
    tx.each(SINCE, params![after], |row| {
        last = row.get(0)?;
        let (unit, amount): (_, i64) = (row.code(4)?, row.get(9)?);
        let overflow = || row.corrupt("the sums of its accounts do not fit 64 bits");
        let debited = sums.entry((account(row.skip(5))?, unit)).or_default();
        debited.debits = debited.debits.checked_add(amount).ok_or_else(overflow)?;
        let credited = sums.entry((account(row.skip(7))?, unit)).or_default();
        credited.credits = credited.credits.checked_add(amount).ok_or_else(overflow)?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((sums, last))
}

pub(super) fn kept_sums(tx: &Tx) -> Result<SumsByAccount, StoreError> {
    let rows = tx.all(SUMS, params![], |row| {
        let account = match row.text(0)? {
            "contract" => Account::Contract(row.get(1)?),
            _ => row.word(0, Account::of_code)?,
        };
        let sums = Sums { debits: row.get(3)?, credits: row.get(4)? };
        Ok(((account, row.code(2)?), sums))
    })?;
    Ok(rows.into_iter().collect())
}

/// The contract of an account as the kept sums have it: empty for an account of the center's.
fn contract_of(account: &Account) -> &[u8] {
    AccountColumns::of(account).contract.map_or(&[], |id| id.as_bytes())
}
