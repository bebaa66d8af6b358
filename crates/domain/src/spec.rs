//! What a tenant asks for: the specification of a job, and the limits on it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    BatchSpec, JobId, Launch, Millis, codes,
    problem::{Field, JobFault, Quantity, SpecProblem, Things, Wrong, field, out_of_range},
    text::Line,
};

/// The most characters of a job's name, and of a comment.
const MAX_NAME: usize = 128;
const MAX_COMMENT: usize = 1024;
/// The most arguments of a script, and the most bytes of one.
const MAX_ARGS: usize = 256;
pub const MAX_ARG_BYTES: usize = 4096;
/// The most bytes of a script.
pub const MAX_SCRIPT_BYTES: usize = 256 * 1024;
/// The most nodes of one run.
pub const MAX_NODES: u32 = 4096;
/// The most tasks of one array.
pub const MAX_ARRAY_TASKS: u32 = 1_000_000;
/// The most environment variables, and the most bytes of one.
pub const MAX_ENV: usize = 256;
pub const MAX_ENV_BYTES: usize = 32 * 1024;
/// The longest that a run may be allowed: 60 days.
pub const MAX_TIME_LIMIT: Millis = Millis::from_hours(60 * 24);
/// The most jobs that one job may wait for.
pub const MAX_DEPENDENCIES: usize = 256;
/// The most labels that a node may have, or a job ask for, and the most bytes of one.
pub const MAX_LABELS: usize = 16;
pub const MAX_LABEL_BYTES: usize = 64;

codes! {
    /// How urgent work is; each class has its price.
    #[derive(Default)]
    pub enum ServiceClass {
        /// Before all others.
        Urgent = "urgent",
        #[default]
        Normal = "normal",
        /// After all others, first to be preempted.
        Spot = "spot",
    }
}

/// What a job asks for. Its runs get all of `nodes` × `cards_per_node` cards at once or none; more nodes, up
/// to `max_nodes`, where they are free.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    pub name: String,
    /// The project's short name; the member's only project where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The whole text, with its `#!` line.
    pub script: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    #[serde(default = "one")]
    pub nodes: u32,
    /// A run takes up to so many nodes if they are free when it starts; `nodes` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_nodes: Option<u32>,
    #[serde(default = "one")]
    pub cards_per_node: u32,
    /// Each run has its nodes alone, with all of their cards, of which there are `cards_per_node` at least.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// What each of its nodes must have: labels that the center gives to nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The card model wanted, or several with `|` between, any of which will do; any that the contract covers
    /// where left out. See [`Self::card_models`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_model: Option<String>,
    #[serde(default)]
    pub service_class: ServiceClass,
    /// How long each run may take; the center's default where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_ms: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArraySpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Dependency>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    #[serde(default, skip_serializing_if = "Launch::is_default")]
    pub launch: Launch,
    #[serde(default, skip_serializing_if = "BatchSpec::is_default")]
    pub batch: BatchSpec,
}

const fn one() -> u32 {
    1
}

/// The tasks of an array: indices in rising order, and how many may run at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArraySpec {
    pub ranges: Vec<IndexRange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
}

/// `first`, `first + step`, … up to `last` at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexRange {
    pub first: u32,
    pub last: u32,
    #[serde(default = "one")]
    pub step: u32,
}

impl IndexRange {
    fn len(self) -> u64 {
        if self.step == 0 || self.last < self.first {
            0
        } else {
            u64::from((self.last - self.first) / self.step) + 1
        }
    }
}

impl ArraySpec {
    /// How many tasks it has.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|range| range.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index of the task at `position`, counted from 0.
    pub fn index(&self, position: u32) -> Option<u32> {
        let mut rest = u64::from(position);
        for range in &self.ranges {
            if rest < range.len() {
                return u32::try_from(u64::from(range.first) + rest * u64::from(range.step)).ok();
            }
            rest -= range.len();
        }
        None
    }

    fn fault(&self) -> Option<JobFault> {
        if let Some(IndexRange { first, last, step }) = self.ranges.iter().find(|range| range.len() == 0) {
            return Some(JobFault::EmptyRange { first: *first, last: *last, step: *step });
        }
        if let Some(pair) = self.ranges.windows(2).find(|pair| pair[1].first <= pair[0].last) {
            return Some(JobFault::RangesNotRising { last: pair[0].last, first: pair[1].first });
        }
        let tasks = self.len();
        (!(1..=u64::from(MAX_ARRAY_TASKS)).contains(&tasks)).then_some(JobFault::ArrayTasks { tasks })
    }

