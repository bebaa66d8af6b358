//! What a form beside a script sets, read from the script's lines and written into them, so that the script says all
//! that the job is.

use super::{
    ParsedScript,
    getopt::{self, Given, Word},
    lines, parse, values,
};
use crate::{JobSpec, Millis};

/// A setting of a job that a form has a field for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Name,
    Nodes,
    /// Cards on each node.
    Cards,
    Time,
    Project,
    Class,
}

impl Setting {
    pub const ALL: [Self; 6] = [Self::Name, Self::Nodes, Self::Cards, Self::Time, Self::Project, Self::Class];

    /// The name of its field.
    pub fn code(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Nodes => "nodes",
            Self::Cards => "cards",
            Self::Time => "time",
            Self::Project => "project",
            Self::Class => "class",
        }
    }

    /// The options that say it; the first is written.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["job-name"],
            Self::Nodes => &["nodes"],
            Self::Cards => &["gres", "gpus-per-node"],
            Self::Time => &["time"],
            Self::Project => &["account"],
            Self::Class => &["qos"],
        }
    }

    /// Its value in a job, as a field shows it.
    pub fn of(self, spec: &JobSpec) -> String {
        match self {
            Self::Name => spec.name.clone(),
            Self::Nodes => {
                spec.max_nodes.map_or_else(|| spec.nodes.to_string(), |most| format!("{}-{most}", spec.nodes))
            }
            Self::Cards => spec.cards_per_node.to_string(),
            Self::Time => spec.time_limit_ms.map(time).unwrap_or_default(),
            Self::Project => spec.project.clone().unwrap_or_default(),
            Self::Class => spec.service_class.code().to_owned(),
        }
    }

    /// A value as it was typed, in the form in which [`Self::of`] gives it.
    pub fn plain(self, typed: &str) -> String {
        let typed = typed.trim();
        let read = match self {
            Self::Nodes => values::nodes(typed).ok().map(|(least, most)| {
                if least == most { least.to_string() } else { format!("{least}-{most}") }
            }),
            Self::Cards => values::count(typed).ok().map(|count| count.to_string()),
            Self::Time => values::time(typed).ok().map(time),
            _ => None,
        };
        read.unwrap_or_else(|| typed.to_owned())
    }

    /// Takes its value from another job.
    fn take(self, from: &JobSpec, into: &mut JobSpec) {
        match self {
            Self::Name => into.name.clone_from(&from.name),
            Self::Nodes => (into.nodes, into.max_nodes) = (from.nodes, from.max_nodes),
            Self::Cards => {
                into.cards_per_node = from.cards_per_node;
                into.card_model.clone_from(&from.card_model);
                into.batch.without_cards = from.batch.without_cards;
            }
            Self::Time => into.time_limit_ms = from.time_limit_ms,
            Self::Project => into.project.clone_from(&from.project),
            Self::Class => into.service_class = from.service_class,
        }
    }
}

/// A limit as sbatch writes it: `2-03:04:05`, `01:00:00`.
fn time(limit: Millis) -> String {
    let s = (limit.0 + 999) / 1000;
    let (days, clock) = (s / 86_400, format!("{:02}:{:02}:{:02}", s / 3600 % 24, s / 60 % 60, s % 60));
    if days == 0 { clock } else { format!("{days}-{clock}") }
}

/// A line of options before the first command.
struct Marked {
    at: usize,
    given: Vec<Given>,
}

/// The lines for sbatch, each read by itself. `None` where one can't be: nothing is written into such a script.
fn marked(text: &str) -> Option<Vec<Marked>> {
    let mut all = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        let blank = line.trim_start_matches(lines::is_space);
        if !blank.is_empty() && !blank.starts_with('#') {
            break;
        }
        let Some(options) = line.strip_prefix("#SBATCH").or_else(|| line.strip_prefix("#SLURM")) else {
            continue;
        };
        let number = u32::try_from(at + 1).ok()?;
        let words: Vec<Word> =
            lines::words(options).ok()?.into_iter().map(|text| Word { line: number, text }).collect();
        let (mut given, mut problems) = (Vec::new(), Vec::new());
        let taken = getopt::options(&words, &[], &mut given, &mut problems);
        if taken != words.len() || !problems.is_empty() {
            return None;
        }
        all.push(Marked { at, given });
    }
    Some(all)
}

