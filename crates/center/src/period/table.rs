//! The entries of a month as a table: what each account had, every entry, and what each account has. Who adds up the
//! amounts of an account that is credited, less those where it is debited, over the opening balances and the entries, has its
//! closing balance.

use std::collections::BTreeMap;

use domain::{
    ContractId, JobId, Month, Timestamp, Zone,
    ledger::{Account, Unit},
};
use store::ledger::{AccountMoves, TransferRow};

use crate::app::csv::{self, END, quoted};

const COLUMNS: &str = "month,row,seq,at,unit,debit,debit_contract,debit_tenant,credit,credit_contract,credit_tenant,\
                       cause,run,job,corrects,amount,yuan,card_hours";

/// A contract's number, and its tenant's short name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub contract: String,
    pub tenant: String,
}

/// All that rows are written with.
#[derive(Clone, Debug)]
pub struct Table {
    pub month: Month,
    pub zone: Zone,
    pub parties: BTreeMap<ContractId, Party>,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, Default)]
struct Row<'a> {
    kind: &'static str,
    seq: Option<i64>,
    at: Option<Timestamp>,
    debit: Option<Account>,
    credit: Option<Account>,
    cause: &'static str,
    entry: Option<(&'a TransferRow, Option<JobId>)>,
}

impl Table {
    pub fn head() -> String {
        format!("{COLUMNS}{END}")
    }

    /// The balances at the beginning of the month, of accounts that had one.
    pub fn opening(&self, accounts: &[AccountMoves], from: Timestamp) -> String {
        let open = accounts.iter().filter(|moves| moves.opening != 0);
        open.map(|moves| self.balance("opening", from, moves, moves.opening)).collect()
    }

    /// The balances at the end of the month, those of nothing too.
    pub fn closing(&self, accounts: &[AccountMoves], until: Timestamp) -> String {
        accounts.iter().map(|moves| self.balance("closing", until, moves, moves.closing())).collect()
    }

    pub fn entries(&self, rows: &[(TransferRow, Option<JobId>)]) -> String {
        rows.iter().map(|(row, job)| self.entry(row, *job)).collect()
    }

    fn entry(&self, row: &TransferRow, job: Option<JobId>) -> String {
        let transfer = &row.transfer;
        let told = Row {
            kind: "entry",
            seq: Some(row.seq),
            at: Some(transfer.at),
            debit: Some(transfer.debit),
            credit: Some(transfer.credit),
            cause: transfer.cause.code(),
            entry: Some((row, job)),
        };
        self.row(told, transfer.unit, transfer.amount)
    }

    /// A balance stands on the side that it is on: what is owed to others is credited, below 0 it is debited.
    fn balance(&self, kind: &'static str, at: Timestamp, moves: &AccountMoves, balance: i64) -> String {
        let account = Some(moves.account);
        let (debit, credit) = if balance < 0 { (account, None) } else { (None, account) };
        let row = Row { kind, at: Some(at), debit, credit, ..Row::default() };
        self.row(row, moves.unit, balance.saturating_abs())
    }

    fn row(&self, row: Row<'_>, unit: Unit, amount: i64) -> String {
        let exact = unit.exact(amount);
        let (yuan, card_hours) = match unit {
            Unit::MicroCny => (exact, String::new()),
            Unit::CardMs => (String::new(), exact),
        };
        let entry = row.entry.map(|(entry, job)| (&entry.transfer, job));
        let text = |text: Option<String>| text.unwrap_or_default();
        let [debit, debit_contract, debit_tenant] = self.side(row.debit);
        let [credit, credit_contract, credit_tenant] = self.side(row.credit);
        csv::row(&[
            self.month.to_string(),
            row.kind.to_owned(),
            text(row.seq.map(|seq| seq.to_string())),
            text(row.at.map(|at| self.zone.rfc3339(at))),
            unit.code().to_owned(),
            debit,
            debit_contract,
            debit_tenant,
            credit,
            credit_contract,
            credit_tenant,
            row.cause.to_owned(),
            text(entry.and_then(|(transfer, _)| transfer.cause.run().map(ToString::to_string))),
            text(entry.and_then(|(_, job)| job.map(|job| job.to_string()))),
            text(entry.and_then(|(transfer, _)| transfer.corrects.map(|month| month.to_string()))),
            amount.to_string(),
            yuan,
            card_hours,
        ])
    }

    fn side(&self, account: Option<Account>) -> [String; 3] {
        let Some(account) = account else { return Default::default() };
        let (contract, tenant) = match account.contract() {
            None => Default::default(),
            Some(id) => match self.parties.get(&id) {
                Some(party) => (quoted(&party.contract), quoted(&party.tenant)),
                None => (id.to_string(), String::new()),
            },
        };
        [account.code().into_owned(), contract, tenant]
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        RunId, TransferId,
        ledger::{Cause, Transfer},
    };

    use super::*;

    const CONTRACT: ContractId = ContractId::from_bytes([1; 16]);

    fn table() -> Table {
        let party = Party { contract: "=HZ,1".into(), tenant: "univ".into() };
        Table {
            month: "2026-11".parse().unwrap(),
            zone: Zone::default(),
            parties: BTreeMap::from([(CONTRACT, party)]),
        }
    }

    fn cells(row: &str) -> Vec<&str> {
        row.trim_end().split(',').collect()
    }

    #[test]
    fn an_entry_has_every_column_and_is_no_formula() {
        let transfer = Transfer {
            id: TransferId::from_bytes([2; 16]),
            key: "k".into(),
            at: "2026-11-30T15:59:59.999999Z".parse().unwrap(),
            unit: Unit::CardMs,
            debit: Account::Contract(CONTRACT),
            credit: Account::Delivered,
            amount: 45_000_001,
            cause: Cause::Use(RunId::from_bytes([3; 16])),
            corrects: Some("2026-10".parse().unwrap()),
        };
        let row = TransferRow { seq: 7, transfer };
        let job = JobId::from_bytes([4; 16]);
        let run = RunId::from_bytes([3; 16]);
        assert_eq!(
            table().entries(&[(row, Some(job))]),
            format!(
                "2026-11,entry,7,2026-11-30T23:59:59.999999+08:00,card_ms,contract,\"'=HZ,1\",univ,delivered,,,use,{run},\
                 {job},2026-10,45000001,,12:30:00.001\r\n"
            )
        );
    }

    #[test]
    fn a_balance_stands_on_the_side_that_it_is_on() {
        let moves = |unit, opening, debits, credits| AccountMoves {
            account: Account::Cash,
            unit,
            opening,
            debits,
            credits,
        };
        let accounts =
            [moves(Unit::MicroCny, -1_500_000, 0, 1_500_000), moves(Unit::CardMs, 0, 0, 3_600_000)];
        let at = "2026-10-31T16:00:00Z".parse().unwrap();
        let opening = table().opening(&accounts, at);
        assert_eq!(
            opening,
            "2026-11,opening,,2026-11-01T00:00:00.000000+08:00,micro_cny,cash,,,,,,,,,,1500000,1.50,\r\n"
        );
        let closing = table().closing(&accounts, at);
        let rows: Vec<Vec<&str>> = closing.lines().map(cells).collect();
        assert_eq!(
            rows.iter().map(|row| (row[8], row[15], row[16])).collect::<Vec<_>>(),
            [("cash", "0", "0.00"), ("cash", "3600000", "")]
        );
        let head = Table::head();
        assert!(rows.iter().all(|row| row.len() == cells(&head).len()));
    }
}
