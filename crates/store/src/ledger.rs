//! The ledger: transfers, the sums of them, and the proof that they are right.
//!
//! The transfers are the truth. Every [`CHECKPOINT_EVERY`] of them the sums of all accounts are carried forward into
//! kept rows, so that a balance adds up a kept sum and the few transfers since. [`verify`] adds everything up anew.

mod statement;
mod verify;

use std::collections::BTreeMap;

use domain::{
    CardMs, ContractId, MicroCny, RunId, Timestamp, TransferId,
    ledger::{Account, Cause, Posting, Transfer, Unit},
};

pub use statement::{UseLine, use_between, use_by_project_between};
pub use verify::{LedgerReport, verify};

#[cfg(test)]
pub(crate) use {statement::STATEMENTS as STATEMENT_STATEMENTS, verify::STATEMENTS as VERIFY_STATEMENTS};

use crate::{
    StoreError, Tx,
    sql::{Row, params, statements},
};

/// Transfers between two carryings forward of the sums.
const CHECKPOINT_EVERY: i64 = 256;

macro_rules! columns {
    () => {
        "seq, id, key, at, unit, debit, debit_contract, credit, credit_contract, amount, cause, run"
    };
}
pub(crate) use columns as transfer_columns;

statements! { "transfers";
    POST = "INSERT INTO transfers (id, key, at, unit, debit, debit_contract, credit, credit_contract, amount, cause, \
            run) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (key) DO NOTHING RETURNING seq";
    FIND_KEY = concat!("SELECT ", columns!(), " FROM transfers WHERE key = ?1");
    UPTO = "SELECT upto_seq FROM ledger_checkpoint WHERE id = 1";
    SET_UPTO = "UPDATE ledger_checkpoint SET upto_seq = ?1 WHERE id = 1";
    SINCE = concat!("SELECT ", columns!(), " FROM transfers WHERE seq > ?1 ORDER BY seq");
    CARRY = "INSERT INTO ledger_sums (account, contract, unit, debits, credits) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (account, contract, unit) DO UPDATE SET debits = ledger_sums.debits + excluded.debits, \
             credits = ledger_sums.credits + excluded.credits";
    CLEAR_SUMS = "DELETE FROM ledger_sums";
    SUMS = "SELECT account, contract, unit, debits, credits FROM ledger_sums";
    SUM_OF = "SELECT account, debits, credits FROM ledger_sums WHERE account = ?1 AND contract = ?2 AND unit = ?3";
    ALL_AFTER = concat!("SELECT ", columns!(), " FROM transfers WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    OF_RUN_AFTER = concat!("SELECT ", columns!(), " FROM transfers WHERE run = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2");
    AT_OF = "SELECT seq, at FROM transfers WHERE seq = ?1";
    DEBITS_AFTER = concat!(
        "SELECT ", columns!(),
        " FROM transfers WHERE debit_contract = ?4 AND (at, seq) > (?2, ?1) ORDER BY at, seq LIMIT ?3"
    );
    CREDITS_AFTER = concat!(
        "SELECT ", columns!(),
        " FROM transfers WHERE credit_contract = ?4 AND (at, seq) > (?2, ?1) ORDER BY at, seq LIMIT ?3"
    );
}

/// Which transfers; all that are `Some` must match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransferFilter {
    pub contract: Option<ContractId>,
    pub run: Option<RunId>,
}

/// A transfer and its place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    pub seq: i64,
    pub transfer: Transfer,
}

/// All debits and all credits of an account, or of all accounts, in one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub debits: i64,
    pub credits: i64,
}

impl Sums {
    pub fn balance(self) -> i64 {
        self.credits - self.debits
    }
}

/// What a contract's accounts hold: credits less debits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContractBalance {
    pub use_balance: CardMs,
    pub money_balance: MicroCny,
}

