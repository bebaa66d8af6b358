//! The life of a run: launched once, stopped, timed out, taken up again.

use std::path::Path;

use domain::{
    Millis,
    spec::{MAX_NODES, MAX_SCRIPT_BYTES},
};
use engines::{EngineError, Exit, InvalidSpec, LaunchSpec, Observation, Status, Stream};

use testkit::{
    engine::{UnderTest as _, is_alive},
    now,
};

use super::{
    Case,
    rig::{Rig, wait_until},
};

const TOO_MANY_NODES: usize = MAX_NODES as usize + 1;

pub const CASES: &[Case] = &[
    ("times of a run", times),
    ("a time limit that is heeded", time_limit),
    ("a time limit that is ignored", ignored_time_limit),
    ("a run is stopped with its processes", stop),
    ("a run that ignores being stopped", ignored_stop),
    ("a run that ends well when it is stopped", stopped_with_code),
    ("a run stopped before its launch", stopped_before),
    ("a run stopped right after its launch", stopped_at_once),
    ("a run that is over stays as it is", stopped_after),
    ("a run launched twice", launched_twice),
    ("a run launched after its end", launched_after_end),
    ("a run that was never heard of", unknown),
    ("a log in parts", log_in_parts),
    ("a log while it grows", log_that_grows),
    ("a log beyond its limit", log_limit),
    ("a log that is a link", log_link),
    ("invalid requests", invalid),
    ("a restart while a run runs", restart_running),
    ("a restart after a run's end", restart_ended),
    ("a restart right after a launch", restart_launched),
    ("a restart right after a stop", restart_stopped),
    ("an end that comes while no engine is there", end_without_engine),
    ("a time limit that is over while no engine is there", time_limit_without_engine),
    ("many runs at once", many),
];

fn times(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\nsleep 1.2\n");
    let before = now();
    rig.launch(&spec);
    let started_at = rig.wait_started(spec.run);
    let ended = rig.wait_end(spec.run);
    assert_eq!(ended.started_at, Some(started_at));
    let took_ms = ended.at.since(started_at).0;
    // A start is noted once it is made, on a busy machine a moment after the script's first command.
    assert!((1000 - rig.tick_ms()..8000).contains(&took_ms), "{took_ms} ms");
    let since_launch_ms = ended.at.since(before).0;
    assert!(since_launch_ms >= 1200 - rig.tick_ms(), "it ends {since_launch_ms} ms after its launch");
    assert!(before.since(started_at).0 <= rig.tick_ms(), "{before} {started_at}");
    assert!(ended.at <= now());
}

fn time_limit(rig: &mut Rig) {
    let mut spec =
        rig.spec("#!/bin/sh\ntrap 'echo saved; exit 3' TERM\necho ready\nwhile :; do sleep 0.05; done\n");
    spec.time_limit = Millis(1500);
    rig.launch(&spec);
    let ended = rig.wait_end(spec.run);
    assert_eq!(ended.how, Exit::TimedOut, "{}", rig.err(spec.run));
    assert_eq!(rig.out(spec.run), "ready\nsaved\n");
    let took_ms = ended.at.since(ended.started_at.unwrap()).0;
    let slack_ms = rig.tick_ms() + 10;
    assert!((1500 - slack_ms..5000).contains(&took_ms), "the grace is not used up: {took_ms} ms");
}

fn ignored_time_limit(rig: &mut Rig) {
    let mut spec = rig.spec("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.05; done\n");
    (spec.time_limit, spec.kill_grace) = (Millis(500), Millis(700));
    rig.launch(&spec);
    let ended = rig.wait_end(spec.run);
    assert_eq!(ended.how, Exit::TimedOut);
    let took_ms = ended.at.since(ended.started_at.unwrap()).0;
    // For Slurm a job is over when it is told to end.
    let least_ms = if rig.tick_ms() == 1 { 1190 } else { 0 };
    assert!((least_ms..5000).contains(&took_ms), "{took_ms} ms");
}

fn is_stopped(how: &Exit) -> bool {
    matches!(how, Exit::Stopped { .. })
}

