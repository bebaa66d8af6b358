//! Start and end of runs, with real processes.

use domain::Millis;
use engines::{ArrayTask, Ended, Engine as _, Exit, InvalidSpec, LaunchSpec, Observation, Status};
use testkit::{
    engine::{self, PATIENCE, SmallCenter, UnderTest as _, is_alive, is_root, node, spec, tenant, variables},
    now,
};

use crate::HOST;

#[test]
fn a_run_ends_with_the_code_of_its_script_and_leaves_its_output() {
    let center = SmallCenter::start(HOST);
    let spec = spec("#!/bin/sh\necho out\necho err >&2\nexit 7\n");
    assert_eq!(center.engine.observe(spec.run).unwrap(), Observation::NotLaunched);
    let before = now();
    center.launch(&spec);
    let Ended { started_at, at, how, .. } = center.wait_end(spec.run);
    assert_eq!(how, Exit::Code(7));
    assert!(before <= started_at.unwrap() && started_at.unwrap() <= at && at <= now());
    assert_eq!((center.out(spec.run), center.err(spec.run)), ("out\n".into(), "err\n".into()));
}

#[test]
fn a_signal_is_told_from_a_code() {
    let center = SmallCenter::start(HOST);
    assert_eq!(center.run(&spec("#!/bin/sh\nkill -KILL $$\n")), Exit::Signal(9));
    assert_eq!(center.run(&spec("#!/bin/sh\nexit 137\n")), Exit::Code(137));
}

#[test]
fn a_script_without_a_first_line_is_run_by_a_shell_and_gets_its_arguments() {
    let center = SmallCenter::start(HOST);
    let mut spec = spec("printf '%s|' \"$@\"");
    spec.args = vec!["a b".into(), String::new(), "*".into()];
    assert_eq!(center.output(&spec), "a b||*|");
}

#[test]
fn a_run_that_heeds_the_signal_is_given_its_grace_at_the_time_limit() {
    let center = SmallCenter::start(HOST);
    let mut spec =
        spec("#!/bin/sh\ntrap 'echo saved; exit 3' TERM\necho ready\nwhile :; do sleep 0.05; done\n");
    spec.time_limit = Millis(300);
    center.launch(&spec);
    let ended = center.wait_end(spec.run);
    assert_eq!(ended.how, Exit::TimedOut);
    assert_eq!(center.out(spec.run), "ready\nsaved\n");
    let took_ms = ended.at.since(ended.started_at.unwrap()).0;
    assert!(
        (290..4000).contains(&took_ms),
        "the limit is 300 ms, the grace of 5 s is not used up: {took_ms} ms"
    );
}

#[test]
fn a_run_that_ignores_the_signal_is_killed_after_its_grace() {
    let center = SmallCenter::start(HOST);
    let mut spec = spec("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.05; done\n");
    spec.time_limit = Millis(100);
    spec.kill_grace = Millis(200);
    center.launch(&spec);
    let ended = center.wait_end(spec.run);
    assert_eq!(ended.how, Exit::TimedOut);
    assert!(ended.at.since(ended.started_at.unwrap()).0 >= 290);
}

#[test]
fn a_run_is_stopped_with_all_its_processes() {
    let center = SmallCenter::start(HOST);
    let spec = spec("#!/bin/sh\nsleep 600 &\necho child $!\nwait\n");
    center.launch(&spec);
    let child: i32 = center.wait_line(spec.run, "child ").parse().unwrap();
    center.wait_started(spec.run);
    center.engine.stop(spec.run).unwrap();
    center.engine.stop(spec.run).unwrap();
    let ended = center.wait_end(spec.run);
    assert_eq!(ended.how, Exit::Stopped { status: Some(Status::Signal(15)) });
    assert!(!is_alive(child));
    center.engine.stop(spec.run).unwrap();
    assert_eq!(center.wait_end(spec.run), ended, "what has ended stays as it is");
}

#[test]
fn a_run_stopped_before_its_launch_never_starts() {
    let center = SmallCenter::start(HOST);
    let spec = spec("#!/bin/sh\necho started\n");
    center.engine.stop(spec.run).unwrap();
    assert_eq!(center.run(&spec), Exit::Stopped { status: None });
    // A run that is launched later goes the same way through the host, so the launch of this one has been
    // dealt with.
    center.run(&engine::spec("#!/bin/sh\n"));
    assert_eq!(center.out(spec.run), "");
}

