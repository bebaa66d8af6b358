//! The commands, a file a noun. A command is a line of the table below and a file with its options and what it does; all but
//! a few talk to a center over HTTP.

mod alliances;
mod backup;
mod completions;
mod contracts;
mod demo;
mod doctor;
mod history;
mod jobs;
mod login;
mod members;
mod nodes;
mod prices;
mod projects;
mod sbatch;
mod serve;
mod slurm;
mod statements;
mod submit;
mod tenants;
mod twin;
mod usage;

use std::io::Write as _;

use clap::Subcommand;
use domain::Lang;
use serde_json::Value;

use crate::{client::Client, errors::Failure};

/// The table of commands: a name, and the type of its options, whose doc comment is its help and which [`Run`].
macro_rules! commands {
    ($($(#[$meta:meta])* $name:ident($options:ty),)*) => {
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($(#[$meta])* $name($options),)*
        }

        impl Command {
            pub fn run(self, context: &Context) -> Done {
                match self { $(Self::$name(options) => options.run(context),)* }
            }
        }
    };
}

commands! {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Login(login::Login),
    Submit(Box<submit::Submit>),
    Apply(submit::Apply),
    Jobs(jobs::Jobs),
    Show(jobs::Show),
    Logs(jobs::Logs),
    Cancel(jobs::Cancel),
    Why(jobs::Why),
    Nodes(nodes::Nodes),
    Drain(nodes::Drain),
    Resume(nodes::Resume),
    Label(nodes::Label),
    Maintain(nodes::Maintain),
    History(history::History),
    Usage(usage::Usage),
    Statement(statements::Statement),
    Contracts(contracts::Contracts),
    Prices(prices::Prices),
    Tenants(tenants::Tenants),
    Members(members::Members),
    Projects(projects::Projects),
    Alliances(alliances::Alliances),
    Backup(backup::Backup),
    #[command(subcommand)]
    Slurm(slurm::Slurm),
    Doctor(doctor::Doctor),
    #[command(subcommand)]
    Twin(twin::Twin),
    Completions(completions::Completions),
}

/// What every command needs.
#[derive(Debug)]
pub struct Context {
    pub client: Client,
    pub lang: Lang,
    pub json: bool,
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

/// An id or name as a part of a path.
pub fn part(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encode = |byte: u8| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

/// A query of what is given.
pub fn query(pairs: &[(&str, Option<String>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some(format!("{name}={}", part(value.as_ref()?))));
    let given: Vec<String> = given.collect();
    if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
}
