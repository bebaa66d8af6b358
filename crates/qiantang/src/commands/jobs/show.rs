//! Showing jobs and tasks with their runs, those that failed first.

use std::fmt::Write as _;

use clap::Args;
use domain::Lang;
use serde_json::{Value, json};

use super::{ids, paging::so_many, reason_text};
use crate::{
    context::{Context, Done, Run, part},
    errors::Failure,
    output::{
        Clock, card_hours, duration, items, last_digits, money, number, of_total, pick, table, text, verdict,
    },
    words,
};

/// Show jobs, or tasks of arrays (`JOB_7`), with their runs.
#[derive(Debug, Args)]
pub struct Show {
    /// Jobs by id, by the digits at the end or the beginning of one, or tasks of them: `JOB_7`.
    #[arg(required = true)]
    jobs: Vec<String>,
    /// Only runs in this state, or one of several with commas between them, such as `failed`.
    #[arg(long)]
    state: Option<String>,
    /// How many runs to show of each job at most: 20 where left out, 1000 with --json.
    #[arg(long)]
    limit: Option<u32>,
    /// Show the runs that come after this place.
    #[arg(long)]
    cursor: Option<String>,
}

impl Run for Show {
    fn run(self, context: &Context) -> Done {
        let ids = ids::jobs(context, &self.jobs)?;
        let mut jobs = ids.iter().map(|id| self.ask(context, id)).collect::<Result<Vec<_>, _>>()?;
        let shown = |clock: &Clock| {
            let each: Vec<String> = jobs.iter().map(|job| shown_job(clock, job)).collect();
            each.join("\n\n")
        };
        if jobs.len() == 1 {
            let text = shown(&context.clock());
            return context.print(&jobs.remove(0), |_| text);
        }
        context.print(&json!(jobs), |_| shown(&context.clock()))
    }
}

impl Show {
    /// A job with the first of its runs.
    fn ask(&self, context: &Context, id: &str) -> Result<Value, Failure> {
        let mut job = context.client.get(&format!("/api/v1/jobs/{}", part(id)))?;
        let is_array = !job["spec"]["array"].is_null() && job["task"].is_null();
        let most = self.limit.unwrap_or(if context.json { 1000 } else { 20 });
        let filters = [("state", self.state.clone()), ("order", is_array.then(|| "failed_first".to_owned()))];
        let path = format!("/api/v1/jobs/{}/runs", part(id));
        let found = so_many(context, &path, &filters, most, self.cursor.clone())?;
        job["runs"] = json!(found.items);
        job["runs_total"] = found.total;
        job["runs_next_cursor"] = json!(found.next_cursor);
        Ok(job)
    }
}

