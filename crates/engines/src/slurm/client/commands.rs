//! Slurm by its commands: sbatch, squeue, sacct, scontrol, sinfo, scancel.
//!
//! No command gets the center's environment. A mark that is drawn at the start parts columns and begins
//! lines, so no name that a user wrote can be taken for a column or a line.

use std::{
    collections::HashMap,
    ffi::OsStr,
    io::{Read, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    time::Duration,
};

use super::{
    job::{AccountingQuery, JobRecord, Listing, Submission},
    node::{Daemon, NodeRecord},
    notation,
    port::{Calls, Port, SlurmError},
    refusal::{is_over_already, problem, submission_error},
};
use crate::slurm::spawn_lock;

/// Where Slurm's commands and settings are.
#[derive(Clone, Debug)]
pub(crate) struct Commands {
    /// The folder of the commands; by default they are looked for in PATH.
    pub bin: Option<PathBuf>,
    /// `SLURM_CONF`; Slurm's own default where left out.
    pub conf: Option<PathBuf>,
    /// The longest time for a command.
    pub timeout: Duration,
    pub calls: Arc<Calls>,
    separator: String,
}

/// The outcome of a command.
pub(crate) struct CommandOutput {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Commands {
    pub(crate) fn new(bin: Option<PathBuf>, conf: Option<PathBuf>, timeout: Duration) -> Self {
        use std::hash::{BuildHasher as _, RandomState};
        let separator = format!("<{:016x}>", RandomState::new().hash_one(std::process::id()));
        Self { bin, conf, timeout, calls: Arc::default(), separator }
    }

    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = S>,
        stdin: Option<&str>,
    ) -> Result<CommandOutput, SlurmError> {
        let path = self.find(program);
        let mut command = Command::new(path);
        command.args(args).env_clear().env("PATH", PATH).env("LC_ALL", "C");
        // Times are seconds since 1970, in whatever zone.
        command.env("SLURM_TIME_FORMAT", "%s").env("TZ", "UTC0");
        command.envs(self.conf.iter().map(|conf| ("SLURM_CONF", conf)));
        command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed =
            |error: std::io::Error| SlurmError::Unreachable(format!("failed to start {program}: {error}"));
        self.calls.count(program);
        let mut child = {
            let _no_script_is_written = spawn_lock::while_starting();
            command.spawn().map_err(failed)?
        };
        let (tell, told) = mpsc::channel();
        for (is_out, pipe) in [
            (true, child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>)),
            (false, child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>)),
        ] {
            let (tell, mut pipe) = (tell.clone(), pipe.expect("it is piped"));
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                let read = pipe.read_to_end(&mut bytes);
                let _nobody_waits = tell.send((is_out, read.map(|_| bytes)));
            });
        }
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
            let text = text.to_owned();
            // A thread of its own writes the input, so that a command that hangs does not hold up this one.
            std::thread::spawn(move || drop(pipe.write_all(text.as_bytes())));
        }
        let (mut out, mut err) = (String::new(), String::new());
        let until = std::time::Instant::now() + self.timeout;
        for _ in 0..2 {
            let left = until.saturating_duration_since(std::time::Instant::now());
            let Ok((is_out, bytes)) = told.recv_timeout(left) else {
                let _gone = child.kill();
                let _reaped = child.wait();
                return Err(SlurmError::Unclear(format!("{program} took longer than {:?}", self.timeout)));
            };
            let bytes = bytes.map_err(|error| SlurmError::Unclear(format!("{program}: {error}")))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if is_out { out = text } else { err = text }
        }
        let status = child.wait().map_err(|error| SlurmError::Unclear(format!("{program}: {error}")))?;
        Ok(CommandOutput { ok: status.success(), out, err })
    }

    /// The path of a program. It is looked for here: a child that has to look for it is started by a fork of
    /// this process, which takes several times as long.
    fn find(&self, program: &str) -> PathBuf {
        if let Some(bin) = &self.bin {
            return bin.join(program);
        }
        let all = PATH.split(':').map(|folder| Path::new(folder).join(program));
        all.into_iter().find(|path| path.is_file()).unwrap_or_else(|| program.into())
    }

    /// Asks a question that changes nothing: however it fails, it can be asked again.
    pub(crate) fn ask<S: AsRef<OsStr>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, SlurmError> {
        match self.run(program, args, None) {
            Ok(answer) if answer.ok => Ok(answer.out),
            Ok(answer) => Err(SlurmError::Unreachable(problem(program, &answer.err))),
            Err(SlurmError::Unclear(why)) => Err(SlurmError::Unreachable(why)),
            Err(error) => Err(error),
        }
    }

    /// The switch of each node that is behind one.
    pub(crate) fn switches(&self) -> Result<HashMap<String, String>, SlurmError> {
        Ok(notation::switch_paths(&self.ask("scontrol", ["show", "topology"])?))
    }

    /// A token for slurmrestd, valid for so many seconds.
    pub(crate) fn token(&self, user: &str, lifespan_s: u64) -> Result<String, SlurmError> {
        let args = ["token".to_owned(), format!("username={user}"), format!("lifespan={lifespan_s}")];
        let out = self.ask("scontrol", args)?;
        let token = out.trim().strip_prefix("SLURM_JWT=").map(str::to_owned);
        token.ok_or_else(|| SlurmError::Unreachable("scontrol gives no token".to_owned()))
    }

    /// The columns of a line, if it bears the mark and has as many columns as it should.
    fn columns<'a, const N: usize>(&self, line: &'a str) -> Option<[&'a str; N]> {
        let line = line.strip_prefix(self.separator.as_str())?;
        let columns: Vec<&str> = line.split(self.separator.as_str()).map(str::trim).collect();
        columns.try_into().ok()
    }
}

