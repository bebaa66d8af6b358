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
    /// The center's folder. The engine keeps its records in the folder `slurm/` of it.
    pub data_dir: PathBuf,
    /// A folder that this machine and all nodes have under the same path. It holds the runs' scripts, logs
    /// and work folders.
    pub shared_dir: PathBuf,
    pub access: Access,
    /// The owner of jobs of tenants that are not in `tenants`.
    pub owner: Owner,
    pub tenants: BTreeMap<TenantId, Owner>,
    /// The center hears of jobs that users of `tenants` submit to Slurm themselves.
    pub direct: bool,
    pub partition: Option<String>,
    pub qos: Option<String>,
    /// The names that `--gres` has for the cards of a model: `npu:ascend910`. For a model without one, the
    /// node's own name is taken.
    pub gres: BTreeMap<String, String>,
    pub cpus_per_card: u32,
    /// Whether projects have accounts in Slurm, which the center keeps.
    pub keeps_accounts: bool,
    /// The address, `host:port`, at which this machine listens for ends of runs. Nodes must reach it.
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
        /// The folder of the commands; by default they are looked for in the system's folders.
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

/// Where the tokens for slurmrestd come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// `scontrol token`, with this `SLURM_CONF`.
    Scontrol { conf: Option<PathBuf> },
    /// Signed here, with the key that Slurm itself signs with.
    Key(PathBuf),
}

/// The owner of a job, in Slurm's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Owner {
    /// The user of Slurm; the center's own where left out. Only root may submit jobs of others.
    pub user: Option<String>,
    /// The account in Slurm; the user's default one where left out.
    pub account: Option<String>,
    /// The short name of the tenant's project that pays for jobs that the user submits to Slurm directly; the
    /// tenant's only one where left out.
    pub project: Option<String>,
}

/// The Slurm account of each project that has one, by its tenant and short name.
pub type UsableAccounts = HashMap<(TenantId, String), UsableAccount>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableAccount {
    pub name: String,
    /// Whether the account takes jobs now. Where it does not, runs wait for it.
    pub is_open: bool,
}

/// How long things may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// One call to Slurm.
    pub call: Duration,
    /// The shortest and the longest pause between two looks at all jobs. Each look is one call, or two.
    pub look: (Duration, Duration),
    /// How long the accounting may lag behind the controller before the controller's word counts.
    pub accounting: Duration,
    /// A job that neither the controller nor the accounting knows for that long has vanished. Until then,
    /// records may be on their way.
    pub vanish: Duration,
    /// The same where no records are on their way, and where the job never began.
    pub lost: Duration,
    /// How long a submission without an answer may still arrive.
    pub unclear: Duration,
    /// A run that Slurm leaves waiting for that long is given back, to be planned elsewhere.
    pub pending: Duration,
    /// How long the first runs wait until the engine hears which accounts there are.
    pub first_look: Duration,
    /// How long a run waits before it is submitted again under an account that did not take it.
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
    /// Settings for the commands, with the customary times.
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
