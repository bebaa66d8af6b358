//! Accounts, limits and pauses in Slurm itself: [`steps`] decides what brings Slurm in line with the contracts, [`Sacctmgr`]
//! looks and carries out.
//!
//! Each customer has an account, and below it one for each project. What the center makes carries its mark: the description
//! is [`MARK`] and the id of what it was made for. Whatever has another description is not the center's and is never
//! changed.

mod decide;
mod look;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{CardMs, Millis};

pub use decide::steps;
pub use look::{Sacctmgr, own_user};

use super::text;

/// What the description of everything begins with that the center makes in Slurm.
pub const MARK: &str = "qiantang:";
/// What the organization of its accounts is.
const ORGANIZATION: &str = "qiantang";

/// What is to be in Slurm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The account below which all others are.
    pub root: String,
    /// The QOS that takes no jobs.
    pub pause_qos: String,
    /// How long after the end of a balance the center itself lets runs go on.
    pub grace: Millis,
    pub customers: Vec<Customer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The tenant's id.
    pub id: String,
    pub account: String,
    pub is_paused: bool,
    /// `None`: they stay as they are.
    pub limits: Option<Limits>,
    /// Slurm's users that may submit to each of the projects.
    pub users: Vec<String>,
    pub projects: Vec<ProjectAccount>,
}

/// What a customer's contracts allow together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `None`: nothing runs out.
    pub left: Option<CardMs>,
    pub max_running_cards: u32,
    /// What Slurm's fair share weighs the customer by.
    pub shares: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectAccount {
    /// The project's id.
    pub id: String,
    pub account: String,
    pub is_paused: bool,
}

/// What is in Slurm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub cluster: String,
    /// Descriptions by name: one, unless somebody's text looks like a line of its own.
    pub accounts: BTreeMap<String, Vec<String>>,
    pub qos: Vec<FoundQos>,
    /// Of this cluster, by account and user, with what is set at themselves, not what they inherit.
    pub associations: BTreeMap<(String, String), Association>,
    /// Card-minutes that Slurm has counted, by account and kind of card. Past use weighs less there, as the site decays it.
    pub used_min: BTreeMap<(String, String), u64>,
    /// The kinds of cards that nodes have: `npu`.
    pub kinds: BTreeSet<String>,
    /// Those that Slurm accounts for.
    pub counted: BTreeSet<String>,
    /// What Slurm enforces: `associations`, `limits`, `qos`.
    pub enforced: BTreeSet<String>,
    /// Whether Slurm counts use for limits at all: its multifactor priority does.
    pub counts_use: bool,
    /// How far its count of what is running may lag behind.
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
    /// Empty for the account's own.
    pub user: String,
    pub parent: String,
    pub shares: Option<u32>,
    /// `gres/npu` and its value.
    pub grp_tres: BTreeMap<String, u64>,
    pub grp_tres_mins: BTreeMap<String, u64>,
    pub qos: Vec<String>,
    pub default_qos: String,
}

/// A limit on cards of a kind; `None` is none.
pub type Limit = (String, Option<u64>);

/// One change in Slurm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Makes the QOS that takes no jobs.
    AddQos {
        qos: String,
    },
    /// It is there, and takes jobs.
    CloseQos {
        qos: String,
    },
    /// Below Slurm's own root where it has no parent.
    AddAccount {
        account: String,
        parent: Option<String>,
        mark: String,
    },
    AddUser {
        user: String,
        accounts: Vec<String>,
    },
    /// Its share, cards at once, card-minutes in all: those of them that are to change.
    SetLimits {
        account: String,
        shares: Option<u32>,
        cards: Vec<Limit>,
        card_min: Vec<Limit>,
    },
    Pause {
        account: String,
        qos: String,
    },
    Resume {
        account: String,
    },
}

/// Why something is not done, or would not bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// An account of that name is there, and the center did not make it.
    ForeignAccount {
        account: String,
        description: String,
    },
    ForeignQos {
        qos: String,
        description: String,
    },
    /// The center's account was put elsewhere.
    Moved {
        account: String,
        parent: String,
        wanted: String,
    },
    /// It is to be paused and has a list of QOS of its own, which would have to be remembered.
    OwnQos {
        account: String,
        user: String,
        qos: String,
    },
    /// Slurm does not account for this kind of card.
    NotCounted {
        kind: String,
    },
    /// Slurm does not enforce it.
    NotEnforced {
        what: &'static str,
    },
    UseNotCounted,
}

