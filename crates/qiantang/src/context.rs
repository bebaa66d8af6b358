//! The things that a command works with: a center to talk to, and how to print.

use std::io::Write as _;

pub use base::http::encode as part;
use domain::Lang;
use serde_json::Value;

use crate::{client::Client, errors::Failure};

/// What every command needs.
#[derive(Debug)]
pub struct Context {
    pub client: Client,
    pub lang: Lang,
    pub json: bool,
    /// The whole command line, for whatever is made of it.
    pub command_line: fn() -> clap::Command,
}

pub type Done = Result<(), Failure>;

/// Carries a command out, with the options that its fields are.
pub trait Run {
    fn run(self, context: &Context) -> Done;
}

impl Context {
    /// Prints what the center answered, as JSON, or as `people` writes it.
    pub fn print(&self, value: &Value, people: impl FnOnce(Lang) -> String) {
        let text = if self.json { value.to_string() } else { people(self.lang) };
        say(text.trim_end());
    }
}

/// Prints a line; a reader that has gone away (`| head`) is no failure.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A query of what is given.
pub fn query(pairs: &[(&str, Option<String>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some(format!("{name}={}", part(value.as_ref()?))));
    let given: Vec<String> = given.collect();
    if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
}
