//! The environment of scripts, their outputs and their files.

use std::os::unix::fs::PermissionsExt as _;

use domain::{CardSet, spec::MAX_SCRIPT_BYTES};
use engines::{ArrayTask, Exit, LaunchSpec, Stream};

use testkit::engine::{UnderTest as _, variables};

use super::{
    Case,
    rig::{Rig, wait_until},
};

pub const CASES: &[Case] = &[
    ("a script that succeeds", succeeds),
    ("both outputs are kept apart", outputs),
    ("an exit code", exit_code),
    ("the highest exit code", highest_exit_code),
    ("a signal is told from a code", signal),
    ("codes that look like signals stay codes", codes_like_signals),
    ("a code that looks like a time-out stays a code", code_like_time_out),
    ("a script without a first line, with arguments", arguments),
    ("a script of another language", python),
    ("the longest script", long_script),
    ("standard input is empty", standard_input),
    ("bytes that are no text", bytes),
    ("odd characters in names and values", odd_values),
    ("odd names of variables", odd_names),
    ("variables that the start of a run uses itself", own_names),
    ("the environment is the run's own", environment),
    ("the place of a run can't be changed by its variables", fixed_names),
    ("cards are named", cards),
    ("a task of an array", array),
    ("an interpreter that is not there", missing_interpreter),
    ("a script with the line ends of Windows", windows),
    ("an interpreter that is no program", forbidden_interpreter),
    ("work stays, temporary files go", folders),
    ("the script is the one that was given, without more", script_text),
    ("a script of bash is run as by a new shell", new_shell),
    ("a script that bash can't read", unreadable),
];

fn succeeds(rig: &mut Rig) {
    assert_eq!(rig.output(&rig.spec("#!/bin/sh\necho done\n")), "done\n");
}

fn outputs(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\necho out\necho err >&2\nexit 7\n");
    assert_eq!(rig.run(&spec), Exit::Code(7));
    assert_eq!((rig.out(spec.run), rig.err(spec.run)), ("out\n".into(), "err\n".into()));
}

fn exit_code(rig: &mut Rig) {
    assert_eq!(rig.run(&rig.spec("#!/bin/sh\nexit 1\n")), Exit::Code(1));
}

fn highest_exit_code(rig: &mut Rig) {
    assert_eq!(rig.run(&rig.spec("#!/bin/sh\nexit 255\n")), Exit::Code(255));
}

fn signal(rig: &mut Rig) {
    assert_eq!(rig.run(&rig.spec("#!/bin/sh\nkill -KILL $$\n")), Exit::Signal(9));
    assert_eq!(rig.run(&rig.spec("#!/bin/sh\nkill -SEGV $$\n")), Exit::Signal(11));
}

fn codes_like_signals(rig: &mut Rig) {
    assert_eq!(rig.run(&rig.spec("#!/bin/sh\nexit 137\n")), Exit::Code(137));
}

fn code_like_time_out(rig: &mut Rig) {
    assert_eq!(rig.run(&rig.spec("#!/bin/sh\nexit 124\n")), Exit::Code(124));
}

fn arguments(rig: &mut Rig) {
    let mut spec = rig.spec("printf '%s|' \"$@\"");
    spec.args = vec!["a b".into(), String::new(), "*".into(), "it's \"$HOME\" `id`\n2".into(), "-n".into()];
    assert_eq!(rig.output(&spec), "a b||*|it's \"$HOME\" `id`\n2|-n|");
}

fn python(rig: &mut Rig) {
    assert_eq!(rig.output(&rig.spec("#!/usr/bin/env python3\nimport sys\nprint(sum(range(5)))\n")), "10\n");
}

fn long_script(rig: &mut Rig) {
    let line = "# This line is only there to make the script long, as those that programs write are.\n";
    let mut script = "#!/bin/sh\n".to_owned();
    while script.len() + line.len() + 20 < MAX_SCRIPT_BYTES {
        script.push_str(line);
    }
    script.push_str("echo the end\n");
    assert_eq!(rig.output(&rig.spec(&script)), "the end\n");
}

fn standard_input(rig: &mut Rig) {
    assert_eq!(rig.output(&rig.spec("#!/bin/sh\ncat; echo end\n")), "end\n");
}

fn bytes(rig: &mut Rig) {
    let spec = rig.spec("#!/bin/sh\nprintf '\\377\\000\\n\\r\\200x'\n");
    assert_eq!(rig.run(&spec), Exit::Code(0));
    let chunk = rig.engine().read_log(spec.run, Stream::Stdout, 0, 100).unwrap();
    assert_eq!(chunk.bytes, b"\xff\0\n\r\x80x");
}

