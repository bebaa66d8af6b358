//! Samples of all reasons, for tests: a variant that is left out does not compile.

use super::{
    code::{Interruption, JobCause, JobEnd, NotStarted, RunEnd, SlurmPart, Step},
    system::SystemError,
};
use crate::{
    JobId, RunId, Timestamp,
    job::{JobOutcome, Tasks},
    run::StopCause,
    spec::DependencyKind,
};

macro_rules! samples {
    ($type:ident: $($variant:ident $({ $($any:tt)* })? $(($($one:tt)*))? => $samples:expr),+ $(,)?) => {{
        let mut all: Vec<$type> = Vec::new();
        $(all.extend($samples);)+
        let is_known = |sample: &$type| match sample {
            $($type::$variant $({ $($any)* })? $(($($one)*))? => true),+
        };
        debug_assert!(all.iter().all(is_known));
        all
    }};
}

fn nodes() -> Vec<String> {
    vec!["hz-01".to_owned(), "hz-02".to_owned()]
}

fn text(text: &str) -> String {
    text.to_owned()
}

pub fn not_started() -> Vec<NotStarted> {
    let missing = || SystemError::of_number(2);
    samples!(NotStarted:
        Interpreter { .. } => [false, true].map(|has_windows_line_ends| NotStarted::Interpreter {
            path: text("/opt/nowhere/python"), error: missing(), has_windows_line_ends,
        }),
        NoProgramNamed { .. } => [NotStarted::NoProgramNamed { line: text("#!") }],
        TooManyProcesses => [NotStarted::TooManyProcesses],
        ArgumentsTooLong => [NotStarted::ArgumentsTooLong],
        Program { .. } => [NotStarted::Program { error: SystemError::of_number(8) }],
        Isolation { .. } => Step::ALL.map(|step| NotStarted::Isolation { step, error: SystemError::of_number(1) }),
        Preparation { .. } => Step::ALL.map(|step| NotStarted::Preparation { step, error: SystemError::of_number(28) }),
        SecretsGone => [NotStarted::SecretsGone],
        NoPort => [NotStarted::NoPort],
        SupervisorLost { .. } => [NotStarted::SupervisorLost { how: text("signal 9") }],
        NoCards { .. } => [NotStarted::NoCards { node: text("hz-01"), missing: vec![0, 3] }],
        Folder { .. } => [NotStarted::Folder { path: text("/data/x"), node: text("hz-01") }],
        WrongNode { .. } => [NotStarted::WrongNode { node: text("hz-09") }],
        SharedFolder { .. } => [NotStarted::SharedFolder { nodes: nodes() }],
        SlurmStart { .. } => ["", "BadConstraints"].map(|reason| NotStarted::SlurmStart { nodes: nodes(), reason: text(reason) }),
        SlurmRefused { .. } => [NotStarted::SlurmRefused { said: text("Invalid partition") }],
        NoUser { .. } => [NotStarted::NoUser { user: text("hz-univ") }],
        NotRoot { .. } => [NotStarted::NotRoot { user: text("hz-univ") }],
        NoSuchNode { .. } => [NotStarted::NoSuchNode { node: text("hz-09") }],
        Launch { .. } => [NotStarted::Launch { said: text("node_1") }],
        Other(_) => [NotStarted::Other(text("x"))],
    )
}

pub fn interruptions() -> Vec<Interruption> {
    samples!(Interruption:
        Vanished { .. } => [None, Some(Timestamp::from_secs(1_779_242_400))].map(|last_seen| Interruption::Vanished { last_seen }),
        NodeFailed { .. } => [Interruption::NodeFailed { nodes: nodes() }],
        NodeDown { .. } => [Interruption::NodeDown { nodes: nodes() }],
        NeverBegan { .. } => SlurmPart::ALL.map(|down| Interruption::NeverBegan { nodes: nodes(), down }),
        EndMissed { .. } => [Interruption::EndMissed { nodes: nodes() }],
        Forgotten => [Interruption::Forgotten],
        CancelledAtStart { .. } => [Interruption::CancelledAtStart { nodes: nodes() }],
        StartedAgain => [Interruption::StartedAgain],
        Requeued => [Interruption::Requeued],
        NotLaunched { .. } => [Interruption::NotLaunched { nodes: nodes(), reason: text("BadConstraints") }],
        AccountClosed { .. } => [Interruption::AccountClosed { waited_s: 60 }],
        NotStartedInTime { .. } => [Interruption::NotStartedInTime { waited_s: 60 }],
        NoRoom => [Interruption::NoRoom],
        NodesTaken => [Interruption::NodesTaken],
        Untold => [Interruption::Untold],
    )
}

pub fn run_ends() -> Vec<RunEnd> {
    samples!(RunEnd:
        Succeeded => [RunEnd::Succeeded],
        Failed { .. } => [RunEnd::Failed { exit_code: 3 }],
        Signaled { .. } => [11, 60].map(|signal| RunEnd::Signaled { signal }),
        OutOfMemory { .. } => [None, Some(2048)].map(|limit_mib| RunEnd::OutOfMemory { limit_mib }),
        TimedOut { .. } => [None, Some(3_600_000)].map(|limit_ms| RunEnd::TimedOut { limit_ms }),
        Stopped { .. } => StopCause::ALL.map(|cause| RunEnd::Stopped { cause }),
        FailedToStart { .. } => not_started().into_iter().map(|why| RunEnd::FailedToStart { why }),
        Lost { .. } => interruptions().into_iter().map(|why| RunEnd::Lost { why }),
        TakenAway { .. } => [Interruption::NodesTaken].map(|why| RunEnd::TakenAway { why }),
    )
}

pub fn job_causes() -> Vec<JobCause> {
    let (job, run) = (JobId::from_bytes([7; 16]), RunId::from_bytes([8; 16]));
    let kinds = samples!(DependencyKind:
        Started => [DependencyKind::Started],
        Succeeded => [DependencyKind::Succeeded],
        Failed => [DependencyKind::Failed],
        Ended => [DependencyKind::Ended],
    );
    let ways = kinds.into_iter().flat_map(|when| JobOutcome::ALL.map(|ended| (when, ended)));
    samples!(JobCause:
        Run { .. } => run_ends().into_iter().flat_map(|end| {
            [None, Some(7)].map(|task| JobCause::Run { run, task, end: end.clone() })
        }),
        Dependency { .. } => ways.map(|(when, ended)| JobCause::Dependency { job, when, ended }),
        DependencyGone { .. } => [JobCause::DependencyGone { job }],
        Stopped { .. } => StopCause::ALL.map(|cause| JobCause::Stopped { cause }),
    )
}

pub fn job_ends() -> Vec<JobEnd> {
    let tasks = |failed, stopped| Tasks { total: 9, next: 9, failed, stopped, ..Tasks::default() };
    let known = job_causes().into_iter().flat_map(|cause| {
        [(2, 0), (0, 2), (1, 1)].map(|(failed, stopped)| JobEnd {
            outcome: JobOutcome::Failed,
            tasks: tasks(failed, stopped),
            cause: Some(cause.clone()),
        })
    });
    let plain = JobOutcome::ALL.map(|outcome| JobEnd { outcome, tasks: tasks(0, 0), cause: None });
    known.chain(plain).collect()
}
