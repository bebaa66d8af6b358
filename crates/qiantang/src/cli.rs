//! The command line: what holds for every command. The commands themselves are listed in [`crate::commands`].

use std::{ffi::OsString, path::PathBuf};

use clap::Parser;

use crate::commands::Command;

#[derive(Debug, Parser)]
#[command(
    name = "qiantang",
    version,
    about = "Qiantang 钱塘: the operations platform of an AI computing center"
)]
pub struct Cli {
    /// Print JSON, for programs to read.
    #[arg(long, global = true)]
    pub json: bool,
    /// The language of what is printed, zh or en; that of LANG where left out.
    #[arg(long, global = true, value_parser = ["zh", "en"])]
    pub lang: Option<String>,
    /// The kept sign-in to use, by its name: see `qiantang profiles`; the last one where left out.
    #[arg(long, global = true, env = "QIANTANG_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// The center's address; that of the profile where left out, or port 8470 of this machine.
    #[arg(long, global = true, env = "QIANTANG_URL")]
    pub url: Option<String>,
    /// A file with the certificate of whoever signed the center's, in PEM; kept with the sign-in. No other is trusted then.
    #[arg(long, global = true, env = "QIANTANG_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// The same command line, in which `-5` behind an option is its value, not an option: what is wrong with it is then told by
/// whoever knows what the option is for.
pub fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let takes_value = |arg: &clap::Arg| arg.get_long().is_some() && arg.get_action().takes_values();
    command
        .mut_args(|arg| if takes_value(&arg) { arg.allow_negative_numbers(true) } else { arg })
        .mut_subcommands(with_negative_numbers)
}

/// The language that a command line asks for, before it is read: also one that can't be understood is told in it.
pub fn asked_language(words: &[OsString]) -> Option<String> {
    let mut words = words.iter().take_while(|word| *word != "--").map(|word| word.to_string_lossy());
    let mut asked = None;
    while let Some(word) = words.next() {
        if word == "--lang" {
            asked = words.next().map(std::borrow::Cow::into_owned).or(asked);
        } else if let Some(value) = word.strip_prefix("--lang=") {
            asked = Some(value.to_owned());
        }
    }
    asked.filter(|asked| ["zh", "en"].contains(&asked.as_str()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn a_number_below_zero_is_the_value_of_its_option() {
        let words = ["qiantang", "budgets", "new", "--project", "vision", "--yuan", "-5"];
        let whole = super::Cli::command();
        assert!(whole.clone().try_get_matches_from(words).is_err(), "without this it is taken for an option");
        let read = super::with_negative_numbers(whole).try_get_matches_from(words);
        assert!(read.is_ok(), "{read:?}");
    }

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn every_option_has_its_help() {
        let mut commands = vec![super::Cli::command()];
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                let (name, command) = (argument.get_id(), command.get_name());
                assert!(argument.get_help().is_some(), "`{name}` of `{command}` has no help");
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }
}
