//! The local engine, as the center sees it.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use domain::{JobId, RunId, TenantId, Timestamp};

use super::{
    cgroup,
    config::{Isolation, LocalConfig},
    doctor, folders,
    link::Link,
    record::{RecordContent, RecordLine, RecordState, Runs},
    room, sys, tree,
};
use crate::{
    clock,
    disk::{self, Held},
    engine::{Engine, EngineError, RunOnDisk, RunPlace},
    folder_lock::lock_folder,
    log::{LogChunk, LogLayout, Stream},
    observation::{Ended, Exit, Leaving, Observation, Started},
    spec::LaunchSpec,
    sync,
};

/// How long one call hunts for the leftovers of a run whose supervisor was killed.
const SWEEP_FOR: Duration = Duration::from_secs(2);

/// Carries out runs on this machine.
#[derive(Debug)]
pub struct LocalEngine {
    config: LocalConfig,
    runs: Arc<Runs>,
    link: Link,
    boot: String,
    booted_at: Timestamp,
    /// Runs without an end whose leftovers are gone.
    swept: Mutex<HashSet<RunId>>,
    /// Held while the engine lives.
    _lock: File,
}

impl LocalEngine {
    /// Starts the engine on its folder, made if needed. A thread of the engine calls `on_hint` with each run
    /// whose record has changed; the call must return soon. There may be more calls than changes.
    pub fn start(
        mut config: LocalConfig,
        on_hint: impl Fn(RunId) + Send + 'static,
    ) -> Result<Self, EngineError> {
        doctor::require_isolation(&config)?;
        let folder = config.data_dir.display().to_string();
        std::fs::create_dir_all(&config.data_dir).map_err(EngineError::io(format!("make {folder}")))?;
        config.data_dir =
            config.data_dir.canonicalize().map_err(EngineError::io(format!("find the folder {folder}")))?;
        doctor::require_passage(&config)?;

        doctor::require_surroundings(&config)?;
        config.room = room::find(&config).map_err(|why| doctor::no_room(&why))?;
        if config.isolation == Isolation::Full && config.room.is_none() && config.network.is_none() {
            tracing::warn!(
                "runs share the machine's network, IPC and /proc: a job can reach the center's port and those of others"
            );
        }
        let lock = lock_folder(&config.data_dir)?;
        let has_own_uids = config.uid(0).is_some();
        folders::prepare(&config.data_dir, has_own_uids)
            .map_err(EngineError::io(format!("make the folders for runs in {folder}")))?;
        let runs = Runs::open(&config.data_dir)
            .map(Arc::new)
            .map_err(EngineError::io(format!("open the records in {folder}")))?;
        let link = Link::start(config.clone(), Arc::clone(&runs), Box::new(on_hint))?;
        Ok(Self {
            config,
            runs,
            link,
            boot: sys::boot_id(),
            booted_at: sys::booted_at(),
            swept: Mutex::default(),
            _lock: lock,
        })
    }

    /// The folder where a job's processes start, and which keeps what they write.
    pub fn work_folder(&self, tenant: TenantId, job: JobId) -> PathBuf {
        self.config.data_dir.join("work").join(tenant.to_string()).join(job.to_string())
    }

    /// The process id of the host, for tests and for people who look for it.
    pub fn host_pid(&self) -> Option<u32> {
        self.link.host_pid()
    }

    /// The process id of a run's supervisor while it is alive.
    pub fn supervisor_pid(&self, run: RunId) -> Result<Option<u32>, EngineError> {
        Ok(match self.find(run)? {
            RecordState::Alive(told) => u32::try_from(told.pid).ok(),
            _ => None,
        })
    }

    fn find(&self, run: RunId) -> Result<RecordState, EngineError> {
        self.runs.find(run).map_err(EngineError::io(format!("read the record of {run}")))
    }

    fn vanished(&self, run: RunId, told: &RecordContent) -> Observation {
        // After a restart of the machine there are no leftovers.
        if told.boot == self.boot {
            self.sweep(run, &told.sessions);
        }
        Observation::Vanished {
            started: told.started_at.map(|at| Started { at }),
            last_seen: self.runs.last_change(run).max(told.started_at).max(told.claimed_at),
        }
    }

