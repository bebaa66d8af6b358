use super::*;
use crate::{
    Lang, Millis, ServiceClass,
    batch::{Memory, Warning},
    spec::DependencyKind,
};
use proptest::prelude::*;

fn good(options: &str) -> ParsedScript {
    parse(format!("#!/bin/bash\n#SBATCH {options}\ntrue\n")).unwrap_or_else(|p| panic!("{options}: {p:?}"))
}

fn bad(options: &str) -> String {
    let problems = parse(format!("#!/bin/bash\n#SBATCH {options}\n")).expect_err(options);
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn cards_are_read_in_all_their_forms() {
    for (options, nodes, cards, model) in [
        ("--gres=npu:8", 1, 8, None),
        ("--gres=npu", 1, 1, None),
        ("--gres npu:ascend-910:4 -N 2", 2, 4, Some("ascend-910")),
        ("--gres=gpu:2", 1, 2, None),
        ("-G 16 -N2", 2, 8, None),
        ("--gpus=ascend-910:4 -N 1", 1, 4, Some("ascend-910")),
        ("--gpus-per-n=8 --tasks-per-node=8 -n 16", 2, 8, None),
        ("--gpus-per-node=8 --nodes=4", 4, 8, None),
        ("--nodes=4", 4, 1, None),
        ("-C ascend-910|ascend-910b2 -N 1", 1, 1, Some("ascend-910|ascend-910b2")),
        ("--ntasks-per-node=8 --gpus-per-task=1", 1, 8, None),
    ] {
        let spec = good(options).spec;
        assert_eq!(
            (spec.nodes, spec.cards_per_node, spec.card_model.as_deref()),
            (nodes, cards, model),
            "{options}"
        );
    }
}

#[test]
fn nodes_are_chosen() {
    for (options, most, alone, labels) in [
        ("-N 2", 2, false, &[][..]),
        ("--nodes=2-4", 4, false, &[]),
        ("-N 2-2 --exclusive", 2, true, &[]),
        ("-N 2 --exclusive=user -C nvme", 2, true, &["nvme"]),
        ("-N 2 --constraint=nvme&ib-400", 2, false, &["nvme", "ib-400"]),
        ("-N 2 --constraint=nvme -C ascend-910", 2, false, &["ascend-910"]),
    ] {
        let spec = good(options).spec;
        assert_eq!((spec.most_nodes(), spec.exclusive), (most, alone), "{options}");
        assert_eq!(
            (spec.nodes, spec.labels.iter().map(String::as_str).collect::<Vec<_>>()),
            (2, labels.to_vec()),
            "{options}"
        );
    }
    let spec = good("-C (a|b)&nvme").spec;
    assert_eq!(spec.card_models().collect::<Vec<_>>(), ["a", "b"]);
    assert!(spec.takes_model("b") && !spec.takes_model("c"));
    assert_eq!(spec.labels, ["nvme"]);
}

#[test]
fn times_are_read_in_all_their_forms() {
    for (text, seconds) in [
        ("30", 1800),
        ("1:30", 90),
        ("01:00:05", 3605),
        ("2-3", 183_600),
        ("2-3:30", 185_400),
        ("1-00:00:01", 86_401),
    ] {
        assert_eq!(
            good(&format!("-t {text}")).spec.time_limit_ms,
            Some(Millis::from_secs(seconds)),
            "{text}"
        );
    }
    assert!(bad("--time=soon").contains("line 2: --time"));
    assert!(bad("--time=99999999999999999999").contains("line 2: --time"));
}

#[test]
fn the_rest_is_read_too() {
    let id = format!("job_{}", "0".repeat(31) + "7");
    let text = format!(
        "#!/bin/bash\n#SBATCH -J \"two words\" -A digits # a comment\n\n# note\n#SBATCH --qos=urgent\n\
         #SBATCH --array=0-7:2,9%3\n#SBATCH -d afterok:{id},afterany:{id} --comment='x y' --export=A=1,B=2\ntrue\n\
         #SBATCH --nodes=9\n"
    );
    let spec = parse(&text).unwrap().spec;
    assert_eq!((spec.name.as_str(), spec.project.as_deref(), spec.nodes), ("two words", Some("digits"), 1));
    assert_eq!((spec.service_class, spec.comment.as_str()), (ServiceClass::Urgent, "x y"));
    let array = spec.array.unwrap();
    assert_eq!(
        (array.len(), array.index(3), array.index(4), array.max_running),
        (5, Some(6), Some(9), Some(3))
    );
    assert_eq!(
        spec.after.iter().map(|d| d.when).collect::<Vec<_>>(),
        [DependencyKind::Succeeded, DependencyKind::Ended]
    );
    assert_eq!(spec.env.get("B").map(String::as_str), Some("2"));
}

#[test]
fn mail_is_asked_for_by_its_moments() {
    use crate::spec::mail::{JobMail, MailOn};
    let mail = |options: &str| good(options).spec.mail;
    let asked =
        |on: &[MailOn], to: Option<&str>| Some(JobMail { on: on.to_vec(), to: to.map(str::to_owned) });
    assert_eq!(mail("--mail-type=END,FAIL"), asked(&[MailOn::End, MailOn::Fail], None));
    assert_eq!(
        mail("--mail-user=lin@univ.example --mail-type=begin"),
        asked(&[MailOn::Begin], Some("lin@univ.example"))
    );
    // sbatch sends nothing to a user alone, and the option that comes last holds.
    assert_eq!(mail("--mail-user=lin"), None);
    assert_eq!(mail("--mail-type=ALL --mail-type=NONE"), None);
    assert_eq!(mail("--nodes=1"), None);
    let odd = good("--mail-type=END --mail-user=\"a\tb\"").spec.problems();
    assert!(odd.iter().any(|problem| problem.to_string().contains("mail.to")), "{odd:?}");
}

#[test]
fn what_is_not_taken_is_named() {
    let notes = good("--mem=10G --mail-type=END,STAGE_OUT --output=out-%j.txt -p gpu --nice").notes;
    let named: Vec<&str> = notes.iter().map(|note| note.option.as_str()).collect();
    assert_eq!(named, ["--mem", "--mail-type", "--output", "--partition", "--nice"]);
    assert!(notes.iter().all(|note| note.line == 2 && !note.why.text(Lang::En).is_empty()));
    for (options, want) in [
        ("--nodes=0", "line 2: --nodes"),
        ("--nodes=2-", "line 2: --nodes"),
        ("--constraint=[rack1*2]", "line 2: --constraint"),
        ("--gres=tpu:1", "tpu"),
        ("-G 7 -N 2", "7"),
        ("--array=1-", "--array"),
        ("--array=0-9999999", "--array"),
        ("--dependency=singleton", "singleton"),
        ("--dependency=afterok:123", "123"),
        ("--qos=gold", "urgent, normal, spot"),
        ("--job-name", "needs a value"),
        ("--job-name='x", "not closed"),
        ("nonsense", "nonsense"),
        ("--hold", "--hold"),
    ] {
        let told = bad(options);
        assert!(told.contains(want), "{options}: {told}");
    }
}

#[test]
fn a_script_for_sbatch_is_started_once() {
    let launch = |text: &str| parse(format!("#!/bin/bash\n{text}")).unwrap().spec.launch;
    assert_eq!(launch("#SBATCH -N 2\nsrun hostname\n"), Launch::Batch);
    assert_eq!(launch("# SBATCH -N 2\nhostname\n#SBATCH -N 2\n"), Launch::EachNode);
    assert_eq!(launch("#QIANTANG --nodes=2\nhostname\n"), Launch::EachNode);
    assert_eq!(launch("#SBATCH -N 2\n#QIANTANG --launch=each-node\nhostname\n"), Launch::EachNode);
    assert!(parse("#!/bin/sh\n#QIANTANG --launch=twice\n").is_err());
    // sbatch would refuse it.
    assert!(bad("--launch=batch").contains("--launch"));
}

#[test]
fn what_only_slurm_can_keep_is_kept_for_it() {
    let parsed = good(
        "-n 8 --ntasks-per-node 4 -c 2 --mem-per-cpu=2G -o out-%j -e 'a b' -D data --signal=B:SIGUSR1@30 \
         --export=NONE,X=1",
    );
    let batch = &parsed.spec.batch;
    assert_eq!((batch.tasks, batch.tasks_per_node, batch.cpus_per_task), (Some(8), Some(4), Some(2)));
    assert_eq!(parsed.spec.nodes, 2, "8 tasks, 4 on each");
    assert_eq!(batch.memory, Some(Memory::MibPerCpu(2048)));
    assert_eq!((batch.output.as_deref(), batch.error.as_deref()), (Some("out-%j"), Some("a b")));
    assert_eq!((batch.work_dir.as_deref(), batch.export.as_deref()), (Some("data"), Some("NONE,X=1")));
    assert_eq!(batch.warning, Some(Warning { signal: "USR1".into(), before_s: 30 }));
    assert!(parsed.notes.iter().all(|note| note.action == NoteAction::OnSlurm), "{:?}", parsed.notes);
    for (options, nodes, cards, mib) in [
        ("-N 4 -n 2", 2, 1, None),
        ("-N 2 -n 4 --gpus-per-task=2", 2, 4, None),
        ("--gres=npu:4 --mem-per-gpu=1T", 1, 4, Some(4 << 20)),
        ("--mem=500", 1, 1, Some(500)),
        ("--mem=0", 1, 1, Some(0)),
        ("--mem=1025K", 1, 1, Some(2)),
    ] {
        let spec = good(options).spec;
        assert_eq!(
            (spec.nodes, spec.cards_per_node, spec.batch.memory),
            (nodes, cards, mib.map(Memory::MibPerNode)),
            "{options}"
        );
    }
    for (options, want) in [
        ("--mem=much", "--mem"),
        ("--signal=B:", "--signal"),
        ("--signal=B:USR1@x", "--signal"),
        ("-c 0", "--cpus"),
    ] {
        assert!(bad(options).contains(want), "{options}");
    }
    assert!(good("-N 2").spec.batch.without_cards && !good("-G 2").spec.batch.without_cards);
    let told = good("--signal=USR1@30").notes;
    assert_eq!(
        (told[0].action, &told[0].why),
        (NoteAction::Ignored, &NoteWhy::SignalToScript { signal: "USR1".into(), before_s: 30 })
    );
}

#[test]
fn the_words_of_all_lines_are_one_command_line() {
    // As for sbatch, the value of an option may be the first word of the next line.
    let spec = parse("#!/bin/sh\n#SBATCH --nice\n#SBATCH --job-name\n#SBATCH x -N 2\n").unwrap().spec;
    assert_eq!((spec.name.as_str(), spec.nodes), ("x", 2));
    assert!(bad("--job-name").contains("needs a value"));
}

#[test]
fn lines_that_nothing_reads_are_named() {
    for (text, line, option, why) in [
        ("true\n#SBATCH -N 2\n", 3, "#SBATCH", NoteWhy::TooLate),
        ("# SBATCH -N 2\n", 2, "# SBATCH", NoteWhy::OddMark),
        (" #SBATCH -N 2\n", 2, "#SBATCH", NoteWhy::OddMark),
        ("true\n  #SBATCH -N 2\n", 3, "#SBATCH", NoteWhy::OddMark),
        ("#SBTACH --nodes=2\n", 2, "#SBTACH", NoteWhy::OddMark),
        ("#sbatch --nodes=2\n", 2, "#sbatch", NoteWhy::OddMark),
        ("#PBS -l nodes=2\n", 2, "#PBS", NoteWhy::OtherSystem),
        ("#$ -pe mpi 2\n", 2, "#$", NoteWhy::OtherSystem),
        ("#SLURM -N 2\n", 2, "#SLURM", NoteWhy::OldMark),
    ] {
        let notes = parse(format!("#!/bin/sh\n{text}")).unwrap().notes;
        let [note] = notes.as_slice() else { panic!("{text}: {notes:?}") };
        assert_eq!((note.line, note.option.as_str(), &note.why), (line, option, &why), "{text}");
    }
    for text in ["# SBATCH lines say what it needs\n", "# a comment - with a dash\n", "#PBS is not used\n"] {
        assert_eq!(parse(format!("#!/bin/sh\n{text}")).unwrap().notes, [], "{text}");
    }
}

#[test]
fn what_editors_put_in_is_taken_out_and_named() {
    let parsed = parse(b"\xef\xbb\xbf#!/bin/sh\r\n#SBATCH -N 2\r\ntrue").unwrap();
    assert_eq!((parsed.spec.nodes, parsed.spec.script.as_str()), (2, "#!/bin/sh\n#SBATCH -N 2\ntrue"));
    let whys: Vec<&NoteWhy> = parsed.notes.iter().map(|note| &note.why).collect();
    assert_eq!(whys, [&NoteWhy::ByteOrderMark, &NoteWhy::LineEnds { count: 2 }]);
    let gbk = b"#!/bin/sh\n# \xd1\xb5\xc1\xb7\necho \xc4\xe3\n";
    let parsed = parse(gbk).unwrap();
    assert_eq!((parsed.notes[0].line, parsed.notes[0].option.as_str()), (2, "gb18030"));
    assert_eq!((&*parsed.spec.script_bytes(), parsed.spec.problems()), (&gbk[..], vec![]));
    for (text, want) in [
        (&b"\xff\xfe#\0"[..], "UTF-16"),
        (b"train the model on 8 cards, please\n", "line 1: does not begin with `#!`"),
        (b"", "script: is blank"),
        (b" \n", "script: is blank"),
        (b"#!/bin/sh\n\0", "NUL"),
    ] {
        let told = parse(text).map_or_else(|problems| problems, |parsed| parsed.spec.problems());
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert!(told.join("; ").contains(want), "{told:?}");
    }
}

#[test]
fn words_are_split_as_sbatch_splits_them() {
    for (options, name, nodes) in [
        ("--job-name='a\\ b' -N 2", "a b", 2),
        ("-J x -N 2 \\", "x", 2),
        ("--job-name=a'b'\"c d\" -N2#x", "abc d", 2),
        ("--job-name='a\\'b' -N 2 # 'open", "a'b", 2),
        ("--job-name=a#b -N 2", "a", 1),
    ] {
        let spec = good(options).spec;
        assert_eq!((spec.name.as_str(), spec.nodes), (name, nodes), "{options}");
    }
    assert_eq!(parse("#!/bin/sh\n#SBATCH--nodes=2\n").unwrap().spec.nodes, 2);
    for (options, want) in [
        ("-J '' -N 2", "quotes with nothing between"),
        ("-J x \\ -N 2", "quotes with nothing between"),
        ("-J two\\ words", "is not an option"),
        ("--gpus-per-task=1", "--ntasks"),
        ("hetjob", "jobs of their own"),
        (": -N 2", "jobs of their own"),
        ("\u{a0}--nodes=2", "U+00A0"),
        ("\u{2013}nodes=2", "U+2013"),
        ("--mem=1G --mem-per-cpu=1G", "--mem, --mem-per-cpu"),
        ("--tiem=12:00:00", "write --time"),
        ("--dependancy=afterok:1", "write --dependency"),
        ("--dependency=afterok", "names no job"),
        ("--dependency=afterok:", "names no job"),
        ("--mail-type=SOON", "TIME_LIMIT"),
        ("--gpus-per", "the beginning of several"),
        ("-N 2 --export=1A=2", "`1A`"),
        ("--account=", "needs a value"),
    ] {
        let told = bad(options);
        assert!(told.contains(want), "{options}: {told}");
    }
    // All faults are told at once, in the order of their lines.
    let five = "#!/bin/sh\n#SBATCH --tiem=1 nonsense\n#SBATCH --nodes=x -H\n#SBATCH --mem=much --comment=";
    let problems = parse(format!("{five}{}\n", "x".repeat(2000))).unwrap_err();
    assert_eq!(problems.len(), 6, "{problems:?}");
}

#[test]
fn lists_of_indices_are_whole_and_in_order() {
    let all: Vec<String> = (0..12_000).map(|n| (n * 3).to_string()).collect();
    let array = good(&format!("--array={}", all.join(","))).spec.array.unwrap();
    assert_eq!((array.len(), array.index(11_999), array.ranges.len()), (12_000, Some(35_997), 1));
    let array = good("--array=9,5-6,1,5").spec.array.unwrap();
    assert_eq!((0..4).map(|at| array.index(at)).collect::<Vec<_>>(), [1, 5, 6, 9].map(Some));
    assert_eq!(good("--array=[1-3]%2").spec.array.unwrap().len(), 3);
}

#[test]
fn cards_in_all_take_as_many_nodes_as_they_need() {
    for (options, cards, nodes, most) in [
        ("--gpus=16", 16, 1, None),
        ("--ntasks=16 --gpus-per-task=1", 16, 1, None),
        ("--gpus=16 -N 2-4", 16, 2, Some(4)),
    ] {
        let spec = good(options).spec;
        assert_eq!((spec.cards, spec.nodes, spec.max_nodes), (Some(cards), nodes, most), "{options}");
    }
}

#[test]
fn the_command_line_wins() {
    let beside = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        command_line(&words, &[]).unwrap().given
    };
    let script = "#!/bin/bash
#SBATCH --nodes=2 --job-name=a --gpus=16
";
    let parsed = parse_as(script, "x", &beside(&["--job-name=b", "-N4", "x.sh", "-N9"])).unwrap();
    let spec = &parsed.spec;
    assert_eq!((spec.name.as_str(), spec.nodes, spec.cards_per_node), ("b", 4, 4));
    assert!(!spec.batch.without_cards);
    assert!(parse_as(script, "x", &beside(&["--nodes=x"])).is_err());
    // A fault of the script that the command line has no part in stays one.
    assert!(
        parse_as(
            "#!/bin/bash
#SBATCH --nodes=x
",
            "x",
            &beside(&["--nodes=2"])
        )
        .is_err()
    );
}

