//! Options of sbatch on the command line of `qiantang submit`.

use clap::Args;

/// Options of sbatch; they win over the script's own.
#[derive(Debug, Args)]
pub struct Options {
    /// The job's name.
    #[arg(long, short = 'J')]
    job_name: Option<String>,
    /// How many nodes, or MIN-MAX for as many as can be had.
    #[arg(long, short = 'N')]
    nodes: Option<String>,
    /// How many cards in all.
    #[arg(long, short = 'G')]
    gpus: Option<String>,
    /// How many cards on each node.
    #[arg(long)]
    gpus_per_node: Option<String>,
    /// Cards on each node, such as npu:8.
    #[arg(long)]
    gres: Option<String>,
    /// The time limit, such as 30 (minutes), 12:00:00 or 2-00:00:00.
    #[arg(long, short = 't')]
    time: Option<String>,
    /// The project that is charged.
    #[arg(long, short = 'A')]
    account: Option<String>,
    /// The service class: urgent, normal or spot.
    #[arg(long, short = 'q')]
    qos: Option<String>,
    /// The indices of an array of tasks, such as 0-7, or 0-99%4 for four at a time.
    #[arg(long, short = 'a')]
    array: Option<String>,
    /// Jobs to wait for, such as afterok:JOB.
    #[arg(long, short = 'd')]
    dependency: Option<String>,
    /// Labels that each node must have, with & between, or card models, any of which will do, with | between.
    #[arg(long, short = 'C')]
    constraint: Option<String>,
    /// A comment that is kept with the job.
    #[arg(long)]
    comment: Option<String>,
    /// Variables for the run, such as A=1,B=2.
    #[arg(long)]
    export: Option<String>,
    /// How often the script is started: `batch`, once on the first node as sbatch does, or `each-node`.
    #[arg(long)]
    launch: Option<String>,
    /// How many tasks srun starts (on Slurm only).
    #[arg(long, short = 'n')]
    ntasks: Option<String>,
    /// How many tasks srun starts on each node (on Slurm only).
    #[arg(long)]
    ntasks_per_node: Option<String>,
    /// How many cards each task gets.
    #[arg(long)]
    gpus_per_task: Option<String>,
    /// How many processors each task gets (on Slurm only).
    #[arg(long, short = 'c')]
    cpus_per_task: Option<String>,
    /// How much memory on each node, such as 16G (on Slurm only).
    #[arg(long)]
    mem: Option<String>,
    /// How much memory for each processor (on Slurm only).
    #[arg(long)]
    mem_per_cpu: Option<String>,
    /// A file that gets standard output as well (on Slurm only).
    #[arg(long, short)]
    output: Option<String>,
    /// A file that gets standard error as well (on Slurm only).
    #[arg(long, short)]
    error: Option<String>,
    /// The folder that the job starts in (on Slurm only).
    #[arg(long, short = 'D')]
    chdir: Option<String>,
    /// A signal to send before the time limit, such as B:USR1@60 (on Slurm only).
    #[arg(long)]
    signal: Option<String>,
    /// Give the job whole nodes, with all their cards.
    #[arg(long)]
    exclusive: bool,
    /// Taken as sbatch does and ignored: the contract says which pools are used.
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
