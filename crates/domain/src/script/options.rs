//! The options of sbatch, one by one.

use super::{Note, NoteAction, NoteWhy, values};
use crate::{
    JobSpec, Launch, ServiceClass,
    batch::{Memory, Warning, is_signal},
    problem::{Form, JobFault, NotHere, OptionFault, Place, SpecProblem, ValueFault, Wrong},
};

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
    ('i', "input"),
    ('m', "distribution"),
    ('O', "overcommit"),
];

/// Long options without a value, or with one that may be left out.
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
    "nice",
    "get-user-env",
    "propagate",
    "test-only",
];

/// Options that can be ignored because they don't change what the script does, each with the reason.
const IGNORED: &[(&str, NoteWhy)] = &[
    ("cpus-per-gpu", NoteWhy::ProcessorsShared),
    ("open-mode", NoteWhy::OwnLogs),
    ("mail-type", NoteWhy::NoMail),
    ("mail-user", NoteWhy::NoMail),
    ("licenses", NoteWhy::NoLicences),
    ("requeue", NoteWhy::AlwaysRetried),
    ("no-requeue", NoteWhy::AlwaysRetried),
    ("partition", NoteWhy::PoolsOfContract),
    ("input", NoteWhy::EmptyInput),
    ("distribution", NoteWhy::ForSrun),
    ("hint", NoteWhy::ForSrun),
    ("threads-per-core", NoteWhy::ForSrun),
    ("ntasks-per-core", NoteWhy::ForSrun),
    ("ntasks-per-socket", NoteWhy::ForSrun),
    ("mem-bind", NoteWhy::ForSrun),
    ("gpu-bind", NoteWhy::ForSrun),
];

/// Options that hold only on a Slurm cluster, each with what happens where the center starts processes
/// itself.
const ON_SLURM: &[(&str, NoteWhy)] = &[
    ("ntasks", NoteWhy::OneProcess),
    ("ntasks-per-node", NoteWhy::OneProcess),
    ("cpus-per-task", NoteWhy::ProcessorsShared),
    ("mem", NoteWhy::MemoryShared),
    ("mem-per-cpu", NoteWhy::MemoryShared),
    ("mem-per-gpu", NoteWhy::MemoryShared),
    ("output", NoteWhy::OutputKept),
    ("error", NoteWhy::ErrorKept),
    ("chdir", NoteWhy::OwnFolder),
    ("signal", NoteWhy::Terminated),
];

/// Options that would change what a job gets or when.
const REFUSED: &[(&str, NotHere)] = &[
    ("nodelist", NotHere::Nodes),
    ("exclude", NotHere::Nodes),
    ("hold", NotHere::Hold),
    ("begin", NotHere::Begin),
    ("reservation", NotHere::Reservation),
    ("wrap", NotHere::Wrap),
    ("het-group", NotHere::HetGroup),
];

/// The cards that the options ask for, put together at the end, as the options depend on each other.
#[derive(Default)]
struct Cards {
    per_node: Option<u32>,
    in_all: Option<(u32, u32)>,
    per_task: Option<u32>,
    mib_per_card: Option<u64>,
    /// The number of nodes was said, or has to follow from the tasks.
    has_nodes: bool,
    has_tasks: bool,
}

impl Cards {
    fn are_asked_for(&self) -> bool {
        self.per_node.is_some() || self.in_all.is_some() || self.per_task.is_some()
    }
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
    let mut nodes_at = None;
    let mut rest = given.iter().peekable();
    while let Some((line, word)) = rest.next() {
        let line = *line;
        let Some((name, inline)) = split(word) else {
            problems.push(SpecProblem::new(Place::option(line, word), OptionFault::NotAnOption));
            continue;
        };
        let option = format!("--{name}");
        let is_flag = FLAGS.contains(&name.as_str());
        let value = match inline {
            Some(value) => Some(value),
            None if is_flag => None,
            // An option that is not known may take no value. Then a word that begins with a hyphen is the
            // next option and not its value.
            None => {
                let no_value = if is_known(&name) { "--" } else { "-" };
                let next = rest.next_if(|(at, next)| *at == line && !next.starts_with(no_value));
                next.map(|(_, next)| next.clone())
            }
        };
        if let Some((_, why)) = IGNORED.iter().find(|(known, _)| *known == name) {
            notes.push(Note { line, option, action: NoteAction::Ignored, why: why.clone() });
            continue;
        }
        if let Some((_, why)) = REFUSED.iter().find(|(known, _)| *known == name) {
            problems.push(SpecProblem::new(Place::option(line, &option), OptionFault::NotHere(*why)));
            continue;
        }
        if name == "exclusive" {
            spec.exclusive = true;
            continue;
        }
        if is_flag {
            let why = NoteWhy::NoDifference;
            notes.push(Note { line, option, action: NoteAction::Ignored, why });
            continue;
        }
        let Some(value) = value else {
            if is_known(&name) {
                let place = Place::option(line, &option);
                problems.push(SpecProblem::new(place, OptionFault::NeedsValue { option }));
            } else {
                unknown(line, option, notes);
            }
            continue;
        };
        match take(&name, &value, spec, &mut cards) {
            Ok(Taken::Yes) => {
                if let Some((_, why)) = ON_SLURM.iter().find(|(known, _)| *known == name) {
                    let why = why.clone();
                    notes.push(Note { line, option, action: NoteAction::OnSlurm, why });
                } else if name == "nodes" {
                    nodes_at = Some(line);
                }
            }
            Ok(Taken::Ignored(why)) => notes.push(Note { line, option, action: NoteAction::Ignored, why }),
            Ok(Taken::Unknown) => unknown(line, option, notes),
            Err(wrong) => problems.push(SpecProblem::new(Place::option(line, &option), wrong)),
        }
    }
    nodes_of_tasks(&cards, spec, notes);
    put_together(&cards, spec, problems);
    if let Some(line) = nodes_at.filter(|_| spec.launch == Launch::Batch && spec.nodes > 1)
        && !["srun", "mpirun", "mpiexec"].iter().any(|starter| spec.script.contains(starter))
    {
        let (option, why) = ("--nodes".to_owned(), NoteWhy::FirstNodeOnly);
        notes.push(Note { line, option, action: NoteAction::Mapped, why });
    }
}

