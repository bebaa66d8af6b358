//! Options of sbatch on the command line of `qiantang submit`.

use clap::Args;

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
