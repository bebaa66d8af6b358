//! The things that a command works with: a center to talk to, and how to print.

use std::{
    io::{ErrorKind, Write as _},
    path::PathBuf,
};

pub use base::http::encode as part;
use domain::{Both, Lang, both};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{client::Client, errors::Failure, output::Clock};

/// The things that every command needs: the client, the language, and the form of the output.
#[derive(Debug)]
pub struct Context {
    pub client: Client,
    /// The profile that was asked for by its name.
    pub profile: Option<String>,
    /// The file of trusted certificates that was asked for.
    pub ca: Option<PathBuf>,
    /// The address that was asked for.
    pub url: Option<String>,
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
    pub fn print(&self, value: &Value, people: impl FnOnce(Lang) -> String) -> Done {
        let text = if self.json { value.to_string() } else { people(self.lang) };
        say(text.trim_end())
    }

    /// How times are told, once the center has answered.
    pub fn clock(&self) -> Clock {
        self.clock_of(&self.client)
    }

    /// The same for the center of another client.
    pub fn clock_of(&self, client: &Client) -> Clock {
        Clock { lang: self.lang, zone: client.zone() }
    }

    /// Refuses an option that has no meaning beside `--json`; it would be lost without a word.
    pub fn refuse_beside_json(&self, option: &str, is_given: bool) -> Done {
        if !(self.json && is_given) {
            return Ok(());
        }
        let message =
            both(format!("{option} 不能与 --json 同时使用"), format!("{option} can't be used with --json"));
        Err(Failure::usage("not_with_json", message, one_of_them()))
    }
}

/// Advice where two options can't stand beside each other.
pub fn one_of_them() -> Both {
    both("请去掉其中一个", "leave one of them out")
}

/// Prints a line.
pub fn say(text: &str) -> Done {
    write(format!("{text}\n").as_bytes()).map(drop)
}

/// Writes to standard output. False where its reader has gone away (`| head`), which is no failure.
pub fn write(bytes: &[u8]) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::no_output(&error)),
    }
}

/// A body with the options that are given, by their names in the API.
pub fn with_given<V: Serialize>(
    mut body: Value,
    options: impl IntoIterator<Item = (&'static str, Option<V>)>,
) -> Value {
    for (name, given) in options {
        if let Some(given) = given {
            body[name] = json!(given);
        }
    }
    body
}

/// A query of what is given.
pub fn query(pairs: &[(&str, Option<String>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some(format!("{name}={}", part(value.as_ref()?))));
    let given: Vec<String> = given.collect();
    if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
}
