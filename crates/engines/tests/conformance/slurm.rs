//! Cases that only Slurm has.

use domain::Millis;
use engines::{
    Exit, LaunchSpec, Leaving, Observation,
    slurm::{Access, Token, check_slurm},
};
use testkit::engine::UnderTest as _;

use super::{
    Case,
    rig::{Rig, wait_until},
};

pub const CASES: &[Case] = &[
    ("cards are counted by Slurm", gres),
    ("a run that Slurm has waiting is stopped", stopped_pending),
    ("a run waits until cards are free", waits),
    ("a job that is cancelled by hand", scancel),
    ("a job may not be requeued", requeue),
    ("a second job of a run does not compute", second_job),
    ("a job of this name is found and taken up", lost_record),
    ("a number that another job has by now", number_of_another),
    ("a claim with the number of another's job", claims_anothers),
    ("a job that its user gives another name", renamed),
    ("a node that Slurm does not have", unknown_node),
    ("a name that is a list of nodes", node_list),
    ("an account that Slurm does not have", unknown_account),
    ("a user that nobody knows", unknown_user),
    ("a user without an account", user_without_account),
    ("a run of another user", other_user),
    ("a partition that Slurm does not have", unknown_partition),
    ("more memory than it asked for", out_of_memory),
    ("a run that Slurm leaves waiting is given back", given_back),
    ("times and states as in accounting", accounting),
    ("srun in a script", srun),
    ("the nodes as Slurm has them", nodes),
    ("what the doctor says of it", doctor),
];

/// The accounting's word on a run's job.
fn sacct(rig: &Rig, spec: &LaunchSpec, field: &str) -> String {
    let number = rig.slurm().slurm_job(spec.run).expect("it has a job").to_string();
    let args = ["-nXP", "-j", &number, &format!("--format={field}")];
    rig.cluster().slurm("sacct", &args).trim().to_owned()
}

fn gres(rig: &mut Rig) {
    let spec = rig.gang(2, 3, "#!/bin/sh\n");
    rig.output(&spec);
    let mut said = String::new();
    // The accounting hears of an end at once, but of a start only every few seconds.
    wait_until("all of it to be accounted for", || {
        said = sacct(rig, &spec, "AllocTRES%200,NodeList,NNodes,JobName%80,Comment");
        said.contains("|qt-")
    });
    assert!(said.contains("gres/npu=6") && said.contains("npu[1-2]|2|"), "{said}");
    assert!(said.contains(&spec.run.to_string()), "{said}");
}

/// A run that has all cards of node 4 until it is stopped.
pub fn occupy(rig: &Rig) -> LaunchSpec {
    let mut spec = rig.spec("#!/bin/sh\necho ready\nsleep 600\n");
    spec.nodes = vec![rig.node("npu4", 8)];
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    spec
}

pub fn wait_submitted(rig: &Rig, spec: &LaunchSpec) -> String {
    wait_until("a job", || rig.slurm().slurm_job(spec.run).is_some());
    rig.slurm().slurm_job(spec.run).unwrap().to_string()
}

fn stopped_pending(rig: &mut Rig) {
    let first = occupy(rig);
    let mut second = rig.spec("#!/bin/sh\n");
    second.nodes = vec![rig.node("npu4", 1)];
    rig.launch(&second);
    wait_submitted(rig, &second);
    let seen = rig.engine().observe(second.run).unwrap();
    assert!(matches!(seen, Observation::Alive { started: None, leaving: Leaving::No, .. }), "{seen:?}");
    rig.engine().stop(second.run).unwrap();
    let ended = rig.wait_end(second.run);
    assert_eq!((ended.how, ended.started_at), (Exit::Stopped { status: None }, None));
    rig.engine().stop(first.run).unwrap();
    rig.wait_end(first.run);
}

fn waits(rig: &mut Rig) {
    let first = occupy(rig);
    let mut second = rig.spec("#!/bin/sh\n");
    second.nodes = vec![rig.node("npu4", 1)];
    rig.launch(&second);
    wait_submitted(rig, &second);
    rig.engine().stop(first.run).unwrap();
    let first = rig.wait_end(first.run);
    let second = rig.wait_end(second.run);
    assert_eq!(second.how, Exit::Code(0));
    assert!(second.started_at.unwrap() >= first.at);
}

