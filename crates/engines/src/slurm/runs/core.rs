//! The parts that the engine's threads share.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard},
};

use domain::{
    Lang, RunId, TenantId, Timestamp,
    reason::{Interruption, NotStarted},
};

use super::{direct_job::DirectJobs, notices::Notices, outages::Outages, table::RunTable};
use crate::{
    clock,
    engine::EngineError,
    observation::{Ended, Exit, Observation},
    slurm::{
        client::port::{Calls, Port},
        config::{Owner, SlurmConfig, UsableAccounts},
        disk::{
            record::{FinishedRun, Records},
            shared_folder::SharedFolder,
            user::UnixUser,
        },
    },
    sync,
};

pub(crate) struct Core {
    pub config: SlurmConfig,
    pub slurm: Box<dyn Port>,
    pub calls: Arc<Calls>,
    pub shared: SharedFolder,
    pub records: Records,
    pub table: Mutex<RunTable>,
    /// Calls the submitters: there is something to submit or to cancel.
    pub to_submit: Condvar,
    /// Calls the watcher: there is something to look at.
    pub to_watch: Condvar,
    /// The start of this engine. No engine before it can have submitted a run that was made later.
    pub began: Timestamp,
    pub users: Mutex<HashMap<Option<String>, UnixUser>>,
    /// The tenants that have a user of Slurm of their own.
    pub tenants: RwLock<BTreeMap<TenantId, Owner>>,
    pub direct: Mutex<DirectJobs>,
    /// Where the center keeps accounts in Slurm: the account of each project. `None` until the first look at
    /// them.
    pub project_accounts: Mutex<Option<UsableAccounts>>,
    /// Where runs give notice of their ends, if they do.
    pub notices: Option<Notices>,
    pub outages: Mutex<Outages>,
    pub on_hint: Box<dyn Fn(RunId) + Send + Sync>,
}

/// Why a tenant's runs have no user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoUser {
    /// There is no such user here, or this process can't run jobs as that user.
    #[error("{}", .0.text(Lang::En))]
    Refused(NotStarted),
    #[error("failed to look up users: {0}")]
    NotLookedUp(#[from] io::Error),
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn table(&self) -> MutexGuard<'_, RunTable> {
        sync::lock(&self.table)
    }

    pub(super) fn tenants(&self) -> RwLockReadGuard<'_, BTreeMap<TenantId, Owner>> {
        sync::read(&self.tenants)
    }

    pub(super) fn owner_of(&self, tenant: TenantId) -> Owner {
        self.tenants().get(&tenant).unwrap_or(&self.config.owner).clone()
    }

    pub(super) fn outages(&self) -> MutexGuard<'_, Outages> {
        sync::lock(&self.outages)
    }

    pub(super) fn hint(&self, run: RunId) {
        (self.on_hint)(run);
    }

    /// Whether an engine before this one may have submitted the run.
    pub(crate) fn is_older(&self, run: RunId) -> bool {
        run.made_at().as_micros() / 1000 <= self.began.as_micros() / 1000
    }

    /// The user of a tenant's runs.
    pub(super) fn user_of(&self, tenant: TenantId) -> Result<UnixUser, NoUser> {
        let name = self.owner_of(tenant).user;
        if let Some(known) = sync::lock(&self.users).get(&name) {
            return Ok(known.clone());
        }
        let found = UnixUser::find(name.as_deref())?
            .ok_or_else(|| NoUser::Refused(NotStarted::NoUser { user: name.clone().unwrap_or_default() }))?;
        let own = rustix::process::geteuid();
        if name.is_some() && !own.is_root() && found.uid != own.as_raw() {
            return Err(NoUser::Refused(NotStarted::NotRoot { user: found.name }));
        }
        sync::lock(&self.users).insert(name, found.clone());
        Ok(found)
    }

    /// The owner of the files of a tenant's runs. A user that runs can't have has left no files.
    pub(crate) fn owner_of_files(&self, tenant: TenantId) -> io::Result<Option<UnixUser>> {
        match self.user_of(tenant) {
            Ok(user) => Ok(Some(user)),
            Err(NoUser::NotLookedUp(error)) => Err(error),
            Err(NoUser::Refused(why)) => {
                tracing::warn!(%tenant, why = why.text(Lang::En), "the runs of a tenant have no user, and so no files");
                Ok(None)
            }
        }
    }

    /// The owner of the files of a run that is not over; `None` where it can have no files.
    pub(super) fn owner_of_run(&self, run: RunId) -> io::Result<Option<UnixUser>> {
        let (user, tenant) = {
            let table = self.table();
            let Some(entry) = table.runs.get(&run) else { return Ok(None) };
            (entry.user.clone(), entry.spec.as_ref().map(|spec| spec.tenant))
        };
        match (user, tenant) {
            (None, Some(tenant)) => self.owner_of_files(tenant),
            (user, _) => Ok(user),
        }
    }

    /// Puts runs back into the queue.
    pub(super) fn put_back(&self, runs: impl IntoIterator<Item = RunId>) {
        let mut table = self.table();
        for run in runs {
            if table.runs.contains_key(&run) && !table.queue.contains(&run) {
                table.queue.push_back(run);
            }
        }
    }

    /// Keeps the end of a run. If the end can't be written now, whoever finds it next tries again.
    pub(super) fn end(&self, run: RunId, observation: Observation, note: Option<&str>) {
        let (number, log_limit_bytes, has_folder) = {
            let table = self.table();
            let Some(entry) = table.runs.get(&run) else { return };
            let limit = entry.spec.as_ref().map_or(0, |spec| spec.log_limit_bytes);
            (entry.job.number, limit, entry.direct.is_none())
        };
        let user = self.owner_of_run(run).unwrap_or_else(|error| {
            tracing::warn!(%run, %error, "failed to look up the owner of a run's files; its logs can't be read later");
            None
        });
        let user = user.unwrap_or_else(UnixUser::own);
        if has_folder {
            let told = note.map_or(Ok(()), |note| self.shared.tell(run, &user, note));
            let tidied = self.shared.tidy(run, &user, log_limit_bytes);
            if let Err(error) = told.and(tidied) {
                tracing::warn!(%run, %error, "failed to tidy up after a run");
            }
        }
        let finished = FinishedRun { observation, number, uid: user.uid, log_limit_bytes };
        match self.records.end(run, finished) {
            Ok(()) => drop(self.table().runs.remove(&run)),
            Err(error) => {
                tracing::error!(%run, %error, "failed to keep the end of a run; the engine tries again");
            }
        }
        self.hint(run);
    }

    pub(crate) fn finished(&self, run: RunId) -> Result<Option<FinishedRun>, EngineError> {
        self.records.finished(run).map_err(EngineError::io(format!("read the record of {run}")))
    }
}

/// The end of a run that never began, as of now.
pub(super) fn never_began(how: Exit, why: Option<Interruption>) -> Observation {
    Observation::Ended(Ended { started_at: None, at: clock::now(), took: None, how, why })
}
