//! How many runs a second the local engine starts, isolates, looks after and records, beside a bare loop that
//! spawns and waits for `/bin/true`. Both have the same number in flight and take turns, so that the ratio
//! means something on any machine. `cargo bench -p engines --bench spawn [-- RUNS [FOLDER]]`.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::channel,
    time::Instant,
};

use engines::{Engine as _, Exit, LaunchSpec, Observation, local::LocalEngine};
use testkit::engine::{local_config, node, spec};

const IN_FLIGHT: usize = 16;
const ROUNDS: usize = 5;

fn main() {
    let runs: usize = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(2000);
    let parent = std::env::args().skip(1).find(|arg| arg.starts_with('/')).unwrap_or("/tmp".into());
    let dir = tempfile::Builder::new().prefix("qt-bench-").tempdir_in(parent).expect("a folder");
    open_to_all(dir.path());
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let bare = bare_loop(runs);
        let engine = engine_loop(runs, dir.path());
        println!("round {round}: bare loop {bare:.0}/s, engine {engine:.0}/s, ratio {:.3}", engine / bare);
        ratios.push(engine / bare);
    }
    ratios.sort_by(f64::total_cmp);
    println!("{runs} runs a round, {IN_FLIGHT} in flight, median ratio {:.3}", ratios[ROUNDS / 2]);
}

#[allow(clippy::cast_precision_loss, reason = "counts of some thousands")]
fn per_second(count: usize, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

/// `posix_spawn` and wait, on one thread for each process in flight.
fn bare_loop(runs: usize) -> f64 {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..IN_FLIGHT {
            scope.spawn(|| {
                for _ in 0..runs / IN_FLIGHT {
                    let status = Command::new("/bin/true").stdin(Stdio::null()).status();
                    assert!(status.expect("/bin/true can be started").success());
                }
            });
        }
    });
    per_second(runs / IN_FLIGHT * IN_FLIGHT, begun)
}

/// The same number of runs, with full isolation.
fn engine_loop(runs: usize, dir: &Path) -> f64 {
    let (tell, hints) = channel();
    let on_hint = move |run| {
        let _bench_is_over = tell.send(run);
    };
    let config = local_config(env!("CARGO_BIN_EXE_engine-host"), dir);
    let engine = LocalEngine::start(config, on_hint).expect("the engine starts");
    let begun = Instant::now();
    let (mut launched, mut ended) = (0, 0);
    while ended < runs {
        while launched < runs && launched - ended < IN_FLIGHT {
            engine.launch(&no_op()).expect("the engine takes the launch");
            launched += 1;
        }
        let run = hints.recv().expect("the engine lives");
        if let Observation::Ended(end) = engine.observe(run).expect("the run can be observed") {
            assert_eq!(end.how, Exit::Code(0));
            ended += 1;
        }
    }
    per_second(runs, begun)
}

fn open_to_all(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755))
        .expect("the folder is this process's");
}

fn no_op() -> LaunchSpec {
    LaunchSpec { nodes: vec![node("node-1", 1)], ..spec("#!/bin/true\n") }
}