fn scancel(rig: &mut Rig) {
    // A cancellation within a second of the start is taken for a launch that a node refused.
    let spec = rig.spec("#!/bin/sh\nsleep 2\necho ready\nsleep 600\n");
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    let number = wait_submitted(rig, &spec);
    rig.cluster().slurm("scancel", &[&number]);
    let how = rig.wait_end(spec.run).how;
    assert!(matches!(how, Exit::Stopped { .. }), "{how:?}");
}

fn requeue(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\necho mark >> mark\necho ready\nwhile [ ! -e go ]; do sleep 0.05; done\n");
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    let number = wait_submitted(rig, &spec);
    let said = rig.cluster().try_slurm("scontrol", &["requeue", &number]);
    assert!(said.is_err(), "{said:?}");
    std::fs::write(rig.work_folder(&spec).join("go"), "").unwrap();
    assert_eq!(rig.wait_end(spec.run).how, Exit::Code(0));
    assert_eq!(std::fs::read_to_string(rig.work_folder(&spec).join("mark")).unwrap(), "mark\n");
}

fn second_job(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\necho mark >> mark\necho ready\nwhile [ ! -e go ]; do sleep 0.05; done\n");
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    let number = wait_submitted(rig, &spec);
    let script = rig.cluster().slurm("scontrol", &["write", "batch_script", &number, "-"]);
    let file = rig.dir().join("again");
    std::fs::write(&file, script).unwrap();
    let file = file.to_str().unwrap();
    // Under another name, or the engine would cancel it before it comes that far.
    let again = rig.cluster().try_slurm("sbatch", &["--wait", "--job-name=other", "-o/dev/null", file]);
    assert!(again.is_err(), "it was let through");
    // Under the run's own name the engine finds it and cancels it.
    let name = format!("--job-name=qt-{}", spec.run);
    let args =
        ["--parsable", "--nodelist=npu1", "--gres=npu:8", "--begin=now+1hour", &name, "-o/dev/null", file];
    let again = rig.cluster().slurm("sbatch", &args);
    wait_until("the second job to be cancelled", || {
        rig.cluster().slurm("squeue", &["-htall", "-oX%T", "-j", again.trim()]).starts_with("XCANCELLED")
    });
    std::fs::write(rig.work_folder(&spec).join("go"), "").unwrap();
    assert_eq!(rig.wait_end(spec.run).how, Exit::Code(0));
    assert_eq!(rig.slurm().slurm_job(spec.run).unwrap().to_string(), number);
    assert_eq!(std::fs::read_to_string(rig.work_folder(&spec).join("mark")).unwrap(), "mark\n");
}

fn lost_record(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\necho mark >> mark\necho ready\nwhile [ ! -e go ]; do sleep 0.05; done\n");
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    let number = wait_submitted(rig, &spec);
    let records = rig.dir().join("data/slurm/open");
    rig.without_engine(|| std::fs::remove_file(records.join(spec.run.to_string())).unwrap());
    assert_eq!(rig.engine().observe(spec.run).unwrap(), Observation::NotLaunched);
    rig.launch(&spec);
    assert_eq!(wait_submitted(rig, &spec), number);
    std::fs::write(rig.work_folder(&spec).join("go"), "").unwrap();
    assert_eq!(rig.wait_end(spec.run).how, Exit::Code(0));
    assert_eq!(std::fs::read_to_string(rig.work_folder(&spec).join("mark")).unwrap(), "mark\n");
}

fn number_of_another(rig: &mut Rig) {
    let first = occupy(rig);
    let mut second = Rig::new(rig.kind, |config| config.times.lost = std::time::Duration::from_secs(2));
    let mut spec = second.spec("#!/bin/sh\n");
    spec.nodes = vec![second.node("npu4", 1)];
    second.launch(&spec);
    let number = wait_submitted(&second, &spec);
    let cluster = rig.cluster();
    let other = anothers(rig);
    // As after the death of a controller that had forgotten the run's job and has given its number to another
    // one.
    let record = second.slurm_config().data_dir.join("slurm/open").join(spec.run.to_string());
    second.without_engine(|| {
        cluster.slurm("scancel", &[&number]);
        let lines = std::fs::read_to_string(&record).unwrap();
        assert!(lines.contains(&number), "{lines}");
        std::fs::write(&record, lines.replace(&number, &other)).unwrap();
    });
    second.engine().stop(spec.run).unwrap();
    assert_eq!(second.wait_end(spec.run).how, Exit::Stopped { status: None });
    goes_on(rig, &other);
    rig.engine().stop(first.run).unwrap();
    rig.wait_end(first.run);
}

