//! A center on a real Slurm cluster, of which one part after the other is killed at random instants under load: slurmctld,
//! slurmdbd, slurmrestd, nodes, the accounting's database, and the center. Nothing acknowledged may be lost, nothing runs
//! twice, the ledger has what Slurm's accounting has, to the second, and soon after the last fault all goes on.
//!
//! The long form: `cargo test --release -p qiantang --test slurm_chaos -- --ignored --nocapture`.

#[path = "../../engines/tests/conformance/cluster.rs"]
#[allow(dead_code, reason = "the engines' own tests use the rest")]
mod cluster;
mod support;

mod common {
    pub use super::support::open_folder as folder;
}

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use cluster::Cluster;
use serde_json::{Value, json};
use support::{
    Site, Tenant,
    load::{Ask, Dice, Load, expected},
};

const RATE: i64 = 36_000_000;
/// After the last fault no minute passes without a job that ends, until all have.
const STUCK: Duration = Duration::from_mins(1);
/// How long a record may be on its way into the accounting.
const ON_THE_WAY: Duration = Duration::from_secs(30);
/// Parts of the cluster; the center is one more.
const PARTS: [&str; 8] = ["slurmctld", "slurmdbd", "slurmrestd", "mariadb", "npu1", "npu2", "npu3", "npu4"];

/// Marks its own start so that a second start of the same run is seen, and ends with its own code.
const SCRIPT: &str = "#!/bin/bash\n\
    mkdir \"$MARKS/started-$QIANTANG_RUN_ID-$RANK\" || echo twice > \"$MARKS/twice-$QIANTANG_RUN_ID-$RANK\"\n\
    [ \"$NAP\" = 0 ] || sleep \"$NAP\"\nexit \"$CODE\"\n";

/// Each part once but the controller, and no gangs: both are for the long form, since what a controller forgets and takes along
/// takes minutes to settle, and whose fault it was that a gang failed can't always be told.
#[test]
fn a_few_faults_lose_nothing() {
    torture(8, false);
}

#[test]
#[ignore = "the long form: 60 faults take minutes"]
fn sixty_faults_lose_nothing() {
    torture(60, true);
}

fn torture(faults: u32, is_long: bool) {
    let Some(cluster) = Cluster::start() else { return };
    let (shared, marks) = (common::folder(), common::folder());
    std::fs::set_permissions(marks.path(), std::fs::Permissions::from_mode(0o1777)).expect("a mode");
    let mut dice = Dice::by_the_clock();
    let mut site = Site::with_settings(&format!(
        "[billing]\naccrue_every_ms = 500\n[engine]\nkind = \"slurm\"\n[engine.slurm]\nshared_dir = \"{}\"\n\
         conf = \"{}\"\nurl = \"{}\"\njwt_key = \"{}\"\nmodels = {{ ascend910 = \"ascend-910\" }}\n\
         notices = \"127.0.0.1:0\"\n\
         tenants = {{ direct = {{ user = \"qt-alice\" }} }}\n",
        shared.path().display(),
        cluster.conf().display(),
        cluster.env("QT_SLURM_REST"),
        cluster.jwt_key().display()
    ));
    site.wait_for("Slurm's nodes", || {
        let nodes = site.get("/api/v1/nodes", &site.operator);
        (nodes.as_array().map(Vec::len) == Some(4)).then_some(())
    });
    site.publish_price(RATE);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000_000_i64 });
    let tenant = site.tenant("asks", "enterprise", &metered, 32);
    let direct = site.tenant("direct", "research", &metered, 32);
    site.wait_for_next_second();

    let (marks_dir, of_tenant) = (marks.path().to_owned(), tenant.clone());
    let load =
        Load::start(2, dice.0, &site.url, move |dice, number| job(dice, number, &of_tenant, &marks_dir));
    let (mut handed_in, mut deaths) = (BTreeSet::new(), Vec::new());
    for fault in 1..=faults {
        // The instants are what is random here; nothing is waited for.
        std::thread::sleep(Duration::from_millis(dice.below(1500)));
        handed_in.extend(past_the_center(&cluster, &mut dice));
        let part = if is_long { dice.below(PARTS.len() as u64 + 2) } else { u64::from(fault) };
        let Some(part) = PARTS.get(usize::try_from(part).expect("small")) else {
            site.kill();
            std::thread::sleep(Duration::from_millis(dice.below(1000)));
            site.start();
            site.url.clone_into(&mut load.url.lock().expect("a url"));
            continue;
        };
        if *part == "slurmctld" {
            deaths.push(now_s());
        }
        cluster.kill(part);
        // A node that is gone for longer than Slurm waits for it takes its jobs with it.
        let is_lost = part.starts_with("npu") && is_long && dice.below(4) == 0;
        let down_ms = if is_lost { 25_000 } else { dice.below(3000) };
        std::thread::sleep(Duration::from_millis(down_ms));
        cluster.up(part);
        println!("{fault}: {part}, {down_ms} ms; {} jobs acknowledged", load.count());
    }
    let acknowledged = load.end();
    heal(&cluster);
    // The short form runs beside whatever else a machine does.
    let took = settle(&site, &cluster, &acknowledged, if is_long { STUCK } else { support::PATIENCE });
    println!(
        "{faults} faults, {} jobs acknowledged, {} handed in directly; all over {:.1} s after the last fault",
        acknowledged.len(),
        handed_in.len(),
        took.as_secs_f64()
    );
    let runs = shared.path().join("runs");
    check(&site, &cluster, &acknowledged, &deaths, (marks.path(), &runs));
    check_direct(&site, &cluster, &direct, &handed_in, &deaths);
}