#[test]
fn two_nodes_know_their_ranks_and_reach_each_other() {
    let center = SmallCenter::start(HOST);
    let script = "#!/usr/bin/python3
import os, socket, sys
rank, size = int(os.environ['RANK']), int(os.environ['WORLD_SIZE'])
where = (os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT']))
if rank == 0:
    server = socket.create_server(where)
    peers = [server.accept()[0] for _ in range(size - 1)]
    total = sum(int(peer.makefile().readline()) for peer in peers)
    print('total', total, os.environ['SLURM_JOB_NODELIST'], os.environ['RANK_TABLE_FILE'], flush=True)
    print(open(os.environ['RANK_TABLE_FILE']).read(), flush=True)
else:
    while True:
        try:
            peer = socket.create_connection(where)
            break
        except ConnectionRefusedError:
            pass
    peer.sendall(b'%d\\n' % (rank * 100))
";
    let mut spec = spec(script);
    spec.nodes = vec![node("alpha", 2), node("beta", 2)];
    let out = center.output(&spec);
    assert!(out.starts_with("total 100 alpha,beta /"), "{out}");
    assert!(out.contains(r#""server_count":"2""#), "{out}");
}

#[test]
fn when_one_node_fails_the_others_end_too() {
    let center = SmallCenter::start(HOST);
    let mut spec = spec("#!/bin/sh\n[ $RANK = 1 ] && exit 5\nsleep 600\n");
    spec.nodes = vec![node("alpha", 1), node("beta", 1), node("gamma", 1)];
    assert_eq!(center.run(&spec), Exit::Code(5));
}

#[test]
fn a_task_of_an_array_knows_its_index() {
    let center = SmallCenter::start(HOST);
    let mut spec = spec("#!/bin/sh\nenv\n");
    spec.array = Some(ArrayTask { index: 3, count: 4, min: 0, max: 6, step: 2 });
    spec.env = vec![("GREETING".into(), "你好".into())];
    spec.nodes = vec![node("alpha", 4)];
    let env = variables(&center.output(&spec));
    for (name, value) in [
        ("SLURM_ARRAY_TASK_ID", "3"),
        ("SLURM_ARRAY_TASK_COUNT", "4"),
        ("SLURM_ARRAY_TASK_MAX", "6"),
        ("GREETING", "你好"),
        ("ASCEND_RT_VISIBLE_DEVICES", "0,1,2,3"),
        ("QIANTANG_VIRTUAL", "1"),
    ] {
        assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn a_run_that_cannot_start_says_why() {
    let center = SmallCenter::start(HOST);
    for (script, want) in [
        ("#!/usr/bin/pytohn3\n", "/usr/bin/pytohn3: no such file"),
        ("#!/bin/sh\r\necho\r\n", "line ends of Windows"),
        ("#!/etc/passwd\n", "/etc/passwd: permission denied"),
    ] {
        let spec = spec(script);
        center.launch(&spec);
        let ended = center.wait_end(spec.run);
        assert_eq!(ended.started_at, None);
        assert!(
            matches!(&ended.how, Exit::FailedToStart(why) if why.text(domain::Lang::En).contains(want)),
            "{script:?}: {ended:?}"
        );
    }
}

#[test]
fn a_launch_that_can_never_work_is_refused_at_once() {
    let center = SmallCenter::start(HOST);
    let mut spec = spec("");
    spec.env = vec![("A=B".into(), "c".into())];
    let refused = center.engine.launch(&spec);
    assert!(
        matches!(refused, Err(engines::EngineError::InvalidSpec(InvalidSpec::EnvName(_)))),
        "{refused:?}"
    );
    assert_eq!(center.engine.observe(spec.run).unwrap(), Observation::NotLaunched);
}

#[test]
fn processes_that_leave_their_parents_do_not_outlive_the_run() {
    let center = SmallCenter::start(HOST);
    // One process in the background, and one in a session of its own whose parent is gone, with an empty
    // environment.
    let script = "#!/bin/sh
sleep 600 & echo background $!
setsid env -i sh -c 'sleep 600 & echo daemon $!' < /dev/null
";
    let spec = spec(script);
    assert_eq!(center.run(&spec), Exit::Code(0));
    for name in ["background ", "daemon "] {
        let pid: i32 = center.wait_line(spec.run, name).parse().unwrap();
        assert!(!is_alive(pid), "{name}");
    }
}

#[test]
fn a_fork_bomb_is_bounded_and_ended() {
    let center = SmallCenter::start(HOST);
    // Perl, because its fork fails quietly: a shell that cannot fork ends, and the bomb with it.
    let mut spec = spec("#!/bin/sh\necho begun\nexec perl -e 'fork while 1'\n");
    // The kernel counts by uid, so the bomb has a uid of its own.
    (spec.tenant, spec.uid_index) = (tenant(77), 77);
    spec.limits.max_processes = 120;
    spec.kill_grace = Millis(300);
    center.launch(&spec);
    center.wait_line(spec.run, "begun");
    center.engine.stop(spec.run).unwrap();
    let mut most = 0;
    // The kill takes a while: no process ignores the signal, but a fork is always one generation ahead of it.
    while let Observation::Alive { .. } = center.engine.observe(spec.run).unwrap() {
        if is_root() {
            most = most.max(processes_of(200_077));
        }
    }
    assert!(matches!(center.wait_end(spec.run).how, Exit::Stopped { .. }));
    assert!(most <= 120, "{most} processes");
    assert_eq!(processes_of(200_077), 0);
    assert_eq!(center.run(&engine::spec("#!/bin/sh\n")), Exit::Code(0), "others go on");
}

fn processes_of(uid: u32) -> usize {
    use std::os::unix::fs::MetadataExt as _;
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter(|entry| entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == uid)).count()
}

/// A cgroup v2, where this machine lets the test make one. It is removed with this value.
struct CgroupForTest(std::path::PathBuf);

impl CgroupForTest {
    fn make() -> Option<Self> {
        let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
        let mount =
            mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?.split(' ').nth(1)?;
        let path = std::path::Path::new(mount).join(format!("qiantang-test-{}", std::process::id()));
        std::fs::create_dir(&path).ok().map(|()| Self(path))
    }
}

impl Drop for CgroupForTest {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn where_a_cgroup_is_given_each_run_has_one_of_its_own() {
    // Few machines let a test make one. The other tests run without.
    let Some(cgroup) = CgroupForTest::make() else { return };
    let center = SmallCenter::start_with(HOST, |config| config.cgroup = Some(cgroup.0.clone()));
    let spec = spec("#!/bin/sh\ngrep '^0::' /proc/self/cgroup\nsetsid env -i sleep 600 &\n");
    let out = center.output(&spec);
    assert!(out.trim().ends_with(&spec.run.to_string()), "{out}");
    let begun = std::time::Instant::now();
    while cgroup.0.join(spec.run.to_string()).exists() {
        assert!(begun.elapsed() < PATIENCE, "the cgroup is still there");
    }
}

#[test]
fn temporary_files_go_with_the_run_and_results_stay() {
    let center = SmallCenter::start(HOST);
    let spec =
        spec("#!/bin/sh\necho x > result\nmkdir -p $TMPDIR/a/b && chmod 500 $TMPDIR/a && echo $TMPDIR/a\n");
    let temporary = center.output(&spec);
    let work = center.engine.work_folder(spec.tenant, spec.job);
    assert_eq!(std::fs::read_to_string(work.join("result")).unwrap(), "x\n");
    let begun = std::time::Instant::now();
    while std::path::Path::new(temporary.trim()).exists() {
        assert!(begun.elapsed() < PATIENCE, "{temporary} is still there");
    }
}

#[test]
fn a_folder_that_a_job_left_alone_serves_another_job() {
    let center = SmallCenter::start(HOST);
    let is_there = |spec: &LaunchSpec| center.engine.work_folder(spec.tenant, spec.job).is_dir();
    // Many, one after the other, so that a supervisor has several of them.
    for _ in 0..8 {
        let alone = spec("#!/bin/sh\npwd -P; ls -A; stat -c %a .\n");
        let work = center.engine.work_folder(alone.tenant, alone.job);
        assert_eq!(center.output(&alone), format!("{}\n700\n", work.display()));
        assert!(!is_there(&alone));
        for script in ["> kept", "chmod 500 .", "> a; rm a", "mkdir a; rmdir a", "touch -d @0 ."] {
            let changed = spec(&format!("#!/bin/sh\n{script}\n"));
            assert_eq!(center.run(&changed), Exit::Code(0));
            assert!(is_there(&changed), "{script}");
        }
        let mut task = spec("#!/bin/sh\n");
        task.array = Some(ArrayTask { index: 0, count: 2, min: 0, max: 1, step: 1 });
        assert_eq!(center.run(&task), Exit::Code(0));
        assert!(is_there(&task), "other tasks may be in it");
    }
    // A job whose folder is there gets that one.
    let first = spec("#!/bin/sh\n> kept\n");
    assert_eq!(center.run(&first), Exit::Code(0));
    let second = LaunchSpec { job: first.job, ..spec("#!/bin/sh\nls\n") };
    assert_eq!(center.output(&second), "kept\n");
}

#[test]
fn a_run_on_hundreds_of_nodes_runs_on_all_of_them() {
    let center = SmallCenter::start(HOST);
    let mut spec =
        spec("#!/bin/sh\n[ $RANK = 590 ] && echo $WORLD_SIZE ${#QIANTANG_NODES} && exit 6\nexec sleep 600\n");
    spec.nodes = (0..600).map(|number| node(&format!("rack-7-node-{number:04}"), 0)).collect();
    assert_eq!(center.run(&spec), Exit::Code(6));
    assert_eq!(center.out(spec.run), "600 10199\n");
}
