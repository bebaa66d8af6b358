//! What the center keeps in memory is bounded by what runs, and not by what waits.

use std::fs;

use serde_json::{Value, json};
use testkit::{Site, grant, job};

use crate::QIANTANG;

const JOBS: u64 = 150;

/// The memory that a process has to itself.
fn own_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("the line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// A job with as much script and environment as it may have.
fn large(name: &str) -> Value {
    let mut spec =
        job(name, &format!("test ${{#V7}} = 31000 && echo \"$V7\" | cksum\n# {}", "x".repeat(240_000)));
    let env: serde_json::Map<String, Value> =
        (0..22).map(|n| (format!("V{n}"), json!("v".repeat(31_000)))).collect();
    spec["env"] = env.into();
    spec
}

fn bytes(spec: &Value) -> u64 {
    spec.to_string().len() as u64
}

/// Starts the center anew, and waits until connections to the one before are forgotten.
fn start_anew(site: &mut Site) {
    site.stop();
    site.start();
    site.wait_for("the center", || site.try_ask("GET", "/api/v1/me", &site.operator, None, &[]).ok());
}

#[test]
fn waiting_jobs_cost_their_bytes_on_the_disk_and_not_in_memory() {
    let mut site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let mut all = job("all", "while [ ! -e enough ]; do sleep 0.1; done");
    all["cards_per_node"] = json!(8);
    let first = site.submit(&tenant, &all);
    site.wait_for_state(&tenant.developer, &first, "running");
    // What a few requests leave behind is not what waiting costs.
    for n in 0..20 {
        let id = site.submit(&tenant, &large(&format!("warm-{n}")));
        site.post(&format!("/api/v1/jobs/{id}/cancel"), &tenant.developer, &json!({}));
    }
    let before = own_kib(site.pid());
    let mut last = String::new();
    for n in 0..JOBS {
        last = site.submit(&tenant, &large(&format!("waits-{n}")));
    }
    let grown = own_kib(site.pid()).saturating_sub(before);
    let waiting = JOBS * bytes(&large("waits")) / 1024;
    println!("{JOBS} jobs of {waiting} KiB wait, and the center has {grown} KiB more");
    assert!(grown < waiting / 8, "{waiting} KiB wait, and the center has {grown} KiB more");
    // Neither does a center that finds them at its start keep them.
    start_anew(&mut site);
    let started = own_kib(site.pid());
    println!("started with them it has {started} KiB; before it had {before} KiB");
    assert!(started < before + waiting / 8, "{waiting} KiB wait, and it started with {started} KiB");
    // They are whole when they start.
    site.post(&format!("/api/v1/jobs/{first}/cancel"), &tenant.developer, &json!({}));
    assert_eq!(site.wait_for_end(&tenant.developer, &last)["state"], "succeeded");
    assert!(site.stdout(&tenant.developer, &last).ends_with(" 31001\n"));
}

#[test]
fn what_a_tenant_s_waiting_jobs_hold_is_bounded_and_told_with_the_numbers() {
    let mut site = Site::new(QIANTANG, 1, "[jobs]\nwaiting_mib_per_tenant = 3\n");
    let (tenant, other) =
        (site.tenant("univ", "research", &grant(), 8), site.tenant("lab", "research", &grant(), 8));
    let mut all = job("all", "while [ ! -e enough ]; do sleep 0.1; done");
    all["cards_per_node"] = json!(8);
    let first = site.submit(&tenant, &all);
    site.wait_for_state(&tenant.developer, &first, "running");
    let waits: Vec<String> = (0..3).map(|n| site.submit(&tenant, &large(&format!("waits-{n}")))).collect();
    let refused = |site: &Site| {
        let (status, answer) = site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&large("more")));
        assert_eq!((status, answer["code"].as_str()), (409, Some("too_much_waiting")), "{answer}");
        let detail = answer["detail"].as_str().expect("text").to_owned();
        assert!(detail.contains("they may have 3145728"), "{detail}");
        detail
    };
    let before = refused(&site);
    // Another tenant's are its own, and a center that starts anew counts the same.
    site.submit(&other, &large("other"));
    start_anew(&mut site);
    assert_eq!(refused(&site), before);
    site.post(&format!("/api/v1/jobs/{}/cancel", waits[0]), &tenant.developer, &json!({}));
    site.submit(&tenant, &large("more"));
}