/// The options of sbatch for a job.
fn sbatch_options(job: &Submission) -> Vec<String> {
    let mut options = vec![
        "--parsable".to_owned(),
        // A run has one Slurm job, and that has one life: a further attempt is another run.
        "--no-requeue".to_owned(),
        "--export=ALL".to_owned(),
        "--open-mode=append".to_owned(),
        format!("--job-name={}", job.name),
        format!("--comment={}", job.comment),
        format!("--chdir={}", job.work_dir.display()),
        format!("--output={}", job.stdout_pattern()),
        format!("--error={}", job.stderr_pattern()),
        format!("--nodes={0}-{0}", job.nodes.len()),
        format!("--nodelist={}", job.nodes.join(",")),
        format!("--time={}", job.time_limit_min),
    ];
    for (name, count) in [
        ("ntasks", job.tasks),
        ("ntasks-per-node", job.tasks_per_node),
        ("cpus-per-task", job.cpus_per_task),
        ("mincpus", job.min_cpus),
    ] {
        options.extend(count.map(|count| format!("--{name}={count}")));
    }
    options.extend(job.memory_mib_per_node.map(|mib| format!("--mem={mib}M")));
    options.extend(job.memory_mib_per_cpu.map(|mib| format!("--mem-per-cpu={mib}M")));
    options.extend(job.exclusive.then(|| "--exclusive".to_owned()));
    for (name, value) in [
        ("uid", &job.user),
        ("account", &job.account),
        ("partition", &job.partition),
        ("qos", &job.qos),
        ("gres", &job.gres),
    ] {
        options.extend(value.as_ref().map(|value| format!("--{name}={value}")));
    }
    options
}

impl Port for Commands {
    fn describe(&self) -> Result<String, SlurmError> {
        let version = self.ask("sinfo", ["--version"])?;
        Ok(format!("the commands of {}", version.trim()))
    }

    fn submit(&self, job: &Submission) -> Result<u32, SlurmError> {
        let answer = self.run("sbatch", sbatch_options(job), Some(&job.script))?;
        if !answer.ok {
            return Err(submission_error(&answer.err));
        }
        // `123`, or `123;cluster`.
        let number = answer.out.trim().split(';').next().unwrap_or_default();
        number.parse().map_err(|_| SlurmError::Unclear(format!("sbatch answered `{}`", answer.out.trim())))
    }

