//! Why a run was not started, for whoever submitted its job.

use std::io;

use domain::{
    RunId,
    reason::{NotStarted, Step, SystemError},
};

use super::{child::StartError, inherited::Inherited, record::RecordLine};
use crate::{clock, interpreter, observation::Exit};

/// Ends a run before its start, since this process has not what keeps it apart from others. Without a record the host
/// tells that its supervisor was lost.
pub(super) fn refuse(inherited: &Inherited, run: RunId, step: Step, error: &io::Error) {
    let (pid, at) = (std::process::id().cast_signed(), clock::now());
    let claim = RecordLine::Claim { run, pid, boot: inherited.boot.clone(), at };
    let mut record = None;
    if let (Ok(true), Some(mut record)) = (inherited.runs.claim(&mut record, run, 0, &claim), record) {
        let why = NotStarted::Isolation { step, error: system_error(error) };
        let how = Exit::FailedToStart(why);
        let _then_it_is_lost = record.append(&RecordLine::End { started_at: None, at, took: None, how });
    }
}

pub(super) fn system_error(error: &io::Error) -> SystemError {
    SystemError::new(error.raw_os_error(), error)
}

/// Explains a failed start to whoever wrote the script.
pub(super) fn explain(error: &StartError, script: &str) -> NotStarted {
    let source = match error {
        StartError::Fork(source) => {
            return NotStarted::Preparation { step: Step::Process, error: system_error(source) };
        }
        StartError::Step { step, source } => {
            let (step, error) = (*step, system_error(source));
            let isolates = matches!(step, Step::User | Step::Privileges | Step::Places | Step::Calls);
            return if isolates {
                NotStarted::Isolation { step, error }
            } else {
                NotStarted::Preparation { step, error }
            };
        }
        StartError::Exec(source) => source,
    };
    match (source.raw_os_error(), interpreter::of(script)) {
        (Some(libc::EAGAIN), _) => NotStarted::TooManyProcesses,
        (Some(libc::E2BIG), _) => NotStarted::ArgumentsTooLong,
        (Some(libc::ENOEXEC), Some(_)) | (Some(_), Some("")) => interpreter::names_no_program(script),
        (Some(_), Some(program)) => interpreter::not_to_be_had(script, program, system_error(source)),
        _ => NotStarted::Program { error: system_error(source) },
    }
}
