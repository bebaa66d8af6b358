//! Jobs that people hand to Slurm directly, past the center. Those of users that belong to a tenant are seen in the same look
//! at all jobs as the center's own, and, where no look saw them, once a minute in the accounting: in one call for all.
//!
//! Slurm may give a job several lives (it requeues), and gives numbers again after some millions: a life is told by number,
//! user and start, and its ids here are made of these, so that it is the same however often it is seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{JobId, Millis, RunId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Core, Entry, Owner, UsableAccount,
    face::{Asked, JobRecord, JobState},
    judge, now,
    record::{Line, Swept},
    run_of,
};
use crate::{Ended, EngineError, Exit, Observation};

/// Between two looks at the accounting.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// Records come late: each look reaches back this far behind the last one, in seconds.
const LATE_S: i64 = 900;
/// What the accounting calls a job of which it has the end before the start.
pub(super) const UNNAMED: &str = "allocation";
/// How many lives are remembered as dealt with; the oldest are forgotten, and the center says again that it has them.
const MAX_DEALT_WITH: usize = 200_000;

/// One life of a job that somebody handed to Slurm directly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectJob {
    pub tenant: TenantId,
    /// The project whose account it is under, where the center keeps accounts in Slurm.
    pub project: Option<String>,
    pub number: u32,
    pub name: String,
    pub user: String,
    pub account: String,
    pub nodes: Vec<String>,
    /// On all its nodes together.
    pub cards: u32,
    /// By the controller's clock, in seconds since 1970.
    pub started_s: i64,
    /// When Slurm will end it at the latest, where that was seen.
    pub ends_by_s: Option<i64>,
    /// Where it was over when it was first seen.
    pub ended: Option<Ended>,
}

impl DirectJob {
    fn hash(&self, what: &str) -> [u8; 10] {
        let text = format!("{what} {} {} {}", self.number, self.started_s, self.user);
        *Sha256::digest(text.as_bytes()).first_chunk().expect("32 bytes")
    }

    /// The run that it is here.
    pub fn run(&self) -> RunId {
        RunId::new(self.started_at(), self.hash("run"))
    }

    /// The job that it is here.
    pub fn job(&self) -> JobId {
        JobId::new(self.started_at(), self.hash("job"))
    }

    pub fn started_at(&self) -> Timestamp {
        Timestamp::from_secs(self.started_s)
    }

    /// The run of the center's own that its name would make it, if it is named so.
    pub fn named_as(&self) -> Option<RunId> {
        run_of(&self.name)
    }

    /// Whether `job` is this life of it.
    pub(super) fn is(&self, job: &JobRecord) -> bool {
        job.id == self.number && job.started_s == Some(self.started_s)
    }
}

/// The accounts that the center keeps in Slurm, each with its tenant and project.
type KeptAccounts = BTreeMap<String, (TenantId, String)>;

/// What was seen of such jobs.
#[derive(Default)]
pub(super) struct Seen {
    /// For the center to take.
    found: BTreeMap<RunId, DirectJob>,
    /// The center has them, or does not want them.
    dealt_with: BTreeSet<RunId>,
    swept: Option<Instant>,
    /// Whether a job ended that no look saw running: the accounting is asked soon.
    has_missed: bool,
}

/// Whose job it is, if anybody's here: the tenant that its user belongs to, by its account where a user belongs to several.
fn tenant_of(tenants: &BTreeMap<TenantId, Owner>, job: &JobRecord) -> Option<TenantId> {
    let of_user = || tenants.iter().filter(|(_, owner)| owner.user.as_ref() == Some(&job.user));
    let mut by_account = of_user().filter(|(_, owner)| owner.account.as_ref() == Some(&job.account));
    let mut without = of_user().filter(|(_, owner)| owner.account.is_none());
    let (first, second) = match by_account.next() {
        Some(first) => (first, by_account.next()),
        None => (without.next()?, without.next()),
    };
    second.is_none().then_some(*first.0)
}

impl Core {
    /// Whether jobs of others are looked at at all.
    pub(super) fn sees_direct(&self) -> bool {
        self.config.direct
            && (self.tenants().values().any(|owner| owner.user.is_some()) || !self.kept_accounts().is_empty())
    }

    /// Whose the accounts are that the center keeps in Slurm.
    fn kept_accounts(&self) -> KeptAccounts {
        let known = self.project_accounts.lock().expect("nothing panics while it is held");
        let of =
            |(owner, account): (&(TenantId, String), &UsableAccount)| (account.name.clone(), owner.clone());
        known.iter().flatten().map(of).collect()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("nothing panics while it is held")
    }

