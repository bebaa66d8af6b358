//! Closing a month, within one write: what is missing, the metering up to its end, the statements.

use std::collections::{BTreeMap, HashMap};

use base::{
    error::AppError,
    events::{self, About, Event},
    refusal::Refused,
    text::{Sentence, Text},
};
use domain::{
    Contract, ContractId, ContractState, JobId, MemberId, Month, Rfc3339, RunId, Timestamp, Zone,
    contract::{ContractKind, Funds},
};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{
    Tx, contracts,
    ledger::{self, By, ContractBalance, EndedRuns, Told},
    periods::{self, Frozen, Period},
    runs,
};

use super::rule::{self, Books, CLOSED, MOST_MISSING, NotNow, PeriodState};
use crate::{
    app::{
        contracts::term,
        runs::news,
        statements::{self, Issuer},
    },
    notices::topics::STATEMENT_ISSUED,
};

/// The instants at which the engine last saw the runs that have not ended.
pub type LastSeen = HashMap<RunId, Option<Timestamp>>;

/// Something without which a month can't be closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "missing", rename_all = "snake_case")]
pub enum Missing {
    /// A run from before the month's end that the engine has not seen since: whether it had use up to the end is not
    /// known.
    Run { run: RunId, job: JobId, seen_at: Option<Rfc3339> },
    /// A fault that the proof of the ledger finds.
    Books { fault: Text },
    /// A contract that is exhausted and has funds left.
    Contract { id: ContractId, number: String },
}

impl Missing {
    fn told(&self) -> Sentence {
        match self {
            Self::Run { run, .. } => Sentence {
                zh: format!("月末之后还没有看到运行 {run}"),
                en: format!("{run} was not seen since the month ended"),
            },
            Self::Books { fault } => Sentence {
                zh: format!("账目不一致：{}", fault.zh),
                en: format!("the books do not agree: {}", fault.en),
            },
            Self::Contract { number, .. } => Sentence {
                zh: format!("合同 {number} 余额已用尽，却还有资金"),
                en: format!("the contract {number} is exhausted and has funds left"),
            },
        }
    }
}

/// The month as its closing leaves it.
#[derive(Debug)]
pub struct Closing {
    pub metered: Vec<news::Posted>,
    /// Contracts of which a part of the fee was earned by the month's end.
    pub balances: Vec<(ContractId, ContractBalance)>,
    pub event: Event,
    /// An event for each statement.
    pub issued: Vec<Event>,
    pub statements: usize,
}

/// Where the books stand at `now`.
pub fn books(tx: &Tx, zone: &Zone, now: Timestamp) -> Result<Books, store::StoreError> {
    let last = periods::last(tx)?.map(|period| period.month);
    let first = if last.is_none() { periods::first_entry(tx)? } else { None };
    Ok(Books::of(zone, last, first, now))
}

/// All that is missing to close a month that ends at `until`.
///
/// Cost: linear in all transfers and runs, as the books are verified.
pub fn missing(tx: &Tx, until: Timestamp, seen: &LastSeen) -> Result<Vec<Missing>, store::StoreError> {
    let mut all: Vec<Missing> = unseen(&runs::list_active(tx)?, until, seen);
    let faults = ledger::verify(tx)?.faults.into_iter().map(|fault| fault.told());
    all.extend(faults.map(|Told { zh, en }| Missing::Books { fault: Text { zh, en } }));
    let balances = ledger::balances_of_contracts(tx)?;
    for contract in contracts::list_contracts(tx, None)? {
        let left = balances.get(&contract.id).copied().unwrap_or_default();
        let funds = Funds::of(contract.kind, left.use_balance, left.money_balance);
        if contract.state == ContractState::Exhausted && !funds.is_exhausted() {
            all.push(Missing::Contract { id: contract.id, number: contract.number });
        }
    }
    all.truncate(MOST_MISSING);
    Ok(all)
}

/// The runs from before `until` that were not seen since.
fn unseen(active: &[runs::RunRow], until: Timestamp, seen: &LastSeen) -> Vec<Missing> {
    let of_before = active.iter().map(|row| &row.run).filter(|run| run.state.planned_at() < until);
    let seen_at = |id: RunId| seen.get(&id).copied().flatten();
    of_before
        .filter(|run| seen_at(run.id).is_none_or(|at| at < until))
        .map(|run| Missing::Run { run: run.id, job: run.job, seen_at: seen_at(run.id).map(Rfc3339) })
        .collect()
}

/// Closes a month: meters what runs to its end, verifies the books, freezes the statements. All of it, or nothing where
/// something is missing.
pub fn close(
    tx: &Tx,
    issuer: &Issuer,
    month: Month,
    by: MemberId,
    now: Timestamp,
    seen: &LastSeen,
) -> Result<Closing, AppError> {
    let zone = &issuer.zone;
    let books = books(tx, zone, now)?;
    if let Err(not_now) = books.may_close(month) {
        let is_known = not_now != NotNow::Closed || periods::find(tx, month)?.is_some();
        return Err(if is_known { refused(month, not_now) } else { AppError::not_found("period", month) });
    }
    let (from, until) = statements::bounds(tx, zone, month)?;
    let active = runs::list_active(tx)?;
    refuse_incomplete(month, &unseen(&active, until, seen))?;
    let mut metered = Vec::new();
    for row in active.iter().filter(|row| row.run.used(until) > row.metered.used) {
        metered.extend(news::meter_running(tx, zone, row.run.id, until)?);
    }
    let mut balances = Vec::new();
    for contract in contracts::list_contracts(tx, None)? {
        if matches!(contract.kind, ContractKind::Reserved { .. }) {
            balances.extend(term::book(tx, zone, &contract, now)?.map(|balance| (contract.id, balance)));
        }
    }
    refuse_incomplete(month, &missing(tx, until, seen)?)?;
    periods::close(tx, &Period { month, from, until, closed_at: now, closed_by: by })?;
    let told = freeze(tx, issuer, month, (from, until), now)?;
    let statements = told.len();
    let data = json!({ "month": month, "state": PeriodState::Closed, "statements": statements });
    let event = events::record(tx, now, About::default(), CLOSED, data)?;
    Ok(Closing { metered, balances, event, issued: told, statements })
}

