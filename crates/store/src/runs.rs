//! Runs: each attempt of a task, and which cards runs had when.

pub mod of_job;

use std::ops::ControlFlow;

use domain::{
    CardSet, JobId, MicroCny, Millis, NodeId, Outcome, Placement, RatePerCardHour, Run, RunId, RunState,
    Timestamp,
    capacity::{Occupancy, Purpose},
    metering::Metered,
    node::Slot,
    run::{Stop, StopCause},
};

use crate::db::{Row, StoreError, Tx, params, statements};

/// A run with how far it is metered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    pub run: Run,
    pub metered: Metered,
}

macro_rules! columns {
    () => {
        "id, job, tenant, contract, task, attempt, placement, rate_micro_cny, is_granted, planned_at, started_at, \
         ended_at, stop_cause, stop_at, outcome, outcome_number, used_card_ms, charged_micro_cny, price_book, \
         charged_at_most_ms, charged_until"
    };
}
pub(crate) use columns as run_columns;

statements! { "runs", unique: { "runs.job, runs.task, runs.attempt": "this attempt of the task" };
    INSERT = concat!(
        "INSERT INTO runs (", columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 0, 0, ?17, ?18, ?19)"
    );
    RAN_IN = "INSERT INTO job_pools (pool, job) SELECT pool, ?2 FROM nodes WHERE id = ?1 ON CONFLICT DO NOTHING";
    GET = concat!("SELECT ", columns!(), " FROM runs WHERE id = ?1");
    UPDATE_STATE = "UPDATE runs SET started_at = ?2, ended_at = ?3, stop_cause = COALESCE(?4, stop_cause), \
                    stop_at = COALESCE(?5, stop_at), outcome = ?6, outcome_number = ?7, planned_at = ?8, \
                    charged_until = ?9 \
                    WHERE id = ?1 AND ended_at IS NULL";
    RAISE_LONGEST = "UPDATE run_bounds SET longest_us = ?1 WHERE longest_us < ?1";
    LIST_OF_JOB = concat!("SELECT ", columns!(), " FROM runs WHERE job = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    COUNT_LOST = "SELECT COUNT(*) FROM runs WHERE job = ?1 AND task = ?2 AND outcome = 'lost'";
    LIST_ACTIVE = concat!("SELECT ", columns!(), " FROM runs WHERE ended_at IS NULL ORDER BY id");
    SET_METERED = "UPDATE runs SET used_card_ms = ?2, charged_micro_cny = ?3 WHERE id = ?1";
    LONGEST = "SELECT longest_us FROM run_bounds WHERE id = 1";
    BETWEEN = "SELECT id, placement, started_at, ended_at, is_granted, outcome, outcome_number, charged_until FROM runs \
               WHERE started_at >= ?3 AND started_at < ?2 AND ended_at > ?1 ORDER BY started_at, id";
    RUNNING = "SELECT id, placement, started_at, ended_at, is_granted, outcome, outcome_number, charged_until FROM runs \
               WHERE ended_at IS NULL ORDER BY id";
}

pub fn insert_run(tx: &Tx, run: &Run) -> Result<(), StoreError> {
    let placement = placement_bytes(&run.placement);
    let columns = StateColumns::of(run.state);
    let row = params![
        &run.id,
        &run.job,
        &run.tenant,
        &run.contract,
        run.task,
        run.attempt,
        placement.as_slice(),
        run.rate.0,
        run.is_granted,
        run.state.planned_at(),
        columns.started_at,
        columns.ended_at,
        columns.stop.map(|stop| stop.cause.code()),
        columns.stop.map(|stop| stop.at),
        columns.outcome.map(|(name, _)| name),
        columns.outcome.map_or(0, |(_, number)| number),
        &run.price_book,
        run.charged_at_most.map(|most| most.0),
        columns.charged_until,
    ];
    tx.execute(INSERT, row)?;
    // The cards of a run are those of one pool.
    if let Some(slot) = run.placement.0.first() {
        tx.execute(RAN_IN, params![&slot.node, &run.job])?;
    }
    raise_longest(tx, run.state)
}

pub fn get_run(tx: &Tx, id: RunId) -> Result<RunRow, StoreError> {
    tx.get(GET, &id, run_row)
}

pub fn find_run(tx: &Tx, id: RunId) -> Result<Option<RunRow>, StoreError> {
    tx.find(GET, params![&id], run_row)
}

