//! Scripts with `#SBATCH` lines, read into a [`JobSpec`].
//!
//! Options are read as sbatch reads them: from the lines before the first command, short or long, with `=` or
//! a space, quoted where they hold spaces. What is not known is named, with whether it was ignored or
//! refused: an option that would change what the job gets is refused, one that would only change how is
//! ignored.
//!
//! A script with such lines is one for sbatch, which starts it once ([`Launch::Batch`]). What only Qiantang
//! knows may stand on `#QIANTANG` lines, which sbatch passes over.

mod note;
mod options;
mod values;

use crate::{
    JobSpec, Launch,
    problem::{JobFault, OptionFault, Place, SpecProblem, field},
    spec::MAX_SCRIPT_BYTES,
};

pub use note::{Note, NoteAction, NoteWhy};
pub use options::apply;
pub use values::array as array_of_text;

/// A script, and what was made of its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedScript {
    pub spec: JobSpec,
    pub notes: Vec<Note>,
}

/// Reads a script. All that is wrong is told at once, each with its line.
pub fn parse(text: &str) -> Result<ParsedScript, Vec<SpecProblem>> {
    parse_as(text, "script")
}

/// Reads a script whose job is called `name` unless the script names it.
pub fn parse_as(text: &str, name: &str) -> Result<ParsedScript, Vec<SpecProblem>> {
    if text.len() > MAX_SCRIPT_BYTES {
        let fault = JobFault::ScriptTooLarge { bytes: text.len() };
        return Err(vec![SpecProblem::new(field::SCRIPT, fault)]);
    }
    let mut spec = JobSpec { script: text.to_owned(), nodes: 1, cards_per_node: 1, ..JobSpec::default() };
    let (mut notes, mut problems) = (Vec::new(), Vec::new());
    let mut given = Vec::new();
    for (line, is_own, options) in directives(text) {
        if !is_own {
            spec.launch = Launch::Batch;
            spec.batch.without_cards = true;
        }
        match words(options) {
            Ok(words) => given.extend(words.into_iter().map(|word| (line, word))),
            Err(fault) => problems.push(SpecProblem::new(Place::Line(line), fault)),
        }
    }
    options::read(&given, &mut spec, &mut notes, &mut problems);
    if spec.name.is_empty() {
        name.clone_into(&mut spec.name);
    }
    if problems.is_empty() { Ok(ParsedScript { spec, notes }) } else { Err(problems) }
}

/// The `#SBATCH` and `#QIANTANG` lines before the first command, with their numbers, and whether they are the
/// latter.
fn directives(text: &str) -> impl Iterator<Item = (u32, bool, &str)> {
    let header = text.lines().take_while(|line| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with('#')
    });
    (1..).zip(header).filter_map(|(number, line)| {
        let own = line.strip_prefix("#QIANTANG");
        let options = own.or_else(|| line.strip_prefix("#SBATCH"))?;
        options.starts_with([' ', '\t']).then_some((number, own.is_some(), options))
    })
}

/// Splits a line into words as a shell does: quotes group, a `#` after a space begins a comment.
fn words(line: &str) -> Result<Vec<String>, OptionFault> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(quote) = quote {
        return Err(OptionFault::OpenQuote { quote });
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Lang, Millis, ServiceClass,
        batch::{Memory, Warning},
        spec::DependencyKind,
    };
    use proptest::prelude::*;

    fn good(options: &str) -> ParsedScript {
        parse(&format!("#!/bin/bash\n#SBATCH {options}\ntrue\n"))
            .unwrap_or_else(|p| panic!("{options}: {p:?}"))
    }

    fn bad(options: &str) -> String {
        let problems = parse(&format!("#!/bin/bash\n#SBATCH {options}\n")).expect_err(options);
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
            ("--gpus=ascend-910:4", 1, 4, Some("ascend-910")),
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
        assert_eq!(
            (spec.name.as_str(), spec.project.as_deref(), spec.nodes),
            ("two words", Some("digits"), 1)
        );
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
    fn what_is_not_taken_is_named() {
        let notes = good("--mem=10G --mail-type=END --output=out-%j.txt -p gpu --frobnicate=3").notes;
        let named: Vec<&str> = notes.iter().map(|note| note.option.as_str()).collect();
        assert_eq!(named, ["--mem", "--mail-type", "--output", "--partition", "--frobnicate"]);
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
        let launch = |text: &str| parse(text).unwrap().spec.launch;
        assert_eq!(launch("#!/bin/bash\n#SBATCH -N 2\nsrun hostname\n"), Launch::Batch);
        assert_eq!(launch("#!/bin/bash\n# SBATCH -N 2\nhostname\n#SBATCH -N 2\n"), Launch::EachNode);
        assert_eq!(launch("#!/bin/bash\n#QIANTANG --nodes=2\nhostname\n"), Launch::EachNode);
        assert_eq!(launch("#SBATCH -N 2\n#QIANTANG --launch=each-node\nhostname\n"), Launch::EachNode);
        assert!(bad("--launch=twice").contains("--launch"));
        // That it reaches the first node alone is told where it does not reach the others itself.
        let notes = |text: &str| parse(text).unwrap().notes;
        let told = notes("#SBATCH -N 2\nhostname\n");
        assert!(told[0].line == 1 && told[0].why == NoteWhy::FirstNodeOnly, "{told:?}");
        assert_eq!(notes("#SBATCH -N 2\nsrun hostname\n"), []);
        assert_eq!(notes("#SBATCH -N 2\n#QIANTANG --launch=each-node\nhostname\n"), []);
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
    fn an_option_without_a_value_takes_none_from_the_next() {
        for text in [
            "#SBATCH --nice\n#SBATCH -N 2\n",
            "#SBATCH --frobnicate\n#SBATCH -N 2\n",
            "#SBATCH --quux -N 2\n",
        ] {
            assert_eq!(parse(text).unwrap().spec.nodes, 2, "{text}");
        }
        assert!(parse("#SBATCH --job-name\n#SBATCH x\n").is_err());
    }

    #[test]
    fn the_command_line_wins() {
        let mut parsed = good("--nodes=2 --job-name=a --gres=npu:8");
        let given = ["--job-name=b".to_owned(), "-N1".to_owned()];
        parsed.notes.extend(apply(&mut parsed.spec, &given).unwrap());
        assert!(!parsed.spec.batch.without_cards);
        assert_eq!((parsed.spec.name.as_str(), parsed.spec.nodes, parsed.spec.cards_per_node), ("b", 1, 8));
        assert!(apply(&mut parsed.spec, &["--nodes=x".to_owned()]).is_err());
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
            let _ = parse(&text.into_iter().collect::<String>());
        }
    }
}
