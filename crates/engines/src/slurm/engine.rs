//! The Slurm engine, as the center sees it.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, RwLock},
};

use domain::{JobId, RunId, TenantId};

use super::{
    client::{commands::Commands, node::NodeRecord, open::open_port},
    config::{Access, Owner, SlurmConfig, Token, UsableAccounts},
    disk::{
        record::{Records, RunEvent},
        shared_folder::SharedFolder,
    },
    runs::{
        core::Core,
        direct_job::DirectJob,
        listen,
        notices::Notices,
        outages::Outages,
        submit,
        table::{RunTable, TrackedJob, TrackedRun},
        watch,
    },
};
use crate::{
    clock,
    disk::{self, Held},
    engine::{Engine, EngineError, RunOnDisk, RunPlace},
    folder_lock::lock_folder,
    kept_log::KeptLog,
    log::{LogChunk, LogLayout, Stream},
    observation::{Observation, Started},
    spec::LaunchSpec,
    sync,
};

/// Carries out runs on a Slurm cluster.
#[derive(Debug)]
pub struct SlurmEngine {
    core: Arc<Core>,
    threads: Vec<std::thread::JoinHandle<()>>,
    /// Held while the engine lives.
    _lock: File,
}

impl SlurmEngine {
    /// Starts the engine on its folders, made if needed, and takes up the runs that were not over. A thread
    /// of the engine calls `on_hint` with each run that has news; the call must return soon. Slurm need not
    /// answer yet.
    pub fn start(
        config: SlurmConfig,
        on_hint: impl Fn(RunId) + Send + Sync + 'static,
    ) -> Result<Self, EngineError> {
        let calls = Arc::default();
        let slurm = open_port(&config, &calls)?;
        let folder = config.data_dir.display().to_string();
        std::fs::create_dir_all(&config.data_dir).map_err(EngineError::io(format!("make {folder}")))?;
        let lock = lock_folder(&config.data_dir)?;
        let records = Records::open(&config.data_dir)
            .map_err(EngineError::io(format!("open the records in {folder}")))?;
        let shared = SharedFolder::open(&config.shared_dir)
            .map_err(EngineError::io(format!("open the shared folder {}", config.shared_dir.display())))?;
        let table = take_up(&records)?;
        let notices = config
            .notices
            .as_deref()
            .map(|at| Notices::open(at).map_err(EngineError::io(format!("listen for ends of runs at {at}"))));
        let notices = notices.transpose()?;
        let tenants = RwLock::new(config.tenants.clone());
        let core = Arc::new(Core {
            config,
            tenants,
            direct: Mutex::default(),
            slurm,
            calls,
            shared,
            records,
            table: Mutex::new(table),
            to_submit: Condvar::new(),
            to_watch: Condvar::new(),
            began: clock::now(),
            users: Mutex::default(),
            project_accounts: Mutex::default(),
            notices,
            outages: Mutex::new(Outages::new(clock::now_s())),
            on_hint: Box::new(on_hint),
        });
        let mut engine = Self { core, threads: Vec::new(), _lock: lock };
        let submitters = [("slurm-submit", submit::run as fn(&Core)); submit::AT_ONCE];
        for (name, body) in submitters
            .into_iter()
            .chain([("slurm-watch", watch::run as fn(&Core)), ("slurm-notices", listen::run)])
        {
            let core = Arc::clone(&engine.core);
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || body(&core));
            engine.threads.push(thread.map_err(EngineError::io("start a thread of the engine"))?);
        }
        Ok(engine)
    }

    /// Names the cluster's Slurm, for people.
    pub fn describe(&self) -> Result<String, EngineError> {
        Ok(self.core.slurm.describe()?)
    }

    /// Lists the cluster's nodes as they are now, with a record for each partition that a node is in.
    pub fn nodes(&self) -> Result<Vec<NodeRecord>, EngineError> {
        let nodes = self.core.slurm.nodes()?;
        self.core.table().nodes.clone_from(&nodes);
        Ok(nodes)
    }

    /// The switch of each node that is behind one, as a path from the top: `spine/leaf-1`. Only Slurm's
    /// commands tell; where the engine has none, the map is empty.
    pub fn switches(&self) -> Result<HashMap<String, String>, EngineError> {
        let config = &self.core.config;
        let commands = match &config.access {
            Access::Commands { bin, conf } => Commands::new(bin.clone(), conf.clone(), config.times.call),
            Access::Rest { token: Token::Scontrol { conf }, .. } => {
                Commands::new(None, conf.clone(), config.times.call)
            }
            Access::Rest { token: Token::Key(_), .. } => return Ok(HashMap::new()),
        };
        Ok(commands.switches()?)
    }

    /// A tenant has a Slurm user of its own, from now on.
    pub fn add_tenant(&self, tenant: TenantId, owner: Owner) {
        sync::write(&self.core.tenants).insert(tenant, owner);
        self.core.to_watch.notify_one();
    }

    /// How often each thing was asked of Slurm since the start.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.core.calls.all()
    }

    /// The number of a run's Slurm job, once it has one.
    pub fn slurm_job(&self, run: RunId) -> Option<u32> {
        let of_entry = self.core.table().runs.get(&run).and_then(|entry| entry.job.number);
        of_entry.or_else(|| self.core.records.finished(run).ok()??.number)
    }

    /// Names the accounts under which runs are submitted from now on. Runs of other projects are submitted as
    /// if the center kept no accounts.
    pub fn set_accounts(&self, accounts: UsableAccounts) {
        *sync::lock(&self.core.project_accounts) = Some(accounts);
        self.core.to_submit.notify_all();
    }

    /// The folder where a job's processes start, and which keeps what they write.
    pub fn work_folder(&self, tenant: TenantId, job: JobId) -> PathBuf {
        self.core.shared.work_folder(tenant, job)
    }

    /// Lists the jobs that tenants' users submitted to Slurm themselves and that the center does not have
    /// yet. Each is listed until [`Self::adopt`] or [`Self::pass_over`].
    pub fn direct_jobs(&self) -> Vec<DirectJob> {
        sync::lock(&self.core.direct).found.values().cloned().collect()
    }

    /// Makes the job's run the center's from now on: the engine tells its end as that of any other run, and
    /// can stop it. Any number of calls do the same as one.
    pub fn adopt(&self, direct: &DirectJob) -> Result<(), EngineError> {
        let (core, run) = (&self.core, direct.run());
        let mut table = core.table();
        if !table.runs.contains_key(&run) && core.finished(run)?.is_none() {
            let event = RunEvent::Direct(Box::new(direct.clone()));
            core.records.append(run, &event).map_err(EngineError::io(format!("keep the job of {run}")))?;
            table.runs.insert(run, TrackedRun::of_direct(Arc::new(direct.clone())));
            core.to_watch.notify_one();
        }
        drop(table);
        sync::lock(&core.direct).deal_with(run);
        Ok(())
    }

    /// Leaves the job out from now on: the center has its end already, or does not bill it.
    pub fn pass_over(&self, direct: &DirectJob) {
        sync::lock(&self.core.direct).deal_with(direct.run());
    }
}