proptest! {
    #[test]
    fn no_text_panics_and_what_passes_keeps_the_script(text in "(#SBATCH -?-?[a-zA-Z-]{0,12}[= ]?[0-9a-z:,%\"'\\\\-]{0,20}\n|\\PC{0,40}\n){0,8}") {
        if let Ok(parsed) = parse(&text) {
            prop_assert_eq!(parsed.spec.script, text);
        }
    }

    #[test]
    fn a_good_script_with_a_change_never_panics(at in 0_usize..200, byte in any::<char>()) {
        let mut text: Vec<char> = "#!/bin/bash\n#SBATCH --job-name=train -N 2 --gres=npu:8 --time=1-02:03:04 --array=0-9%2 -A p --export=ALL,X=1\ntrue\n".chars().collect();
        let at = at % text.len();
        text[at] = byte;
        let _ = parse(text.into_iter().collect::<String>());
    }
}

#[test]
fn variables_that_look_like_passwords_are_named_and_others_not() {
    let spec = |names: &[&str]| JobSpec {
        env: names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect(),
        ..JobSpec::default()
    };
    let bad = ["HF_TOKEN", "DB_PASSWORD", "OPENAI_API_KEY", "aws_secret_access_key", "SECRET"];
    assert_eq!(notes_on_secrets(&spec(&bad)).len(), bad.len());
    let good = ["TOKENIZERS_PARALLELISM", "KEY", "MAX_TOKENS", "PATH_TO", "EPOCHS"];
    assert_eq!(notes_on_secrets(&spec(&good)), []);
}

