//! The Standard Workload Format, version 2.2, of the Parallel Workloads Archive.
//!
//! Each job has a line of 18 fields, with -1 where something is not known. Lines with `;` are comments, and
//! some of them facts. Cards = the processors allocated; run = the smaller of run and requested time;
//! estimate = the larger; both are at least a second. A job that ran for less than a second counts with a
//! second, and one that never got processors with a second and one card: no job is dropped for how it ended.

use std::io::BufRead;

use domain::{ServiceClass, Timestamp};

use super::{
    fault::{Faults, Flaw},
    lines, numbers,
};
use crate::trace::{JobName, MAX_JOBS, MAX_RUN_MS, Trace, TraceJob};

const FIELDS: usize = 18;

/// Reads the rest of `input`.
pub fn read(input: impl BufRead, faults: &mut Faults) -> Trace {
    let mut trace = Trace::new("");
    let mut titles = Vec::new();
    lines::each(input, faults, |line, text, faults| {
        let text = text.trim_ascii();
        if let Some(comment) = text.strip_prefix(b";") {
            header(&mut trace, &mut titles, comment);
        } else if !text.is_empty() {
            if trace.jobs.len() >= MAX_JOBS {
                faults.add(line, Flaw::Many { limit: MAX_JOBS }, text);
                return false;
            }
            match job(&mut trace, text) {
                Ok(job) => trace.jobs.push(job),
                Err(flaw) => faults.add(line, flaw, text),
            }
        }
        true
    });
    for (queue, title) in titles {
        if let Some(number) = trace.queues.find(&queue) {
            trace.queues.rename(number, &title);
        }
    }
    trace.sort();
    trace
}

/// Takes the facts that the twin uses from a comment.
fn header(trace: &mut Trace, titles: &mut Vec<(String, String)>, comment: &[u8]) {
    let Ok(comment) = str::from_utf8(comment) else { return };
    let Some((key, value)) = comment.split_once(':') else { return };
    let value = value.trim();
    match key.trim() {
        "MaxProcs" => trace.cards = value.parse().unwrap_or(trace.cards),
        // For clusters whose processors are not counted apart from their nodes.
        "MaxNodes" if trace.cards == 0 => trace.cards = value.parse().unwrap_or(0),
        "UnixStartTime" => {
            let seconds = numbers::seconds(value.as_bytes()).filter(|ms| *ms > 0);
            trace.start = seconds.map(Timestamp::from_millis).or(trace.start);
        }
        "TimeZone" => {
            let offset = value.parse().ok().filter(|offset: &i32| offset.abs() <= 86_400);
            trace.utc_offset_s = offset.unwrap_or(trace.utc_offset_s);
        }
        "Computer" if trace.source.is_empty() => trace.source = value.chars().take(80).collect(),
        "Installation" if trace.source.len() < 200 => {
            let place: String = value.chars().take(80).collect();
            trace.source = if trace.source.is_empty() { place } else { format!("{}, {place}", trace.source) };
        }
        "Queue" if titles.len() < 10_000 => {
            let mut words = value.split_whitespace();
            if let (Some(queue), Some(title)) = (words.next(), words.next()) {
                titles.push((queue.to_owned(), title.chars().take(60).collect()));
            }
        }
        _ => {}
    }
}