/// The table of the runs that were not over when the engine before this one ended.
fn take_up(records: &Records) -> Result<RunTable, EngineError> {
    let mut table = RunTable::default();
    for (run, unfinished) in records.load().map_err(EngineError::io("read the records of runs"))? {
        let (number, submitted_at) = (unfinished.number, unfinished.submitted_at);
        let mut entry = unfinished.direct.map_or_else(
            || TrackedRun {
                job: TrackedJob { number, submitted_at, ..TrackedJob::default() },
                ..TrackedRun::new(unfinished.spec, true)
            },
            TrackedRun::of_direct,
        );
        entry.stop = unfinished.stop;
        entry.waited_too_long = unfinished.waited_too_long;
        if entry.job.number.is_none() || entry.stop {
            table.queue.push_back(run);
        }
        table.runs.insert(run, entry);
    }
    Ok(table)
}

impl Drop for SlurmEngine {
    fn drop(&mut self) {
        self.core.table().is_ending = true;
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

impl Engine for SlurmEngine {
    fn launch(&self, spec: &LaunchSpec) -> Result<(), EngineError> {
        spec.check()?;
        let run = spec.run;
        // The values of a run that has begun are gone from the disk, and stay so.
        if self.core.table().runs.contains_key(&run) || self.core.finished(run)?.is_some() {
            return Ok(());
        }
        if !spec.secrets.is_empty() {
            let kept = self.core.owner_of_files(spec.tenant).and_then(|user| match user {
                Some(user) => self.core.shared.keep_secrets(run, &spec.secrets, &user),
                // Without its user the run is refused, with that reason.
                None => Ok(()),
            });
            kept.map_err(EngineError::io(format!("keep the secrets of {run}")))?;
        }
        // From here on they are in that file alone.
        let spec = Arc::new(LaunchSpec { secrets: Vec::new(), ..spec.clone() });
        let mut table = self.core.table();
        if table.runs.contains_key(&run) || self.core.finished(run)?.is_some() {
            return Ok(());
        }
        let event = RunEvent::Launch(Box::new((*spec).clone()));
        self.core
            .records
            .append(run, &event)
            .map_err(EngineError::io(format!("keep the launch of {run}")))?;
        table.runs.insert(run, TrackedRun::new(Some(spec), self.core.is_older(run)));
        table.queue.push_back(run);
        self.core.to_submit.notify_one();
        Ok(())
    }

    fn observe(&self, run: RunId) -> Result<Observation, EngineError> {
        if let Some(entry) = self.core.table().runs.get(&run) {
            return Ok(Observation::Alive {
                started: entry.job.started_at.map(|at| Started { at }),
                leaving: entry.leaving,
                seen_at: entry.last_seen,
            });
        }
        Ok(self.core.finished(run)?.map_or(Observation::NotLaunched, |finished| finished.observation))
    }

    fn stop(&self, run: RunId) -> Result<(), EngineError> {
        let keep = || {
            let kept = self.core.records.append(run, &RunEvent::Stop(clock::now()));
            kept.map_err(EngineError::io(format!("keep that {run} is to end")))
        };
        let is_older = self.core.is_older(run);
        let mut table = self.core.table();
        match table.runs.get_mut(&run) {
            Some(entry) if entry.stop => return Ok(()),
            Some(entry) => {
                keep()?;
                entry.stop = true;
            }
            None if self.core.finished(run)?.is_some() => return Ok(()),
            None => {
                keep()?;
                let mut entry = TrackedRun::new(None, is_older);
                entry.stop = true;
                table.runs.insert(run, entry);
            }
        }
        if !table.queue.contains(&run) {
            table.queue.push_front(run);
        }
        self.core.to_submit.notify_one();
        Ok(())
    }

    fn folders(&self) -> Vec<PathBuf> {
        self.core.shared.folders().into()
    }

    fn held_by_runs(&self, runs: &[RunPlace], most_files: u64) -> Vec<RunOnDisk> {
        let beneath = |path: PathBuf| disk::held_beneath(&path, most_files).unwrap_or_default();
        let mut works = HashMap::new();
        let held = |place: &RunPlace| {
            let own = beneath(self.core.shared.run_folder(place.run));
            let work = *works
                .entry(place.job)
                .or_insert_with(|| beneath(self.core.shared.work_folder(place.tenant, place.job)));
            RunOnDisk { own, elsewhere_bytes: own.bytes, work, ..RunOnDisk::default() }
        };
        runs.iter().map(held).collect()
    }

    fn held_by_tenant(&self, tenant: TenantId, _uid_index: u32, most_files: u64) -> Held {
        disk::held_beneath(&self.core.shared.home(tenant), most_files).unwrap_or_default()
    }

    fn read_log(
        &self,
        run: RunId,
        stream: Stream,
        offset: u64,
        max_bytes: usize,
    ) -> Result<LogChunk, EngineError> {
        let log = self.kept_log(run, stream)?;
        log.read(offset, max_bytes).map_err(EngineError::io(format!("read the {} of {run}", stream.code())))
    }

    fn log_layout(&self, run: RunId) -> Result<LogLayout, EngineError> {
        let [stdout, stderr] = Stream::ALL.map(|stream| self.kept_log(run, stream));
        let logs = [stdout?, stderr?];
        Ok(LogLayout {
            end_offsets: [logs[0].end(), logs[1].end()],
            gaps: [logs[0].gap(), logs[1].gap()],
            ..LogLayout::default()
        })
    }
}

impl SlurmEngine {
    fn kept_log(&self, run: RunId, stream: Stream) -> Result<KeptLog, EngineError> {
        let alive = self.core.table().runs.get(&run).map(|entry| entry.spec.clone());
        let failed = || EngineError::io(format!("read the record of {run}"));
        let finished = if alive.is_some() { None } else { self.core.finished(run)? };
        let of_spec = |spec: Option<Arc<LaunchSpec>>| -> Result<Option<(u32, u64)>, EngineError> {
            let Some(spec) = spec else { return Ok(None) };
            let user = self.core.owner_of_files(spec.tenant);
            let user = user.map_err(EngineError::io(format!("look up the owner of the files of {run}")))?;
            Ok(user.map(|user| (user.uid, spec.log_limit_bytes)))
        };
        let found = match (alive, finished) {
            (_, Some(finished)) => Some((finished.uid, finished.log_limit_bytes)),
            (Some(spec), None) => of_spec(spec)?,
            (None, None) => of_spec(self.core.records.spec(run).map_err(failed())?)?,
        };
        let Some((uid, limit)) = found else { return Ok(KeptLog::default()) };
        let read = self.core.shared.kept_log(run, stream, uid, limit);
        read.map_err(EngineError::io(format!("read the {} of {run}", stream.code())))
    }
}
