//! Runs when the center, the host or a supervisor is gone.

use std::sync::Barrier;

use domain::Millis;
use engines::{Engine as _, EngineError, Exit, Observation, local::LocalEngine};
use rustix::process::{Pid, Signal, kill_process};
use testkit::engine::{self, SmallCenter, UnderTest as _, local_config, random, spec, wait_gone};

use crate::HOST;

/// Ends with 42 when the file `go` is in its work folder.
const WAITS_FOR_GO: &str =
    "#!/bin/sh\necho ready\nwhile [ ! -e go ]; do sleep 0.02; done\necho done\nexit 42\n";

fn let_go(center: &SmallCenter, spec: &engines::LaunchSpec) {
    std::fs::write(center.engine.work_folder(spec.tenant, spec.job).join("go"), "").unwrap();
}

fn kill(pid: impl TryInto<i32>) {
    let pid = Pid::from_raw(pid.try_into().ok().expect("a process id")).expect("a process id");
    kill_process(pid, Signal::KILL).expect("the process is there and ours");
}

#[test]
fn a_run_is_started_once_however_often_it_is_launched() {
    let center = SmallCenter::start(HOST);
    let spec = spec("#!/bin/sh\necho started >> $HOME/starts\n");
    let barrier = Barrier::new(20);
    let engine = &center.engine;
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                barrier.wait();
                engine.launch(&spec).unwrap();
            });
        }
    });
    assert_eq!(center.wait_end(spec.run).how, Exit::Code(0));
    // Launches after these 20 are dealt with after them.
    for _ in 0..3 {
        center.run(&engine::spec("#!/bin/sh\n"));
    }
    let center = center.restart();
    center.launch(&spec);
    center.run(&engine::spec("#!/bin/sh\n"));
    let home = center.engine.work_folder(spec.tenant, spec.job);
    let starts = std::fs::read_to_string(home.parent().unwrap().join("starts")).unwrap();
    assert_eq!(starts, "started\n");
}

#[test]
fn a_second_center_on_the_folder_is_refused() {
    let center = SmallCenter::start(HOST);
    let second = LocalEngine::start(local_config(HOST, center.dir.path()), |_| {});
    assert!(matches!(second, Err(EngineError::InUse(_))), "{second:?}");
}

#[test]
fn a_run_outlives_the_center_and_is_adopted_with_its_log_and_code() {
    let center = SmallCenter::start(HOST);
    let spec = spec(WAITS_FOR_GO);
    center.launch(&spec);
    let started = center.wait_started(spec.run);
    center.wait_line(spec.run, "ready");

    let center = center.restart();
    let seen = center.engine.observe(spec.run).unwrap();
    let Observation::Alive { started: Some(since), leaving: engines::Leaving::No, seen_at: Some(at) } = seen
    else {
        panic!("{seen:?}");
    };
    assert!(since.at == started && at > started, "{seen:?}");
    let_go(&center, &spec);
    // The hint comes from the supervisor that the first center started.
    let ended = center.wait_end(spec.run);
    assert_eq!((ended.started_at, ended.how), (Some(started), Exit::Code(42)));
    assert_eq!(center.out(spec.run), "ready\ndone\n");
}

#[test]
fn a_run_that_ends_while_there_is_no_center_is_told_by_its_record() {
    let center = SmallCenter::start(HOST);
    let spec = spec(WAITS_FOR_GO);
    center.launch(&spec);
    center.wait_line(spec.run, "ready");
    let supervisor = i32::try_from(center.engine.supervisor_pid(spec.run).unwrap().unwrap()).unwrap();
    let go = center.engine.work_folder(spec.tenant, spec.job).join("go");
    let center = center.restart_after(|| {
        std::fs::write(go, "").unwrap();
        wait_gone(supervisor);
    });
    assert!(
        matches!(center.engine.observe(spec.run).unwrap(), Observation::Ended(ended) if ended.how == Exit::Code(42))
    );
}

#[test]
fn a_run_can_be_stopped_by_the_next_center() {
    let center = SmallCenter::start(HOST);
    let spec = spec(WAITS_FOR_GO);
    center.launch(&spec);
    center.wait_started(spec.run);
    let center = center.restart();
    center.engine.stop(spec.run).unwrap();
    assert!(matches!(center.wait_end(spec.run).how, Exit::Stopped { status: Some(_) }));
}

#[test]
fn when_the_host_is_killed_runs_go_on_and_launches_get_through() {
    let center = SmallCenter::start(HOST);
    let before = spec(WAITS_FOR_GO);
    center.launch(&before);
    center.wait_started(before.run);
    for _ in 0..5 {
        let host = center.engine.host_pid().expect("the last launch got through");
        kill(host);
        let spec = spec("#!/bin/sh\nexit 9\n");
        center.launch(&spec);
        assert_eq!(center.wait_end(spec.run).how, Exit::Code(9));
    }
    let_go(&center, &before);
    assert_eq!(center.wait_end(before.run).how, Exit::Code(42));
}

