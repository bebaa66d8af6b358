//! A trace in memory: the jobs that a center was asked to run, and when. It says nothing about what the
//! center did.

use std::{borrow::Cow, collections::HashMap};

use domain::{ServiceClass, TenantDomain, Timestamp};

/// The most jobs that a trace may have: they take 5 GB.
pub const MAX_JOBS: usize = 100_000_000;

/// The longest run and estimate: ten years. Longer ones in a trace count as this long, so that 29 million
/// such runs one after the other stay within 64 bits.
pub const MAX_RUN_MS: i64 = 3653 * 86_400_000;

const MAX_NAME_CHARS: usize = 200;

/// One job of a trace, in 48 bytes: traces of ten million jobs are usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceJob {
    /// Milliseconds after the trace's zero, see [`Trace::start`].
    pub submit_ms: i64,
    /// How long the job runs once it has its cards; at least 1.
    pub run_ms: i64,
    /// How long the job may run by its own estimate; never below `run_ms`.
    pub estimate_ms: i64,
    pub name: JobName,
    /// At least 1.
    pub cards: u32,
    /// Index into [`Trace::users`].
    pub user: u32,
    /// Index into [`Trace::queues`].
    pub queue: u32,
    /// Index into [`Trace::models`]; 0: any model.
    pub model: u16,
    /// `None` where the trace does not say.
    pub domain: Option<TenantDomain>,
    pub class: ServiceClass,
}

/// A job's name in the trace: a number, or an index into [`Trace::labels`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobName(u64);

impl JobName {
    const LABEL: u64 = 1 << 63;

    /// The name of a job that has a number.
    ///
    /// # Panics
    /// If the number is 2^63 or more.
    pub const fn number(number: u64) -> Self {
        assert!(number < Self::LABEL, "job numbers have 63 bits");
        Self(number)
    }
}

/// Jobs in order of submission; jobs of one instant are in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub jobs: Vec<TraceJob>,
    pub queues: Names,
    pub users: Names,
    /// The card models that jobs ask for; the first is "any".
    pub models: Names,
    /// The names of jobs that have no number.
    pub labels: Vec<Box<str>>,
    /// The instant of `submit_ms` 0, where the trace says it.
    pub start: Option<Timestamp>,
    /// The offset of the center's local time from UTC, in seconds: people come to work by local time.
    pub utc_offset_s: i32,
    /// The cards that the center had; 0 where the trace does not say.
    pub cards: u32,
    /// Where the trace says it comes from.
    pub source: String,
}

impl Trace {
    /// A trace without jobs.
    pub fn new(source: &str) -> Self {
        let mut trace = Self { source: source.into(), ..Self::default() };
        trace.models.of("");
        trace
    }

    /// The number of a set of card models, given as the trace writes the set; that of "any" once there are
    /// more than 65,535.
    pub fn model_of(&mut self, name: &str) -> u16 {
        match self.models.find(name) {
            Some(known) => u16::try_from(known).unwrap_or(0),
            None if self.models.len() > usize::from(u16::MAX) => 0,
            None => u16::try_from(self.models.of(name)).unwrap_or(0),
        }
    }

    /// Sorts jobs whose submissions are milliseconds since the epoch, and makes the first submission the
    /// trace's zero.
    pub fn start_at_first(&mut self) {
        self.sort();
        let Some(first_ms) = self.jobs.first().map(|job| job.submit_ms) else { return };
        self.start = Some(Timestamp::from_millis(first_ms));
        for job in &mut self.jobs {
            job.submit_ms -= first_ms;
        }
    }

