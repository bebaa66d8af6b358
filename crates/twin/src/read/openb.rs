//! The pod list of Alibaba's open GPU cluster trace of 2023 ("openb"): a CSV with a row a pod.
//!
//! A pod is a job. Cards = its GPUs, where a share of one counts as a whole; submission = creation; run =
//! from scheduling to deletion, or from creation where the pod was never scheduled; estimate = run, as the
//! trace has none; queue = quality of service, where `BE` (best effort) is the class spot and `Guaranteed`
//! urgent; model = the GPU models that the pod accepts. Pods without a GPU are skipped.

use std::io::BufRead;

use domain::ServiceClass;

use super::{
    columns::{Columns, TableRow},
    fault::{Faults, Flaw},
    lines, numbers,
};
use crate::trace::{MAX_JOBS, MAX_RUN_MS, Trace, TraceJob, name_text};

const NAMES: [&str; 7] =
    ["name", "num_gpu", "gpu_spec", "qos", "creation_time", "deletion_time", "scheduled_time"];
const NAME: usize = 0;
const GPUS: usize = 1;
const SPEC: usize = 2;
const QOS: usize = 3;
const CREATED: usize = 4;
const DELETED: usize = 5;
const SCHEDULED: usize = 6;

/// Reads the rest of `input`.
pub fn read(input: impl BufRead, faults: &mut Faults) -> Trace {
    let mut trace = Trace::new("openb");
    let mut columns: Option<Columns<7>> = None;
    lines::each(input, faults, |line, text, faults| {
        if text.trim_ascii().is_empty() {
            return true;
        }
        let Some(columns) = &columns else {
            let found = Columns::of(text, &NAMES, b',', true);
            let missing = [NAME, GPUS, CREATED, DELETED].into_iter().find(|column| !found.has(*column));
            if let Some(column) = missing {
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
        match row.and_then(|row| pod(&mut trace, &row)) {
            Ok(Some(job)) => trace.jobs.push(job),
            Ok(None) => faults.skipped += 1,
            Err(flaw) => faults.add(line, flaw, text),
        }
        true
    });
    trace.sort();
    trace
}

/// The job of a pod; `None` for a pod without a GPU.
fn pod(trace: &mut Trace, row: &TableRow<'_, 7>) -> Result<Option<TraceJob>, Flaw> {
    let time = |column: usize| {
        numbers::seconds(&row[column]).filter(|ms| *ms >= 0).ok_or(Flaw::Field(NAMES[column]))
    };
    let gpus = numbers::whole(&row[GPUS]).and_then(|gpus| u32::try_from(gpus).ok());
    let cards = gpus.ok_or(Flaw::Field(NAMES[GPUS]))?;
    if cards == 0 {
        return Ok(None);
    }
    let (created, deleted) = (time(CREATED)?, time(DELETED)?);
    let from = if row[SCHEDULED].is_empty() { created } else { time(SCHEDULED)? };
    if deleted < from {
        return Err(Flaw::Field(NAMES[DELETED]));
    }
    let run_ms = (deleted - from).clamp(1000, MAX_RUN_MS);
    let class = match &*row[QOS] {
        b"BE" => ServiceClass::Spot,
        b"Guaranteed" => ServiceClass::Urgent,
        _ => ServiceClass::Normal,
    };
    Ok(Some(TraceJob {
        submit_ms: created,
        run_ms,
        estimate_ms: run_ms,
        name: trace.name_of(&name_text(&row[NAME])),
        cards,
        user: trace.users.of(""),
        queue: trace.queues.of(&name_text(&row[QOS])),
        model: trace.model_of(&name_text(&row[SPEC])),
        domain: None,
        class,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";

    fn read_text(rows: &str) -> (Trace, Faults) {
        let mut faults = Faults::default();
        let trace = read(format!("{HEAD}{rows}").as_bytes(), &mut faults);
        (trace, faults)
    }

    #[test]
    fn pods_become_jobs() {
        let rows = "pod-a,6000,12288,1,460,,LS,Running,100,400,150\n\
                    pod-b,6000,12288,8,1000,V100M16|V100M32,BE,Pending,50,60,\n\
                    pod-c,6000,12288,0,0,,LS,Running,0,9,0\n";
        let (trace, faults) = read_text(rows);
        assert_eq!((faults.bad, faults.skipped, faults.lines), (0, 1, 4));
        let [b, a] = trace.jobs[..] else { panic!("two jobs, sorted") };
        assert_eq!((a.submit_ms, a.run_ms, a.estimate_ms, a.cards), (100_000, 250_000, 250_000, 1));
        assert_eq!((b.submit_ms, b.run_ms, b.cards, b.class), (50_000, 10_000, 8, ServiceClass::Spot));
        assert_eq!((trace.name(&a), trace.queues.get(a.queue)), ("pod-a".into(), "LS"));
        assert_eq!((trace.models.get(b.model.into()), a.model), ("V100M16|V100M32", 0));
    }

    #[test]
    fn bad_rows_are_named() {
        let rows =
            "p,1,1,x,1000,,LS,Running,0,9,0\np,1,1,1,1000,,LS,Running,0\np,1,1,1,1000,,LS,Running,10,9,10\n";
        let (trace, faults) = read_text(rows);
        assert!(trace.jobs.is_empty());
        let flaws: Vec<_> = faults.samples.into_iter().map(|fault| (fault.line, fault.flaw)).collect();
        let fields = Flaw::Fields { found: 9, needed: 11 };
        assert_eq!(flaws, [(2, Flaw::Field("num_gpu")), (3, fields), (4, Flaw::Field("deletion_time"))]);
    }

    #[test]
    fn without_its_columns_it_is_no_pod_list() {
        let mut faults = Faults::default();
        read(&b"name,num_gpu\na,1\n"[..], &mut faults);
        assert_eq!(faults.samples[0].flaw, Flaw::Column("creation_time"));
    }
}
