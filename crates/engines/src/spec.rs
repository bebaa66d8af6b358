//! The description of a run: all that an engine needs to start it.

use std::borrow::Cow;

use domain::{
    BatchSpec, CardSet, JobId, Launch, Millis, RunId, TenantId,
    card::Vendor,
    limits::passed_bytes,
    spec::{MAX_NODES, MAX_SCRIPT_BYTES, encoding::Encoding},
};
use serde::{Deserialize, Serialize};

/// The most bytes of the names of a run's nodes, with commas. The list is one variable, and the kernel takes
/// no variable of more than 128 KiB.
const MAX_NODE_LIST_BYTES: usize = 127 << 10;
/// The most bytes of arguments and environment together, which is more than a job may have: the center's
/// settings add to it. The kernel takes 2 MiB with a stack of 8 MiB, of which the lists of nodes may take 384
/// KiB.
const MAX_ARGS_BYTES: usize = 3 << 19;

/// All that an engine needs to know about a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchSpec {
    pub run: RunId,
    pub job: JobId,
    pub tenant: TenantId,
    /// The small number of the tenant, from which its own uid is made. It is never used again for another
    /// tenant.
    pub uid_index: u32,
    pub job_name: String,
    pub project: String,
    /// Set for a task of an array.
    pub array: Option<ArrayTask>,
    /// The text of the script with its `#!` line. A script without one is run by bash.
    pub script: String,
    /// How that text becomes its bytes; UTF-8 where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    pub args: Vec<String>,
    /// The job's own environment. It can't change the variables that tell a run its place (see
    /// `environment.rs`).
    pub env: Vec<(String, String)>,
    /// The names of the secrets that the run gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_names: Vec<String>,
    /// The variables that these are. No record has them.
    #[serde(skip)]
    pub secrets: Vec<(String, String)>,
    /// The nodes in the order of their ranks, at least one. One process is started on each, or one in all.
    pub nodes: Vec<LaunchNode>,
    #[serde(default)]
    pub launch: Launch,
    #[serde(default)]
    pub batch: BatchSpec,
    /// The run shares its nodes with no other.
    #[serde(default)]
    pub exclusive: bool,
    /// Counted from the start of its processes on.
    pub time_limit: Millis,
    /// The time between SIGTERM and SIGKILL.
    pub kill_grace: Millis,
    /// The limit of each of the two logs.
    pub log_limit_bytes: u64,
    pub limits: RunLimits,
}

/// The place of a run in its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrayTask {
    pub index: u32,
    pub count: u32,
    pub min: u32,
    pub max: u32,
    /// The distance from one index to the next.
    #[serde(default = "one")]
    pub step: u32,
}

const fn one() -> u32 {
    1
}

/// One node of a run and the cards that it has there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchNode {
    pub name: String,
    /// The run's cards on this node.
    pub cards: CardSet,
    /// The number of cards that the node has in all.
    pub card_count: u8,
    pub vendor: Vendor,
    pub model: String,
    /// There is no such machine: its cards are made up, and its process runs on the center's machine.
    pub is_virtual: bool,
}

/// The limits of a run's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimits {
    /// The most processes and threads. Where there is no cgroup, the kernel counts them by uid. Then all runs
    /// of the tenant on this machine share this number, beyond what the tenant had when the run was started.
    pub max_processes: u32,
    /// The most open files of each process.
    pub max_open_files: u32,
    /// The memory of all processes together where there is a cgroup, otherwise the data of each process.
    pub memory_bytes: Option<u64>,
    /// The longest file that a process can write.
    pub file_size_bytes: Option<u64>,
}

impl Default for RunLimits {
    fn default() -> Self {
        // One process that drives an accelerator has several hundred threads.
        Self { max_processes: 32_768, max_open_files: 65_536, memory_bytes: None, file_size_bytes: None }
    }
}