fn odd_values(rig: &mut Rig) {
    let mut spec = rig
        .spec("#!/bin/sh\nprintf '%s|' \"$QIANTANG_JOB_NAME\" \"$QIANTANG_PROJECT\" \"$TEXT\" \"$EMPTY\"\n");
    spec.job_name = "训练 'a' \"b\" $(id) `id` ;&|<>% %j \\ \n#SBATCH --exclusive".into();
    spec.project = "-p ünïcode\t".into();
    let text = "'; exit 9; '\n$HOME\\\r\u{1f600}";
    spec.env = vec![("TEXT".into(), text.into()), ("EMPTY".into(), String::new())];
    let want = format!("{}|{}|{text}||", spec.job_name, spec.project);
    assert_eq!(rig.output(&spec), want);
}

fn odd_names(rig: &mut Rig) {
    let mut spec = rig.spec(
        "#!/usr/bin/python3\nimport os\nprint(os.environ['a-b.c'], os.environ['1x'], os.environ['名'])\n",
    );
    spec.env = vec![("a-b.c".into(), "1 2".into()), ("1x".into(), "'3'".into()), ("名".into(), "字".into())];
    assert_eq!(rig.output(&spec), "1 2 '3' 字\n");
}

fn own_names(rig: &mut Rig) {
    let names = ["run", "rank", "code", "name", "nodes", "IFS", "UID", "SECONDS", "first", "cards"];
    let mut spec = rig
        .spec("#!/usr/bin/python3\nimport os, sys\nprint(*(os.environ[n] for n in sys.argv[1:]), sep='|')\n");
    spec.env = names.iter().map(|name| ((*name).to_owned(), format!("my {name}"))).collect();
    spec.args = names.iter().map(|name| (*name).to_owned()).collect();
    let want = names.iter().map(|name| format!("my {name}")).collect::<Vec<_>>().join("|");
    assert_eq!(rig.output(&spec), want + "\n");
}

