//! How reasons read in English.

use super::code::{Interruption, JobCause, JobEnd, NotStarted, RunEnd, SlurmPart, Step, limit, signal_name};
use crate::{Lang, Timestamp, Zone, job::JobOutcome, run::StopCause, spec::DependencyKind};

pub fn run_end(end: &RunEnd, zone: &Zone) -> String {
    match end {
        RunEnd::Succeeded => "succeeded".into(),
        RunEnd::Failed { exit_code } => format!("failed: exit code {exit_code}"),
        RunEnd::Signaled { signal } => format!("failed: ended by {}", signal_words(*signal)),
        RunEnd::OutOfMemory { limit_mib: Some(mib) } => {
            format!("out of memory: it used more than the {mib} MiB that it may")
        }
        RunEnd::OutOfMemory { limit_mib: None } => "out of memory: it used more than it may".into(),
        RunEnd::TimedOut { limit_ms: Some(limit_ms) } => {
            format!("timed out: it reached its time limit of {}", limit(*limit_ms))
        }
        RunEnd::TimedOut { limit_ms: None } => "timed out: it reached its time limit".into(),
        RunEnd::Stopped { cause } => stopped(*cause).into(),
        RunEnd::FailedToStart { why: NotStarted::Other(said) } if said.is_empty() => "failed to start".into(),
        RunEnd::FailedToStart { why } => format!("failed to start: {}", not_started(why)),
        RunEnd::Lost { why: Interruption::Untold } => "lost by a fault of the center".into(),
        RunEnd::Lost { why } => format!("lost: {}", interruption(why, zone)),
        RunEnd::TakenAway { why } => format!("interrupted: {}", interruption(why, zone)),
    }
}

fn stopped(cause: StopCause) -> &'static str {
    match cause {
        StopCause::Cancelled => "cancelled by a member or an operator",
        StopCause::BalanceEnded => "stopped: the balance of its contract ended",
        StopCause::BudgetEnded => "stopped: a budget of its project or its member was used up",
        StopCause::ContractEnded => "stopped: its contract ended, or was suspended or terminated",
        StopCause::DiskFull => "stopped: it wrote while the center's disk was full",
        StopCause::DiskQuota => "stopped: its folder, or its tenant's, took more of the disk than it may",
        StopCause::Preempted => {
            "interrupted: its cards were called back for other work, and it is tried again"
        }
    }
}

fn signal_words(signal: i32) -> String {
    match signal_name(signal) {
        Some(name) => format!("signal {signal} (SIG{name})"),
        None => format!("signal {signal}"),
    }
}

pub fn not_started(why: &NotStarted) -> String {
    match why {
        NotStarted::Interpreter { path, error, has_windows_line_ends } => {
            let more = if *has_windows_line_ends {
                "; the script has the line ends of Windows: convert it with `sed -i 's/\\r$//'`"
            } else {
                " (the script's first line asks for it)"
            };
            format!("{path}: {}{more}", error.text(Lang::En))
        }
        NotStarted::NoProgramNamed { line } => {
            format!("its first line `{line}` is not one that names a program")
        }
        NotStarted::TooManyProcesses => {
            "its tenant has as many processes on this machine as it may have".into()
        }
        NotStarted::ArgumentsTooLong => "its arguments and environment are too long".into(),
        NotStarted::Program { error } => format!("its script can't be run: {}", error.text(Lang::En)),
        NotStarted::Isolation { step, error } => {
            format!("it could not be isolated ({}): {}", step_words(*step), error.text(Lang::En))
        }
        NotStarted::Preparation { step, error } => {
            format!("it could not be prepared ({}): {}", step_words(*step), error.text(Lang::En))
        }
        NotStarted::SecretsGone => "its secrets are not there any more".into(),
        NotStarted::NoPort => "no free port is left on this machine for MASTER_PORT".into(),
        NotStarted::SupervisorLost { how } => {
            format!("the process that looks after it was lost before it began ({how})")
        }
        NotStarted::NoCards { node, missing } => {
            let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
            format!("{node} does not have its cards {}: `qiantang doctor` compares", missing.join(", "))
        }
        NotStarted::Folder { path, node } => format!("its folder {path} can't be entered on {node}"),
        NotStarted::WrongNode { node } => {
            format!("Slurm started it on {node}, which is not one of its nodes")
        }
        NotStarted::SharedFolder { nodes } => {
            format!("the shared folder could not be written to on {}", nodes.join(", "))
        }
        NotStarted::SlurmStart { nodes, reason } => slurm_start(nodes, reason),
        NotStarted::SlurmRefused { said } => format!("Slurm refused it: {said}"),
        NotStarted::NoUser { user } => format!("this machine does not know the user `{user}` of Slurm"),
        NotStarted::NotRoot { user } => format!("only a center that is root can run jobs as `{user}`"),
        NotStarted::NoSuchNode { node } => format!("Slurm has no node `{node}`"),
        NotStarted::Launch { said } => format!("the center could not launch it: {said}"),
        NotStarted::Other(said) => said.clone(),
    }
}

