//! A replay as rows for other programs.

use std::io::Write;

use crate::{columns::quoted, own::Seconds, replay::Outcome, trace::Trace};

/// A row a job in order of submission: `job,submit_s,start_s,end_s,cards`, in seconds of the trace; start and end are empty
/// for a job that asks for more cards than there are.
pub fn write_jobs(trace: &Trace, outcome: &Outcome, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "job,submit_s,start_s,end_s,cards")?;
    for (job, fate) in trace.jobs.iter().zip(&outcome.fates) {
        write!(out, "{},{},", quoted(&trace.name(job)), Seconds(job.submit_ms))?;
        match fate {
            Some(fate) => write!(out, "{},{}", Seconds(fate.start_ms), Seconds(fate.end_ms))?,
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
        TraceJob,
        policy::Policy,
        replay::{Setup, replay},
        trace::tests::job,
    };

    #[test]
    fn rows_have_a_job_each() {
        let mut trace = Trace::new("");
        for (text, cards, run_ms) in [("7", 2, 1500), ("a,b", 2, 3000), ("9", 3, 1000)] {
            let name = trace.name_of(text);
            trace.jobs.push(TraceJob { name, cards, run_ms, estimate_ms: run_ms, ..job() });
        }
        let outcome = replay(&trace, &Setup::new(2, Policy::default()), &mut |_| {});
        let mut bytes = Vec::new();
        write_jobs(&trace, &outcome, &mut bytes).unwrap();
        let expected = "job,submit_s,start_s,end_s,cards\n7,0,0,1.500,2\n\"a,b\",0,1.500,4.500,2\n9,0,,,3\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
