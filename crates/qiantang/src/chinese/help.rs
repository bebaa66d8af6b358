//! The help of all commands in Chinese: the texts of the command line's tree, changed in place.

use std::fmt::Write as _;

use clap::{Arg, Command, builder::PossibleValue};

use super::texts::{find, own};

/// The command line with everything that its help says in Chinese.
pub fn translated(mut whole: Command) -> Command {
    // From here on `--help` and its like are arguments as others are.
    whole.build();
    command(whole, "qiantang")
}

/// The name of the message of the command `name` below the one with the message `above`.
pub fn below(above: &str, name: &str) -> String {
    if above == "qiantang" { name.to_owned() } else { format!("{above}_{name}") }
}

fn command(mut it: Command, path: &str) -> Command {
    it = it.mut_args(|arg| argument(arg, path)).mut_subcommands(|sub| {
        if sub.get_name() == "help" {
            return help(sub, path);
        }
        let path = below(path, sub.get_name());
        command(sub, &path)
    });
    if let Some(text) = find(path, None, &[]) {
        it = about(it, &text);
    }
    framed(it)
}

/// `help` has the whole tree below it again.
fn help(mut it: Command, path: &str) -> Command {
    it = it.mut_subcommands(|sub| {
        if sub.get_name() == "help" {
            help(sub, path)
        } else {
            let path = below(path, sub.get_name());
            match find(&path, None, &[]) {
                Some(text) => about(help(sub, &path), &text),
                None => help(sub, &path),
            }
        }
    });
    if it.get_name() == "help" {
        it = it.about(own("help-of-help", &[]));
    }
    framed(it)
}

fn about(it: Command, text: &str) -> Command {
    let (short, long) = paragraphs(text);
    let it = it.about(short);
    if let Some(long) = long { it.long_about(long) } else { it }
}

/// The first paragraph, and the whole where there is more.
fn paragraphs(text: &str) -> (String, Option<String>) {
    match text.split_once("\n\n") {
        Some((first, _)) => (first.to_owned(), Some(text.to_owned())),
        None => (text.to_owned(), None),
    }
}

/// The command with Chinese headings, and a Chinese usage.
fn framed(mut it: Command) -> Command {
    let line = usage(&mut it);
    let mut template = format!("{{about-with-newline}}\n{}{{usage}}", own("heading-usage", &[]));
    let is_shown = |arg: &&Arg| !arg.is_hide_set();
    for (has, heading, tag) in [
        (it.get_subcommands().any(|sub| !sub.is_hide_set()), "heading-commands", "{subcommands}"),
        (it.get_positionals().any(|arg| is_shown(&arg)), "heading-arguments", "{positionals}"),
        (
            it.get_arguments().any(|arg| !arg.is_positional() && is_shown(&arg)),
            "heading-options",
            "{options}",
        ),
    ] {
        if has {
            let _ = write!(template, "\n\n{}\n{tag}", own(heading, &[]));
        }
    }
    it.override_usage(line).help_template(template)
}

/// How the command is called, without a heading.
pub fn usage(it: &mut Command) -> String {
    let text = it.render_usage().to_string();
    let text = text.strip_prefix("Usage: ").unwrap_or(&text);
    let (options, command) = (own("any-options", &[]), own("any-command", &[]));
    text.replace("[OPTIONS]", &format!("[{options}]"))
        .replace("<COMMAND>", &format!("<{command}>"))
        .replace("[COMMAND]", &format!("[{command}]"))
}

fn argument(it: Arg, path: &str) -> Arg {
    let id = it.get_id().to_string();
    let text = match id.as_str() {
        "help" if it.get_long_help().is_some() => {
            let (short, long) = (own("help-of-short-help", &[]), own("help-of-long-help", &[]));
            return it.help(short).long_help(long);
        }
        "help" => Some(own("help-of-plain-help", &[])),
        "version" => Some(own("help-of-version", &[])),
        // Those that hold for every command are told once.
        _ => find(path, Some(&id), &[]).or_else(|| find("qiantang", Some(&id), &[])),
    };
    let Some(text) = text else { return it };
    let (short, long) = paragraphs(&text);
    let (notes, values) = (notes(&it), values(&it, path));
    let is_long = long.is_some() || !values.is_empty() || it.get_long_help().is_some();
    let it = it.hide_env(true).hide_default_value(true).hide_possible_values(true);
    let it = it.help(format!("{short}{notes}"));
    if is_long { it.long_help(format!("{}{notes}{values}", long.unwrap_or(short))) } else { it }
}

/// The values that have a help of their own, a line each.
fn values(it: &Arg, path: &str) -> String {
    let mut lines = String::new();
    for value in it.get_possible_values().iter().filter(|value| !value.is_hide_set()) {
        let (id, name) = (it.get_id(), value.get_name());
        if let Some(text) = find(path, Some(&format!("{id}--{name}")), &[]) {
            let _ = write!(lines, "\n- {}", own("note-value", &[("name", name), ("text", &text)]));
        }
    }
    lines
}

/// The default, the values that are possible and the variable of the environment, which the help shows behind the text.
fn notes(it: &Arg) -> String {
    let mut notes = String::new();
    let mut add = |name: &str, value: &str| notes.push_str(&own(name, &[("value", value)]));
    if let Some(name) = it.get_env().filter(|_| !it.is_hide_env_set()) {
        add("note-variable", &name.to_string_lossy());
    }
    if !it.get_action().takes_values() {
        return notes;
    }
    let defaults: Vec<_> = it.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && !it.is_hide_default_value_set() {
        add("note-default", &defaults.join(" "));
    }
    let values: Vec<_> = it.get_possible_values().into_iter().filter(|value| !value.is_hide_set()).collect();
    if !values.is_empty() && !it.is_hide_possible_values_set() {
        let names: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
        add("note-values", &names.join(&own("between-values", &[])));
    }
    notes
}
