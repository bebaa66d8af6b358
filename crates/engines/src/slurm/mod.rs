//! The Slurm engine: a run is a job of a Slurm cluster.
//!
//! ```text
//! launch() ── record ──> submitter ── sbatch ──> Slurm ── batch script: claims the run, becomes its script
//! observe() <── what is known <── watcher ── one look at all jobs, then at the accounting of those that ended
//! ```
//!
//! At most one Slurm job computes for a run, whatever dies when: the job's name holds the run's id, and before anything is
//! handed in that might have been handed in before, Slurm is asked for that name. Should two jobs get through all the same,
//! the first one's claim on the shared folder keeps the second from starting.

pub mod accounts;
mod batch;
mod brief;
mod cancel;
mod commands;
mod config;
mod daemon;
mod direct;
mod doctor;
mod face;
mod files;
mod finish;
mod gone;
mod judge;
mod known;
mod notice;
mod outage;
mod record;
mod rest;
mod script;
mod submit;
mod text;
mod watch;

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    sync::{Arc, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard},
};

use domain::{JobId, Millis, RunId, TenantId, Timestamp};

pub use config::{Access, Owner, SlurmConfig, Times, Token};
pub use direct::DirectJob;
pub use doctor::check_slurm;
pub use face::{NodeCondition, NodeRecord as SlurmNode};

use self::{
    commands::Commands,
    face::{Calls, Face},
    files::{Account, Shared},
    known::{Entry, Known},
    record::{Line, Over, Records},
    rest::Rest,
};
use crate::{Ended, Engine, EngineError, Exit, LaunchSpec, LogChunk, Observation, Started, Stream};

/// Hands runs to a Slurm cluster.
#[derive(Debug)]
pub struct SlurmEngine {
    core: Arc<Core>,
    threads: Vec<std::thread::JoinHandle<()>>,
    /// Locked while the engine lives: two centers on one folder would each think that runs are theirs.
    _lock: File,
}

/// The Slurm account of each project that has one, by its tenant and short name.
pub type UsableAccounts = HashMap<(TenantId, String), UsableAccount>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableAccount {
    pub name: String,
    /// Whether it takes jobs now. Where it does not, runs wait for it.
    pub is_open: bool,
}

