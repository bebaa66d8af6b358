//! The options of sbatch, one by one.

use super::{Note, NoteAction, problem_at, values};
use crate::{JobSpec, ServiceClass, spec::SpecProblem};

/// Short forms.
const SHORT: &[(char, &str)] = &[
    ('J', "job-name"),
    ('N', "nodes"),
    ('G', "gpus"),
    ('t', "time"),
    ('A', "account"),
    ('q', "qos"),
    ('p', "partition"),
    ('o', "output"),
    ('e', "error"),
    ('a', "array"),
    ('d', "dependency"),
    ('C', "constraint"),
    ('n', "ntasks"),
    ('c', "cpus-per-task"),
    ('D', "chdir"),
    ('L', "licenses"),
    ('w', "nodelist"),
    ('x', "exclude"),
    ('H', "hold"),
    ('s', "oversubscribe"),
    ('k', "no-kill"),
    ('Q', "quiet"),
    ('v', "verbose"),
];

/// Long options without a value.
const FLAGS: &[&str] = &[
    "exclusive",
    "requeue",
    "no-requeue",
    "hold",
    "oversubscribe",
    "no-kill",
    "quiet",
    "verbose",
    "overcommit",
    "spread-job",
    "contiguous",
    "parsable",
    "wait",
    "ignore-pbs",
    "reboot",
    "use-min-nodes",
];

/// Options that only say how, with why they are left.
const IGNORED: &[(&str, &str)] = &[
    ("mem", "memory is not divided among jobs"),
    ("mem-per-cpu", "memory is not divided among jobs"),
    ("mem-per-gpu", "memory is not divided among jobs"),
    ("cpus-per-task", "processors are not divided among jobs"),
    ("cpus-per-gpu", "processors are not divided among jobs"),
    ("output", "standard output is kept by the center: `qiantang logs JOB` shows it"),
    ("error", "standard error is kept by the center: `qiantang logs JOB --stderr` shows it"),
    ("open-mode", "each run has logs of its own"),
    ("chdir", "a job starts in a work folder of its own"),
    ("mail-type", "the center sends no mail"),
    ("mail-user", "the center sends no mail"),
    ("licenses", "the center keeps no licences"),
    ("requeue", "a run that the center loses is always tried again"),
    ("no-requeue", "a run that the center loses is always tried again"),
    ("signal", "a run gets SIGTERM before it is killed"),
    ("partition", "the contract says which pools are used; choose a card model with --constraint"),
];

/// Options that would change what a job gets or when.
const REFUSED: &[(&str, &str)] = &[
    ("nodelist", "the center chooses the nodes; leave it out"),
    ("exclude", "the center chooses the nodes; leave it out"),
    ("hold", "submit the job when it may start, or use --dependency"),
    ("begin", "submit the job when it may start"),
    ("reservation", "there are no reservations; a reserved contract holds cards"),
    ("wrap", "send a script"),
    ("het-group", "submit the parts as jobs of their own"),
];

/// What the options ask for in cards, put together at the end: they depend on each other.
#[derive(Default)]
struct Cards {
    per_node: Option<u32>,
    in_all: Option<(u32, u32)>,
    tasks_per_node: Option<u32>,
    per_task: Option<u32>,
}

/// Applies options given beside a script; they win over its own.
pub fn apply(spec: &mut JobSpec, options: &[String]) -> Result<Vec<Note>, Vec<SpecProblem>> {
    let given: Vec<(u32, String)> = options.iter().map(|option| (0, option.clone())).collect();
    let (mut notes, mut problems) = (Vec::new(), Vec::new());
    read(&given, spec, &mut notes, &mut problems);
    if problems.is_empty() { Ok(notes) } else { Err(problems) }
}