fn stop(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\nsleep 600 &\necho child $!\nwait\n");
    rig.launch(&spec);
    let child: i32 = rig.wait_line(spec.run, "child ").parse().unwrap();
    rig.wait_started(spec.run);
    rig.engine().stop(spec.run).unwrap();
    rig.engine().stop(spec.run).unwrap();
    let ended = rig.wait_end(spec.run);
    assert_eq!(ended.how, Exit::Stopped { status: Some(Status::Signal(15)) });
    assert!(!is_alive(child));
}

fn ignored_stop(rig: &mut Rig) {
    let mut spec = rig.spec("#!/bin/sh\ntrap '' TERM\necho ready\nwhile :; do sleep 0.05; done\n");
    spec.kill_grace = Millis(500);
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    rig.engine().stop(spec.run).unwrap();
    let how = rig.wait_end(spec.run).how;
    assert!(is_stopped(&how), "{how:?}");
}

fn stopped_with_code(rig: &mut Rig) {
    let spec =
        rig.spec("#!/bin/sh\ntrap 'echo saved; exit 3' TERM\necho ready\nwhile :; do sleep 0.05; done\n");
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    rig.wait_started(spec.run);
    rig.engine().stop(spec.run).unwrap();
    let how = rig.wait_end(spec.run).how;
    assert!(is_stopped(&how), "{how:?}");
    assert_eq!(rig.out(spec.run), "ready\nsaved\n", "it was given time");
}

fn stopped_before(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\necho started > mark\n");
    rig.engine().stop(spec.run).unwrap();
    assert_eq!(rig.run(&spec), Exit::Stopped { status: None });
    rig.output(&rig.spec("#!/bin/sh\n"));
    assert!(!rig.work_folder(&spec).join("mark").exists());
}

fn stopped_at_once(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\nsleep 60\n");
    rig.launch(&spec);
    rig.engine().stop(spec.run).unwrap();
    let how = rig.wait_end(spec.run).how;
    assert!(is_stopped(&how), "{how:?}");
}

fn stopped_after(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\nexit 4\n");
    rig.launch(&spec);
    let ended = rig.wait_end(spec.run);
    rig.engine().stop(spec.run).unwrap();
    assert_eq!(rig.wait_end(spec.run), ended);
}

const MARK: &str = "#!/bin/sh\necho $QIANTANG_RUN_ID >> mark\n";

fn marks(rig: &Rig, spec: &LaunchSpec) -> usize {
    let text = std::fs::read_to_string(rig.work_folder(spec).join("mark")).unwrap_or_default();
    text.lines().count()
}

fn launched_twice(rig: &mut Rig) {
    let spec = rig.spec(MARK);
    for _ in 0..5 {
        rig.launch(&spec);
    }
    assert_eq!(rig.wait_end(spec.run).how, Exit::Code(0));
    rig.output(&rig.spec("#!/bin/sh\n"));
    assert_eq!(marks(rig, &spec), 1);
}

fn launched_after_end(rig: &mut Rig) {
    let spec = rig.spec(MARK);
    rig.launch(&spec);
    let ended = rig.wait_end(spec.run);
    rig.launch(&spec);
    assert_eq!(rig.wait_end(spec.run), ended);
    rig.restart();
    rig.launch(&spec);
    rig.output(&rig.spec("#!/bin/sh\n"));
    assert_eq!((rig.wait_end(spec.run), marks(rig, &spec)), (ended, 1));
}

fn unknown(rig: &mut Rig) {
    let run = rig.spec("").run;
    assert_eq!(rig.engine().observe(run).unwrap(), Observation::NotLaunched);
    let chunk = rig.engine().read_log(run, Stream::Stdout, 5, 100).unwrap();
    assert_eq!((chunk.bytes.len(), chunk.end_offset), (0, 0));
}

fn log_in_parts(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\nprintf 0123456789\n");
    rig.output(&spec);
    for (offset, max, want) in
        [(0, 4, "0123"), (4, 4, "4567"), (8, 4, "89"), (10, 4, ""), (99, 4, ""), (3, 0, "")]
    {
        let chunk = rig.engine().read_log(spec.run, Stream::Stdout, offset, max).unwrap();
        assert_eq!((chunk.bytes, chunk.offset, chunk.end_offset), (want.as_bytes().to_vec(), offset, 10));
    }
}