/// What the engine's threads share.
struct Core {
    config: SlurmConfig,
    face: Box<dyn Face>,
    calls: Arc<Calls>,
    shared: Shared,
    records: Records,
    known: Mutex<Known>,
    /// There is something to hand in or to cancel.
    to_submit: Condvar,
    /// There is something to look at.
    to_watch: Condvar,
    /// Runs made later can't have been handed in by an engine before this one.
    began: Timestamp,
    accounts: Mutex<HashMap<Option<String>, Account>>,
    /// Who is a Slurm user of its own.
    tenants: RwLock<BTreeMap<TenantId, Owner>>,
    seen: Mutex<direct::Seen>,
    /// Where accounts are kept in Slurm: which one each project has there. `None` until they were looked at first.
    project_accounts: Mutex<Option<UsableAccounts>>,
    /// Where runs tell of their ends, if they do.
    notices: Option<notice::Notices>,
    outages: Mutex<outage::Outages>,
    on_hint: Box<dyn Fn(RunId) + Send + Sync>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The clock; Slurm's own may differ from it.
fn now() -> Timestamp {
    crate::local::sys::now()
}

/// The name of a run's Slurm job.
fn job_name(run: RunId) -> String {
    format!("qt-{run}")
}

/// Whether a job that has a run's number is the run's: numbers come round again. One that has begun is told by its start, too, as
/// its user can give it another name.
fn is_job_of(
    run: RunId,
    direct: Option<&DirectJob>,
    started_at: Option<Timestamp>,
    job: &face::JobRecord,
) -> bool {
    let is_started_then = || started_at.is_some() && judge::started_at(job) == started_at;
    direct.map_or_else(|| job.name == job_name(run) || is_started_then(), |direct| direct.is(job))
}

fn run_of(job_name: &str) -> Option<RunId> {
    job_name.strip_prefix("qt-")?.parse().ok()
}

impl SlurmEngine {
    /// Starts the engine on its folders, made if needed, and takes up the runs that were not over. `on_hint` is called, on a
    /// thread of the engine, with each run of which there is news; it must return soon. Slurm need not answer yet.
    pub fn start(
        config: SlurmConfig,
        on_hint: impl Fn(RunId) + Send + Sync + 'static,
    ) -> Result<Self, EngineError> {
        let calls = Arc::default();
        let face = open_face(&config, &calls)?;
        let folder = config.data_dir.display().to_string();
        std::fs::create_dir_all(&config.data_dir).map_err(EngineError::io(format!("make {folder}")))?;
        let lock = crate::local::lock(&config.data_dir)?;
        let records = Records::open(&config.data_dir)
            .map_err(EngineError::io(format!("open the records in {folder}")))?;
        let shared = Shared::open(&config.shared_dir)
            .map_err(EngineError::io(format!("open the shared folder {}", config.shared_dir.display())))?;
        let mut known = Known::default();
        for (run, kept) in records.load().map_err(EngineError::io("read the records of runs"))? {
            let mut entry = match kept.direct {
                Some(direct) => Entry::of_direct(direct),
                None => Entry { number: kept.number, ..Entry::new(kept.spec, true) },
            };
            (entry.stop, entry.submitted_at) = (kept.stop, kept.submitted_at);
            entry.waited_too_long = kept.waited_too_long;
            if entry.number.is_none() || entry.stop {
                known.queue.push_back(run);
            }
            known.runs.insert(run, entry);
        }
        let notices = config.notices.as_deref().map(|at| {
            notice::Notices::open(at).map_err(EngineError::io(format!("listen for ends of runs at {at}")))
        });
        let notices = notices.transpose()?;
        let tenants = RwLock::new(config.tenants.clone());
        let core = Arc::new(Core {
            config,
            tenants,
            seen: Mutex::default(),
            face,
            calls,
            shared,
            records,
            known: Mutex::new(known),
            to_submit: Condvar::new(),
            to_watch: Condvar::new(),
            began: now(),
            accounts: Mutex::default(),
            project_accounts: Mutex::default(),
            notices,
            outages: Mutex::new(outage::Outages::new(now().as_micros() / 1_000_000)),
            on_hint: Box::new(on_hint),
        });
        let mut engine = Self { core, threads: Vec::new(), _lock: lock };
        let submitters = [("slurm-submit", submit::run as fn(&Core)); submit::AT_ONCE];
        for (name, body) in submitters
            .into_iter()
            .chain([("slurm-watch", watch::run as fn(&Core)), ("slurm-notices", notice::run)])
        {
            let core = Arc::clone(&engine.core);
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || body(&core));
            engine.threads.push(thread.map_err(EngineError::io("start a thread of the engine"))?);
        }
        Ok(engine)
    }

    /// What Slurm is, for people.
    pub fn describe(&self) -> Result<String, EngineError> {
        self.core.face.describe().map_err(|error| EngineError::Slurm(error.to_string()))
    }

    /// The cluster's nodes as they are now, a line for each partition that a node is in.
    pub fn nodes(&self) -> Result<Vec<SlurmNode>, EngineError> {
        let nodes = self.core.face.nodes().map_err(|error| EngineError::Slurm(error.to_string()))?;
        self.core.known().nodes.clone_from(&nodes);
        Ok(nodes)
    }

    /// The switch of each node that is behind one, as a path from the top: `spine/leaf-1`. By the commands; nothing where there
    /// are none.
    pub fn switches(&self) -> Result<HashMap<String, String>, EngineError> {
        let config = &self.core.config;
        let commands = match &config.access {
            Access::Commands { bin, conf } => Commands::new(bin.clone(), conf.clone(), config.times.call),
            Access::Rest { token: Token::Scontrol { conf }, .. } => {
                Commands::new(None, conf.clone(), config.times.call)
            }
            Access::Rest { token: Token::Key(_), .. } => return Ok(HashMap::new()),
        };
        commands.switches().map_err(|error| EngineError::Slurm(error.to_string()))
    }

    /// A tenant has a Slurm user of its own, from now on.
    pub fn add_tenant(&self, tenant: TenantId, owner: Owner) {
        self.core.tenants.write().expect("nothing panics while it is held").insert(tenant, owner);
        self.core.to_watch.notify_one();
    }

    /// How often each thing was asked of Slurm since the start.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.core.calls.all()
    }

    /// The number of a run's Slurm job, once it has one.
    pub fn slurm_job(&self, run: RunId) -> Option<u32> {
        let of_entry = self.core.known().runs.get(&run).and_then(|entry| entry.number);
        of_entry.or_else(|| self.core.records.over(run).ok()??.number)
    }

    /// Says under which accounts runs are handed in from now on; those of other projects are as without them.
    pub fn set_accounts(&self, accounts: UsableAccounts) {
        *self.core.project_accounts.lock().expect("nothing panics while it is held") = Some(accounts);
        self.core.to_submit.notify_all();
    }

    /// The folder where a job's processes start, and which keeps what they write.
    pub fn work_folder(&self, tenant: TenantId, job: JobId) -> std::path::PathBuf {
        self.core.shared.work_folder(tenant, job)
    }
}

