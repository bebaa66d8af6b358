//! Statements of contracts.

use clap::Args;
use domain::Lang;
use serde_json::Value;

use super::contracts;
use crate::context::{Context, Done, Run, part, query, say};
use crate::{
    errors::Failure,
    output::{card_hours, list, money, number, table, text},
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
}

impl Run for Statement {
    fn run(self, context: &Context) -> Done {
        context.refuse_beside_json("--csv", self.csv)?;
        let all = contracts::all(context)?;
        let found = match (self.contract.as_deref(), all.as_slice()) {
            (Some(wanted), all) => contracts::named(all, wanted)?,
            (None, [only]) => only,
            (None, []) => {
                let hint = "`qiantang contracts new` draws one up";
                return Err(Failure::refused("not_found", "there is no contract that you may see", hint));
            }
            (None, several) => {
                let numbers: Vec<&str> = several.iter().map(|contract| text(contract, "number")).collect();
                let hint = format!("give one of them: {}", numbers.join(", "));
                return Err(Failure::usage("no_contract", "you may see several contracts", hint));
            }
        };
        let path = format!(
            "/api/v1/contracts/{}/statement{}",
            part(text(found, "id")),
            query(&[("month", self.month)])
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
    let row = |line: &Value| {
        vec![
            text(line, "project").to_owned(),
            number(line, "runs").to_string(),
            card_hours(number(line, "used_card_ms")),
            money(number(line, "charge_micro_cny")),
        ]
    };
    let rows = lines.iter().map(row).collect();
    let titles = match lang {
        Lang::Zh => ["项目", "运行", "卡时", "费用（元）"],
        Lang::En => ["project", "runs", "card-hours", "charge (CNY)"],
    };
    let of = |side: &str| money(number(&statement[side], "micro_cny"));
    let (contract, month) = (text(statement, "contract"), text(statement, "month"));
    let is_final = statement["is_final"] == true;
    let paid = money(number(statement, "paid_in_micro_cny"));
    let (used, charge) =
        (card_hours(number(statement, "used_card_ms")), money(number(statement, "charge_micro_cny")));
    let head = match lang {
        Lang::Zh => format!("账单 {contract} {month}{}", if is_final { "" } else { "（本月未结束）" }),
        Lang::En => {
            format!("Statement {contract} {month}{}", if is_final { "" } else { " (the month is not over)" })
        }
    };
    let foot = match lang {
        Lang::Zh => format!(
            "期初 {} 元，收款 {paid} 元，使用 {used} 卡时计 {charge} 元，期末 {} 元",
            of("opening"),
            of("closing")
        ),
        Lang::En => format!(
            "Opening CNY {}, paid in CNY {paid}, used {used} card-hours for CNY {charge}, closing CNY {}",
            of("opening"),
            of("closing")
        ),
    };
    format!("{head}\n\n{}\n\n{foot}", table(&titles, rows, 1))
}
