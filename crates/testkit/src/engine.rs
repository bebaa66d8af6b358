//! An engine under test, and runs for it.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    path::Path,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use domain::{CardSet, JobId, Millis, RunId, TenantId, Timestamp, card::Vendor};
use engines::{
    Ended, Engine, Exit, LaunchNode, LaunchSpec, Observation, RunLimits, Stream,
    local::{LocalConfig, LocalEngine},
};

/// The longest time that a test waits for anything on this machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The pause between two looks, where no hint says when to look.
const PAUSE: Duration = Duration::from_millis(5);

/// The engine's hints that there is news of a run.
#[derive(Debug)]
pub struct Hints(Mutex<Receiver<RunId>>);

impl Hints {
    /// The hints, and the function that an engine gives them to.
    pub fn new() -> (Self, impl Fn(RunId) + Send + Sync + 'static) {
        let (tell, hints) = channel();
        let tell = move |run| {
            let _test_is_over = tell.send(run);
        };
        (Self(Mutex::new(hints)), tell)
    }

    /// Waits for the next hint, or a moment.
    pub fn wait(&self) {
        let hints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _none_came = hints.recv_timeout(Duration::from_millis(50));
    }
}

/// An engine, whichever it is, as tests use it.
pub trait UnderTest {
    fn engine(&self) -> &dyn Engine;

    fn hints(&self) -> &Hints;

    /// A test that waits for longer has failed.
    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn launch(&self, spec: &LaunchSpec) {
        self.engine().launch(spec).expect("the engine takes the launch");
    }

    /// Waits until a run is observed as wanted.
    fn wait_for(&self, run: RunId, what: &str, is_wanted: impl Fn(&Observation) -> bool) -> Observation {
        let begun = Instant::now();
        loop {
            let seen = self.engine().observe(run).expect("the run can be observed");
            if is_wanted(&seen) {
                return seen;
            }
            assert!(
                begun.elapsed() < self.patience(),
                "waited for {what}, but it is {seen:?}; stdout: {}, stderr: {}",
                self.out(run),
                self.err(run)
            );
            self.hints().wait();
        }
    }

    /// Waits for the run's start. Returns when it was.
    fn wait_started(&self, run: RunId) -> Timestamp {
        let is_wanted = |seen: &Observation| matches!(seen, Observation::Alive { started: Some(_), .. });
        match self.wait_for(run, "a start", is_wanted) {
            Observation::Alive { started: Some(started), .. } => started.at,
            other => panic!("it did not start: {other:?}"),
        }
    }

    /// Waits for the run's end.
    fn wait_end(&self, run: RunId) -> Ended {
        let is_wanted =
            |seen: &Observation| !matches!(seen, Observation::Alive { .. } | Observation::NotLaunched);
        match self.wait_for(run, "an end", is_wanted) {
            Observation::Ended(ended) => ended,
            other => panic!("it did not end: {other:?}"),
        }
    }

    /// Launches a run and waits for its end.
    fn run(&self, spec: &LaunchSpec) -> Exit {
        self.launch(spec);
        self.wait_end(spec.run).how
    }

    /// Launches a run that has to end with code 0. Returns its standard output.
    fn output(&self, spec: &LaunchSpec) -> String {
        let how = self.run(spec);
        assert_eq!(how, Exit::Code(0), "stdout: {}, stderr: {}", self.out(spec.run), self.err(spec.run));
        self.out(spec.run)
    }

    fn out(&self, run: RunId) -> String {
        self.log(run, Stream::Stdout)
    }

    fn err(&self, run: RunId) -> String {
        self.log(run, Stream::Stderr)
    }

    fn log(&self, run: RunId, stream: Stream) -> String {
        let chunk = self.engine().read_log(run, stream, 0, 1 << 20).expect("the log can be read");
        String::from_utf8_lossy(&chunk.bytes).into_owned()
    }

