//! Nodes that are drained, daemons that die or hang, ends that are missed: cases that need the cluster for
//! themselves.

use domain::Millis;
use engines::{Exit, LaunchSpec, Leaving, Observation};
use rustix::process::{Pid, Signal, kill_process};
use testkit::engine::UnderTest as _;

use super::{
    Case,
    rig::{Rig, wait_until},
    slurm::{occupy, wait_submitted},
};

pub const CASES: &[Case] = &[
    ("a node that is drained under a run", drained),
    ("an end is told before Slurm tells it", end_is_told_first),
    ("runs of a brief kind are expected to be over soon", brief),
    ("the controller dies", controller_dies),
    ("the controller dies and has not written down an end", end_is_missed),
    ("the accounting dies", accounting_dies),
    ("a node dies", node_dies),
    ("a gang whose end Slurm misses", srun_hangs),
    ("a gang that Slurm begins on one of its nodes", begins_in_part),
    ("a run that Slurm begins nowhere", begins_nowhere),
];

fn drained(rig: &mut Rig) {
    let mut spec = rig.spec("#!/bin/sh\necho ready\nwhile [ ! -e go ]; do sleep 0.05; done\nexit 2\n");
    spec.nodes = vec![rig.node("npu3", 1)];
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    rig.cluster()
        .slurm("scontrol", &["update", "nodename=npu3", "state=drain", "reason=a 'fan' is 100% loud"]);
    let node = rig.slurm().nodes().unwrap().into_iter().find(|node| node.name == "npu3").unwrap();
    assert_eq!(node.condition, engines::slurm::NodeCondition::Drained, "{node:?}");
    assert_eq!(node.reason, "a 'fan' is 100% loud");
    std::fs::write(rig.work_folder(&spec).join("go"), "").unwrap();
    assert_eq!(rig.wait_end(spec.run).how, Exit::Code(2), "what runs on a drained node goes on");
    rig.cluster().slurm("scontrol", &["update", "nodename=npu3", "state=resume"]);
}

/// Has the controller write its state down, by another job.
fn saves(rig: &Rig, state: &std::path::Path) {
    let saved_at = || state.metadata().and_then(|meta| meta.modified()).ok();
    let before = saved_at();
    rig.output(&rig.spec("#!/bin/sh\n"));
    wait_until("the controller to save its state", || saved_at() > before);
}

fn controller_dies(rig: &mut Rig) {
    let cluster = rig.cluster();
    let running = rig.spec("#!/bin/sh\necho ready\nwhile [ ! -e go ]; do sleep 0.05; done\nexit 2\n");
    rig.launch(&running);
    rig.wait_line(running.run, "ready");
    rig.wait_started(running.run);
    // After its death the controller does not know what it has not saved.
    saves(rig, &cluster.file("state/job_state"));
    cluster.kill("slurmctld");
    let late = rig.spec("#!/bin/sh\necho mark >> mark\n");
    rig.launch(&late);
    std::fs::write(rig.work_folder(&running).join("go"), "").unwrap();
    rig.restart();
    assert!(matches!(rig.engine().observe(late.run).unwrap(), Observation::Alive { started: None, .. }));
    cluster.up("slurmctld");
    assert_eq!(rig.wait_end(running.run).how, Exit::Code(2));
    assert_eq!(rig.wait_end(late.run).how, Exit::Code(0));
    assert_eq!(std::fs::read_to_string(rig.work_folder(&late).join("mark")).unwrap(), "mark\n");
}

