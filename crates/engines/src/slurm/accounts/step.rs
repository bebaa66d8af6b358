//! Changes in Slurm, as values, and as the commands that make them.

use super::mark::MARK;
use crate::slurm::shell;

/// The organization of the center's accounts.
const ORGANIZATION: &str = "qiantang";

/// A limit on cards of a kind; `None` means no limit.
pub type Limit = (String, Option<u64>);

/// One change in Slurm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Makes the QOS that takes no jobs.
    AddQos {
        qos: String,
    },
    /// The QOS is there, and takes jobs: closes it.
    CloseQos {
        qos: String,
    },
    /// Makes an account, below Slurm's own root where it has no parent.
    AddAccount {
        account: String,
        parent: Option<String>,
        mark: String,
    },
    AddUser {
        user: String,
        accounts: Vec<String>,
    },
    /// Sets the share, the cards at once, and the card-minutes in all, as far as they are to change.
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

/// Why a change is not made, or would not bind.
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
    /// The center's account was moved below another parent.
    Moved {
        account: String,
        parent: String,
        wanted: String,
    },
    /// The account is to be paused and has a list of QOS of its own, which would have to be remembered.
    OwnQos {
        account: String,
        user: String,
        qos: String,
    },
    /// Slurm does not account for this kind of card.
    NotCounted {
        kind: String,
    },
    /// Slurm does not enforce this.
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
        // Without a cluster, sacctmgr means every cluster that the accounting has.
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
            // With no QOS of its own, the account has its parent's again.
            Self::Resume { account } => {
                args.extend(change(account));
                args.extend(["qos=".to_owned(), "defaultqos=-1".to_owned()]);
            }
        }
        args
    }

    /// The command as people would type it.
    pub fn command(&self, cluster: &str) -> String {
        let is_plain = |arg: &str| {
            !arg.is_empty() && arg.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=,:./@+".contains(&b))
        };
        let word = |arg: String| if is_plain(&arg) { arg } else { shell::quoted(&arg) };
        let words: Vec<String> = self.args(cluster).into_iter().map(word).collect();
        format!("sacctmgr {}", words.join(" "))
    }
}
