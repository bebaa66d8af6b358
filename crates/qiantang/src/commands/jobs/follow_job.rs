//! Following a job to its end: over its runs, whichever comes next, and over restarts of the center.

use crate::tell::tell;
use std::time::Duration;

use clap::Args;
use domain::{Both, Lang, both, job::has_ended};
use serde_json::Value;

use super::{ids, reason_text};
use crate::{
    client::Event,
    context::{Context, Done, Run, part, query},
    errors::Failure,
    follow::{follow, patiently},
    output::{list, pick, text},
    words,
};

/// How soon a job is looked at again that has not ended: soon at first.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(2);

/// Wait for the end of jobs, or of tasks of arrays (`JOB_7`); the exit code is that of the first that did not succeed.
#[derive(Debug, Args)]
pub struct Wait {
    /// Jobs by id, by the digits at the end or the beginning of one, or tasks of them: `JOB_7`.
    #[arg(required = true)]
    jobs: Vec<String>,
}

impl Run for Wait {
    fn run(self, context: &Context) -> Done {
        let ids = ids::jobs(context, &self.jobs)?;
        // A center that can't be reached in the beginning is not waited for.
        for id in &ids {
            context.client.get(&format!("/api/v1/jobs/{}", part(id)))?;
        }
        let outcomes: Vec<Done> = ids.iter().map(|id| wait(context, id)).collect();
        outcomes.into_iter().collect()
    }
}

/// Waits for the end of a job or a task.
pub fn wait(context: &Context, id: &str) -> Done {
    let mut pause = Pause::new();
    loop {
        let job = look(context, id)?;
        if has_ended(state(&job)) {
            return outcome(&job);
        }
        pause.sleep();
    }
}

struct Pause(Duration);

impl Pause {
    fn new() -> Self {
        Self(SOONEST)
    }

    fn sleep(&mut self) {
        std::thread::sleep(self.0);
        self.0 = (self.0 * 2).min(LATEST);
    }
}

/// A job or a task as it stands. A center that is away is waited for, with a word.
fn look(context: &Context, id: &str) -> Result<Value, Failure> {
    patiently(context, || context.client.get(&format!("/api/v1/jobs/{}", part(id))))
}

/// The state of what was named: of the task, else of the job.
fn state(job: &Value) -> &str {
    if job["task"].is_null() { text(job, "state") } else { text(&job["task"], "state") }
}

/// One stream of logs that is followed.
pub struct Followed<'a> {
    /// The job or task.
    pub id: &'a str,
    /// `stdout` or `stderr`.
    pub stream: &'a str,
    /// More of the query, such as a node's number.
    pub more: Vec<(&'static str, Option<String>)>,
}

/// Hands each piece of a job's logs to `take` until the job has ended: of a job without an array, and of a task, from its
/// newest run on; of an array all runs, one after the other in the order of their starts.
pub fn follow_job(
    context: &Context,
    followed: &Followed<'_>,
    mut take: impl FnMut(&Event) -> Result<bool, Failure>,
) -> Done {
    let Followed { id, .. } = followed;
    let job = context.client.get(&format!("/api/v1/jobs/{}", part(id)))?;
    let is_array = !job["spec"]["array"].is_null() && job["task"].is_null();
    let mut next = if is_array { next_run(context, id, None)? } else { newest_run(context, id)? };
    let mut last: Option<String> = None;
    let mut pause = Pause::new();
    loop {
        if let Some(run) = next.take() {
            let name = text(&run, "id").to_owned();
            if is_array {
                told(context, &format!("{} {}", pick(context.lang, "任务", "task"), run["task"]));
            } else if last.is_some() {
                told(context, &format!("{} {}", pick(context.lang, "运行次数", "attempt"), run["attempt"]));
            }
            if !follow_run(context, followed, &name, &mut take)? {
                // Whoever reads has had enough.
                return Ok(());
            }
            last = Some(name);
            pause = Pause::new();
        }
        // First the state, then the runs: a run that begins between the two is seen.
        let job = look(context, id)?;
        next = patiently(context, || next_run(context, id, last.as_deref()))?;
        if next.is_none() {
            if has_ended(state(&job)) {
                return outcome(&job);
            }
            pause.sleep();
        }
    }
}

