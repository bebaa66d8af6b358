//! How many MiB a second the local engine keeps of a run that does nothing but write, beside `cat` from one pipe into a
//! file. Both take turns. `cargo bench -p engines --bench logs [-- MIB]`. `ENGINE_HOST` names another host.

use std::{
    fs::File,
    process::{Command, Stdio},
    sync::mpsc::channel,
    time::Instant,
};

use engines::{Engine as _, Exit, LaunchSpec, Observation, local::LocalEngine};
use testkit::engine::{local_config, spec};

const ROUNDS: usize = 5;

fn main() {
    let mib: u32 = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1024);
    let host = std::env::var("ENGINE_HOST").unwrap_or_else(|_| env!("CARGO_BIN_EXE_engine-host").to_owned());
    let dir = testkit::open_folder();
    let (tell, hints) = channel();
    let on_hint = move |run| {
        let _bench_is_over = tell.send(run);
    };
    let engine = LocalEngine::start(local_config(&host, dir.path()), on_hint).expect("the engine starts");
    let script = format!("yes 'step 1 loss 0.5' | head -c {mib}M");
    for round in 1..=ROUNDS {
        let begun = Instant::now();
        let file = File::create(dir.path().join("bare")).expect("a file is made");
        let bare = format!("{{ {script}; }} | cat");
        let status = Command::new("sh").arg("-c").arg(&bare).stdout(Stdio::from(file)).status();
        assert!(status.expect("sh runs").success());
        let bare = per_second(mib, begun);
        let mut kept = Vec::new();
        for limit_mib in [64, 4096] {
            let run =
                LaunchSpec { log_limit_bytes: limit_mib << 20, ..spec(&format!("#!/bin/sh\n{script}\n")) };
            let begun = Instant::now();
            engine.launch(&run).expect("the engine takes the launch");
            loop {
                let _some_run = hints.recv().expect("the engine lives");
                if let Observation::Ended(end) = engine.observe(run.run).expect("the run can be observed") {
                    assert_eq!(end.how, Exit::Code(0));
                    break;
                }
            }
            kept.push(per_second(mib, begun));
            for name in testkit::files_below(&dir.path().join("data/runs")) {
                if name.to_string_lossy().contains(&run.run.to_string()) {
                    std::fs::remove_file(name).expect("a log is removed");
                }
            }
        }
        println!(
            "round {round}: bare {bare:.0} MiB/s, limit 64 MiB {:.0} MiB/s, whole {:.0} MiB/s",
            kept[0], kept[1]
        );
    }
}

fn per_second(mib: u32, since: Instant) -> f64 {
    f64::from(mib) / since.elapsed().as_secs_f64()
}
