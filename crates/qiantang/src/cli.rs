//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "qiantang",
    version,
    about = "Qiantang 钱塘: the operations platform of an AI computing center"
)]
pub struct Cli {
    /// Print JSON for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// zh or en; by LANG where left out.
    #[arg(long, global = true, value_parser = ["zh", "en"])]
    pub lang: Option<String>,
    /// The center's address.
    #[arg(long, global = true, env = "QIANTANG_URL")]
    pub url: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a center.
    Serve {
        /// The settings file.
        #[arg(long, short)]
        config: Option<PathBuf>,
    },
    /// Bring up a whole center on this machine and do real work on it.
    Demo(Demo),
    /// Sign in; keeps a token for the commands below.
    Login {
        /// Asked for where left out.
        login: Option<String>,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Submit a script with #SBATCH lines.
    Submit(Box<Submit>),
    /// Submit a task file (YAML).
    Apply {
        #[arg(long, short)]
        file: PathBuf,
        /// Only say price, binding limit and forecast start.
        #[arg(long)]
        dry_run: bool,
    },
    /// List jobs.
    Jobs {
        /// A state, or `active`.
        #[arg(long)]
        state: Option<String>,
        #[arg(long)]
        project: Option<String>,
        /// Part of a name.
        #[arg(long)]
        name: Option<String>,
        /// A tenant's short name (the center's people).
        #[arg(long)]
        tenant: Option<String>,
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Go on after this job.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show a job with its runs.
    Show { job: String },
    /// Show a job's log.
    Logs {
        job: String,
        /// Follow it to its end; ends as the job does.
        #[arg(long, short)]
        follow: bool,
        /// Standard error instead of standard output.
        #[arg(long)]
        stderr: bool,
        /// A certain run.
        #[arg(long)]
        run: Option<String>,
    },
    /// Stop a job.
    Cancel { job: String },
    /// Say why a job waits.
    Why { job: String },
    /// List nodes with their cards.
    Nodes,
    /// Take a node out (operators).
    Drain {
        node: String,
        #[arg(long)]
        reason: String,
    },
    /// Put a node back in (operators).
    Resume { node: String },
    /// Set what jobs may ask of a node with --constraint (operators).
    Label {
        node: String,
        /// In place of what it has; none takes all away.
        labels: Vec<String>,
    },
    /// Say when a node will be out for maintenance (operators).
    Maintain {
        node: String,
        /// 2026-05-20T08:00:00Z.
        #[arg(long, required_unless_present = "cancel")]
        from: Option<String>,
        #[arg(long, required_unless_present = "cancel")]
        until: Option<String>,
        #[arg(long, required_unless_present = "cancel")]
        reason: Option<String>,
        /// Call it off; one that has begun ends now.
        #[arg(long, conflicts_with_all = ["from", "until", "reason"])]
        cancel: bool,
    },
    /// Write what the center has run as a trace, for `qiantang twin` (the center's people).
    History {
        /// The file to write; `-` writes standard output.
        #[arg(long, short)]
        out: PathBuf,
        /// Only what started then or later: 2026-05-20 or 2026-05-20T08:00:00Z.
        #[arg(long)]
        from: Option<String>,
    },
    /// Show use and charges.
    Usage {
        /// 2026-05-20 or 2026-05-20T08:00:00Z.
        #[arg(long)]
        from: Option<String>,
        #[arg(long)]
        to: Option<String>,
        /// project, tenant or domain.
        #[arg(long, default_value = "project")]
        by: String,
    },
    /// Show a contract's statement of a month.
    Statement {
        /// Its number or id; your only one where left out.
        contract: Option<String>,
        /// YYYY-MM.
        #[arg(long)]
        month: Option<String>,
        /// As a CSV table.
        #[arg(long)]
        csv: bool,
    },
    /// Write a copy of the running center's database (operators).
    Backup {
        /// A new file on the center's machine.
        file: PathBuf,
    },
    /// What the center keeps in Slurm.
    #[command(subcommand)]
    Slurm(Slurm),
    /// Check this machine, the settings and the center.
    Doctor {
        #[arg(long, short)]
        config: Option<PathBuf>,
    },
    /// The digital twin: replay traces, compare policies, make workloads.
    #[command(subcommand)]
    Twin(crate::commands::twin::Twin),
    /// Print completions for a shell.
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Subcommand)]
pub enum Slurm {
    /// Show the accounts of tenants and projects in Slurm, and what would be changed there (the center's people).
    Accounts {
        /// Change it, once (operators).
        #[arg(long)]
        apply: bool,
    },
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Stop after the work.
    #[arg(long)]
    pub once: bool,
    /// Where to serve.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Keep the data here; a new folder, removed at the end, where left out.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Run without isolation, where the machine can't isolate.
    #[arg(long)]
    pub no_isolation: bool,
    /// `local`: virtual nodes, whose runs are processes of this machine. `slurm`: a cluster.
    #[arg(long, value_parser = ["local", "slurm"], default_value = "local")]
    pub engine: String,
    /// With Slurm: a folder that all nodes have under the same path. Where left out, one in the data folder, which is enough where
    /// all nodes are this machine.
    #[arg(long)]
    pub shared_dir: Option<PathBuf>,
    /// With Slurm: its configuration, where it is not in its usual place.
    #[arg(long, env = "SLURM_CONF")]
    pub slurm_conf: Option<PathBuf>,
    /// With Slurm: whose jobs they are.
    #[arg(long)]
    pub slurm_user: Option<String>,
}

#[derive(Debug, Args)]
pub struct Submit {
    /// The script; `-` reads standard input.
    pub script: PathBuf,
    /// Arguments for the script.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<String>,
    /// Only say price, binding limit and forecast start.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the job's id alone.
    #[arg(long)]
    pub parsable: bool,
    /// Wait for the end; exit 0 only if the job succeeds, 3 if it is cancelled.
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub options: Options,
}

/// Options of sbatch; they win over the script's own.
#[derive(Debug, Args)]
pub struct Options {
    #[arg(long, short = 'J')]
    job_name: Option<String>,
    #[arg(long, short = 'N')]
    nodes: Option<String>,
    #[arg(long, short = 'G')]
    gpus: Option<String>,
    #[arg(long)]
    gpus_per_node: Option<String>,
    #[arg(long)]
    gres: Option<String>,
    #[arg(long, short = 't')]
    time: Option<String>,
    /// The project.
    #[arg(long, short = 'A')]
    account: Option<String>,
    /// The service class: urgent, normal or spot.
    #[arg(long, short = 'q')]
    qos: Option<String>,
    #[arg(long, short = 'a')]
    array: Option<String>,
    #[arg(long, short = 'd')]
    dependency: Option<String>,
    /// The card model.
    #[arg(long, short = 'C')]
    constraint: Option<String>,
    #[arg(long)]
    comment: Option<String>,
    #[arg(long)]
    export: Option<String>,
    /// `batch`: once, on the first node, as sbatch does; `each-node`.
    #[arg(long)]
    launch: Option<String>,
    /// On Slurm: tasks that srun starts.
    #[arg(long, short = 'n')]
    ntasks: Option<String>,
    #[arg(long)]
    ntasks_per_node: Option<String>,
    #[arg(long)]
    gpus_per_task: Option<String>,
    #[arg(long, short = 'c')]
    cpus_per_task: Option<String>,
    #[arg(long)]
    mem: Option<String>,
    #[arg(long)]
    mem_per_cpu: Option<String>,
    /// On Slurm: a file that has standard output, too.
    #[arg(long, short)]
    output: Option<String>,
    #[arg(long, short)]
    error: Option<String>,
    /// On Slurm: the folder that it starts in.
    #[arg(long, short = 'D')]
    chdir: Option<String>,
    /// On Slurm: `B:USR1@60`.
    #[arg(long)]
    signal: Option<String>,
    #[arg(long)]
    exclusive: bool,
    #[arg(long, short)]
    partition: Option<String>,
}

impl Options {
    /// As words of sbatch.
    pub fn words(&self) -> Vec<String> {
        let all = [
            ("job-name", &self.job_name),
            ("nodes", &self.nodes),
            ("gpus", &self.gpus),
            ("gpus-per-node", &self.gpus_per_node),
            ("gres", &self.gres),
            ("time", &self.time),
            ("account", &self.account),
            ("qos", &self.qos),
            ("array", &self.array),
            ("dependency", &self.dependency),
            ("constraint", &self.constraint),
            ("comment", &self.comment),
            ("export", &self.export),
            ("launch", &self.launch),
            ("ntasks", &self.ntasks),
            ("ntasks-per-node", &self.ntasks_per_node),
            ("gpus-per-task", &self.gpus_per_task),
            ("cpus-per-task", &self.cpus_per_task),
            ("mem", &self.mem),
            ("mem-per-cpu", &self.mem_per_cpu),
            ("output", &self.output),
            ("error", &self.error),
            ("chdir", &self.chdir),
            ("signal", &self.signal),
            ("partition", &self.partition),
        ];
        let given = all.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?)));
        given.chain(self.exclusive.then(|| "--exclusive".to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