/// Submits a job that is none of the center's, and returns its number.
fn anothers(rig: &Rig) -> String {
    let args = ["--parsable", "--output=/dev/null", "--chdir=/tmp", "--nodelist=npu3", "--wrap=sleep 60"];
    rig.cluster().slurm("sbatch", &args).trim().to_owned()
}

/// Checks that nobody ended such a job, and ends it.
fn goes_on(rig: &Rig, number: &str) {
    let state = rig.cluster().slurm("squeue", &["-htall", "-oX%T", "-j", number]);
    assert!(["XRUNNING\n", "XPENDING\n"].contains(&state.as_str()), "{state}");
    rig.cluster().slurm("scancel", &[number]);
}

fn claims_anothers(rig: &mut Rig) {
    let other = anothers(rig);
    let script = format!(
        "#!/bin/sh\necho {other} > \"$(dirname \"$(readlink /proc/self/fd/1)\")/claim\"\necho ready\nsleep 600\n"
    );
    let spec = LaunchSpec { time_limit: Millis(2000), ..rig.spec(&script) };
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    assert_eq!(rig.wait_end(spec.run).how, Exit::TimedOut);
    goes_on(rig, &other);
}

fn renamed(rig: &mut Rig) {
    let spec = rig.spec(
        "#!/bin/sh\necho ready\nwhile [ ! -e go ]; do sleep 0.05; done\n\
         scontrol update jobid=$SLURM_JOB_ID jobname=other && echo renamed\nsleep 600\n",
    );
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    rig.wait_started(spec.run);
    std::fs::write(rig.work_folder(&spec).join("go"), "").unwrap();
    rig.wait_line(spec.run, "renamed");
    let number = wait_submitted(rig, &spec);
    rig.engine().stop(spec.run).unwrap();
    assert!(matches!(rig.wait_end(spec.run).how, Exit::Stopped { status: Some(_) }));
    let state = rig.cluster().slurm("squeue", &["-htall", "-oX%T", "-j", &number]);
    assert_ne!(state, "XRUNNING\n");
}

fn fails_to_start(rig: &Rig, spec: &LaunchSpec, want: &str) {
    rig.launch(spec);
    let ended = rig.wait_end(spec.run);
    let has_said = matches!(&ended.how, Exit::FailedToStart(why) if why.text(domain::Lang::En).to_lowercase().contains(want));
    assert!(has_said && ended.started_at.is_none(), "{ended:?}");
    assert!(rig.err(spec.run).to_lowercase().contains(want), "its user reads it: {}", rig.err(spec.run));
}

fn unknown_node(rig: &mut Rig) {
    let mut spec = rig.spec("#!/bin/sh\n");
    spec.nodes = vec![rig.node("npu77", 0)];
    fails_to_start(rig, &spec, "no node `npu77`");
}

fn node_list(rig: &mut Rig) {
    let mut spec = rig.spec("#!/bin/sh\n");
    spec.nodes = vec![rig.node("npu[1-4]", 0)];
    fails_to_start(rig, &spec, "no node `npu[1-4]`");
}

fn unknown_account(rig: &mut Rig) {
    let rig = Rig::new(rig.kind, |config| config.owner.account = Some("nobody-pays".into()));
    fails_to_start(&rig, &rig.spec("#!/bin/sh\n"), "invalid account");
}

fn unknown_user(rig: &mut Rig) {
    let rig = Rig::new(rig.kind, |config| config.owner.user = Some("qt-nobody".into()));
    fails_to_start(&rig, &rig.spec("#!/bin/sh\n"), "qt-nobody");
}

fn user_without_account(rig: &mut Rig) {
    let rig = Rig::new(rig.kind, |config| config.owner.user = Some("games".into()));
    fails_to_start(&rig, &rig.spec("#!/bin/sh\n"), "invalid account");
}

fn other_user(rig: &mut Rig) {
    let rig = Rig::new(rig.kind, |config| {
        config.owner.user = Some("qt-alice".into());
        config.owner.account = Some("own".into());
    });
    let spec = rig.spec("#!/bin/sh\nid -un; echo $USER; echo x > result; ls -ld . | cut -c1-10\n");
    assert_eq!(rig.output(&spec), "qt-alice\nqt-alice\ndrwx------\n");
    wait_until("all of it to be accounted for", || sacct(&rig, &spec, "User,Account") == "qt-alice|own");
}

