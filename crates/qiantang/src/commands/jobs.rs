//! Jobs: listing, showing, following, explaining, stopping.

use std::{fmt::Write as _, io::Write as _};

use clap::Args;
use domain::Lang;
use serde_json::Value;

use crate::context::{Context, Done, Run, part, query, say};
use crate::{
    errors::Failure,
    output::{card_hours, duration, instant, items, money, number, pick, table, text, verdict},
    words,
};

/// List jobs.
#[derive(Debug, Args)]
pub struct Jobs {
    /// A state, or `active`.
    #[arg(long)]
    state: Option<String>,
    #[arg(long)]
    project: Option<String>,
    /// Part of a name.
    #[arg(long)]
    name: Option<String>,
    /// A tenant's short name (the center's people).
    #[arg(long)]
    tenant: Option<String>,
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Go on after this job.
    #[arg(long)]
    cursor: Option<String>,
}

impl Run for Jobs {
    fn run(self, context: &Context) -> Done {
        let filters = [
            ("state", self.state),
            ("project", self.project),
            ("name", self.name),
            ("tenant", self.tenant),
            ("limit", Some(self.limit.to_string())),
            ("cursor", self.cursor),
        ];
        let answer = context.client.get(&format!("/api/v1/jobs{}", query(&filters)))?;
        context.print(&answer, |lang| shown_list(lang, &answer));
        Ok(())
    }
}

