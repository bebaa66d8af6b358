//! The proof that the ledger is right: everything that is kept is computed anew from what it stands for.

use std::ops::ControlFlow;

use domain::{
    CardMs, MicroCny, Outcome, Timestamp,
    ledger::{Metered, Unit},
};

use super::sums::{add_up, kept_and_since};
use crate::{
    db::{StoreError, Tx, params, statements},
    runs::{run_columns, run_row},
};

/// How many faults are told in words.
const MOST_TOLD: usize = 20;

/// The sum that was posted for a run between its contract and the center, less what was given back.
macro_rules! posted {
    ($unit:literal) => {
        concat!(
            "COALESCE((SELECT CAST(SUM(CASE WHEN t.cause = 'use' AND t.debit_contract = runs.contract THEN t.amount ",
            "WHEN t.cause = 'refund' AND t.credit_contract = runs.contract THEN -t.amount END) AS BIGINT) ",
            "FROM transfers t WHERE t.run = runs.id AND t.unit = '", $unit, "'), 0)"
        )
    };
}

statements! { "runs";
    RUNS = concat!(
        "SELECT ", run_columns!(), ", ", posted!("card_ms"), ", ", posted!("micro_cny"), " FROM runs ORDER BY id"
    );
}

/// The outcome of a check of the whole ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub struct LedgerReport {
    /// Debits equal credits in each unit, counted account by account.
    pub is_balanced: bool,
    /// The kept sums are those of the transfers.
    pub sums_agree: bool,
    /// For every run the amount posted is the amount metered; for every run that has ended, this is what its
    /// times and its rate say.
    pub runs_agree: bool,
    /// The card time posted for the runs that have ended is the card time that they had, lost runs left out.
    pub occupancy_agrees: bool,
    pub transfers: u64,
    pub runs: u64,
    /// The card time posted for runs that have ended.
    pub posted_card_ms: CardMs,
    /// The card time that these runs had.
    pub occupied_card_ms: CardMs,
    /// The first 20 faults, in words.
    pub faults: Vec<String>,
}

impl LedgerReport {
    pub fn is_right(&self) -> bool {
        self.is_balanced && self.sums_agree && self.runs_agree && self.occupancy_agrees
    }

    fn fault(&mut self, fault: impl FnOnce() -> String) {
        if self.faults.len() < MOST_TOLD {
            self.faults.push(fault());
        }
    }
}

/// Checks the whole ledger against the transfers, the times of the runs and their rates.
///
/// Cost: linear in all transfers and runs; seconds where there are millions.
pub fn verify(tx: &Tx) -> Result<LedgerReport, StoreError> {
    let mut report =
        LedgerReport { is_balanced: true, sums_agree: true, runs_agree: true, ..LedgerReport::default() };
    verify_sums(tx, &mut report)?;
    verify_runs(tx, &mut report)?;
    report.occupancy_agrees = report.posted_card_ms == report.occupied_card_ms;
    if !report.occupancy_agrees {
        let (posted, occupied) = (report.posted_card_ms.0, report.occupied_card_ms.0);
        report
            .fault(|| format!("{posted} card-milliseconds are posted for ended runs, which had {occupied}"));
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
            report.fault(|| format!("debits are {debits} and credits are {credits} in {unit:?}"));
        }
    }
    let mut derived = kept_and_since(tx)?;
    derived.retain(|_, sums| sums.debits != 0 || sums.credits != 0);
    if derived != all {
        report.sums_agree = false;
        for (key, sums) in &all {
            if derived.get(key) != Some(sums) {
                report.fault(|| {
                    format!("the sums of {key:?} are {sums:?}, and {:?} is kept", derived.get(key))
                });
            }
        }
        for key in derived.keys().filter(|key| !all.contains_key(key)) {
            report.fault(|| format!("sums of {key:?} are kept, which has no transfers"));
        }
    }
    Ok(())
}

fn verify_runs(tx: &Tx, report: &mut LedgerReport) -> Result<(), StoreError> {
    tx.each(RUNS, params![], |row| {
        let kept = run_row(row)?;
        let (run, metered) = (kept.run, kept.metered);
        report.runs += 1;
        let posted = Metered { used: row.get(18)?, charged: row.get(19)? };
        if posted != metered {
            report.runs_agree = false;
            report.fault(|| format!("{} is metered for {metered:?}, and {posted:?} is posted", run.id));
        }
        if let Some(outcome) = run.state.outcome() {
            let end = Timestamp::from_micros(i64::MAX);
            let due = if Outcome::is_fault_of_center(outcome) {
                Metered { used: CardMs::ZERO, charged: MicroCny::ZERO }
            } else {
                Metered { used: run.used(end), charged: run.charge(end) }
            };
            report.posted_card_ms += posted.used;
            report.occupied_card_ms += due.used;
            if metered != due {
                report.runs_agree = false;
                report.fault(|| format!("{} is metered for {metered:?}, and its times say {due:?}", run.id));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}
