//! Scripts as the real sbatch reads them: it prints what it has read before it needs a daemon. Each header is
//! given to both readers. Both take it or refuse it, and the values are the same, but for what
//! `differences.txt` lists, each with its reason. With `CI=true` a missing sbatch fails the test.

mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, atomic::AtomicUsize, atomic::Ordering},
};

use domain::{
    Launch, Millis, SpecProblem,
    batch::Memory,
    problem::{NotHere, OptionFault, Place, Wrong},
    script::{self, Opt, ParsedScript, Role, SBATCH, Takes},
};
use run::{Answer, Sbatch};

/// How the two readers differ on a header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// Refused here alone.
    Refused,
    /// Taken here alone.
    Taken,
    /// The options whose values differ.
    Values(Vec<String>),
}

impl Difference {
    fn word(&self) -> String {
        match self {
            Self::Refused => "refused".into(),
            Self::Taken => "taken".into(),
            Self::Values(options) => options.join(","),
        }
    }
}

#[test]
fn headers_are_read_as_sbatch_reads_them() {
    let Some(sbatch) = Sbatch::found() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no sbatch to compare with");
        eprintln!("skipped: there is no sbatch (on Debian: apt-get install slurm-client)");
        return;
    };
    let headers: Vec<String> = written().into_iter().chain(generated()).collect();
    let headers: Vec<&String> = headers.iter().collect::<BTreeSet<_>>().into_iter().collect();
    assert!(headers.len() >= 300, "{} headers", headers.len());
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                while let Some(header) = headers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let script = script_of(header);
                    let answer = sbatch.read(&script);
                    if let Some((difference, told)) = difference(&script, &answer) {
                        found.lock().unwrap().insert((*header).clone(), (difference.word(), told));
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let listed = differences();
    let mut faults = Vec::new();
    for (header, (word, told)) in &found {
        match listed.get(header) {
            Some(known) if known == word => {}
            Some(known) => faults.push(format!("{header}\n    is listed as {known}, and is {word}: {told}")),
            None => faults.push(format!("{word}\t{header}\n    {told}")),
        }
    }
    let gone = listed.keys().filter(|header| !found.contains_key(*header));
    faults.extend(gone.map(|header| format!("{header}\n    is listed, and there is no difference")));
    println!("{} headers, {} of them with a listed difference", headers.len(), listed.len());
    assert!(faults.is_empty(), "{} of {} headers:\n{}", faults.len(), headers.len(), faults.join("\n"));
}

/// Those of the file: the options of one line, or after `@` a whole script with escapes.
fn written() -> Vec<String> {
    let lines = include_str!("headers.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with("## ")).map(str::to_owned).collect()
}

/// Each difference with its header. The lines before tell the reason.
fn differences() -> BTreeMap<String, String> {
    let mut has_reason = false;
    let mut listed = BTreeMap::new();
    for line in include_str!("differences.txt").lines().filter(|line| !line.is_empty()) {
        if line.starts_with("## ") {
            has_reason = true;
        } else {
            let (word, header) = line.split_once('\t').unwrap_or_else(|| panic!("no tab: {line}"));
            assert!(has_reason, "no reason: {line}");
            assert!(listed.insert(header.to_owned(), word.to_owned()).is_none(), "twice: {line}");
        }
    }
    listed
}

fn script_of(header: &str) -> Vec<u8> {
    let Some(escaped) = header.strip_prefix('@') else {
        return format!("#!/bin/bash\n#SBATCH {header}\ntrue\n").into_bytes();
    };
    let mut bytes = Vec::new();
    let mut rest = escaped.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next().expect("an escape") {
                'n' => bytes.push(b'\n'),
                't' => bytes.push(b'\t'),
                'r' => bytes.push(b'\r'),
                'x' => {
                    let digits: String = rest.by_ref().take(2).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).expect("two digits"));
                }
                other => bytes.extend(other.to_string().into_bytes()),
            },
            c => bytes.extend(c.to_string().into_bytes()),
        }
    }
    bytes
}

/// A value that sbatch takes for the option.
fn sample(option: &Opt) -> &'static str {
    match option.name {
        "acctg-freq" => "task=30",
        "array" => "0-7%2",
        "begin" | "deadline" => "2031-01-01",
        "cpu-freq" | "gpu-freq" => "high",
        "dependency" => "afterok:job_00000000000000000000000000000007",
        "distribution" => "block",
        "export" => "A=1",
        "export-file" | "bbf" | "nodefile" => "/dev/null",
        "gpu-bind" => "closest",
        "gres" => "npu:2",
        "gres-flags" => "enforce-binding",
        "hint" => "compute_bound",
        "kill-on-invalid-dep" => "yes",
        "mail-type" => "END",
        "mem" | "mem-per-cpu" | "mem-per-gpu" | "tmp" => "2G",
        "mem-bind" => "local",
        "no-kill" => "off",
        "exclusive" => "user",
        "open-mode" => "append",
        "profile" => "task",
        "propagate" => "NOFILE",
        "qos" => "spot",
        "signal" => "B:USR1@30",
        "time" | "time-min" | "delay-boot" => "30",
        "wait-all-nodes" => "1",
        "account" | "comment" | "job-name" | "partition" | "output" | "error" | "chdir" | "constraint"
        | "container" | "context" | "network" | "mcs-label" | "wckey" | "licenses" | "mail-user" => "x",
        "uid" | "gid" => "0",
        _ => "2",
    }
}

