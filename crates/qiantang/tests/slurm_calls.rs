//! What a center asks of Slurm does not grow with how many jobs there are: its own, those of others, those that wait.
//!
//! Calls of commands are counted by what is called: the center gets a folder of commands that write down their names and become
//! the real ones. Those of slurmrestd the engine counts itself.

#[path = "../../engines/tests/conformance/cluster.rs"]
#[allow(dead_code, reason = "the engines' own tests use the rest")]
mod cluster;
mod support;

mod common {
    pub use super::support::open_folder as folder;
}

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use cluster::Cluster;
use domain::{CardSet, JobId, Millis, RunId, TenantId, Timestamp, card::Vendor};
use engines::{
    LaunchNode, LaunchSpec, RunLimits,
    slurm::{Access, SlurmConfig, SlurmEngine, Token},
};
use serde_json::json;
use support::{Site, grant};

const MANY: usize = 5000;
/// How many looks a count takes in.
const LOOKS: u64 = 3;
/// Between two looks passes more than this.
const LEAST_PAUSE_S: f64 = 0.2;
const DEADLINE: Duration = Duration::from_mins(1);

/// Slurm's commands, counted.
struct Counted {
    folder: tempfile::TempDir,
}

impl Counted {
    fn new() -> Self {
        let folder = common::folder();
        for name in ["sbatch", "squeue", "sacct", "scontrol", "sinfo", "scancel"] {
            let real = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
                .expect("Slurm is installed");
            let calls = folder.path().join("calls");
            let script =
                format!("#!/bin/sh\necho {name} >> '{}'\nexec {} \"$@\"\n", calls.display(), real.display());
            let path = folder.path().join(name);
            fs::write(&path, script).expect("a command");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// How often each was called so far.
    fn calls(&self) -> BTreeMap<String, u64> {
        let text = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        let mut calls = BTreeMap::new();
        for name in text.lines() {
            *calls.entry(name.to_owned()).or_insert(0) += 1;
        }
        calls
    }
}

/// Counts over some looks, from the beginning of one on, each of which is a call of `look`.
fn over_looks(what: &str, look: &str, all: impl Fn() -> BTreeMap<String, u64>) {
    let looks = |calls: &BTreeMap<String, u64>| calls.get(look).copied().unwrap_or(0);
    let begun = Instant::now();
    let wait_beyond = |count: u64| loop {
        let calls = all();
        if looks(&calls) > count {
            return calls;
        }
        assert!(begun.elapsed() < DEADLINE, "{what}: it does not look any more: {calls:?}");
        std::thread::park_timeout(Duration::from_millis(5));
    };
    let before = wait_beyond(looks(&all()));
    let since = Instant::now();
    let after = wait_beyond(looks(&before) + LOOKS - 1);
    let took_s = since.elapsed().as_secs_f64();
    let new: BTreeMap<&str, u64> = after
        .iter()
        .map(|(name, count)| (name.as_str(), count - before.get(name).copied().unwrap_or(0)))
        .filter(|(_, count)| *count > 0)
        .collect();
    eprintln!("{what}: {new:?} within {took_s:.1} s");
    for (name, count) in new {
        #[allow(clippy::cast_precision_loss, reason = "it is small")]
        let count = count as f64;
        match name {
            _ if name == look => assert!(count <= took_s / LEAST_PAUSE_S + 1.0, "{what}: {count} looks"),
            // The nodes, each five seconds.
            "sinfo" => assert!(count <= took_s / 5.0 + 1.0, "{what}: {count} times"),
            other => panic!("{what}: {other} is called while nothing happens"),
        }
    }
}

/// Waits until Slurm has so many jobs that wait, by a condition on their names.
fn wait_for_pending(cluster: &Cluster, want: usize, is_one: impl Fn(&str) -> bool) {
    let begun = Instant::now();
    loop {
        let out = cluster.slurm("squeue", &["-h", "-tPENDING", "-o%j"]);
        let count = out.lines().filter(|name| is_one(name)).count();
        if count >= want {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "waited for {want} jobs, there are {count}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Jobs in Slurm that are held, each named as that of one of the runs. Gives their numbers.
fn hold_jobs(cluster: &Cluster, runs: &[RunId]) -> Vec<u32> {
    // The tasks of an array are one job until something is changed of each.
    let mut changes = String::new();
    for runs in runs.chunks(1000) {
        let tasks = format!("--array=1-{}", runs.len());
        let args = ["--parsable", "--hold", &tasks, "-o/dev/null", "--wrap=true"];
        let number = cluster.slurm("sbatch", &args);
        for (at, run) in runs.iter().enumerate() {
            use std::fmt::Write as _;
            let _never_fails =
                writeln!(changes, "update jobid={}_{} jobname=qt-{run}", number.trim(), at + 1);
        }
    }
    let mut child = Command::new("scontrol")
        .env("SLURM_CONF", cluster.conf())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("scontrol runs");
    child.stdin.take().expect("it is piped").write_all(changes.as_bytes()).expect("it reads");
    assert!(child.wait().expect("it ends").success());
    let listed = cluster.slurm("squeue", &["-h", "-tPENDING", "-o%A %j"]);
    let number_of: BTreeMap<&str, u32> = listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(number, name)| (name, number.parse().expect("a number")))
        .collect();
    runs.iter().map(|run| number_of[format!("qt-{run}").as_str()]).collect()
}

fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_micros()).expect("not for long")
}

fn launch_spec(run: RunId) -> LaunchSpec {
    LaunchSpec {
        run,
        launch: domain::Launch::EachNode,
        batch: domain::BatchSpec::default(),
        exclusive: false,
        job: JobId::new(Timestamp::from_secs(1_700_000_000), [1; 10]),
        tenant: TenantId::new(Timestamp::from_secs(1_700_000_000), [1; 10]),
        uid_index: 1,
        job_name: "test".into(),
        project: "tests".into(),
        array: None,
        script: "#!/bin/sh\n".into(),
        args: vec![],
        env: vec![],
        nodes: vec![LaunchNode {
            name: "npu1".into(),
            cards: CardSet::first(1),
            card_count: 8,
            vendor: Vendor::Ascend,
            model: "ascend910".into(),
            is_virtual: false,
        }],
        time_limit: Millis::from_secs(60),
        kill_grace: Millis::from_secs(5),
        log_limit_bytes: 1 << 20,
        limits: RunLimits::default(),
    }
}

/// An engine that takes up runs that Slurm has, as after a restart. It counts what it asks.
fn take_up(access: Access, runs: &[(RunId, u32)], at: Timestamp) -> (SlurmEngine, tempfile::TempDir) {
    let folder = common::folder();
    let open = folder.path().join("data/slurm/open");
    fs::create_dir_all(&open).expect("a folder");
    for (run, number) in runs {
        let launch = json!({ "launch": launch_spec(*run) });
        let submitted = json!({ "submitted": { "number": number, "at": at } });
        fs::write(open.join(run.to_string()), format!("\n{launch}\n{submitted}")).expect("a record");
    }
    let mut config = SlurmConfig::new(folder.path().join("data"), folder.path().join("shared"));
    config.access = access;
    (SlurmEngine::start(config, |_| {}).expect("the engine starts"), folder)
}

fn are_all_known(engine: &SlurmEngine, runs: &[(RunId, u32)]) {
    let known = runs.iter().filter(|(run, number)| engine.slurm_job(*run) == Some(*number)).count();
    assert_eq!(known, runs.len());
}

fn settings(cluster: &Cluster, shared: &Path, bin: &Path) -> String {
    format!(
        "[jobs]\nmax_active_per_tenant = 2000000\n[engine]\nkind = \"slurm\"\n[engine.slurm]\nshared_dir = \"{}\"\n\
         conf = \"{}\"\nbin = \"{}\"\nmodels = {{ ascend910 = \"ascend-910\" }}\n",
        shared.display(),
        cluster.conf().display(),
        bin.display()
    )
}

#[test]
fn what_slurm_is_asked_does_not_grow_with_jobs() {
    let Some(cluster) = Cluster::start() else { return };
    // All that is handed in waits.
    cluster.slurm("scontrol", &["update", "partitionname=npu", "state=down"]);
    let (shared, of_center) = (common::folder(), Counted::new());
    let site = Site::with_settings(&settings(&cluster, shared.path(), &of_center.path()));
    site.wait_for("Slurm's nodes", || {
        let nodes = site.get("/api/v1/nodes", &site.operator);
        (nodes.as_array()?.iter().filter(|node| node["state"] == "up").count() == 4).then_some(())
    });
    let tenant = site.tenant("xixi", "research", &grant(), 32);
    let spec = json!({ "name": "waits", "script": "#!/bin/sh\n", "time_limit_ms": 60_000 });
    site.submit(&tenant, &spec);
    wait_for_pending(&cluster, 1, |name| name.starts_with("qt-"));
    over_looks("one job", "squeue", || of_center.calls());

    // As many as there are cards wait in Slurm, the others in the center; and others' jobs are in Slurm.
    for _ in 0..100 {
        site.submit(&tenant, &spec);
    }
    let mut many = spec;
    many["array"] = json!({ "ranges": [{ "first": 1, "last": MANY }] });
    site.submit(&tenant, &many);
    wait_for_pending(&cluster, 32, |name| name.starts_with("qt-"));
    let at = Timestamp::from_micros(now_us());
    let runs: Vec<RunId> = (0..MANY)
        .map(|n| {
            RunId::new(
                Timestamp::from_micros(at.as_micros() + 1000 * i64::try_from(n).expect("small")),
                [7; 10],
            )
        })
        .collect();
    let numbers = hold_jobs(&cluster, &runs);
    over_looks("thousands in the center, thousands of others", "squeue", || of_center.calls());
    let (_, metrics) = site.try_text("/metrics", &site.operator);
    assert!(metrics.contains("qiantang_slurm_calls_total{call=\"squeue\"}"), "{metrics}");
    drop(site);

    let all: Vec<(RunId, u32)> = runs.into_iter().zip(numbers).collect();
    for count in [1, 100, MANY] {
        let (runs, counted) = (&all[..count], Counted::new());
        let by_commands = Access::Commands { bin: Some(counted.path()), conf: Some(cluster.conf()) };
        let (engine, _folder) = take_up(by_commands, runs, at);
        over_looks(&format!("{count} runs of its own, by commands"), "squeue", || counted.calls());
        are_all_known(&engine, runs);
        assert!(engine.calls()["squeue"] > LOOKS, "{:?}", engine.calls());
        drop(engine);

        let by_rest =
            Access::Rest { url: cluster.env("QT_SLURM_REST"), token: Token::Key(cluster.jwt_key()) };
        let (engine, _folder) = take_up(by_rest, runs, at);
        over_looks(&format!("{count} runs of its own, by slurmrestd"), "GET /slurm/jobs", || engine.calls());
        are_all_known(&engine, runs);
    }
    cluster.slurm("scancel", &["--state=PENDING", "--user=root"]);
    cluster.slurm("scontrol", &["update", "partitionname=npu", "state=up"]);
}
