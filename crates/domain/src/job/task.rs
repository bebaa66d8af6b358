//! Tasks as people write them, in Slurm's way: `JOB_7`, `JOB_[3-9,12]`.

use std::fmt;

use super::{Job, JobState, JobStatus, dropped::Positions};
use crate::{
    JobId, Run,
    job::JobOutcome,
    spec::{ArraySpec, IndexRange, MAX_ARRAY_TASKS},
};

/// A job, or tasks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// The job's id, or a part of it.
    pub job: &'a str,
    /// The indices of tasks; `None` where the job as a whole is meant.
    pub tasks: Option<Indices>,
}

/// Indices of tasks, as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indices(Vec<IndexRange>);

/// It is written behind a job's id and names no tasks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no tasks")]
pub struct NoTasks(pub String);

/// Reads `JOB`, `JOB_7` or `JOB_[3-9,12]`. Any text without such an end is the job.
pub fn parse(text: &str) -> Result<Named<'_>, NoTasks> {
    let behind = text.strip_prefix(JobId::PREFIX).map_or(0, |_| JobId::PREFIX.len());
    let Some(at) = text[behind..].find('_') else { return Ok(Named { job: text, tasks: None }) };
    let (job, tasks) = (&text[..behind + at], &text[behind + at + 1..]);
    let tasks = Indices::parse(tasks).ok_or_else(|| NoTasks(tasks.chars().take(80).collect()))?;
    Ok(Named { job, tasks: Some(tasks) })
}

impl Indices {
    pub fn one(index: u32) -> Self {
        Self(vec![IndexRange { first: index, last: index, step: 1 }])
    }

    /// Reads `7`, `3-9`, `3-9,12`, with brackets around it or without.
    pub fn parse(text: &str) -> Option<Self> {
        let within = match text.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']')?,
            None => text,
        };
        let number = |text: &str| -> Option<u32> {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_number)
        };
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(IndexRange { first, last, step: 1 })
        };
        let ranges: Option<Vec<_>> = within.split(',').map(range).collect();
        ranges.filter(|ranges| ranges.len() <= MAX_ARRAY_TASKS as usize).map(Self)
    }

    /// The index, where it is one.
    pub fn only(&self) -> Option<u32> {
        match self.0.as_slice() {
            [only] if only.first == only.last => Some(only.first),
            _ => None,
        }
    }

    /// The positions of these tasks. A job without an array has one task, which is 0.
    pub fn positions(&self, array: Option<&ArraySpec>) -> Positions {
        let Some(array) = array else {
            return Positions::new(self.0.iter().filter(|range| range.first == 0).map(|_| (0, 0)));
        };
        let mut found = Vec::new();
        let mut before = 0_u64;
        for of_array in &array.ranges {
            let step = of_array.step.max(1);
            for wanted in &self.0 {
                // The first and last index of the array's range that the wanted one has.
                let from = wanted.first.max(of_array.first) - of_array.first;
                let Some(to) = wanted.last.min(of_array.last).checked_sub(of_array.first) else { continue };
                let (first, last) = (u64::from(from.div_ceil(step)), u64::from(to / step));
                if first <= last {
                    let at = |n: u64| u32::try_from(before + n).unwrap_or(u32::MAX);
                    found.push((at(first), at(last)));
                }
            }
            before += of_array.len();
        }
        Positions::new(found)
    }
}

impl fmt::Display for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |range: &IndexRange| match range {
            IndexRange { first, last, .. } if first == last => first.to_string(),
            IndexRange { first, last, .. } => format!("{first}-{last}"),
        };
        let parts: Vec<String> = self.0.iter().map(part).collect();
        match self.only() {
            Some(index) => write!(f, "{index}"),
            None => write!(f, "[{}]", parts.join(",")),
        }
    }
}

/// Where one task stands: as a job would that has no other. `latest` is its newest run, and `is_to_retry` says that it is
/// to be tried again.
pub fn status(job: &Job, position: u32, latest: Option<&Run>, is_to_retry: bool) -> JobStatus {
    if let Some(run) = latest.filter(|_| !is_to_retry) {
        return match run.state.outcome() {
            Some(outcome) => JobOutcome::of_run(outcome).into(),
            None if run.state.stop().is_some() => JobStatus::Stopping,
            None => JobStatus::Running,
        };
    }
    let is_cancelled = latest.is_none() && (position < job.tasks.next || job.dropped.contains(position));
    match job.state {
        _ if is_cancelled => JobStatus::Cancelled,
        JobState::Ended { outcome, .. } => match outcome {
            // The task never began: the job ended so by its other tasks.
            JobOutcome::Succeeded | JobOutcome::Failed | JobOutcome::TimedOut => JobStatus::Cancelled,
            other => other.into(),
        },
        JobState::Stopping { .. } => JobStatus::Stopping,
        JobState::Queued | JobState::Running => JobStatus::Queued,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tasks_are_read_behind_a_job() {
        let id = "job_0198c0de000070008000000000000001";
        let of =
            |text: &str| parse(text).map(|named| (named.job.to_owned(), named.tasks.map(|t| t.to_string())));
        let task = |job: &str, tasks: &str| Ok((job.to_owned(), Some(tasks.to_owned())));
        assert_eq!(of(id), Ok((id.to_owned(), None)));
        assert_eq!(of("0001"), Ok(("0001".to_owned(), None)));
        assert_eq!(of(&format!("{id}_7")), task(id, "7"));
        assert_eq!(of("0001_12"), task("0001", "12"));
        assert_eq!(of("job_01_[3-9,12]"), task("job_01", "[3-9,12]"));
        assert_eq!(of("01_3-9"), task("01", "[3-9]"));
        for wrong in [
            "01_",
            "01_x",
            "01_[3",
            "01_9-3",
            "01_[]",
            "01_-1",
            "01_1,,2",
            "01_+1",
            "01_1_2",
            "01_4294967296",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn positions_are_those_whose_index_is_named(
            ranges in prop::collection::vec((0_u32..6, 0_u32..20, 1_u32..4), 1..4),
            wanted in prop::collection::vec((0_u32..70, 0_u32..9), 1..4),
        ) {
            let mut next = 0;
            let ranges: Vec<_> = ranges.into_iter().map(|(gap, more, step)| {
                let first = next + gap;
                next = first + more + 1;
                IndexRange { first, last: first + more, step }
            }).collect();
            let array = ArraySpec { ranges, max_running: None };
            let wanted: Vec<_> =
                wanted.into_iter().map(|(first, more)| IndexRange { first, last: first + more, step: 1 }).collect();
            let positions = Indices(wanted.clone()).positions(Some(&array));
            for position in 0..u32::try_from(array.len()).unwrap() {
                let index = array.index(position).unwrap();
                let is_named = wanted.iter().any(|range| (range.first..=range.last).contains(&index));
                prop_assert_eq!(positions.contains(position), is_named, "{}", index);
            }
        }
    }
}
