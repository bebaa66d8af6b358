//! Parts of a cluster, and the center on it, are killed at random instants under load: slurmctld, slurmdbd,
//! slurmrestd, nodes, the accounting's database. Nothing acknowledged is lost, nothing runs twice, the ledger
//! agrees with Slurm's accounting to the second, and soon after the last fault all goes on.
//!
//! The long form: `cargo test --release -p qiantang --test slurm chaos -- --ignored --nocapture`.

mod books;

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use domain::job::has_ended;
use serde_json::{Value, json};
use testkit::{
    Cluster, Dice, PATIENCE, Site, Tenant,
    load::{Load, Submission},
    now, open_folder,
};

use self::books::Books;
use crate::RATE;

/// After the last fault a job ends at least once in this time, until all have ended.
const STUCK: Duration = Duration::from_mins(1);
/// The parts of the cluster. The center is one more.
const PARTS: [&str; 8] = ["slurmctld", "slurmdbd", "slurmrestd", "mariadb", "npu1", "npu2", "npu3", "npu4"];

/// Marks its start, so that a second start of the same run is seen, and ends with a code of its own.
const SCRIPT: &str = "#!/bin/bash\n\
    mkdir \"$MARKS/started-$QIANTANG_RUN_ID-$RANK\" || echo twice > \"$MARKS/twice-$QIANTANG_RUN_ID-$RANK\"\n\
    [ \"$NAP\" = 0 ] || sleep \"$NAP\"\nexit \"$CODE\"\n";

/// Each part once but the controller. The long form has the controller, since it takes minutes to settle what
/// a dead controller has forgotten and has taken along.
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
    let Some((_alone, cluster)) = crate::cluster() else { return };
    let (shared, marks) = (open_folder(), open_folder());
    std::fs::set_permissions(marks.path(), std::fs::Permissions::from_mode(0o1777)).expect("a mode is set");
    let mut dice = Dice::by_the_clock();
    let mut site = crate::center(&format!(
        "[billing]\naccrue_every_ms = 500\n{}{}notices = \"127.0.0.1:0\"\n\
         tenants = {{ direct = {{ user = \"qt-alice\" }} }}\n",
        cluster.settings(shared.path()),
        cluster.rest_settings()
    ));
    site.publish_price(RATE);
    let metered = json!({ "kind": "metered", "credit_limit": 1_000_000_000_000_i64 });
    let tenant = site.tenant("asks", "enterprise", &metered, 32);
    let direct = site.tenant("direct", "research", &metered, 32);
    site.wait_for_next_second();

    let (marks_dir, of_tenant) = (marks.path().to_owned(), tenant.clone());
    let load = Load::start(2, dice.below(1 << 31), &site.url, move |dice, number| {
        job(dice, number, &of_tenant, &marks_dir)
    });
    let (mut handed_in, mut deaths) = (BTreeSet::new(), Vec::new());
    for fault in 1..=faults {
        // The sleep picks a random instant; it waits for nothing.
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
            deaths.push(now().as_micros() / 1_000_000);
        }
        cluster.kill(part);
        // A node that is gone for longer than Slurm waits for it loses its jobs.
        let is_lost = part.starts_with("npu") && is_long && dice.below(4) == 0;
        let down_ms = if is_lost { 25_000 } else { dice.below(3000) };
        std::thread::sleep(Duration::from_millis(down_ms));
        cluster.up(part);
        println!("{fault}: {part}, {down_ms} ms; {} jobs acknowledged", load.count());
    }
    let acknowledged = load.end();
    heal(&cluster);
    // The short form runs beside whatever else the machine does.
    let took = settle(&site, &cluster, &acknowledged, if is_long { STUCK } else { PATIENCE });
    println!(
        "{faults} faults, {} jobs acknowledged, {} handed in directly; all over {:.1} s after the last fault",
        acknowledged.len(),
        handed_in.len(),
        took.as_secs_f64()
    );
    assert_no_run_started_twice(marks.path());
    let runs = shared.path().join("runs");
    let books = Books { site: &site, cluster: &cluster, deaths: &deaths, folders: &runs };
    books.check(&acknowledged);
    books.check_direct(&direct, &handed_in);
}

fn assert_no_run_started_twice(marks: &Path) {
    let twice = std::fs::read_dir(marks).expect("the marks").filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("twice-"))
    });
    assert_eq!(twice.count(), 0, "a run was started twice");
}

fn job(dice: &mut Dice, number: u64, tenant: &Tenant, marks: &Path) -> Submission {
    let (nodes, cards) = *dice.pick(&[(1, 1), (1, 1), (1, 2), (1, 8), (2, 4), (3, 1)]);
    let nap = *dice.pick(&["0", "0", "1", "3"]);
    // Runs of one name that take moments are handed in before cards are free for them.
    let name = if nap == "0" { "brief".to_owned() } else { format!("job-{number}") };
    let code = dice.below(3).to_string();
    let env = json!({ "MARKS": marks.to_str(), "CODE": code, "NAP": nap });
    let spec = json!({ "name": name, "comment": format!("job-{number}"), "script": SCRIPT, "time_limit_ms": 60_000, "nodes": nodes,
        "cards_per_node": cards, "env": env });
    Submission { token: tenant.developer.clone(), spec, pause: Duration::from_millis(300 + dice.below(1200)) }
}

/// Hands a job to Slurm directly, as a user. Returns its number, if Slurm takes it just now.
fn past_the_center(cluster: &Cluster, dice: &mut Dice) -> Option<String> {
    let (cards, nap) =
        (format!("--gres=npu:{}", 1 + dice.below(3)), format!("--wrap=sleep {}", dice.below(5)));
    let fixed = ["--parsable", "--uid=qt-alice", "--output=/dev/null", "--chdir=/tmp", "--no-requeue"];
    let handed_in = cluster.try_slurm("sbatch", &[&fixed[..], &[&cards, &nap]].concat());
    handed_in.ok().map(|number| number.trim().to_owned())
}

/// Starts everything again, also the parts that ended by themselves because another was gone.
fn heal(cluster: &Cluster) {
    let until = Instant::now() + PATIENCE;
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

/// Puts back, as an operator does, the nodes that Slurm took out because something went wrong with a job
/// there.
fn put_back(cluster: &Cluster) {
    let drained = cluster.try_slurm("sinfo", &["-h", "-N", "-t", "drain,down", "-o", "%N"]);
    for node in drained.unwrap_or_default().lines() {
        let why = cluster.try_slurm("sinfo", &["-h", "-n", node, "-o", "%T: %E"]).unwrap_or_default();
        println!("{node} is put back in; it was {}", why.trim());
        let node = format!("nodename={node}");
        let _tried_again = cluster.try_slurm("scontrol", &["update", &node, "state=resume"]);
    }
}

/// Waits for the end of all jobs. Returns how long that took.
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
        let counts: Vec<_> = counts.as_array().expect("counts").iter().map(of).collect();
        let active = counts.iter().filter(|(state, _)| !state.as_deref().is_some_and(has_ended));
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