    fn jobs(&self) -> Result<Listing, SlurmError> {
        const FIELDS: [&str; 13] = [
            "JobID",
            "Name",
            "UserName",
            "Account",
            "Partition",
            "State",
            "Reason",
            "NodeList",
            "tres-alloc",
            "StartTime",
            "EndTime",
            "exit_code",
            "RestartCnt",
        ];
        let mark = &self.separator;
        // Each field has its own length, with the mark behind it.
        let format: Vec<String> = FIELDS.iter().map(|field| format!("{field}:0{mark}")).collect();
        let out =
            self.ask("squeue", ["--noheader", "--states=all", "--all", "--Format", &format.join(",")])?;
        let mut listing = Listing::default();
        for line in out.split(&format!("{mark}\n")).filter(|line| !line.trim().is_empty()) {
            match self.read_job(&format!("{mark}{line}")) {
                Some(job) => listing.jobs.push(job),
                None => listing.unreadable += 1,
            }
        }
        Ok(listing)
    }

    fn accounting(&self, query: &AccountingQuery) -> Result<Vec<JobRecord>, SlurmError> {
        let numbers: Vec<String> = query.jobs.iter().map(u32::to_string).collect();
        let (option, values) = if !numbers.is_empty() {
            ("--jobs", numbers.join(","))
        } else if !query.names.is_empty() {
            ("--name", query.names.join(","))
        } else if !query.users.is_empty() {
            ("--user", query.users.join(","))
        } else {
            ("--accounts", query.accounts.join(","))
        };
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = vec![
            "--allocations".to_owned(),
            "--duplicates".to_owned(),
            "--noheader".to_owned(),
            "--parsable2".to_owned(),
            format!("--delimiter={}", self.separator),
            format!("--starttime={}", since(query.since)),
            "--endtime=now".to_owned(),
            "--format=JobIDRaw,JobName,User,Account,Partition,State,NodeList,AllocTRES,Start,End,ExitCode"
                .to_owned(),
            option.to_owned(),
            values,
        ];
        if option != "--user" {
            args.push("--allusers".to_owned());
        }
        let out = match self.ask("sacct", args) {
            // In a cluster without accounting, the controller's word is all there is.
            Err(SlurmError::Unreachable(why)) if why.contains("accounting storage is disabled") => {
                String::new()
            }
            answered => answered?,
        };
        Ok(out.lines().filter_map(|line| self.read_accounted(line)).collect())
    }

    fn cancel(&self, jobs: &[u32]) -> Result<(), SlurmError> {
        let numbers: Vec<String> = jobs.iter().map(u32::to_string).collect();
        let answer = self.run("scancel", &numbers, None)?;
        if answer.ok || is_over_already(&answer.err) {
            return Ok(());
        }
        Err(SlurmError::Unclear(problem("scancel", &answer.err)))
    }

    fn nodes(&self) -> Result<Vec<NodeRecord>, SlurmError> {
        let mark = &self.separator;
        let format = ["%N", "%o", "%R", "%T", "%G", "%c", "%m", "%f", "%E"].join(mark);
        let out =
            self.ask("sinfo", ["--noheader", "--Node", "--all", "--format", &format!("{mark}{format}")])?;
        Ok(out.lines().filter_map(|line| self.read_node(line)).collect())
    }

    fn daemons(&self, nodes: &[String]) -> Result<Vec<Daemon>, SlurmError> {
        let out = self.ask("scontrol", ["--oneliner", "show", "node", &nodes.join(",")])?;
        Ok(notation::daemons(&out))
    }

    fn accounted_gres(&self) -> Result<Vec<String>, SlurmError> {
        let out = self.ask("sacctmgr", ["--noheader", "--parsable2", "show", "tres", "format=type,name"])?;
        Ok(out.lines().filter_map(|line| line.strip_prefix("gres|")).map(str::to_owned).collect())
    }

