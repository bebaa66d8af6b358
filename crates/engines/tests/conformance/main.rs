//! One suite for all engines: a run sees the same, ends the same way and is told of in the same words,
//! whoever carries it out.
//!
//! The cases for Slurm start a real cluster, see `tests/slurm/cluster`. Where its packages are missing they
//! are skipped, and with `CI=true` they fail.

mod faults;
mod gangs;
mod life;
mod rig;
mod scripts;
mod slurm;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
};

use rig::{Kind, Rig};
use testkit::Cluster;

/// A case: the rule, and how it is tried.
type Case = (&'static str, fn(&mut Rig));

/// How many cases are tried at once.
const AT_ONCE: usize = 4;

/// One test at a time: a cluster has enough to do with its own cases.
static ALONE: Mutex<()> = Mutex::new(());

/// Tries all cases: first many beside each other, then those that need the cluster for themselves. Names all
/// that failed.
fn try_all(kind: Kind, together: &[Case], alone: &[Case]) {
    let only = std::env::var("QT_CASE").ok();
    let is_wanted = |name: &str| only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let failed = Mutex::new(Vec::new());
    let try_one = |(name, case): &Case| {
        let begun = std::time::Instant::now();
        let tried = catch_unwind(AssertUnwindSafe(|| case(&mut Rig::new(kind, |_| {}))));
        eprintln!(
            "{} {name}: {} ms",
            if tried.is_ok() { "ok" } else { "FAILED" },
            begun.elapsed().as_millis()
        );
        if tried.is_err() {
            failed.lock().unwrap().push(*name);
        }
    };
    let left = Mutex::new(together.iter().filter(|(name, _)| is_wanted(name)));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some(case) = next else { return };
                    try_one(case);
                }
            });
        }
    });
    alone.iter().filter(|(name, _)| is_wanted(name)).for_each(try_one);
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} cases failed: {failed:#?}", failed.len());
}

fn of_all_engines() -> Vec<Case> {
    [scripts::CASES, life::CASES, gangs::CASES].concat()
}

#[test]
fn local_engine() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let cases = of_all_engines();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    try_all(Kind::Local, &cases, &[]);
}

#[test]
fn slurm_by_its_commands() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(cluster) = Cluster::start() else { return };
    let cases = [of_all_engines(), slurm::CASES.to_vec()].concat();
    try_all(Kind::Commands(&cluster), &cases, faults::CASES);
}

#[test]
fn slurm_by_its_rest_service() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(cluster) = Cluster::start() else { return };
    let cases = [of_all_engines(), slurm::CASES.to_vec()].concat();
    try_all(Kind::Rest(&cluster), &cases, faults::CASES);
}