    /// The lowest and the highest index.
    pub fn bounds(&self) -> Option<(u32, u32)> {
        let last = u32::try_from(self.len().checked_sub(1)?).ok()?;
        Some((self.index(0)?, self.index(last)?))
    }
}

/// Another job that this one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    pub job: JobId,
    pub when: DependencyKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyKind {
    /// Once it has begun.
    Started,
    /// Once it has ended well.
    Succeeded,
    /// Once it has ended otherwise.
    Failed,
    /// Once it has ended.
    Ended,
}

impl JobSpec {
    /// How many tasks: 1 unless it is an array.
    pub fn task_count(&self) -> u32 {
        self.array.as_ref().map_or(1, |array| u32::try_from(array.len()).unwrap_or(u32::MAX))
    }

    /// Cards of one run.
    pub fn card_count(&self) -> u32 {
        self.nodes.saturating_mul(self.cards_per_node)
    }

    /// The most nodes that a run takes.
    pub fn most_nodes(&self) -> u32 {
        self.max_nodes.map_or(self.nodes, |most| most.max(self.nodes))
    }

    /// The card models of which any will do; none where all do.
    pub fn card_models(&self) -> impl Iterator<Item = &str> {
        self.card_model.iter().flat_map(|models| models.split('|')).map(str::trim)
    }

    /// Whether cards of `model` will do.
    pub fn takes_model(&self, model: &str) -> bool {
        self.card_model.is_none() || self.card_models().any(|wanted| wanted == model)
    }

    /// All that is wrong with it by itself, whoever submits it and wherever; empty if nothing is.
    pub fn problems(&self) -> Vec<SpecProblem> {
        let mut problems = Vec::new();
        let mut found = |field: Field, wrong: Option<Wrong>| {
            problems.extend(wrong.map(|wrong| SpecProblem::new(field, wrong)));
        };
        found(field::NAME, Line::<MAX_NAME>::parse(&*self.name).err().map(Wrong::Line));
        found(field::SCRIPT, script_fault(&self.script));
        found(field::ARGS, args_fault(&self.args));
        found(field::ENV, env_fault(&self.env));
        found(field::NODES, out_of_range(Quantity::Nodes, self.nodes, 1, MAX_NODES));
        let bad_most = self.max_nodes.filter(|most| !(self.nodes..=MAX_NODES).contains(most));
        let bad_most = bad_most.map(|given| JobFault::MaxNodes { given, nodes: self.nodes }.into());
        found(field::MAX_NODES, bad_most);
        found(field::LABELS, labels_fault(&self.labels));
        let most_cards = crate::card::MAX_CARDS_PER_NODE.into();
        found(
            field::CARDS_PER_NODE,
            out_of_range(Quantity::CardsPerNode, self.cards_per_node, 1, most_cards),
        );
        found(
            field::TIME_LIMIT,
            self.time_limit_ms
                .and_then(|limit| out_of_range(Quantity::TimeLimitMs, limit.0, 1, MAX_TIME_LIMIT.0)),
        );
        let chars = self.comment.chars().count();
        let too_long = chars > MAX_COMMENT;
        found(field::COMMENT, too_long.then_some(Wrong::TooLong { chars, most: MAX_COMMENT }));
        found(field::AFTER, too_many(Things::Jobs, self.after.len(), MAX_DEPENDENCIES));
        if let Some(array) = &self.array {
            found(field::ARRAY, array.fault().map(Wrong::Job));
            let none_at_once = array.max_running == Some(0);
            found(field::ARRAY, none_at_once.then_some(JobFault::NoTaskAtOnce.into()));
        }
        problems.extend(self.batch.problems());
        problems
    }
}

fn too_many(of: Things, given: usize, most: usize) -> Option<Wrong> {
    (given > most).then_some(Wrong::Count { of, given, least: 0, most })
}

fn script_fault(script: &str) -> Option<Wrong> {
    if script.trim().is_empty() {
        Some(JobFault::BlankScript.into())
    } else if script.len() > MAX_SCRIPT_BYTES {
        Some(JobFault::ScriptTooLarge { bytes: script.len() }.into())
    } else {
        script.contains('\0').then_some(Wrong::HasNul)
    }
}

fn args_fault(args: &[String]) -> Option<Wrong> {
    let too_long = || {
        let (position, arg) = (1..).zip(args).find(|(_, arg)| arg.len() > MAX_ARG_BYTES)?;
        Some(JobFault::ArgumentTooLong { position, bytes: arg.len() }.into())
    };
    let has_nul = || args.iter().any(|arg| arg.contains('\0')).then_some(Wrong::HasNul);
    too_many(Things::Arguments, args.len(), MAX_ARGS).or_else(too_long).or_else(has_nul)
}

