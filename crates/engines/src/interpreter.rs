//! The interpreter that the first line of a script asks for, and why it can't be had.

use domain::reason::{NotStarted, SystemError};

/// The longest path, and the longest first line, that a reason tells.
const MAX_TOLD_CHARS: usize = 200;

/// The program that the `#!` line names. `None` without such a line; empty if the line names no program.
pub(crate) fn of(script: &str) -> Option<&str> {
    let first = script.lines().next().unwrap_or_default();
    first.strip_prefix("#!").map(|rest| rest.split_ascii_whitespace().next().unwrap_or(""))
}

/// The program as the kernel reads it, for which only blanks and tabs are white space: `/bin/sh` with a
/// carriage return behind it is another program.
pub(crate) fn path(script: &str) -> Option<&str> {
    let rest = script.split('\n').next()?.strip_prefix("#!")?.trim_start_matches([' ', '\t']);
    rest.split([' ', '\t']).next()
}

/// The system did not run the program, for this reason.
pub(crate) fn not_to_be_had(script: &str, program: &str, error: SystemError) -> NotStarted {
    let has_windows_line_ends = script.split('\n').next().is_some_and(|line| line.ends_with('\r'));
    NotStarted::Interpreter { path: cut(program), error, has_windows_line_ends }
}

pub(crate) fn names_no_program(script: &str) -> NotStarted {
    NotStarted::NoProgramNamed { line: cut(script.lines().next().unwrap_or_default()) }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TOLD_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
