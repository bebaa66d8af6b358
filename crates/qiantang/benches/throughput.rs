//! How fast work goes through a center, each figure beside a baseline of the same run.
//!
//! `cargo bench -p qiantang --bench throughput` prints medians and asserts nothing about speed.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use testkit::{Site, Tenant, agent, ask, grant, median, now, per_second};

/// The program under test. Only benches of its own package can name its path.
const QIANTANG: &str = env!("CARGO_BIN_EXE_qiantang");

const SETTINGS: &str = "[jobs]\nmax_active_per_tenant = 2000000\n[notices]\naddresses = [\"127.0.0.0/8\"]\n";
/// The number of cards, and so of runs at once. The bare loop has as many processes in flight.
const PARALLEL: usize = 16;
const NO_OPS: usize = 4000;
const SUBMISSIONS: usize = 20_000;
const CLIENTS: usize = 32;
const ROUNDS: usize = 3;

fn main() {
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    latency();
    let (mut ratios, mut with_webhook) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let bare = bare_loop();
        let through = no_ops(false);
        with_webhook.push(no_ops(true) / through);
        println!(
            "no-op jobs: bare loop {bare:.0}/s, through the center {through:.0}/s, ratio {:.3}",
            through / bare
        );
        ratios.push(through / bare);
    }
    println!("no-op jobs: median ratio {:.3}", median(&mut ratios));
    println!(
        "no-op jobs, each with an event for a receiver that is down: {:.3} of those without, {with_webhook:.3?}",
        median(&mut with_webhook.clone())
    );
    let mut rates: Vec<f64> = (0..rounds).map(|_| submissions()).collect();
    println!(
        "durable single submissions over HTTP: median {:.0}/s of {rates:.0?}",
        median(&mut rates.clone())
    );
    rates.clear();
    array();
}

/// Processes of `/bin/true` a second, spawned and waited for, [`PARALLEL`] in flight.
fn bare_loop() -> f64 {
    let began = Instant::now();
    let mut flight: Vec<Child> = Vec::new();
    let mut started = 0;
    let mut ended = 0;
    while ended < NO_OPS {
        while flight.len() < PARALLEL && started < NO_OPS {
            flight.push(Command::new("/bin/true").stdin(Stdio::null()).spawn().expect("/bin/true"));
            started += 1;
        }
        // The oldest is the likeliest to be done.
        flight.remove(0).wait().expect("it ends");
        ended += 1;
    }
    per_second(NO_OPS, began.elapsed())
}

/// Submits `count` jobs from [`CLIENTS`] connections. Returns how long that took.
fn submit_all(site: &Site, tenant: &Tenant, count: usize, script: &str) -> Duration {
    let next = Arc::new(AtomicUsize::new(0));
    let spec = json!({ "name": "no-op", "script": script, "time_limit_ms": 60_000 });
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (next, spec) = (Arc::clone(&next), &spec);
            scope.spawn(move || {
                let agent = agent();
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    let answer =
                        ask(&agent, &site.url, "POST", "/api/v1/jobs", &tenant.developer, Some(spec), &[]);
                    let (status, answer) = answer.expect("an answer");
                    assert_eq!(status, 201, "{answer}");
                }
            });
        }
    });
    began.elapsed()
}

/// No-op jobs a second: submitted one by one over HTTP, planned, run under full isolation, metered, on disk; and, where it is
/// asked for, with an event of each for a receiver at whose address nobody listens.
fn no_ops(for_dead_receiver: bool) -> f64 {
    let site = Site::new(QIANTANG, 2, SETTINGS);
    let tenant = site.tenant("bench", "research", &grant(), 16);
    if for_dead_receiver {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr();
        let url = format!("http://{}/hook", closed.expect("an address"));
        let events = ["job_ended"];
        let endpoint = json!({ "name": "dead", "kind": "webhook", "url": url, "events": events });
        site.post("/api/v1/webhooks", &tenant.admin, &endpoint);
    }
    let began = Instant::now();
    submit_all(&site, &tenant, NO_OPS, "#!/bin/true\n");
    site.wait_for("all jobs to end", || {
        let overview = site.get("/api/v1/overview", &tenant.developer);
        let done =
            overview["jobs"].as_array()?.iter().find(|row| row["state"] == "succeeded")?["jobs"].as_u64()?;
        if done == NO_OPS as u64 {
            return Some(());
        }
        std::thread::sleep(Duration::from_millis(10));
        None
    });
    let rate = per_second(NO_OPS, began.elapsed());
    let check = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!(check["is_balanced"], true, "{check}");
    rate
}

/// Jobs a second that are accepted and wait.
fn submissions() -> f64 {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let tenant = site.tenant("bench", "research", &grant(), 8);
    let blocker = json!({ "name": "holds-the-cards", "script": "#!/bin/sh\nexec sleep 600\n", "cards_per_node": 8,
        "time_limit_ms": 600_000 });
    let id = site.submit(&tenant, &blocker);
    site.wait_for_state(&tenant.developer, &id, "running");
    per_second(SUBMISSIONS, submit_all(&site, &tenant, SUBMISSIONS, "#!/bin/true\n"))
}

fn array() {
    let site = Site::new(QIANTANG, 2, SETTINGS);
    let tenant = site.tenant("bench", "research", &grant(), 16);
    let spec = json!({ "name": "array", "script": "#!/bin/true\n", "time_limit_ms": 60_000,
        "array": { "ranges": [{ "first": 0, "last": 99_999 }], "max_running": 1 } });
    let began = Instant::now();
    let id = site.submit(&tenant, &spec);
    let job = site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer);
    assert_eq!(job["tasks"]["total"], 100_000);
    println!("array of 100,000: accepted and visible in {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
}

/// The time from submission to the start of the process on an idle center, by the clock that both share.
fn latency() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let tenant = site.tenant("bench", "research", &grant(), 8);
    let mut all = Vec::new();
    for _ in 0..50 {
        let before = now();
        let id = site.submit(&tenant, &json!({ "name": "t", "script": "#!/bin/true\n" }));
        let job = site.wait_for_end(&tenant.developer, &id);
        let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &tenant.developer);
        let started: domain::Timestamp = runs["items"][0]["started_at"]
            .as_str()
            .unwrap_or_else(|| panic!("{job}"))
            .parse()
            .expect("an instant");
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of a bench")]
        all.push(((started.as_micros() - before.as_micros()) as f64 / 1e3).max(0.0));
    }
    println!("submit to process started on an idle center: median {:.1} ms", median(&mut all));
}
