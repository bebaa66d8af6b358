//! What moved the balance of a contract in a month, by day and run, from the ledger alone.

use std::collections::{BTreeMap, HashMap};

use base::error::AppError;
use domain::{
    CardMs, ContractId, MicroCny, Month, PoolId, PriceBookId, RatePerCardHour, RunId, Timestamp, Zone,
    ledger::{CauseName, Unit},
    price::PriceBook,
};
use store::{
    StoreError, Tx,
    db::{Row, params, statements},
    prices,
};

use super::charge::{Account, RunOf};

statements! { "transfers";
    DEBITS = "SELECT at, unit, cause, corrects, run, amount FROM transfers \
              WHERE debit_contract = ?1 AND debit = 'contract' AND at >= ?2 AND at < ?3";
    CREDITS = "SELECT at, unit, cause, corrects, run, amount FROM transfers \
               WHERE credit_contract = ?1 AND credit = 'contract' AND at >= ?2 AND at < ?3";
    RUN = "SELECT j.id, j.name, p.id, p.name, o.id, o.name, j.class, r.rate_micro_cny, r.price_book FROM runs r \
           JOIN jobs j ON j.id = r.job JOIN projects p ON p.id = j.project \
           LEFT JOIN nodes n ON n.id = substr(r.placement, 1, 16) LEFT JOIN pools o ON o.id = n.pool WHERE r.id = ?1";
}

/// Entries that are one row: those of a run on a day, of one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub day: i64,
    pub cause: CauseName,
    pub corrects: Option<Month>,
    pub run: Option<RunId>,
}

/// The amounts by which they moved the balance: credits less debits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub card_ms: CardMs,
    pub money: MicroCny,
}

/// The most rows of one contract and month.
const MOST_ROWS: usize = 500_000;

/// All that moved the balance of a contract in `[from, until)`.
///
/// Cost: linear in the contract's transfers in the interval.
pub fn moved(
    tx: &Tx,
    zone: &Zone,
    contract: ContractId,
    (from, until): (Timestamp, Timestamp),
) -> Result<BTreeMap<Key, Moved>, AppError> {
    let mut all: BTreeMap<Key, Moved> = BTreeMap::new();
    for (sql, sign) in [(DEBITS, -1), (CREDITS, 1)] {
        let mut is_too_much = false;
        tx.each(sql, params![&contract, from, until], |row: Row<'_>| {
            let at: Timestamp = row.get(0)?;
            let key = Key {
                day: zone.day(at),
                cause: row.code(2)?,
                corrects: if row.is_null(3)? { None } else { Some(row.word(3, |month| month.parse().ok())?) },
                run: row.get(4)?,
            };
            let (unit, amount): (Unit, i64) = (row.code(1)?, row.get(5)?);
            let sums = all.entry(key).or_default();
            match unit {
                Unit::CardMs => sums.card_ms.0 += sign * amount,
                Unit::MicroCny => sums.money.0 += sign * amount,
            }
            is_too_much = all.len() > MOST_ROWS;
            Ok(if is_too_much {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            })
        })?;
        if is_too_much {
            return Err(base::refusal::Refused::TooManyRows { most: MOST_ROWS }.into());
        }
    }
    Ok(all)
}

/// Runs and their prices, each read once.
#[derive(Debug)]
pub struct Runs<'a> {
    tx: &'a Tx,
    account: &'a Account,
    books: HashMap<PriceBookId, PriceBook>,
    last: Option<(RunId, RunOf)>,
}

impl<'a> Runs<'a> {
    pub fn of(tx: &'a Tx, account: &'a Account) -> Self {
        Self { tx, account, books: HashMap::new(), last: None }
    }

    pub fn get(&mut self, id: RunId) -> Result<RunOf, StoreError> {
        if let Some((_, run)) = self.last.as_ref().filter(|(last, _)| *last == id) {
            return Ok(run.clone());
        }
        let mut run = self.tx.one(RUN, params![&id], |row: Row<'_>| {
            let rate = RatePerCardHour(row.get(7)?);
            Ok(RunOf {
                job: row.get(0)?,
                job_name: row.get(1)?,
                project: row.get(2)?,
                project_name: row.get(3)?,
                pool: row.get::<Option<PoolId>>(4)?,
                pool_name: row.get::<Option<String>>(5)?.unwrap_or_default(),
                class: row.code(6)?,
                rate,
                price_book: row.get(8)?,
                list_rate: rate,
            })
        })?;
        if let (Some(book), Some(pool)) = (run.price_book, run.pool) {
            if !self.books.contains_key(&book) {
                self.books.insert(book, prices::get_price_book(self.tx, book)?);
            }
            let listed =
                self.books.get(&book).and_then(|book| book.rate(pool, run.class, self.account.domain));
            run.list_rate = listed.unwrap_or(run.rate);
        }
        self.last = Some((id, run.clone()));
        Ok(run)
    }
}
