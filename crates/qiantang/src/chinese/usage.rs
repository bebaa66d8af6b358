//! Command lines that can't be understood, told in Chinese: by the kind of the fault and its values, never by what clap
//! made of them.

use std::{error::Error as _, ffi::OsString, fmt::Write as _, num::IntErrorKind};

use clap::{
    Arg, Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use domain::Both;

use super::{help, texts::own};

/// The error is a fault of the line, and no help that was asked for or that stands for it.
pub fn is_fault(error: &Error) -> bool {
    error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// The fault, with what may have been meant and how the command is called. `words` are the command line without the
/// program's name.
pub fn refused(error: &Error, whole: &mut Command, words: &[OsString]) -> String {
    let command = called(whole, words);
    let mut text = own("fault", &[("fault", &fault(error, command))]);
    for tip in tips(error, command) {
        let _ = write!(text, "\n\n  {}", own("tip", &[("tip", &tip)]));
    }
    let _ = write!(text, "\n\n{}{}", own("heading-usage", &[]), help::usage(command));
    text + "\n\n" + &own("see-help", &[])
}

/// The command that the words lead to, as far as they do.
fn called<'a>(whole: &'a mut Command, words: &[OsString]) -> &'a mut Command {
    let mut command = whole;
    let mut words = words.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        if takes_next(command, &word) {
            let _its_value = words.next();
        } else if command.find_subcommand(&*word).is_some() {
            command = command.find_subcommand_mut(&*word).expect("it was found");
        }
    }
    command
}

/// The word is an option whose value is the next word.
fn takes_next(command: &Command, word: &str) -> bool {
    let is_it = |arg: &&Arg| {
        word.strip_prefix("--").is_some_and(|name| arg.get_long() == Some(name))
            || word
                .strip_prefix('-')
                .is_some_and(|name| name.chars().count() == 1 && arg.get_short() == name.chars().next())
    };
    command.get_arguments().find(is_it).is_some_and(|arg| arg.get_action().takes_values())
}

/// A value that clap gave along, as one text.
fn value(error: &Error, kind: ContextKind) -> Option<String> {
    let between = own("between-values", &[]);
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(&between)).filter(|text| !text.is_empty()),
        ContextValue::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn fault(error: &Error, command: &Command) -> String {
    let given = |kind| value(error, kind).unwrap_or_default();
    let (arg, what) = (given(ContextKind::InvalidArg), given(ContextKind::InvalidValue));
    let words: &[(&str, &str)] = &[
        ("arg", &arg),
        ("value", &what),
        ("command", &given(ContextKind::InvalidSubcommand)),
        ("other", &given(ContextKind::PriorArg)),
        ("given", &given(ContextKind::ActualNumValues)),
        ("wanted", &given(ContextKind::ExpectedNumValues)),
        ("least", &given(ContextKind::MinValues)),
        ("values", &given(ContextKind::ValidValue)),
        ("commands", &given(ContextKind::ValidSubcommand)),
    ];
    let has = |kind| value(error, kind).is_some();
    let name = match error.kind() {
        ErrorKind::UnknownArgument => "fault-unknown",
        ErrorKind::InvalidSubcommand => "fault-unknown-command",
        ErrorKind::MissingSubcommand if has(ContextKind::ValidSubcommand) => "fault-no-command",
        ErrorKind::MissingSubcommand => "fault-no-command-at-all",
        ErrorKind::MissingRequiredArgument => "fault-missing",
        ErrorKind::InvalidValue if what.is_empty() => "fault-no-value",
        ErrorKind::InvalidValue if has(ContextKind::ValidValue) => "fault-not-one-of",
        ErrorKind::InvalidValue => "fault-value",
        ErrorKind::ValueValidation => {
            let why = why(error, command, &arg, &what);
            return own("fault-value-why", &[words, &[("why", &why)]].concat());
        }
        ErrorKind::NoEquals => "fault-no-equals",
        ErrorKind::TooManyValues => "fault-too-many",
        ErrorKind::TooFewValues => "fault-too-few",
        ErrorKind::WrongNumberOfValues => "fault-count",
        ErrorKind::ArgumentConflict if has(ContextKind::InvalidSubcommand) => "fault-beside-command",
        ErrorKind::ArgumentConflict if given(ContextKind::PriorArg) == arg => "fault-twice",
        ErrorKind::ArgumentConflict if has(ContextKind::PriorArg) => "fault-beside",
        ErrorKind::ArgumentConflict => "fault-beside-others",
        ErrorKind::InvalidUtf8 => "fault-utf8",
        _ => "fault-any",
    };
    own(name, words)
}

/// Why a value does not do: in the words of whoever read it, or by what the option is for.
fn why(error: &Error, command: &Command, arg: &str, given: &str) -> String {
    let source = error.source();
    if let Some(both) = source.and_then(|source| source.downcast_ref::<Both>()) {
        return both.zh.clone();
    }
    let number = source.and_then(|source| source.downcast_ref::<std::num::ParseIntError>());
    let kind = match number.map(std::num::ParseIntError::kind) {
        Some(IntErrorKind::PosOverflow | IntErrorKind::NegOverflow) => "why-out-of-range",
        Some(_) => "why-no-number",
        None if given.parse::<i128>().is_ok() => "why-out-of-range",
        None => "why-not-read",
    };
    let is_it = |known: &&Arg| known.to_string() == arg;
    let meaning = command.get_arguments().find(is_it).and_then(Arg::get_help).map(ToString::to_string);
    match meaning {
        Some(meaning) => own(kind, &[]) + &own("why-meaning", &[("meaning", &meaning)]),
        None => own(kind, &[]),
    }
}

/// What may have been meant.
fn tips(error: &Error, command: &Command) -> Vec<String> {
    let mut tips = Vec::new();
    for (kind, name) in [
        (ContextKind::SuggestedSubcommand, "tip-command"),
        (ContextKind::SuggestedArg, "tip-argument"),
        (ContextKind::SuggestedValue, "tip-value"),
    ] {
        tips.extend(value(error, kind).map(|meant| own(name, &[("meant", &meant)])));
    }
    let unknown = value(error, ContextKind::InvalidArg).filter(|arg| arg.starts_with('-'));
    let unknown = unknown.filter(|_| error.kind() == ErrorKind::UnknownArgument);
    if let Some(arg) = unknown.filter(|_| command.get_positionals().next().is_some()) {
        tips.push(own("tip-no-option", &[("arg", &arg)]));
    }
    tips
}