    /// A job as what the center is told of it; `None` for one that is not a tenant's, has no cards, or never began.
    fn as_direct(&self, job: &JobRecord, kept: &KeptAccounts) -> Option<DirectJob> {
        judge::started_at(job)?;
        let (tenant, project) = match kept.get(&job.account) {
            Some((tenant, project)) => (*tenant, Some(project.clone())),
            None => (tenant_of(&self.tenants(), job)?, None),
        };
        let direct = DirectJob {
            tenant,
            project,
            number: job.id,
            name: job.name.clone(),
            user: job.user.clone(),
            account: job.account.clone(),
            nodes: job.nodes.clone(),
            cards: job.cards,
            started_s: job.started_s?,
            ends_by_s: job.ends_by_s,
            ended: None,
        };
        (direct.cards > 0).then_some(direct)
    }

    /// Whether a run that was launched here has this job, or may have it. Its number alone does not tell: a controller that dies
    /// forgets numbers, and gives them to other jobs.
    fn is_own(&self, direct: &DirectJob) -> bool {
        let known = self.known();
        let Some(run) = direct.named_as() else {
            // Of a job whose end came first, the accounting has no name yet; its user may have given it another one.
            let is_it = |entry: &Entry| {
                entry.direct.is_none()
                    && entry.number == Some(direct.number)
                    && (direct.name == UNNAMED || entry.started_at == Some(direct.started_at()))
            };
            return known.runs.values().any(is_it);
        };
        if let Some(entry) = known.runs.get(&run) {
            return entry.number.is_none_or(|number| number == direct.number);
        }
        drop(known);
        // A name can be anybody's; the number of a run that is over is on record.
        matches!(self.over(run), Ok(Some(over)) if over.number.is_none_or(|number| number == direct.number))
    }

    fn note(&self, direct: DirectJob) {
        let run = direct.run();
        {
            let seen = self.seen();
            let is_known = seen.dealt_with.contains(&run)
                || seen.found.get(&run).is_some_and(|known| known.ended.is_some() || direct.ended.is_none());
            if is_known {
                return;
            }
        }
        if self.is_own(&direct)
            || self.known().runs.contains_key(&run)
            || matches!(self.over(run), Ok(Some(_)))
        {
            self.deal_with(run);
        } else {
            self.seen().found.insert(run, direct);
        }
    }

    fn deal_with(&self, run: RunId) {
        let mut seen = self.seen();
        seen.found.remove(&run);
        seen.dealt_with.insert(run);
        while seen.dealt_with.len() > MAX_DEALT_WITH {
            seen.dealt_with.pop_first();
        }
    }

    /// Takes note of what a look at all jobs shows, and of what the accounting has that no look showed.
    pub(super) fn look_for_direct(&self, jobs: &[JobRecord]) {
        let kept = self.kept_accounts();
        for job in jobs {
            match job.state {
                JobState::Running | JobState::Completing => {
                    if let Some(direct) = self.as_direct(job, &kept) {
                        self.note(direct);
                    }
                }
                state if state.is_over() => {
                    let Some(direct) = self.as_direct(job, &kept) else { continue };
                    if self.seen().dealt_with.contains(&direct.run()) {
                        continue;
                    }
                    if self.is_own(&direct) {
                        self.deal_with(direct.run());
                    } else {
                        let mut seen = self.seen();
                        seen.has_missed |=
                            seen.found.get(&direct.run()).is_none_or(|known| known.ended.is_none());
                    }
                }
                _ => {}
            }
        }
        let is_due = {
            let seen = self.seen();
            let pause = if seen.has_missed { self.config.times.look.1 } else { SWEEP_EVERY };
            seen.swept.is_none_or(|at| at.elapsed() >= pause)
        };
        if is_due {
            self.sweep();
        }
    }

