//! How fast empty jobs go through a center on Slurm, beside a loop of `sbatch` on the same cluster in the
//! same run.
//!
//! `cargo bench -p qiantang --bench slurm`, as root, with Slurm's packages. `ROUNDS` and `JOBS` set how much
//! is measured, `QT_SLURM_CARDS` sets the cards on each of the four nodes, `CALLS=1` shows what the center
//! asked of Slurm. The bench prints medians and asserts nothing about speed.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;
use testkit::{Cluster, Site, Tenant, agent, ask, grant, median, open_folder, per_second};

/// The program under test. Only benches of its own package can name its path.
const QIANTANG: &str = env!("CARGO_BIN_EXE_qiantang");
const JOBS: usize = 2000;
const ROUNDS: usize = 3;
const CLIENTS: usize = 4;
/// The pause between two looks at whether all is over.
const LOOK: Duration = Duration::from_millis(50);

/// How the center speaks to Slurm.
#[derive(Clone, Copy)]
enum Way {
    Commands,
    Rest,
}

fn main() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let (rounds, jobs) = (number("ROUNDS").unwrap_or(ROUNDS), number("JOBS").unwrap_or(JOBS));
    let cards = number("QT_SLURM_CARDS").unwrap_or(8);
    println!("{cards} cards on each node");
    let Some(cluster) = Cluster::start() else { return };
    let (mut bare, mut commands, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    // Folders are kept until the end: ext4 goes through what was deleted in the last minutes wherever it
    // makes a file, in Slurm's folders too.
    let mut kept = Vec::new();
    let mut folder = || {
        let folder = open_folder();
        let path = folder.path().to_owned();
        kept.push(folder);
        path
    };
    for _ in 0..rounds {
        let tell = |way: &str, rate: f64| {
            println!("{jobs} empty jobs, {way}: {rate:.1}/s");
            rate
        };
        bare.push(tell("sbatch loop", sbatch_loop(&cluster, &folder(), jobs)));
        commands.push(tell("center by commands", through_center(&cluster, &folder(), jobs, Way::Commands)));
        rest.push(tell("center by slurmrestd", through_center(&cluster, &folder(), jobs, Way::Rest)));
    }
    let (bare, commands, rest) = (median(&mut bare), median(&mut commands), median(&mut rest));
    println!(
        "median of {rounds}: sbatch loop {bare:.1}/s; center by commands {commands:.1}/s, ratio {:.3}; by slurmrestd \
         {rest:.1}/s, ratio {:.3}",
        commands / bare,
        rest / bare
    );
}

/// Waits until nothing is left of the last round.
fn wait_until_idle(cluster: &Cluster) {
    while !cluster.slurm("squeue", &["-h"]).trim().is_empty() {
        std::thread::sleep(LOOK);
    }
}

/// Jobs a second by `sbatch`, one after another, until Slurm has none of them left.
fn sbatch_loop(cluster: &Cluster, folder: &Path, jobs: usize) -> f64 {
    let script = folder.join("script");
    std::fs::write(&script, "#!/bin/bash\ntrue\n").expect("a script");
    wait_until_idle(cluster);
    let began = Instant::now();
    for _ in 0..jobs {
        let out = Command::new("sbatch")
            .args(["--parsable", "--gres=npu:1", "--time=1"])
            .arg(&script)
            .current_dir(folder)
            .env("SLURM_CONF", cluster.conf())
            .output()
            .expect("sbatch runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    wait_until_idle(cluster);
    per_second(jobs, began.elapsed())
}

fn settings(cluster: &Cluster, shared: &Path, way: Way) -> String {
    let way = match way {
        Way::Commands => String::new(),
        Way::Rest => cluster.rest_settings(),
    };
    // As docs/slurm.md advises for many short jobs.
    format!(
        "[jobs]\nmax_active_per_tenant = 2000000\n{}notices = \"127.0.0.1:0\"\n{way}",
        cluster.settings(shared)
    )
}

/// Jobs a second from the first request to a center until it has taken in the end of the last job.
fn through_center(cluster: &Cluster, shared: &Path, jobs: usize, way: Way) -> f64 {
    let site = Site::with_settings(QIANTANG, &settings(cluster, shared, way));
    site.wait_for_slurm_nodes();
    let tenant = site.tenant("bench", "research", &grant(), 256);
    wait_until_idle(cluster);
    let began = Instant::now();
    submit_all(&site, &tenant, jobs);
    site.wait_for("all jobs to end", || {
        let overview = site.get("/api/v1/overview", &tenant.developer);
        let row = overview["jobs"].as_array()?.iter().find(|row| row["state"] == "succeeded")?;
        if row["jobs"].as_u64()? == jobs as u64 {
            return Some(());
        }
        let failed = site.get("/api/v1/jobs?state=failed&limit=1", &site.operator)["items"][0].clone();
        if let Some(id) = failed["id"].as_str() {
            let of = |what: &str| site.get_text(&format!("/api/v1/jobs/{id}/{what}"), &site.operator).1;
            panic!("{failed}\n{}\n{}\n{}", of("runs"), of("logs?stream=stderr"), site.log());
        }
        std::thread::sleep(LOOK);
        None
    });
    let rate = per_second(jobs, began.elapsed());
    print!("{}", site.log());
    let check = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!(check["is_balanced"], true, "{check}");
    if std::env::var_os("CALLS").is_some() {
        let (_, metrics) = site.get_text("/metrics", &site.operator);
        metrics.lines().filter(|line| line.contains("slurm_calls_total")).for_each(|line| println!("{line}"));
    }
    rate
}

fn submit_all(site: &Site, tenant: &Tenant, jobs: usize) {
    let next = AtomicUsize::new(0);
    let spec = json!({ "name": "no-op", "script": "#!/bin/bash\ntrue\n", "time_limit_ms": 60_000 });
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let agent = agent();
                while next.fetch_add(1, Ordering::Relaxed) < jobs {
                    let answer =
                        ask(&agent, &site.url, "POST", "/api/v1/jobs", &tenant.developer, Some(&spec), &[]);
                    let (status, answer) = answer.expect("an answer");
                    assert_eq!(status, 201, "{answer}");
                }
            });
        }
    });
}