impl Drop for SlurmEngine {
    fn drop(&mut self) {
        self.core.known().is_ending = true;
        self.core.to_submit.notify_all();
        self.core.to_watch.notify_all();
        if let Some(notices) = &self.core.notices {
            notices.wake();
        }
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn open_face(config: &SlurmConfig, calls: &Arc<Calls>) -> Result<Box<dyn Face>, EngineError> {
    Ok(match &config.access {
        Access::Commands { bin, conf } => {
            let mut commands = Commands::new(bin.clone(), conf.clone(), config.times.call);
            commands.calls = Arc::clone(calls);
            Box::new(commands)
        }
        Access::Rest { url, token } => {
            let mut rest = open_rest(config, url, token)?;
            rest.calls = Arc::clone(calls);
            Box::new(rest)
        }
    })
}

fn open_rest(config: &SlurmConfig, url: &str, token: &Token) -> Result<Rest, EngineError> {
    let own = record::account(None).map_err(EngineError::io("ask for this process's user"))?;
    // What one user of Slurm hands in, that user looks at too: others see and cancel nothing of it.
    let user = config.owner.user.clone().or_else(|| own.map(|account| account.name));
    let user = if is_root() { "root".to_owned() } else { user.unwrap_or_default() };
    Ok(Rest::new(url, token.clone(), user, config.times.call))
}

impl Core {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("nothing panics while it is held")
    }

    fn tenants(&self) -> RwLockReadGuard<'_, BTreeMap<TenantId, Owner>> {
        self.tenants.read().expect("nothing panics while it is held")
    }

    fn owner_of(&self, tenant: TenantId) -> Owner {
        self.tenants().get(&tenant).unwrap_or(&self.config.owner).clone()
    }

    fn outages(&self) -> MutexGuard<'_, outage::Outages> {
        self.outages.lock().expect("nothing panics while it is held")
    }

    fn hint(&self, run: RunId) {
        (self.on_hint)(run);
    }

    /// Whether an engine before this one may have handed the run in.
    fn is_older(&self, run: RunId) -> bool {
        run.made_at().as_micros() / 1000 <= self.began.as_micros() / 1000
    }

    /// The user that a tenant's runs have.
    fn account_of(&self, tenant: TenantId) -> Result<Account, String> {
        let user = self.owner_of(tenant).user;
        if let Some(known) = self.accounts.lock().expect("nothing panics while it is held").get(&user) {
            return Ok(known.clone());
        }
        let found =
            record::account(user.as_deref()).map_err(|error| format!("failed to ask for users: {error}"))?;
        let found = found.ok_or_else(|| {
            format!("this machine does not know the user `{}` of Slurm", user.as_deref().unwrap_or_default())
        })?;
        if user.is_some()
            && !rustix::process::geteuid().is_root()
            && found.uid != rustix::process::geteuid().as_raw()
        {
            return Err(format!("only a center that is root can run jobs as `{}`", found.name));
        }
        self.accounts.lock().expect("nothing panics while it is held").insert(user, found.clone());
        Ok(found)
    }

    /// Keeps the end of a run. What can't be written now is tried again by whoever finds the end again.
    fn end(&self, run: RunId, observation: Observation, note: Option<&str>) {
        let (number, account, log_limit_bytes, has_folder) = {
            let mut known = self.known();
            let Some(entry) = known.runs.get_mut(&run) else { return };
            let limit = entry.spec.as_ref().map_or(0, |spec| spec.log_limit_bytes);
            (entry.number, entry.account.clone(), limit, entry.direct.is_none())
        };
        // Where the user is not known, nothing of its is there.
        let account = account.or_else(|| {
            let tenant = self.known().runs.get(&run)?.spec.as_ref()?.tenant;
            self.account_of(tenant).ok()
        });
        let account = account.unwrap_or_else(Account::own);
        if has_folder {
            let tidied = self.shared.tidy(run, account.uid, log_limit_bytes);
            let told = note.map_or(Ok(()), |note| self.shared.tell(run, &account, note));
            if let Err(error) = tidied.and(told) {
                tracing::warn!(%run, %error, "failed to tidy up after a run");
            }
        }
        let over = Over { observation, number, uid: account.uid, log_limit_bytes };
        match self.records.end(run, over) {
            Ok(()) => drop(self.known().runs.remove(&run)),
            Err(error) => tracing::error!(%run, %error, "failed to keep the end of a run; it is tried again"),
        }
        self.hint(run);
    }

    fn over(&self, run: RunId) -> Result<Option<Over>, EngineError> {
        self.records.over(run).map_err(EngineError::io(format!("read the record of {run}")))
    }
}

