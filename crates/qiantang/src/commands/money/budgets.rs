//! Budgets: how much a project or a member may use.

use clap::{Args, Subcommand};
use domain::{CardMs, Lang, MicroCny, both};
use serde_json::{Value, json};

use crate::{
    context::{Context, Done, Run, part},
    errors::Failure,
    output::{Clock, card_hours, items, list, money, number, pick, table, text},
    words,
};

/// Show budgets, set one, change one, or take one away.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Budgets {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List budgets, the one of which most is used first.
    List,
    /// Show one budget, with what was spent of it by day and by job.
    Show {
        /// The budget's id.
        budget: String,
    },
    /// Set a budget for a project or a member (administrators and finance).
    New(New),
    /// Change a budget; what is left out stays.
    Set(Set),
    /// Take a budget away: it binds nobody any more.
    End {
        /// The budget's id.
        budget: String,
    },
}

#[derive(Debug, Args)]
struct New {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    amount: Amount,
    /// Count all from this day on, such as 2026-11-01, or `today`; each month anew where left out.
    #[arg(long, value_name = "DAY")]
    total_from: Option<String>,
    /// The shares, in percent, of which people are told; 50,80,100 where left out.
    #[arg(long, value_delimiter = ',')]
    alerts: Option<Vec<i64>>,
    /// Stop nothing once it is used up: only tell.
    #[arg(long)]
    soft: bool,
    /// The tenant's short name (the center's people).
    #[arg(long)]
    tenant: Option<String>,
}

/// Whose jobs it counts.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Of a project, by its short name.
    #[arg(long, value_name = "SLUG")]
    project: Option<String>,
    /// Of a member, by their login.
    #[arg(long, value_name = "LOGIN")]
    member: Option<String>,
}

/// How much may be spent.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Amount {
    /// How many yuan.
    #[arg(long)]
    yuan: Option<MicroCny>,
    /// How many card-hours.
    #[arg(long)]
    card_hours: Option<String>,
}

#[derive(Debug, Args)]
struct Set {
    /// The budget's id.
    budget: String,
    /// How many yuan, for a budget in yuan.
    #[arg(long, conflicts_with = "card_hours")]
    yuan: Option<MicroCny>,
    /// How many card-hours, for a budget in card-hours.
    #[arg(long)]
    card_hours: Option<String>,
    /// The shares, in percent, of which people are told.
    #[arg(long, value_delimiter = ',')]
    alerts: Option<Vec<i64>>,
    /// Stop nothing once it is used up: only tell.
    #[arg(long, conflicts_with = "hard")]
    soft: bool,
    /// Once it is used up end what runs, and start nothing.
    #[arg(long)]
    hard: bool,
}

const PATH: &str = "/api/v1/budgets";

/// An amount and its unit, where one is given.
fn amount(yuan: Option<MicroCny>, hours: Option<&str>) -> Result<Option<(&'static str, i64)>, Failure> {
    match (yuan, hours) {
        (Some(yuan), _) => Ok(Some(("micro_cny", yuan.0))),
        (None, Some(hours)) => match CardMs::of_hours(hours) {
            Some(card_ms) => Ok(Some(("card_ms", card_ms.0))),
            None => Err(Failure::usage(
                "not_card_hours",
                both(format!("“{hours}”不是卡时数"), format!("`{hours}` is no number of card-hours")),
                both("请写大于 0 的数，如 12.5", "write a number above 0, as in 12.5"),
            )),
        },
        (None, None) => Ok(None),
    }
}

impl Run for Budgets {
    fn run(self, context: &Context) -> Done {
        let client = &context.client;
        let one = |budget: &str| format!("{PATH}/{}", part(budget));
        let answer = match self.act {
            None | Some(Act::List) => {
                let answer = client.get(PATH)?;
                let all = list(&answer)?;
                return context.print(&answer, |lang| shown(lang, all));
            }
            Some(Act::Show { budget }) => {
                let answer = client.get(&one(&budget))?;
                return context.print(&answer, |_| detail(&context.clock(), &answer));
            }
            Some(Act::End { budget }) => {
                client.delete(&one(&budget))?;
                let said = json!({ "id": budget });
                return context
                    .print(&said, |lang| pick(lang, "预算已撤销", "The budget is taken away").into());
            }
            Some(Act::New(new)) => {
                let Some((unit, amount)) = amount(new.amount.yuan, new.amount.card_hours.as_deref())? else {
                    return Ok(());
                };
                let (whose, name) = match (new.whose.project, new.whose.member) {
                    (Some(project), _) => ("project", project),
                    (None, member) => ("member", member.unwrap_or_default()),
                };
                let from = new.total_from.clone().filter(|from| from != "today");
                let span = if new.total_from.is_some() { "total" } else { "month" };
                let body = json!({ "whose": whose, "name": name, "tenant": new.tenant, "span": span, "from": from,
                    "unit": unit, "amount": amount, "alerts": new.alerts, "hard_stop": !new.soft });
                client.post(PATH, &body)?
            }
            Some(Act::Set(set)) => {
                let given = amount(set.yuan, set.card_hours.as_deref())?;
                if let Some((unit, _)) = given {
                    let known = client.get(&one(&set.budget))?;
                    if text(&known, "unit") != unit {
                        return Err(other_unit(text(&known, "unit")));
                    }
                }
                let hard_stop = (set.soft || set.hard).then_some(set.hard);
                let body = json!({ "amount": given.map(|(_, amount)| amount), "alerts": set.alerts,
                    "hard_stop": hard_stop });
                client.patch(&one(&set.budget), &body)?
            }
        };
        context.print(&answer, |lang| shown(lang, std::slice::from_ref(&answer)))
    }
}