/// Follows the log of one run to its end. False where the reader has gone.
pub fn follow_run(
    context: &Context,
    followed: &Followed<'_>,
    run: &str,
    take: &mut impl FnMut(&Event) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    // The job alone: the run says which task.
    let job = domain::job::task::parse(followed.id).map_or(followed.id, |named| named.job);
    let path = || {
        let mut filters = vec![("stream", Some(followed.stream.to_owned())), ("run", Some(run.to_owned()))];
        filters.extend(followed.more.iter().cloned());
        format!("/api/v1/jobs/{}/logs/stream{}", part(job), query(&filters))
    };
    let mut is_over = false;
    follow(context, path, |event| {
        is_over = event.kind == "end";
        if event.kind == "log" { take(event) } else { Ok(!is_over) }
    })?;
    Ok(is_over)
}

/// A word on standard error, for people.
fn told(context: &Context, word: &str) {
    if !context.json {
        tell!("qiantang: {word}");
    }
}

fn newest_run(context: &Context, id: &str) -> Result<Option<Value>, Failure> {
    first_of(context, id, &[("limit", Some("1".to_owned()))])
}

/// The run that began next after this one.
fn next_run(context: &Context, id: &str, after: Option<&str>) -> Result<Option<Value>, Failure> {
    let after = after.map(str::to_owned);
    let filters = [("order", Some("oldest".to_owned())), ("cursor", after), ("limit", Some("1".to_owned()))];
    first_of(context, id, &filters)
}

fn first_of(
    context: &Context,
    id: &str,
    filters: &[(&str, Option<String>)],
) -> Result<Option<Value>, Failure> {
    let answer = context.client.get(&format!("/api/v1/jobs/{}/runs{}", part(id), query(filters)))?;
    Ok(list(&answer["items"])?.first().cloned())
}

/// Fails if what was named has ended and did not succeed, with its own exit code.
pub fn outcome(job: &Value) -> Done {
    let (id, state) = (text(job, "id"), state(job));
    if state == "succeeded" || !has_ended(state) {
        return Ok(());
    }
    let task = job["task"]["index"].as_u64();
    let name = task.map_or_else(|| id.to_owned(), |task| format!("{id}_{task}"));
    let first = job["first_failed_task"].as_u64().filter(|_| task.is_none());
    let message = Both::of(|lang| {
        let reason = match reason_text(lang, if task.is_some() { &job["task"] } else { job }) {
            "" => words::state(lang, state),
            reason => reason.to_owned(),
        };
        let noun = if task.is_some() { pick(lang, "任务", "task") } else { pick(lang, "作业", "job") };
        let of = first.map(|first| match lang {
            Lang::Zh => format!("；最先失败的是任务 {first}"),
            Lang::En => format!("; its task {first} was the first that failed"),
        });
        let of = of.unwrap_or_default();
        match lang {
            Lang::Zh => format!("{noun} {name} 已结束：{reason}{of}"),
            Lang::En => format!("the {noun} {name} ended: {reason}{of}"),
        }
    });
    if state == "cancelled" {
        return Err(Failure::cancelled(message));
    }
    let which = first.map_or_else(|| name.clone(), |first| format!("{id}_{first}"));
    let hint = if job["started_at"].is_null() {
        // It has no log.
        Both::default()
    } else {
        both(
            format!("`qiantang logs {which} --stderr` 显示它的错误输出"),
            format!("`qiantang logs {which} --stderr` shows what it said"),
        )
    };
    Err(Failure::job_failed(message, hint, job["exit_code"].as_i64()))
}

#[cfg(test)]
mod tests {
    use center::reason::ReasonView;
    use domain::{Zone, job::JobOutcome, reason::samples};
    use serde_json::json;

    use super::*;

    #[test]
    fn each_end_of_a_job_is_told_to_whoever_waits_for_it_in_both_languages() {
        qiantang::load_texts();
        let zone = Zone::utc();
        let ends = samples::job_ends().into_iter();
        for end in ends.filter(|end| end.outcome != JobOutcome::Succeeded) {
            let reason = json!(ReasonView::of_job(&end, &zone));
            let job =
                json!({ "id": "job_1", "state": end.outcome.code(), "reason": reason, "started_at": null });
            for lang in [Lang::Zh, Lang::En] {
                let failed = outcome(&job).expect_err("it did not end well");
                assert!(failed.message.in_lang(lang).contains(&end.text(lang, &zone)), "{failed:?}");
            }
        }
    }
}
