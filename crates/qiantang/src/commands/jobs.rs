//! Jobs: listing, showing, following, explaining, stopping.

use std::{cell::RefCell, fmt::Write as _};

use clap::Args;
use domain::{Lang, job::has_ended};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, query, say, write};
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

/// Why a job waits, or ended as it did; empty where it runs or has succeeded.
fn why_text(lang: Lang, job: &Value) -> String {
    let why = if job["verdict"].is_null() {
        reason_text(lang, job)
    } else {
        text(&job["verdict"]["text"], lang.code())
    };
    why.to_owned()
}

/// Why a job or a run ended as it did; empty where it goes on, or has succeeded.
fn reason_text(lang: Lang, ended: &Value) -> &str {
    if text(ended, "state") == "succeeded" { "" } else { text(&ended["reason"]["text"], lang.code()) }
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
    let with_why = jobs.iter().any(|job| !why_text(lang, job).is_empty());
    let row = |job: &Value| {
        let (total, done) = (number(&job["tasks"], "total"), number(&job["tasks"], "succeeded"));
        let tasks = if total > 1 { format!("{done}/{total}") } else { String::new() };
        let mut cells = vec![
            text(job, "id").to_owned(),
            text(job, "name").to_owned(),
            text(job, "project").to_owned(),
            words::state(lang, text(job, "state")),
            clock.instant(job, "submitted_at"),
            format!("{}×{}", number(job, "nodes"), number(job, "cards_per_node")),
            tasks,
            card_hours(number(job, "used_card_ms")),
            money(number(job, "charge_micro_cny")),
        ];
        if with_why {
            cells.insert(4, why_text(lang, job));
        }
        cells
    };
    let submitted = clock.title("提交", "submitted");
    let mut titles = match lang {
        Lang::Zh => vec!["作业", "名称", "项目", "状态", &submitted, "节点×卡", "任务", "卡时", "费用（元）"],
        Lang::En => {
            vec!["job", "name", "project", "state", &submitted, "nodes×cards", "tasks", "card-hours", "CNY"]
        }
    };
    if with_why {
        titles.insert(4, pick(lang, "原因", "why"));
    }
    let mut shown = table(&titles, jobs.iter().map(row).collect(), if with_why { 6 } else { 5 });
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
    let reason = reason_text(lang, job);
    if !reason.is_empty() {
        facts.push(vec![label("结束原因", "why it ended"), reason.to_owned()]);
    }
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
        let with_why = runs.iter().any(|run| !reason_text(lang, run).is_empty());
        let row = |run: &Value| {
            let places = items(run, "places").iter().map(|place| {
                let mark =
                    if place["is_virtual"] == true { pick(lang, "（虚拟）", " (virtual)") } else { "" };
                format!("{}[{}]{mark}", text(place, "node"), text(place, "cards"))
            });
            let mut cells = vec![
                text(run, "id").to_owned(),
                number(run, "task").to_string(),
                words::state(lang, text(run, "state")),
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

/// Show a job's log.
#[derive(Debug, Args)]
pub struct Logs {
    /// The job's id.
    job: String,
    /// Follow the log until the run ends; the exit code tells how the job ended.
    #[arg(long, short)]
    follow: bool,
    /// Show standard error instead of standard output.
    #[arg(long)]
    stderr: bool,
    /// Show the log of this run, by its id; the newest run's where left out.
    #[arg(long)]
    run: Option<String>,
}

impl Run for Logs {
    fn run(self, context: &Context) -> Done {
        let stream = if self.stderr { "stderr" } else { "stdout" };
        if self.follow {
            follow_log(context, &self.job, stream, self.run)
        } else {
            print_log(context, &self.job, stream, self.run.as_deref())
        }
    }
}

fn follow_log(context: &Context, job: &str, stream: &str, run: Option<String>) -> Done {
    // The newest run where none is named. It stays the same through breaks: a place in the log of one is none in another's.
    let followed = RefCell::new(run);
    let stream = Some(stream.to_owned());
    let path = || {
        let filters = [("stream", stream.clone()), ("run", followed.borrow().clone())];
        format!("/api/v1/jobs/{}/logs/stream{}", part(job), query(&filters))
    };
    follow(context, path, |event| {
        if event.kind != "log" {
            return Ok(event.kind != "end");
        }
        if followed.borrow().is_none() {
            let path = format!("/api/v1/jobs/{}/logs?limit_bytes=1", part(job));
            let newest = patiently(|| context.client.get(&path))?;
            *followed.borrow_mut() = newest["run"].as_str().map(str::to_owned);
        }
        if context.json {
            return write(format!("{}\n", event.data).as_bytes());
        }
        let piece: Value = serde_json::from_str(&event.data).map_err(|_| {
            let hint = "is the center of another version than this program?";
            Failure::system("bad_event", "the center told a piece of the log that can't be read", hint)
        })?;
        write(text(&piece, "data").as_bytes())
    })?;
    let ended = patiently(|| context.client.get(&format!("/api/v1/jobs/{}", part(job))))?;
    if !has_ended(text(&ended, "state")) && !context.json {
        let note = pick(
            context.lang,
            "这次运行的日志到此为止，作业仍在",
            "the run's log ends here; the job is still",
        );
        eprintln!("qiantang: {note} {}", words::state(context.lang, text(&ended, "state")));
    }
    outcome(context.lang, &ended)
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
            say(&answer.to_string())?;
        } else if !write(text(&answer, "data").as_bytes())? {
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
    let stream = || format!("/api/v1/jobs/{}/logs/stream", part(id));
    // The stream of a log ends with its run; a job may have more of them.
    loop {
        follow(context, stream, |event| Ok(event.kind != "end"))?;
        let job = patiently(|| context.client.get(&format!("/api/v1/jobs/{}", part(id))))?;
        if has_ended(text(&job, "state")) {
            return outcome(context.lang, &job);
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

/// Fails if the job has ended and did not succeed.
fn outcome(lang: Lang, job: &Value) -> Done {
    let (id, state) = (text(job, "id"), text(job, "state"));
    if state == "succeeded" || !has_ended(state) {
        return Ok(());
    }
    let reason = match reason_text(lang, job) {
        "" => words::state(lang, state),
        reason => reason.to_owned(),
    };
    let message = match lang {
        Lang::Zh => format!("作业 {id} 已结束：{reason}"),
        Lang::En => format!("the job {id} ended: {reason}"),
    };
    if state == "cancelled" {
        return Err(Failure::cancelled(message));
    }
    let hint = match (lang, job["started_at"].is_null()) {
        // It has no log.
        (_, true) => String::new(),
        (Lang::Zh, false) => format!("`qiantang logs {id} --stderr` 显示它的错误输出"),
        (Lang::En, false) => format!("`qiantang logs {id} --stderr` shows what it said"),
    };
    Err(Failure::refused("job_failed", message, hint))
}

#[cfg(test)]
mod tests {
    use center::reason::ReasonView;
    use domain::{Zone, job::JobOutcome, reason::samples};

    use super::*;

    #[test]
    fn each_end_of_a_job_is_told_in_lists_and_alone_in_both_languages() {
        qiantang::load_texts();
        let zone = Zone::utc();
        let ends = samples::job_ends().into_iter();
        for end in ends.filter(|end| end.outcome != JobOutcome::Succeeded) {
            let reason = json!(ReasonView::of_job(&end, &zone));
            let job =
                json!({ "id": "job_1", "state": end.outcome.code(), "reason": reason, "started_at": null });
            for lang in [Lang::Zh, Lang::En] {
                let clock = Clock { lang, zone: zone.clone() };
                let told = end.text(lang, &zone);
                let listed = shown_list(&clock, &json!({}), std::slice::from_ref(&job));
                assert!(listed.contains(&told), "{listed}");
                assert!(shown_job(&clock, &job).contains(&told), "{told}");
                let failed = outcome(lang, &job).expect_err("it did not end well");
                assert!(failed.message.contains(&told), "{failed:?}");
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
