//! Use and charges.

use clap::Args;
use domain::Lang;
use serde_json::Value;

use crate::context::{Context, Done, Run, query};
use crate::output::{card_hours, list, money, number, pick, table, text};

/// Show use and charges.
#[derive(Debug, Args)]
pub struct Usage {
    /// The first day, such as 2026-05-20 by the center's calendar; the last 30 days where left out.
    #[arg(long)]
    from: Option<String>,
    /// The day before which to end; up to now where left out.
    #[arg(long)]
    to: Option<String>,
    /// The group to add up by: project, tenant or domain.
    #[arg(long, default_value = "project")]
    by: String,
}

impl Run for Usage {
    fn run(self, context: &Context) -> Done {
        let path = format!(
            "/api/v1/usage{}",
            query(&[("from", self.from), ("to", self.to), ("group_by", Some(self.by))])
        );
        let answer = context.client.get(&path)?;
        let used = list(&answer["rows"])?;
        context.print(&answer, |lang| {
            let row = |row: &Value| {
                vec![
                    text(row, "tenant_slug").to_owned(),
                    text(row, "name").to_owned(),
                    number(row, "ended_runs").to_string(),
                    card_hours(number(row, "used_card_ms")),
                    money(number(row, "charge_micro_cny")),
                ]
            };
            let mut rows: Vec<_> = used.iter().map(row).collect();
            let mut total = row(&answer["total"]);
            pick(lang, "合计", "total").clone_into(&mut total[1]);
            rows.push(total);
            let titles = match lang {
                Lang::Zh => ["租户", "名称", "结束的运行", "卡时", "费用（元）"],
                Lang::En => ["tenant", "name", "ended runs", "card-hours", "charge (CNY)"],
            };
            table(&titles, rows, 2)
        })
    }
}