fn log_that_grows(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\necho one\nwhile [ ! -e go ]; do sleep 0.05; done\necho two\n");
    rig.launch(&spec);
    rig.wait_line(spec.run, "one");
    rig.wait_started(spec.run);
    std::fs::write(rig.work_folder(&spec).join("go"), "").unwrap();
    rig.wait_end(spec.run);
    assert_eq!(rig.engine().read_log(spec.run, Stream::Stdout, 4, 100).unwrap().bytes, b"two\n");
}

fn log_limit(rig: &mut Rig) {
    let mut spec = rig.spec(
        "#!/bin/sh\necho first\nhead -c 300000 /dev/zero | tr '\\0' x\necho short >&2\nprintf '\\nTraceback: the end\\n'\n",
    );
    spec.log_limit_bytes = 100_000;
    assert_eq!(rig.run(&spec), Exit::Code(0), "a run isn't held up by its log being full");
    let read = |stream, offset, max| rig.engine().read_log(spec.run, stream, offset, max).unwrap();
    let written = 6 + 300_000 + 20;
    let head = read(Stream::Stdout, 0, 1 << 20);
    let gap = head.gap.clone().expect("something is left out");
    assert_eq!((head.end_offset, gap.start, head.truncated), (written, head.bytes.len() as u64, false));
    assert!(head.bytes.starts_with(b"first\nxxx") && gap.start == 50_000, "{gap:?}");
    let tail = read(Stream::Stdout, 70_000, 1 << 20);
    assert_eq!((tail.offset, tail.offset + tail.bytes.len() as u64), (gap.end, written));
    assert!(tail.bytes.ends_with(b"x\nTraceback: the end\n"));
    let kept = head.bytes.len() + tail.bytes.len();
    assert!((87_500..=100_000).contains(&kept), "{kept} bytes are kept");
    let chunk = read(Stream::Stderr, 0, 1000);
    assert_eq!((chunk.bytes.as_slice(), chunk.gap, chunk.truncated), (b"short\n".as_slice(), None, false));
    let layout = rig.engine().log_layout(spec.run).unwrap();
    assert_eq!((layout.end_offsets, layout.gaps), ([written, 6], [Some(gap), None]));
}

