//! Runs: the evidence of one.

use clap::Subcommand;
use domain::{CardMs, Lang, MicroCny, decimal::grouped};
use serde_json::Value;

use super::jobs::run_id;
use crate::{
    context::{Context, Done, Run, part},
    output::{Clock, items, number, pick, table, text},
    words,
};

/// Show what one run is charged, and why.
#[derive(Debug, Subcommand)]
pub enum Runs {
    /// Show a run's cards and times, its price, the multiplication, its entries, and the root that seals them.
    Evidence {
        /// The run's id, or the digits at the end or the beginning of it.
        run: String,
    },
}

impl Run for Runs {
    fn run(self, context: &Context) -> Done {
        let Self::Evidence { run } = self;
        let run = run_id(context, &run)?;
        let answer = context.client.get(&format!("/api/v1/runs/{}/evidence", part(&run)))?;
        context.print(&answer, |_| shown(&context.clock(), &answer))
    }
}

/// How a run stands, or why it ended as it did.
fn outcome(lang: Lang, run: &Value) -> String {
    match text(&run["reason"]["text"], lang.code()) {
        "" => words::state_of(lang, run),
        reason => reason.to_owned(),
    }
}

fn money(value: &Value, key: &str) -> String {
    grouped(&MicroCny(number(value, key)).exact())
}

fn hours(value: &Value, key: &str) -> String {
    grouped(&CardMs(number(value, key)).exact())
}

fn shown(clock: &Clock, evidence: &Value) -> String {
    [
        facts(clock, evidence),
        steps(clock.lang, &evidence["charged"]),
        days(clock.lang, evidence),
        seal(clock, evidence),
    ]
    .join("\n\n")
}

fn facts(clock: &Clock, evidence: &Value) -> String {
    let (lang, run) = (clock.lang, &evidence["run"]);
    let places =
        items(run, "places").iter().map(|place| format!("{} {}", text(place, "node"), text(place, "cards")));
    let price = match &evidence["price"] {
        Value::Null => String::new(),
        price => format!("{} ({})", text(price, "name"), text(price, "book")),
    };
    let zone = &clock.zone;
    let titles: [(&str, &str, String); 12] = [
        ("运行", "run", text(run, "id").to_owned()),
        ("作业", "job", format!("{} ({})", text(evidence, "job_name"), text(run, "job"))),
        ("租户", "tenant", format!("{} · {}", text(evidence, "tenant_slug"), text(evidence, "project"))),
        ("合同", "contract", text(evidence, "contract").to_owned()),
        ("卡", "cards", places.collect::<Vec<_>>().join(", ")),
        ("结果", "outcome", outcome(lang, run)),
        ("时区", "time zone", zone.to_string()),
        ("排定", "planned", clock.instant(run, "planned_at")),
        ("开始", "started", clock.instant(run, "started_at")),
        ("结束", "ended", clock.instant(run, "ended_at")),
        ("计费截止", "charged until", clock.instant(evidence, "charged_until")),
        ("价目", "price book", price),
    ];
    let row = |(zh, en, value): (&str, &str, String)| vec![pick(lang, zh, en).to_owned(), value];
    let titles = titles.into_iter().filter(|(_, _, value)| !value.is_empty());
    table(&[pick(lang, "运行凭证", "evidence"), ""], titles.map(row).collect(), 2)
}

/// The multiplication, a line a step.
fn steps(lang: Lang, charged: &Value) -> String {
    let (used, rate) =
        (grouped(&number(charged, "card_ms").to_string()), money(charged, "rate_micro_cny_per_card_hour"));
    let time = grouped(&number(charged, "charged_ms").to_string());
    let step =
        |zh: &str, en: &str, sum: String, result: String| vec![pick(lang, zh, en).to_owned(), sum, result];
    let cards = number(charged, "cards");
    let mut rows = vec![
        step("卡数 × 时间", "cards × time", format!("{cards} × {time} ms"), format!("{used} card-ms")),
        step("折合卡时", "in card-hours", format!("{used} ÷ 3,600,000"), hours(charged, "card_ms")),
        step(
            "单价 × 卡时",
            "rate × card-hours",
            format!("{rate} × {used} ÷ 3,600,000"),
            money(charged, "charge_micro_cny"),
        ),
    ];
    let percent = number(charged, "waived_percent");
    if percent > 0 {
        let waived = format!("{percent} % · {}", hours(charged, "waived_card_ms"));
        rows.push(step("减免", "waived", waived, money(charged, "waived_micro_cny")));
    }
    rows.push(step("应计", "due", hours(charged, "due_card_ms"), money(charged, "due_micro_cny")));
    rows.push(step("已入账", "posted", hours(charged, "posted_card_ms"), money(charged, "posted_micro_cny")));
    let titles = match lang {
        Lang::Zh => ["步骤", "算式", "结果（元）"],
        Lang::En => ["step", "calculation", "result (CNY)"],
    };
    let sum = table(&titles, rows, 1);
    if charged["agrees"] == false {
        let differs = pick(lang, "分录合计与应计不符", "The entries do not come to what is due");
        return format!("{sum}\n\n{differs}");
    }
    sum
}

fn days(lang: Lang, evidence: &Value) -> String {
    let row = |day: &Value| {
        vec![
            text(day, "day").to_owned(),
            words::word(lang, "cause", text(day, "cause")),
            text(day, "corrects").to_owned(),
            number(day, "entries").to_string(),
            hours(day, "card_ms"),
            money(day, "micro_cny"),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["日期", "分录", "更正", "笔数", "卡时", "金额（元）"],
        Lang::En => ["day", "entries", "corrects", "count", "card-hours", "amount (CNY)"],
    };
    table(&titles, items(evidence, "days").iter().map(row).collect(), 3)
}

fn seal(clock: &Clock, evidence: &Value) -> String {
    let (link, root) = (&evidence["link"], &evidence["root"]);
    if link.is_null() {
        return pick(clock.lang, "尚未封存", "Not sealed yet").to_owned();
    }
    let (number, digest) = (number(link, "link"), text(link, "digest"));
    let sealed = match clock.lang {
        Lang::Zh => format!("由链节 {number} 封存：{digest}"),
        Lang::En => format!("Sealed by the link {number}: {digest}"),
    };
    match root {
        Value::Null => sealed,
        root => format!("{sealed}\n\n{}", text(root, "root").trim_end()),
    }
}