/// Why a run can't be launched as it is described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpec {
    #[error("it has {0} nodes; a run has 1 to {MAX_NODES}")]
    Nodes(usize),
    #[error(
        "the names of its nodes have {0} bytes; the limit is {MAX_NODE_LIST_BYTES}: use fewer nodes, or shorter names"
    )]
    NodeNames(usize),
    #[error("its script has {0} bytes; the limit is {MAX_SCRIPT_BYTES}")]
    ScriptTooLong(usize),
    #[error("its arguments and environment have {0} bytes; the limit is {MAX_ARGS_BYTES}")]
    ArgsTooLong(usize),
    #[error("its {0} contains a NUL character")]
    Nul(&'static str),
    #[error("`{0}` can't be the name of an environment variable")]
    EnvName(String),
}

impl LaunchSpec {
    /// The script as it is run.
    pub fn script_bytes(&self) -> Cow<'_, [u8]> {
        let encoded = self.encoding.and_then(|encoding| encoding.encode(&self.script));
        encoded.unwrap_or(Cow::Borrowed(self.script.as_bytes()))
    }

    /// Checks the description for faults that would otherwise show later, in ways that are harder to explain.
    pub fn check(&self) -> Result<(), InvalidSpec> {
        let nodes = self.nodes.len();
        if !u32::try_from(nodes).is_ok_and(|nodes| (1..=MAX_NODES).contains(&nodes)) {
            return Err(InvalidSpec::Nodes(nodes));
        }
        let names = self.nodes.iter().map(|node| node.name.len() + 1).sum();
        if names > MAX_NODE_LIST_BYTES {
            return Err(InvalidSpec::NodeNames(names));
        }
        if self.script.len() > MAX_SCRIPT_BYTES {
            return Err(InvalidSpec::ScriptTooLong(self.script.len()));
        }
        let variables = self.env.iter().chain(&self.secrets);
        let bytes = passed_bytes(&self.args, variables.map(|(name, value)| (name, value)));
        if bytes > MAX_ARGS_BYTES {
            return Err(InvalidSpec::ArgsTooLong(bytes));
        }
        if let Some((name, _)) =
            self.env.iter().find(|(name, _)| name.is_empty() || name.contains(['=', '\0']))
        {
            return Err(InvalidSpec::EnvName(name.chars().take(80).collect()));
        }
        let has_nul = |text: &String| text.contains('\0');
        if self.args.iter().any(has_nul) {
            return Err(InvalidSpec::Nul("list of arguments"));
        }
        if self.env.iter().any(|(_, value)| has_nul(value)) {
            return Err(InvalidSpec::Nul("environment"));
        }
        if has_nul(&self.job_name)
            || has_nul(&self.project)
            || self.nodes.iter().any(|node| has_nul(&node.name))
        {
            return Err(InvalidSpec::Nul("name"));
        }
        Ok(())
    }
}

/// The number that scripts see as `SLURM_JOB_ID`. It has to be a number, because scripts do arithmetic on it.
/// It is made of 41 bits of milliseconds and 12 random bits of the id, and so is below 2^53: awk and
/// spreadsheets keep it exact. It sorts as jobs do but is no key, since two jobs of one millisecond may share
/// it.
pub fn slurm_job_id(id: &[u8; 16]) -> u64 {
    let high = u64::from_be_bytes(id[..8].try_into().expect("8 of 16 bytes"));
    let low = u64::from_be_bytes(id[8..].try_into().expect("8 of 16 bytes"));
    let unix_ms = high >> 16;
    ((unix_ms & ((1 << 41) - 1)) << 12) | (low & 0xfff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn slurm_job_ids_are_exact_in_a_double_and_sort() {
        let id = |ms, random| slurm_job_id(JobId::new(Timestamp::from_millis(ms), [random; 10]).as_bytes());
        let now_ms = 1_790_000_000_000;
        assert!(id(now_ms, 0xff) < id(now_ms + 1, 0));
        assert!(id(now_ms, 1) < 1 << 53);
        assert_ne!(id(now_ms, 1), id(now_ms, 2));
    }
}