fn log_link(rig: &mut Rig) {
    // A run that finds its own log and puts a link in its place must not get the center to read for it.
    let secret = rig.dir().join("secret");
    std::fs::write(&secret, "of the center").unwrap();
    let script = "#!/bin/sh
log=$(readlink /proc/self/fd/1)
case $log in /*/stdout) rm -f \"$log\" && ln -s \"$1\" \"$log\" && ls -l \"$log\" >&2 ;; *) echo none >&2 ;; esac
";
    let mut spec = rig.spec(script);
    spec.args = vec![secret.display().to_string()];
    rig.run(&spec);
    let read = rig.engine().read_log(spec.run, Stream::Stdout, 0, 1000);
    assert!(read.map_or(true, |chunk| chunk.bytes.is_empty()), "{}", rig.err(spec.run));
}

fn invalid(rig: &mut Rig) {
    let refuses = |change: fn(&mut LaunchSpec), want: fn(&InvalidSpec) -> bool| {
        let mut spec = rig.spec("#!/bin/sh\n");
        change(&mut spec);
        match rig.engine().launch(&spec) {
            Err(EngineError::InvalidSpec(why)) => assert!(want(&why), "{why}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(rig.engine().observe(spec.run).unwrap(), Observation::NotLaunched);
    };
    refuses(|spec| spec.nodes.clear(), |why| matches!(why, InvalidSpec::Nodes(0)));
    refuses(
        |spec| spec.nodes = vec![spec.nodes[0].clone(); TOO_MANY_NODES],
        |why| matches!(why, InvalidSpec::Nodes(TOO_MANY_NODES)),
    );
    refuses(
        |spec| {
            spec.nodes[0].name = "n".repeat(64);
            spec.nodes = vec![spec.nodes[0].clone(); TOO_MANY_NODES - 1];
        },
        |why| matches!(why, InvalidSpec::NodeNames(_)),
    );
    refuses(
        |spec| spec.script = "x".repeat(MAX_SCRIPT_BYTES + 1),
        |why| matches!(why, InvalidSpec::ScriptTooLong(_)),
    );
    refuses(|spec| spec.args = vec!["x".repeat(2 << 20)], |why| matches!(why, InvalidSpec::ArgsTooLong(_)));
    refuses(|spec| spec.env = vec![("A=B".into(), "c".into())], |why| matches!(why, InvalidSpec::EnvName(_)));
    refuses(
        |spec| spec.env = vec![(String::new(), "c".into())],
        |why| matches!(why, InvalidSpec::EnvName(_)),
    );
    refuses(|spec| spec.env = vec![("A".into(), "\0".into())], |why| matches!(why, InvalidSpec::Nul(_)));
    refuses(|spec| spec.args = vec!["\0".into()], |why| matches!(why, InvalidSpec::Nul(_)));
    refuses(|spec| spec.job_name = "\0".into(), |why| matches!(why, InvalidSpec::Nul(_)));
}

fn wait_for_file(what: &str) -> String {
    format!("#!/bin/sh\necho mark >> mark\necho ready\nwhile [ ! -e go ]; do sleep 0.05; done\n{what}\n")
}

fn restart_running(rig: &mut Rig) {
    let spec = rig.spec(&wait_for_file("echo late; exit 6"));
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    let started_at = rig.wait_started(spec.run);
    rig.restart();
    assert_eq!(rig.wait_started(spec.run), started_at);
    std::fs::write(rig.work_folder(&spec).join("go"), "").unwrap();
    let ended = rig.wait_end(spec.run);
    assert_eq!((ended.how, ended.started_at), (Exit::Code(6), Some(started_at)));
    assert_eq!((rig.out(spec.run), marks(rig, &spec)), ("ready\nlate\n".into(), 1));
}

fn restart_ended(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\necho text\nexit 5\n");
    rig.launch(&spec);
    let ended = rig.wait_end(spec.run);
    rig.restart();
    assert_eq!((rig.wait_end(spec.run), rig.out(spec.run)), (ended, "text\n".into()));
}

fn restart_launched(rig: &mut Rig) {
    let specs: Vec<LaunchSpec> = (0..6).map(|_| rig.spec(MARK)).collect();
    for spec in &specs {
        rig.launch(spec);
    }
    rig.restart();
    for spec in &specs {
        // The center launches again what the engine before did not keep.
        rig.launch(spec);
        assert_eq!(rig.wait_end(spec.run).how, Exit::Code(0));
    }
    rig.output(&rig.spec("#!/bin/sh\n"));
    assert!(specs.iter().all(|spec| marks(rig, spec) == 1));
}

fn restart_stopped(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\necho ready\nsleep 600\n");
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    rig.wait_started(spec.run);
    rig.engine().stop(spec.run).unwrap();
    rig.restart();
    let how = rig.wait_end(spec.run).how;
    assert!(is_stopped(&how), "{how:?}");
}

fn end_without_engine(rig: &mut Rig) {
    let spec = rig.spec(&wait_for_file("touch gone; exit 8"));
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    rig.wait_started(spec.run);
    let work = rig.work_folder(&spec);
    rig.without_engine(|| {
        std::fs::write(work.join("go"), "").unwrap();
        wait_until("the run to go on by itself", || Path::new(&work.join("gone")).exists());
    });
    assert_eq!(rig.wait_end(spec.run).how, Exit::Code(8));
}

fn time_limit_without_engine(rig: &mut Rig) {
    let mut spec = rig.spec("#!/bin/sh\necho ready\nsleep 600\n");
    spec.time_limit = Millis(2000);
    rig.launch(&spec);
    rig.wait_line(spec.run, "ready");
    let started_at = rig.wait_started(spec.run);
    rig.without_engine(|| {
        wait_until("the time limit to be over", || now().since(started_at).0 > 3200);
    });
    let ended = rig.wait_end(spec.run);
    assert_eq!(ended.how, Exit::TimedOut);
    assert!(ended.at.since(started_at).0 >= 2000 - rig.tick_ms(), "{ended:?}");
}

fn many(rig: &mut Rig) {
    let codes = 0..24;
    let specs: Vec<LaunchSpec> =
        codes.clone().map(|code| rig.spec(&format!("#!/bin/sh\necho {code}\nexit {code}\n"))).collect();
    for spec in &specs {
        rig.launch(spec);
    }
    for (code, spec) in codes.zip(&specs) {
        assert_eq!(rig.wait_end(spec.run).how, Exit::Code(code));
        assert_eq!(rig.out(spec.run), format!("{code}\n"));
    }
}
