//! `qiantang`: a center, a demo of one, and the commands that talk to one.

mod cli;
mod client;
mod commands;
mod demo;
mod errors;
mod output;
mod serve;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use cli::{Cli, Command, Slurm};
use commands::{Context, Done, doctor, history, jobs, login, money, nodes, slurm, submit, twin};

fn main() -> ExitCode {
    // Before anything else: the engine's host process forks, and so must have one thread and little memory.
    if std::env::args_os().nth(1).is_some_and(|word| word == "engine-host") {
        engines::local::host::main();
    }
    let cli = Cli::parse();
    let lang = output::lang(cli.lang.as_deref());
    match cli.command {
        Command::Serve { config } => serve::run(config.as_deref()),
        Command::Demo(options) => {
            let options = demo::Options {
                once: options.once,
                json: cli.json,
                listen: options.listen,
                data_dir: options.data_dir,
                no_isolation: options.no_isolation,
                slurm: (options.engine == "slurm").then_some(demo::OnSlurm {
                    conf: options.slurm_conf,
                    shared_dir: options.shared_dir,
                    user: options.slurm_user,
                }),
                lang,
            };
            demo::run(&options, serve::host_command())
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "qiantang", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
        Command::Twin(command) => match twin::run(command, lang, cli.json) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.tell(cli.json),
        },
        command => match talk(command, cli.url.as_deref(), lang, cli.json) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.tell(cli.json),
        },
    }
}

/// The commands that talk to a center.
fn talk(command: Command, url: Option<&str>, lang: domain::Lang, json: bool) -> Done {
    let context = Context { client: client::Client::open(url), lang, json };
    match command {
        Command::Login { login, password_stdin } => login::run(&context, login, password_stdin),
        Command::Submit(options) => submit::script(&context, &options),
        Command::Apply { file, dry_run } => submit::task_file(&context, &file, dry_run),
        Command::Jobs { state, project, name, tenant, limit, cursor } => {
            let limit = Some(limit.to_string());
            let filters = [
                ("state", state),
                ("project", project),
                ("name", name),
                ("tenant", tenant),
                ("limit", limit),
                ("cursor", cursor),
            ];
            jobs::list(&context, &filters)
        }
        Command::Show { job } => jobs::show(&context, &job),
        Command::Logs { job, follow, stderr, run } => jobs::logs(&context, &job, follow, stderr, run),
        Command::Cancel { job } => jobs::cancel(&context, &job),
        Command::Why { job } => jobs::why(&context, &job),
        Command::Nodes => nodes::list(&context),
        Command::Drain { node, reason } => nodes::drain(&context, &node, &reason),
        Command::Resume { node } => nodes::resume(&context, &node),
        Command::History { out, from } => history::write(&context, &out, from),
        Command::Label { node, labels } => nodes::label(&context, &node, &labels),
        Command::Maintain { node, from, until, reason, cancel } => {
            let window = (!cancel).then(|| [from, until, reason].map(Option::unwrap_or_default));
            nodes::maintain(&context, &node, window)
        }
        Command::Usage { from, to, by } => money::usage(&context, from, to, by),
        Command::Statement { contract, month, csv } => {
            money::statement(&context, contract.as_deref(), month, csv)
        }
        Command::Backup { file } => money::backup(&context, &file),
        Command::Slurm(Slurm::Accounts { apply }) => slurm::accounts(&context, apply),
        Command::Doctor { config } => doctor::run(&context, config.as_deref()),
        Command::Serve { .. } | Command::Demo(_) | Command::Twin(_) | Command::Completions { .. } => {
            unreachable!("handled before, without a center")
        }
    }
}