/// A process with a child, and one that left its session and its environment behind.
const LEAVES_PROCESSES: &str = "#!/bin/sh
sleep 600 & echo child $!
setsid sh -c 'sleep 600 & echo daemon $!' < /dev/null
echo ready
wait
";

#[test]
fn when_a_supervisor_is_killed_its_run_has_vanished_and_nothing_of_it_is_left() {
    let center = SmallCenter::start(HOST);
    let spec = spec(LEAVES_PROCESSES);
    center.launch(&spec);
    let started = center.wait_started(spec.run);
    let pids = ["child ", "daemon "].map(|name| center.wait_line(spec.run, name).parse::<i32>().unwrap());
    center.wait_line(spec.run, "ready");
    kill(center.engine.supervisor_pid(spec.run).unwrap().unwrap());

    let seen = center.wait_for(spec.run, "vanished", |seen| matches!(seen, Observation::Vanished { .. }));
    let Observation::Vanished { started: seen_start, last_seen } = seen else { unreachable!() };
    assert_eq!(seen_start.map(|started| started.at), Some(started));
    assert!(last_seen.unwrap() >= started);
    pids.into_iter().for_each(wait_gone);

    center.launch(&spec);
    center.run(&engine::spec("#!/bin/sh\n"));
    assert!(
        matches!(center.engine.observe(spec.run).unwrap(), Observation::Vanished { .. }),
        "not started again"
    );
}

#[test]
fn leftovers_are_found_without_the_host_that_knew_them() {
    let center = SmallCenter::start(HOST);
    let spec = spec(LEAVES_PROCESSES);
    center.launch(&spec);
    let pids = ["child ", "daemon "].map(|name| center.wait_line(spec.run, name).parse::<i32>().unwrap());
    center.wait_line(spec.run, "ready");
    center.wait_started(spec.run);
    let supervisor = center.engine.supervisor_pid(spec.run).unwrap().unwrap();
    let center = center.restart();
    kill(supervisor);
    center.wait_for(spec.run, "vanished", |seen| matches!(seen, Observation::Vanished { .. }));
    pids.into_iter().for_each(wait_gone);
}

#[test]
fn a_supervisor_that_goes_on_to_another_run_is_not_stopped_for_the_one_before() {
    let center = SmallCenter::start(HOST);
    for _ in 0..50 {
        let first = spec("#!/bin/sh\n");
        center.launch(&first);
        center.engine.stop(first.run).unwrap();
        let mut second = spec("#!/bin/sh\nexit 6\n");
        second.time_limit = Millis::from_secs(20);
        center.launch(&second);
        assert_eq!(center.wait_end(second.run).how, Exit::Code(6));
        center.wait_end(first.run);
    }
}

/// Center, host and supervisors are killed all the time. Each run still starts at most once, and is accounted
/// for.
#[test]
fn whatever_is_killed_no_run_starts_twice_and_none_is_lost() {
    const RUNS: usize = 120;
    let mut center = SmallCenter::start(HOST);
    let mut seed = u64::from_le_bytes(random()[..8].try_into().unwrap());
    println!("seed {seed}");
    let mut chance = |one_in: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % one_in == 0
    };
    let mut specs = Vec::new();
    for _ in 0..RUNS {
        let spec = spec("#!/bin/sh\necho x >> $HOME/starts-$QIANTANG_RUN_ID\nsleep 0.02\nexit 3\n");
        center.launch(&spec);
        let host = if chance(8) { center.engine.host_pid() } else { None };
        let supervisor = if chance(6) { center.engine.supervisor_pid(spec.run).unwrap() } else { None };
        for pid in [host, supervisor].into_iter().flatten() {
            let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            let _gone_already = kill_process(pid, Signal::KILL);
        }
        if chance(15) {
            center = center.restart();
            // As a center does with runs that it did not see start.
            center.launch(&spec);
        }
        specs.push(spec);
    }
    let is_over = |seen: &Observation| matches!(seen, Observation::Ended(_) | Observation::Vanished { .. });
    for spec in &specs {
        if center.engine.observe(spec.run).unwrap() == Observation::NotLaunched {
            center.launch(spec);
        }
        let outcome = center.wait_for(spec.run, "the end", is_over);
        let home = center.engine.work_folder(spec.tenant, spec.job);
        let starts = home.parent().unwrap().join(format!("starts-{}", spec.run));
        let starts = std::fs::read_to_string(starts).unwrap_or_default();
        match outcome {
            Observation::Ended(ended) => assert_eq!((ended.how, starts.as_str()), (Exit::Code(3), "x\n")),
            _ => assert!(["", "x\n"].contains(&starts.as_str()), "{starts}"),
        }
    }
}