/// Sets the number of nodes that the script's tasks need, by the rules of sbatch.
fn nodes_of_tasks(cards: &Cards, spec: &mut JobSpec, notes: &mut Vec<Note>) {
    let Some(tasks) = spec.batch.tasks.filter(|_| spec.launch == Launch::Batch) else { return };
    match spec.batch.tasks_per_node {
        Some(on_each) if cards.has_tasks && !cards.has_nodes && spec.nodes == 1 => {
            spec.nodes = tasks.div_ceil(on_each.max(1));
        }
        _ if tasks < spec.nodes => {
            let why = NoteWhy::NodesOfTasks { tasks, nodes: spec.nodes };
            notes.push(Note { line: 0, option: "--nodes".to_owned(), action: NoteAction::Mapped, why });
            (spec.nodes, spec.max_nodes) = (tasks, None);
        }
        _ => {}
    }
}

fn unknown(line: u32, option: String, notes: &mut Vec<Note>) {
    notes.push(Note { line, option, action: NoteAction::Ignored, why: NoteWhy::Unknown });
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
    "cpus-per-task",
    "mem",
    "mem-per-cpu",
    "mem-per-gpu",
    "output",
    "error",
    "chdir",
    "signal",
    "launch",
];

fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
        || IGNORED.iter().any(|(known, _)| *known == name)
        || REFUSED.iter().any(|(known, _)| *known == name)
}

enum Taken {
    Yes,
    Ignored(NoteWhy),
    Unknown,
}

fn take(name: &str, value: &str, spec: &mut JobSpec, cards: &mut Cards) -> Result<Taken, Wrong> {
    let as_form = |form: Form| move |fault: ValueFault| OptionFault::Value { fault, form };
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
            let read = values::time(value).map_err(as_form(Form::Time))?;
            spec.time_limit_ms = Some(read);
        }
        "nodes" => {
            let (least, most) = value.split_once('-').unwrap_or((value, value));
            let read = values::count(least).and_then(|least| Ok((least, values::count(most)?)));
            let (least, most) = read.map_err(as_form(Form::Nodes))?;
            cards.has_nodes = true;
            spec.nodes = least;
            spec.max_nodes = (least != most).then_some(most);
        }
        "gres" => {
            let mut sum = 0_u32;
            for part in value.split(',') {
                let (found, count) = values::gres(part).map_err(as_form(Form::Gres))?;
                model(found);
                sum = sum.saturating_add(count);
            }
            cards.per_node = Some(sum);
        }
        "gpus-per-node" | "gpus-per-task" | "gpus" => {
            let (found, count) = values::cards(value).map_err(as_form(Form::Cards))?;
            model(found);
            match name {
                "gpus" => cards.in_all = Some((count, 0)),
                "gpus-per-task" => cards.per_task = Some(count),
                _ => cards.per_node = Some(count),
            }
        }
        "ntasks-per-node" | "ntasks" | "cpus-per-task" => {
            let count = Some(values::count(value).map_err(as_form(Form::Count))?);
            let batch = &mut spec.batch;
            match name {
                "ntasks" => (batch.tasks, cards.has_tasks) = (count, true),
                "ntasks-per-node" => (batch.tasks_per_node, cards.has_tasks) = (count, true),
                _ => batch.cpus_per_task = count,
            }
        }
        "mem" | "mem-per-cpu" | "mem-per-gpu" => {
            let mib = values::mib(value).map_err(as_form(Form::Memory))?;
            match name {
                "mem" => spec.batch.memory = Some(Memory::MibPerNode(mib)),
                "mem-per-cpu" => spec.batch.memory = Some(Memory::MibPerCpu(mib)),
                _ => cards.mib_per_card = Some(mib),
            }
        }
        "output" => spec.batch.output = Some(value.to_owned()),
        "error" => spec.batch.error = Some(value.to_owned()),
        "chdir" => spec.batch.work_dir = Some(value.to_owned()),
        "signal" => return signal(value, spec),
        "launch" => {
            let known = Launch::ALL.map(Launch::code);
            spec.launch = Launch::from_code(value).ok_or_else(|| Wrong::unknown(value, &known))?;
        }
        "qos" => {
            let known = ServiceClass::ALL.map(ServiceClass::code);
            spec.service_class =
                ServiceClass::from_code(value).ok_or_else(|| Wrong::unknown(value, &known))?;
        }
        "array" => {
            let array = values::array(value).map_err(as_form(Form::Array))?;
            if array.len() > u64::from(crate::spec::MAX_ARRAY_TASKS) {
                return Err(JobFault::ArrayTasks { tasks: array.len() }.into());
            }
            spec.array = Some(array);
        }
        "dependency" => {
            spec.after = values::dependencies(value).map_err(as_form(Form::Dependency))?;
        }
        "export" => export(value, spec)?,
        _ => return Ok(Taken::Unknown),
    }
    Ok(Taken::Yes)
}