fn shown_list(lang: Lang, answer: &Value) -> String {
    let jobs = items(answer, "items");
    if jobs.is_empty() {
        return pick(
            lang,
            "没有作业。用 qiantang submit 提交一个。",
            "No jobs. Submit one with `qiantang submit`.",
        )
        .into();
    }
    let row = |job: &Value| {
        let (total, done) = (number(&job["tasks"], "total"), number(&job["tasks"], "succeeded"));
        let tasks = if total > 1 { format!("{done}/{total}") } else { String::new() };
        vec![
            text(job, "id").to_owned(),
            text(job, "name").to_owned(),
            text(job, "project").to_owned(),
            words::state(lang, text(job, "state")),
            instant(job, "submitted_at"),
            format!("{}×{}", number(job, "nodes"), number(job, "cards_per_node")),
            tasks,
            card_hours(number(job, "used_card_ms")),
            money(number(job, "charge_micro_cny")),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["作业", "名称", "项目", "状态", "提交（UTC）", "节点×卡", "任务", "卡时", "费用（元）"],
        Lang::En => [
            "job",
            "name",
            "project",
            "state",
            "submitted (UTC)",
            "nodes×cards",
            "tasks",
            "card-hours",
            "CNY",
        ],
    };
    let mut shown = table(&titles, jobs.iter().map(row).collect(), 5);
    if let Some(next) = answer["next_cursor"].as_str() {
        let _ = write!(shown, "\n{} --cursor {next}", pick(lang, "更多：", "More:"));
    }
    shown
}

/// Show a job with its runs.
#[derive(Debug, Args)]
pub struct Show {
    job: String,
}

impl Run for Show {
    fn run(self, context: &Context) -> Done {
        let mut job = context.client.get(&format!("/api/v1/jobs/{}", part(&self.job)))?;
        let runs = context.client.get(&format!("/api/v1/jobs/{}/runs?limit=20", part(&self.job)))?;
        job["runs"] = runs["items"].clone();
        context.print(&job, |lang| shown_job(lang, &job));
        Ok(())
    }
}

fn shown_job(lang: Lang, job: &Value) -> String {
    let label = |zh, en| pick(lang, zh, en).to_owned();
    let mut facts = vec![
        vec![label("作业", "job"), text(job, "id").to_owned()],
        vec![label("名称", "name"), text(job, "name").to_owned()],
        vec![label("状态", "state"), words::state(lang, text(job, "state"))],
        vec![label("项目", "project"), format!("{} / {}", text(job, "tenant_slug"), text(job, "project"))],
        vec![label("合同", "contract"), text(job, "contract").to_owned()],
        vec![
            label("节点×卡", "nodes×cards"),
            format!("{}×{}", number(job, "nodes"), number(job, "cards_per_node")),
        ],
        vec![label("时限", "time limit"), duration(number(job, "time_limit_ms"))],
        vec![label("提交", "submitted"), instant(job, "submitted_at")],
        vec![label("卡时", "card-hours"), card_hours(number(job, "used_card_ms"))],
        vec![label("费用（元）", "charge (CNY)"), money(number(job, "charge_micro_cny"))],
    ];
    if let Some(code) = job["exit_code"].as_i64() {
        facts.push(vec![label("退出码", "exit code"), code.to_string()]);
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
        let _ = write!(shown, "\n\n{}", verdict(lang, &job["verdict"]));
    }
    let runs = items(job, "runs");
    if !runs.is_empty() {
        let row = |run: &Value| {
            let places = items(run, "places").iter().map(|place| {
                let mark =
                    if place["is_virtual"] == true { pick(lang, "（虚拟）", " (virtual)") } else { "" };
                format!("{}[{}]{mark}", text(place, "node"), text(place, "cards"))
            });
            vec![
                text(run, "id").to_owned(),
                number(run, "task").to_string(),
                words::state(lang, text(run, "state")),
                instant(run, "started_at"),
                places.collect::<Vec<_>>().join(" "),
                duration(number(run, "elapsed_ms")),
            ]
        };
        let titles = match lang {
            Lang::Zh => ["运行", "任务", "状态", "开始（UTC）", "卡", "用时"],
            Lang::En => ["run", "task", "state", "started (UTC)", "cards", "elapsed"],
        };
        let _ = write!(shown, "\n\n{}", table(&titles, runs.iter().map(row).collect(), 5));
    }
    shown
}

/// Say why a job waits.
#[derive(Debug, Args)]
pub struct Why {
    job: String,
}

impl Run for Why {
    fn run(self, context: &Context) -> Done {
        let answer = context.client.get(&format!("/api/v1/jobs/{}/why", part(&self.job)))?;
        context.print(&answer, |lang| verdict(lang, &answer));
        Ok(())
    }
}

/// Stop a job.
#[derive(Debug, Args)]
pub struct Cancel {
    job: String,
}

impl Run for Cancel {
    fn run(self, context: &Context) -> Done {
        let answer =
            context.client.post(&format!("/api/v1/jobs/{}/cancel", part(&self.job)), &Value::Null)?;
        context.print(&answer, |lang| {
            format!("{} {}", text(&answer, "id"), words::state(lang, text(&answer, "state")))
        });
        Ok(())
    }
}

/// Show a job's log.
#[derive(Debug, Args)]
pub struct Logs {
    job: String,
    /// Follow it to its end; ends as the job does.
    #[arg(long, short)]
    follow: bool,
    /// Standard error instead of standard output.
    #[arg(long)]
    stderr: bool,
    /// A certain run.
    #[arg(long)]
    run: Option<String>,
}

impl Run for Logs {
    fn run(self, context: &Context) -> Done {
        let stream = if self.stderr { "stderr" } else { "stdout" };
        if self.follow {
            follow(context, &self.job, stream, self.run)
        } else {
            print_log(context, &self.job, stream, self.run.as_deref())
        }
    }
}

fn follow(context: &Context, job: &str, stream: &str, run: Option<String>) -> Done {
    let filters = [("stream", Some(stream.to_owned())), ("run", run)];
    let path = format!("/api/v1/jobs/{}/logs/stream{}", part(job), query(&filters));
    context.client.follow(&path, |kind, _, data| {
        if kind == "log"
            && let Ok(value) = serde_json::from_str::<Value>(data)
        {
            let mut out = std::io::stdout().lock();
            return out.write_all(text(&value, "data").as_bytes()).and_then(|()| out.flush()).is_ok();
        }
        kind != "end"
    })?;
    outcome(context, job)
}

/// Prints a log piece by piece, so that a long one needs no memory.
fn print_log(context: &Context, job: &str, stream: &str, run: Option<&str>) -> Done {
    let mut offset = 0;
    loop {
        let filters = [
            ("stream", Some(stream.to_owned())),
            ("run", run.map(str::to_owned)),
            ("offset", Some(offset.to_string())),
            ("limit_bytes", Some((1 << 20).to_string())),
        ];
        let answer = context.client.get(&format!("/api/v1/jobs/{}/logs{}", part(job), query(&filters)))?;
        if context.json {
            say(&answer.to_string());
        } else if std::io::stdout().lock().write_all(text(&answer, "data").as_bytes()).is_err() {
            return Ok(());
        }
        let next = number(&answer, "end_offset");
        if next == offset || answer["complete"] == true {
            return Ok(());
        }
        offset = next;
    }
}

/// Waits for the end of a job.
pub fn wait(context: &Context, id: &str) -> Done {
    let path = format!("/api/v1/jobs/{}/logs/stream", part(id));
    // The stream of its log ends with the job; a center that restarts breaks it off, and it is followed again.
    loop {
        context.client.follow(&path, |kind, _, _| kind != "end")?;
        let job = context.client.get(&format!("/api/v1/jobs/{}", part(id)))?;
        if !matches!(text(&job, "state"), "queued" | "running" | "stopping") {
            return outcome(context, id);
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

/// Success only if the job succeeded.
fn outcome(context: &Context, id: &str) -> Done {
    let job = context.client.get(&format!("/api/v1/jobs/{}", part(id)))?;
    match text(&job, "state") {
        "succeeded" | "queued" | "running" | "stopping" => Ok(()),
        "cancelled" => Err(Failure::cancelled(format!("the job {id} was cancelled"))),
        other => {
            let code = job["exit_code"].as_i64().map(|code| format!(" ({code})")).unwrap_or_default();
            let hint = format!("`qiantang logs {id} --stderr` shows what it said");
            Err(Failure::refused("job_failed", format!("the job {id} ended: {other}{code}"), hint))
        }
    }
}