    /// The job's name as the trace writes it.
    pub fn name(&self, job: &TraceJob) -> Cow<'_, str> {
        if job.name.0 & JobName::LABEL == 0 {
            return Cow::Owned(job.name.0.to_string());
        }
        let label = usize::try_from(job.name.0 & !JobName::LABEL).ok().and_then(|at| self.labels.get(at));
        Cow::Borrowed(label.map_or("", |label| label))
    }

    /// Takes `text` as a name: a number if the number is written the same, else a label.
    pub fn name_of(&mut self, text: &str) -> JobName {
        let plain = text.len() < 19 && !text.starts_with('0') || text == "0";
        if plain
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = text.parse()
        {
            return JobName::number(number);
        }
        self.labels.push(text.into());
        JobName(JobName::LABEL | (self.labels.len() as u64 - 1))
    }

    /// Puts the jobs in order of submission.
    pub fn sort(&mut self) {
        if !self.jobs.is_sorted_by_key(|job| job.submit_ms) {
            self.jobs.sort_by_key(|job| job.submit_ms);
        }
    }

    /// Makes each user a queue, where all jobs are in one queue and their users are known.
    pub fn share_between_users(&mut self) {
        if self.queues.len() <= 1 && self.users.len() > 1 {
            self.queues = self.users.clone();
            for job in &mut self.jobs {
                job.queue = job.user;
            }
        }
    }

    /// Card time of all jobs together, in card-milliseconds.
    pub fn card_ms(&self) -> i128 {
        self.jobs.iter().map(|job| i128::from(job.run_ms) * i128::from(job.cards)).sum()
    }
}

/// A name from bytes: its first 200 characters, with bytes that are not UTF-8 replaced.
pub fn name_text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if text.len() <= MAX_NAME_CHARS => Cow::Borrowed(text),
        _ => Cow::Owned(String::from_utf8_lossy(bytes).chars().take(MAX_NAME_CHARS).collect()),
    }
}

/// Names, each once, by their numbers from 0 on.
#[derive(Clone, Debug, Default)]
pub struct Names {
    list: Vec<Box<str>>,
    index: HashMap<Box<str>, u32>,
}

impl Names {
    /// The number of `name`; a new number if the name is new.
    pub fn of(&mut self, name: &str) -> u32 {
        if let Some(&known) = self.index.get(name) {
            return known;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(name.into());
        self.index.insert(name.into(), number);
        number
    }

    /// The number of `name`, if it has one.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    /// The name of a number; empty where there is no such number.
    pub fn get(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|at| self.list.get(at)).map_or("", |name| name)
    }

    /// Gives `number` another name. Does nothing if there is no such number, or if the name is taken.
    pub fn rename(&mut self, number: u32, name: &str) {
        if self.index.contains_key(name) {
            return;
        }
        if let Some(place) = usize::try_from(number).ok().and_then(|at| self.list.get_mut(at)) {
            self.index.remove(place);
            *place = name.into();
            self.index.insert(name.into(), number);
        }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|name| &**name)
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Names {}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_job_is_small() {
        assert_eq!(size_of::<TraceJob>(), 48);
    }

    #[test]
    fn names_come_back_as_they_were() {
        let mut trace = Trace::default();
        for text in ["0", "17", "007", "9223372036854775807", "1234_5", "", "４"] {
            let name = trace.name_of(text);
            assert_eq!(trace.name(&TraceJob { name, ..job() }), text);
        }
    }

    #[test]
    fn a_name_has_one_number() {
        let mut names = Names::default();
        assert_eq!((names.of("a"), names.of("b"), names.of("a")), (0, 1, 0));
        names.rename(1, "a");
        assert_eq!(names.get(1), "b", "taken");
        names.rename(1, "c");
        assert_eq!((names.get(1), names.get(9)), ("c", ""));
        assert_eq!((names.of("c"), names.of("b")), (1, 2));
    }

    /// Up to 40 jobs of up to 8 cards.
    pub fn any_jobs() -> impl Strategy<Value = Vec<TraceJob>> {
        let one = (0_i64..30, 1_i64..20, 0_i64..20, 1_u32..9, 0_u32..3);
        prop::collection::vec(one, 0..40).prop_map(|rows| {
            let make = |(submit_ms, run_ms, more, cards, queue): (i64, i64, i64, u32, u32)| TraceJob {
                submit_ms,
                run_ms,
                estimate_ms: run_ms + more,
                cards,
                queue,
                ..job()
            };
            let mut jobs: Vec<_> = rows.into_iter().map(make).collect();
            jobs.sort_by_key(|job| job.submit_ms);
            jobs
        })
    }

    /// A job of one card for a millisecond.
    pub fn job() -> TraceJob {
        TraceJob {
            submit_ms: 0,
            run_ms: 1,
            estimate_ms: 1,
            name: JobName::number(0),
            cards: 1,
            user: 0,
            queue: 0,
            model: 0,
            domain: None,
            class: ServiceClass::Normal,
        }
    }
}
