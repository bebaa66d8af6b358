//! The settings of a center on Slurm.

use std::{collections::BTreeMap, path::PathBuf};

use domain::{Millis, Tenant, TenantId};
use engines::slurm::Owner;
use serde::Deserialize;

/// How a Slurm cluster is reached, and as whose its jobs run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmSettings {
    /// A folder that this machine and all nodes have under the same path.
    pub shared_dir: PathBuf,
    /// slurmrestd's address; the commands are used where it is left out.
    pub url: Option<String>,
    /// The key that Slurm signs tokens with; `scontrol token` is asked where it is left out.
    pub jwt_key: Option<PathBuf>,
    /// The folder of Slurm's commands.
    pub bin: Option<PathBuf>,
    /// `SLURM_CONF`.
    pub conf: Option<PathBuf>,
    /// The user whose jobs the runs of tenants are that are not in `tenants`.
    pub user: Option<String>,
    pub account: Option<String>,
    /// Only this partition's nodes are the center's.
    pub partition: Option<String>,
    pub qos: Option<String>,
    /// The name in `--gres` of a model's cards, where the nodes have another one.
    pub gres: BTreeMap<String, String>,
    /// The center's name for each card type of Slurm.
    pub models: BTreeMap<String, String>,
    pub cpus_per_card: u32,
    /// A run that Slurm leaves waiting for that long is planned anew.
    pub pending_limit_ms: Millis,
    /// `host:port` at which this machine listens for ends of runs; nodes must reach it. Where it is left out, Slurm alone
    /// is asked.
    pub notices: Option<String>,
    /// The Slurm users of tenants, by the tenant's short name.
    pub tenants: BTreeMap<String, Owner>,
    /// The treatment of jobs that users of `tenants` hand to Slurm themselves.
    pub direct_jobs: DirectJobs,
    pub accounts: SlurmAccountsSettings,
}

impl SlurmSettings {
    /// The Slurm users that the settings name for these tenants.
    pub fn users_of<'a>(&self, tenants: impl IntoIterator<Item = &'a Tenant>) -> BTreeMap<TenantId, Owner> {
        let mapped = |tenant: &Tenant| Some((tenant.id, self.tenants.get(&tenant.slug)?.clone()));
        tenants.into_iter().filter_map(mapped).collect()
    }

    /// The first thing that is wrong with these settings; `is_used` where runs go to Slurm.
    pub(super) fn problem(&self, is_used: bool) -> Option<String> {
        if is_used && !self.shared_dir.is_absolute() {
            return Some(
                "`engine.slurm.shared_dir` must be the full path of a folder that all nodes have".to_owned(),
            );
        }
        let accounts = &self.accounts;
        // Slurm keeps names of accounts in lower case.
        let is_name = |name: &str| {
            (1..=40).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte))
        };
        let names =
            [("root", &accounts.root), ("prefix", &accounts.prefix), ("pause_qos", &accounts.pause_qos)];
        let (key, name) = names.into_iter().find(|(_, name)| !is_name(name))?;
        Some(format!(
            "`engine.slurm.accounts.{key}` is `{name}`: use 1 to 40 lower-case letters, digits, `-`, `_` and `.`"
        ))
    }
}

impl Default for SlurmSettings {
    fn default() -> Self {
        Self {
            shared_dir: PathBuf::new(),
            url: None,
            jwt_key: None,
            bin: None,
            conf: None,
            user: None,
            account: None,
            partition: None,
            qos: None,
            gres: BTreeMap::new(),
            models: BTreeMap::new(),
            cpus_per_card: 1,
            pending_limit_ms: Millis::from_secs(1800),
            tenants: BTreeMap::new(),
            notices: None,
            direct_jobs: DirectJobs::Bill,
            accounts: SlurmAccountsSettings::default(),
        }
    }
}

/// The treatment of jobs that people hand to Slurm directly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DirectJobs {
    /// They are metered and charged to their tenant's contract, and stopped where it ends.
    #[default]
    Bill,
    /// They are Slurm's alone.
    Ignore,
}

/// Accounts for tenants and projects in Slurm itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmAccountsSettings {
    /// Whether the center makes them and keeps them in step. Otherwise it only shows what it would do.
    pub keep: bool,
    /// The account below which all of them lie.
    pub root: String,
    /// The beginning of each account's name.
    pub prefix: String,
    /// The QOS that takes no jobs.
    pub pause_qos: String,
}

impl Default for SlurmAccountsSettings {
    fn default() -> Self {
        Self { keep: false, root: "qiantang".into(), prefix: "qt-".into(), pause_qos: "qt-paused".into() }
    }
}