/// Labels that nodes must have, with `&` between; card models, any of which will do, have `|` between. The
/// center knows which words are labels and which are models.
fn constraint(value: &str, spec: &mut JobSpec) -> Result<(), OptionFault> {
    spec.labels.clear();
    for part in value.split('&').map(|part| part.trim().trim_matches(|c| c == '(' || c == ')')) {
        if part.contains('|') {
            spec.card_model = Some(part.to_owned());
        } else if crate::spec::is_label(part) {
            spec.labels.push(part.to_owned());
        } else {
            return Err(OptionFault::Constraint { given: part.to_owned() });
        }
    }
    Ok(())
}

/// A signal before the time limit. The script alone can get one (`B:`).
fn signal(value: &str, spec: &mut JobSpec) -> Result<Taken, Wrong> {
    let wrong = || OptionFault::Warning { given: value.to_owned() };
    let (to, rest) = value.split_once(':').map_or(("", value), |(to, rest)| (to, rest));
    let (name, before) = rest.split_once('@').unwrap_or((rest, "60"));
    let before_s = before.parse().map_err(|_| wrong())?;
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    if !is_signal(name) {
        return Err(wrong().into());
    }
    if !to.contains('B') {
        return Ok(Taken::Ignored(NoteWhy::SignalToScript { signal: name.to_owned(), before_s }));
    }
    spec.batch.warning = Some(Warning { signal: name.to_owned(), before_s });
    Ok(Taken::Yes)
}

/// `NONE` and `ALL` say the same here: a run never gets the environment of where it was submitted. For `srun`
/// they do not.
fn export(value: &str, spec: &mut JobSpec) -> Result<(), OptionFault> {
    spec.batch.export = Some(value.to_owned()).filter(|value| !value.is_empty());
    for part in value.split(',').filter(|part| !matches!(*part, "" | "NONE" | "ALL" | "NIL")) {
        let Some((name, text)) = part.split_once('=') else {
            return Err(OptionFault::NoVariableValue { name: part.to_owned() });
        };
        spec.env.insert(name.to_owned(), text.to_owned());
    }
    Ok(())
}

fn put_together(cards: &Cards, spec: &mut JobSpec, problems: &mut Vec<SpecProblem>) {
    if cards.are_asked_for() {
        spec.batch.without_cards = false;
    }
    if let Some(per_node) = cards.per_node {
        spec.cards_per_node = per_node;
    } else if let Some((in_all, line)) = cards.in_all {
        if !in_all.is_multiple_of(spec.nodes.max(1)) {
            let fault = OptionFault::UnevenCards { cards: in_all, nodes: spec.nodes };
            problems.push(SpecProblem::new(Place::option(line, "--gpus"), fault));
            return;
        }
        spec.cards_per_node = in_all / spec.nodes.max(1);
    } else if let Some(per_task) = cards.per_task {
        let batch = &spec.batch;
        let on_each = batch.tasks_per_node.or_else(|| Some(batch.tasks?.div_ceil(spec.nodes.max(1))));
        spec.cards_per_node = per_task.saturating_mul(on_each.unwrap_or(1));
    }
    if let Some(mib) = cards.mib_per_card {
        spec.batch.memory = Some(Memory::MibPerNode(mib.saturating_mul(spec.cards_per_node.into())));
    }
}
