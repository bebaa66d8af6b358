//! Slurm's accounting as `sacct -P` prints it: a title line, columns in any order, `|` between fields.
//!
//! Cards = `gres/gpu` or `gres/npu` allocated, else requested. Where no job of the file has any, the cluster
//! has no accelerators and cards = CPUs; else jobs without accelerators are skipped. Run = elapsed time, at
//! least a second; estimate = the time limit (365 days where it is unlimited) or the run, whichever is
//! longer; queue = account, else partition; class by the name of the quality of service. Steps (`17.batch`),
//! and jobs that never ran, are skipped. Times without a zone count as UTC.

use std::{borrow::Cow, io::BufRead};

use domain::{ServiceClass, Timestamp};

use super::{
    columns::{Columns, TableRow},
    fault::{Faults, Flaw},
    lines, numbers,
};
use crate::trace::{MAX_JOBS, MAX_RUN_MS, Trace, TraceJob, name_text};

const NAMES: [&str; 16] = [
    "JobID",
    "JobIDRaw",
    "Submit",
    "ElapsedRaw",
    "Elapsed",
    "TimelimitRaw",
    "Timelimit",
    "AllocTRES",
    "ReqTRES",
    "AllocCPUS",
    "ReqCPUS",
    "User",
    "Account",
    "Partition",
    "QOS",
    "State",
];
const ID: usize = 0;
const ID_RAW: usize = 1;
const SUBMIT: usize = 2;
const ELAPSED_RAW: usize = 3;
const ELAPSED: usize = 4;
const LIMIT_RAW: usize = 5;
const LIMIT: usize = 6;
const TRES: usize = 7;
const REQUESTED_TRES: usize = 8;
const CPUS: usize = 9;
const REQUESTED_CPUS: usize = 10;
const USER: usize = 11;
const ACCOUNT: usize = 12;
const PARTITION: usize = 13;
const QOS: usize = 14;
const STATE: usize = 15;

/// Slurm itself plans with a year for a job without a time limit.
const UNLIMITED_MS: i64 = 365 * 86_400_000;

/// Reads the rest of `input`.
pub fn read(input: impl BufRead, faults: &mut Faults) -> Trace {
    let mut trace = Trace::new("sacct");
    let mut columns: Option<Columns<16>> = None;
    // For each job, whether its cards are CPUs.
    let mut plain = Vec::new();
    lines::each(input, faults, |line, text, faults| {
        if text.trim_ascii().is_empty() {
            return true;
        }
        let Some(columns) = &columns else {
            let found = Columns::of(text, &NAMES, b'|', false);
            if let Some(name) = missing(&found) {
                faults.add(line, Flaw::Column(name), text);
                return false;
            }
            columns = Some(found);
            return true;
        };
        if trace.jobs.len() >= MAX_JOBS {
            faults.add(line, Flaw::Many { limit: MAX_JOBS }, text);
            return false;
        }
        let row = columns.row(text).map_err(|found| Flaw::Fields { found, needed: columns.count() });
        match row.and_then(|row| job(&mut trace, &row)) {
            Ok(Some((job, is_plain))) => {
                trace.jobs.push(job);
                plain.push(is_plain);
            }
            Ok(None) => faults.skipped += 1,
            Err(flaw) => faults.add(line, flaw, text),
        }
        true
    });
    if plain.contains(&false) {
        let before = trace.jobs.len();
        let mut each = plain.iter();
        trace.jobs.retain(|_| each.next() == Some(&false));
        faults.skipped += (before - trace.jobs.len()) as u64;
    }
    trace.start_at_first();
    trace
}

fn missing(columns: &Columns<16>) -> Option<&'static str> {
    let either = |a: usize, b: usize| (!columns.has(a) && !columns.has(b)).then_some(NAMES[a]);
    either(ID, ID_RAW).or_else(|| either(SUBMIT, SUBMIT)).or_else(|| either(ELAPSED, ELAPSED_RAW)).or_else(
        || either(TRES, REQUESTED_TRES).and_then(|_| either(CPUS, REQUESTED_CPUS)).map(|_| NAMES[TRES]),
    )
}

