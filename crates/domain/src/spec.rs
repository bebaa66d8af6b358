//! What a tenant asks for: the specification of a job, and the limits on it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BatchSpec, JobId, Launch, Millis, codes};

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

/// What a job asks for. Its runs get all of `nodes` × `cards_per_node` cards at once or none; more nodes, up to `max_nodes`,
/// where they are free.
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
    /// The card model wanted, or several with `|` between, any of which will do; any that the contract covers where
    /// left out. See [`Self::card_models`].
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

/// One thing wrong with a specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{field}: {problem}; {hint}")]
pub struct SpecProblem {
    /// The field as it is written in JSON: `cards_per_node`.
    pub field: String,
    pub problem: String,
    /// What to write instead.
    pub hint: String,
}

impl SpecProblem {
    pub fn new(field: &str, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { field: field.to_owned(), problem: problem.into(), hint: hint.into() }
    }
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
        let mut check = |ok: bool, field: &str, problem: String, hint: &str| {
            if !ok {
                problems.push(SpecProblem::new(field, problem, hint));
            }
        };
        let name_len = self.name.chars().count();
        check(
            (1..=128).contains(&name_len) && !self.name.chars().any(char::is_control),
            "name",
            format!("has {name_len} characters, or control characters among them"),
            "use 1 to 128 printable characters",
        );
        check(
            !self.script.trim().is_empty() && self.script.len() <= MAX_SCRIPT_BYTES,
            "script",
            format!("has {} bytes", self.script.len()),
            "send a script of 1 byte to 256 KiB; put data into files",
        );
        check(
            !self.script.contains('\0') && !self.args.iter().any(|arg| arg.contains('\0')),
            "script",
            "holds a NUL character".into(),
            "send text",
        );
        check(
            self.args.len() <= 256 && self.args.iter().all(|arg| arg.len() <= 4096),
            "args",
            format!("has {} arguments, or one above 4 KiB", self.args.len()),
            "give at most 256 arguments of at most 4 KiB",
        );
        check(
            self.env.len() <= MAX_ENV
                && self
                    .env
                    .iter()
                    .all(|(k, v)| is_env_name(k) && !v.contains('\0') && k.len() + v.len() <= MAX_ENV_BYTES),
            "env",
            "has more than 256 variables, a bad name, or a value above 32 KiB".into(),
            "names are letters, digits and `_`, not beginning with a digit",
        );
        check(
            (1..=MAX_NODES).contains(&self.nodes),
            "nodes",
            format!("is {}", self.nodes),
            "ask for 1 to 4096 nodes",
        );
        check(
            self.max_nodes.is_none_or(|most| (self.nodes..=MAX_NODES).contains(&most)),
            "max_nodes",
            format!("is {}", self.max_nodes.unwrap_or_default()),
            "allow at least as many as `nodes`, and at most 4096",
        );
        check(
            self.labels.len() <= MAX_LABELS && self.labels.iter().all(|label| is_label(label)),
            "labels",
            "has more than 16 labels, or one that is none".into(),
            "use letters, digits, `.`, `_` and `-`, at most 64",
        );
        check(
            (1..=u32::from(crate::card::MAX_CARDS_PER_NODE)).contains(&self.cards_per_node),
            "cards_per_node",
            format!("is {}", self.cards_per_node),
            "ask for 1 to 64 cards on each node",
        );
        check(
            self.time_limit_ms.is_none_or(|limit| (1..=MAX_TIME_LIMIT.0).contains(&limit.0)),
            "time_limit_ms",
            format!("is {}", self.time_limit_ms.unwrap_or_default().0),
            "allow 1 ms to 60 days",
        );
        let comment_len = self.comment.chars().count();
        check(
            comment_len <= 1024,
            "comment",
            format!("has {comment_len} characters"),
            "use at most 1024 characters",
        );
        check(
            self.after.len() <= MAX_DEPENDENCIES,
            "after",
            format!("names {} jobs", self.after.len()),
            "wait for at most 256 jobs",
        );
        if let Some(array) = &self.array {
            let tasks = array.len();
            let rising = array.ranges.windows(2).all(|pair| pair[0].last < pair[1].first);
            check(
                (1..=u64::from(MAX_ARRAY_TASKS)).contains(&tasks)
                    && rising
                    && array.ranges.iter().all(|range| range.step > 0 && range.first <= range.last),
                "array",
                format!("has {tasks} tasks in {} ranges", array.ranges.len()),
                "give rising ranges of 1 to 1,000,000 tasks in all, each first ≤ last, step ≥ 1",
            );
            check(
                array.max_running != Some(0),
                "array",
                "lets no task run".into(),
                "give max_running of at least 1, or leave it out",
            );
        }
        problems.extend(self.batch.problems());
        problems
    }
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
            ("script", |s| s.args = vec!["\0".into()]),
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
            assert_eq!(problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), [field]);
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