/// Whether a line of the script says the setting. A script whose lines can't be read counts as saying every setting, so that no field overrides it.
pub fn says(text: &str, setting: Setting) -> bool {
    let is_of = |given: &Given| {
        setting.options().contains(&given.option.name)
            || (setting == Setting::Cards && matches!(given.option.name, "gpus" | "gpus-per-task"))
    };
    marked(text).is_none_or(|all| all.iter().flat_map(|line| &line.given).any(is_of))
}

/// The script with a setting as given, on a line for sbatch: in place of the one that has it, or behind the others.
/// `None` where that can't be without changing anything else: such a script is for people to change.
pub fn write(text: &str, setting: Setting, value: &str) -> Option<String> {
    let value = setting.plain(value);
    if value.is_empty() || value.contains(['"', '\'', '\\', '\n', '\r']) {
        return None;
    }
    let text = if text.trim().is_empty() { "#!/bin/bash\n" } else { text };
    let before = parse(text);
    let first = marked(text)?;
    if first.is_empty() && setting != Setting::Cards {
        // A script with a line for sbatch has no card but those that it asks for.
        let cards = before.as_ref().map_or(1, |parsed| parsed.spec.cards_per_node);
        return write(&write(text, Setting::Cards, &cards.to_string())?, setting, &value);
    }
    let has = |name: &str| first.iter().flat_map(|line| &line.given).any(|given| given.option.name == name);
    if setting == Setting::Cards && (has("gpus") || has("gpus-per-task")) {
        return None;
    }
    let mut written: Vec<Option<String>> = text.split('\n').map(|line| Some(line.to_owned())).collect();
    let (mut place, mut old) = (None, None);
    for line in &first {
        let (own, others): (Vec<&Given>, Vec<&Given>) =
            line.given.iter().partition(|given| setting.options().contains(&given.option.name));
        let Some(last) = own.last() else { continue };
        old = Some((last.option.name, last.value.clone().unwrap_or_default()));
        place.get_or_insert(line.at);
        let others = others.into_iter().map(said).collect::<Option<Vec<_>>>()?;
        written[line.at] = (!others.is_empty()).then(|| format!("#SBATCH {}", others.join(" ")));
    }
    let new = line_of(setting, &value, old.as_ref());
    if let Some(at) = place {
        let others = written[at].take();
        written[at] = Some(others.map_or_else(|| new.clone(), |others| format!("{others}\n{new}")));
    } else {
        let behind = first.last().map(|line| line.at).or_else(|| text.starts_with("#!").then_some(0));
        let at = behind.map_or(0, |at| at + 1).min(written.len());
        written.insert(at, Some(new));
    }
    let new = written.into_iter().flatten().collect::<Vec<_>>().join("\n");
    is_all_else_the_same(before.ok().filter(|_| !first.is_empty()), &new, setting, &value).then_some(new)
}

/// An option as it is written; `None` for a value that would need quotes of its own.
fn said(given: &Given) -> Option<String> {
    match &given.value {
        None => Some(given.option.shown()),
        Some(value) if value.contains(|c: char| c.is_whitespace() || "\"'\\#".contains(c)) => None,
        Some(value) => Some(format!("{}={value}", given.option.shown())),
    }
}

