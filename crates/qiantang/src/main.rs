//! `qiantang`: a center, a demo of one, and the commands that talk to one.

mod chinese;
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

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _};
use domain::Lang;

use cli::Cli;
use context::Context;
use errors::Category;
use tell::tell;

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
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    // Before the line is understood, since what can't be understood is told in that language, too.
    let asked = output::lang(cli::asked_language(&words).as_deref());
    let mut whole = chinese::in_language(cli::with_negative_numbers(Cli::command()), asked);
    let read = whole.try_get_matches_from_mut(std::env::args_os());
    let cli = match read.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)) {
        Ok(cli) => cli,
        Err(error) if asked == Lang::Zh && chinese::is_fault(&error) => {
            tell!("{}", chinese::refused(&error, &mut whole, &words));
            return Category::Usage.exit_code().into();
        }
        Err(error) => error.exit(),
    };
    qiantang::load_texts();
    let lang = output::lang(cli.lang.as_deref());
    let context = Context {
        client: client::Client::open(
            cli.profile.as_deref(),
            cli.url.as_deref(),
            cli.ca.as_deref(),
            cli.command.needs_no_sign_in(),
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