    /// Kills what is left of a run whose supervisor was killed. The host does so at once, and knows more. But
    /// the host may have been killed too, or may have been started since.
    fn sweep(&self, run: RunId, sessions: &[i32]) {
        let mut swept = sync::lock(&self.swept);
        if swept.contains(&run) {
            return;
        }
        if let Some(root) = cgroup::find(self.config.cgroup.as_deref()) {
            cgroup::clear(&root, run);
        }
        let begun = Instant::now();
        while tree::freeze_and_kill(&|| tree::leftovers(run, sessions)) > 0 {
            if begun.elapsed() > SWEEP_FOR {
                tracing::warn!(%run, "failed to kill the processes of a run without a supervisor");
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        swept.insert(run);
    }

    /// The state of a run that has no record. It was not launched, unless it is from before the start of the
    /// machine: then it may have run, and its record may have been lost with the machine.
    fn without_record(&self, run: RunId) -> Observation {
        if let Some(why) = self.link.refusal(run) {
            let how = Exit::FailedToStart(why.1);
            return Observation::Ended(Ended { started_at: None, at: why.0, took: None, how, why: None });
        }
        let made_ms = i64::from_be_bytes(*run.as_bytes().first_chunk().expect("16 bytes")) >> 16;
        if Timestamp::from_millis(made_ms) < self.booted_at && !self.link.is_pending(run) {
            return Observation::Vanished { started: None, last_seen: None };
        }
        Observation::NotLaunched
    }
}

impl Engine for LocalEngine {
    fn launch(&self, spec: &LaunchSpec) -> Result<(), EngineError> {
        spec.check()?;
        self.link.launch(spec)
    }

    fn observe(&self, run: RunId) -> Result<Observation, EngineError> {
        let observation = match self.find(run)? {
            RecordState::Nothing => return Ok(self.without_record(run)),
            // Its supervisor holds the record's lock at this moment.
            RecordState::Alive(told) => Observation::Alive {
                started: told.started_at.map(|at| Started { at }),
                leaving: Leaving::No,
                seen_at: Some(clock::now()),
            },
            RecordState::Ended(told) => Observation::Ended(told.end.expect("it is found to have ended")),
            RecordState::Vanished(told) => self.vanished(run, &told),
        };
        self.link.note_recorded(run);
        Ok(observation)
    }

    fn stop(&self, run: RunId) -> Result<(), EngineError> {
        let at = clock::now();
        let pid = std::process::id().cast_signed();
        let claim = RecordLine::Claim { run, pid, boot: self.boot.clone(), at };
        let failed = || EngineError::io::<io::Error>(format!("stop {run}"));
        loop {
            match self.find(run)? {
                // Whoever claims a run decides about it: a launch that is still on the way comes too late.
                RecordState::Nothing => {
                    let mut record = None;
                    if self.runs.claim(&mut record, run, 0, &claim).map_err(failed())?
                        && let Some(mut record) = record
                    {
                        let how = Exit::Stopped { status: None };
                        record
                            .append(&RecordLine::End { started_at: None, at, took: None, how })
                            .map_err(failed())?;
                        self.link.hint(run);
                        return Ok(());
                    }
                }
                RecordState::Alive(told) => {
                    let supervisor = sys::Handle::open(told.pid);
                    // The lock was seen held after the handle was taken, so the handle is that of the
                    // supervisor.
                    if let (Some(supervisor), RecordState::Alive(_)) = (supervisor, self.find(run)?) {
                        return supervisor.stop(run).map_err(failed());
                    }
                }
                RecordState::Ended(_) => return Ok(()),
                RecordState::Vanished(told) => {
                    self.vanished(run, &told);
                    return Ok(());
                }
            }
        }
    }

    fn end_at_once(&self, run: RunId) -> Result<(), EngineError> {
        self.stop(run)?;
        if let RecordState::Alive(told) = self.find(run)?
            && let (Some(supervisor), RecordState::Alive(_)) = (sys::Handle::open(told.pid), self.find(run)?)
        {
            supervisor.kill_run(run).map_err(EngineError::io(format!("end {run}")))?;
        }
        Ok(())
    }

    fn freeze(&self, run: RunId) -> Result<(), EngineError> {
        if let RecordState::Alive(told) = self.find(run)? {
            tree::freeze(&|| tree::descendants(&tree::all(), told.pid, &|_| false));
        }
        Ok(())
    }

    fn folders(&self) -> Vec<PathBuf> {
        ["runs", "work", "tmp"].map(|name| self.config.data_dir.join(name)).into()
    }

    fn held_by_runs(&self, runs: &[RunPlace], most_files: u64) -> Vec<RunOnDisk> {
        let beneath = |path: &Path| disk::held_beneath(path, most_files).unwrap_or_default();
        let device = |folder: &PathBuf| Some(disk::Space::of(folder).ok()?.device);
        let devices: Vec<u64> = self.folders().iter().filter_map(device).collect();
        let processes = tree::all();
        let mut works = HashMap::new();
        let held = |place: &RunPlace| {
            let work = *works
                .entry(place.job)
                .or_insert_with(|| beneath(&self.work_folder(place.tenant, place.job)));
            let mut on_disk = RunOnDisk { work, ..RunOnDisk::default() };
            for stream in Stream::ALL {
                if let Ok(log) = self.runs.read_log(place.run, stream.code()) {
                    on_disk.elsewhere_bytes += log.bytes_on_disk();
                }
            }
            on_disk.own.bytes = on_disk.elsewhere_bytes;
            let Ok(RecordState::Alive(told)) = self.find(place.run) else { return on_disk };
            if let Some(temporary) = self.temporary_folder(told.pid) {
                on_disk.own += beneath(&temporary);
            }
            let of_run = tree::descendants(&processes, told.pid, &|_| false);
            let pids: Vec<i32> = of_run.iter().map(|process| process.pid).collect();
            let unlinked_bytes = disk::unlinked_bytes(&pids, &devices);
            for bytes in [&mut on_disk.own.bytes, &mut on_disk.elsewhere_bytes] {
                *bytes = bytes.saturating_add(unlinked_bytes);
            }
            on_disk.written_bytes = disk::written_bytes(&pids);
            on_disk
        };
        runs.iter().map(held).collect()
    }

    fn held_by_tenant(&self, tenant: TenantId, uid_index: u32, most_files: u64) -> Held {
        let data = &self.config.data_dir;
        let mut held = Held::default();
        for folder in
            [data.join("work").join(tenant.to_string()), data.join("tmp").join(uid_index.to_string())]
        {
            held += disk::held_beneath(&folder, most_files.saturating_sub(held.files)).unwrap_or_default();
        }
        held
    }

    fn read_log(
        &self,
        run: RunId,
        stream: Stream,
        offset: u64,
        max_bytes: usize,
    ) -> Result<LogChunk, EngineError> {
        let failed = || EngineError::io::<io::Error>(format!("read the {} of {run}", stream.code()));
        let log = self.runs.read_log(run, stream.code()).map_err(failed())?;
        let chunk = log.read(offset, max_bytes).map_err(failed())?;
        let is_at_end = chunk.offset + chunk.bytes.len() as u64 >= chunk.end_offset;
        let truncated = is_at_end && self.truncated(run)?[stream as usize];
        Ok(LogChunk { truncated, ..chunk })
    }

    fn log_layout(&self, run: RunId) -> Result<LogLayout, EngineError> {
        let failed = || EngineError::io::<io::Error>(format!("read the logs of {run}"));
        let [stdout, stderr] = Stream::ALL.map(|stream| self.runs.read_log(run, stream.code()));
        let logs = [stdout.map_err(failed())?, stderr.map_err(failed())?];
        Ok(LogLayout {
            end_offsets: [logs[0].end(), logs[1].end()],
            gaps: [logs[0].gap(), logs[1].gap()],
            truncated: self.truncated(run)?,
            // The index after the logs: it tells of each byte that was found then.
            arrivals: self.runs.arrivals(run).map_err(failed())?,
        })
    }
}

impl LocalEngine {
    /// The temporary folder of the run that this supervisor looks after: it has the folder open.
    fn temporary_folder(&self, supervisor: i32) -> Option<PathBuf> {
        let tmp = self.config.data_dir.join("tmp");
        let open = std::fs::read_dir(format!("/proc/{supervisor}/fd")).ok()?.flatten();
        let mut paths = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        paths.find(|path| path.strip_prefix(&tmp).is_ok_and(|rest| rest.components().count() == 2))
    }

    /// Whether the end of each log is lost.
    fn truncated(&self, run: RunId) -> Result<[bool; 2], EngineError> {
        Ok(match self.find(run)? {
            RecordState::Nothing => [false; 2],
            RecordState::Alive(told) | RecordState::Ended(told) | RecordState::Vanished(told) => {
                told.truncated
            }
        })
    }
}
