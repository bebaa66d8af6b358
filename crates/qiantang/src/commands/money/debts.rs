//! Debts by age.

use clap::Args;
use domain::{Lang, MicroCny, decimal::grouped};
use serde_json::Value;

use crate::{
    context::{Context, Done, Run},
    output::{items, number, pick, table, text},
};

/// Show what is open of fees and owed on accounts, by tenant and by how long it has been due.
#[derive(Debug, Args)]
pub struct Debts {}

const PARTS: [&str; 6] = [
    "not_due_micro_cny",
    "days_1_to_30_micro_cny",
    "days_31_to_60_micro_cny",
    "days_61_to_90_micro_cny",
    "over_90_days_micro_cny",
    "total_micro_cny",
];

impl Run for Debts {
    fn run(self, context: &Context) -> Done {
        let answer = context.client.get("/api/v1/debts")?;
        context.print(&answer, |lang| shown(lang, &answer))
    }
}

fn shown(lang: Lang, ageing: &Value) -> String {
    let tenants = items(ageing, "tenants");
    if tenants.is_empty() {
        return pick(lang, "没有欠款。", "Nobody owes anything.").to_owned();
    }
    let row = |names: [&str; 3], ages: &Value| {
        let amount = |key: &&str| grouped(&MicroCny(number(ages, key)).exact());
        names.map(str::to_owned).into_iter().chain(PARTS.iter().map(amount)).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for tenant in tenants {
        let slug = text(tenant, "tenant_slug");
        for debt in items(tenant, "debts") {
            let what = match text(debt, "what") {
                "fee" => pick(lang, "合同费用", "fee"),
                _ => pick(lang, "欠费", "balance"),
            };
            rows.push(row([slug, text(debt, "contract"), what], &debt["ages"]));
        }
        rows.push(row([slug, "", pick(lang, "合计", "together")], &tenant["total"]));
    }
    rows.push(row(["", "", pick(lang, "总计", "total")], &ageing["total"]));
    let titles = match lang {
        Lang::Zh => {
            ["租户", "合同", "欠款", "未到期", "1–30 天", "31–60 天", "61–90 天", "90 天以上", "合计（元）"]
        }
        Lang::En => [
            "tenant",
            "contract",
            "owed",
            "not due",
            "1-30 days",
            "31-60 days",
            "61-90 days",
            "over 90",
            "total (CNY)",
        ],
    };
    table(&titles, rows, 3)
}
