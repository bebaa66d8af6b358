//! `qiantang`: a center, a demo of one, and the commands that talk to one.

mod cli;
mod client;
mod commands;
mod context;
mod demo;
mod errors;
mod examples;
mod file;
mod follow;
mod kept;
mod output;
mod peer;
mod serve;
mod tell;
mod trust;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use cli::Cli;
use context::Context;

fn main() -> ExitCode {
    // Before anything else: the engine's host process forks, and so must have one thread and little memory.
    let mut args = std::env::args_os().skip(1);
    match (args.next(), args.next()) {
        (Some(word), None) if word == serve::ENGINE_HOST => engines::local::host::main(),
        (Some(word), Some(folder)) if word == serve::PORT_KEEPER => {
            engines::ports::keeper::main(std::path::Path::new(&folder))
        }
        _ => {}
    }
    let cli = Cli::parse();
    qiantang::load_texts();
    let lang = output::lang(cli.lang.as_deref());
    let context = Context {
        client: client::Client::open(
            cli.profile.as_deref(),
            cli.url.as_deref(),
            cli.ca.as_deref(),
            cli.command.signs_in(),
        ),
        profile: cli.profile,
        ca: cli.ca,
        url: cli.url,
        lang,
        json: cli.json,
        command_line: Cli::command,
    };
    match cli.command.run(&context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(cli.json, lang),
    }
}