fn environment(rig: &mut Rig) {
    let mut spec = rig.spec(
        "#!/usr/bin/env -S python3 -I\nimport os\nfor k in os.environ: print(f'{k}={os.environ[k]}')\n",
    );
    spec.env = vec![("PATH".into(), "/usr/bin:/opt/own/bin".into()), ("HOME".into(), "/opt/home".into())];
    let env = variables(&rig.output(&spec));
    for (name, want) in [("PATH", "/usr/bin:/opt/own/bin"), ("SHELL", "/bin/sh"), ("HOME", "/opt/home")] {
        assert_eq!(env.get(name).map(String::as_str), Some(want), "{name}");
    }
    let of_job = spec.job.to_string();
    assert_eq!(env.get("QIANTANG_JOB_ID"), Some(&of_job));
    let is_known = |name: &str| {
        ["QIANTANG_", "SLURM", "MASTER_"].iter().any(|start| name.starts_with(start))
            || [
                "PATH",
                "HOME",
                "USER",
                "LOGNAME",
                "SHELL",
                "LC_CTYPE",
                "PWD",
                "TMPDIR",
                "RANK",
                "LOCAL_RANK",
                "_",
            ]
            .contains(&name)
            || ["WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK"].contains(&name)
    };
    let strange: Vec<_> = env.keys().filter(|name| !is_known(name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    for name in ["PWD", "HOME", "TMPDIR"] {
        assert!(env[name].starts_with('/'), "{name}={}", env[name]);
    }
    assert!(env["SLURM_JOB_ID"].parse::<u64>().is_ok());
}

fn fixed_names(rig: &mut Rig) {
    let mut spec =
        rig.spec("#!/bin/sh\necho $RANK $WORLD_SIZE $QIANTANG_RUN_ID $SLURM_JOB_NAME $SLURM_NTASKS\n");
    spec.env = ["RANK", "WORLD_SIZE", "QIANTANG_RUN_ID", "SLURM_JOB_NAME", "SLURM_NTASKS"]
        .map(|name| (name.to_owned(), "99".to_owned()))
        .to_vec();
    assert_eq!(rig.output(&spec), format!("0 1 {} test 1\n", spec.run));
}

fn cards(rig: &mut Rig) {
    let mut spec = rig.spec(
        "#!/bin/sh\necho $ASCEND_RT_VISIBLE_DEVICES $SLURM_GPUS_ON_NODE $RANK_SIZE $QIANTANG_CARD_MODEL\n",
    );
    spec.nodes = vec![rig.node("npu2", 0)];
    spec.nodes[0].cards = CardSet::from_bits(0b1100);
    assert_eq!(rig.output(&spec), "2,3 2 2 ascend910\n");
}

fn array(rig: &mut Rig) {
    let mut spec = rig.spec("#!/bin/sh\necho $SLURM_ARRAY_TASK_ID $SLURM_ARRAY_TASK_COUNT $SLURM_ARRAY_TASK_MAX $QIANTANG_ARRAY_INDEX\n");
    spec.array = Some(ArrayTask { index: 3, count: 4, min: 0, max: 6, step: 1 });
    assert_eq!(rig.output(&spec), "3 4 6 3\n");
}

fn fails_to_start(rig: &mut Rig, script: &str, want: &str) {
    let spec = rig.spec(script);
    rig.launch(&spec);
    let ended = rig.wait_end(spec.run);
    assert_eq!(ended.started_at, None);
    assert!(
        matches!(&ended.how, Exit::FailedToStart(why) if why.text(domain::Lang::En).contains(want)),
        "{ended:?}"
    );
}

fn missing_interpreter(rig: &mut Rig) {
    fails_to_start(rig, "#!/usr/bin/pytohn3\n", "/usr/bin/pytohn3: no such file");
}

fn windows(rig: &mut Rig) {
    fails_to_start(rig, "#!/bin/sh\r\necho\r\n", "line ends of Windows");
}

fn forbidden_interpreter(rig: &mut Rig) {
    fails_to_start(rig, "#!/etc/passwd\n", "/etc/passwd: permission denied");
}

fn folders(rig: &mut Rig) {
    let spec = rig
        .spec("#!/bin/sh\necho x > result\nmkdir -p $TMPDIR/a/b && chmod 500 $TMPDIR/a && echo $TMPDIR/a\n");
    let temporary = rig.output(&spec);
    let work = rig.work_folder(&spec);
    assert_eq!(std::fs::read_to_string(work.join("result")).unwrap(), "x\n");
    assert_eq!(work.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    wait_until("the temporary files to go", || !std::path::Path::new(temporary.trim()).exists());
}

fn script_text(rig: &mut Rig) {
    for shell in ["sh", "bash"] {
        let script =
            format!("#!/bin/{shell}\n#SBATCH --exclusive --nodes=9\ncat \"$0\"; echo \"[$0]\" | tail -c 2\n");
        let out = rig.output(&rig.spec(&script));
        assert!(out.starts_with(&script), "{out}");
    }
}

fn new_shell(rig: &mut Rig) {
    let script = "#!/bin/bash\nprintf '%s|' $LINENO \"$#\" \"$@\" \"$?\" $SHLVL \"$-\"; printf '%q\\n' \"$IFS\"\n\
        trap; declare -F; compgen -v qt_; jobs; hash\n\
        env | grep -c -e '^PWD=' -e '^SHLVL=1'; env | grep '^MY='\n\
        [ \"$PWD\" = \"$(pwd -P)\" ] && cd / && echo \"$OLDPWD\" | grep -c .\n\
        nothing-of-that-name\n\
        [ \"$HOSTNAME\" = \"$(< /proc/sys/kernel/hostname)\" ] && echo \"$PS4$OPTERR\"\n\
        exit 3\n";
    let want = "2|2|a b|*|0|1|hB|$' \\t\\n'\n2\nMY=my 'own'\\n\n1\n+ 1\n";
    let mut spec = rig.spec(script);
    spec.args = vec!["a b".into(), "*".into()];
    let own = ("MY".to_owned(), "my 'own'\\n".to_owned());
    // The second has a variable that a new shell does not take.
    for (odd, value) in [("OTHER", ""), ("IFS", "my IFS")] {
        spec =
            LaunchSpec { run: rig.spec("").run, env: vec![own.clone(), (odd.into(), value.into())], ..spec };
        assert_eq!(rig.run(&spec), Exit::Code(3));
        assert_eq!(rig.out(spec.run).replace("hash: hash table empty\n", ""), want, "{odd}");
        assert!(rig.err(spec.run).contains(": line 6: nothing-of-that-name: "), "{}", rig.err(spec.run));
    }
}

fn unreadable(rig: &mut Rig) {
    let long = "x".repeat(8000);
    for (script, line) in [
        ("#!/bin/bash\nif\n", 3),
        ("#!/bin/bash\n\n: ')\n", 3),
        ("#!/bin/bash\n:\n)\n", 3),
        ("#!/bin/bash\n:; fi\n", 2),
    ] {
        let spec = LaunchSpec { env: vec![("LONG".into(), long.clone())], ..rig.spec(script) };
        assert_eq!(rig.run(&spec), Exit::Code(2), "{script}");
        let err = rig.err(spec.run);
        assert!(err.contains(&format!(": line {line}: ")), "{script}: {err}");
    }
}
