//! Task files: a job as YAML, in the manner of dstack's.

mod diagnosis;
mod env;

use std::collections::BTreeMap;

use env::Env;
use serde::Deserialize;

use crate::{
    BatchSpec, JobSpec, Launch, Millis, ServiceClass,
    problem::{Field, Form, OptionFault, Place, SpecProblem, TaskFileFault, Wrong, field},
    script::array_of_text,
    spec::{
        ArraySpec, Dependency, MAX_SCRIPT_BYTES,
        mail::{JobMail, MailOn},
    },
};

/// The most bytes of a file: a script and the little around it.
pub const MAX_BYTES: usize = MAX_SCRIPT_BYTES + 64 * 1024;
/// The most indentation of a line that is no script: deeper is nesting that no task has.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: String,
    project: Option<String>,
    commands: Option<Vec<String>>,
    script: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    nodes: Option<u32>,
    max_nodes: Option<u32>,
    #[serde(default)]
    resources: Resources,
    #[serde(default)]
    env: Env,
    #[serde(default)]
    secrets: Vec<String>,
    max_duration: Option<String>,
    service_class: Option<String>,
    array: Option<String>,
    #[serde(default)]
    after: Vec<Dependency>,
    #[serde(default)]
    comment: String,
    mail: Option<MailOfFile>,
    launch: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MailOfFile {
    #[serde(default)]
    on: Vec<String>,
    to: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    cards: Option<u32>,
    cards_per_node: Option<u32>,
    card_model: Option<String>,
    #[serde(default)]
    exclusive: bool,
    #[serde(default)]
    labels: Vec<String>,
}

/// Whether a text is a task file, and no script: its first line that says something is `key:`; a script's is its `#!`, an
/// option or a command.
pub fn is_one(text: &str) -> bool {
    if text.starts_with("#!") || text.lines().any(|line| line.starts_with("#SBATCH")) {
        return false;
    }
    let says_something =
        |line: &&str| !line.trim().is_empty() && !line.starts_with('#') && line.trim() != "---";
    let first = text.lines().find(says_something).unwrap_or_default();
    first.split_once(':').is_some_and(|(key, rest)| {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !key.is_empty() && key.chars().all(is_word) && (rest.is_empty() || rest.starts_with(' '))
    })
}

/// Reads a task file.
pub fn parse(text: &str) -> Result<JobSpec, Vec<SpecProblem>> {
    if text.len() > MAX_BYTES {
        let fault = TaskFileFault::TooLarge { bytes: text.len(), most: MAX_BYTES };
        return Err(vec![SpecProblem::new(field::FILE, fault)]);
    }
    check_shape(text).map_err(|problem| vec![problem])?;
    let file = serde_norway::from_str(text).map_err(|error| diagnosis::of(text, &error))?;
    let empty = diagnosis::empty_values(text);
    if !empty.is_empty() {
        return Err(empty);
    }
    spec_of(text, file)
}

/// Refuses what makes a parser work without end: aliases, and nesting that no task has.
fn check_shape(text: &str) -> Result<(), SpecProblem> {
    for (number, line) in (1..).zip(text.lines()) {
        let body = line.trim_start();
        let wrong = |fault: TaskFileFault| Err(SpecProblem::new(Place::Line(number), fault));
        let is_alias = body.split([' ', ',', '[', '{', ':']).any(|word| {
            word.strip_prefix(['&', '*']).is_some_and(|name| {
                !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
            })
        });
        // In a block of script, `*` and `&` are the script's own.
        let is_key = line.len() == body.len() || body.starts_with("- ");
        if is_alias && is_key {
            return wrong(TaskFileFault::Alias);
        }
        let brackets = body.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
        let dashes = body.split(' ').take_while(|word| *word == "-").count();
        if brackets > MAX_DEPTH || dashes > MAX_DEPTH {
            return wrong(TaskFileFault::TooDeep);
        }
    }
    Ok(())
}