#[test]
fn secrets_are_named_by_an_option_of_the_center() {
    let spec = parse("#!/bin/bash\n#QIANTANG --secrets=HF_TOKEN,DB_PASS\ntrue\n").unwrap().spec;
    assert_eq!(spec.secrets, ["HF_TOKEN", "DB_PASS"]);
    for bad in ["HF TOKEN", "1X", "PATH", "SLURM_JOB_ID", "A,,B"] {
        let parsed = parse(format!("#!/bin/bash\n#QIANTANG --secrets='{bad}'\ntrue\n"));
        assert!(parsed.is_ok_and(|parsed| !parsed.spec.problems().is_empty()), "{bad}");
    }
    let twice = parse("#!/bin/bash\n#SBATCH --export=A=1\n#QIANTANG --secrets=A\ntrue\n");
    assert!(twice.is_ok_and(|parsed| !parsed.spec.problems().is_empty()));
}

/// The options in the first column of the guide's table under this heading, as they are written there.
fn options_of_guide(heading: &str) -> Vec<&'static str> {
    let guide = include_str!("../../../../docs/tenants.md");
    let (_, section) = guide.split_once(&format!("\n### {heading}\n")).expect("the section");
    let rows =
        section.lines().take_while(|line| !line.starts_with("##")).filter(|line| line.starts_with("| `"));
    let cells = rows.flat_map(|row| row.split(" | ").take(2));
    // What is said of an option stands in the second column.
    cells
        .step_by(2)
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|word| word.starts_with("--"))
        .collect()
}