fn end_is_missed(rig: &mut Rig) {
    let cluster = rig.cluster();
    let run = |rig: &Rig, go: &str| {
        let script = format!("#!/bin/bash\necho ready\nwhile [ ! -e {go} ]; do sleep 0.05; done\nexit 2\n");
        let spec = LaunchSpec { time_limit: Millis(20_000), ..rig.spec(&script) };
        rig.launch(&spec);
        rig.wait_line(spec.run, "ready");
        rig.wait_started(spec.run);
        spec
    };
    let state = cluster.file("state/job_state");
    let ends = run(rig, "go");
    let goes_on = run(rig, "never");
    let number = wait_submitted(rig, &ends);
    saves(rig, &state);
    let kept = std::fs::read(&state).unwrap();
    let go = rig.work_folder(&ends).join("go");
    rig.without_engine(|| {
        std::fs::write(go, "").unwrap();
        wait_until("Slurm to know of its end", || {
            cluster.slurm("squeue", &["-htall", "-oX%T", "-j", &number]).starts_with("XFAILED")
        });
        // The controller dies before it has saved that.
        cluster.kill("slurmctld");
        std::fs::write(&state, kept).unwrap();
        cluster.up("slurmctld");
        wait_until("Slurm to have it as running", || {
            let told = cluster.try_slurm("squeue", &["-h", "-oX%T", "-j", &number]);
            told.is_ok_and(|told| told.starts_with("XRUNNING"))
        });
    });
    assert_eq!(rig.wait_end(ends.run).how, Exit::MachineLost);
    assert!(rig.err(ends.run).contains("has missed its end"), "{}", rig.err(ends.run));
    assert_eq!(rig.wait_end(goes_on.run).how, Exit::TimedOut);
}

fn end_is_told_first(rig: &mut Rig) {
    let cluster = rig.cluster();
    let spec = rig.spec("#!/bin/sh\necho ready\nwhile [ ! -e go ]; do sleep 0.05; done\nexit 2\n");
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    rig.wait_started(spec.run);
    cluster.signal("slurmctld", "STOP");
    std::fs::write(rig.work_folder(&spec).join("go"), "").unwrap();
    rig.wait_for(spec.run, "word of its end", |seen| {
        matches!(seen, Observation::Alive { started: Some(_), leaving: Leaving::Now, .. })
    });
    cluster.signal("slurmctld", "CONT");
    assert_eq!(rig.wait_end(spec.run).how, Exit::Code(2));
}

fn brief(rig: &mut Rig) {
    let cluster = rig.cluster();
    let leaving = |of: &LaunchSpec, want: Leaving| {
        rig.wait_for(
            of.run,
            "word of whether it leaves",
            |seen| matches!(seen, Observation::Alive { leaving, .. } if *leaving == want),
        );
    };
    let of_kind = |script: &str| LaunchSpec { job_name: "brief".into(), ..rig.spec(script) };
    for _ in 0..4 {
        let spec = of_kind("#!/bin/bash\n:\n");
        rig.output(&spec);
    }
    // A run of its kind that waits, and has not begun.
    let first = occupy(rig);
    let on_node_4 = |spec: LaunchSpec| LaunchSpec { nodes: vec![rig.node("npu4", 1)], ..spec };
    let waits = on_node_4(of_kind("#!/bin/bash\nwhile [ ! -e go ]; do sleep 0.05; done\n"));
    let other = on_node_4(rig.spec("#!/bin/bash\n:\n"));
    rig.launch(&waits);
    rig.launch(&other);
    leaving(&waits, Leaving::Soon);
    wait_submitted(rig, &other);
    leaving(&other, Leaving::No);
    rig.engine().stop(first.run).unwrap();
    rig.wait_started(waits.run);
    // The run is not short after all, and so the next ones are not expected to be.
    leaving(&waits, Leaving::No);
    let next = of_kind("#!/bin/bash\n:\n");
    cluster.signal("slurmctld", "STOP");
    rig.launch(&next);
    leaving(&next, Leaving::No);
    cluster.signal("slurmctld", "CONT");
    std::fs::write(rig.work_folder(&waits).join("go"), "").unwrap();
    for spec in [waits, other, next] {
        assert_eq!(rig.wait_end(spec.run).how, Exit::Code(0));
    }
}

fn accounting_dies(rig: &mut Rig) {
    let cluster = rig.cluster();
    cluster.kill("slurmdbd");
    let spec = rig.spec("#!/bin/sh\nexit 2\n");
    rig.launch(&spec);
    let ended = rig.wait_end(spec.run);
    assert_eq!(ended.how, Exit::Code(2));
    cluster.up("slurmdbd");
    wait_until("the late record", || {
        let number = rig.slurm().slurm_job(spec.run).unwrap().to_string();
        let said = cluster.try_slurm("sacct", &["-nXP", "-j", &number, "--format=State,ExitCode"]);
        said.is_ok_and(|said| said.trim() == "FAILED|2:0")
    });
}