fn spec_of(text: &str, file: TaskFile) -> Result<JobSpec, Vec<SpecProblem>> {
    let mut problems = Vec::new();
    let mut problem = |field: Field, wrong: Wrong| problems.push(SpecProblem::new(field, wrong));
    if let Some(kind) = file.kind.filter(|kind| kind != "task") {
        problem(field::TYPE, Wrong::unknown(&kind, &["task"]));
    }
    let script = match (file.commands, file.script) {
        (Some(commands), None) => format!("#!/bin/bash\nset -e\n{}\n", commands.join("\n")),
        (None, Some(script)) => script,
        (commands, _) => {
            let is_twice = commands.is_some();
            let fault = if is_twice { TaskFileFault::CommandsAndScript } else { TaskFileFault::NoCommands };
            problem(field::COMMANDS, fault.into());
            String::new()
        }
    };
    let time_limit_ms = file.max_duration.and_then(|given| {
        let read = duration(&given);
        if read.is_none() {
            problem(field::MAX_DURATION, TaskFileFault::Duration { given }.into());
        }
        read
    });
    let service_class = match file.service_class.as_deref() {
        None => ServiceClass::Normal,
        Some(code) => ServiceClass::from_code(code).unwrap_or_else(|| {
            let known = ServiceClass::ALL.map(ServiceClass::code);
            problem(field::SERVICE_CLASS, Wrong::unknown(code, &known));
            ServiceClass::Normal
        }),
    };
    let launch = match file.launch.as_deref() {
        None => Launch::EachNode,
        Some(code) => Launch::from_code(code).unwrap_or_else(|| {
            problem(field::LAUNCH, Wrong::unknown(code, &Launch::ALL.map(Launch::code)));
            Launch::EachNode
        }),
    };
    let array: Option<ArraySpec> = file.array.and_then(|text| match array_of_text(&text) {
        Ok(array) => Some(array),
        Err(fault) => {
            problem(field::ARRAY, OptionFault::Value { fault, form: Form::Array }.into());
            None
        }
    });
    let mail = file.mail.map(|mail| {
        let mut read = JobMail { on: Vec::new(), to: mail.to };
        for word in &mail.on {
            match MailOn::from_code(word) {
                Some(on) => read.on.push(on),
                None => problem(field::MAIL_ON, Wrong::unknown(word, &MailOn::ALL.map(MailOn::code))),
            }
        }
        read
    });
    let resources = file.resources;
    if resources.cards.is_some() && resources.cards_per_node.is_some() {
        problem(field::RESOURCES, TaskFileFault::CardsTwice.into());
    }
    let env = file.env.variables(text).unwrap_or_else(|wrong| {
        problems.extend(wrong);
        BTreeMap::new()
    });
    let spec = JobSpec {
        name: file.name,
        project: file.project,
        script,
        encoding: None,
        args: file.args,
        env,
        secrets: file.secrets,
        nodes: file.nodes.unwrap_or(1),
        max_nodes: file.max_nodes,
        cards: None,
        cards_per_node: resources.cards_per_node.or(resources.cards).unwrap_or(1),
        exclusive: resources.exclusive,
        labels: resources.labels,
        card_model: resources.card_model,
        service_class,
        time_limit_ms,
        array,
        after: file.after,
        comment: file.comment,
        mail,
        launch,
        batch: BatchSpec::default(),
    };
    if problems.is_empty() {
        return Ok(spec);
    }
    // The rest that is wrong by itself is told with it; a script that was not given is no blank one.
    let is_new = |problem: &SpecProblem| problem.place != Place::Field(field::SCRIPT);
    problems.extend(spec.problems().into_iter().filter(is_new));
    Err(problems)
}