/// Reads words into `spec`.
pub(super) fn read(
    given: &[(u32, String)],
    spec: &mut JobSpec,
    notes: &mut Vec<Note>,
    problems: &mut Vec<SpecProblem>,
) {
    let mut cards = Cards::default();
    let mut rest = given.iter().peekable();
    while let Some((line, word)) = rest.next() {
        let line = *line;
        let Some((name, inline)) = split(word) else {
            let hint = "options begin with `-`; put the command on a line of its own";
            problems.push(problem_at(line, word, "is not an option", hint));
            continue;
        };
        let option = format!("--{name}");
        let is_flag = FLAGS.contains(&name.as_str());
        let value = match inline {
            Some(value) => Some(value),
            None if is_flag => None,
            None => rest.next_if(|(_, next)| !next.starts_with("--")).map(|(_, next)| next.clone()),
        };
        if let Some((_, why)) = IGNORED.iter().find(|(known, _)| *known == name) {
            notes.push(Note { line, option, action: NoteAction::Ignored, text: (*why).to_owned() });
            continue;
        }
        if let Some((_, hint)) = REFUSED.iter().find(|(known, _)| *known == name) {
            problems.push(problem_at(line, &option, "can't be had here", *hint));
            continue;
        }
        if name == "exclusive" {
            spec.exclusive = true;
            continue;
        }
        if is_flag {
            let text = "makes no difference here".to_owned();
            notes.push(Note { line, option, action: NoteAction::Ignored, text });
            continue;
        }
        let Some(value) = value else {
            if is_known(&name) {
                problems.push(problem_at(line, &option, "needs a value", format!("write {option}=VALUE")));
            } else {
                unknown(line, option, notes);
            }
            continue;
        };
        match take(&name, &value, spec, &mut cards) {
            Ok(Taken::Yes) => {}
            Ok(Taken::Mapped(text)) => notes.push(Note { line, option, action: NoteAction::Mapped, text }),
            Ok(Taken::Unknown) => unknown(line, option, notes),
            Err((problem, hint)) => problems.push(problem_at(line, &option, problem, hint)),
        }
    }
    put_together(&cards, spec, problems);
}

fn unknown(line: u32, option: String, notes: &mut Vec<Note>) {
    let text = "is not known here".to_owned();
    notes.push(Note { line, option, action: NoteAction::Ignored, text });
}

/// The long name and the value in the word itself: `--nodes=2`, `-N2`, `-N=2`.
fn split(word: &str) -> Option<(String, Option<String>)> {
    if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
        let (name, value) =
            long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
        return Some((name.to_owned(), value));
    }
    let mut chars = word.strip_prefix('-')?.chars();
    let short = chars.next()?;
    let rest = chars.as_str();
    let name = SHORT
        .iter()
        .find(|(c, _)| *c == short)
        .map_or_else(|| short.to_string(), |(_, name)| (*name).to_owned());
    let value = (!rest.is_empty()).then(|| rest.strip_prefix('=').unwrap_or(rest).to_owned());
    Some((name, value))
}

const KNOWN: &[&str] = &[
    "job-name",
    "nodes",
    "gpus",
    "gpus-per-node",
    "gpus-per-task",
    "gres",
    "ntasks",
    "ntasks-per-node",
    "time",
    "account",
    "qos",
    "array",
    "dependency",
    "comment",
    "export",
    "constraint",
];

fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

enum Taken {
    Yes,
    Mapped(String),
    Unknown,
}

type Refusal = (String, String);