    fn backlog(&self) -> Result<Option<u64>, SlurmError> {
        let out = self.ask::<&str>("sdiag", [])?;
        let count = out.lines().find_map(|line| line.trim().strip_prefix("DBD Agent queue size:"));
        Ok(count.and_then(|count| count.trim().parse().ok()))
    }

    fn clock(&self) -> Result<i64, SlurmError> {
        let out = self.ask("scontrol", ["show", "config"])?;
        // The first line is `Configuration data as of 1700000000`.
        let first = out.lines().next().unwrap_or_default();
        let said = first.rsplit(' ').next().unwrap_or_default();
        let seconds = notation::epoch(said)
            .or_else(|| said.parse::<domain::Timestamp>().ok().map(|at| at.as_micros() / 1_000_000));
        // Older versions write the time out in their own time zone, which is UTC here.
        seconds
            .or_else(|| {
                format!("{said}Z").parse::<domain::Timestamp>().ok().map(|at| at.as_micros() / 1_000_000)
            })
            .ok_or_else(|| SlurmError::Unclear(format!("scontrol reports no time: `{first}`")))
    }
}

/// A time as sacct takes it: older versions know no seconds since 1970.
fn since(seconds: i64) -> String {
    domain::Timestamp::from_secs(seconds.max(0)).to_string().chars().take(19).collect()
}

impl Commands {
    fn read_job(&self, line: &str) -> Option<JobRecord> {
        let [id, name, user, account, partition, state, reason, nodes, tres, start, end, exit, restarts] =
            self.columns::<13>(line)?;
        let (code, signal) = notation::wait_status(exit.parse().ok()?);
        let state = notation::job_state(state);
        let (ended_s, ends_by_s) = state.read_end(notation::epoch(end));
        Some(JobRecord {
            id: id.parse().ok()?,
            name: name.to_owned(),
            user: user.to_owned(),
            account: account.to_owned(),
            partition: partition.to_owned(),
            state,
            reason: reason.to_owned(),
            nodes: notation::hosts(nodes)?,
            cards: notation::cards_of_tres(tres),
            started_s: notation::epoch(start),
            ended_s,
            ends_by_s,
            code,
            signal,
            restarts: restarts.parse().unwrap_or(0),
        })
    }

    fn read_accounted(&self, line: &str) -> Option<JobRecord> {
        let columns: Vec<&str> = line.split(self.separator.as_str()).collect();
        let [id, name, user, account, partition, state, nodes, tres, start, end, exit] =
            columns.try_into().ok()?;
        let (code, signal) = notation::exit_code(exit)?;
        Some(JobRecord {
            id: id.parse().ok()?,
            name: name.to_owned(),
            user: user.to_owned(),
            account: account.to_owned(),
            partition: partition.to_owned(),
            state: notation::accounted_state(notation::job_state(state), state.contains(" by ")),
            reason: String::new(),
            nodes: notation::hosts(nodes)?,
            cards: notation::cards_of_tres(tres),
            started_s: notation::epoch(start),
            ended_s: notation::epoch(end),
            ends_by_s: None,
            code,
            signal,
            restarts: 0,
        })
    }

    fn read_node(&self, line: &str) -> Option<NodeRecord> {
        let [name, address, partition, state, gres, cpus, memory, features, reason] =
            self.columns::<9>(line)?;
        Some(NodeRecord {
            name: name.to_owned(),
            address: address.to_owned(),
            partition: partition.to_owned(),
            condition: notation::node_condition(state),
            state: state.to_owned(),
            reason: if reason == "none" { String::new() } else { reason.to_owned() },
            gres: notation::gres_of_node(gres),
            cpus: cpus.trim_end_matches('+').parse().ok()?,
            memory_mib: memory.trim_end_matches('+').parse().ok()?,
            features: features
                .split(',')
                .filter(|f| !f.is_empty() && *f != "(null)")
                .map(str::to_owned)
                .collect(),
        })
    }
}
