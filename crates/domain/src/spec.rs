//! The specification of a job, as a tenant submits it, and the limits on it.

pub mod encoding;
pub mod mail;

use std::{borrow::Cow, collections::BTreeMap};

use encoding::Encoding;
use mail::JobMail;
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::{BatchSpec, JobId, Launch, Millis, codes};

/// The most characters of a job's name, and of a comment.
pub const MAX_NAME: usize = 128;
pub const MAX_COMMENT: usize = 1024;
/// The most arguments of a script, and the most bytes of one.
pub const MAX_ARGS: usize = 256;
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
/// The most bytes of all arguments and variables together, see [`crate::limits::passed_bytes`]. The kernel
/// takes 2 MiB with a stack of 8 MiB, and the variables that tell a run its place come on top.
pub const MAX_PASSED_BYTES: usize = 1 << 20;
/// The most secrets of one job, and the most characters of the value of one.
pub const MAX_SECRETS: usize = 32;
pub const MAX_SECRET_CHARS: usize = 16 * 1024;
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

/// The specification of a job. Its runs get all of `nodes` × `cards_per_node` cards at once or none; more
/// nodes, up to `max_nodes`, where they are free.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    #[schema(value_type = crate::schema::Line128)]
    pub name: String,
    /// The project's short name; the member's only project where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The whole text, with its `#!` line.
    #[schema(pattern = "^#!")]
    pub script: String,
    /// How the text of the script becomes its bytes; UTF-8 where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Names of secrets. Each run gets their values as variables of these names; nothing else shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 4096)]
    pub nodes: u32,
    /// A run takes up to so many nodes if they are free when it starts; `nodes` where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 4096)]
    pub max_nodes: Option<u32>,
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 64)]
    pub cards_per_node: u32,
    /// Cards in all, in place of `cards_per_node`. They are shared evenly by as few nodes as they take, of
    /// which there are `nodes` at least and `max_nodes` at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub cards: Option<u32>,
    /// Each run has its nodes alone, with all of their cards, of which there are `cards_per_node` at least.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// Labels that each of its nodes must have; the center gives labels to nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<crate::schema::Label>)]
    pub labels: Vec<String>,
    /// The card model wanted, or several with `|` between, any of which will do; any that the contract covers
    /// where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_model: Option<String>,
    #[serde(default)]
    pub service_class: ServiceClass,
    /// How long each run may take; the center's default where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TimeLimit>)]
    pub time_limit_ms: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArraySpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Dependency>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Mail about the job, in the way of sbatch's `--mail-type`; none where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<JobMail>,
    #[serde(default, skip_serializing_if = "Launch::is_default")]
    pub launch: Launch,
    #[serde(default, skip_serializing_if = "BatchSpec::is_default")]
    pub batch: BatchSpec,
}

/// How long a run may take, in milliseconds. It stands for a number of a request.
#[derive(Debug)]
pub struct TimeLimit;

impl PartialSchema for TimeLimit {
    fn schema() -> RefOr<Schema> {
        let object =
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MAX_TIME_LIMIT.0));
        RefOr::T(object.into())
    }
}

impl ToSchema for TimeLimit {}

const fn one() -> u32 {
    1
}

/// The tasks of an array: indices in rising order, and how many may run at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArraySpec {
    #[schema(min_items = 1)]
    pub ranges: Vec<IndexRange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_running: Option<u32>,
}

/// `first`, `first + step`, … up to `last` at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexRange {
    pub first: u32,
    pub last: u32,
    #[serde(default = "one")]
    #[schema(minimum = 1)]
    pub step: u32,
}

impl IndexRange {
    pub(crate) fn len(self) -> u64 {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    pub job: JobId,
    pub when: DependencyKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
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
    /// The specification without what a run alone needs: that is read again when one starts.
    #[must_use]
    pub fn outline(&self) -> Self {
        Self {
            name: self.name.clone(),
            project: self.project.clone(),
            script: String::new(),
            encoding: self.encoding,
            args: Vec::new(),
            env: BTreeMap::new(),
            secrets: self.secrets.clone(),
            nodes: self.nodes,
            max_nodes: self.max_nodes,
            cards_per_node: self.cards_per_node,
            cards: self.cards,
            exclusive: self.exclusive,
            labels: self.labels.clone(),
            card_model: self.card_model.clone(),
            service_class: self.service_class,
            time_limit_ms: self.time_limit_ms,
            array: self.array.clone(),
            after: self.after.clone(),
            comment: String::new(),
            mail: None,
            launch: self.launch,
            batch: BatchSpec::default(),
        }
    }

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

    /// The script as it is run.
    pub fn script_bytes(&self) -> Cow<'_, [u8]> {
        let encoded = self.encoding.and_then(|encoding| encoding.encode(&self.script));
        encoded.unwrap_or(Cow::Borrowed(self.script.as_bytes()))
    }

    /// The card models of which any will do; none where all do.
    pub fn card_models(&self) -> impl Iterator<Item = &str> {
        self.card_model.iter().flat_map(|models| models.split('|')).map(str::trim)
    }

    /// Whether cards of `model` will do.
    pub fn takes_model(&self, model: &str) -> bool {
        self.card_model.is_none() || self.card_models().any(|wanted| wanted == model)
    }
}

/// Whether a node can have it as a label.
pub fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    }
}
