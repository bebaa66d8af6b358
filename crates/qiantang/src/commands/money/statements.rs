//! Statements of contracts.

use clap::Args;
use domain::{Lang, MicroCny, both};
use serde_json::Value;

use crate::commands::contracts;
use crate::context::{Context, Done, Run, part, query, say};
use crate::{
    errors::Failure,
    output::{card_hours, items, list, money, number, pick, rate, table, text},
    words,
};

/// Show a contract's statement of a month.
#[derive(Debug, Args)]
pub struct Statement {
    /// The contract's number or id; may be left out where you see only one.
    contract: Option<String>,
    /// The month by the center's calendar, as YYYY-MM; this month where left out.
    #[arg(long)]
    month: Option<String>,
    /// Print a CSV table.
    #[arg(long)]
    csv: bool,
    /// Show what was used job by job instead.
    #[arg(long)]
    by_job: bool,
}

impl Run for Statement {
    fn run(self, context: &Context) -> Done {
        context.refuse_beside_json("--csv", self.csv)?;
        let all = contracts::all(context)?;
        let found = match (self.contract.as_deref(), all.as_slice()) {
            (Some(wanted), all) => contracts::named(all, wanted)?,
            (None, [only]) => only,
            (None, []) => {
                let message = both("没有您可以查看的合同", "there is no contract that you may see");
                let hint =
                    both("用 `qiantang contracts new` 起草一份", "`qiantang contracts new` draws one up");
                return Err(Failure::refused("not_found", message, hint));
            }
            (None, several) => {
                let numbers: Vec<&str> = several.iter().map(|contract| text(contract, "number")).collect();
                let hint = both(
                    format!("请指明其中一份：{}", numbers.join("、")),
                    format!("give one of them: {}", numbers.join(", ")),
                );
                let message = both("您可以查看多份合同", "you may see several contracts");
                return Err(Failure::usage("no_contract", message, hint));
            }
        };
        let path = format!(
            "/api/v1/contracts/{}/statement{}",
            part(text(found, "id")),
            query(&[("month", self.month), ("annex", self.by_job.then(|| "jobs".to_owned()))])
        );
        if self.csv {
            return say(context.client.text(&path, "text/csv")?.trim_end());
        }
        let answer = context.client.get(&path)?;
        let lines = list(&answer["lines"])?;
        context.print(&answer, |lang| shown(lang, &answer, lines))
    }
}

fn shown(lang: Lang, statement: &Value, lines: &[Value]) -> String {
    let is_by_job = statement.get("opening").is_none();
    let row = |line: &Value| {
        let cause = words::word(lang, "cause", text(line, "cause"));
        let name = match text(line, "corrects") {
            "" => cause,
            month => format!("{cause} {} {month}", pick(lang, "更正", "corrects")),
        };
        let per_hour = &line["rate_micro_cny_per_card_hour"];
        let class = match text(line, "service_class") {
            "" => String::new(),
            class => words::word(lang, "class", class),
        };
        let project = if is_by_job { text(line, "job_name") } else { text(line, "project") };
        vec![
            name,
            project.to_owned(),
            text(line, "pool").to_owned(),
            class,
            if per_hour.is_null() { String::new() } else { rate(per_hour.as_i64().unwrap_or_default()) },
            number(line, "ended_runs").to_string(),
            card_hours(number(line, "card_ms")),
            money(number(line, "micro_cny")),
        ]
    };
    let balance = |name: &str, balance: &Value| {
        let mut row = vec![String::new(); 6];
        name.clone_into(&mut row[0]);
        row.extend([card_hours(number(balance, "card_ms")), money(number(balance, "micro_cny"))]);
        row
    };
    let mut rows: Vec<_> = lines.iter().map(row).collect();
    if !is_by_job {
        rows.insert(0, balance(pick(lang, "期初余额", "opening"), &statement["opening"]));
        rows.push(balance(pick(lang, "期末余额", "closing"), &statement["closing"]));
    }
    let of = pick(lang, if is_by_job { "作业" } else { "项目" }, if is_by_job { "job" } else { "project" });
    let titles = match lang {
        Lang::Zh => ["摘要", of, "资源池", "服务等级", "元/卡时", "结束的运行", "卡时", "金额（元）"],
        Lang::En => {
            ["line", of, "pool", "class", "CNY a card-hour", "ended runs", "card-hours", "amount (CNY)"]
        }
    };
    let (contract, month) = (text(statement, "contract"), text(statement, "month"));
    let title = match lang {
        Lang::Zh => format!("账单 {contract} {month}"),
        Lang::En => format!("Statement {contract} {month}"),
    };
    let mark = match text(statement, "number") {
        _ if statement["is_final"] != true => pick(lang, "尚未结账", "not closed yet"),
        number => number,
    };
    let (used, charge) =
        (card_hours(number(statement, "used_card_ms")), money(number(statement, "charge_micro_cny")));
    let foot = match lang {
        Lang::Zh => format!("使用 {used} 卡时，费用 {charge} 元"),
        Lang::En => format!("Used {used} card-hours for CNY {charge}"),
    };
    let face = &statement["face"];
    let face = if face.is_null() { String::new() } else { faced(lang, face) };
    format!("{title} ({mark})\n\n{}\n\n{foot}{face}", table(&titles, rows, 4))
}