/// Freezes the statement of each contract that gets one, in the order of the contracts' numbers.
fn freeze(
    tx: &Tx,
    issuer: &Issuer,
    month: Month,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<Vec<Event>, AppError> {
    let mut ended: BTreeMap<ContractId, Vec<EndedRuns>> = BTreeMap::new();
    for runs in ledger::ended_runs(tx, None, from, until, By::Project)? {
        ended.entry(runs.contract).or_default().push(runs);
    }
    let mut all: Vec<Contract> = contracts::list_contracts(tx, None)?;
    all.sort_by(|one, other| one.number.cmp(&other.number));
    let (mut frozen, mut told) = (0, Vec::new());
    for contract in all {
        let runs = ended.remove(&contract.id).unwrap_or_default();
        let mut statement = statements::make_with(tx, issuer, &contract, month, runs)?;
        if !rule::wants_statement(contracts::course(tx, &contract)?.as_ref(), &statement) {
            continue;
        }
        if !statement.adds_up() {
            let number = &contract.number;
            let fault = Text {
                zh: format!("合同 {number} 的账单各行与余额变动不符"),
                en: format!("the lines of {number} are not what its balance moved by"),
            };
            return refuse_incomplete(month, &[Missing::Books { fault }]).map(|()| told);
        }
        frozen += 1;
        let number = rule::number(month, frozen);
        statement.give_out(number.clone(), now, issuer);
        let body =
            serde_json::to_string(&statement).map_err(|error| AppError::internal_at(&number, error))?;
        let sha256 = Sha256::digest(&body).into();
        let about = About { tenant: Some(contract.tenant), ..About::default() };
        let data = json!({ "contract": contract.id, "number": contract.number, "statement": number, "month": month });
        told.push(events::record(tx, now, about, STATEMENT_ISSUED, data)?);
        periods::freeze(tx, &Frozen { number, month, contract: contract.id, body, sha256 })?;
    }
    Ok(told)
}

fn refused(month: Month, not_now: NotNow) -> AppError {
    let month = month.to_string();
    let refused = match not_now {
        NotNow::Closed => Refused::PeriodClosed { month },
        NotNow::GoesOn => Refused::PeriodGoesOn { month },
        NotNow::NotNext { next } => Refused::PeriodNotNext { month, next: next.to_string() },
    };
    refused.into()
}

/// How many things that are missing a refusal names.
const MOST_NAMED: usize = 5;

fn refuse_incomplete(month: Month, missing: &[Missing]) -> Result<(), AppError> {
    if missing.is_empty() {
        return Ok(());
    }
    let first = missing.iter().take(MOST_NAMED).map(Missing::told).collect();
    Err(Refused::PeriodIncomplete { month: month.to_string(), missing: missing.len(), first }.into())
}

#[cfg(test)]
mod tests {
    use domain::{Placement, RatePerCardHour, Run, RunState, TenantId};

    use super::*;

    #[test]
    fn a_run_from_before_the_end_was_seen_since() {
        let at = |secs: i64| Timestamp::from_secs(secs);
        let id = RunId::from_bytes([1; 16]);
        let run = Run {
            id,
            job: JobId::from_bytes([2; 16]),
            tenant: TenantId::from_bytes([3; 16]),
            contract: ContractId::from_bytes([4; 16]),
            task: 0,
            attempt: 1,
            placement: Placement(Vec::new()),
            rate: RatePerCardHour::FREE,
            price_book: None,
            charged_at_most: None,
            is_granted: false,
            state: RunState::Starting { planned_at: at(100), stop: None },
        };
        let active = [runs::RunRow { run, metered: domain::metering::Metered::default() }];
        let missing = |until: i64, seen: LastSeen| unseen(&active, at(until), &seen);
        let seen = |secs: Option<i64>| LastSeen::from([(id, secs.map(at))]);
        // Whether it had use up to the end is not known.
        assert_eq!(missing(110, seen(None)).len(), 1);
        assert_eq!(missing(110, seen(Some(109))).len(), 1);
        assert_eq!(missing(110, LastSeen::new()).len(), 1);
        assert_eq!(missing(110, seen(Some(110))), []);
        // It was planned after the end.
        assert_eq!(missing(100, seen(None)), []);
        let all = missing(110, seen(None));
        let error = refuse_incomplete("2026-11".parse().unwrap(), &all).unwrap_err();
        assert!(error.to_string().starts_with("2026-11 can't be closed yet: run_"), "{error}");
    }
}