fn line_of(setting: Setting, value: &str, old: Option<&(&'static str, String)>) -> String {
    if setting == Setting::Cards {
        // The kind of card stays, with or without a number behind it.
        let (name, kind) = match old {
            Some((name, old)) => {
                let kind = old.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(':');
                (*name, kind.to_owned())
            }
            None => ("gres", "npu".to_owned()),
        };
        let joint = if kind.is_empty() { "" } else { ":" };
        return format!("#SBATCH --{name}={kind}{joint}{value}");
    }
    let quote = if value.contains(|c: char| c.is_whitespace() || c == '#') { "\"" } else { "" };
    format!("#SBATCH --{}={quote}{value}{quote}", setting.options()[0])
}

/// Whether the new script has the setting, and is the old one otherwise.
fn is_all_else_the_same(before: Option<ParsedScript>, new: &str, setting: Setting, value: &str) -> bool {
    match (before, parse(new)) {
        (before, Ok(mut after)) => {
            let is_set = setting.of(&after.spec) == value;
            before.is_none_or(|before| {
                setting.take(&before.spec, &mut after.spec);
                after.spec.script.clone_from(&before.spec.script);
                after.spec == before.spec
            }) && is_set
        }
        // It was not right before either, by something else.
        (None, Err(_)) => true,
        (Some(_), Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ServiceClass;

    #[test]
    fn a_setting_is_written_where_the_script_has_it_or_behind_its_lines() {
        for (before, setting, value, after) in [
            ("", Setting::Cards, "4", "#!/bin/bash\n#SBATCH --gres=npu:4\n"),
            (
                "#!/bin/sh\ntrue\n",
                Setting::Nodes,
                "2",
                "#!/bin/sh\n#SBATCH --gres=npu:1\n#SBATCH --nodes=2\ntrue\n",
            ),
            (
                "#!/bin/sh\n#SBATCH --gres=npu:1\ntrue\n",
                Setting::Class,
                "spot",
                "#!/bin/sh\n#SBATCH --gres=npu:1\n#SBATCH --qos=spot\ntrue\n",
            ),
            (
                "#!/bin/sh\n#SBATCH --qos=normal\ntrue\n",
                Setting::Class,
                "urgent",
                "#!/bin/sh\n#SBATCH --qos=urgent\ntrue\n",
            ),
            (
                "#!/bin/sh\n#SBATCH -N 1 --gres=npu:2 # two\ntrue",
                Setting::Nodes,
                "4",
                "#!/bin/sh\n#SBATCH --gres=npu:2\n#SBATCH --nodes=4\ntrue",
            ),
            (
                "#!/bin/sh\n#SBATCH --gres=npu:8\n#SBATCH -t 10\n#SBATCH --time=20\n",
                Setting::Time,
                "90",
                "#!/bin/sh\n#SBATCH --gres=npu:8\n#SBATCH --time=01:30:00\n",
            ),
            (
                "#!/bin/sh\n#SBATCH --gpus-per-node=2\n",
                Setting::Cards,
                "8",
                "#!/bin/sh\n#SBATCH --gpus-per-node=8\n",
            ),
            ("#!/bin/sh\n#SBATCH --gres=npu\n", Setting::Cards, "8", "#!/bin/sh\n#SBATCH --gres=npu:8\n"),
            (
                "#!/bin/sh\n#SBATCH --gres=npu:1\n",
                Setting::Name,
                "a b",
                "#!/bin/sh\n#SBATCH --gres=npu:1\n#SBATCH --job-name=\"a b\"\n",
            ),
        ] {
            assert_eq!(write(before, setting, value).as_deref(), Some(after), "{before} {setting:?}");
        }
    }

    #[test]
    fn what_can_not_be_written_is_left() {
        for (script, setting, value) in [
            ("#!/bin/sh\n#SBATCH --gres=npu:1\n", Setting::Nodes, "many"),
            ("#!/bin/sh\n#SBATCH --gres=npu:1\n", Setting::Time, ""),
            ("#!/bin/sh\n#SBATCH --gres=npu:1\n", Setting::Name, "a\"b"),
            ("#!/bin/sh\n#SBATCH --gres=npu:1\n", Setting::Name, "a\n#SBATCH --nodes=9"),
            ("#!/bin/sh\n#SBATCH --gpus=16\n", Setting::Cards, "4"),
            ("#!/bin/sh\n#SBATCH --tiem=1\n", Setting::Cards, "4"),
            ("#!/bin/sh\n#SBATCH --gpus=16\n", Setting::Nodes, "1"),
        ] {
            assert_eq!(write(script, setting, value), None, "{script} {setting:?} {value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_nothing_else_changes(
            nodes in 1u32..64, cards in 1u32..9, minutes in 1i64..5000, class in 0usize..3, name in "[a-zA-Z][a-z0-9 ._-]{0,20}[a-z]",
            order in Just(Setting::ALL).prop_shuffle(),
        ) {
            let class = ServiceClass::ALL[class].code();
            let of = |setting| match setting {
                Setting::Name => name.clone(),
                Setting::Nodes => nodes.to_string(),
                Setting::Cards => cards.to_string(),
                Setting::Time => time(Millis::from_secs(minutes * 60)),
                Setting::Project => "work".to_owned(),
                Setting::Class => class.to_owned(),
            };
            let mut script = "#!/bin/sh\necho it runs\n".to_owned();
            for setting in order {
                script = write(&script, setting, &of(setting)).expect("it can be written");
                prop_assert!(says(&script, setting));
            }
            let spec = parse(&script).expect("it is a script").spec;
            for setting in Setting::ALL {
                prop_assert_eq!(setting.of(&spec), of(setting));
            }
            prop_assert!(script.ends_with("echo it runs\n"));
            // Again is the same.
            for setting in Setting::ALL {
                prop_assert_eq!(write(&script, setting, &of(setting)), Some(script.clone()));
            }
        }
    }
}