fn node_dies(rig: &mut Rig) {
    let mut spec = rig.spec("#!/bin/sh\necho mark >> mark\necho ready $$\nsleep 600\n");
    spec.nodes = vec![rig.node("npu3", 1)];
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    rig.wait_started(spec.run);
    dies(rig, "npu3");
    let ended = rig.wait_end(spec.run);
    assert_eq!(ended.how, Exit::MachineLost);
    assert!(ended.started_at.is_some());
    comes_back(rig, "npu3");
    assert_eq!(std::fs::read_to_string(rig.work_folder(&spec).join("mark")).unwrap(), "mark\n");
}

fn srun_hangs(rig: &mut Rig) {
    let mut spec =
        rig.gang(2, 0, "#!/bin/sh\necho ready\nwhile [ ! -e go ]; do sleep 0.05; done\nexit $((RANK * 5))\n");
    spec.time_limit = Millis(4000);
    rig.launch(&spec);
    rig.wait_started(spec.run);
    wait_until("both of its processes", || rig.out(spec.run).matches("ready").count() == 2);
    let run = spec.run.to_string();
    let of_entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        let command = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        (command.starts_with("srun\0") && command.contains(&run)).then_some(pid)
    };
    let waiting: Vec<Pid> = std::fs::read_dir("/proc").unwrap().filter_map(of_entry).collect();
    assert!(!waiting.is_empty());
    for pid in waiting {
        kill_process(pid, Signal::STOP).unwrap();
    }
    std::fs::write(rig.work_folder(&spec).join("go"), "").unwrap();
    assert_eq!(rig.wait_end(spec.run).how, Exit::Code(5));
    assert!(rig.err(spec.run).contains("Slurm did not see"), "{}", rig.err(spec.run));
}

fn begins_in_part(rig: &mut Rig) {
    let spec = rig.gang(2, 0, "#!/bin/sh\necho ready\nsleep 600\n");
    does_not_begin(rig, spec, "npu2");
}

fn begins_nowhere(rig: &mut Rig) {
    let mut spec = rig.spec("#!/bin/sh\necho ready\nsleep 600\n");
    spec.nodes = vec![rig.node("npu3", 1)];
    does_not_begin(rig, spec, "npu3");
}

/// Holds the daemon of a node as the run is to begin there, and kills it after the run's time.
fn does_not_begin(rig: &Rig, mut spec: LaunchSpec, node: &str) {
    let cluster = rig.cluster();
    cluster.signal(node, "STOP");
    spec.time_limit = Millis(2000);
    rig.launch(&spec);
    rig.wait_started(spec.run);
    let number = wait_submitted(rig, &spec);
    wait_until("its time to be over", || {
        let told = cluster.try_slurm("squeue", &["-h", "-j", &number, "-o", "%T"]);
        told.is_ok_and(|told| told.trim() != "RUNNING")
    });
    dies(rig, node);
    assert_eq!(rig.wait_end(spec.run).how, Exit::MachineLost);
    assert!(rig.err(spec.run).contains("never began on each"), "{}", rig.err(spec.run));
    comes_back(rig, node);
}

fn dies(rig: &Rig, node: &str) {
    rig.cluster().kill(node);
    let node = format!("nodename={node}");
    rig.cluster().slurm("scontrol", &["update", &node, "state=down", "reason=dead"]);
}

fn comes_back(rig: &Rig, name: &str) {
    rig.cluster().up(name);
    let node = format!("nodename={name}");
    rig.cluster().slurm("scontrol", &["update", &node, "state=resume"]);
    wait_until("the node to be back", || {
        let nodes = rig.slurm().nodes().unwrap();
        nodes.iter().any(|node| node.name == name && node.state == "idle")
    });
}
