//! Lists of jobs, and the filters that cancelling takes as well.

use std::fmt::Write as _;

use clap::Args;
use domain::Lang;
use serde_json::{Value, json};

use super::{paging::so_many, why_text};
use crate::{
    context::{Context, Done, Run},
    errors::Failure,
    output::{Clock, card_hours, last_digits, money, number, of_total, pick, table, text},
    words,
};

/// Filters of jobs.
#[derive(Clone, Debug, Default, Args)]
pub struct Filters {
    /// Only jobs in this state, or one of several with commas between them; `active` for all that have not ended, `ended`
    /// for all others.
    #[arg(long)]
    state: Option<String>,
    /// Only jobs that you submitted.
    #[arg(long)]
    mine: bool,
    /// Only jobs that this member submitted, by login.
    #[arg(long)]
    member: Option<String>,
    /// Only jobs of this project, by its short name.
    #[arg(long)]
    project: Option<String>,
    /// Only jobs with this in their name.
    #[arg(long)]
    name: Option<String>,
    /// Only jobs with runs in this pool, and waiting ones that may start there.
    #[arg(long)]
    pool: Option<String>,
    /// Only jobs of this service class: urgent, normal or spot.
    #[arg(long)]
    class: Option<String>,
    /// Only jobs submitted then or later, such as 2026-05-20 (as the day begins at the center) or 2026-05-20T08:00:00Z.
    #[arg(long)]
    since: Option<String>,
    /// Only jobs submitted before then.
    #[arg(long)]
    until: Option<String>,
    /// Only jobs of this tenant, by its short name (the center's people).
    #[arg(long)]
    tenant: Option<String>,
    /// Only jobs of this domain: research, enterprise or government (the center's people).
    #[arg(long)]
    domain: Option<String>,
}

impl Filters {
    /// As the API names them.
    pub fn pairs(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("state", self.state.clone()),
            ("mine", self.mine.then(|| "true".to_owned())),
            ("member", self.member.clone()),
            ("project", self.project.clone()),
            ("name", self.name.clone()),
            ("pool", self.pool.clone()),
            ("service_class", self.class.clone()),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
            ("tenant", self.tenant.clone()),
            ("domain", self.domain.clone()),
        ]
    }

    pub fn is_none(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.is_none())
    }

    /// As a body of a request.
    pub fn body(&self) -> Value {
        let given = self.pairs().into_iter().filter_map(|(name, value)| Some((name, value?)));
        let value = |(name, value): (&str, String)| {
            (name.to_owned(), if name == "mine" { json!(true) } else { json!(value) })
        };
        Value::Object(given.map(value).collect())
    }

    /// As options of a command line.
    fn options(&self) -> String {
        let given = self.pairs().into_iter().filter_map(|(name, value)| Some((name, value?)));
        let option = |(name, value): (&str, String)| match name {
            "mine" => " --mine".to_owned(),
            "service_class" => format!(" --class {value}"),
            name => format!(" --{name} {value}"),
        };
        given.map(option).collect()
    }
}

/// List jobs.
#[derive(Debug, Args)]
pub struct Jobs {
    #[command(flatten)]
    filters: Filters,
    /// How many jobs to list at most.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// List the jobs that come after this one.
    #[arg(long)]
    cursor: Option<String>,
}

impl Run for Jobs {
    fn run(self, context: &Context) -> Done {
        let answer = self.ask(context)?;
        context.print(&answer, |_| self.shown(&context.clock(), &answer))
    }
}

impl Jobs {
    /// So many jobs as are asked for.
    fn ask(&self, context: &Context) -> Result<Value, Failure> {
        let found = so_many(context, "/api/v1/jobs", &self.filters.pairs(), self.limit, self.cursor.clone())?;
        Ok(json!({ "items": found.items, "next_cursor": found.next_cursor, "total": found.total }))
    }

    fn shown(&self, clock: &Clock, answer: &Value) -> String {
        let lang = clock.lang;
        let jobs = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if jobs.is_empty() {
            return if self.filters.is_none() && self.cursor.is_none() {
                pick(
                    lang,
                    "没有作业。用 qiantang submit 提交一个。",
                    "No jobs. Submit one with `qiantang submit`.",
                )
            } else {
                pick(lang, "没有符合条件的作业。", "No jobs match.")
            }
            .into();
        }
        let with_why = jobs.iter().any(|job| !why_text(lang, job).is_empty());
        let row = |job: &Value| {
            let (total, done) = (number(&job["tasks"], "total"), number(&job["tasks"], "succeeded"));
            let tasks = if total > 1 { format!("{done}/{total}") } else { String::new() };
            let mut cells = vec![
                last_digits(text(job, "id")),
                text(job, "name").to_owned(),
                text(job, "project").to_owned(),
                words::state_of(lang, job),
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
            Lang::Zh => {
                vec!["作业", "名称", "项目", "状态", &submitted, "节点×卡", "任务", "卡时", "费用（元）"]
            }
            Lang::En => {
                vec![
                    "job",
                    "name",
                    "project",
                    "state",
                    &submitted,
                    "nodes×cards",
                    "tasks",
                    "card-hours",
                    "CNY",
                ]
            }
        };
        if with_why {
            titles.insert(4, pick(lang, "原因", "why"));
        }
        let mut shown = table(&titles, jobs.iter().map(row).collect(), if with_why { 6 } else { 5 });
        let _ = write!(shown, "\n\n{}", of_total(lang, jobs.len(), &answer["total"]));
        if let Some(next) = answer["next_cursor"].as_str() {
            let options = self.filters.options();
            let _ = match lang {
                Lang::Zh => {
                    write!(shown, "。更多：qiantang jobs{options} --cursor {next}，或用 --limit 增加")
                }
                Lang::En => {
                    write!(shown, ". More: qiantang jobs{options} --cursor {next}, or a larger --limit")
                }
            };
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use center::reason::ReasonView;
    use domain::{Zone, job::JobOutcome, reason::samples};

    use super::*;

    #[test]
    fn each_end_of_a_job_is_told_in_lists_in_both_languages() {
        qiantang::load_texts();
        let zone = Zone::utc();
        let jobs = Jobs { filters: Filters::default(), limit: 20, cursor: None };
        let ends = samples::job_ends().into_iter();
        for end in ends.filter(|end| end.outcome != JobOutcome::Succeeded) {
            let reason = json!(ReasonView::of_job(&end, &zone));
            let job = json!({ "id": "job_1", "state": end.outcome.code(), "reason": reason });
            for lang in [Lang::Zh, Lang::En] {
                let clock = Clock { lang, zone: zone.clone() };
                let told = end.text(lang, &zone);
                let listed = jobs.shown(&clock, &json!({ "items": [job] }));
                assert!(listed.contains(&told), "{listed}");
            }
        }
    }
}
