//! The interpreter that the first line of a script asks for, and the words for one that can't be had.

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

/// A hint for a script that was written on Windows; empty for others.
fn line_end(script: &str) -> &'static str {
    if script.split('\n').next().is_some_and(|line| line.ends_with('\r')) {
        " (the script has the line ends of Windows; convert it with `sed -i 's/\\r$//'`)"
    } else {
        ""
    }
}

pub(crate) fn is_missing(script: &str, interpreter: &str) -> String {
    format!("its first line asks for `{interpreter}`, which does not exist{}", line_end(script))
}

pub(crate) fn is_forbidden(script: &str, interpreter: &str) -> String {
    format!("its first line asks for `{interpreter}`, which runs may not execute{}", line_end(script))
}

pub(crate) fn names_no_program(script: &str) -> String {
    let first = script.lines().next().unwrap_or_default();
    format!("its first line `{}` is not one that names a program", first.chars().take(80).collect::<String>())
}
