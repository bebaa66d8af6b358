//! A real center on a real Slurm cluster. Where Slurm is missing the tests are skipped; with `CI=true` they
//! fail.

mod accounts;
mod ahead;
mod billing;
mod calls;
mod chaos;
mod direct;
mod sacct;
mod scripts;
mod secrets;
mod vanish;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use testkit::{Cluster, Site};

/// The program under test. Only tests of its own package can name its path.
const QIANTANG: &str = env!("CARGO_BIN_EXE_qiantang");

/// The price of a card-hour in micro-CNY: 10 micro-CNY for a card-millisecond.
const RATE: i64 = 36_000_000;

/// One cluster at a time: two have more processes than a small machine likes.
static ALONE: Mutex<()> = Mutex::new(());

/// A cluster for this test alone. The guard comes first, so that it is dropped after the cluster.
fn cluster() -> Option<(MutexGuard<'static, ()>, Cluster)> {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Cluster::start().map(|cluster| (alone, cluster))
}

/// A center with these settings that has the cluster's nodes.
fn center(settings: &str) -> Site {
    let site = Site::with_settings(QIANTANG, settings);
    site.wait_for_slurm_nodes();
    site
}

/// A job whose script runs under bash on each of its nodes.
fn spec(name: &str, nodes: u32, cards: u32, script: &str) -> Value {
    json!({ "name": name, "script": format!("#!/bin/bash\n{script}\n"), "nodes": nodes, "cards_per_node": cards,
        "time_limit_ms": 120_000 })
}