/// Keeps the run's state. Nothing else of a run ever changes. How a run ended is never rewritten:
/// [`StoreError::Conflict`] if it had ended otherwise.
pub fn update_run_state(tx: &Tx, run: &Run) -> Result<(), StoreError> {
    let columns = StateColumns::of(run.state);
    let row = params![
        &run.id,
        columns.started_at,
        columns.ended_at,
        columns.stop.map(|stop| stop.cause.code()),
        columns.stop.map(|stop| stop.at),
        columns.outcome.map(|(name, _)| name),
        columns.outcome.map_or(0, |(_, number)| number),
        run.state.planned_at(),
        columns.charged_until,
    ];
    if tx.changed(UPDATE_STATE, row)? == 0 {
        let kept = get_run(tx, run.id)?;
        if kept.run.state != run.state {
            return Err(StoreError::Conflict { what: format!("another end of the run {}", run.id) });
        }
    }
    raise_longest(tx, run.state)
}

/// The runs of a job, oldest first, after the run `after`.
pub fn list_runs(tx: &Tx, job: JobId, after: Option<RunId>, limit: u32) -> Result<Vec<RunRow>, StoreError> {
    let after = after.unwrap_or(RunId::from_bytes([0; 16]));
    tx.all(LIST_OF_JOB, params![&job, &after, limit], run_row)
}

/// How many runs of a job's task the center has lost.
pub fn count_lost(tx: &Tx, job: JobId, task: u32) -> Result<u32, StoreError> {
    tx.one(COUNT_LOST, params![&job, task], |row| row.get(0))
}

/// The runs that have not ended, oldest first. Those that have ended cost nothing.
pub fn list_active(tx: &Tx) -> Result<Vec<RunRow>, StoreError> {
    tx.all(LIST_ACTIVE, params![], run_row)
}

/// Keeps how far the run is metered: the sum of all that was posted for it.
pub fn set_metered(tx: &Tx, id: RunId, metered: Metered) -> Result<(), StoreError> {
    tx.update(SET_METERED, &id, params![&id, metered.used, metered.charged])
}

/// The cards that runs had at some time in `[from, until)`: an item for each node of a run and for each way in which
/// its time counts, whole even where the run began earlier or ended later.
///
/// Cost: linear in the runs that started in the interval, or before it by no more than the longest run took.
pub fn occupancies_between(tx: &Tx, from: Timestamp, until: Timestamp) -> Result<Vec<Occupancy>, StoreError> {
    let mut all = Vec::new();
    for stay in between(tx, from, until)? {
        let Stay { placement, started_at, ended_at, charged_until, purpose, rest } = stay;
        let charged = (started_at, charged_until.or(ended_at), purpose);
        let after = charged_until.filter(|until| Some(*until) < ended_at).map(|from| (from, ended_at, rest));
        for (from, until, purpose) in [charged].into_iter().chain(after) {
            let slots = placement.0.iter();
            all.extend(slots.map(|slot| Occupancy {
                node: slot.node,
                cards: slot.cards,
                from,
                until,
                purpose,
            }));
        }
    }
    Ok(all)
}

/// The part of a run that the capacity balance needs.
struct Stay {
    placement: Placement,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    charged_until: Option<Timestamp>,
    /// How its time counts that is charged, and how the rest.
    purpose: Purpose,
    rest: Purpose,
}

