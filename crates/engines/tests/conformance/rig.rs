//! An engine to try a case on, with a folder of its own.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use domain::Millis;
use engines::{
    Engine, LaunchNode, LaunchSpec,
    local::LocalEngine,
    slurm::{Access, SlurmConfig, SlurmEngine, Token},
};
use testkit::{
    Cluster,
    engine::{Hints, UnderTest, local_config, node, spec},
    open_folder,
};

/// The engine's host. Only tests of its own package can name its path.
const HOST: &str = env!("CARGO_BIN_EXE_engine-host");
/// Slurm starts and accounts for a job within seconds. A cluster that was hurt takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy)]
pub enum Kind<'a> {
    Local,
    Commands(&'a Cluster),
    Rest(&'a Cluster),
}

enum Started {
    Local(Box<LocalEngine>),
    Slurm(SlurmEngine),
}

pub struct Rig<'a> {
    pub kind: Kind<'a>,
    started: Option<Started>,
    hints: Hints,
    dir: tempfile::TempDir,
    change: fn(&mut SlurmConfig),
}

impl UnderTest for Rig<'_> {
    fn engine(&self) -> &dyn Engine {
        match self.started() {
            Started::Local(engine) => &**engine,
            Started::Slurm(engine) => engine,
        }
    }

    fn hints(&self) -> &Hints {
        &self.hints
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

impl<'a> Rig<'a> {
    pub fn new(kind: Kind<'a>, change: fn(&mut SlurmConfig)) -> Self {
        let (hints, _nobody_hints) = Hints::new();
        let mut rig = Self { kind, started: None, hints, dir: open_folder(), change };
        rig.start();
        rig
    }

    fn start(&mut self) {
        let (hints, on_hint) = Hints::new();
        self.hints = hints;
        let started = match self.kind {
            Kind::Local => LocalEngine::start(local_config(HOST, self.dir.path()), on_hint)
                .map(Box::new)
                .map(Started::Local),
            Kind::Commands(_) | Kind::Rest(_) => {
                SlurmEngine::start(self.slurm_config(), on_hint).map(Started::Slurm)
            }
        };
        self.started = Some(started.expect("the engine starts"));
    }

    fn started(&self) -> &Started {
        self.started.as_ref().expect("the engine is started")
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

    /// Starts the engine anew, as a center does that is started again.
    pub fn restart(&mut self) {
        self.without_engine(|| {});
    }

    /// Does something while there is no engine, as while a center is down, and starts it anew.
    pub fn without_engine(&mut self, meanwhile: impl FnOnce()) {
        self.started = None;
        meanwhile();
        self.start();
    }

    pub fn slurm(&self) -> &SlurmEngine {
        match self.started() {
            Started::Local(_) => panic!("the case is for Slurm"),
            Started::Slurm(engine) => engine,
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
        match self.started() {
            Started::Local(engine) => engine.work_folder(spec.tenant, spec.job),
            Started::Slurm(engine) => engine.work_folder(spec.tenant, spec.job),
        }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A run on node `npu1` without cards.
    pub fn spec(&self, script: &str) -> LaunchSpec {
        LaunchSpec { nodes: vec![self.node("npu1", 0)], time_limit: Millis::from_secs(120), ..spec(script) }
    }

    /// A node, of which the run has the first `cards` cards.
    pub fn node(&self, name: &str, cards: u8) -> LaunchNode {
        let is_virtual = matches!(self.kind, Kind::Local);
        LaunchNode { model: "ascend910".into(), is_virtual, ..node(name, cards) }
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
        assert!(begun.elapsed() < PATIENCE, "waited for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