fn slurm_start(nodes: &[String], reason: &str) -> String {
    let reason = if reason.is_empty() { "its nodes' slurmd has logged why" } else { reason };
    format!("Slurm could not start it on {}: {reason}", nodes.join(", "))
}

fn step_words(step: Step) -> &'static str {
    match step {
        Step::TenantFolders => "its tenant's folders",
        Step::WorkFolder => "its work folder and script",
        Step::Cgroup => "its cgroup",
        Step::RankTable => "its rank table",
        Step::Outputs => "its outputs",
        Step::Record => "its record",
        Step::Process => "a new process",
        Step::Session => "a session of its own",
        Step::Limits => "its limits",
        Step::User => "its tenant's user",
        Step::Privileges => "no new privileges",
        Step::Places => "the places that it may open",
        Step::Calls => "the system calls that it may make",
        Step::Room => "namespaces of its own",
        Step::Network => "its tenant's network",
    }
}

pub fn interruption(why: &Interruption, zone: &Zone) -> String {
    let on = |nodes: &[String]| nodes.join(", ");
    let clock = |at: Timestamp| format!("{} {zone}", zone.clock(at));
    match why {
        Interruption::Vanished { last_seen } => {
            let seen = last_seen.map(|at| format!(", last seen at {}", clock(at))).unwrap_or_default();
            format!("nobody saw its end{seen}: its supervisor was killed, or its machine went down")
        }
        Interruption::NodeFailed { nodes } => format!("one of its nodes failed: {}", on(nodes)),
        Interruption::NodeDown { nodes } => format!("the slurmd of one of its nodes was down: {}", on(nodes)),
        Interruption::NeverBegan { nodes, down } => {
            let down = match down {
                SlurmPart::Node => "the slurmd of one of its nodes was down",
                SlurmPart::Controller => "Slurm was down",
            };
            format!("{down}, and it never began on each of {}", on(nodes))
        }
        Interruption::EndMissed { nodes } => {
            format!("Slurm was down soon after its start, and has missed its end on {}", on(nodes))
        }
        Interruption::Forgotten => "Slurm's controller was started anew and did not know it".into(),
        Interruption::CancelledAtStart { nodes } => {
            format!("Slurm cancelled it as it began on {}", on(nodes))
        }
        Interruption::StartedAgain => "Slurm lost sight of it and started it again".into(),
        Interruption::Requeued => "Slurm put it back into its queue".into(),
        Interruption::NotLaunched { nodes, reason } => slurm_start(nodes, reason),
        Interruption::AccountClosed { waited_s } => {
            format!("its account in Slurm took no jobs for {waited_s} s")
        }
        Interruption::NotStartedInTime { waited_s } => format!("Slurm did not start it within {waited_s} s"),
        Interruption::NoRoom => "the center's disk had no room for its start".into(),
        Interruption::NodesTaken => "Slurm gave its nodes to other jobs".into(),
        Interruption::Untold => "a fault of the center".into(),
    }
}

pub fn job_end(JobEnd { outcome, tasks, cause }: &JobEnd, zone: &Zone) -> String {
    match cause {
        Some(JobCause::Run { task: Some(task), run: _, end }) => {
            let (failed, stopped, total) = (tasks.failed, tasks.stopped, tasks.total);
            let ended = match (failed, stopped) {
                (0, stopped) => format!("{stopped} of {total} tasks were stopped"),
                (failed, 0) => format!("{failed} of {total} tasks failed"),
                (failed, stopped) => format!("{failed} of {total} tasks failed and {stopped} were stopped"),
            };
            format!("{ended}; the first was task {task}: {}", run_end(end, zone))
        }
        Some(JobCause::Run { end, .. }) => run_end(end, zone),
        Some(JobCause::Dependency { job, when, ended }) => {
            let wanted = match when {
                DependencyKind::Started => "begun",
                DependencyKind::Ended => "ended",
                DependencyKind::Succeeded => "succeeded",
                DependencyKind::Failed => "failed",
            };
            let ended = match ended {
                JobOutcome::Succeeded => "succeeded",
                JobOutcome::Failed => "failed",
                JobOutcome::TimedOut => "timed out",
                JobOutcome::Cancelled => "was cancelled",
                JobOutcome::Stopped => "was stopped with its contract",
                JobOutcome::NeverRan => "never ran",
                JobOutcome::Lost => "was lost by a fault of the center",
            };
            format!("never ran: it was to start once {job} had {wanted}, and that job {ended}")
        }
        Some(JobCause::DependencyGone { job }) => {
            format!("never ran: it waited for {job}, which is not there any more")
        }
        Some(JobCause::Stopped { cause }) => stopped(*cause).into(),
        None => outcome_words(*outcome).into(),
    }
}

fn outcome_words(outcome: JobOutcome) -> &'static str {
    match outcome {
        JobOutcome::Succeeded => "succeeded",
        JobOutcome::Failed => "failed",
        JobOutcome::TimedOut => "timed out",
        JobOutcome::Cancelled => "cancelled",
        JobOutcome::Stopped => "stopped with its contract",
        JobOutcome::NeverRan => "never ran",
        JobOutcome::Lost => "lost by a fault of the center",
    }
}
