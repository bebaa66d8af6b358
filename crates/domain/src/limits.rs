//! All that can be wrong with a specification by itself, whoever submits it and wherever.

mod settle;

use std::collections::BTreeMap;

use crate::{
    BatchSpec, JobSpec,
    batch::{MAX_PATH_BYTES, MAX_TASKS, Warning, is_signal},
    problem::{Field, JobFault, Quantity, SpecProblem, Things, Wrong, field, out_of_range},
    spec::{
        ArraySpec, IndexRange, MAX_ARG_BYTES, MAX_ARGS, MAX_ARRAY_TASKS, MAX_COMMENT, MAX_DEPENDENCIES,
        MAX_ENV, MAX_ENV_BYTES, MAX_LABELS, MAX_NAME, MAX_NODES, MAX_PASSED_BYTES, MAX_SCRIPT_BYTES,
        MAX_SECRETS, MAX_TIME_LIMIT,
        encoding::Encoding,
        is_label,
        mail::{JobMail, MAX_MAIL_TO, MailOn},
    },
    text::{InvalidLine, Line, line_fault},
};

impl JobSpec {
    /// The bytes of what its outline leaves out.
    pub fn payload_bytes(&self) -> u64 {
        let passed = passed_bytes(&self.args, &self.env);
        (self.script.len() + passed + self.comment.len()) as u64
    }

    /// All that is wrong; empty if nothing is.
    pub fn problems(&self) -> Vec<SpecProblem> {
        let mut problems = Vec::new();
        let mut found = |field: Field, wrong: Option<Wrong>| {
            problems.extend(wrong.map(|wrong| SpecProblem::new(field, wrong)));
        };
        found(field::NAME, Line::<MAX_NAME>::parse(&*self.name).err().map(Wrong::Line));
        found(field::SCRIPT, script_fault(&self.script));
        let is_other = |encoding: &Encoding| encoding.encode(&self.script).is_none();
        let other = self.encoding.filter(is_other);
        let other = other.map(|encoding| JobFault::NotInEncoding { encoding: encoding.code() }.into());
        found(field::ENCODING, other);
        found(field::ARGS, args_fault(&self.args));
        let bytes = passed_bytes(&self.args, &self.env);
        let too_much = (bytes > MAX_PASSED_BYTES).then_some(JobFault::PassesTooMuch { bytes }.into());
        found(field::ENV, env_fault(&self.env).or(too_much));
        found(field::SECRETS, secrets_fault(&self.secrets, &self.env));
        found(field::NODES, out_of_range(Quantity::Nodes, self.nodes, 1, MAX_NODES));
        let bad_most = self.max_nodes.filter(|most| !(self.nodes..=MAX_NODES).contains(most));
        let bad_most = bad_most.map(|given| JobFault::MaxNodes { given, nodes: self.nodes }.into());
        found(field::MAX_NODES, bad_most);
        found(field::LABELS, labels_fault(&self.labels));
        let most_cards = crate::card::MAX_CARDS_PER_NODE.into();
        found(
            field::CARDS_PER_NODE,
            out_of_range(Quantity::CardsPerNode, self.cards_per_node, 1, most_cards),
        );
        let in_all =
            self.cards.and_then(|cards| out_of_range(Quantity::Number, cards, 1, MAX_NODES * most_cards));
        found(field::CARDS, in_all);
        found(
            field::TIME_LIMIT,
            self.time_limit_ms
                .and_then(|limit| out_of_range(Quantity::TimeLimitMs, limit.0, 1, MAX_TIME_LIMIT.0)),
        );
        let chars = self.comment.chars().count();
        let too_long = chars > MAX_COMMENT;
        found(field::COMMENT, too_long.then_some(Wrong::TooLong { chars, most: MAX_COMMENT }));
        found(field::MAIL_ON, self.mail.as_ref().and_then(mail_on_fault));
        let to = self.mail.as_ref().and_then(|mail| mail.to.as_deref());
        found(field::MAIL_TO, to.and_then(|to| Line::<MAX_MAIL_TO>::parse(to).err()).map(Wrong::Line));
        found(field::AFTER, too_many(Things::Jobs, self.after.len(), MAX_DEPENDENCIES));
        if let Some(array) = &self.array {
            found(field::ARRAY, array_fault(array).map(Wrong::Job));
            let none_at_once = array.max_running == Some(0);
            found(field::ARRAY, none_at_once.then_some(JobFault::NoTaskAtOnce.into()));
        }
        problems.extend(batch_problems(&self.batch));
        problems
    }
}

