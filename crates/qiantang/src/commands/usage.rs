//! Use and charges.

use clap::{Args, ValueEnum};
use domain::Lang;
use serde_json::Value;

use crate::context::{Context, Done, Run, query, write};
use crate::output::{Clock, card_hours, last_digits, list, money, number, pick, table, text};

/// Show use and charges.
#[derive(Debug, Args)]
pub struct Usage {
    /// The first day, such as 2026-05-20 by the center's calendar; the last 30 days where left out.
    #[arg(long)]
    from: Option<String>,
    /// The day before which to end; up to now where left out.
    #[arg(long)]
    to: Option<String>,
    /// A whole month, such as 2026-05.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    month: Option<String>,
    /// The group to add up by.
    #[arg(long, value_enum, default_value = "project")]
    by: By,
    /// Print a table for programs: integers, with card-milliseconds and micro-CNY.
    #[arg(long)]
    csv: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Project,
    Member,
    Class,
    Job,
    Pool,
    Tenant,
    Domain,
}

impl By {
    fn code(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Member => "member",
            Self::Class => "class",
            Self::Job => "job",
            Self::Pool => "pool",
            Self::Tenant => "tenant",
            Self::Domain => "domain",
        }
    }

    fn title(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Project, Lang::Zh) => "项目",
            (Self::Member, Lang::Zh) => "成员",
            (Self::Class, Lang::Zh) => "服务等级",
            (Self::Job, Lang::Zh) => "作业",
            (Self::Pool, Lang::Zh) => "资源池",
            (Self::Tenant, Lang::Zh) => "租户",
            (Self::Domain, Lang::Zh) => "领域",
            (other, Lang::En) => other.code(),
        }
    }
}

impl Run for Usage {
    fn run(self, context: &Context) -> Done {
        context.refuse_beside_json("--csv", self.csv)?;
        let by = self.by;
        let filters = [
            ("from", self.from),
            ("to", self.to),
            ("month", self.month),
            ("group_by", Some(by.code().to_owned())),
        ];
        let path = format!("/api/v1/usage{}", query(&filters));
        if self.csv {
            let csv = context.client.text(&path, "text/csv")?;
            return write(csv.as_bytes()).map(drop);
        }
        let answer = context.client.get(&path)?;
        let used = list(&answer["rows"])?;
        context.print(&answer, |_| shown(&context.clock(), by, &answer, used))
    }
}

fn shown(clock: &Clock, by: By, answer: &Value, used: &[Value]) -> String {
    let lang = clock.lang;
    let row = |row: &Value| {
        let job = row["job"].as_str().map(|job| format!(" {}", last_digits(job))).unwrap_or_default();
        vec![
            text(row, "tenant_slug").to_owned(),
            format!("{}{job}", text(row, "name")),
            number(row, "ended_runs").to_string(),
            card_hours(number(row, "used_card_ms")),
            money(number(row, "charge_micro_cny")),
        ]
    };
    let mut rows: Vec<_> = used.iter().map(row).collect();
    let mut total = row(&answer["total"]);
    pick(lang, "合计", "total").clone_into(&mut total[1]);
    rows.push(total);
    let name = by.title(lang);
    let titles = match lang {
        Lang::Zh => ["租户", name, "结束的运行", "卡时", "费用（元）"],
        Lang::En => ["tenant", name, "ended runs", "card-hours", "charge (CNY)"],
    };
    let (from, to) = (clock.instant(answer, "from"), clock.instant(answer, "to"));
    let (from, to, zone) = (day(&from), day(&to), &clock.zone);
    let period = match lang {
        Lang::Zh => format!("{from} 至 {to} 前（{zone}）"),
        Lang::En => format!("from {from} up to {to} ({zone})"),
    };
    format!("{period}\n\n{}", table(&titles, rows, 2))
}

/// The day of an instant at which one begins.
fn day(instant: &str) -> &str {
    instant.get(..10).unwrap_or(instant)
}