/// Each option under each beginning of its name and in its short forms, and options that depend on each other
/// together.
fn generated() -> Vec<String> {
    let mut all = Vec::new();
    for option in SBATCH {
        let value = sample(option);
        for end in 1..=option.name.len() {
            let name = &option.name[..end];
            if end < option.name.len() && SBATCH.iter().any(|other| other.name == name) {
                continue;
            }
            match option.takes {
                Takes::Nothing => all.push(format!("--{name}")),
                Takes::Perhaps => all.extend([format!("--{name}={value}"), format!("--{name}")]),
                Takes::Value => all.push(format!("--{name} {value}")),
            }
        }
        if let Some(c) = option.short {
            all.extend(match option.takes {
                Takes::Nothing => vec![format!("-{c}"), format!("-{c}x")],
                Takes::Perhaps => vec![format!("-{c}"), format!("-{c}{value}"), format!("-{c} {value}")],
                Takes::Value => {
                    vec![format!("-{c} {value}"), format!("-{c}{value}"), format!("-{c}={value}")]
                }
            });
        }
        all.extend([
            format!("--{}", option.name),
            format!("--{}=", option.name),
            format!("--{}x", option.name),
        ]);
    }
    for nodes in ["", "-N 1", "-N 3", "-N 2-4"] {
        for tasks in ["", "-n 1", "-n 3", "-n 8"] {
            for on_each in ["", "--ntasks-per-node=2"] {
                for cards in ["", "--gpus-per-node=2", "--gpus=12"] {
                    all.push([nodes, tasks, on_each, cards].join(" ").trim().to_owned());
                }
            }
        }
    }
    all
}

/// How the readers differ; none where they don't. With it what each says.
fn difference(script: &[u8], answer: &Answer) -> Option<(Difference, String)> {
    let ours = script::parse(script).and_then(|parsed| {
        let problems = parsed.spec.problems();
        if problems.is_empty() { Ok(parsed) } else { Err(problems) }
    });
    match (ours, answer) {
        (Err(_), Answer::Refused(_)) => None,
        (Err(problems), Answer::Taken(_)) if problems.iter().all(is_refused_by_role) => None,
        (Err(problems), Answer::Taken(_)) => Some((Difference::Refused, format!("{problems:?}"))),
        (Ok(_), Answer::Refused(told)) => Some((Difference::Taken, told.clone())),
        (Ok(parsed), Answer::Taken(values)) => {
            let differ: Vec<(&String, &String)> =
                values.iter().filter(|(option, value)| !is_same(&parsed, option, value)).collect();
            if differ.is_empty() {
                return None;
            }
            let names = differ.iter().map(|(option, _)| (*option).clone()).collect();
            Some((Difference::Values(names), format!("{differ:?} and {parsed:?}")))
        }
    }
}

/// Whether this is an option that a center can't keep, which is refused with what to do instead.
fn is_refused_by_role(problem: &SpecProblem) -> bool {
    let Place::OptionAt(_, option) = &problem.place else {
        return problem.wrong == Wrong::Option(OptionFault::NotHere(NotHere::HetGroup));
    };
    let role = SBATCH.iter().find(|opt| opt.shown() == *option).map(|opt| &opt.role);
    matches!((&problem.wrong, role), (Wrong::Option(OptionFault::NotHere(why)), Some(Role::Refused(of))) if why == of)
}

