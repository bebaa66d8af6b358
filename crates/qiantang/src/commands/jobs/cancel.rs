//! Stopping jobs and tasks: those that are named, or all that match.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use domain::{Lang, both};
use serde_json::{Value, json};

use super::{ids, list::Filters};
use crate::{
    context::{Context, Done, Run, one_of_them},
    errors::Failure,
    output::number,
};

/// The most ids that go in one request.
const AT_ONCE: usize = 1000;

/// Stop jobs, or tasks of arrays (`JOB_7`, `JOB_[3-9]`): those that are named, or all that match the filters.
#[derive(Debug, Args)]
pub struct Cancel {
    /// Jobs by id, by the digits at the end or the beginning of one, or tasks of them: `JOB_7`, `JOB_[3-9]`.
    jobs: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    /// Do not ask before all that match are cancelled.
    #[arg(long, short)]
    yes: bool,
    /// Only say how many would be cancelled.
    #[arg(long)]
    dry_run: bool,
}

impl Run for Cancel {
    fn run(self, context: &Context) -> Done {
        match (self.jobs.is_empty(), self.filters.is_none()) {
            (true, true) => {
                let hint = both(
                    "请指明作业，或给出条件：qiantang cancel --state waiting --mine",
                    "name jobs, or say which: qiantang cancel --state waiting --mine",
                );
                Err(Failure::usage("no_job", both("没有指明作业", "no job is named"), hint))
            }
            (false, false) => {
                let message =
                    both("指明了作业，又给出了条件", "jobs are named, and filters are given beside them");
                Err(Failure::usage("not_beside", message, one_of_them()))
            }
            (false, true) => cancel_named(context, &ids::jobs(context, &self.jobs)?, self.dry_run),
            (true, false) => self.cancel_matching(context),
        }
    }
}

fn cancel_named(context: &Context, ids: &[String], dry_run: bool) -> Done {
    let mut sum = json!({ "jobs": 0, "cancelled": 0, "tasks": 0 });
    for some in ids.chunks(AT_ONCE) {
        let body = json!({ "jobs": some, "dry_run": dry_run });
        let answer = context.client.post("/api/v1/jobs/cancel", &body)?;
        for key in ["jobs", "cancelled", "tasks"] {
            sum[key] = json!(number(&sum, key) + number(&answer, key));
        }
    }
    // All that was named may have ended: then it is of tasks that there were none, not of jobs.
    let of_tasks = ids.iter().all(|id| id.matches('_').count() > 1);
    context.print(&sum, |lang| match lang {
        Lang::Zh if of_tasks && !dry_run => format!("已取消 {} 个任务", number(&sum, "tasks")),
        Lang::En if of_tasks && !dry_run => format!("{} tasks cancelled", number(&sum, "tasks")),
        lang => said(lang, &sum, dry_run),
    })
}

impl Cancel {
    fn cancel_matching(&self, context: &Context) -> Done {
        let which = self.filters.body();
        let dry = context.client.post("/api/v1/jobs/cancel", &json!({ "which": which, "dry_run": true }))?;
        let count = number(&dry, "jobs");
        if self.dry_run || (count == 0 && dry["and_more"] != true) {
            return context.print(&dry, |lang| said(lang, &dry, true));
        }
        if !self.yes {
            confirm(context, count, dry["and_more"] == true)?;
        }
        let mut sum = json!({ "jobs": 0, "cancelled": 0, "tasks": 0 });
        loop {
            let answer = context.client.post("/api/v1/jobs/cancel", &json!({ "which": which }))?;
            for key in ["jobs", "cancelled"] {
                sum[key] = json!(number(&sum, key) + number(&answer, key));
            }
            if answer["and_more"] != true {
                break;
            }
        }
        context.print(&sum, |lang| said(lang, &sum, false))
    }
}

/// Asks at a terminal; elsewhere nobody answers, so that only `--yes` does it.
fn confirm(context: &Context, count: i64, and_more: bool) -> Done {
    let more = if and_more { "+" } else { "" };
    let question =
        both(format!("将取消 {count}{more} 个作业"), format!("{count}{more} jobs would be cancelled"));
    let (asks, shows) = (std::io::stdin().is_terminal(), std::io::stderr().is_terminal());
    if asks && shows && !context.json {
        let mut out = std::io::stderr().lock();
        let asked = question.in_lang(context.lang);
        let _ = match context.lang {
            Lang::Zh => write!(out, "{asked}，是否继续？[y/N] "),
            Lang::En => write!(out, "{asked}. [y/N] "),
        }
        .and_then(|()| out.flush());
        let mut line = String::new();
        let _ = std::io::stdin().lock().read_line(&mut line);
        if ["y", "yes"].contains(&line.trim().to_lowercase().as_str()) {
            return Ok(());
        }
    }
    let hint = both(
        "加上 --yes 即可执行；--dry-run 只说明有多少个",
        "--yes does it; --dry-run only says how many there are",
    );
    let message = both(format!("{}，未作更改", question.zh), format!("{}; nothing was done", question.en));
    Err(Failure::usage("not_confirmed", message, hint))
}

fn said(lang: Lang, answer: &Value, dry_run: bool) -> String {
    let [jobs, cancelled, tasks] = ["jobs", "cancelled", "tasks"].map(|key| number(answer, key));
    let more = if answer["and_more"] == true { "+" } else { "" };
    match (lang, dry_run) {
        (Lang::Zh, true) => format!("符合条件的作业：{jobs}{more} 个，未作更改"),
        (Lang::En, true) => format!("{jobs}{more} jobs; nothing was done"),
        (Lang::Zh, false) => {
            let and = if tasks > 0 { format!("，另取消 {tasks} 个任务") } else { String::new() };
            format!("{jobs} 个作业中已取消 {cancelled} 个{and}")
        }
        (Lang::En, false) => {
            let and = if tasks > 0 { format!(", and {tasks} tasks") } else { String::new() };
            let rest = if cancelled < jobs && tasks == 0 { "; the others had ended" } else { "" };
            format!("{cancelled} of {jobs} jobs cancelled{and}{rest}")
        }
    }
}