fn too_many(of: Things, given: usize, most: usize) -> Option<Wrong> {
    (given > most).then_some(Wrong::Count { of, given, least: 0, most })
}

/// What is wrong with the moments at which mail goes out.
fn mail_on_fault(mail: &JobMail) -> Option<Wrong> {
    let (given, most) = (mail.on.len(), MailOn::ALL.len());
    let is_repeated = mail.on.iter().collect::<std::collections::HashSet<_>>().len() < given;
    let only_tasks = mail.on == [MailOn::EachTask];
    (given == 0 || is_repeated || only_tasks).then_some(Wrong::Count {
        of: Things::Moments,
        given,
        least: 1,
        most,
    })
}

fn script_fault(script: &str) -> Option<Wrong> {
    if script.trim().is_empty() {
        Some(JobFault::BlankScript.into())
    } else if script.len() > MAX_SCRIPT_BYTES {
        Some(JobFault::ScriptTooLarge { bytes: script.len() }.into())
    } else if !script.starts_with("#!") {
        Some(JobFault::NoInterpreter.into())
    } else {
        script.contains('\0').then_some(Wrong::HasNul)
    }
}

fn args_fault(args: &[String]) -> Option<Wrong> {
    let too_long = || {
        let (position, arg) = (1..).zip(args).find(|(_, arg)| arg.len() > MAX_ARG_BYTES)?;
        Some(JobFault::ArgumentTooLong { position, bytes: arg.len() }.into())
    };
    let has_nul = || args.iter().any(|arg| arg.contains('\0')).then_some(Wrong::HasNul);
    too_many(Things::Arguments, args.len(), MAX_ARGS).or_else(too_long).or_else(has_nul)
}

fn env_fault(env: &BTreeMap<String, String>) -> Option<Wrong> {
    let of_one = |(name, value): (&String, &String)| {
        let (name, bytes) = (name.clone(), name.len() + value.len());
        if !is_env_name(&name) {
            Some(JobFault::VariableName { name })
        } else if bytes > MAX_ENV_BYTES {
            Some(JobFault::VariableTooLong { name, bytes })
        } else {
            value.contains('\0').then_some(JobFault::VariableHasNul { name })
        }
    };
    too_many(Things::Variables, env.len(), MAX_ENV).or_else(|| env.iter().find_map(of_one).map(Wrong::Job))
}

fn secrets_fault(secrets: &[String], env: &BTreeMap<String, String>) -> Option<Wrong> {
    let of_one = |name: &String| {
        let name = name.clone();
        if !is_secret_name(&name) {
            Some(JobFault::SecretName { name })
        } else if env.contains_key(&name) {
            Some(JobFault::SecretAndVariable { name })
        } else {
            None
        }
    };
    too_many(Things::Secrets, secrets.len(), MAX_SECRETS)
        .or_else(|| secrets.iter().find_map(of_one).map(Wrong::Job))
}

/// Variables of shells, and those that each run gets, whatever a job says.
const TAKEN: [&str; 25] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "PWD",
    "IFS",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "WORLD_SIZE",
    "RANK",
    "NODE_RANK",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "RANK_TABLE_FILE",
    "RANK_SIZE",
    "RANK_ID",
    "DEVICE_ID",
    "ASCEND_RT_VISIBLE_DEVICES",
    "ASCEND_VISIBLE_DEVICES",
    "CUDA_VISIBLE_DEVICES",
    "SLURMD_NODENAME",
];

/// Whether a secret can have this name: a variable's, which neither shells nor runs have already.
pub fn is_secret_name(name: &str) -> bool {
    name.len() <= 64
        && is_env_name(name)
        && !TAKEN.contains(&name)
        && !["SLURM_", "QIANTANG_", "BASH_"].iter().any(|own| name.starts_with(own))
}

/// The bytes that arguments and variables take where a program is started with them: each is a text with an
/// end, and a pointer to it.
pub fn passed_bytes<'a>(args: &[String], env: impl IntoIterator<Item = (&'a String, &'a String)>) -> usize {
    const BESIDE_TEXT: usize = 9;
    let of_args: usize = args.iter().map(|arg| arg.len() + BESIDE_TEXT).sum();
    let of_env = |(name, value): (&String, &String)| name.len() + 1 + value.len() + BESIDE_TEXT;
    of_args + env.into_iter().map(of_env).sum::<usize>()
}