/// Whether the job has the value that sbatch has read, or a note tells that it has not.
fn is_same(parsed: &ParsedScript, option: &str, value: &str) -> bool {
    let ParsedScript { spec, notes } = parsed;
    let is_named = || notes.iter().any(|note| note.option == format!("--{option}"));
    let number = |count: Option<u32>| count.map(|count| count.to_string());
    let range = match spec.max_nodes {
        Some(most) => format!("{}-{most}", spec.nodes),
        None => spec.nodes.to_string(),
    };
    let on_node = |cards: u32| spec.cards_per_node == cards && spec.cards.is_none();
    let last_number = |text: &str| text.rsplit(':').next().and_then(|n| n.parse::<u32>().ok());
    match option {
        "account" => spec.project.as_deref() == Some(value),
        "job-name" => spec.name == value,
        "comment" => spec.comment == value,
        "mail-type" => {
            let asked = spec.mail.as_ref().map(|mail| mail.on.clone()).unwrap_or_default();
            asked == domain::spec::mail::mail_types(value).on
        }
        // To somebody alone nothing is sent.
        "mail-user" => spec.mail.as_ref().is_none_or(|mail| mail.to.as_deref() == Some(value)),
        "qos" => spec.service_class.code() == value,
        // Its numbers, since ranges are written in many ways.
        "array" => spec.array.as_ref().is_some_and(|array| {
            (0..u32::try_from(array.len()).unwrap()).map(|at| array.index(at).unwrap()).eq(indices(value))
                && array.max_running == value.split_once('%').and_then(|(_, most)| most.parse().ok())
        }),
        "dependency" => value.split([':', ',']).filter(|part| part.starts_with("job_")).eq(spec
            .after
            .iter()
            .map(|dependency| dependency.job.to_string())
            .collect::<Vec<_>>()),
        "constraint" => {
            let words: Vec<&str> =
                value.split(['&', '|', '(', ')']).filter(|part| !part.is_empty()).collect();
            let ours: Vec<&str> = spec.card_models().chain(spec.labels.iter().map(String::as_str)).collect();
            words.iter().collect::<BTreeSet<_>>() == ours.iter().collect::<BTreeSet<_>>()
        }
        "nodes" => range == value,
        "ntasks" => number(spec.batch.tasks).as_deref() == Some(value),
        "ntasks-per-node" => number(spec.batch.tasks_per_node).as_deref() == Some(value),
        "cpus-per-task" => number(spec.batch.cpus_per_task).as_deref() == Some(value),
        "gpus-per-node" => last_number(value).is_some_and(on_node),
        "gres" => value
            .split(',')
            .try_fold(0, |sum, part| {
                Some(sum + last_number(part).or_else(|| part.starts_with("gres:").then_some(1))?)
            })
            .is_some_and(on_node),
        "gpus" => last_number(value).is_some_and(|cards| {
            // What is said of each node comes first.
            spec.cards == Some(cards)
                || spec.card_count() == cards
                || spec.cards_per_node > 0 && value.is_empty()
        }),
        "gpus-per-task" => last_number(value).is_some_and(|each| {
            let tasks = spec.batch.tasks_per_node.or(spec.batch.tasks).unwrap_or(1);
            spec.cards == Some(each * tasks) || spec.cards_per_node.is_multiple_of(each)
        }),
        "mem" => spec.batch.memory == mib(value).map(Memory::MibPerNode),
        "mem-per-cpu" => spec.batch.memory == mib(value).map(Memory::MibPerCpu),
        "mem-per-gpu" => {
            let all = |each: u64| Memory::MibPerNode(each * u64::from(spec.cards_per_node));
            let each = mib(value);
            spec.batch.memory == each.map(Memory::MibPerCard) || spec.batch.memory == each.map(all)
        }
        "output" => is_path(spec.batch.output.as_deref(), value),
        "error" => is_path(spec.batch.error.as_deref(), value),
        "chdir" => is_path(spec.batch.work_dir.as_deref(), value),
        "exclusive" => spec.exclusive != (value == "oversubscribe"),
        "oversubscribe" => is_named() && spec.exclusive == (value != "oversubscribe"),
        // A comma may stand in quotes, so what is left once ours is taken out has to be words alone.
        "export" => {
            let ours = spec.env.iter().map(|(name, value)| format!("{name}={value}"));
            let left = ours.fold(value.to_owned(), |left, ours| left.replacen(&ours, "", 1));
            let is_word =
                |part: &str| ["", "ALL", "NONE", "NIL"].iter().any(|word| word.eq_ignore_ascii_case(part));
            left.split(',').all(is_word)
        }
        "time" => spec.time_limit_ms.map(clock).as_deref() == Some(value),
        "signal" => spec.batch.warning.as_ref().map_or_else(is_named, |warning| {
            let before =
                if warning.before_s == 60 { String::new() } else { format!("@{}", warning.before_s) };
            let told = value.trim_start_matches(['R', 'B', ':']);
            told == format!("{}{before}", warning.signal)
                || (told.ends_with(&before) && spec.launch == Launch::Batch)
        }),
        // All else is named: it is ignored, or `-v` of the test itself.
        "verbose" => true,
        _ => is_named(),
    }
}

/// The indices, in order.
fn indices(text: &str) -> BTreeSet<u32> {
    let text = text.split('%').next().unwrap_or_default().replace(['[', ']'], "");
    let of_part = |part: &str| {
        let (span, step) = part.split_once(':').unwrap_or((part, "1"));
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let number = |text: &str| text.parse::<u32>().expect("an index");
        (number(first)..=number(last)).step_by(step.parse().expect("a step")).collect::<Vec<_>>()
    };
    text.split(',').flat_map(of_part).collect()
}

/// MiB, as sbatch prints them.
fn mib(text: &str) -> Option<u64> {
    let text = text.trim_end_matches('?');
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "M" => 1,
        "G" => 1 << 10,
        "T" => 1 << 20,
        _ => return None,
    };
    Some(digits.parse::<u64>().ok()? * unit)
}

fn is_path(ours: Option<&str>, theirs: &str) -> bool {
    ours.is_some_and(|ours| theirs == ours || theirs.ends_with(&format!("/{ours}")))
}

/// A time limit as sbatch prints it: in whole minutes.
fn clock(limit: Millis) -> String {
    let minutes = (limit.0 + 59_999) / 60_000;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let days = if days > 0 { format!("{days}-") } else { String::new() };
    format!("{days}{hours:02}:{minutes:02}:00")
}
