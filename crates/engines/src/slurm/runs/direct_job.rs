//! Jobs that people submit to Slurm themselves, past the center.

use std::collections::{BTreeMap, BTreeSet};

use domain::{JobId, RunId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::job_name::run_of;
use crate::{
    observation::Ended,
    slurm::{client::job::JobRecord, config::Owner},
};

/// One life of a job that somebody submitted to Slurm directly.
///
/// Slurm may give a job several lives (it requeues), and gives numbers again after some millions. So number,
/// user and start together identify a life, and its ids here are made of them: they are the same however
/// often it is seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectJob {
    pub tenant: TenantId,
    /// The project whose account the job is under, where the center keeps accounts in Slurm.
    pub project: Option<String>,
    pub number: u32,
    pub name: String,
    pub user: String,
    pub account: String,
    pub nodes: Vec<String>,
    /// The cards on all nodes together.
    pub cards: u32,
    /// By the controller's clock, in seconds since 1970.
    pub started_s: i64,
    /// When Slurm will end the job at the latest, where a look showed it.
    pub ends_by_s: Option<i64>,
    /// The end of a job that was over when it was first seen.
    pub ended: Option<Ended>,
}

impl DirectJob {
    fn hash(&self, what: &str) -> [u8; 10] {
        let text = format!("{what} {} {} {}", self.number, self.started_s, self.user);
        *Sha256::digest(text.as_bytes()).first_chunk().expect("32 bytes")
    }

    /// The id of the job's run at the center.
    pub fn run(&self) -> RunId {
        RunId::new(self.started_at(), self.hash("run"))
    }

    /// The id of the job at the center.
    pub fn job(&self) -> JobId {
        JobId::new(self.started_at(), self.hash("job"))
    }

    pub fn started_at(&self) -> Timestamp {
        Timestamp::from_secs(self.started_s)
    }

    /// The run of the center's own whose job has this name, if the name is of that form.
    pub fn named_as(&self) -> Option<RunId> {
        run_of(&self.name)
    }

    /// Whether `job` is this life of the job.
    pub(crate) fn is(&self, job: &JobRecord) -> bool {
        job.id == self.number && job.started_s == Some(self.started_s)
    }
}

/// The tenant whose user submitted the job, if there is one. Where a user belongs to several tenants, the
/// job's account decides.
pub(super) fn tenant_of(tenants: &BTreeMap<TenantId, Owner>, job: &JobRecord) -> Option<TenantId> {
    let of_user = || tenants.iter().filter(|(_, owner)| owner.user.as_ref() == Some(&job.user));
    let mut by_account = of_user().filter(|(_, owner)| owner.account.as_ref() == Some(&job.account));
    let mut without = of_user().filter(|(_, owner)| owner.account.is_none());
    let (first, second) = match by_account.next() {
        Some(first) => (first, by_account.next()),
        None => (without.next()?, without.next()),
    };
    second.is_none().then_some(*first.0)
}

/// How many lives are remembered as dealt with. The oldest are forgotten, and the center then says again that
/// it has them.
const MAX_DEALT_WITH: usize = 200_000;

/// The direct jobs that the engine has seen.
#[derive(Default)]
pub(crate) struct DirectJobs {
    /// Jobs for the center to take.
    pub found: BTreeMap<RunId, DirectJob>,
    /// Jobs that the center has, or does not want.
    pub dealt_with: BTreeSet<RunId>,
    /// When the accounting was last swept for direct jobs.
    pub swept: Option<std::time::Instant>,
    /// A job ended that no look saw running: the accounting is swept soon.
    pub has_missed: bool,
}

impl DirectJobs {
    pub(crate) fn deal_with(&mut self, run: RunId) {
        self.found.remove(&run);
        self.dealt_with.insert(run);
        while self.dealt_with.len() > MAX_DEALT_WITH {
            self.dealt_with.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(user: &str, account: Option<&str>) -> Owner {
        Owner { user: Some(user.into()), account: account.map(str::to_owned), ..Owner::default() }
    }

    #[test]
    fn user_and_account_tell_whose_a_job_is() {
        let tenant = |n: u8| TenantId::from_bytes([n; 16]);
        let tenants = BTreeMap::from([
            (tenant(1), owner("alice", None)),
            (tenant(2), owner("bob", Some("genomics"))),
            (tenant(3), owner("bob", Some("weather"))),
            (tenant(4), owner("carol", None)),
            (tenant(5), owner("carol", None)),
            (tenant(6), Owner::default()),
        ]);
        for (user, account, want) in [
            ("alice", "any", Some(tenant(1))),
            ("bob", "genomics", Some(tenant(2))),
            ("bob", "weather", Some(tenant(3))),
            ("bob", "other", None),
            ("carol", "any", None),
            ("", "", None),
            ("dave", "genomics", None),
        ] {
            let job = JobRecord { user: user.into(), account: account.into(), ..JobRecord::default() };
            assert_eq!(tenant_of(&tenants, &job), want, "{user} {account}");
        }
    }

    #[test]
    fn number_user_and_start_identify_a_life() {
        let first = DirectJob {
            tenant: TenantId::from_bytes([1; 16]),
            project: None,
            number: 7,
            name: "train".into(),
            user: "alice".into(),
            account: "own".into(),
            nodes: vec!["n1".into()],
            cards: 8,
            started_s: 1_700_000_000,
            ends_by_s: None,
            ended: None,
        };
        // The rest may look different later.
        let renamed = DirectJob { name: "other".into(), ends_by_s: Some(1), ..first.clone() };
        assert_eq!((first.run(), first.job()), (renamed.run(), renamed.job()));
        for other in [
            DirectJob { number: 8, ..first.clone() },
            DirectJob { started_s: 1_700_000_001, ..first.clone() },
            DirectJob { user: "bob".into(), ..first.clone() },
        ] {
            assert_ne!(first.run(), other.run());
            assert_ne!(first.job(), other.job());
        }
    }
}