impl Step {
    pub fn code(&self) -> &'static str {
        match self {
            Self::AddQos { .. } => "add_qos",
            Self::CloseQos { .. } => "close_qos",
            Self::AddAccount { .. } => "add_account",
            Self::AddUser { .. } => "add_user",
            Self::SetLimits { .. } => "set_limits",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
        }
    }

    /// The arguments of sacctmgr.
    pub fn args(&self, cluster: &str) -> Vec<String> {
        // Left out, the cluster is every cluster that the accounting has.
        let cluster = format!("cluster={cluster}");
        let change = |account: &String| {
            let words = ["modify", "account", "where"].map(str::to_owned);
            words.into_iter().chain([format!("name={account}"), cluster.clone(), "set".to_owned()])
        };
        let limits = |name: &str, limits: &[Limit]| {
            let one = |(kind, limit): &Limit| match limit {
                Some(limit) => format!("gres/{kind}={limit}"),
                None => format!("gres/{kind}=-1"),
            };
            let all: Vec<String> = limits.iter().map(one).collect();
            (!all.is_empty()).then(|| format!("{name}={}", all.join(",")))
        };
        let mut args = vec!["-i".to_owned()];
        match self {
            Self::AddQos { qos } => args.extend([
                "add".to_owned(),
                "qos".to_owned(),
                qos.clone(),
                format!("Description={MARK}paused"),
                "GrpSubmitJobs=0".to_owned(),
            ]),
            Self::CloseQos { qos } => {
                args.extend(["modify", "qos", "where"].map(str::to_owned));
                args.extend([format!("name={qos}"), "set".to_owned(), "GrpSubmitJobs=0".to_owned()]);
            }
            Self::AddAccount { account, parent, mark } => {
                args.extend(["add".to_owned(), "account".to_owned(), account.clone(), cluster]);
                args.extend(parent.iter().map(|parent| format!("parent={parent}")));
                args.extend([format!("Organization={ORGANIZATION}"), format!("Description={MARK}{mark}")]);
            }
            Self::AddUser { user, accounts } => {
                args.extend(["add".to_owned(), "user".to_owned(), user.clone(), cluster]);
                args.push(format!("account={}", accounts.join(",")));
            }
            Self::SetLimits { account, shares, cards, card_min } => {
                args.extend(change(account));
                args.extend(shares.map(|shares| format!("fairshare={shares}")));
                args.extend(limits("GrpTRES", cards));
                args.extend(limits("GrpTRESMins", card_min));
            }
            Self::Pause { account, qos } => {
                args.extend(change(account));
                args.extend([format!("qos={qos}"), format!("defaultqos={qos}")]);
            }
            // With none of its own it has its parent's again.
            Self::Resume { account } => {
                args.extend(change(account));
                args.extend(["qos=".to_owned(), "defaultqos=-1".to_owned()]);
            }
        }
        args
    }

    /// As people would type it.
    pub fn command(&self, cluster: &str) -> String {
        let is_plain = |arg: &str| {
            !arg.is_empty() && arg.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=,:./@+".contains(&b))
        };
        let word = |arg: String| if is_plain(&arg) { arg } else { text::quoted(&arg) };
        let words: Vec<String> = self.args(cluster).into_iter().map(word).collect();
        format!("sacctmgr {}", words.join(" "))
    }
}

/// Whose the account of a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    Absent,
    /// The center's, and in this cluster or not.
    Ours,
    Foreign(&'a str),
}

impl Found {
    /// Whose the account `name` is, which the center would make for `id`.
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

    /// Whether the account takes no jobs by itself.
    pub fn is_paused(&self, account: &str, pause_qos: &str) -> bool {
        self.association(account).is_some_and(|found| found.qos == [pause_qos])
    }

    fn used_min(&self, account: &str, kind: &str) -> u64 {
        self.used_min.get(&(account.to_owned(), kind.to_owned())).copied().unwrap_or(0)
    }
}

/// The id in a description, if it is of the center's making.
fn mark_of(description: &str) -> Option<&str> {
    description.strip_prefix(MARK)
}
