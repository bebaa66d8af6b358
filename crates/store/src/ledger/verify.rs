//! The proof that the ledger is right: everything that is kept is computed anew from what it stands for.

use std::{collections::HashMap, ops::ControlFlow};

use domain::{
    CardMs, ContractId, MicroCny, NodeId, Outcome, PoolId, PriceBookId, Run, ServiceClass, TenantDomain,
    TenantId, Timestamp,
    contract::ContractKind,
    ledger::Unit,
    metering::Metered,
    price::{PriceBook, Waivers},
};

use super::{
    fault::{Fault, WrongRate},
    report::LedgerReport,
    sums::{Sums, add_up, kept_and_since},
    verify_vouchers::verify_vouchers,
};
use crate::{
    amendments, contracts,
    db::{StoreError, Tx, params, statements},
    pools, prices,
    runs::{run_columns, run_row},
    tenants,
};

/// The sum that was posted for a run between its contract and the center, less what was given back.
macro_rules! posted {
    ($unit:literal) => {
        concat!(
            "COALESCE((SELECT CAST(SUM(CASE WHEN t.cause = 'use' AND t.debit_contract = runs.contract THEN t.amount ",
            "WHEN t.cause IN ('refund', 'waiver') AND t.credit_contract = runs.contract THEN -t.amount END) AS BIGINT) ",
            "FROM transfers t WHERE t.run = runs.id AND t.unit = '", $unit, "'), 0)"
        )
    };
}

statements! { "runs";
    RUNS = concat!(
        "SELECT ", posted!("card_ms"), ", ", posted!("micro_cny"), ", (SELECT class FROM jobs WHERE jobs.id = runs.job), ",
        run_columns!(), " FROM runs ORDER BY id"
    );
    EARNED = "SELECT seq, at, debit_contract, amount FROM transfers WHERE cause = 'term' ORDER BY seq";
}

/// Checks the whole ledger against the transfers, the times of the runs and their rates.
///
/// Cost: linear in all transfers and runs; seconds where there are millions.
pub fn verify(tx: &Tx) -> Result<LedgerReport, StoreError> {
    let mut report = LedgerReport {
        is_balanced: true,
        sums_agree: true,
        runs_agree: true,
        rates_agree: true,
        terms_agree: true,
        vouchers_agree: true,
        ..LedgerReport::default()
    };
    verify_sums(tx, &mut report)?;
    verify_runs(tx, &mut report)?;
    verify_terms(tx, &mut report)?;
    verify_vouchers(tx, &mut report)?;
    report.occupancy_agrees = report.posted_card_ms == report.occupied_card_ms;
    if !report.occupancy_agrees {
        let (posted, occupied) = (report.posted_card_ms, report.occupied_card_ms);
        report.fault(|| Fault::Occupancy { posted, occupied });
    }
    Ok(report)
}

fn verify_sums(tx: &Tx, report: &mut LedgerReport) -> Result<(), StoreError> {
    let (all, last) = add_up(tx, 0)?;
    report.transfers = u64::try_from(last).unwrap_or(0);
    for unit in [Unit::CardMs, Unit::MicroCny] {
        let of_unit = || all.iter().filter(|((_, u), _)| *u == unit).map(|(_, sums)| sums);
        let debits: i128 = of_unit().map(|sums| i128::from(sums.debits)).sum();
        let credits: i128 = of_unit().map(|sums| i128::from(sums.credits)).sum();
        if debits != credits {
            report.is_balanced = false;
            let [debits, credits] = [debits, credits].map(|sum| i64::try_from(sum).unwrap_or(i64::MAX));
            report.fault(|| Fault::Unbalanced { unit, debits, credits });
        }
    }
    let mut derived = kept_and_since(tx)?;
    derived.retain(|_, sums| sums.debits != 0 || sums.credits != 0);
    if derived != all {
        report.sums_agree = false;
        let of = |sums: &Sums| [sums.debits, sums.credits];
        for (key, sums) in &all {
            if derived.get(key) != Some(sums) {
                let &(account, unit) = key;
                let (of_transfers, kept) = (of(sums), derived.get(key).map(of));
                report.fault(|| Fault::Sums { account, unit, of_transfers, kept });
            }
        }
        for &(account, unit) in derived.keys().filter(|key| !all.contains_key(key)) {
            report.fault(|| Fault::NoTransfers { account, unit });
        }
    }
    Ok(())
}

