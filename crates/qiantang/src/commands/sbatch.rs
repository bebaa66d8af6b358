//! The command line of `qiantang submit`: options of sbatch and of the command itself, up to the script. They are read by
//! the table that scripts are read by.

use clap::{Arg, ArgAction, Command};
use domain::script::{OWN, Opt, Role, SBATCH, Takes};

/// The command's own options.
pub static COMMAND: &[Opt] = &[
    Opt::own("dry-run", Takes::Nothing),
    Opt::own("json", Takes::Nothing),
    Opt::own("lang", Takes::Value),
    Opt::own("url", Takes::Value),
];

/// The options as clap knows them, for the help and for completions; it does not read them.
pub fn described(command: Command) -> Command {
    let known: Vec<String> =
        command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
    let all = SBATCH.iter().chain(OWN).chain(COMMAND);
    let options = all.filter(|opt| !known.iter().any(|name| name == opt.name));
    let is_taken = |opt: &&Opt| {
        matches!(opt.role, Role::Read | Role::OnSlurm(_) | Role::Own)
            || ["parsable", "wait"].contains(&opt.name)
    };
    let taken = options.filter(is_taken);
    command.args(taken.map(|opt| {
        let arg = Arg::new(opt.name).long(opt.name).help(help(opt.name));
        let arg = opt.short.map_or(arg.clone(), |short| arg.short(short));
        match opt.takes {
            Takes::Nothing => arg.action(ArgAction::SetTrue),
            Takes::Perhaps => arg.num_args(0..=1).require_equals(true),
            Takes::Value => arg,
        }
    }))
}

fn help(name: &str) -> &'static str {
    match name {
        "account" => "The project that is charged",
        "array" => "The indices of an array of tasks, such as 0-7, or 0-99%4 for four at a time",
        "chdir" => "The folder that the job starts in (on Slurm only)",
        "comment" => "A comment that is kept with the job",
        "constraint" => {
            "Labels that each node must have, with & between, or card models, any of which will do, with | between"
        }
        "cpus-per-task" => "How many processors each task gets (on Slurm only)",
        "dependency" => "Jobs to wait for, such as afterok:JOB",
        "dry-run" => "Submit nothing; show the price, what it would wait for and when it could start",
        "error" => "A file that gets standard error as well (on Slurm only)",
        "exclusive" => "Give the job whole nodes, with all their cards",
        "export" => "Variables for the run, such as A=1,B=2",
        "gpus" => "How many cards in all",
        "gpus-per-node" => "How many cards on each node",
        "gpus-per-task" => "How many cards each task gets",
        "gres" => "Cards on each node, such as npu:8",
        "job-name" => "The job's name",
        "json" => "Print JSON, for programs to read",
        "lang" => "The language of what is printed, zh or en; that of LANG where left out",
        "launch" => {
            "How often the script is started: `batch`, once on the first node as sbatch does, or `each-node`"
        }
        "mail-type" => "When mail about the job is sent, such as BEGIN,END,FAIL or ALL",
        "mail-user" => "Who of your organisation gets it, by login or address; you where left out",
        "mem" => "How much memory on each node, such as 16G (on Slurm only)",
        "mem-per-cpu" => "How much memory for each processor (on Slurm only)",
        "mem-per-gpu" => "How much memory for each card (on Slurm only)",
        "nodes" => "How many nodes, or MIN-MAX for as many as can be had",
        "ntasks" => "How many tasks srun starts (on Slurm only)",
        "ntasks-per-node" | "tasks-per-node" => "How many tasks srun starts on each node (on Slurm only)",
        "output" => "A file that gets standard output as well (on Slurm only)",
        "parsable" => "Print nothing but the job's id",
        "qos" => "The service class: urgent, normal or spot",
        "secrets" => "The secrets that the job gets, by name, with commas between",
        "signal" => "A signal to send before the time limit, such as B:USR1@60 (on Slurm only)",
        "time" => "The time limit, such as 30 (minutes), 12:00:00 or 2-00:00:00",
        "url" => "The center's address; that of the profile where left out, or port 8470 of this machine",
        "wait" => "Wait until the job ends; exit with 0 only if it succeeds, with 3 if it is cancelled",
        _ => "As in sbatch",
    }
}