fn job(dice: &mut Dice, number: u64, tenant: &Tenant, marks: &Path) -> Ask {
    let (nodes, cards) = *dice.pick(&[(1, 1), (1, 1), (1, 2), (1, 8), (2, 4), (3, 1)]);
    let nap = *dice.pick(&["0", "0", "1", "3"]);
    // Those of one name that take moments are handed in ahead of free cards.
    let name = if nap == "0" { "brief".to_owned() } else { format!("job-{number}") };
    let code = dice.below(3).to_string();
    let env = json!({ "MARKS": marks.to_str(), "CODE": code, "NAP": nap });
    let spec = json!({ "name": name, "comment": format!("job-{number}"), "script": SCRIPT, "time_limit_ms": 60_000, "nodes": nodes,
        "cards_per_node": cards, "env": env });
    Ask { token: tenant.developer.clone(), spec, pause: Duration::from_millis(300 + dice.below(1200)) }
}

/// A user hands a job in directly; its number, if Slurm takes any now.
fn past_the_center(cluster: &Cluster, dice: &mut Dice) -> Option<String> {
    let (cards, nap) =
        (format!("--gres=npu:{}", 1 + dice.below(3)), format!("--wrap=sleep {}", dice.below(5)));
    let fixed = ["--parsable", "--uid=qt-alice", "--output=/dev/null", "--chdir=/tmp", "--no-requeue"];
    let handed_in = cluster.try_slurm("sbatch", &[&fixed[..], &[&cards, &nap]].concat());
    handed_in.ok().map(|number| number.trim().to_owned())
}