    /// Looks at what the accounting has of the tenants' users since the last time.
    fn sweep(&self) {
        let began_s = now().as_micros() / 1_000_000;
        let users: BTreeSet<String> =
            self.tenants().values().filter_map(|owner| owner.user.clone()).collect();
        let swept = self.records.swept().unwrap_or(Swept { from_s: began_s, until_s: began_s });
        let since = (swept.until_s - LATE_S).max(swept.from_s);
        self.seen().swept = Some(Instant::now());
        let of_users = Asked { users: users.into_iter().collect(), since, ..Asked::default() };
        let kept = self.kept_accounts();
        let accounts = kept.keys().cloned().collect();
        let of_accounts = Asked { accounts, since, ..Asked::default() };
        let asked = [of_users, of_accounts].into_iter().filter(Asked::names_any);
        let lives: Result<Vec<_>, _> = asked.map(|asked| self.face.accounting(&asked)).collect();
        let lives = match lives {
            Ok(lives) => lives.concat(),
            Err(error) => {
                tracing::warn!(%error, "failed to ask Slurm's accounting for jobs of others; it is tried again");
                return;
            }
        };
        self.seen().has_missed = false;
        for life in lives.iter().filter(|life| is_final(life)) {
            let Some(mut direct) = self.as_direct(life, &kept) else { continue };
            // What ended before anybody looked was before this center's time.
            if life.ended_s.is_some_and(|ended_s| ended_s < swept.from_s) {
                continue;
            }
            direct.ended = Some(end_of(life));
            self.note(direct);
        }
        if let Err(error) = self.records.set_swept(Swept { until_s: began_s, ..swept }) {
            tracing::warn!(%error, "failed to keep how far Slurm's accounting was looked at");
        }
    }
}

fn is_final(life: &JobRecord) -> bool {
    (life.state.is_over() || life.state == JobState::Requeued) && life.ended_s.is_some()
}

/// What the end of a life means. It was never the center's to start again, so what its user let Slurm start again has ended.
pub(super) fn end_of(life: &JobRecord) -> Ended {
    let facts = judge::Facts {
        claim: judge::Claim::Made,
        wanted: Some(judge::Wanted::Stop),
        time_limit: Millis(i64::MAX),
        ..judge::Facts::default()
    };
    let mut ended = judge::verdict(life, &facts).ended;
    if life.state == JobState::Requeued {
        ended.how = Exit::Stopped { status: None };
    }
    ended
}

impl super::SlurmEngine {
    /// Jobs of the tenants' users that they handed to Slurm themselves and that the center does not have yet. Each is told of
    /// until [`Self::adopt`] or [`Self::pass_over`].
    pub fn direct_jobs(&self) -> Vec<DirectJob> {
        self.core.seen().found.values().cloned().collect()
    }

    /// The run of such a job is the center's from now on: its end is told of as that of any other, and it can be stopped. Any
    /// number of times.
    pub fn adopt(&self, direct: &DirectJob) -> Result<(), EngineError> {
        let (core, run) = (&self.core, direct.run());
        let mut known = core.known();
        if !known.runs.contains_key(&run) && core.over(run)?.is_none() {
            let line = Line::Direct(Box::new(direct.clone()));
            core.records.append(run, &line).map_err(EngineError::io(format!("keep the job of {run}")))?;
            known.runs.insert(run, Entry::of_direct(Arc::new(direct.clone())));
            core.to_watch.notify_one();
        }
        drop(known);
        core.deal_with(run);
        Ok(())
    }

    /// The center has its end already, or does not bill it.
    pub fn pass_over(&self, direct: &DirectJob) {
        self.core.deal_with(direct.run());
    }
}

impl Entry {
    pub(super) fn of_direct(direct: Arc<DirectJob>) -> Self {
        let mut entry = Self::new(None, false);
        (entry.number, entry.started_at) = (Some(direct.number), Some(direct.started_at()));
        entry.direct = Some(direct);
        entry
    }
}

impl Core {
    /// The end of such a job, from its accounting.
    pub(super) fn finish_direct(&self, run: RunId, life: &JobRecord) {
        self.end(run, Observation::Ended(end_of(life)), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(user: &str, account: Option<&str>) -> Owner {
        Owner { user: Some(user.into()), account: account.map(str::to_owned), ..Owner::default() }
    }

    #[test]
    fn a_job_is_the_one_tenants_that_its_user_and_account_say() {
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
    fn a_life_is_told_by_number_user_and_start() {
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
        // What may be seen otherwise later does not matter.
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

    #[test]
    fn what_its_user_had_started_again_is_charged() {
        let life = JobRecord {
            state: JobState::Requeued,
            nodes: vec!["n1".into()],
            started_s: Some(1_700_000_000),
            ended_s: Some(1_700_000_010),
            ..JobRecord::default()
        };
        let ended = end_of(&life);
        assert_eq!(ended.how, Exit::Stopped { status: None });
        assert_eq!(ended.started_at, Some(Timestamp::from_secs(1_700_000_000)));
        assert_eq!(end_of(&JobRecord { state: JobState::NodeFailed, ..life.clone() }).how, Exit::MachineLost);
        let failed = JobRecord { state: JobState::Failed, code: 3, ..life };
        assert_eq!(end_of(&failed).how, Exit::Code(3));
    }
}
