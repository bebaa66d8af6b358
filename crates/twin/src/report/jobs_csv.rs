//! A replay as a CSV for other programs.

use std::io::Write;

use crate::{
    read::{columns::quoted, platform_csv::Seconds},
    replay::outcome::ReplayOutcome,
    trace::Trace,
};

/// Writes a row for each job in order of submission: `job,submit_s,start_s,end_s,cards`, in seconds of the
/// trace. Start and end are empty for a job that asks for more cards than there are.
pub fn write_jobs(trace: &Trace, outcome: &ReplayOutcome, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "job,submit_s,start_s,end_s,cards")?;
    for (job, run) in trace.jobs.iter().zip(&outcome.runs) {
        write!(out, "{},{},", quoted(&trace.name(job)), Seconds(job.submit_ms))?;
        match run {
            Some(run) => write!(out, "{},{}", Seconds(run.start_ms), Seconds(run.end_ms))?,
            None => write!(out, ",")?,
        }
        writeln!(out, ",{}", job.cards)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        replay::{policy::ReplayPolicy, replay, setup::Setup},
        trace::{TraceJob, tests::job},
    };

    #[test]
    fn rows_have_a_job_each() {
        let mut trace = Trace::new("");
        for (text, cards, run_ms) in [("7", 2, 1500), ("a,b", 2, 3000), ("9", 3, 1000)] {
            let name = trace.name_of(text);
            trace.jobs.push(TraceJob { name, cards, run_ms, estimate_ms: run_ms, ..job() });
        }
        let outcome = replay(&trace, &Setup::new(2, ReplayPolicy::default()), &mut |_| {});
        let mut bytes = Vec::new();
        write_jobs(&trace, &outcome, &mut bytes).unwrap();
        let expected = "job,submit_s,start_s,end_s,cards\n7,0,0,1.500,2\n\"a,b\",0,1.500,4.500,2\n9,0,,,3\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
