//! An engine to try a case on, with a folder of its own, and helpers for the cases.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use domain::{CardSet, JobId, Millis, RunId, Timestamp, card::Vendor};
use engines::{
    Ended, Engine, Exit, LaunchNode, LaunchSpec, Observation, RunLimits, Stream,
    local::LocalEngine,
    slurm::{Access, SlurmConfig, SlurmEngine, Token},
};

use super::{cluster::Cluster, common};

/// Slurm starts and accounts for a job within seconds. A cluster that was hurt takes longer.
const DEADLINE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy)]
pub enum Kind<'a> {
    Local,
    Commands(&'a Cluster),
    Rest(&'a Cluster),
}

enum Made {
    Local(Box<LocalEngine>),
    Slurm(SlurmEngine),
}

pub struct Rig<'a> {
    pub kind: Kind<'a>,
    made: Option<Made>,
    hints: Mutex<Receiver<RunId>>,
    dir: tempfile::TempDir,
    change: fn(&mut SlurmConfig),
}

impl<'a> Rig<'a> {
    pub fn new(kind: Kind<'a>, change: fn(&mut SlurmConfig)) -> Self {
        let mut rig =
            Self { kind, made: None, hints: Mutex::new(channel().1), dir: common::folder(), change };
        rig.start();
        rig
    }

    fn start(&mut self) {
        let (tell, hints) = channel();
        self.hints = Mutex::new(hints);
        let on_hint = move |run| {
            let _test_is_over = tell.send(run);
        };
        let made = match self.kind {
            Kind::Local => {
                LocalEngine::start(common::config(self.dir.path()), on_hint).map(Box::new).map(Made::Local)
            }
            Kind::Commands(_) | Kind::Rest(_) => {
                SlurmEngine::start(self.slurm_config(), on_hint).map(Made::Slurm)
            }
        };
        self.made = Some(made.expect("the engine starts"));
    }

    pub fn slurm_config(&self) -> SlurmConfig {
        let mut config = SlurmConfig::new(self.dir.path().join("data"), self.dir.path().join("shared"));
        config.times.look.1 = Duration::from_millis(500);
        config.times.accounting = Duration::from_secs(15);
        config.notices = Some("127.0.0.1:0".to_owned());
        match self.kind {
            Kind::Local => {}
            Kind::Commands(cluster) => {
                config.access = Access::Commands { bin: None, conf: Some(cluster.conf()) };
            }
            Kind::Rest(cluster) => {
                let url = cluster.env("QT_SLURM_REST");
                config.access = Access::Rest { url, token: Token::Key(cluster.jwt_key()) };
            }
        }
        (self.change)(&mut config);
        config
    }

    /// As after a restart of the center.
    pub fn restart(&mut self) {
        self.made = None;
        self.start();
    }

    /// As while the center is down.
    pub fn without_engine(&mut self, then: impl FnOnce()) {
        self.made = None;
        then();
        self.start();
    }

    pub fn engine(&self) -> &dyn Engine {
        match self.made.as_ref().expect("it is started") {
            Made::Local(engine) => &**engine,
            Made::Slurm(engine) => engine,
        }
    }

    pub fn slurm(&self) -> &SlurmEngine {
        match self.made.as_ref().expect("it is started") {
            Made::Local(_) => panic!("the case is for Slurm"),
            Made::Slurm(engine) => engine,
        }
    }

    pub fn cluster(&self) -> &'a Cluster {
        match self.kind {
            Kind::Local => panic!("the case is for Slurm"),
            Kind::Commands(cluster) | Kind::Rest(cluster) => cluster,
        }
    }

    /// The precision of the engine's times.
    pub fn tick_ms(&self) -> i64 {
        match self.kind {
            Kind::Local => 1,
            _ => 1000,
        }
    }

    pub fn work_folder(&self, spec: &LaunchSpec) -> PathBuf {
        match self.made.as_ref().expect("it is started") {
            Made::Local(engine) => engine.work_folder(spec.tenant, spec.job),
            Made::Slurm(engine) => engine.work_folder(spec.tenant, spec.job),
        }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn launch(&self, spec: &LaunchSpec) {
        self.engine().launch(spec).expect("the launch is handed on");
    }

    pub fn wait_for(&self, run: RunId, what: &str, wanted: impl Fn(&Observation) -> bool) -> Observation {
        let begun = Instant::now();
        loop {
            let seen = self.engine().observe(run).expect("the run can be observed");
            if wanted(&seen) {
                return seen;
            }
            let out = || (self.log(run, Stream::Stdout), self.log(run, Stream::Stderr));
            assert!(begun.elapsed() < DEADLINE, "waited for {what}, but it is {seen:?}; {:?}", out());
            let hints = self.hints.lock().unwrap();
            let _none_came = hints.recv_timeout(Duration::from_millis(50));
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
        match self.wait_for(run, "an end", |seen| {
            !matches!(seen, Observation::Alive { .. } | Observation::NotLaunched)
        }) {
            Observation::Ended(ended) => ended,
            other => panic!("it did not end: {other:?}"),
        }
    }

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

    fn log(&self, run: RunId, stream: Stream) -> String {
        let chunk = self.engine().read_log(run, stream, 0, 1 << 20).expect("the log can be read");
        String::from_utf8_lossy(&chunk.bytes).into_owned()
    }

    /// Waits until the run has written a whole line that begins so, and returns the rest of it.
    pub fn wait_line(&self, run: RunId, start: &str) -> String {
        let mut found = None;
        wait_until(&format!("a line `{start}…`"), || {
            let out = self.out(run);
            let whole = out.rsplit_once('\n').map_or("", |(whole, _)| whole);
            found = whole.lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned);
            found.is_some()
        });
        found.expect("it was waited for")
    }

    /// A run on node `npu1` without cards.
    pub fn spec(&self, script: &str) -> LaunchSpec {
        let at = common::now();
        LaunchSpec {
            run: RunId::new(at, common::random()),
            job: JobId::new(at, common::random()),
            tenant: common::tenant(1),
            uid_index: 1,
            job_name: "test".into(),
            project: "tests".into(),
            array: None,
            script: script.into(),
            args: vec![],
            env: vec![],
            nodes: vec![self.node("npu1", 0)],
            launch: domain::Launch::EachNode,
            batch: domain::BatchSpec::default(),
            exclusive: false,
            time_limit: Millis::from_secs(120),
            kill_grace: Millis::from_secs(5),
            log_limit_bytes: 1 << 20,
            limits: RunLimits::default(),
        }
    }

    pub fn node(&self, name: &str, cards: u8) -> LaunchNode {
        LaunchNode {
            name: name.into(),
            cards: CardSet::first(cards),
            card_count: 8,
            vendor: Vendor::Ascend,
            model: "ascend910".into(),
            is_virtual: matches!(self.kind, Kind::Local),
        }
    }

    /// A gang on the first `count` nodes, with so many cards on each.
    pub fn gang(&self, count: usize, cards: u8, script: &str) -> LaunchSpec {
        let nodes = (1..=count).map(|n| self.node(&format!("npu{n}"), cards)).collect();
        LaunchSpec { nodes, ..self.spec(script) }
    }
}

pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "waited for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

pub fn variables(text: &str) -> HashMap<String, String> {
    common::variables(text)
}