fn job(trace: &mut Trace, text: &[u8]) -> Result<TraceJob, Flaw> {
    let mut fields = [&b""[..]; FIELDS];
    let mut found = 0;
    for field in text.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).take(FIELDS) {
        fields[found] = field;
        found += 1;
    }
    if found < FIELDS {
        return Err(Flaw::Fields { found, needed: FIELDS });
    }
    let count = |at: usize, what| numbers::whole(fields[at]).ok_or(Flaw::Field(what));
    let time = |at: usize, what| numbers::seconds(fields[at]).ok_or(Flaw::Field(what));
    let name = count(0, "job").and_then(|n| u64::try_from(n).map_err(|_| Flaw::Field("job")))?;
    let submit_ms =
        time(1, "submit").and_then(|ms| if ms < 0 { Err(Flaw::Field("submit")) } else { Ok(ms) })?;
    let (ran, requested) = (time(3, "run")?, time(8, "requested time")?);
    let allocated = count(4, "processors")?;
    let cards =
        if allocated > 0 { u32::try_from(allocated).map_err(|_| Flaw::Field("processors"))? } else { 1 };
    let (run_ms, estimate_ms) = match (allocated > 0 && ran >= 1000, requested > 0) {
        (false, _) => (1000, 1000),
        (true, false) => (ran, ran),
        (true, true) => (ran.min(requested).max(1000), ran.max(requested)),
    };
    let (run_ms, estimate_ms) = (run_ms.min(MAX_RUN_MS), estimate_ms.min(MAX_RUN_MS));
    Ok(TraceJob {
        submit_ms,
        run_ms,
        estimate_ms,
        name: JobName::number(name),
        cards,
        user: trace.users.of(word(fields[11])),
        queue: trace.queues.of(word(fields[14])),
        model: 0,
        domain: None,
        class: ServiceClass::Normal,
    })
}

/// A name of digits; empty where it is not known.
fn word(field: &[u8]) -> &str {
    if field == b"-1" { "" } else { str::from_utf8(field).unwrap_or("") }
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
    fn headers_give_the_center() {
        let text = "; Computer: IBM SP2\n; Installation: KTH\n;UnixStartTime: 843480031\n; TimeZone: 3600\n\
            ; MaxNodes: 12\n; MaxProcs: 100\n; Queue:  1  express\n; Note: nothing\n;\n\
            1 0 -1 10 4 -1 -1 4 20 -1 1 3 1 -1 1 -1 -1 -1\n";
        let (trace, faults) = read_text(text);
        assert_eq!((trace.cards, trace.utc_offset_s, faults.bad), (100, 3600, 0));
        assert_eq!(trace.start, Some(Timestamp::from_secs(843_480_031)));
        assert_eq!(trace.source, "IBM SP2, KTH");
        assert_eq!(
            (trace.queues.get(trace.jobs[0].queue), trace.users.get(trace.jobs[0].user)),
            ("express", "3")
        );
    }

    #[test]
    fn times_follow_the_conventions() {
        // Fields run, allocated and requested; then the run, estimate and cards of the job.
        for ([ran, allocated, requested], expected) in [
            ([10, 4, 20], (10_000, 20_000, 4)),
            ([30, 4, 20], (20_000, 30_000, 4)),
            ([30, 4, -1], (30_000, 30_000, 4)),
            ([30, -1, 90], (1000, 1000, 1)),
            ([-1, 4, 90], (1000, 1000, 4)),
            ([0, 0, 0], (1000, 1000, 1)),
        ] {
            let line = format!("7 5 0 {ran} {allocated} -1 -1 8 {requested} -1 1 3 1 -1 1 -1 -1 -1");
            let (trace, faults) = read_text(&line);
            assert_eq!(faults.bad, 0, "{faults:?}");
            let job = trace.jobs[0];
            assert_eq!((job.run_ms, job.estimate_ms, job.cards), expected, "{line}");
            assert_eq!((job.submit_ms, trace.name(&job)), (5000, "7".into()));
        }
    }

    #[test]
    fn bad_lines_are_named_and_the_rest_is_read() {
        let good = "1 0 0 10 4 -1 -1 4 20 -1 1 3 1 -1 1 -1 -1 -1\n";
        let rest = good.strip_prefix("1 0").unwrap();
        let text = format!("{good}1 0 0 10\nx 0{rest}1 -9{rest}\n{good}");
        let (trace, faults) = read_text(&text);
        assert_eq!((trace.jobs.len(), faults.bad, faults.lines), (2, 3, 6));
        let flaws: Vec<_> = faults.samples.into_iter().map(|fault| (fault.line, fault.flaw)).collect();
        let fields = Flaw::Fields { found: 4, needed: 18 };
        assert_eq!(flaws, [(2, fields), (3, Flaw::Field("job")), (4, Flaw::Field("submit"))]);
    }
}
