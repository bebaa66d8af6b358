//! Logs of jobs and tasks, printed or followed.

use crate::tell::tell;
use clap::Args;
use serde_json::Value;

use super::{
    follow_job::{Followed, follow_job, follow_run, outcome},
    ids,
};
use crate::{
    client::Event,
    context::{Context, Done, Run, part, query, say, write},
    errors::Failure,
    output::{number, pick, text},
};

/// Show a job's log.
#[derive(Debug, Args)]
pub struct Logs {
    /// A job by its id, by the digits at the end or the beginning of it, or a task of it: `JOB_7`.
    job: String,
    /// Follow the log until the job ends, over further runs and restarts of the center; the exit code is the job's.
    #[arg(long, short)]
    follow: bool,
    /// Show standard error instead of standard output.
    #[arg(long)]
    stderr: bool,
    /// Show the log of this task of an array, by its index; that of the first that failed where left out.
    #[arg(long)]
    task: Option<u32>,
    /// Show the log of this run, by its id or digits of it; the newest run's where left out.
    #[arg(long, conflicts_with = "task")]
    run: Option<String>,
}

impl Run for Logs {
    fn run(self, context: &Context) -> Done {
        let mut id = ids::job(context, &self.job)?;
        if let Some(task) = self.task {
            if id.matches('_').count() > 1 {
                let message = format!("{} names a task already", self.job);
                return Err(Failure::usage("not_beside", message, "leave --task out"));
            }
            id = format!("{id}_{task}");
        }
        let run = self.run.as_deref().map(|run| ids::run(context, run)).transpose()?;
        let stream = if self.stderr { "stderr" } else { "stdout" };
        let followed = Followed { id: &id, stream, more: Vec::new() };
        match run {
            Some(run) if self.follow => {
                follow_run(context, &followed, &run, &mut |event| print_piece(context, event))?;
                outcome(&context.client.get(&format!("/api/v1/jobs/{}", part(&id)))?)
            }
            None if self.follow => follow_job(context, &followed, |event| print_piece(context, event)),
            run => print_log(context, &id, stream, run),
        }
    }
}

/// Prints a piece of a log that is followed. False where the reader has gone.
fn print_piece(context: &Context, event: &Event) -> Result<bool, Failure> {
    if context.json {
        return write(format!("{}\n", event.data).as_bytes());
    }
    let piece: Value = serde_json::from_str(&event.data).map_err(|_| {
        let hint = "is the center of another version than this program?";
        Failure::system("bad_event", "the center told a piece of the log that can't be read", hint)
    })?;
    write(text(&piece, "data").as_bytes())
}

/// Of an array, the task that failed first: its log is what people look for.
fn of_array(context: &Context, id: &str) -> Result<String, Failure> {
    let job = context.client.get(&format!("/api/v1/jobs/{}", part(id)))?;
    let Some(task) = job["first_failed_task"].as_u64().filter(|_| job["task"].is_null()) else {
        return Ok(id.to_owned());
    };
    if !context.json {
        let which = pick(context.lang, "最先失败的任务的日志：", "the log of the first task that failed:");
        tell!("qiantang: {which} {task}");
    }
    Ok(format!("{id}_{task}"))
}

/// Prints a log piece by piece, so that a long one needs no memory.
fn print_log(context: &Context, id: &str, stream: &str, run: Option<String>) -> Done {
    let id = if run.is_none() { of_array(context, id)? } else { id.to_owned() };
    let (mut offset, mut run) = (0, run);
    loop {
        let filters = [
            ("stream", Some(stream.to_owned())),
            ("run", run.clone()),
            ("offset", Some(offset.to_string())),
            ("limit_bytes", Some((1 << 20).to_string())),
        ];
        let answer = context.client.get(&format!("/api/v1/jobs/{}/logs{}", part(&id), query(&filters)))?;
        if context.json {
            say(&answer.to_string())?;
        } else if !write(text(&answer, "data").as_bytes())? {
            return Ok(());
        }
        // A place in the log of one run is none in that of another that begins meanwhile.
        run = run.or_else(|| answer["run"].as_str().map(str::to_owned));
        let next = number(&answer, "end_offset");
        if next == offset || answer["complete"] == true {
            return Ok(());
        }
        offset = next;
    }
}