/// Posts a transfer. `false` if it is there already, with the same content; `Conflict` if its key is there with other
/// content. `id` and `at` are not part of the content: posting again later is still posting once.
pub fn post(tx: &Tx, posting: &Posting, id: TransferId, at: Timestamp) -> Result<bool, StoreError> {
    if posting.amount <= 0 || posting.debit == posting.credit {
        let what = format!(
            "the transfer `{}` moves {} from {:?} to {:?}; a transfer moves more than nothing to another account",
            posting.key, posting.amount, posting.debit, posting.credit
        );
        return Err(StoreError::Invalid { what });
    }
    let (debit, credit) = (AccountColumns::of(&posting.debit), AccountColumns::of(&posting.credit));
    let run = run_of(&posting.cause);
    let row = params![
        &id,
        &posting.key,
        at,
        posting.unit.code(),
        debit.account,
        debit.contract,
        credit.account,
        credit.contract,
        posting.amount,
        posting.cause.code(),
        run,
    ];
    if let Some(seq) = tx.find(POST, row, |row| row.get::<i64>(0))? {
        if seq % CHECKPOINT_EVERY == 0 {
            carry_forward(tx)?;
        }
        return Ok(true);
    }
    let there = tx.one(FIND_KEY, params![&posting.key], transfer_row)?.transfer;
    let is_same = there.unit == posting.unit
        && there.debit == posting.debit
        && there.credit == posting.credit
        && there.amount == posting.amount
        && there.cause == posting.cause;
    if is_same {
        Ok(false)
    } else {
        Err(StoreError::Conflict { what: format!("another transfer under the key `{}`", posting.key) })
    }
}

/// Credits less debits of an account.
pub fn balance(tx: &Tx, account: Account, unit: Unit) -> Result<i64, StoreError> {
    let columns = AccountColumns::of(&account);
    let kept = params![columns.account, columns.contract.unwrap_or(&[]), unit.code()];
    let mut sums = tx
        .find(SUM_OF, kept, |row| Ok(Sums { debits: row.get(1)?, credits: row.get(2)? }))?
        .unwrap_or_default();
    let tail = tail(tx)?;
    if let Some(more) = tail.get(&(account, unit)) {
        sums.debits += more.debits;
        sums.credits += more.credits;
    }
    Ok(sums.balance())
}