impl Engine for SlurmEngine {
    fn launch(&self, spec: &LaunchSpec) -> Result<(), EngineError> {
        spec.check()?;
        let run = spec.run;
        let mut known = self.core.known();
        if known.runs.contains_key(&run) || self.core.over(run)?.is_some() {
            return Ok(());
        }
        let line = Line::Launch(Box::new(spec.clone()));
        self.core.records.append(run, &line).map_err(EngineError::io(format!("keep the launch of {run}")))?;
        known.runs.insert(run, Entry::new(Some(Arc::new(spec.clone())), self.core.is_older(run)));
        known.queue.push_back(run);
        self.core.to_submit.notify_one();
        Ok(())
    }

    fn observe(&self, run: RunId) -> Result<Observation, EngineError> {
        if let Some(entry) = self.core.known().runs.get(&run) {
            return Ok(Observation::Alive {
                started: entry.started_at.map(|at| Started { at }),
                leaving: entry.leaving,
            });
        }
        Ok(self.core.over(run)?.map_or(Observation::NotLaunched, |over| over.observation))
    }

    fn stop(&self, run: RunId) -> Result<(), EngineError> {
        let keep = || {
            let kept = self.core.records.append(run, &Line::Stop(now()));
            kept.map_err(EngineError::io(format!("keep that {run} is to end")))
        };
        let is_older = self.core.is_older(run);
        let mut known = self.core.known();
        match known.runs.get_mut(&run) {
            Some(entry) if entry.stop => return Ok(()),
            Some(entry) => {
                keep()?;
                entry.stop = true;
            }
            None if self.core.over(run)?.is_some() => return Ok(()),
            None => {
                keep()?;
                let mut entry = Entry::new(None, is_older);
                entry.stop = true;
                known.runs.insert(run, entry);
            }
        }
        if !known.queue.contains(&run) {
            known.queue.push_front(run);
        }
        self.core.to_submit.notify_one();
        Ok(())
    }

    fn read_log(
        &self,
        run: RunId,
        stream: Stream,
        offset: u64,
        max_bytes: usize,
    ) -> Result<LogChunk, EngineError> {
        let alive = self.core.known().runs.get(&run).map(|entry| entry.spec.clone());
        let failed = || EngineError::io(format!("read the record of {run}"));
        let over = if alive.is_some() { None } else { self.core.over(run)? };
        let of_spec =
            |spec: Arc<LaunchSpec>| Some((self.core.account_of(spec.tenant).ok()?.uid, spec.log_limit_bytes));
        let found = match (alive, over) {
            (_, Some(over)) => Some((over.uid, over.log_limit_bytes)),
            (Some(spec), None) => spec.and_then(of_spec),
            (None, None) => self.core.records.spec(run).map_err(failed())?.and_then(of_spec),
        };
        let Some((uid, limit)) = found else { return Ok(LogChunk { offset, ..LogChunk::default() }) };
        let read = self.core.shared.read_log(run, stream, uid, limit, (offset, max_bytes));
        read.map_err(EngineError::io(format!("read the {} of {run}", stream.code())))
    }

    fn forget(&self, run: RunId) -> Result<(), EngineError> {
        if self.core.known().runs.contains_key(&run) {
            return Err(EngineError::Alive(run));
        }
        // The record last: while it is there, what is left half done can be done again.
        let removed = self.core.shared.remove(run).and_then(|()| self.core.records.remove(run));
        removed.map_err(EngineError::io(format!("remove the record of {run}")))
    }
}

/// A run that never began, as of now.
fn never_began(how: Exit) -> Observation {
    Observation::Ended(Ended { started_at: None, at: now(), how })
}

/// How long from the start of a run to when Slurm may end it by itself, in whole minutes.
fn slurm_limit_min(limit: Millis) -> u32 {
    u32::try_from(limit.0.max(1).div_euclid(60_000) + i64::from(limit.0.rem_euclid(60_000) > 0))
        .unwrap_or(u32::MAX)
}