fn unknown_partition(rig: &mut Rig) {
    let rig = Rig::new(rig.kind, |config| config.partition = Some("nowhere".into()));
    fails_to_start(&rig, &rig.spec("#!/bin/sh\n"), "partition");
}

fn out_of_memory(rig: &mut Rig) {
    let mut spec = rig.spec("#!/usr/bin/python3\nimport time\nkept = bytearray(300 << 20)\nkept[::4096] = b'x' * len(kept[::4096])\ntime.sleep(60)\n");
    spec.limits.memory_bytes = Some(100 << 20);
    assert_eq!(rig.run(&spec), Exit::OutOfMemory, "{}", sacct(rig, &spec, "State,ExitCode"));
}

fn given_back(rig: &mut Rig) {
    let first = occupy(rig);
    let mut second = Rig::new(rig.kind, |config| config.times.pending = std::time::Duration::from_secs(2));
    let mut spec = second.spec("#!/bin/sh\n");
    spec.nodes = vec![second.node("npu4", 1)];
    assert_eq!(second.run(&spec), Exit::Preempted);
    // The next engine knows why the run is to end.
    let again = LaunchSpec { run: second.spec("#!/bin/sh\n").run, ..spec };
    second.launch(&again);
    let record = second.slurm_config().data_dir.join("slurm/open").join(again.run.to_string());
    wait_until("it to be given back", || {
        std::fs::read_to_string(&record).map_or(true, |lines| lines.contains("\"back\""))
    });
    second.restart();
    assert_eq!(second.wait_end(again.run).how, Exit::Preempted);
    rig.engine().stop(first.run).unwrap();
    rig.wait_end(first.run);
}

fn accounting(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\nsleep 1\nexit 9\n");
    rig.launch(&spec);
    let ended = rig.wait_end(spec.run);
    let number = rig.slurm().slurm_job(spec.run).unwrap().to_string();
    let mut said = String::new();
    // The accounting gets the end from the controller, and later.
    wait_until("the end in the accounting", || {
        let out = std::process::Command::new("sacct")
            .args(["-nXP", "-j", &number, "--format=Start,End,State,ExitCode"])
            .env("SLURM_CONF", rig.cluster().conf())
            .env("SLURM_TIME_FORMAT", "%s")
            .output()
            .unwrap();
        said = String::from_utf8(out.stdout).unwrap();
        !said.contains("RUNNING")
    });
    let seconds = |at: domain::Timestamp| at.as_micros() / 1_000_000;
    let want = format!("{}|{}|FAILED|9:0\n", seconds(ended.started_at.unwrap()), seconds(ended.at));
    assert_eq!(said, want);
}

fn srun(rig: &mut Rig) {
    let script = "#!/bin/sh\n[ $RANK = 0 ] || exit 0\nsrun --overlap -N2 -n2 sh -c 'echo step on $SLURMD_NODENAME' | sort\n";
    let out = rig.output(&rig.gang(2, 0, script));
    assert_eq!(out, "step on npu1\nstep on npu2\n");
    let spec = rig.spec("#!/bin/sh\nsrun echo a step\n");
    assert_eq!(rig.output(&spec), "a step\n");
}

fn nodes(rig: &mut Rig) {
    let nodes = rig.slurm().nodes().unwrap();
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["npu1", "npu2", "npu3", "npu4"]);
    for node in &nodes {
        assert_eq!(node.gres, Some(("npu".into(), Some("ascend910".into()), 8)));
        assert_eq!((node.partition.as_str(), node.cpus, node.memory_mib), ("npu", 64, 16_000));
        assert!(node.features.contains(&"rings".to_owned()), "{node:?}");
    }
}

fn doctor(rig: &mut Rig) {
    let mut config = rig.slurm_config();
    let checks = check_slurm(&config);
    assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
    let Access::Rest { token, .. } = &mut config.access else { return };
    let key = rig.dir().join("other.key");
    std::fs::write(&key, [7; 32]).unwrap();
    *token = Token::Key(key);
    let checks = check_slurm(&config);
    let failed: Vec<_> = checks.iter().filter(|check| !check.ok).collect();
    let [check] = failed.as_slice() else { panic!("{checks:#?}") };
    assert_eq!(check.name, "Slurm's token", "{checks:#?}");
}