#[test]
fn each_option_of_the_guide_is_taken_as_it_says_and_none_is_left_out() {
    let mut known: Vec<&str> = Vec::new();
    for (heading, is_right) in [
        ("Read", (|role| matches!(role, Role::Read | Role::Own | Role::OnSlurm(_))) as fn(&Role) -> bool),
        ("Read on Slurm", |role| matches!(role, Role::OnSlurm(_))),
        ("Ignored, and named", |role| matches!(role, Role::Ignored(_))),
        ("Refused", |role| matches!(role, Role::Refused(_))),
    ] {
        let options = options_of_guide(heading);
        assert!(options.len() > 5, "{heading}: the table is not where it was");
        for option in options {
            let name = option[2..].split(['=', ' ']).next().unwrap_or_default();
            let found = table::named(name).or_else(|| OWN.iter().find(|own| own.name == name));
            let found = found.unwrap_or_else(|| panic!("{heading}: {option} is not known"));
            // Of an option that is taken, some values are not.
            let is_refused =
                || heading == "Refused" && parse(format!("#!/bin/sh\n#SBATCH {option}\n")).is_err();
            let is_of_steps = heading.starts_with("Ignored") && name == "signal";
            assert!(
                is_right(&found.role) || is_refused() || is_of_steps,
                "{heading}: {option} is {:?}",
                found.role
            );
            known.push(name);
        }
    }
    let missing = SBATCH.iter().map(|option| option.name).filter(|name| !known.contains(name));
    assert_eq!(missing.collect::<Vec<_>>(), ["tasks-per-node"], "another name of --ntasks-per-node");
}