fn shown_job(clock: &Clock, job: &Value) -> String {
    let lang = clock.lang;
    let label = |zh, en| pick(lang, zh, en).to_owned();
    let mut facts = vec![
        vec![label("作业", "job"), text(job, "id").to_owned()],
        vec![label("名称", "name"), text(job, "name").to_owned()],
        vec![label("状态", "state"), words::state_of(lang, job)],
        vec![label("项目", "project"), format!("{} / {}", text(job, "tenant_slug"), text(job, "project"))],
        vec![label("合同", "contract"), text(job, "contract").to_owned()],
        vec![
            label("节点×卡", "nodes×cards"),
            format!("{}×{}", number(job, "nodes"), number(job, "cards_per_node")),
        ],
        vec![label("时限", "time limit"), duration(number(job, "time_limit_ms"))],
        vec![clock.title("提交", "submitted"), clock.instant(job, "submitted_at")],
        vec![label("卡时", "card-hours"), card_hours(number(job, "used_card_ms"))],
        vec![label("费用（元）", "charge (CNY)"), money(number(job, "charge_micro_cny"))],
    ];
    let reason = reason_text(lang, if job["task"].is_null() { job } else { &job["task"] });
    if !reason.is_empty() {
        facts.push(vec![label("结束原因", "why it ended"), reason.to_owned()]);
    }
    if let Some(code) = job["exit_code"].as_i64() {
        let of = job["first_failed_task"].as_i64().filter(|_| job["task"].is_null());
        let of = of.map(|task| match lang {
            Lang::Zh => format!("（任务 {task}）"),
            Lang::En => format!(" (task {task})"),
        });
        facts.push(vec![label("退出码", "exit code"), format!("{code}{}", of.unwrap_or_default())]);
    }
    let task = &job["task"];
    if !task.is_null() {
        let state = words::state(lang, text(task, "state"));
        facts.insert(1, vec![label("任务", "task"), format!("{} {state}", number(task, "index"))]);
    }
    let tasks = &job["tasks"];
    if number(tasks, "total") > 1 {
        let counts = ["succeeded", "failed", "running", "total"].map(|key| number(tasks, key));
        let [ok, failed, running, total] = counts;
        let shown = match lang {
            Lang::Zh => format!("成功 {ok}，失败 {failed}，运行 {running}，共 {total}"),
            Lang::En => format!("{ok} succeeded, {failed} failed, {running} running, of {total}"),
        };
        facts.push(vec![label("任务", "tasks"), shown]);
    }
    let mut shown = table(&["", ""], facts, 2);
    if !job["verdict"].is_null() {
        let _ = write!(shown, "\n\n{}", verdict(clock, &job["verdict"]));
    }
    let runs = items(job, "runs");
    if !runs.is_empty() {
        let with_why = runs.iter().any(|run| !reason_text(lang, run).is_empty());
        let row = |run: &Value| {
            let places = items(run, "places").iter().map(|place| {
                let mark =
                    if place["is_virtual"] == true { pick(lang, "（虚拟）", " (virtual)") } else { "" };
                format!("{}[{}]{mark}", text(place, "node"), text(place, "cards"))
            });
            let mut cells = vec![
                last_digits(text(run, "id")),
                number(run, "task").to_string(),
                words::state_of(lang, run),
                clock.instant(run, "started_at"),
                places.collect::<Vec<_>>().join(" "),
                duration(number(run, "elapsed_ms")),
            ];
            if with_why {
                cells.insert(3, reason_text(lang, run).to_owned());
            }
            cells
        };
        let started = clock.title("开始", "started");
        let mut titles = match lang {
            Lang::Zh => vec!["运行", "任务", "状态", &started, "卡", "用时"],
            Lang::En => vec!["run", "task", "state", &started, "cards", "elapsed"],
        };
        if with_why {
            titles.insert(3, pick(lang, "原因", "why"));
        }
        let numbers_from = titles.len() - 1;
        let _ = write!(shown, "\n\n{}", table(&titles, runs.iter().map(row).collect(), numbers_from));
        let _ = write!(shown, "\n\n{}", of_total(lang, runs.len(), &job["runs_total"]));
        if let Some(next) = job["runs_next_cursor"].as_str() {
            let more = pick(lang, "更多：", "More:");
            let _ = write!(
                shown,
                "{} {more} qiantang show {} --cursor {next}",
                pick(lang, "。", "."),
                text(job, "id")
            );
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use center::reason::ReasonView;
    use domain::{Zone, job::JobOutcome, reason::samples};

    use super::*;

    #[test]
    fn each_end_of_a_job_is_told_in_both_languages() {
        qiantang::load_texts();
        let zone = Zone::utc();
        let ends = samples::job_ends().into_iter();
        for end in ends.filter(|end| end.outcome != JobOutcome::Succeeded) {
            let reason = json!(ReasonView::of_job(&end, &zone));
            let job = json!({ "id": "job_1", "state": end.outcome.code(), "reason": reason });
            for lang in [Lang::Zh, Lang::En] {
                let told = end.text(lang, &zone);
                let shown = shown_job(&Clock { lang, zone: zone.clone() }, &job);
                assert!(shown.contains(&told), "{shown}");
            }
        }
    }

    #[test]
    fn each_end_of_a_run_is_told_beside_it_in_both_languages() {
        qiantang::load_texts();
        let zone = Zone::utc();
        for end in samples::run_ends() {
            let run = json!({ "id": "run_1", "state": end.outcome().status(), "reason": ReasonView::of_run(&end, &zone) });
            let job = json!({ "id": "job_1", "state": "running", "runs": [run] });
            for lang in [Lang::Zh, Lang::En] {
                let shown = shown_job(&Clock { lang, zone: zone.clone() }, &job);
                assert!(shown.contains(&end.text(lang, &zone)), "{shown}");
            }
        }
    }
}
