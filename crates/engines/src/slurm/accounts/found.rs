//! The present state of Slurm's accounts.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::mark::mark_of;

/// The accounts, limits and settings that are in Slurm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub cluster: String,
    /// Descriptions by name of the account: one, unless somebody's text looks like a line of its own.
    pub accounts: BTreeMap<String, Vec<String>>,
    pub qos: Vec<FoundQos>,
    /// The associations of this cluster, by account and user. Each has the values that are set at itself, not
    /// those that it inherits.
    pub associations: BTreeMap<(String, String), Association>,
    /// Card-minutes that Slurm has counted, by account and kind of card. Past use weighs less there, as the
    /// site decays it.
    pub used_min: BTreeMap<(String, String), u64>,
    /// The kinds of cards that nodes have: `npu`.
    pub kinds: BTreeSet<String>,
    /// The kinds of cards that Slurm accounts for.
    pub counted: BTreeSet<String>,
    /// The things that Slurm enforces: `associations`, `limits`, `qos`.
    pub enforced: BTreeSet<String>,
    /// Whether Slurm counts use for limits at all. Its multifactor priority does.
    pub counts_use: bool,
    /// How far Slurm's count of running jobs may lag behind.
    pub count_every: Duration,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundQos {
    pub name: String,
    pub description: String,
    pub grp_submit_jobs: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Association {
    pub account: String,
    /// Empty for the association of the account itself.
    pub user: String,
    pub parent: String,
    pub shares: Option<u32>,
    /// `gres/npu` and its value.
    pub grp_tres: BTreeMap<String, u64>,
    pub grp_tres_mins: BTreeMap<String, u64>,
    pub qos: Vec<String>,
    pub default_qos: String,
}

/// Whose an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    Absent,
    /// The account is the center's, whether it is in this cluster or not.
    Ours,
    Foreign(&'a str),
}

impl Found {
    /// Tells whose the account `name` is, which the center would make for `id`.
    pub fn standing(&self, name: &str, id: &str) -> Standing<'_> {
        match self.accounts.get(name).map(Vec::as_slice) {
            None | Some([]) => Standing::Absent,
            Some([description]) if mark_of(description) == Some(id) => Standing::Ours,
            Some([description, ..]) => Standing::Foreign(description),
        }
    }

    /// The account's own association in this cluster.
    pub fn association(&self, account: &str) -> Option<&Association> {
        self.associations.get(&(account.to_owned(), String::new()))
    }

    /// Whether `user` may submit to `account`.
    pub fn has_user(&self, account: &str, user: &str) -> bool {
        self.associations.contains_key(&(account.to_owned(), user.to_owned()))
    }

    /// Whether the account itself takes no jobs.
    pub fn is_paused(&self, account: &str, pause_qos: &str) -> bool {
        self.association(account).is_some_and(|found| found.qos == [pause_qos])
    }

    pub(super) fn used_min(&self, account: &str, kind: &str) -> u64 {
        self.used_min.get(&(account.to_owned(), kind.to_owned())).copied().unwrap_or(0)
    }
}