fn env_fault(env: &BTreeMap<String, String>) -> Option<Wrong> {
    let of_one = |(name, value): (&String, &String)| {
        let (name, bytes) = (name.clone(), name.len() + value.len());
        if !is_env_name(&name) {
            Some(JobFault::VariableName { name })
        } else if bytes > MAX_ENV_BYTES {
            Some(JobFault::VariableTooLong { name, bytes })
        } else {
            value.contains('\0').then_some(JobFault::VariableHasNul { name })
        }
    };
    too_many(Things::Variables, env.len(), MAX_ENV).or_else(|| env.iter().find_map(of_one).map(Wrong::Job))
}

/// The first fault of labels that a node is to have, or a job asks for.
pub fn labels_fault(labels: &[String]) -> Option<Wrong> {
    let bad = || labels.iter().find(|label| !is_label(label)).cloned();
    too_many(Things::Labels, labels.len(), MAX_LABELS)
        .or_else(|| bad().map(|given| JobFault::NotALabel { given }.into()))
}

/// Whether a node can have it as a label.
pub fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A name that a shell takes.
fn is_env_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;
    use proptest::prelude::*;

    fn good() -> JobSpec {
        JobSpec {
            name: "train".into(),
            script: "#!/bin/sh\ntrue\n".into(),
            nodes: 1,
            cards_per_node: 1,
            ..JobSpec::default()
        }
    }

    #[test]
    fn each_limit_is_named() {
        type Case = (&'static str, fn(&mut JobSpec));
        assert_eq!(good().problems(), []);
        let cases: [Case; 15] = [
            ("name", |s| s.name = String::new()),
            ("name", |s| s.name = "a\nb".into()),
            ("script", |s| s.script = " \n".into()),
            ("script", |s| s.script = "x".repeat(MAX_SCRIPT_BYTES + 1)),
            ("args", |s| s.args = vec!["\0".into()]),
            ("env", |s| drop(s.env.insert("1X".into(), String::new()))),
            ("nodes", |s| s.nodes = 0),
            ("cards_per_node", |s| s.cards_per_node = 65),
            ("time_limit_ms", |s| s.time_limit_ms = Some(Millis(-1))),
            ("comment", |s| s.comment = "长".repeat(1025)),
            ("batch.tasks", |s| s.batch.tasks = Some(0)),
            ("batch.output", |s| s.batch.output = Some("a\nb".into())),
            ("batch.warning", |s| {
                s.batch.warning = Some(crate::batch::Warning { signal: "USR1; id".into(), before_s: 1 });
            }),
            ("array", |s| s.array = Some(ArraySpec { ranges: vec![], max_running: None })),
            ("array", |s| {
                let range = |first, last| IndexRange { first, last, step: 1 };
                s.array = Some(ArraySpec { ranges: vec![range(5, 9), range(0, 4)], max_running: None });
            }),
        ];
        for (field, spoil) in cases {
            let mut spec = good();
            spoil(&mut spec);
            let problems = spec.problems();
            assert_eq!(problems.iter().map(|p| p.place.text(Lang::En)).collect::<Vec<_>>(), [field]);
        }
    }

    proptest! {
        #[test]
        fn array_positions_and_indices_agree(ranges in prop::collection::vec((0_u32..1000, 0_u32..50, 1_u32..7), 1..5)) {
            let ranges: Vec<_> = ranges.into_iter().map(|(first, more, step)| IndexRange { first, last: first + more, step }).collect();
            let expected: Vec<u32> = ranges.iter().flat_map(|r| (r.first..=r.last).step_by(r.step as usize)).collect();
            let array = ArraySpec { ranges, max_running: None };
            prop_assert_eq!(array.len(), expected.len() as u64);
            for (position, index) in expected.iter().enumerate() {
                prop_assert_eq!(array.index(u32::try_from(position).unwrap()), Some(*index));
            }
            prop_assert_eq!(array.index(u32::try_from(expected.len()).unwrap()), None);
        }

        #[test]
        fn huge_numbers_neither_panic_nor_pass(nodes: u32, cards: u32, limit: i64, first: u32, last: u32, step: u32) {
            let spec = JobSpec {
                nodes, cards_per_node: cards, time_limit_ms: Some(Millis(limit)),
                array: Some(ArraySpec { ranges: vec![IndexRange { first, last, step }], max_running: None }), ..good()
            };
            let _ = spec.card_count();
            let tasks = spec.task_count();
            prop_assert!(!spec.problems().is_empty() || (tasks <= MAX_ARRAY_TASKS && nodes <= MAX_NODES && cards <= 64));
        }
    }
}
