//! The options of a job, taken into its specification. Each option counts as it was given last; those for cards, nodes and tasks
//! are put together at the end, since they depend on each other.

use super::{
    checks::{check, is_endless},
    getopt::Given,
    note::{Note, NoteAction, NoteWhy},
    table::{self, Role},
    values,
};
use crate::{
    JobSpec, Launch, ServiceClass,
    batch::Memory,
    problem::{Form, JobFault, OptionFault, Place, SpecProblem, ValueFault, Wrong},
    spec::mail::{JobMail, MailTypes, mail_types},
};

/// The nodes, cards and tasks that the options ask for.
#[derive(Default)]
struct Asked {
    nodes: Option<(u32, u32)>,
    tasks: Option<u32>,
    tasks_per_node: Option<u32>,
    per_node: Option<u32>,
    /// Cards in all, with the line.
    in_all: Option<(u32, u32)>,
    /// Cards of each task, with the line.
    per_task: Option<(u32, u32)>,
    /// The options that say how much memory, in the order in which they came first.
    memory: Vec<(&'static str, u64)>,
    mail: JobMail,
}

/// Takes the options into `spec`.
pub(super) fn take_all(
    given: &[Given],
    spec: &mut JobSpec,
    notes: &mut Vec<Note>,
    problems: &mut Vec<SpecProblem>,
) {
    let mut asked = Asked::default();
    for Given { line, option, value } in given {
        let place = || Place::option(*line, &option.shown());
        let note =
            |action, why: &NoteWhy| Note { line: *line, option: option.shown(), action, why: why.clone() };
        if let Role::Refused(why) = &option.role {
            problems.push(SpecProblem::new(place(), OptionFault::NotHere(*why)));
            continue;
        }
        if let Err(wrong) = check(option.name, value.as_deref()) {
            problems.push(SpecProblem::new(place(), wrong));
            continue;
        }
        if let Role::Ignored(why) = &option.role {
            if option.name == "oversubscribe" {
                spec.exclusive = false;
            }
            notes.push(note(NoteAction::Ignored, why));
            continue;
        }
        match take(option.name, value.as_deref(), *line, spec, &mut asked) {
            Ok(Taken::Yes) => {
                if let Role::OnSlurm(why) = &option.role {
                    notes.push(note(NoteAction::OnSlurm, why));
                }
            }
            Ok(Taken::Ignored(why)) => notes.push(note(NoteAction::Ignored, &why)),
            Err(wrong) => problems.push(SpecProblem::new(place(), wrong)),
        }
    }
    let together: Vec<String> = asked.memory.iter().map(|(name, _)| format!("--{name}")).collect();
    if together.len() > 1 {
        let at = given.iter().rev().find(|given| given.option.shown() == together[together.len() - 1]);
        let place = Place::option(at.map_or(0, |at| at.line), &together[together.len() - 1]);
        problems.push(SpecProblem::new(place, OptionFault::NotTogether { options: together }));
    }
    spec.mail = (!asked.mail.on.is_empty()).then(|| std::mem::take(&mut asked.mail));
    nodes_and_tasks(&asked, spec, notes);
    cards(&asked, spec, problems);
}

/// The numbers of nodes and tasks, by the rules of sbatch.
fn nodes_and_tasks(asked: &Asked, spec: &mut JobSpec, notes: &mut Vec<Note>) {
    if let Some((least, most)) = asked.nodes {
        spec.nodes = least;
        spec.max_nodes = (least != most).then_some(most);
    }
    (spec.batch.tasks, spec.batch.tasks_per_node) = (asked.tasks, asked.tasks_per_node);
    let Some(tasks) = asked.tasks.filter(|_| spec.launch == Launch::Batch) else { return };
    if asked.nodes.is_none() {
        if let Some(on_each) = asked.tasks_per_node {
            spec.nodes = tasks.div_ceil(on_each.max(1));
        }
        return;
    }
    if tasks < spec.nodes {
        let why = NoteWhy::NodesOfTasks { tasks, nodes: spec.nodes };
        notes.push(Note { line: 0, option: "--nodes".to_owned(), action: NoteAction::Mapped, why });
        (spec.nodes, spec.max_nodes) = (tasks, None);
    } else if spec.max_nodes.is_some_and(|most| tasks < most) {
        spec.max_nodes = Some(tasks).filter(|most| *most > spec.nodes);
    }
}

/// The cards on each node, or in all where the nodes follow from them.
fn cards(asked: &Asked, spec: &mut JobSpec, problems: &mut Vec<SpecProblem>) {
    let is_asked = asked.per_node.is_some() || asked.in_all.is_some() || asked.per_task.is_some();
    spec.batch.without_cards &= !is_asked;
    let has_number = asked.in_all.is_some() || asked.tasks.is_some() || asked.tasks_per_node.is_some();
    if let Some((_, line)) = asked.per_task.filter(|_| !has_number) {
        let options = ["--ntasks", "--ntasks-per-node", "--gpus"].map(str::to_owned).to_vec();
        problems.push(SpecProblem::new(
            Place::option(line, "--gpus-per-task"),
            OptionFault::NotAlone { options },
        ));
    }
    let has_nodes = asked.nodes.is_some() || spec.nodes > 1;
    let of_tasks = || {
        let ((per_task, _), tasks) = (asked.per_task?, asked.tasks?);
        (!has_nodes && asked.tasks_per_node.is_none()).then(|| per_task.saturating_mul(tasks))
    };
    if let Some(per_node) = asked.per_node {
        spec.cards_per_node = per_node;
    } else if let Some((in_all, line)) = asked.in_all {
        if !has_nodes || spec.max_nodes.is_some() {
            spec.cards = Some(in_all);
        } else if in_all.is_multiple_of(spec.nodes.max(1)) {
            spec.cards_per_node = in_all / spec.nodes.max(1);
        } else {
            let fault = OptionFault::UnevenCards { cards: in_all, nodes: spec.nodes };
            problems.push(SpecProblem::new(Place::option(line, "--gpus"), fault));
        }
    } else if let Some(in_all) = of_tasks() {
        spec.cards = Some(in_all);
    } else if let Some((per_task, _)) = asked.per_task {
        let of_tasks = || Some(asked.tasks?.div_ceil(spec.nodes.max(1)));
        let on_each = asked.tasks_per_node.or_else(of_tasks).unwrap_or(1);
        spec.cards_per_node = per_task.saturating_mul(on_each);
    }
    spec.batch.memory = match asked.memory.as_slice() {
        [("mem", mib)] => Some(Memory::MibPerNode(*mib)),
        [("mem-per-cpu", mib)] => Some(Memory::MibPerCpu(*mib)),
        [(_, mib)] => Some(Memory::MibPerCard(*mib)),
        _ => None,
    };
    if let (Some(Memory::MibPerCard(mib)), None) = (spec.batch.memory, spec.cards) {
        spec.batch.memory = Some(Memory::MibPerNode(mib.saturating_mul(spec.cards_per_node.into())));
    }
}

enum Taken {
    Yes,
    Ignored(NoteWhy),
}

fn take(
    name: &'static str,
    value: Option<&str>,
    line: u32,
    spec: &mut JobSpec,
    asked: &mut Asked,
) -> Result<Taken, Wrong> {
    let as_form = |form: Form| move |fault: ValueFault| OptionFault::Value { fault, form };
    if name == "exclusive" {
        spec.exclusive = exclusive(value)?;
        return Ok(Taken::Yes);
    }
    // An option that needs a value has one by now; an empty one says nothing.
    let value = value.unwrap_or_default();
    if value.is_empty() && !matches!(name, "comment" | "export" | "mail-user") {
        let option = table::named(name).map_or_else(|| format!("--{name}"), table::Opt::shown);
        return Err(OptionFault::NeedsValue { option }.into());
    }
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
        "time" if is_endless(value) => {
            return Err(OptionFault::Value { fault: ValueFault::NoTime, form: Form::Time }.into());
        }
        "time" => spec.time_limit_ms = Some(values::time(value).map_err(as_form(Form::Time))?),
        "nodes" => asked.nodes = Some(values::nodes(value).map_err(as_form(Form::Nodes))?),
        "gres" => {
            let mut sum = 0_u32;
            for part in value.split(',') {
                let (found, count) = values::gres(part).map_err(as_form(Form::Gres))?;
                model(found);
                sum = sum.saturating_add(count);
            }
            asked.per_node = Some(sum);
        }
        "gpus-per-node" | "gpus-per-task" | "gpus" => {
            let (found, count) = values::cards(value).map_err(as_form(Form::Cards))?;
            model(found);
            match name {
                "gpus" => asked.in_all = Some((count, line)),
                "gpus-per-task" => asked.per_task = Some((count, line)),
                _ => asked.per_node = Some(count),
            }
        }
        "ntasks-per-node" | "tasks-per-node" | "ntasks" | "cpus-per-task" => {
            let count = Some(values::count(value).map_err(as_form(Form::Count))?);
            match name {
                "ntasks" => asked.tasks = count,
                "cpus-per-task" => spec.batch.cpus_per_task = count,
                _ => asked.tasks_per_node = count,
            }
        }
        "mem" | "mem-per-cpu" | "mem-per-gpu" => {
            let mib = values::mib(value).map_err(as_form(Form::Memory))?;
            match asked.memory.iter_mut().find(|(other, _)| *other == name) {
                Some((_, old)) => *old = mib,
                None => asked.memory.push((name, mib)),
            }
        }
        "output" => spec.batch.output = Some(file(value)),
        "error" => spec.batch.error = Some(file(value)),
        "chdir" => spec.batch.work_dir = Some(value.to_owned()),
        "signal" => {
            let (warning, is_to_script) = values::warning(value)?;
            if !is_to_script {
                let (signal, before_s) = (warning.signal, warning.before_s);
                return Ok(Taken::Ignored(NoteWhy::SignalToScript { signal, before_s }));
            }
            spec.batch.warning = Some(warning);
        }
        "mail-type" => {
            let MailTypes { on, not_sent } = mail_types(value);
            asked.mail.on = on;
            if !not_sent.is_empty() {
                return Ok(Taken::Ignored(NoteWhy::NoMailOn { words: not_sent.join(",") }));
            }
        }
        "mail-user" => asked.mail.to = Some(value.to_owned()).filter(|whom| !whom.is_empty()),
        "launch" => {
            let known = Launch::ALL.map(Launch::code);
            spec.launch = Launch::from_code(value).ok_or_else(|| Wrong::unknown(value, &known))?;
        }
        "secrets" => spec.secrets = value.split(',').map(|name| name.trim().to_owned()).collect(),
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
        "export" => {
            spec.env = values::variables(value)?;
            spec.batch.export = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
        // What is an option and not taken here is one of another command.
        _ => {}
    }
    Ok(Taken::Yes)
}

/// Whole nodes, or (`oversubscribe`) none of them.
fn exclusive(value: Option<&str>) -> Result<bool, Wrong> {
    const KNOWN: [&str; 4] = ["exclusive", "user", "mcs", "oversubscribe"];
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(true) };
    match KNOWN.iter().find(|known| known.eq_ignore_ascii_case(value)) {
        Some(known) => Ok(*known != "oversubscribe"),
        None => Err(Wrong::unknown(value, &KNOWN)),
    }
}

/// A file for an output; sbatch takes `none` for the one that keeps nothing.
fn file(value: &str) -> String {
    if value.eq_ignore_ascii_case("none") { "/dev/null".to_owned() } else { value.to_owned() }
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
