//! Finds jobs that people submit to Slurm directly, past the center. The look at all jobs shows those of
//! users who belong to a tenant. For jobs that no look saw, the engine asks the accounting once a minute, in
//! one call for all.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::MutexGuard,
    time::{Duration, Instant},
};

use domain::{Millis, RunId, TenantId};

use super::{
    core::Core,
    direct_job::{DirectJob, DirectJobs, tenant_of},
    ending,
    table::TrackedRun,
};
use crate::{
    clock,
    engine::EngineError,
    observation::{Ended, Exit, Observation},
    slurm::{
        client::job::{AccountingQuery, JobRecord, JobState, UNNAMED},
        config::UsableAccount,
        disk::record::Swept,
    },
    sync,
};

/// Between two sweeps of the accounting.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// How far a sweep reaches back behind the last one, in seconds: records come late.
const LATE_S: i64 = 900;

/// The accounts that the center keeps in Slurm, each with its tenant and project.
type KeptAccounts = BTreeMap<String, (TenantId, String)>;

impl Core {
    /// Whether the engine looks at direct jobs at all.
    pub(super) fn sees_direct(&self) -> bool {
        self.config.direct
            && (self.tenants().values().any(|owner| owner.user.is_some()) || self.keeps_any_account())
    }

    fn keeps_any_account(&self) -> bool {
        sync::lock(&self.project_accounts).as_ref().is_some_and(|known| !known.is_empty())
    }

    fn kept_accounts(&self) -> KeptAccounts {
        let known = sync::lock(&self.project_accounts);
        let of =
            |(owner, account): (&(TenantId, String), &UsableAccount)| (account.name.clone(), owner.clone());
        known.iter().flatten().map(of).collect()
    }