/// The first fault of labels that a node is to have, or a job asks for.
pub fn labels_fault(labels: &[String]) -> Option<Wrong> {
    let bad = || labels.iter().find(|label| !is_label(label)).cloned();
    too_many(Things::Labels, labels.len(), MAX_LABELS)
        .or_else(|| bad().map(|given| JobFault::NotALabel { given }.into()))
}

/// A name that a shell takes.
pub(crate) fn is_env_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn array_fault(array: &ArraySpec) -> Option<JobFault> {
    if let Some(IndexRange { first, last, step }) = array.ranges.iter().find(|range| range.len() == 0) {
        return Some(JobFault::EmptyRange { first: *first, last: *last, step: *step });
    }
    if let Some(pair) = array.ranges.windows(2).find(|pair| pair[1].first <= pair[0].last) {
        return Some(JobFault::RangesNotRising { last: pair[0].last, first: pair[1].first });
    }
    let tasks = array.len();
    (!(1..=u64::from(MAX_ARRAY_TASKS)).contains(&tasks)).then_some(JobFault::ArrayTasks { tasks })
}

fn batch_problems(batch: &BatchSpec) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    for (field, count) in [
        (field::BATCH_TASKS, batch.tasks),
        (field::BATCH_TASKS_PER_NODE, batch.tasks_per_node),
        (field::BATCH_CPUS_PER_TASK, batch.cpus_per_task),
    ] {
        let wrong = count.and_then(|count| out_of_range(Quantity::Number, count, 1, MAX_TASKS));
        problems.extend(wrong.map(|wrong| SpecProblem::new(field, wrong)));
    }
    for (field, text) in [
        (field::BATCH_OUTPUT, &batch.output),
        (field::BATCH_ERROR, &batch.error),
        (field::BATCH_WORK_DIR, &batch.work_dir),
        (field::BATCH_SUBMIT_DIR, &batch.submit_dir),
    ] {
        let fault = text.as_ref().and_then(|text| line_fault(text, text.len(), MAX_PATH_BYTES));
        let wrong = fault.map(|fault| Wrong::Path(InvalidLine { most: MAX_PATH_BYTES, fault }));
        problems.extend(wrong.map(|wrong| SpecProblem::new(field, wrong)));
    }
    if batch.export.as_ref().is_some_and(|text| text.contains('\0')) {
        problems.push(SpecProblem::new(field::BATCH_EXPORT, Wrong::HasNul));
    }
    if let Some(Warning { signal, .. }) = batch.warning.as_ref().filter(|w| !is_signal(&w.signal)) {
        let fault = JobFault::NotASignal { given: signal.clone() };
        problems.push(SpecProblem::new(field::BATCH_WARNING, fault));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        JobId, Lang, Millis,
        spec::{Dependency, DependencyKind},
    };
    use proptest::prelude::*;

    fn good() -> JobSpec {
        JobSpec {
            name: "train".into(),
            script: "#!/bin/sh\ntrue\n".into(),
            nodes: 1,
            cards_per_node: 1,
            ..JobSpec::default()
        }
    }

    #[test]
    fn each_limit_is_named() {
        type Case = (&'static str, fn(&mut JobSpec));
        assert_eq!(good().problems(), []);
        let cases: [Case; 16] = [
            ("name", |s| s.name = String::new()),
            ("name", |s| s.name = "a\nb".into()),
            ("script", |s| s.script = " \n".into()),
            ("script", |s| s.script = "x".repeat(MAX_SCRIPT_BYTES + 1)),
            ("args", |s| s.args = vec!["\0".into()]),
            ("env", |s| drop(s.env.insert("1X".into(), String::new()))),
            ("env", |s| {
                let value = "x".repeat(MAX_ENV_BYTES - 8);
                s.env =
                    (0..MAX_PASSED_BYTES / MAX_ENV_BYTES).map(|n| (format!("V{n}"), value.clone())).collect();
                s.args = vec!["x".repeat(MAX_ARG_BYTES)];
            }),
            ("nodes", |s| s.nodes = 0),
            ("cards_per_node", |s| s.cards_per_node = 65),
            ("time_limit_ms", |s| s.time_limit_ms = Some(Millis(-1))),
            ("comment", |s| s.comment = "长".repeat(1025)),
            ("batch.tasks", |s| s.batch.tasks = Some(0)),
            ("batch.output", |s| s.batch.output = Some("a\nb".into())),
            ("batch.warning", |s| {
                s.batch.warning = Some(Warning { signal: "USR1; id".into(), before_s: 1 });
            }),
            ("array", |s| s.array = Some(ArraySpec { ranges: vec![], max_running: None })),
            ("array", |s| {
                let range = |first, last| IndexRange { first, last, step: 1 };
                s.array = Some(ArraySpec { ranges: vec![range(5, 9), range(0, 4)], max_running: None });
            }),
        ];
        for (field, spoil) in cases {
            let mut spec = good();
            spoil(&mut spec);
            let problems = spec.problems();
            assert_eq!(problems.iter().map(|p| p.place.text(Lang::En)).collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn each_limit_of_the_guide_is_kept_to_its_last_unit() {
        let guide = include_str!("../../../docs/tenants.md");
        let table =
            guide.split("\n### Limits\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("limits");
        let numbers = |name: &str| -> Vec<usize> {
            let row =
                table.lines().find_map(|line| line.strip_prefix(&format!("| {name} | "))).expect("a row");
            let words = row.split([' ', ',']).filter(|word| !word.is_empty());
            let row = words.collect::<Vec<_>>().join(" ");
            // Thousands are written apart by commas.
            let row = if row.chars().all(|c| c.is_ascii_digit() || " |".contains(c)) {
                row.replace(' ', "")
            } else {
                row
            };
            row.split([' ', '|']).filter_map(|word| word.parse().ok()).collect()
        };
        let passes = |change: &dyn Fn(&mut JobSpec)| {
            let mut spec = good();
            change(&mut spec);
            spec.problems().is_empty()
        };
        let is_the_most = |name: &str, most: usize, set: &dyn Fn(&mut JobSpec, usize)| {
            assert!(passes(&|spec| set(spec, most)), "{name}: {most} is too much");
            assert!(!passes(&|spec| set(spec, most + 1)), "{name}: {most} is not the most");
        };
        let small = |n: usize| u32::try_from(n).expect("a small number");
        let variables = |count: usize, bytes: usize| -> BTreeMap<String, String> {
            (0..count).map(|n| (format!("V{n:03}"), "x".repeat(bytes))).collect()
        };
        is_the_most("script", numbers("script")[0] << 10, &|spec, n| {
            spec.script = format!("#!/bin/sh\n{}", "x".repeat(n - 10));
        });
        is_the_most("nodes", numbers("nodes of a run")[0], &|spec, n| spec.nodes = small(n));
        is_the_most("cards", numbers("cards on a node")[0], &|spec, n| spec.cards_per_node = small(n));
        is_the_most("tasks", numbers("tasks of an array")[0], &|spec, n| {
            let range = IndexRange { first: 1, last: small(n), step: 1 };
            spec.array = Some(ArraySpec { ranges: vec![range], max_running: None });
        });
        let [count, kib, mib] = numbers("variables")[..] else { panic!("three limits of variables") };
        is_the_most("variables", count, &|spec, n| spec.env = variables(n, 1));
        is_the_most("a variable", kib << 10, &|spec, n| spec.env = variables(1, n - "V000".len()));
        is_the_most("all variables", mib << 20, &|spec, n| {
            // 64 of 16 KiB, the last one with what is left; each counts with `V000=`, an end and a pointer.
            let (each, beside) = (1 << 14, "V000=".len() + 9);
            spec.env = variables(63, each - beside);
            spec.env.insert("V063".into(), "x".repeat(n - 63 * each - beside));
        });
        is_the_most("dependencies", numbers("dependencies")[0], &|spec, n| {
            let job = |n: usize| JobId::from_bytes(u128::try_from(n).expect("it fits").to_be_bytes());
            spec.after = (0..n).map(|n| Dependency { job: job(n), when: DependencyKind::Ended }).collect();
        });
        is_the_most("hours", numbers("time limit")[0] * 86_400_000, &|spec, n| {
            spec.time_limit_ms = Some(Millis(i64::try_from(n).expect("it fits")));
        });
    }

    proptest! {
        #[test]
        fn huge_numbers_neither_panic_nor_pass(nodes: u32, cards: u32, limit: i64, first: u32, last: u32, step: u32) {
            let spec = JobSpec {
                nodes, cards_per_node: cards, time_limit_ms: Some(Millis(limit)),
                array: Some(ArraySpec { ranges: vec![IndexRange { first, last, step }], max_running: None }), ..good()
            };
            let _ = spec.card_count();
            let tasks = spec.task_count();
            prop_assert!(!spec.problems().is_empty() || (tasks <= MAX_ARRAY_TASKS && nodes <= MAX_NODES && cards <= 64));
        }
    }
}
