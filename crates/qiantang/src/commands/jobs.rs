//! Jobs: listing, showing, following, explaining, stopping.

use std::fmt::Write as _;

use clap::Args;
use domain::{Lang, job::has_ended};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, query};
use crate::{
    errors::Failure,
    follow::{follow, patiently},
    output::{Clock, card_hours, duration, items, list, money, number, pick, table, text, verdict},
    words,
};

/// List jobs.
#[derive(Debug, Args)]
pub struct Jobs {
    /// Only jobs in this state; `active` for all that have not ended.
    #[arg(long)]
    state: Option<String>,
    /// Only jobs of this project, by its short name.
    #[arg(long)]
    project: Option<String>,
    /// Only jobs with this in their name.
    #[arg(long)]
    name: Option<String>,
    /// Only jobs of this tenant, by its short name (the center's people).
    #[arg(long)]
    tenant: Option<String>,
    /// How many jobs to list at most.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// List the jobs that come after this one.
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
        let jobs = list(&answer["items"])?;
        context.print(&answer, |_| shown_list(&context.clock(), &answer, jobs))
    }
}

fn shown_list(clock: &Clock, answer: &Value, jobs: &[Value]) -> String {
    let lang = clock.lang;
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
            clock.instant(job, "submitted_at"),
            format!("{}×{}", number(job, "nodes"), number(job, "cards_per_node")),
            tasks,
            card_hours(number(job, "used_card_ms")),
            money(number(job, "charge_micro_cny")),
        ]
    };
    let submitted = clock.title("提交", "submitted");
    let titles = match lang {
        Lang::Zh => ["作业", "名称", "项目", "状态", &submitted, "节点×卡", "任务", "卡时", "费用（元）"],
        Lang::En => {
            ["job", "name", "project", "state", &submitted, "nodes×cards", "tasks", "card-hours", "CNY"]
        }
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
    /// The job's id.
    job: String,
}

impl Run for Show {
    fn run(self, context: &Context) -> Done {
        let mut job = context.client.get(&format!("/api/v1/jobs/{}", part(&self.job)))?;
        job["runs"] = json!(all_runs(context, &self.job)?);
        context.print(&job, |_| shown_job(&context.clock(), &job))
    }
}

/// All runs of a job, the newest first, asked for page by page.
fn all_runs(context: &Context, job: &str) -> Result<Vec<Value>, Failure> {
    let (mut runs, mut cursor) = (Vec::new(), None);
    loop {
        let page = query(&[("limit", Some("200".to_owned())), ("cursor", cursor)]);
        let answer = context.client.get(&format!("/api/v1/jobs/{}/runs{page}", part(job)))?;
        runs.extend_from_slice(list(&answer["items"])?);
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(runs);
        }
    }
}

fn shown_job(clock: &Clock, job: &Value) -> String {
    let lang = clock.lang;
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
        vec![clock.title("提交", "submitted"), clock.instant(job, "submitted_at")],
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
        let _ = write!(shown, "\n\n{}", verdict(clock, &job["verdict"]));
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
                clock.instant(run, "started_at"),
                places.collect::<Vec<_>>().join(" "),
                duration(number(run, "elapsed_ms")),
            ]
        };
        let started = clock.title("开始", "started");
        let titles = match lang {
            Lang::Zh => ["运行", "任务", "状态", &started, "卡", "用时"],
            Lang::En => ["run", "task", "state", &started, "cards", "elapsed"],
        };
        let _ = write!(shown, "\n\n{}", table(&titles, runs.iter().map(row).collect(), 5));
    }
    shown
}

/// Say why a job waits.
#[derive(Debug, Args)]
pub struct Why {
    /// The job's id.
    job: String,
}

impl Run for Why {
    fn run(self, context: &Context) -> Done {
        let answer = context.client.get(&format!("/api/v1/jobs/{}/why", part(&self.job)))?;
        context.print(&answer, |_| verdict(&context.clock(), &answer))
    }
}

/// Stop a job.
#[derive(Debug, Args)]
pub struct Cancel {
    /// The job's id.
    job: String,
}

impl Run for Cancel {
    fn run(self, context: &Context) -> Done {
        let answer =
            context.client.post(&format!("/api/v1/jobs/{}/cancel", part(&self.job)), &Value::Null)?;
        context.print(&answer, |lang| {
            format!("{} {}", text(&answer, "id"), words::state(lang, text(&answer, "state")))
        })
    }
}

/// Waits for the end of a job.
pub fn wait(context: &Context, id: &str) -> Done {
    let stream = || format!("/api/v1/jobs/{}/logs/stream", part(id));
    // The stream of a log ends with its run; a job may have more of them.
    loop {
        follow(context, stream, |event| Ok(event.kind != "end"))?;
        let job = patiently(|| context.client.get(&format!("/api/v1/jobs/{}", part(id))))?;
        if has_ended(text(&job, "state")) {
            return outcome(&job);
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

/// Fails if the job has ended and did not succeed.
pub fn outcome(job: &Value) -> Done {
    let (id, state) = (text(job, "id"), text(job, "state"));
    match state {
        "succeeded" => Ok(()),
        open if !has_ended(open) => Ok(()),
        "cancelled" => Err(Failure::cancelled(format!("the job {id} was cancelled"))),
        other => {
            let code = job["exit_code"].as_i64().map(|code| format!(" ({code})")).unwrap_or_default();
            let hint = format!("`qiantang logs {id} --stderr` shows what it said");
            Err(Failure::refused("job_failed", format!("the job {id} ended: {other}{code}"), hint))
        }
    }
}