fn between(tx: &Tx, from: Timestamp, until: Timestamp) -> Result<Vec<Stay>, StoreError> {
    let earliest = earliest_start(tx, from)?;
    let mut stays = tx.all(BETWEEN, params![from, until, earliest], stay)?;
    // Those that run are few, so all are read: asked for by their start, the database may look at all that
    // ever started.
    tx.each(RUNNING, params![], |row| {
        if row.get::<Option<Timestamp>>(2)?.is_some_and(|started_at| started_at < until) {
            stays.push(stay(row)?);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(stays)
}

/// The earliest start of a run that had not ended before `from`, by how long the longest run took. It holds for those
/// that have ended.
pub(crate) fn earliest_start(tx: &Tx, from: Timestamp) -> Result<Timestamp, StoreError> {
    let longest_us: i64 = tx.one(LONGEST, params![], |row| row.get(0))?;
    Ok(Timestamp::from_micros(from.as_micros().saturating_sub(longest_us)))
}

fn stay(row: Row<'_>) -> Result<Stay, StoreError> {
    let outcome = outcome(row.skip(5))?;
    Ok(Stay {
        placement: placement(row, 1)?,
        started_at: row.get(2)?,
        ended_at: row.get(3)?,
        charged_until: row.get(7)?,
        purpose: if row.get(4)? { Purpose::Granted } else { Purpose::Sold },
        rest: match outcome {
            Some(Outcome::Stopped { cause: StopCause::Preempted }) => Purpose::Preempted,
            _ => Purpose::Lost,
        },
    })
}

/// Raises the bound by which the runs of an interval are found.
fn raise_longest(tx: &Tx, state: RunState) -> Result<(), StoreError> {
    if let RunState::Ended { started_at: Some(started_at), ended_at, .. } = state {
        let took_us = ended_at.as_micros().saturating_sub(started_at.as_micros());
        tx.execute(RAISE_LONGEST, params![took_us])?;
    }
    Ok(())
}

struct StateColumns {
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    charged_until: Option<Timestamp>,
    stop: Option<Stop>,
    outcome: Option<(&'static str, i32)>,
}

impl StateColumns {
    fn of(state: RunState) -> Self {
        Self {
            started_at: state.started_at(),
            ended_at: state.ended_at(),
            charged_until: match state {
                RunState::Ended { charged_until, .. } => Some(charged_until),
                _ => None,
            },
            stop: state.stop(),
            outcome: state.outcome().map(Outcome::code),
        }
    }
}

/// The outcome from its columns: name and number; `None` for a run that has none yet.
fn outcome(row: Row<'_>) -> Result<Option<Outcome>, StoreError> {
    if row.is_null(0)? {
        return Ok(None);
    }
    let number = row.get(1)?;
    row.word(0, |name| Outcome::from_code(name, number)).map(Some)
}

pub(crate) fn run_row(row: Row<'_>) -> Result<RunRow, StoreError> {
    let planned_at = row.get(9)?;
    let started_at: Option<Timestamp> = row.get(10)?;
    let stop = match row.get::<Option<Timestamp>>(13)? {
        None => None,
        Some(at) => Some(Stop { cause: row.code::<StopCause>(12)?, at }),
    };
    let state = match (row.get::<Option<Timestamp>>(11)?, outcome(row.skip(14))?, started_at) {
        (Some(ended_at), Some(outcome), started_at) => {
            let charged_until = row.get::<Option<Timestamp>>(20)?.unwrap_or(ended_at);
            RunState::Ended { planned_at, started_at, ended_at, charged_until, outcome }
        }
        (None, None, Some(started_at)) => RunState::Running { planned_at, started_at, stop },
        (None, None, None) => RunState::Starting { planned_at, stop },
        _ => return Err(row.corrupt("it has an end without an outcome, or an outcome without an end")),
    };
    Ok(RunRow {
        run: Run {
            id: row.get(0)?,
            job: row.get(1)?,
            tenant: row.get(2)?,
            contract: row.get(3)?,
            task: row.get(4)?,
            attempt: row.get(5)?,
            placement: placement(row, 6)?,
            rate: RatePerCardHour(row.get::<MicroCny>(7)?),
            price_book: row.get(18)?,
            charged_at_most: row.get::<Option<i64>>(19)?.map(Millis),
            is_granted: row.get(8)?,
            state,
        },
        metered: Metered { used: row.get(16)?, charged: row.get(17)? },
    })
}

const SLOT_BYTES: usize = 24;

fn placement_bytes(placement: &Placement) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(placement.0.len() * SLOT_BYTES);
    for slot in &placement.0 {
        bytes.extend_from_slice(slot.node.as_bytes());
        bytes.extend_from_slice(&slot.cards.bits().to_be_bytes());
    }
    bytes
}

pub(crate) fn placement(row: Row<'_>, index: usize) -> Result<Placement, StoreError> {
    let (slots, rest) = row.blob(index)?.as_chunks::<SLOT_BYTES>();
    if !rest.is_empty() {
        return Err(row.corrupt("its placement is not a whole number of slots"));
    }
    let slot = |bytes: &[u8; SLOT_BYTES]| {
        let (mut node, mut cards) = ([0; 16], [0; 8]);
        node.copy_from_slice(&bytes[..16]);
        cards.copy_from_slice(&bytes[16..]);
        Slot { node: NodeId::from_bytes(node), cards: CardSet::from_bits(u64::from_be_bytes(cards)) }
    };
    Ok(Placement(slots.iter().map(slot).collect()))
}