fn take(name: &str, value: &str, spec: &mut JobSpec, cards: &mut Cards) -> Result<Taken, Refusal> {
    let hint = |hint: &str| {
        let hint = hint.to_owned();
        move |problem: String| (problem, hint)
    };
    let mut model = |found: Option<String>| {
        if found.is_some() {
            spec.card_model = found;
        }
    };
    match name {
        "job-name" => value.clone_into(&mut spec.name),
        "account" => spec.project = Some(value.to_owned()),
        "comment" => value.clone_into(&mut spec.comment),
        "constraint" => constraint(value, spec)?,
        "time" => {
            let read = values::time(value)
                .map_err(hint("write 30 (minutes), 1:30:00 (hours) or 2-12 (days-hours)"))?;
            spec.time_limit_ms = Some(read);
        }
        "nodes" => {
            let (least, most) = value.split_once('-').unwrap_or((value, value));
            let read = values::count(least).and_then(|least| Ok((least, values::count(most)?)));
            let (least, most) = read.map_err(hint("write a number of nodes, such as 2"))?;
            spec.nodes = least;
            spec.max_nodes = (least != most).then_some(most);
        }
        "gres" => {
            let mut sum = 0_u32;
            for part in value.split(',') {
                let (found, count) = values::gres(part).map_err(hint("ask for cards as npu:8 or gpu:8"))?;
                model(found);
                sum = sum.saturating_add(count);
            }
            cards.per_node = Some(sum);
        }
        "gpus-per-node" | "gpus-per-task" | "gpus" => {
            let (found, count) = values::cards(value).map_err(hint("write a number of cards, such as 8"))?;
            model(found);
            match name {
                "gpus" => cards.in_all = Some((count, 0)),
                "gpus-per-task" => cards.per_task = Some(count),
                _ => cards.per_node = Some(count),
            }
        }
        "ntasks-per-node" => {
            let count = values::count(value).map_err(hint("write a number of at least 1"))?;
            cards.tasks_per_node = Some(count);
            return Ok(Taken::Mapped("one process is started on each node; it starts the others".to_owned()));
        }
        "ntasks" => {
            values::count(value).map_err(hint("write a number of at least 1"))?;
            return Ok(Taken::Mapped("one process is started on each node; it starts the others".to_owned()));
        }
        "qos" => {
            let known = ServiceClass::ALL.map(ServiceClass::code).join(", ");
            let class = ServiceClass::from_code(value);
            spec.service_class = class.ok_or_else(|| {
                (format!("there is no service class `{value}`"), format!("use one of: {known}"))
            })?;
        }
        "array" => {
            let array = values::array(value).map_err(hint("write 0-7, 1,3,5 or 0-99:2%4"))?;
            if array.len() > u64::from(crate::spec::MAX_ARRAY_TASKS) {
                return Err((format!("has {} tasks", array.len()), "ask for at most 1,000,000".to_owned()));
            }
            spec.array = Some(array);
        }
        "dependency" => {
            spec.after = values::dependencies(value)
                .map_err(hint("write after, afterok, afternotok or afterany, each with :job_…"))?;
        }
        "export" => export(value, spec)?,
        _ => return Ok(Taken::Unknown),
    }
    Ok(Taken::Yes)
}

/// What nodes must have, with `&` between; card models of which any will do have `|` between. What is a label and what a
/// model's name the center knows.
fn constraint(value: &str, spec: &mut JobSpec) -> Result<(), Refusal> {
    spec.labels.clear();
    for part in value.split('&').map(|part| part.trim().trim_matches(|c| c == '(' || c == ')')) {
        if part.contains('|') {
            spec.card_model = Some(part.to_owned());
        } else if crate::spec::is_label(part) {
            spec.labels.push(part.to_owned());
        } else {
            let hint = "write label, label&label, or model|model";
            return Err((format!("`{part}` is neither a label nor a card model"), hint.to_owned()));
        }
    }
    Ok(())
}

/// `NONE` and `ALL` say the same here: a run never gets the environment of where it was submitted.
fn export(value: &str, spec: &mut JobSpec) -> Result<(), Refusal> {
    for part in value.split(',').filter(|part| !matches!(*part, "" | "NONE" | "ALL" | "NIL")) {
        let Some((name, text)) = part.split_once('=') else {
            let problem = format!("`{part}` has no value, and a run does not get your environment");
            return Err((problem, format!("write {part}=VALUE")));
        };
        spec.env.insert(name.to_owned(), text.to_owned());
    }
    Ok(())
}

fn put_together(cards: &Cards, spec: &mut JobSpec, problems: &mut Vec<SpecProblem>) {
    if let Some(per_node) = cards.per_node {
        spec.cards_per_node = per_node;
    } else if let Some((in_all, line)) = cards.in_all {
        if !in_all.is_multiple_of(spec.nodes.max(1)) {
            let problem = format!("{in_all} cards can't be shared evenly by {} nodes", spec.nodes);
            problems.push(problem_at(
                line,
                "--gpus",
                problem,
                "ask for as many on each node: --gpus-per-node=N",
            ));
            return;
        }
        spec.cards_per_node = in_all / spec.nodes.max(1);
    } else if let Some(per_task) = cards.per_task {
        spec.cards_per_node = per_task.saturating_mul(cards.tasks_per_node.unwrap_or(1));
    }
}