fn verify_runs(tx: &Tx, report: &mut LedgerReport) -> Result<(), StoreError> {
    let terms = Terms::read(tx)?;
    tx.each(RUNS, params![], |row| {
        let posted = Metered { used: row.get(0)?, charged: row.get(1)? };
        let class: ServiceClass = row.code(2)?;
        let kept = run_row(row.skip(3))?;
        let (run, metered) = (kept.run, kept.metered);
        report.runs += 1;
        if posted != metered {
            report.runs_agree = false;
            report.fault(|| Fault::Posted { run: run.id, metered, posted });
        }
        if let Some((book, why)) = terms.wrong_rate(&run, class) {
            report.rates_agree = false;
            report.fault(|| Fault::Rate { run: run.id, rate: run.rate, book, why });
        }
        if !run.is_charged_in_full() {
            report.runs_agree = false;
            report.fault(|| Fault::Until { run: run.id });
        }
        if let Some(outcome) = run.state.outcome() {
            let due = terms.due(&run, outcome);
            report.posted_card_ms += posted.used;
            report.occupied_card_ms += due.used;
            if metered != due {
                report.runs_agree = false;
                report.fault(|| Fault::Due { run: run.id, metered, due });
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Each entry of a term leaves no more earned than had passed of the term.
fn verify_terms(tx: &Tx, report: &mut LedgerReport) -> Result<(), StoreError> {
    let (mut courses, mut earned) = (HashMap::new(), HashMap::<ContractId, i64>::new());
    for contract in contracts::list_contracts(tx, None)? {
        if matches!(contract.kind, ContractKind::Reserved { .. })
            && let Some(course) = contracts::course(tx, &contract)?
        {
            courses.insert(contract.id, course);
        }
    }
    tx.each(EARNED, params![], |row| {
        let (at, id): (Timestamp, ContractId) = (row.get(1)?, row.get(2)?);
        let sum = earned.entry(id).or_default();
        *sum = sum.saturating_add(row.get::<i64>(3)?);
        // An entry belongs to the last instant of what has passed.
        let passed = Timestamp::from_micros(at.as_micros().saturating_add(1));
        let due = courses.get(&id).map_or(0, |course| course.earned_by(passed).0);
        if *sum > due {
            let seq: i64 = row.get(0)?;
            report.terms_agree = false;
            let (contract, earned, due) = (id, MicroCny(*sum), MicroCny(due));
            report.fault(|| Fault::Early { entry: seq, contract, earned, due });
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// The kind of each contract with its amounts, by the instants from which its versions hold.
fn kinds(tx: &Tx) -> Result<HashMap<ContractId, Vec<(Timestamp, ContractKind)>>, StoreError> {
    let mut kinds: HashMap<ContractId, Vec<(Timestamp, ContractKind)>> = HashMap::new();
    for version in amendments::list_all_versions(tx)? {
        kinds.entry(version.contract).or_default().push((version.from_at, version.kind));
    }
    for contract in contracts::list_contracts(tx, None)? {
        kinds.entry(contract.id).or_insert_with(|| vec![(contract.created_at, contract.kind)]);
    }
    Ok(kinds)
}

/// All that says what a run costs.
struct Terms {
    books: HashMap<PriceBookId, PriceBook>,
    /// The kinds of contracts with their amounts, each from an instant on.
    kinds: HashMap<ContractId, Vec<(Timestamp, ContractKind)>>,
    domains: HashMap<TenantId, TenantDomain>,
    pools: HashMap<NodeId, PoolId>,
}

impl Terms {
    fn read(tx: &Tx) -> Result<Self, StoreError> {
        Ok(Self {
            books: prices::list_price_books(tx)?.into_iter().map(|book| (book.id, book)).collect(),
            kinds: kinds(tx)?,
            domains: tenants::list_tenants(tx)?.into_iter().map(|one| (one.id, one.domain)).collect(),
            pools: pools::pools_of_nodes(tx)?.into_iter().collect(),
        })
    }

    /// The fault in a run's rate, with the name of its price book. Runs from before price books were named are not checked.
    fn wrong_rate(&self, run: &Run, class: ServiceClass) -> Option<(String, WrongRate)> {
        let book = self.books.get(&run.price_book?)?;
        // The plan of a run on Slurm may be moved back to the whole second of its start, in which the book came into force.
        let planned_at = run.state.planned_at();
        let is_moved_back = run.state.started_at() == Some(planned_at);
        let second = Timestamp::from_secs(book.effective_from.as_micros().div_euclid(1_000_000));
        let in_force_from = if is_moved_back { second } else { book.effective_from };
        if in_force_from > planned_at {
            return Some((book.name.clone(), WrongRate::NotInForce));
        }
        let versions = self.kinds.get(&run.contract)?;
        let held = versions.iter().rev().find(|(from, _)| *from <= run.state.planned_at());
        let (_, kind) = *held.or(versions.first())?;
        let pool = *self.pools.get(&run.placement.0.first()?.node)?;
        let listed = book.rate(pool, class, *self.domains.get(&run.tenant)?);
        let Some(due) = kind.rate(listed) else { return Some((book.name.clone(), WrongRate::NoPrice)) };
        (due != run.rate).then(|| (book.name.clone(), WrongRate::Other(due)))
    }

    /// The use and the charge that are due for a run that has ended, less the waived share.
    fn due(&self, run: &Run, outcome: Outcome) -> Metered {
        let end = Timestamp::from_micros(i64::MAX);
        let book = run.price_book.and_then(|id| self.books.get(&id));
        let waivers = book.map_or(Waivers::ALL, |book| book.waivers);
        let left = |amount: i64| amount - waivers.of(outcome, amount);
        Metered { used: CardMs(left(run.used(end).0)), charged: MicroCny(left(run.charge(end).0)) }
    }
}