/// Everything is up again; what ended by itself because another part was gone, too.
fn heal(cluster: &Cluster) {
    let until = Instant::now() + support::PATIENCE;
    loop {
        for part in PARTS {
            cluster.up(part);
        }
        put_back(cluster);
        let nodes = cluster.try_slurm("sinfo", &["-h", "-N", "-o", "%T"]).unwrap_or_default();
        let is_up = |state: &str| ["idle", "mixed", "allocated", "completing"].contains(&state);
        if nodes.lines().count() == 4
            && nodes.lines().all(is_up)
            && cluster.try_slurm("sacct", &["-n", "-S", "now"]).is_ok()
        {
            return;
        }
        assert!(Instant::now() < until, "the cluster does not come up again: {nodes}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Slurm takes nodes out on which something went wrong with a job; its operator puts them back.
fn put_back(cluster: &Cluster) {
    let drained = cluster.try_slurm("sinfo", &["-h", "-N", "-t", "drain,down", "-o", "%N"]);
    for node in drained.unwrap_or_default().lines() {
        let why = cluster.try_slurm("sinfo", &["-h", "-n", node, "-o", "%T: %E"]).unwrap_or_default();
        println!("{node} is put back in; it was {}", why.trim());
        let node = format!("nodename={node}");
        let _tried_again = cluster.try_slurm("scontrol", &["update", &node, "state=resume"]);
    }
}

/// Waits for the end of all jobs; how long that took.
fn settle(
    site: &Site,
    cluster: &Cluster,
    acknowledged: &BTreeMap<String, Value>,
    stuck: Duration,
) -> Duration {
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    let (mut last, mut progress) = (u64::MAX, Instant::now());
    loop {
        let counts = site.get("/api/v1/overview", &site.operator)["jobs"].clone();
        let of = |row: &Value| (row["state"].as_str().map(str::to_owned), row["jobs"].as_u64());
        let is_active =
            |state: &Option<String>| matches!(state.as_deref(), Some("queued" | "running" | "stopping"));
        let counts: Vec<_> = counts.as_array().expect("counts").iter().map(of).collect();
        let active = counts.iter().filter(|(state, _)| is_active(state));
        let left: u64 = active.map(|(_, jobs)| jobs.expect("a count")).sum();
        if left == 0 {
            break;
        }
        longest = longest.max(progress.elapsed());
        if left < last {
            (last, progress) = (left, Instant::now());
        } else if progress.elapsed() > Duration::from_secs(5) {
            put_back(cluster);
        }
        assert!(
            progress.elapsed() < stuck,
            "{left} jobs of {} wait: {}\n{}",
            acknowledged.len(),
            site.get("/api/v1/jobs?state=active&limit=5", &site.operator),
            site.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("the longest time without an end of a job: {:.1} s", longest.as_secs_f64());
    began.elapsed()
}

/// Start and end in seconds since 1970, the cards, and the state of a life of a job.
type Life = (i64, i64, i64, String);

/// The lives that Slurm's accounting has of jobs that had nodes, by what `key` makes of a job's name and number.
fn lives(cluster: &Cluster, key: impl Fn(&str, &str) -> Option<String>) -> BTreeMap<String, Vec<Life>> {
    let format = "--format=JobName%80,JobIDRaw,Start,End,AllocTRES,NodeList,State";
    let out = std::process::Command::new("sacct")
        .args(["-naXPD", "--starttime=now-3hours", format])
        .env("SLURM_CONF", cluster.conf())
        .env("SLURM_TIME_FORMAT", "%s")
        .output()
        .expect("it runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut lives: BTreeMap<String, Vec<Life>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let columns: Vec<&str> = line.split('|').collect();
        let seconds = |at: usize| columns[at].parse::<i64>().ok();
        let (Some(start), Some(end)) = (seconds(2), seconds(3)) else { continue };
        let Some(key) = key(columns[0], columns[1]).filter(|_| columns[5] != "None assigned") else {
            continue;
        };
        let of_entry = |entry: &str| entry.strip_prefix("gres/npu=")?.parse::<i64>().ok();
        let cards = columns[4].split(',').find_map(of_entry).unwrap_or(0);
        lives.entry(key).or_default().push((start, end, cards, columns[6].to_owned()));
    }
    lives
}

/// What there is to find out what became of a job's runs: the files in their folders, and what Slurm's accounting and logs have.
fn traces(cluster: &Cluster, runs: &Value, folders: &Path) -> String {
    let mut told = Vec::new();
    for run in runs["items"].as_array().into_iter().flatten().filter_map(|run| run["id"].as_str()) {
        told.push(format!("== {run}"));
        for entry in std::fs::read_dir(folders.join(run)).into_iter().flatten().flatten() {
            let written = entry.metadata().and_then(|meta| meta.modified()).ok();
            let written = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let text: String = text.chars().take(400).collect();
            told.push(format!("{} {written:?}: {text:?}", entry.file_name().display()));
        }
        let format = "--format=JobID,State,ExitCode,Submit,Start,End,NodeList";
        let name = format!("--name=qt-{run}");
        let lives = cluster.try_slurm("sacct", &["-naPD", "--starttime=now-3hours", format, &name]);
        let lives = lives.unwrap_or_else(|error| error);
        told.extend(lives.lines().map(str::to_owned));
        let numbers: BTreeSet<&str> =
            lives.lines().filter_map(|line| line.split(['|', '.']).next()).collect();
        for part in PARTS {
            let log = std::fs::read_to_string(cluster.file(&format!("log/{part}"))).unwrap_or_default();
            let of_run = log.lines().filter(|line| numbers.iter().any(|number| line.contains(number)));
            told.extend(of_run.map(|line| format!("{part}: {line}")));
        }
    }
    told.join("\n")
}

fn now_s() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("not so late")
}

fn seconds(instant: &Value) -> i64 {
    let instant: domain::Timestamp = instant.as_str().expect("an instant").parse().expect("an instant");
    assert_eq!(instant.as_micros() % 1_000_000, 0, "Slurm counts whole seconds");
    instant.as_micros() / 1_000_000
}

/// Whether a controller that died took along what the accounting should have of a start and an end, all in seconds since 1970:
/// there the job never ends, or has only a later life, which was not let through, or ends later than the controller had said
/// before it died.
fn is_taken_along(deaths: &[i64], (start, end): (i64, i64), lives: &[Life]) -> bool {
    let has_died_by = |until: i64| deaths.iter().any(|death| (start..=until).contains(death));
    let is_later = |(from, until, ..): &Life| {
        has_died_by(*from) || *from == start && *until > end && has_died_by(*until)
    };
    // The number may have been another job's before.
    has_died_by(i64::MAX) && lives.iter().filter(|life| life.1 > start).all(is_later)
}

/// Whether all that the controller has for the accounting is there.
fn is_accounted_for(cluster: &Cluster) -> bool {
    let told = cluster.try_slurm("sdiag", &[]).unwrap_or_default();
    told.lines().any(|line| line.trim().strip_prefix("DBD Agent queue size:").map(str::trim) == Some("0"))
}

/// `deaths`: when the controller was killed, in seconds since 1970.
fn check(
    site: &Site,
    cluster: &Cluster,
    acknowledged: &BTreeMap<String, Value>,
    deaths: &[i64],
    (marks, folders): (&Path, &Path),
) {
    assert!(!acknowledged.is_empty());
    let runs_of = |id: &String| site.get(&format!("/api/v1/jobs/{id}/runs"), &site.operator);
    let began = |runs: Value| {
        let all = runs["items"].as_array().cloned().unwrap_or_default();
        let began = all.into_iter().filter(|run| !run["started_at"].is_null());
        began.map(|run| format!("qt-{}", run["id"].as_str().expect("an id"))).collect::<Vec<_>>()
    };
    let names: Vec<String> = acknowledged.keys().map(runs_of).flat_map(began).collect();
    // Accounting has all later than the controller.
    let began_waiting = Instant::now();
    let lives = site.wait_for("all runs to be accounted for", || {
        // What a controller that died took along never comes; what is on the way from it to the database does, within seconds.
        let is_all_told =
            !deaths.is_empty() && began_waiting.elapsed() > ON_THE_WAY && is_accounted_for(cluster);
        let lives = lives(cluster, |name, _| Some(name.to_owned()));
        (is_all_told || names.iter().all(|name| lives.contains_key(name))).then_some(lives)
    });
    let (mut used, mut again, mut unaccounted) = (0, 0, 0);
    for (id, spec) in acknowledged {
        let (name, code) = expected(spec);
        let job = site.get(&format!("/api/v1/jobs/{id}"), &site.operator);
        let runs = runs_of(id);
        assert_eq!(job["name"], name, "another job under this id");
        let state = if code == 0 { "succeeded" } else { "failed" };
        // An old slurmrestd shows no exit codes of the accounting, which alone has the end where the controller has forgotten it.
        let has_died_since = |at: i64| deaths.iter().any(|death| *death >= at);
        let is_code_lost = || {
            let last = runs["items"][0]["id"].as_str().expect("the last run is the first in the list");
            let note = std::fs::read_to_string(folders.join(last).join("stderr")).unwrap_or_default();
            code != 0
                && job["exit_code"] == 1
                && note.contains("Slurm says that it failed")
                && has_died_since(seconds(&job["ended_at"]))
        };
        assert!(
            job["state"] == state && (job["exit_code"] == code || is_code_lost()),
            "want {state} with {code}: {job} {runs}\n{}\n{}",
            site.log(),
            traces(cluster, &runs, folders)
        );
        let mut of_runs = 0;
        for run in runs["items"].as_array().expect("runs") {
            let run_id = run["id"].as_str().expect("an id");
            let of_run = lives.get(&format!("qt-{run_id}")).cloned().unwrap_or_default();
            again += usize::from(run["attempt"] != 1);
            if run["started_at"].is_null() {
                continue;
            }
            // Nobody knows when it ended, so nobody pays for it.
            if run["state"] == "lost" && of_run.is_empty() {
                unaccounted += 1;
                continue;
            }
            let (start, end) = (seconds(&run["started_at"]), seconds(&run["ended_at"]));
            let life = of_run.iter().find(|(from, until, ..)| (*from, *until) == (start, end));
            let cards = match life {
                Some((.., cards, _)) => *cards,
                None if is_taken_along(deaths, (start, end), &of_run) => {
                    ["nodes", "cards_per_node"].map(|of| spec[of].as_i64().expect("a count")).iter().product()
                }
                None => panic!("{run}: {of_run:?}\n{}\n{}", site.log(), traces(cluster, &runs, folders)),
            };
            unaccounted += u32::from(life.is_none());
            let (from, until) = (start, end);
            assert_eq!(run["used_card_ms"], (until - from) * cards * 1000, "{run}");
            if run["state"] != "lost" && run["state"] != "preempted" {
                of_runs += (until - from) * cards * 1000;
            }
        }
        assert_eq!(job["used_card_ms"], of_runs, "{job} {runs}");
        assert_eq!(job["charge_micro_cny"], of_runs * RATE / 3_600_000, "{job}");
        used += of_runs;
    }
    println!(
        "{used} card-milliseconds as Slurm accounts for them; {again} runs were tried again; the ends of {unaccounted} never reached \
         the accounting"
    );
    let twice = std::fs::read_dir(marks).expect("the marks").filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("twice-"))
    });
    assert_eq!(twice.count(), 0, "a run was started twice");
    let ledger = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!(ledger["is_balanced"], true, "{ledger}");
}

/// A job that was handed in directly, as the center has it.
#[derive(Debug)]
struct Billed {
    number: String,
    start: i64,
    end: i64,
    used: i64,
}

/// What was handed in past the center is billed as well, each job once, but for what the center is to blame for.
fn check_direct(
    site: &Site,
    cluster: &Cluster,
    tenant: &Tenant,
    handed_in: &BTreeSet<String>,
    deaths: &[i64],
) {
    // A controller that dies forgets numbers, and gives them to other jobs: `wrap` is what sbatch calls those that were handed in.
    let is_direct = |name: &str, number: &str| name == "wrap" && handed_in.contains(number);
    let lives = lives(cluster, |name, number| is_direct(name, number).then(|| number.to_owned()));
    let charged = |(from, until, cards, state): &Life| {
        let is_lost = ["NODE_FAIL", "BOOT_FAIL", "PREEMPTED"].contains(&state.as_str());
        if is_lost { 0 } else { (until - from) * cards * 1000 }
    };
    let ours = || -> Vec<Billed> {
        let jobs = site.get("/api/v1/jobs?limit=200", &tenant.developer);
        let of = |job: &Value| {
            let job = site.get(&format!("/api/v1/jobs/{}", job["id"].as_str()?), &tenant.developer);
            let number = job["direct"]["number"].as_u64()?.to_string();
            // What was lost ends when it was last seen, and costs nothing.
            let used = job["used_card_ms"].as_i64().filter(|used| *used > 0)?;
            let (start, end) = (seconds(&job["started_at"]), seconds(&job["ended_at"]));
            Some(Billed { number, start, end, used })
        };
        jobs["items"].as_array().expect("jobs").iter().filter_map(of).collect()
    };
    let of_number = |number: &str| lives.get(number).map_or(&[][..], Vec::as_slice);
    let is_right = |job: &&Billed| {
        let life = of_number(&job.number).iter().find(|life| (life.0, life.1) == (job.start, job.end));
        life.map_or_else(
            || is_taken_along(deaths, (job.start, job.end), of_number(&job.number)),
            |life| charged(life) == job.used,
        )
    };
    let until = Instant::now() + support::PATIENCE;
    loop {
        let billed = ours();
        let is_billed = |number: &str, life: &Life| {
            charged(life) == 0 || billed.iter().any(|job| job.number == number && job.start == life.0)
        };
        let wrong: Vec<&Billed> = billed.iter().filter(|job| !is_right(job)).collect();
        let of = |(number, lives): (&'_ String, &'_ Vec<Life>)| {
            let missing = lives.iter().filter(|life| !is_billed(number, life));
            missing.map(|life| (number.clone(), life.clone())).collect::<Vec<_>>()
        };
        let missing: Vec<(String, Life)> = lives.iter().flat_map(of).collect();
        let mut starts: Vec<(&str, i64)> =
            billed.iter().map(|job| (job.number.as_str(), job.start)).collect();
        starts.sort_unstable();
        assert!(starts.windows(2).all(|pair| pair[0] != pair[1]), "one is billed twice: {billed:?}");
        if wrong.is_empty() && missing.is_empty() {
            let taken_along = billed
                .iter()
                .filter(|job| of_number(&job.number).iter().all(|life| life.0 != job.start))
                .count();
            println!(
                "{} jobs that were handed in directly are billed; {taken_along} of them never reached the accounting",
                billed.len()
            );
            return;
        }
        assert!(
            Instant::now() < until,
            "billed otherwise: {:?}; not billed: {missing:?}\n{}",
            wrong.iter().map(|job| (job, of_number(&job.number))).collect::<Vec<_>>(),
            site.log()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
