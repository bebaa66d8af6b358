//! How problems of options read in English.

use crate::problem::{
    code::{Form, NotHere, OptionFault, ValueFault},
    shown::{Words, shown},
};

pub fn words(fault: &OptionFault) -> Words {
    match fault {
        OptionFault::OpenQuote { quote } => {
            (format!("a quote {quote} is not closed"), "close the quote".into())
        }
        OptionFault::Unknown { like } => {
            let hint = match like.as_slice() {
                [] => "leave it out, or write an option that the documentation lists".into(),
                like => format!("write {}, or leave it out", like.join(" or ")),
            };
            ("is not known to sbatch".into(), hint)
        }
        OptionFault::Ambiguous { options } => {
            ("is the beginning of several options".into(), format!("write one of: {}", options.join(", ")))
        }
        OptionFault::TakesNoValue => ("takes no value".into(), "leave out `=` and what is behind it".into()),
        OptionFault::EmptyWord => (
            "has quotes with nothing between, where sbatch stops to read the line".into(),
            "leave them out, or write --option= for an empty value".into(),
        ),
        OptionFault::OddCharacter { code } => (
            format!("begins with the character U+{code:04X}, which only looks like a space or a hyphen"),
            "type the space or the hyphen anew".into(),
        ),
        OptionFault::BadValue { given } => (
            format!("`{}` is not a value that sbatch takes", shown(given)),
            "give another value, or leave the option out".into(),
        ),
        OptionFault::NotTogether { options } => (
            format!("can't be used together: {}", options.join(", ")),
            "leave all but one of them out".into(),
        ),
        OptionFault::NotAlone { options } => {
            ("says nothing by itself".into(), format!("give one of these with it: {}", options.join(", ")))
        }
        OptionFault::VariableName { name } => (
            format!("has `{}`, which is not the name of a variable", shown(name)),
            "names are letters, digits and `_`, not beginning with a digit".into(),
        ),
        OptionFault::NotAnOption => {
            ("is not an option".into(), "options begin with `-`; put the command on a line of its own".into())
        }
        OptionFault::NotHere(why) => {
            let hint = match why {
                NotHere::Nodes => "the center chooses the nodes; leave it out",
                NotHere::Hold => "submit the job when it may start, or use --dependency",
                NotHere::Begin => "submit the job when it may start",
                NotHere::Reservation => "there are no reservations; a reserved contract holds cards",
                NotHere::Wrap => "send a script",
                NotHere::HetGroup => "submit the parts of the job as jobs of their own",
                NotHere::BurstBuffer => "there are no burst buffers; use files in the job's work folder",
                NotHere::Clusters => "there is one center; leave it out",
                NotHere::Container => "there are no containers; name the program in the script",
                NotHere::Deadline => "set a time limit with --time, and cancel the job when it is too late",
                NotHere::ExportFile => "name each variable: --export=NAME=VALUE",
                NotHere::UserEnv => "begin the script with `#!/bin/bash -l`",
                NotHere::Identity => "a job runs as its tenant; leave it out",
                NotHere::PerSocket => "ask for cards on each node: --gpus-per-node=N",
                NotHere::TasksPerCard => "say how many tasks there are on each node: --ntasks-per-node=N",
                NotHere::Reboot => "nodes are not started anew for a job; leave it out",
                NotHere::TestOnly => "try the job out: `qiantang submit --dry-run`, or the form's dry run",
            };
            ("can't be had here".into(), hint.into())
        }
        OptionFault::NeedsValue { option } => {
            ("needs a value".into(), format!("write {}=VALUE", shown(option)))
        }
        OptionFault::Value { fault, form } => (value(fault), written(*form).into()),
        OptionFault::Constraint { given } => (
            format!("`{}` is neither a label nor a card model", shown(given)),
            "write label, label&label, or model|model".into(),
        ),
        OptionFault::Warning { given } => {
            (format!("`{}` is not a signal", shown(given)), "write B:USR1@60".into())
        }
        OptionFault::NoVariableValue { name } => (
            format!("`{}` has no value, and a run does not get your environment", shown(name)),
            format!("write {}=VALUE", shown(name)),
        ),
        OptionFault::UnevenCards { cards, nodes } => (
            format!("{cards} cards can't be shared evenly by {nodes} nodes"),
            "ask for as many on each node: --gpus-per-node=N".into(),
        ),
    }
}

fn value(fault: &ValueFault) -> String {
    match fault {
        ValueFault::Count { given } => format!("`{}` is not a number of at least 1", shown(given)),
        ValueFault::Time { given } => format!("`{}` is not a time", shown(given)),
        ValueFault::NoTime => "a limit of no time lets nothing run".into(),
        ValueFault::Memory { given } => format!("`{}` is not an amount of memory", shown(given)),
        ValueFault::CardKind { given } => format!("`{}` is not a kind of card here", shown(given)),
        ValueFault::Index { given } => format!("`{}` is not an index", shown(given)),
        ValueFault::AnyOfSeveral => "`?` (any of several) can't be had".into(),
        ValueFault::Dependency { given } => format!("`{}` is not a dependency here", shown(given)),
        ValueFault::NoJob { word } => format!("`{}` names no job", shown(word)),
        ValueFault::JobId { given } => format!("`{}` is not the id of a job", shown(given)),
    }
}

fn written(form: Form) -> &'static str {
    match form {
        Form::Nodes => "write a number of nodes, such as 2",
        Form::Cards => "write a number of cards, such as 8",
        Form::Gres => "ask for cards as npu:8 or gpu:8",
        Form::Count => "write a number of at least 1",
        Form::Time => "write 30 (minutes), 1:30:00 (hours) or 2-12 (days-hours)",
        Form::Memory => "write 500M, 16G or 1T",
        Form::Array => "write 0-7, 1,3,5 or 0-99:2%4",
        Form::Dependency => "write after, afterok, afternotok or afterany, each with :job_…",
    }
}
