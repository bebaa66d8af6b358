//! Settings of the Slurm engine.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    time::Duration,
};

use domain::TenantId;
use serde::{Deserialize, Serialize};

/// Settings of the Slurm engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlurmConfig {
    /// The center's folder; the engine keeps its records in `slurm/` of it.
    pub data_dir: PathBuf,
    /// A folder that this machine and all nodes have under the same path. Runs have their scripts, logs and work folders in
    /// it.
    pub shared_dir: PathBuf,
    pub access: Access,
    /// Whose jobs they are, for tenants that are not in `tenants`.
    pub owner: Owner,
    pub tenants: BTreeMap<TenantId, Owner>,
    /// Jobs that users of `tenants` hand to Slurm themselves are told of.
    pub direct: bool,
    pub partition: Option<String>,
    pub qos: Option<String>,
    /// What `--gres` calls the cards of a model: `npu:ascend910`. A model that is not here is asked for as the node has it.
    pub gres: BTreeMap<String, String>,
    pub cpus_per_card: u32,
    /// Whether projects have accounts in Slurm, of which the engine is told.
    pub keeps_accounts: bool,
    /// The address, `host:port`, at which this machine listens for ends of runs; nodes must reach it.
    pub notices: Option<String>,
    /// PATH of runs.
    pub path: String,
    pub times: Times,
}

/// How Slurm is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// By sbatch, squeue, sacct, scontrol, sinfo and scancel.
    Commands {
        /// Their folder; looked for in the system's folders where left out.
        bin: Option<PathBuf>,
        /// `SLURM_CONF`; Slurm's own default where left out.
        conf: Option<PathBuf>,
    },
    /// By slurmrestd.
    Rest {
        /// `http://host:6820`.
        url: String,
        token: Token,
    },
}

/// Where the tokens come from that slurmrestd wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// `scontrol token`, with the `SLURM_CONF` that it gets.
    Scontrol { conf: Option<PathBuf> },
    /// The key that Slurm itself signs with.
    Key(PathBuf),
}

/// Slurm's own words for whose a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Owner {
    /// The Slurm user; the center's own where left out. Only root may hand in jobs of others.
    pub user: Option<String>,
    /// The Slurm account; the user's default one where left out.
    pub account: Option<String>,
    /// The tenant's project, by its short name, that pays for what the user hands to Slurm directly; its only one where left
    /// out.
    pub project: Option<String>,
}

/// The Slurm account of each project that has one, by its tenant and short name.
pub type UsableAccounts = HashMap<(TenantId, String), UsableAccount>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableAccount {
    pub name: String,
    /// Whether it takes jobs now. Where it does not, runs wait for it.
    pub is_open: bool,
}

/// How long things may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// One call to Slurm.
    pub call: Duration,
    /// Between two looks at all jobs, at least and at most. Each look is one call, or two.
    pub look: (Duration, Duration),
    /// How long the accounting may lag behind the controller before the controller's word is taken.
    pub accounting: Duration,
    /// A job that neither controller nor accounting know for that long has vanished: records may be on the way between them.
    pub vanish: Duration,
    /// The same where none are on the way, and where it never began.
    pub lost: Duration,
    /// After a submission without an answer: until then it may still arrive.
    pub unclear: Duration,
    /// A run that Slurm leaves waiting for that long is given back, to be planned elsewhere.
    pub pending: Duration,
    /// How long the first runs wait until it is known which accounts are there.
    pub first_look: Duration,
    /// How long a run waits before it is handed in again under an account that did not take it.
    pub refused: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(30),
            look: (Duration::from_millis(250), Duration::from_secs(3)),
            accounting: Duration::from_secs(30),
            vanish: Duration::from_mins(10),
            lost: Duration::from_secs(20),
            unclear: Duration::from_secs(40),
            pending: Duration::from_mins(30),
            first_look: Duration::from_secs(30),
            refused: Duration::from_secs(2),
        }
    }
}

impl SlurmConfig {
    /// By the commands, with the customary times.
    pub fn new(data_dir: impl Into<PathBuf>, shared_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            shared_dir: shared_dir.into(),
            access: Access::Commands { bin: None, conf: None },
            owner: Owner::default(),
            tenants: BTreeMap::new(),
            direct: false,
            partition: None,
            qos: None,
            gres: BTreeMap::new(),
            cpus_per_card: 1,
            keeps_accounts: false,
            notices: None,
            path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            times: Times::default(),
        }
    }
}
