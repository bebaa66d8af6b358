//! How much a center asks of Slurm does not grow with the number of jobs: its own, those of others, those
//! that wait.
//!
//! Calls of commands are counted by the commands: the center gets a folder of programs that write down their
//! names and then become Slurm's. The engine counts its requests to slurmrestd itself.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use domain::{Millis, RunId, Timestamp};
use engines::{
    LaunchNode, LaunchSpec,
    slurm::{Access, SlurmConfig, SlurmEngine, Token},
};
use serde_json::json;
use testkit::{
    Cluster,
    engine::{node, spec},
    grant, now, open_folder,
};

const MANY: usize = 5000;
/// How many of the engine's looks at Slurm a count spans.
const LOOKS: u64 = 3;
/// More time than this passes between two looks.
const LEAST_PAUSE_S: f64 = 0.2;
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder of Slurm's commands that count their calls.
struct Counted {
    folder: tempfile::TempDir,
}

impl Counted {
    fn new() -> Self {
        let folder = open_folder();
        for name in ["sbatch", "squeue", "sacct", "scontrol", "sinfo", "scancel"] {
            let real = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
                .expect("Slurm is installed");
            let calls = folder.path().join("calls");
            let script =
                format!("#!/bin/sh\necho {name} >> '{}'\nexec {} \"$@\"\n", calls.display(), real.display());
            let path = folder.path().join(name);
            fs::write(&path, script).expect("the command is written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode is set");
        }
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// How often each command was called so far.
    fn calls(&self) -> BTreeMap<String, u64> {
        let text = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        let mut calls = BTreeMap::new();
        for name in text.lines() {
            *calls.entry(name.to_owned()).or_insert(0) += 1;
        }
        calls
    }
}

/// Counts over [`LOOKS`] looks of an engine that has nothing to do. Each look is one call of `look`; `all`
/// counts all calls.
fn over_looks(what: &str, look: &str, all: impl Fn() -> BTreeMap<String, u64>) {
    let looks = |calls: &BTreeMap<String, u64>| calls.get(look).copied().unwrap_or(0);
    let begun = Instant::now();
    let wait_beyond = |count: u64| loop {
        let calls = all();
        if looks(&calls) > count {
            return calls;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: the engine does not look any more: {calls:?}");
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
        #[allow(clippy::cast_precision_loss, reason = "counts of a few looks")]
        let count = count as f64;
        match name {
            _ if name == look => assert!(count <= took_s / LEAST_PAUSE_S + 1.0, "{what}: {count} looks"),
            // The engine asks for the nodes every five seconds.
            "sinfo" => assert!(count <= took_s / 5.0 + 1.0, "{what}: {count} times"),
            other => panic!("{what}: {other} is called while nothing happens"),
        }
    }
}

/// Waits until so many jobs wait in Slurm whose names `is_one` knows.
fn wait_for_pending(cluster: &Cluster, want: usize, is_one: impl Fn(&str) -> bool) {
    let begun = Instant::now();
    loop {
        let out = cluster.slurm("squeue", &["-h", "-tPENDING", "-o%j"]);
        let count = out.lines().filter(|name| is_one(name)).count();
        if count >= want {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "waited for {want} jobs, there are {count}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Hands held jobs to Slurm, each under the name of one of the runs. Returns their numbers.
fn hold_jobs(cluster: &Cluster, runs: &[RunId]) -> Vec<u32> {
    // The tasks of an array are one job to Slurm until each is changed.
    let mut changes = String::new();
    for runs in runs.chunks(1000) {
        let tasks = format!("--array=1-{}", runs.len());
        let args = ["--parsable", "--hold", &tasks, "-o/dev/null", "--wrap=true"];
        let number = cluster.slurm("sbatch", &args);
        for (at, run) in runs.iter().enumerate() {
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
    child.stdin.take().expect("the input is piped").write_all(changes.as_bytes()).expect("scontrol reads");
    assert!(child.wait().expect("scontrol ends").success());
    let listed = cluster.slurm("squeue", &["-h", "-tPENDING", "-o%A %j"]);
    let number_of: BTreeMap<&str, u32> = listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(number, name)| (name, number.parse().expect("a number")))
        .collect();
    runs.iter().map(|run| number_of[format!("qt-{run}").as_str()]).collect()
}

/// An engine that takes up runs that Slurm has, as an engine does that is started again.
fn take_up(access: Access, runs: &[(RunId, u32)], at: Timestamp) -> (SlurmEngine, tempfile::TempDir) {
    let folder = open_folder();
    let open = folder.path().join("data/slurm/open");
    fs::create_dir_all(&open).expect("a folder");
    let node = LaunchNode { model: "ascend910".into(), is_virtual: false, ..node("npu1", 1) };
    let of_all = LaunchSpec { nodes: vec![node], ..spec("#!/bin/sh\n") };
    for (run, number) in runs {
        let launch = json!({ "launch": LaunchSpec { run: *run, ..of_all.clone() } });
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

#[test]
fn what_slurm_is_asked_does_not_grow_with_jobs() {
    let Some((_alone, cluster)) = crate::cluster() else { return };
    // Every job waits.
    cluster.slurm("scontrol", &["update", "partitionname=npu", "state=down"]);
    let (shared, of_center) = (open_folder(), Counted::new());
    let site = crate::center(&format!(
        "[jobs]\nmax_active_per_tenant = 2000000\n{}bin = \"{}\"\n",
        cluster.settings(shared.path()),
        of_center.path().display()
    ));
    let tenant = site.tenant("xixi", "research", &grant(), 32);
    let spec = json!({ "name": "waits", "script": "#!/bin/sh\n", "time_limit_ms": 60_000 });
    site.submit(&tenant, &spec);
    wait_for_pending(&cluster, 1, |name| name.starts_with("qt-"));
    over_looks("one job", "squeue", || of_center.calls());

    // As many runs as there are cards wait in Slurm, the others in the center. Slurm has many jobs of others
    // as well.
    for _ in 0..100 {
        site.submit(&tenant, &spec);
    }
    let mut many = spec;
    many["array"] = json!({ "ranges": [{ "first": 1, "last": MANY }] });
    site.submit(&tenant, &many);
    wait_for_pending(&cluster, 32, |name| name.starts_with("qt-"));
    let at = now();
    let runs: Vec<RunId> =
        (0..MANY).map(|n| RunId::new(at.plus(Millis(i64::try_from(n).expect("small"))), [7; 10])).collect();
    let numbers = hold_jobs(&cluster, &runs);
    over_looks("thousands in the center, thousands of others", "squeue", || of_center.calls());
    let (_, metrics) = site.get_text("/metrics", &site.operator);
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