/// The balances of all contracts that have transfers.
pub fn balances_of_contracts(tx: &Tx) -> Result<BTreeMap<ContractId, ContractBalance>, StoreError> {
    let mut balances: BTreeMap<ContractId, ContractBalance> = BTreeMap::new();
    for ((account, unit), sums) in all_sums(tx)? {
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

/// The sums of every account.
pub fn all_sums(tx: &Tx) -> Result<BTreeMap<(Account, Unit), Sums>, StoreError> {
    let mut all = tail(tx)?;
    for (key, kept) in kept_sums(tx)? {
        let sums = all.entry(key).or_default();
        sums.debits += kept.debits;
        sums.credits += kept.credits;
    }
    Ok(all)
}

/// All debits and all credits in each unit; equal in a ledger that balances.
pub fn totals(tx: &Tx) -> Result<BTreeMap<Unit, Sums>, StoreError> {
    let mut totals: BTreeMap<Unit, Sums> = BTreeMap::new();
    for ((_, unit), sums) in all_sums(tx)? {
        let total = totals.entry(unit).or_default();
        total.debits += sums.debits;
        total.credits += sums.credits;
    }
    Ok(totals)
}

/// The first `limit` transfers after number `after`; a contract's are in the order of their times.
pub fn list_transfers(
    tx: &Tx,
    filter: &TransferFilter,
    after: i64,
    limit: u32,
) -> Result<Vec<TransferRow>, StoreError> {
    match (&filter.contract, &filter.run) {
        (None, None) => tx.all(ALL_AFTER, params![after, limit], transfer_row),
        (contract, Some(run)) => {
            let mut rows = tx.all(OF_RUN_AFTER, params![after, limit, run], transfer_row)?;
            if let Some(contract) = contract {
                let of = Account::Contract(*contract);
                rows.retain(|row| row.transfer.debit == of || row.transfer.credit == of);
            }
            Ok(rows)
        }
        (Some(contract), None) => {
            let at = tx.find(AT_OF, params![after], |row| row.get::<Timestamp>(1))?;
            let at = at.unwrap_or(Timestamp::from_micros(i64::MIN));
            let bound = params![after, at, limit, contract];
            let mut rows = tx.all(DEBITS_AFTER, bound, transfer_row)?;
            rows.extend(tx.all(CREDITS_AFTER, bound, transfer_row)?);
            rows.sort_unstable_by_key(|row| (row.transfer.at, row.seq));
            rows.truncate(limit as usize);
            Ok(rows)
        }
    }
}

/// Forgets the kept sums and adds all transfers up anew.
pub fn recompute_sums(tx: &Tx) -> Result<(), StoreError> {
    tx.execute(CLEAR_SUMS, params![])?;
    tx.execute(SET_UPTO, params![0])?;
    carry_forward(tx)
}

/// Adds the transfers since the last time to the kept sums.
fn carry_forward(tx: &Tx) -> Result<(), StoreError> {
    let upto: i64 = tx.one(UPTO, params![], |row| row.get(0))?;
    let (sums, last) = add_up(tx, upto)?;
    for ((account, unit), sums) in &sums {
        let columns = AccountColumns::of(account);
        let row = params![
            columns.account,
            columns.contract.unwrap_or(&[]),
            unit.code(),
            sums.debits,
            sums.credits,
        ];
        tx.execute(CARRY, row)?;
    }
    tx.execute(SET_UPTO, params![last]).map(|_| ())
}

type SumsByAccount = BTreeMap<(Account, Unit), Sums>;

/// Sums of the transfers since the last carrying forward.
fn tail(tx: &Tx) -> Result<SumsByAccount, StoreError> {
    let upto: i64 = tx.one(UPTO, params![], |row| row.get(0))?;
    Ok(add_up(tx, upto)?.0)
}

/// Sums of the transfers after number `after`, and the number of the last.
fn add_up(tx: &Tx, after: i64) -> Result<(SumsByAccount, i64), StoreError> {
    let (mut sums, mut last) = (SumsByAccount::new(), after);
    tx.each(SINCE, params![after], |row| {
        last = row.get(0)?;
        let (unit, amount): (_, i64) = (row.code(4, Unit::from_code)?, row.get(9)?);
        let overflow = || row.corrupt("the sums of its accounts do not fit 64 bits");
        let debited = sums.entry((account(row, 5)?, unit)).or_default();
        debited.debits = debited.debits.checked_add(amount).ok_or_else(overflow)?;
        let credited = sums.entry((account(row, 7)?, unit)).or_default();
        credited.credits = credited.credits.checked_add(amount).ok_or_else(overflow)?;
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok((sums, last))
}

fn kept_sums(tx: &Tx) -> Result<SumsByAccount, StoreError> {
    let rows = tx.all(SUMS, params![], |row| {
        let contract = row.blob(1)?;
        let account = match row.text(0)? {
            "contract" => {
                let id = contract.try_into().map_err(|_| row.corrupt("its contract has no id"))?;
                Account::Contract(ContractId::from_bytes(id))
            }
            _ => row.code(0, account_of_code)?,
        };
        let sums = Sums { debits: row.get(3)?, credits: row.get(4)? };
        Ok(((account, row.code(2, Unit::from_code)?), sums))
    })?;
    Ok(rows.into_iter().collect())
}

/// How an account is kept: a name, and the contract's id where it is a contract's.
struct AccountColumns<'a> {
    account: &'static str,
    contract: Option<&'a [u8]>,
}

impl<'a> AccountColumns<'a> {
    fn of(account: &'a Account) -> Self {
        let (account, contract) = match account {
            Account::Cash => ("cash", None),
            Account::Revenue => ("revenue", None),
            Account::Capacity => ("capacity", None),
            Account::Delivered => ("delivered", None),
            Account::Contract(id) => ("contract", Some(id.as_bytes().as_slice())),
        };
        Self { account, contract }
    }
}

fn account_of_code(code: &str) -> Option<Account> {
    Some(match code {
        "cash" => Account::Cash,
        "revenue" => Account::Revenue,
        "capacity" => Account::Capacity,
        "delivered" => Account::Delivered,
        _ => return None,
    })
}

/// The account whose name is at `index`, and whose contract is behind it.
fn account(row: Row<'_>, index: usize) -> Result<Account, StoreError> {
    match row.get::<Option<ContractId>>(index + 1)? {
        Some(contract) => Ok(Account::Contract(contract)),
        None => row.code(index, account_of_code),
    }
}

fn run_of(cause: &Cause) -> Option<&RunId> {
    match cause {
        Cause::Use(run) | Cause::Refund(run) => Some(run),
        Cause::TopUp | Cause::Package | Cause::Fee => None,
    }
}

fn cause(row: Row<'_>, code: usize, run: usize) -> Result<Cause, StoreError> {
    let run: Option<RunId> = row.get(run)?;
    row.code(code, |code| match (code, run) {
        ("top_up", None) => Some(Cause::TopUp),
        ("package", None) => Some(Cause::Package),
        ("fee", None) => Some(Cause::Fee),
        ("use", Some(run)) => Some(Cause::Use(run)),
        ("refund", Some(run)) => Some(Cause::Refund(run)),
        _ => None,
    })
}

pub(crate) fn transfer_row(row: Row<'_>) -> Result<TransferRow, StoreError> {
    Ok(TransferRow {
        seq: row.get(0)?,
        transfer: Transfer {
            id: row.get(1)?,
            key: row.get(2)?,
            at: row.get(3)?,
            unit: row.code(4, Unit::from_code)?,
            debit: account(row, 5)?,
            credit: account(row, 7)?,
            amount: row.get(9)?,
            cause: cause(row, 10, 11)?,
        },
    })
}
