//! The command line in Chinese: its help, and what is said of a command line that can't be understood. In English both are
//! clap's own.

mod help;
#[cfg(test)]
mod tests;
mod texts;
mod usage;

use clap::Command;
use domain::Lang;

pub use usage::{is_fault, refused};

/// The command line, whose help is in that language.
pub fn in_language(whole: Command, lang: Lang) -> Command {
    match lang {
        Lang::Zh => help::translated(whole),
        Lang::En => whole,
    }
}