    fn direct(&self) -> MutexGuard<'_, DirectJobs> {
        sync::lock(&self.direct)
    }

    /// The job as the center hears of it. `None` for a job that is no tenant's, has no cards, or never began.
    fn as_direct(&self, job: &JobRecord, kept: &KeptAccounts) -> Option<DirectJob> {
        job.started_at()?;
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

    /// Whether the job is, or may be, that of a run that was launched here. The number alone does not tell: a
    /// controller that dies forgets numbers, and gives them to other jobs.
    fn is_own(&self, direct: &DirectJob) -> Result<bool, EngineError> {
        let table = self.table();
        let Some(run) = direct.named_as() else {
            // The accounting has no name yet for a job whose end came first, and a user can rename a job.
            let is_it = |entry: &TrackedRun| {
                entry.direct.is_none()
                    && entry.job.number == Some(direct.number)
                    && (direct.name == UNNAMED || entry.job.started_at == Some(direct.started_at()))
            };
            return Ok(table.runs.values().any(is_it));
        };
        if let Some(entry) = table.runs.get(&run) {
            return Ok(entry.job.number.is_none_or(|number| number == direct.number));
        }
        drop(table);
        // Anybody can choose such a name. The record of a run that is over has the number of its job.
        let over = self.finished(run)?;
        Ok(over.is_some_and(|over| over.number.is_none_or(|number| number == direct.number)))
    }

    fn note_direct(&self, direct: DirectJob) -> Result<(), EngineError> {
        let run = direct.run();
        {
            let seen = self.direct();
            let is_known = seen.dealt_with.contains(&run)
                || seen.found.get(&run).is_some_and(|known| known.ended.is_some() || direct.ended.is_none());
            if is_known {
                return Ok(());
            }
        }
        if self.is_own(&direct)? || self.table().runs.contains_key(&run) || self.finished(run)?.is_some() {
            self.direct().deal_with(run);
        } else {
            self.direct().found.insert(run, direct);
        }
        Ok(())
    }

    /// Notes a job that the look at all jobs shows.
    fn note_listed(&self, job: &JobRecord, kept: &KeptAccounts) -> Result<(), EngineError> {
        let Some(direct) = self.as_direct(job, kept) else { return Ok(()) };
        if !job.state.is_over() {
            return self.note_direct(direct);
        }
        let run = direct.run();
        if self.direct().dealt_with.contains(&run) {
            return Ok(());
        }
        let is_own = self.is_own(&direct)?;
        let mut seen = self.direct();
        if is_own {
            seen.deal_with(run);
        } else {
            seen.has_missed |= seen.found.get(&run).is_none_or(|known| known.ended.is_none());
        }
        Ok(())
    }

    /// Notes the direct jobs that a look at all jobs shows, and those that the accounting has and no look
    /// showed.
    pub(super) fn look_for_direct(&self, jobs: &[JobRecord]) {
        let kept = self.kept_accounts();
        for job in jobs {
            let has_begun = matches!(job.state, JobState::Running | JobState::Completing);
            if (has_begun || job.state.is_over())
                && let Err(error) = self.note_listed(job, &kept)
            {
                tracing::warn!(job = job.id, %error, "failed to tell whether a Slurm job is a run's; the engine tries again");
            }
        }
        let is_due = {
            let seen = self.direct();
            let pause = if seen.has_missed { self.config.times.look.1 } else { SWEEP_EVERY };
            seen.swept.is_none_or(|at| at.elapsed() >= pause)
        };
        if is_due {
            self.sweep();
        }
    }

    /// Looks at the accounting's records of the tenants' users since the last sweep.
    fn sweep(&self) {
        self.direct().swept = Some(Instant::now());
        if let Err(error) = self.try_to_sweep() {
            tracing::warn!(%error, "failed to look for direct jobs in Slurm's accounting; the engine tries again");
        }
    }

    /// Sweeps the accounting. How far it was swept is kept last, so that nothing is left out after a failure.
    fn try_to_sweep(&self) -> Result<(), EngineError> {
        let began_s = clock::now_s();
        let users: BTreeSet<String> =
            self.tenants().values().filter_map(|owner| owner.user.clone()).collect();
        let swept = self.records.swept().map_err(EngineError::io("read how far it was swept"))?;
        let swept = swept.unwrap_or(Swept { from_s: began_s, until_s: began_s });
        let since = (swept.until_s - LATE_S).max(swept.from_s);
        let of_users =
            AccountingQuery { users: users.into_iter().collect(), since, ..AccountingQuery::default() };
        let kept = self.kept_accounts();
        let accounts = kept.keys().cloned().collect();
        let of_accounts = AccountingQuery { accounts, since, ..AccountingQuery::default() };
        let queries = [of_users, of_accounts].into_iter().filter(AccountingQuery::names_any);
        let lives: Result<Vec<_>, _> = queries.map(|query| self.slurm.accounting(&query)).collect();
        let lives = lives?.concat();
        for life in lives.iter().filter(|life| life.is_final()) {
            let Some(mut direct) = self.as_direct(life, &kept) else { continue };
            // A job that ended before the first sweep was before this center's time.
            if life.ended_s.is_some_and(|ended_s| ended_s < swept.from_s) {
                continue;
            }
            direct.ended = Some(end_of(life));
            self.note_direct(direct)?;
        }
        self.direct().has_missed = false;
        let kept = self.records.set_swept(Swept { until_s: began_s, ..swept });
        kept.map_err(EngineError::io("keep how far it was swept"))
    }

    /// Ends the run of a direct job, by its record in the accounting.
    pub(super) fn finish_direct(&self, run: RunId, life: &JobRecord) {
        self.end(run, Observation::Ended(end_of(life)), None);
    }
}

/// The end of a direct job's life. The center could never start the job again, so a life that its user had
/// Slurm start again has ended.
fn end_of(life: &JobRecord) -> Ended {
    let facts = ending::Facts {
        claim: ending::Claim::Made,
        end_reason: Some(ending::EndReason::Stop),
        time_limit: Millis(i64::MAX),
        ..ending::Facts::default()
    };
    let mut ended = ending::ending(life, &facts).ended;
    if life.state == JobState::Requeued {
        ended.how = Exit::Stopped { status: None };
        ended.why = None;
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn a_life_that_its_user_had_started_again_is_charged() {
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