    /// Waits until the run has written a whole line that begins with `start`. Returns the rest of that line.
    fn wait_line(&self, run: RunId, start: &str) -> String {
        let begun = Instant::now();
        loop {
            let out = self.out(run);
            let whole = out.rsplit_once('\n').map_or("", |(whole, _)| whole);
            if let Some(line) = whole.lines().find_map(|line| line.strip_prefix(start)) {
                return line.to_owned();
            }
            assert!(
                begun.elapsed() < self.patience(),
                "no line `{start}…` in {out}; stderr: {}",
                self.err(run)
            );
            std::thread::park_timeout(PAUSE);
        }
    }
}

/// As much of a center as the local engine needs: a folder, and somebody to hint to.
#[derive(Debug)]
pub struct SmallCenter {
    pub engine: LocalEngine,
    hints: Hints,
    pub dir: tempfile::TempDir,
    host: String,
}

/// The settings of a local engine in this folder. `host` is the path of the program `engine-host`.
pub fn local_config(host: &str, dir: &Path) -> LocalConfig {
    LocalConfig::new(dir.join("data"), vec![host.into()])
}

impl SmallCenter {
    pub fn start(host: &str) -> Self {
        Self::start_with(host, |_| {})
    }

    /// A center with changed settings.
    pub fn start_with(host: &str, change: impl FnOnce(&mut LocalConfig)) -> Self {
        let dir = crate::open_folder();
        let mut config = local_config(host, dir.path());
        change(&mut config);
        Self::start_in(host, dir, config)
    }

    fn start_in(host: &str, dir: tempfile::TempDir, config: LocalConfig) -> Self {
        let (hints, on_hint) = Hints::new();
        let engine = LocalEngine::start(config, on_hint).expect("the engine starts");
        Self { engine, hints, dir, host: host.to_owned() }
    }

    /// Drops the engine and starts another on its folder, as a center does that is started again.
    #[must_use]
    pub fn restart(self) -> Self {
        self.restart_after(|| {})
    }

    /// The same, with something done while there is no engine.
    #[must_use]
    pub fn restart_after(self, meanwhile: impl FnOnce()) -> Self {
        let Self { engine, dir, host, .. } = self;
        drop(engine);
        meanwhile();
        let config = local_config(&host, dir.path());
        Self::start_in(&host, dir, config)
    }
}

impl UnderTest for SmallCenter {
    fn engine(&self) -> &dyn Engine {
        &self.engine
    }

    fn hints(&self) -> &Hints {
        &self.hints
    }
}

/// Bytes for an id that no other id has.
pub fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    for part in bytes.chunks_mut(5) {
        let len = part.len();
        part.copy_from_slice(&RandomState::new().hash_one(0).to_le_bytes()[..len]);
    }
    bytes
}

/// The tenant of that number, the same in each test.
pub fn tenant(index: u32) -> TenantId {
    TenantId::new(Timestamp::from_secs(1_600_000_000 + i64::from(index)), [7; 10])
}

/// A run of tenant 1 on one virtual node without cards.
pub fn spec(script: &str) -> LaunchSpec {
    let at = crate::now();
    LaunchSpec {
        run: RunId::new(at, random()),
        job: JobId::new(at, random()),
        tenant: tenant(1),
        uid_index: 1,
        job_name: "test".into(),
        project: "tests".into(),
        array: None,
        script: script.into(),
        encoding: None,
        args: vec![],
        env: vec![],
        secret_names: vec![],
        secrets: vec![],
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

/// A virtual node of which a run has the first `cards` cards.
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

/// The variables of a text with lines `NAME=value`.
pub fn variables(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// Whether there is such a process. A zombie is none.
pub fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| Some(!stat.rsplit_once(") ")?.1.starts_with('Z')))
        .unwrap_or(false)
}

pub fn wait_gone(pid: i32) {
    let begun = Instant::now();
    while is_alive(pid) {
        assert!(begun.elapsed() < PATIENCE, "process {pid} is still there");
        std::thread::yield_now();
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
