//! A small center for the tests: an engine on a folder of its own, and the hints that it gave.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    path::Path,
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use domain::{CardSet, JobId, Millis, RunId, TenantId, Timestamp, card::Vendor};
use engines::{
    Ended, Engine as _, Exit, LaunchNode, LaunchSpec, Observation, RunLimits, Stream,
    local::{LocalConfig, LocalEngine},
};

/// Nothing here takes that long: a test that does has failed.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub struct Center {
    pub engine: LocalEngine,
    pub hints: Receiver<RunId>,
    pub dir: tempfile::TempDir,
}

pub fn config(dir: &Path) -> LocalConfig {
    LocalConfig::new(dir.join("data"), vec![env!("CARGO_BIN_EXE_engine-host").into()])
}

impl Center {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub fn start_with(change: impl FnOnce(&mut LocalConfig)) -> Self {
        let dir = folder();
        let mut config = config(dir.path());
        change(&mut config);
        Self::start_in(dir, config)
    }

    pub fn start_in(dir: tempfile::TempDir, config: LocalConfig) -> Self {
        let (tell, hints) = channel();
        let engine = LocalEngine::start(config, move |run| {
            let _test_is_over = tell.send(run);
        })
        .expect("the engine starts");
        Self { engine, hints, dir }
    }

    /// As after a restart of the center: the engine is dropped, and another is started on the same folder.
    pub fn restart(self) -> Self {
        let Self { engine, dir, .. } = self;
        drop(engine);
        let config = config(dir.path());
        Self::start_in(dir, config)
    }

    pub fn launch(&self, spec: &LaunchSpec) {
        self.engine.launch(spec).expect("the launch is handed on");
    }

    /// Waits for hints until the observation is as wanted.
    pub fn wait_for(&self, run: RunId, what: &str, wanted: impl Fn(&Observation) -> bool) -> Observation {
        let begun = Instant::now();
        loop {
            let seen = self.engine.observe(run).expect("the run can be observed");
            if wanted(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < DEADLINE, "waited for {what}, but it is {seen:?}; {}", self.err(run));
            let _none_came = self.hints.recv_timeout(Duration::from_millis(50));
        }
    }

    pub fn wait_started(&self, run: RunId) -> Timestamp {
        match self
            .wait_for(run, "a start", |seen| matches!(seen, Observation::Alive { started: Some(_), .. }))
        {
            Observation::Alive { started: Some(started), .. } => started.at,
            _ => unreachable!(),
        }
    }

    pub fn wait_end(&self, run: RunId) -> Ended {
        match self.wait_for(run, "an end", |seen| matches!(seen, Observation::Ended(_))) {
            Observation::Ended(ended) => ended,
            _ => unreachable!(),
        }
    }

    /// Launches the run, waits for its end, and returns it.
    pub fn run(&self, spec: &LaunchSpec) -> Exit {
        self.launch(spec);
        self.wait_end(spec.run).how
    }

    /// Launches the script, expects exit code 0, and returns its standard output.
    pub fn output(&self, spec: &LaunchSpec) -> String {
        let how = self.run(spec);
        assert_eq!(how, Exit::Code(0), "stdout: {}, stderr: {}", self.out(spec.run), self.err(spec.run));
        self.out(spec.run)
    }

    pub fn out(&self, run: RunId) -> String {
        self.log(run, Stream::Stdout)
    }

    pub fn err(&self, run: RunId) -> String {
        self.log(run, Stream::Stderr)
    }

    pub fn log(&self, run: RunId, stream: Stream) -> String {
        let chunk = self.engine.read_log(run, stream, 0, 1 << 20).expect("the log can be read");
        String::from_utf8_lossy(&chunk.bytes).into_owned()
    }

    /// Waits until the run has written a whole line that begins so, and returns it.
    pub fn wait_line(&self, run: RunId, start: &str) -> String {
        let begun = Instant::now();
        loop {
            let out = self.out(run);
            let mut lines: Vec<&str> = out.split('\n').collect();
            lines.pop();
            if let Some(line) = lines.iter().find_map(|line| line.strip_prefix(start)) {
                return line.to_owned();
            }
            assert!(begun.elapsed() < DEADLINE, "no line `{start}…` in {out}; {}", self.err(run));
            std::thread::yield_now();
        }
    }
}

/// A folder that other uids can get into.
pub fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::Builder::new().prefix("qt-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

pub fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    for part in bytes.chunks_mut(5) {
        let len = part.len();
        part.copy_from_slice(&RandomState::new().hash_one(0).to_le_bytes()[..len]);
    }
    bytes
}

pub fn tenant(index: u32) -> TenantId {
    TenantId::new(Timestamp::from_secs(1_600_000_000 + i64::from(index)), [7; 10])
}

/// A run of tenant 1 on one virtual node without cards.
pub fn spec(script: &str) -> LaunchSpec {
    let at = now();
    LaunchSpec {
        run: RunId::new(at, random()),
        job: JobId::new(at, random()),
        tenant: tenant(1),
        uid_index: 1,
        job_name: "test".into(),
        project: "tests".into(),
        array: None,
        script: script.into(),
        args: vec![],
        env: vec![],
        nodes: vec![node("node-1", 0)],
        launch: domain::Launch::EachNode,
        batch: domain::BatchSpec::default(),
        exclusive: false,
        time_limit: Millis::from_secs(60),
        kill_grace: Millis::from_secs(5),
        log_limit_bytes: 1 << 20,
        limits: RunLimits::default(),
    }
}

pub fn node(name: &str, cards: u8) -> LaunchNode {
    LaunchNode {
        name: name.into(),
        cards: CardSet::first(cards),
        card_count: 8,
        vendor: Vendor::Ascend,
        model: "ascend-910".into(),
        is_virtual: true,
    }
}

/// Lines `NAME=value` as a map.
pub fn variables(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// Whether there is such a process that is not a zombie.
pub fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| Some(!stat.rsplit_once(") ")?.1.starts_with('Z')))
        .unwrap_or(false)
}

pub fn wait_gone(pid: i32) {
    let begun = Instant::now();
    while is_alive(pid) {
        assert!(begun.elapsed() < DEADLINE, "process {pid} is still there");
        std::thread::yield_now();
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