/// A job, and whether its cards are CPUs; `None` for a step or a job that never ran.
fn job(trace: &mut Trace, row: &TableRow<'_, 16>) -> Result<Option<(TraceJob, bool)>, Flaw> {
    let id = if row[ID].is_empty() { &row[ID_RAW] } else { &row[ID] };
    let is_step = id.contains(&b'.');
    let elapsed = numbers::whole(&row[ELAPSED_RAW])
        .and_then(|seconds| seconds.checked_mul(1000))
        .or_else(|| duration(&row[ELAPSED], 1))
        .filter(|ms| (0..=UNLIMITED_MS * 100).contains(ms));
    let never_ran =
        [&b"PENDING"[..], b"CANCELLED", b"REVOKED"].iter().any(|state| row[STATE].starts_with(state))
            && elapsed.is_none_or(|ms| ms == 0);
    if is_step || never_ran {
        return Ok(None);
    }
    let elapsed = elapsed.ok_or(Flaw::Field(NAMES[ELAPSED]))?;
    let submit_ms = instant(&row[SUBMIT]).ok_or(Flaw::Field(NAMES[SUBMIT]))?;
    let accelerators = accelerators(&row[TRES]).or_else(|| accelerators(&row[REQUESTED_TRES]));
    let (cards, model, is_plain) = match accelerators {
        Some((cards, model)) => (Some(cards), model, false),
        None => (cpus(row), &b""[..], true),
    };
    let cards = cards.and_then(|cards| u32::try_from(cards).ok()).filter(|cards| *cards > 0);
    let cards = cards.ok_or(Flaw::Field(NAMES[TRES]))?;
    let run_ms = elapsed.clamp(1000, MAX_RUN_MS);
    let queue = if row[ACCOUNT].is_empty() { &row[PARTITION] } else { &row[ACCOUNT] };
    let job = TraceJob {
        submit_ms,
        run_ms,
        estimate_ms: limit(row).unwrap_or(0).max(run_ms),
        name: trace.name_of(&name_text(id)),
        cards,
        user: trace.users.of(&name_text(&row[USER])),
        queue: trace.queues.of(&name_text(queue)),
        model: trace.model_of(&name_text(model)),
        domain: None,
        class: class(&row[QOS]),
    };
    Ok(Some((job, is_plain)))
}

/// Milliseconds since the epoch, from `2026-05-20T08:00:00` or seconds.
fn instant(text: &[u8]) -> Option<i64> {
    if let Some(ms) = numbers::seconds(text) {
        return (ms >= 0).then_some(ms);
    }
    let text = str::from_utf8(text).ok()?;
    let zoned: Cow<'_, str> = if text.len() == 19 { format!("{text}Z").into() } else { text.into() };
    let at: Timestamp = zoned.parse().ok()?;
    Some(at.floor_millis()).filter(|ms| *ms >= 0)
}

/// The time limit in milliseconds; `None` if no time limit can be read.
fn limit(row: &TableRow<'_, 16>) -> Option<i64> {
    if let Some(minutes) = numbers::whole(&row[LIMIT_RAW]) {
        return Some(minutes.clamp(0, UNLIMITED_MS / 60_000) * 60_000);
    }
    if row[LIMIT].eq_ignore_ascii_case(b"UNLIMITED") || row[LIMIT_RAW].eq_ignore_ascii_case(b"UNLIMITED") {
        return Some(UNLIMITED_MS);
    }
    duration(&row[LIMIT], 60).map(|ms| ms.min(UNLIMITED_MS))
}