/// The fee, and who pays whom how much until when.
fn faced(lang: Lang, face: &Value) -> String {
    let mut parts = Vec::new();
    let fees = &face["fees"];
    if !fees.is_null() {
        let row = |name: &str, at: &str, reference: &str, amount: i64| {
            vec![name.to_owned(), at.to_owned(), reference.to_owned(), MicroCny(amount).exact()]
        };
        let line = |line: &Value| {
            let name = match (text(line, "what"), lang) {
                ("payment", Lang::Zh) => "已付",
                ("payment", Lang::En) => "paid",
                ("cancelled", Lang::Zh) => "不再应付",
                ("cancelled", Lang::En) => "due no more",
                ("reversal", Lang::Zh) => "付款冲正",
                ("reversal", Lang::En) => "payment taken back",
                (_, Lang::Zh) => "应付费用",
                (_, Lang::En) => "fee due",
            };
            row(name, text(line, "at"), text(line, "reference"), number(line, "micro_cny"))
        };
        let opening = pick(lang, "期初未付", "open at the beginning");
        let closing = pick(lang, "期末未付", "open at the end");
        let mut rows = vec![row(opening, "", "", number(fees, "opening_micro_cny"))];
        rows.extend(items(fees, "lines").iter().map(line));
        rows.push(row(closing, "", "", number(fees, "closing_micro_cny")));
        let titles = match lang {
            Lang::Zh => ["合同费用", "时间（UTC）", "凭证号", "金额（元）"],
            Lang::En => ["fee", "at (UTC)", "reference", "amount (CNY)"],
        };
        parts.push(table(&titles, rows, 3));
    }
    let name = |who: &Value| {
        let numbers = [text(who, "tax_number"), text(who, "other_tax_number")];
        let parts: Vec<&str> =
            std::iter::once(text(who, "name")).chain(numbers).filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    };
    let (customer, payee) = (name(&face["payer"]), &face["payee"]);
    if !customer.is_empty() {
        parts.push(format!("{}{customer}", pick(lang, "付款单位：", "Payer: ")));
    }
    if !payee.is_null() {
        let (bank, account) = (text(payee, "bank"), text(payee, "account"));
        parts.push(format!("{}{}, {bank}, {account}", pick(lang, "收款单位：", "Payee: "), name(payee)));
    }
    let (due, on) = (MicroCny(number(&face["due"], "micro_cny")).exact(), text(&face["due"], "on"));
    parts.push(match (lang, on.is_empty()) {
        (Lang::Zh, true) => format!("应付金额 {due} 元"),
        (Lang::Zh, false) => format!("应付金额 {due} 元，请于 {on} 前（含当日）付清"),
        (Lang::En, true) => format!("Amount due: CNY {due}"),
        (Lang::En, false) => format!("Amount due: CNY {due}, until {on}"),
    });
    format!("\n\n{}", parts.join("\n\n"))
}
