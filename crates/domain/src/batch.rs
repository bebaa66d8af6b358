//! How the script of a run is started, and what a script for sbatch says beside nodes and cards. Slurm takes
//! it as it stands; the center's own engine has no `srun` and makes no use of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::codes;

/// The most bytes of a path.
pub const MAX_PATH_BYTES: usize = 1024;
/// The most tasks, and the most processors of one.
pub const MAX_TASKS: u32 = 1 << 20;

codes! {
    /// Where the script of a run is started.
    #[derive(Default)]
    pub enum Launch {
        /// On each of its nodes, with ranks.
        #[default]
        #[serde(alias = "each_node")]
        EachNode = "each-node",
        /// Once, on the first node, as sbatch does; `srun` in it starts the tasks on all nodes. Only Slurm has
        /// `srun`: the center's own engine starts such a script on each node all the same.
        Batch = "batch",
    }
}

impl Launch {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference on")]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Options of sbatch that only Slurm can keep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BatchSpec {
    /// Tasks that `srun` starts, on all nodes together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks_per_node: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus_per_task: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Where else its outputs are, with sbatch's patterns: `train-%j.out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The folder that it starts in (`--chdir`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_dir: Option<String>,
    /// Where it was submitted: it starts there if the nodes have that folder and it may write to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submit_dir: Option<String>,
    /// `--export` as it was written: `srun` goes by it, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Warning>,
    /// The script asks for no cards. It gets some all the same, but they are not shown to its steps.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_cards: bool,
}

/// Memory; 0 is all that a node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    MibPerNode(u64),
    MibPerCpu(u64),
    /// Becomes `MibPerNode` once the cards on a node are known.
    MibPerCard(u64),
}

/// A signal that the script gets some time before its time limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// `USR1`, `TERM`, `10`.
    pub signal: String,
    pub before_s: u32,
}

impl BatchSpec {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it says how many processors there are to be.
    pub fn tells_processors(&self) -> bool {
        self.tasks.or(self.tasks_per_node).or(self.cpus_per_task).is_some()
    }
}

/// Whether it can be the name or the number of a signal.
pub(crate) fn is_signal(text: &str) -> bool {
    (1..=8).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_has_one_spelling_and_the_one_of_old_is_read() {
        assert_eq!(serde_json::to_string(&Launch::EachNode).unwrap(), r#""each-node""#);
        for text in [r#""each-node""#, r#""each_node""#] {
            assert_eq!(serde_json::from_str::<Launch>(text).unwrap(), Launch::EachNode);
        }
    }
}