/// A length of time in milliseconds, from `[days-]hours:minutes:seconds`, `minutes:seconds`, `days-hours`, or
/// a number alone in units of `unit_s` seconds.
fn duration(text: &[u8], unit_s: i64) -> Option<i64> {
    let (days, clock) = match text.iter().position(|byte| *byte == b'-') {
        Some(at) => (Some(numbers::whole(&text[..at])?), &text[at + 1..]),
        None => (None, text),
    };
    let mut parts = clock.split(|byte| *byte == b':').map(numbers::seconds);
    let (first, second, third, more) = (parts.next()??, parts.next(), parts.next(), parts.next());
    let (second, third) =
        (second.map_or(Some(None), |part| part.map(Some))?, third.map_or(Some(None), |part| part.map(Some))?);
    let factors = match (days.is_some(), second, third) {
        (_, Some(_), Some(_)) | (true, ..) => [3600, 60, 1],
        (false, Some(_), None) => [60, 1, 0],
        (false, None, _) => [unit_s, 0, 0],
    };
    let mut total = days.unwrap_or(0).checked_mul(86_400_000)?;
    for (part, factor) in [first, second.unwrap_or(0), third.unwrap_or(0)].into_iter().zip(factors) {
        if part < 0 {
            return None;
        }
        total = total.checked_add(part.checked_mul(factor)?)?;
    }
    (more.is_none() && total >= 0).then_some(total)
}

/// The number of accelerators, and their model if all are of one.
fn accelerators(tres: &[u8]) -> Option<(i64, &[u8])> {
    let (mut whole, mut typed, mut model, mut models) = (None, None, &b""[..], 0);
    for item in tres.split(|byte| *byte == b',') {
        let Some(at) = item.iter().position(|byte| *byte == b'=') else { continue };
        let (key, Some(count)) = (&item[..at], numbers::whole(&item[at + 1..])) else { continue };
        let Some(kind) = key.strip_prefix(b"gres/gpu").or_else(|| key.strip_prefix(b"gres/npu")) else {
            continue;
        };
        if kind.is_empty() {
            whole = Some(count);
        } else if let Some(name) = kind.strip_prefix(b":") {
            typed = Some(count.saturating_add(typed.unwrap_or(0)));
            model = name;
            models += 1;
        }
    }
    let count = whole.or(typed).filter(|count| *count > 0)?;
    Some((count, if models == 1 { model } else { b"" }))
}

fn cpus(row: &TableRow<'_, 16>) -> Option<i64> {
    let of_tres = |tres: &[u8]| {
        let items = tres.split(|byte| *byte == b',');
        items.filter_map(|item| numbers::whole(item.strip_prefix(b"cpu=")?)).find(|count| *count > 0)
    };
    let plain = |column: usize| numbers::whole(&row[column]).filter(|count| *count > 0);
    plain(CPUS)
        .or_else(|| of_tres(&row[TRES]))
        .or_else(|| plain(REQUESTED_CPUS))
        .or_else(|| of_tres(&row[REQUESTED_TRES]))
}

