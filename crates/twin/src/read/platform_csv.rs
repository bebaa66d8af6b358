//! The platform's own CSV of a trace, described in `docs/twin.md`: a title line, columns in any order, facts
//! in lines that begin with `#`. A trace that is written is read back the same.

use std::io::{BufRead, Write};

use domain::{ServiceClass, TenantDomain, Timestamp};

use super::{
    columns::{Columns, TableRow, quoted},
    fault::{Faults, Flaw},
    lines, numbers,
};
use crate::trace::{MAX_JOBS, MAX_RUN_MS, Trace, TraceJob, name_text};

const NAMES: [&str; 11] = [
    "job",
    "submit_s",
    "submit",
    "run_s",
    "estimate_s",
    "cards",
    "user",
    "queue",
    "domain",
    "class",
    "model",
];
const JOB: usize = 0;
const SUBMIT_S: usize = 1;
const SUBMIT: usize = 2;
const RUN: usize = 3;
const ESTIMATE: usize = 4;
const CARDS: usize = 5;
const USER: usize = 6;
const QUEUE: usize = 7;
const DOMAIN: usize = 8;
const CLASS: usize = 9;
const MODEL: usize = 10;

/// Reads the rest of `input`.
pub fn read(input: impl BufRead, faults: &mut Faults) -> Trace {
    let mut trace = Trace::new("");
    let mut columns: Option<Columns<11>> = None;
    lines::each(input, faults, |line, text, faults| {
        if text.trim_ascii().is_empty() {
            return true;
        }
        if text[0] == b'#' {
            fact(&mut trace, &text[1..]);
            return true;
        }
        let Some(columns) = &columns else {
            let found = Columns::of(text, &NAMES, b',', true);
            let needed = [if found.has(SUBMIT) { SUBMIT } else { SUBMIT_S }, RUN, CARDS];
            if let Some(column) = needed.into_iter().find(|column| !found.has(*column)) {
                faults.add(line, Flaw::Column(NAMES[column]), text);
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
        match row.and_then(|row| job(&mut trace, &row, columns.has(SUBMIT))) {
            Ok(job) => trace.jobs.push(job),
            Err(flaw) => faults.add(line, flaw, text),
        }
        true
    });
    if columns.is_some_and(|columns| columns.has(SUBMIT)) {
        trace.start_at_first();
    } else {
        trace.sort();
    }
    trace
}

fn fact(trace: &mut Trace, text: &[u8]) {
    let Some((key, value)) = str::from_utf8(text).ok().and_then(|text| text.split_once(':')) else { return };
    let value = value.trim();
    match key.trim() {
        "cards" => trace.cards = value.parse().unwrap_or(0),
        "start" => trace.start = value.parse().ok(),
        "utc_offset_s" => {
            let offset = value.parse().ok().filter(|offset: &i32| offset.abs() <= 86_400);
            trace.utc_offset_s = offset.unwrap_or(0);
        }
        "source" => trace.source = value.chars().filter(|c| !c.is_control()).take(200).collect(),
        _ => {}
    }
}

fn job(trace: &mut Trace, row: &TableRow<'_, 11>, by_instant: bool) -> Result<TraceJob, Flaw> {
    let flaw = |column: usize| Flaw::Field(NAMES[column]);
    let time = |column: usize| numbers::seconds(&row[column]).filter(|ms| *ms >= 0).ok_or(flaw(column));
    let submit_ms = if by_instant {
        let text = str::from_utf8(&row[SUBMIT]).ok();
        let at: Option<Timestamp> = text.and_then(|text| text.parse().ok());
        at.map(Timestamp::floor_millis).filter(|ms| *ms >= 0).ok_or(flaw(SUBMIT))?
    } else {
        time(SUBMIT_S)?
    };
    let run_ms = time(RUN)?;
    let asked_ms = if row[ESTIMATE].is_empty() { run_ms } else { time(ESTIMATE)? };
    let cards =
        numbers::whole(&row[CARDS]).and_then(|cards| u32::try_from(cards).ok()).filter(|cards| *cards > 0);
    let cards = cards.ok_or(flaw(CARDS))?;
    let word = |column: usize| str::from_utf8(&row[column]).ok();
    let domain = match word(DOMAIN) {
        Some("") => None,
        code => Some(code.and_then(TenantDomain::from_code).ok_or(flaw(DOMAIN))?),
    };
    let class = match word(CLASS) {
        Some("") => ServiceClass::Normal,
        code => code.and_then(ServiceClass::from_code).ok_or(flaw(CLASS))?,
    };
    let name = if row[JOB].is_empty() {
        (trace.jobs.len() + 1).to_string()
    } else {
        name_text(&row[JOB]).into_owned()
    };
    Ok(TraceJob {
        submit_ms,
        run_ms: run_ms.min(asked_ms).clamp(1, MAX_RUN_MS),
        estimate_ms: run_ms.max(asked_ms).clamp(1, MAX_RUN_MS),
        name: trace.name_of(&name),
        cards,
        user: trace.users.of(&name_text(&row[USER])),
        queue: trace.queues.of(&name_text(&row[QUEUE])),
        model: trace.model_of(&name_text(&row[MODEL])),
        domain,
        class,
    })
}

/// Writes a trace so that [`crate::read`] reads it back the same.
pub fn write(trace: &Trace, out: &mut impl Write) -> std::io::Result<()> {
    if !trace.source.is_empty() {
        writeln!(out, "# source: {}", trace.source.replace(['\n', '\r'], " "))?;
    }
    if let Some(start) = trace.start {
        writeln!(out, "# start: {start}")?;
    }
    if trace.utc_offset_s != 0 {
        writeln!(out, "# utc_offset_s: {}", trace.utc_offset_s)?;
    }
    if trace.cards > 0 {
        writeln!(out, "# cards: {}", trace.cards)?;
    }
    writeln!(out, "job,submit_s,run_s,estimate_s,cards,user,queue,domain,class,model")?;
    for job in &trace.jobs {
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{}",
            quoted(&trace.name(job)),
            Seconds(job.submit_ms),
            Seconds(job.run_ms),
            Seconds(job.estimate_ms),
            job.cards,
            quoted(trace.users.get(job.user)),
            quoted(trace.queues.get(job.queue)),
            job.domain.map_or("", TenantDomain::code),
            job.class.code(),
            quoted(trace.models.get(job.model.into())),
        )?;
    }
    Ok(())
}

/// Milliseconds that are written as seconds, with no places or three.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub i64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (s, ms) = (self.0 / 1000, self.0 % 1000);
        if ms == 0 {
            return write!(f, "{s}");
        }
        let sign = if self.0 < 0 && s == 0 { "-" } else { "" };
        write!(f, "{sign}{s}.{:03}", ms.abs())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_text(text: &str) -> (Trace, Faults) {
        let mut faults = Faults::default();
        let trace = read(text.as_bytes(), &mut faults);
        (trace, faults)
    }

    #[test]
    fn the_least_table_is_enough() {
        let (trace, faults) = read_text("cards,run_s,submit_s\n8,60.5,10\n4,0,2\n");
        assert_eq!(faults.bad, 0);
        let [b, a] = trace.jobs[..] else { panic!("two jobs, sorted") };
        assert_eq!((a.submit_ms, a.run_ms, a.estimate_ms, a.cards), (10_000, 60_500, 60_500, 8));
        assert_eq!((b.run_ms, b.estimate_ms, trace.name(&b)), (1, 1, "2".into()));
    }

    #[test]
    fn instants_count_from_the_first() {
        let (trace, faults) =
            read_text("submit,run_s,cards\n2026-05-20T08:00:05Z,1,1\n2026-05-20T08:00:00+08:00,1,1\n");
        assert_eq!((faults.bad, trace.start), (0, Some("2026-05-20T00:00:00Z".parse().unwrap())));
        assert_eq!(trace.jobs.iter().map(|job| job.submit_ms).collect::<Vec<_>>(), [0, 8 * 3_600_000 + 5000]);
    }

    #[test]
    fn bad_rows_are_named() {
        let text = "job,submit_s,run_s,cards,domain,class\n1,-1,1,1,,\n1,0,x,1,,\n1,0,1,0,,\n1,0,1,1,moon,\n1,0,1,1,,vip\n1,0\n";
        let (trace, faults) = read_text(text);
        assert!(trace.jobs.is_empty());
        let flaws: Vec<_> = faults.samples.into_iter().map(|fault| fault.flaw).collect();
        let mut expected: Vec<_> = ["submit_s", "run_s", "cards", "domain", "class"].map(Flaw::Field).into();
        expected.push(Flaw::Fields { found: 2, needed: 6 });
        assert_eq!(flaws, expected);
        assert_eq!(read_text("job,submit_s,cards\n").1.samples[0].flaw, Flaw::Column("run_s"));
    }

    #[test]
    fn seconds_are_written_with_the_places_they_need() {
        for (ms, text) in [(0, "0"), (1000, "1"), (1, "0.001"), (-500, "-0.500"), (-1500, "-1.500")] {
            assert_eq!(Seconds(ms).to_string(), text);
        }
    }

    type Raw = (u32, i64, i64, u32, String, String, Option<usize>, usize);

    proptest! {
        #[test]
        fn what_is_written_comes_back(rows in prop::collection::vec(any_job(), 0..20), cards in 0_u32..9, offset in -86_400_i32..86_400, start in prop::option::of(0_i64..2_000_000_000)) {
            let mut trace = Trace { cards, utc_offset_s: offset, start: start.map(Timestamp::from_secs), ..Trace::new("made") };
            let mut submit_ms = 0;
            for (after, run_ms, more, cards, name, queue, domain, class) in rows {
                submit_ms += i64::from(after);
                let job = TraceJob {
                    submit_ms, run_ms, estimate_ms: run_ms + more, cards,
                    name: trace.name_of(&name),
                    user: trace.users.of(&queue),
                    queue: trace.queues.of(&queue),
                    model: trace.model_of(&queue),
                    domain: domain.map(|at| TenantDomain::ALL[at]),
                    class: ServiceClass::ALL[class],
                };
                trace.jobs.push(job);
            }
            let mut bytes = Vec::new();
            write(&trace, &mut bytes).unwrap();
            let mut faults = Faults::default();
            prop_assert_eq!(read(&bytes[..], &mut faults), trace);
            prop_assert_eq!(faults.bad, 0);
        }
    }

    fn any_job() -> impl Strategy<Value = Raw> {
        let name = "[^\r\n]{1,12}";
        (
            0_u32..9_999_999,
            1_i64..1 << 37,
            0_i64..1 << 37,
            1_u32..,
            name,
            "[^\r\n]{0,9}",
            prop::option::of(0_usize..3),
            0_usize..3,
        )
    }
}