fn other_unit(unit: &str) -> Failure {
    let (zh, en) = if unit == "card_ms" { ("--card-hours", "--card-hours") } else { ("--yuan", "--yuan") };
    Failure::usage(
        "other_unit",
        both("预算用的是另一种单位", "the budget counts in another unit"),
        both(format!("请用 {zh}"), format!("use {en}")),
    )
}

/// An amount in the budget's unit.
fn told(lang: Lang, unit: &str, amount: i64) -> String {
    match unit {
        "card_ms" => format!("{} {}", card_hours(amount), pick(lang, "卡时", "card-hours")),
        _ => format!("{} {}", money(amount), pick(lang, "元", "CNY")),
    }
}

fn shown(lang: Lang, budgets: &[Value]) -> String {
    if budgets.is_empty() {
        return pick(
            lang,
            "没有预算。用 qiantang budgets new 设置一项。",
            "No budgets. Set one with `qiantang budgets new`.",
        )
        .into();
    }
    let row = |one: &Value| {
        let unit = text(one, "unit");
        let spent = number(one, "spent") + number(one, "running");
        let permille = i128::from(spent) * 1000 / i128::from(number(one, "amount").max(1));
        vec![
            text(one, "id").to_owned(),
            text(one, "tenant_slug").to_owned(),
            words::word(lang, "budget-whose", text(one, "whose")),
            text(one, "name").to_owned(),
            one["month"].as_str().map_or_else(|| pick(lang, "累计", "total").to_owned(), str::to_owned),
            told(lang, unit, spent),
            told(lang, unit, number(one, "amount")),
            format!("{}.{} %", permille / 10, permille % 10),
            told(lang, unit, number(one, "left")),
            stops(lang, one),
        ]
    };
    let titles: [&str; 10] = match lang {
        Lang::Zh => ["预算", "租户", "对象", "名称", "周期", "已用", "预算额", "占比", "剩余", "用尽之后"],
        Lang::En => {
            ["budget", "tenant", "of", "name", "span", "spent", "amount", "share", "left", "once used up"]
        }
    };
    table(&titles, budgets.iter().map(row).collect(), 5)
}

fn stops(lang: Lang, one: &Value) -> String {
    if one["hard_stop"] == true { pick(lang, "停止", "stops") } else { pick(lang, "只提醒", "tells") }
        .to_owned()
}

fn detail(clock: &Clock, one: &Value) -> String {
    let (lang, unit) = (clock.lang, text(one, "unit"));
    let mut parts = vec![shown(lang, std::slice::from_ref(one))];
    let spent = |line: &Value| told(lang, unit, number(line, "spent"));
    let days: Vec<Vec<String>> = items(one, "days")
        .iter()
        .filter(|day| number(day, "spent") != 0)
        .map(|day| vec![text(day, "day").to_owned(), spent(day)])
        .collect();
    if !days.is_empty() {
        parts.push(table(&[pick(lang, "日期", "day"), pick(lang, "已用", "spent")], days, 1));
    }
    let jobs: Vec<Vec<String>> = items(one, "jobs")
        .iter()
        .map(|job| vec![text(job, "job").to_owned(), text(job, "name").to_owned(), spent(job)])
        .collect();
    if !jobs.is_empty() {
        let titles = [pick(lang, "作业", "job"), pick(lang, "名称", "name"), pick(lang, "已用", "spent")];
        parts.push(table(&titles, jobs, 2));
    }
    let alerts: Vec<Vec<String>> = items(one, "told")
        .iter()
        .map(|told| vec![format!("{} %", number(told, "share")), clock.instant(told, "at"), spent(told)])
        .collect();
    if !alerts.is_empty() {
        let at = clock.title("提醒时间", "told at");
        parts.push(table(&[pick(lang, "比例", "share"), &at, pick(lang, "已用", "spent")], alerts, 2));
    }
    parts.join("\n\n")
}