/// `90s`, `5m`, `2h`, `1d`; a number alone is seconds.
fn duration(text: &str) -> Option<Millis> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let number: i64 = digits.parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(seconds)?.checked_mul(1000).map(Millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "type: task\nname: digits\nproject: vision\nnodes: 2\ncommands:\n  - echo $RANK\n  - python3 train.py *.csv &\n\
                        resources:\n  cards: 8\n  card_model: ascend-910\nenv:\n  EPOCHS: 3\n  FAST: true\nmax_duration: 5m\n\
                        service_class: spot\narray: 0-3%2\n";

    #[test]
    fn a_task_is_read() {
        let spec = parse(GOOD).unwrap();
        assert_eq!((spec.name.as_str(), spec.nodes, spec.cards_per_node), ("digits", 2, 8));
        assert_eq!(spec.script, "#!/bin/bash\nset -e\necho $RANK\npython3 train.py *.csv &\n");
        assert_eq!(spec.env.get("EPOCHS").map(String::as_str), Some("3"));
        assert_eq!(
            (spec.time_limit_ms, spec.service_class),
            (Some(Millis::from_secs(300)), ServiceClass::Spot)
        );
        assert_eq!(spec.problems(), []);
        assert_eq!(spec.array.map(|array| (array.len(), array.max_running)), Some((4, Some(2))));
        let mail = parse("name: a\nscript: \"#!/bin/sh\"\nmail: {on: [end, fail], to: lin}\n")
            .unwrap()
            .mail
            .unwrap();
        assert_eq!((mail.on, mail.to.as_deref()), (vec![MailOn::End, MailOn::Fail], Some("lin")));
        let list = parse("name: a\nscript: \"true\"\nenv: [A=1, B=x=y]\n").unwrap();
        assert_eq!(list.env.get("B").map(String::as_str), Some("x=y"));
    }

    #[test]
    fn values_are_the_text_that_was_written() {
        let written = [
            "3.10",
            "1234e10",
            "0x1F",
            "+86",
            "12345678901234567890",
            "007",
            "1_000",
            ".5",
            "true",
            "~x",
            "1.0",
        ];
        let lines: Vec<String> = (0..).zip(written).map(|(n, value)| format!("  V{n}: {value}")).collect();
        let lines = lines.join("\n") + "\n";
        let spec =
            parse(&format!("name: 3.10\nscript: \"#!/bin/sh\"\nargs: [0x1F, 1e3]\nenv:\n{lines}  Q: \"\"\n"))
                .unwrap();
        for (n, value) in (0..).zip(written) {
            assert_eq!(spec.env.get(&format!("V{n}")).map(String::as_str), Some(value));
        }
        assert_eq!(spec.env.get("Q").map(String::as_str), Some(""));
        assert_eq!((spec.name.as_str(), spec.args), ("3.10", vec!["0x1F".to_owned(), "1e3".to_owned()]));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let five =
            "name: a\ncomands: [x]\nnodes: two\nenv: {A: [1]}\nresources:\n  card: 1\n  exclusive: 3\n";
        let told: Vec<String> = parse(five).unwrap_err().iter().map(ToString::to_string).collect();
        let lines: Vec<&str> = told.iter().filter_map(|told| told.split(':').next()).collect();
        assert_eq!(lines, ["line 2", "line 3", "line 4", "line 6", "line 7"], "{told:?}");
        let wrong = |mail: &str| {
            let read = parse(&format!("name: a\nscript: \"#!/bin/sh\"\nmail: {mail}\n"));
            let problems = read.map_or_else(|problems| problems, |spec| spec.problems());
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        assert!(wrong("{on: [finish]}").contains("begin, end, fail"), "{}", wrong("{on: [finish]}"));
        assert!(wrong("{to: lin}").contains("mail.on"), "{}", wrong("{to: lin}"));
        assert!(wrong("{on: [end, end]}").contains("mail.on"));
        assert!(wrong("{on: [end], at: x}").contains("mail.at"), "{}", wrong("{on: [end], at: x}"));
        let others = "name: a\nscript: \"#!/bin/sh\"\nnodes: 0\nmax_duration: soon\nservice_class: gold\nenv: [A]\n\
                      comment: \"";
        let problems = parse(&format!("{others}{}\"\n", "x".repeat(2000))).unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:?}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, want) in [
            ("name: a\ncomands: [x]\n", "comands"),
            ("name: a\n", "commands"),
            ("name: a\nscript: x\ncommands: [x]\n", "commands"),
            ("type: service\nname: a\nscript: x\n", "type"),
            ("name: a\nscript: x\nmax_duration: soon\n", "max_duration"),
            ("name: a\nscript: x\nmax_duration: 99999999999999999d\n", "max_duration"),
            ("name: a\nscript: x\nservice_class: gold\n", "service_class"),
            ("name: a\nscript: x\nlaunch: twice\n", "launch"),
            ("name: a\nscript: x\nnodes: -1\n", "nodes"),
            ("name: a\nscript: x\nresources: {cards: 1, cards_per_node: 1}\n", "resources"),
            ("name: &x a\nscript: *x\n", "anchor"),
            ("name: a\nscript: x\nenv: [A]\n", "env"),
            ("- just\n- a list\n", "line 1: is not a list of keys"),
            ("name: a\ncomands: [x]\n", "keys are: type, name"),
            ("name: a\nscript: x\nresources: {card: 1}\n", "`resources.card`"),
            ("script: x\n", "has no `name`"),
            ("name: a\nscript: x\nnodes: two\n", "line 3: has another kind of value than `nodes`"),
            ("name: a\nscript: x\nafter: [job_1]\n", "`after`"),
            ("name: a\nscript: x\nenv: {A: [1]}\n", "`env`"),
            ("name: a\nscript: x\nenv:\n  A: 1\n  B:\n", "line 5: has no value for `env.B`"),
            ("name: a\nscript: x\nenv:\n  A: 1\n  A: 2\n", "line 5: has `env.A` twice"),
            ("name: a\nscript: x\nenv: [A=1, A=2]\n", "line 3: has `env.A` twice"),
            ("name: a\nscript: x\nenv:\n  1A: 1\n", "line 4: has `1A`"),
            ("name: a\nscript: x\nenv:\n  - A=1\n  - B\n", "line 5: `B` has no value"),
            ("name: a\nscript: x\nnodes:\n", "line 3: has no value for `nodes`"),
            ("name: a\ncommands:\n  - a\n  -\n", "line 2: has no value for `commands`"),
            ("name: a\nscript: x\nnodes: 1\nnodes: 2\n", "line 4: has `nodes` twice"),
            (
                "name: a\nscript: x\nresources:\n  cards: 1\n  cards: 2\n",
                "line 5: has `resources.cards` twice",
            ),
            ("name: a\nname: b\nscript: x\n", "line 2: has `name` twice"),
            ("name: a\ncommands: [x\nnodes: 1\n", "is not YAML"),
            ("", "is not a list of keys"),
        ] {
            let problems = parse(text).expect_err(text);
            let told = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(told.contains(want), "{text}: {told}");
        }
        assert!(parse(&format!("name: a\nscript: {}x{}\n", "[".repeat(5000), "]".repeat(5000))).is_err());
        assert!(parse(&format!("{}x\n", "- ".repeat(5000))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([a-z_]{1,12}: ?|- |\\PC{0,20}|\n| {1,4}){0,30}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_good_file_with_a_change_never_panics(at in 0_usize..400, c in any::<char>()) {
            let mut text: Vec<char> = GOOD.chars().collect();
            let at = at % text.len();
            text[at] = c;
            let _ = parse(&text.into_iter().collect::<String>());
        }
    }
}