/// The class by the name of the quality of service. Clusters name these as they like; the words here are
/// usual.
fn class(qos: &[u8]) -> ServiceClass {
    let name = qos.to_ascii_lowercase();
    let any = |words: &[&str]| {
        words.iter().any(|word| name.windows(word.len()).any(|part| part == word.as_bytes()))
    };
    if any(&["urgent", "high", "express"]) {
        ServiceClass::Urgent
    } else if any(&["spot", "scavenge", "preempt", "low", "idle", "standby"]) {
        ServiceClass::Spot
    } else {
        ServiceClass::Normal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (Trace, Faults) {
        let mut faults = Faults::default();
        let trace = read(text.as_bytes(), &mut faults);
        (trace, faults)
    }

    #[test]
    fn jobs_with_accelerators_are_read_in_any_order_of_columns() {
        let text = "State|Elapsed|JobID|Submit|Timelimit|AllocTRES|User|Account|QOS\n\
            COMPLETED|1-02:03:04|100|2026-05-20T08:00:10|2-00:00:00|billing=8,cpu=64,gres/gpu:a100=8,gres/gpu=8,node=1|ann|physics|normal\n\
            COMPLETED|1-02:03:04|100.batch|2026-05-20T08:00:10||cpu=64||physics|\n\
            CANCELLED by 7|00:00:00|101|2026-05-20T08:00:20|01:00:00||bob|physics|\n\
            TIMEOUT|00:30|102_7|2026-05-20T08:00:00|UNLIMITED|cpu=4,gres/npu=2|bob|chem|spot-low\n\
            COMPLETED|00:30|103|2026-05-20T08:00:30|10|cpu=4|bob|chem|\n";
        let (trace, faults) = read_text(text);
        assert_eq!(
            (faults.bad, faults.skipped),
            (0, 3),
            "a step, one that never ran, one without accelerators"
        );
        let [second, first] = trace.jobs[..] else { panic!("two jobs in order of submission") };
        assert_eq!(trace.start, Some("2026-05-20T08:00:00Z".parse().unwrap()));
        assert_eq!((first.submit_ms, first.run_ms, first.estimate_ms), (10_000, 93_784_000, 172_800_000));
        assert_eq!((first.cards, trace.models.get(first.model.into())), (8, "a100"));
        assert_eq!(
            (trace.name(&second), second.run_ms, second.estimate_ms),
            ("102_7".into(), 30_000, UNLIMITED_MS)
        );
        assert_eq!(
            (second.cards, second.class, trace.queues.get(second.queue)),
            (2, ServiceClass::Spot, "chem")
        );
    }

    #[test]
    fn a_cluster_without_accelerators_counts_cpus() {
        let text = "JobIDRaw|Submit|ElapsedRaw|TimelimitRaw|AllocCPUS|Partition\n5|1700000000|60|2|16|debug\n6|1700000001|90|1|8|\n";
        let (trace, faults) = read_text(text);
        assert_eq!((faults.bad, trace.jobs.len()), (0, 2));
        let job = trace.jobs[0];
        assert_eq!((job.cards, job.run_ms, job.estimate_ms), (16, 60_000, 120_000));
        assert_eq!(trace.jobs[1].estimate_ms, 90_000, "a limit below the run");
        assert_eq!(trace.queues.get(job.queue), "debug");
    }

    #[test]
    fn lengths_of_time_are_read_as_slurm_writes_them() {
        for (text, s) in
            [("00:00:01", 1), ("1-00:00:00", 86_400), ("2-3", 183_600), ("01:30", 90), ("02:00.500", 120)]
        {
            assert_eq!(duration(text.as_bytes(), 60).map(|ms| ms / 1000), Some(s), "{text}");
        }
        assert_eq!(duration(b"5", 60), Some(300_000));
        for bad in ["", "x", "1:2:3:4", "-5", "1-", "1:-2", "99999999999999999-00:00:00"] {
            assert_eq!(duration(bad.as_bytes(), 60), None, "{bad}");
        }
    }

    #[test]
    fn bad_rows_and_missing_columns_are_named() {
        let text = "JobID|Submit|Elapsed|AllocCPUS\n1|Unknown|00:01|1\n2|2026-05-20T08:00:00|soon|1\n3|a|b\n4|2026-05-20T08:00:00|00:01|0\n";
        let (trace, faults) = read_text(text);
        assert!(trace.jobs.is_empty());
        let flaws: Vec<_> = faults.samples.into_iter().map(|fault| fault.flaw).collect();
        let fields = Flaw::Fields { found: 3, needed: 4 };
        assert_eq!(flaws, [Flaw::Field("Submit"), Flaw::Field("Elapsed"), fields, Flaw::Field("AllocTRES")]);
        let (_, faults) = read_text("JobID|Elapsed|AllocCPUS\n");
        assert_eq!(faults.samples[0].flaw, Flaw::Column("Submit"));
    }
}
