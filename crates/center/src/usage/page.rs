//! Use in a browser: a month by all that it is usually asked by, and as tables.

use askama::Template;
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use base::{
    error::AppError,
    page::{
        extract::Asked,
        frame::{Page, Tab, Visitor, ok},
        words::{Html, Ui},
    },
};
use domain::{CardMs, MicroCny};
use serde::Deserialize;

use super::ask::{self, GroupBy, MonthOfUse, UsageQuery, UsageRow, UsageView};
use crate::{actions, app::statements::Format, center::Center};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    month: String,
    group_by: String,
    format: String,
}

#[derive(Template)]
#[template(path = "usage/show.html")]
pub struct UsagePage {
    page: Page,
    month: String,
    months: Vec<Tab>,
    /// The charges of its days, as columns.
    days: Html,
    total: UsageRow,
    groups: Vec<Group>,
    /// One may export charges in the columns of FOCUS.
    may_see_money: bool,
}

/// The use of the month by one thing.
struct Group {
    code: &'static str,
    /// What each row is; and as a word amid others.
    what: String,
    by: String,
    lines: Vec<Line>,
}

struct Line {
    name: String,
    tenant: String,
    runs: String,
    used: CardMs,
    charge: MicroCny,
}

fn group(ui: Ui, view: UsageView, with_tenant: bool) -> Group {
    let line = |row: UsageRow, name: String| Line {
        name,
        tenant: if with_tenant && row.tenant_slug != row.name { row.tenant_slug } else { String::new() },
        runs: ui.count(row.ended_runs),
        used: row.used_card_ms,
        charge: row.charge_micro_cny,
    };
    let name = |row: &UsageRow| match view.group_by {
        GroupBy::Domain => ui.word("domain", &row.name),
        GroupBy::Class => ui.word("class", &row.name),
        _ => row.name.clone(),
    };
    let what = match view.group_by {
        GroupBy::Class => ui.t("service-class"),
        other => ui.t(other.code()),
    };
    let mut lines: Vec<Line> = view.rows.iter().map(|row| line(row.clone(), name(row))).collect();
    if !lines.is_empty() {
        lines.push(line(view.total, ui.t("total")));
    }
    Group { code: view.group_by.code(), by: what.to_lowercase(), what, lines }
}

/// The charges of the days, as columns that say themselves what they are.
fn columns(ui: Ui, days: &[MicroCny]) -> Html {
    let most = days.iter().map(|day| day.0).max().unwrap_or(0).max(0);
    // Days on which more was given back than charged are no columns.
    let columns: Vec<_> = days.iter().map(|day| vec![("sold", day.0.max(0))]).collect();
    ui.columns(&columns, most.max(1), 96, &ui.t1("days-label", "most", MicroCny(most)))
}

fn of_month(page: Page, found: MonthOfUse, with_tenant: bool, may_see_money: bool) -> UsagePage {
    let ui = page.ui;
    let tab = |month: &domain::Month| Tab {
        href: format!("/usage?month={month}"),
        word: month.to_string(),
        count: String::new(),
        is_current: *month == found.month,
    };
    UsagePage {
        month: found.month.to_string(),
        months: found.months.iter().map(tab).collect(),
        days: columns(ui, &found.days),
        total: found.total,
        groups: found.views.into_iter().map(|view| group(ui, view, with_tenant)).collect(),
        may_see_money,
        page,
    }
}

pub async fn show(
    State(center): State<Center>,
    Asked(wanted): Asked<Wanted>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    if !wanted.format.is_empty() || !wanted.group_by.is_empty() {
        return as_file(&center, &visitor, wanted).await;
    }
    let found = ask::month(&center, &visitor.caller, &wanted.month).await?;
    let page = visitor.page("usage", visitor.front.ui.t1("usage-of", "month", found.month));
    let own = visitor.caller.member.tenant;
    let may_see_money = visitor.may(&center, actions::READ_LEDGER, own);
    Ok(ok(&of_month(page, found, own.is_none(), may_see_money)))
}

async fn as_file(center: &Center, visitor: &Visitor, wanted: Wanted) -> Result<Response, AppError> {
    let Wanted { month, group_by, format } = wanted;
    let name = if month.is_empty() { "usage".to_owned() } else { format!("usage-{month}") };
    let query = UsageQuery {
        month: Some(month),
        group_by: Some(group_by),
        format: Some(format),
        ..UsageQuery::default()
    };
    let format = ask::format(&query, true)?;
    let view = ask::usage(center, &visitor.caller, query).await?;
    let name = format!("attachment; filename=\"{name}-by-{}.{}\"", view.group_by.code(), format.code());
    let name = (header::CONTENT_DISPOSITION, name);
    Ok(match format {
        Format::Json => ([name], Json(view)).into_response(),
        Format::Csv => {
            let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned());
            ([name, kind], ask::as_csv(&view)).into_response()
        }
    })
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for UsagePage {
        fn samples(page: &Page) -> Vec<Self> {
            let row = |name: &str, tenant: &str| UsageRow {
                name: name.into(),
                tenant_slug: tenant.into(),
                job: None,
                ended_runs: 2,
                used_card_ms: CardMs(7_200_000),
                charge_micro_cny: MicroCny(3_500_000),
            };
            let view = |group_by, rows: Vec<UsageRow>| UsageView {
                from: views::AT.into(),
                to: views::LATER.into(),
                group_by,
                rows,
                total: row("total", ""),
            };
            let month: domain::Month = "2026-05".parse().expect("a month");
            let sample = |is_full: bool| {
                let rows = |row| if is_full { vec![row] } else { Vec::new() };
                let found = MonthOfUse {
                    month,
                    months: vec![month, month.before()],
                    days: vec![MicroCny(4), MicroCny(-1)],
                    total: if is_full { row("total", "") } else { UsageRow::default() },
                    views: vec![
                        view(GroupBy::Domain, rows(row("research", ""))),
                        view(GroupBy::Tenant, rows(row("univ", "univ"))),
                        view(GroupBy::Project, rows(row("Vision <1>", "univ"))),
                        view(GroupBy::Member, rows(row("li", "univ"))),
                        view(GroupBy::Class, rows(row("urgent", "univ"))),
                    ],
                };
                of_month(page.clone(), found, is_full, is_full)
            };
            vec![sample(true), sample(false)]
        }
    }

    /// The last row is the whole, and a service class is said in words.
    #[test]
    fn a_group_ends_with_its_total() {
        let ui = crate::portal::sample::ui(domain::Lang::En);
        let row = |name: &str, runs| UsageRow { name: name.into(), ended_runs: runs, ..UsageRow::default() };
        let view = |rows| UsageView {
            from: views::AT.into(),
            to: views::LATER.into(),
            group_by: GroupBy::Class,
            rows,
            total: row("total", 5),
        };
        let told = |group: Group| -> Vec<(String, String)> {
            group.lines.into_iter().map(|line| (line.name, line.runs)).collect()
        };
        let of = |name: &str, runs: &str| (name.to_owned(), runs.to_owned());
        let full = group(ui, view(vec![row("spot", 2), row("urgent", 3)]), false);
        assert_eq!(full.what, "Service class");
        assert_eq!(told(full), [of("Spot", "2"), of("Urgent", "3"), of("Total", "5")]);
        assert!(told(group(ui, view(Vec::new()), false)).is_empty(), "nothing has no total");
    }
}
