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
    /// The thing by which the page adds up.
    by: String,
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
    /// The things to add up by.
    groups: Vec<Tab>,
    group: Group,
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
    /// How many of how many are shown, where not all are.
    shown: String,
}

/// The most rows that a page shows; the CSV has all.
const MOST_LINES: usize = 100;

struct Line {
    name: String,
    /// The job, where it is one.
    job: String,
    tenant: String,
    runs: String,
    used: CardMs,
    charge: MicroCny,
    /// Its part of the dearest, as a bar; of the most used, where nothing is charged.
    bar: Html,
}

/// The word for the things of a group.
fn word(ui: Ui, group: GroupBy) -> String {
    match group {
        GroupBy::Class => ui.t("service-class"),
        other => ui.t(other.code()),
    }
}

fn group(ui: Ui, view: &UsageView, with_tenant: bool) -> Group {
    let is_free = view.total.charge_micro_cny.0 <= 0;
    let weight = |row: &UsageRow| if is_free { row.used_card_ms.0 } else { row.charge_micro_cny.0 };
    let (most, whole) = (view.rows.iter().map(weight).max().unwrap_or(0).max(1), weight(&view.total).max(1));
    let line = |row: &UsageRow, name: String, bar: Html| Line {
        name,
        job: row.job.map(|job| job.to_string()).unwrap_or_default(),
        tenant: if with_tenant && row.tenant_slug != row.name {
            row.tenant_slug.clone()
        } else {
            String::new()
        },
        runs: ui.count(row.ended_runs),
        used: row.used_card_ms,
        charge: row.charge_micro_cny,
        bar,
    };
    let name = |row: &UsageRow| match view.group_by {
        GroupBy::Domain => ui.word("domain", &row.name),
        GroupBy::Class => ui.word("class", &row.name),
        _ => row.name.clone(),
    };
    let of_row = |row: &UsageRow| {
        let label = ui.t2("usage-share", name(row), ui.share(&weight(row), &whole));
        line(row, name(row), ui.progress(&[("b-left", weight(row))], &most, 10, &label))
    };
    let all = view.rows.len();
    let mut lines: Vec<Line> = view.rows.iter().take(MOST_LINES).map(of_row).collect();
    let shown = if lines.len() < all { ui.t2("shown-of", lines.len(), ui.count(all)) } else { String::new() };
    if !lines.is_empty() {
        lines.push(line(&view.total, ui.t("total"), Html::default()));
    }
    let what = word(ui, view.group_by);
    Group { code: view.group_by.code(), by: what.to_lowercase(), what, lines, shown }
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
    let by = found.view.group_by;
    let tab = |month: &domain::Month| Tab {
        href: format!("/usage?month={month}&by={}", by.code()),
        word: month.to_string(),
        count: String::new(),
        is_current: *month == found.month,
    };
    let of_group = |group: &GroupBy| Tab {
        href: format!("/usage?month={}&by={}", found.month, group.code()),
        word: word(ui, *group),
        count: String::new(),
        is_current: *group == by,
    };
    UsagePage {
        month: found.month.to_string(),
        months: found.months.iter().map(tab).collect(),
        days: columns(ui, &found.days),
        total: found.total,
        groups: found.groups.iter().map(of_group).collect(),
        group: group(ui, &found.view, with_tenant),
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
    let found = ask::month(&center, &visitor.caller, &wanted.month, &wanted.by).await?;
    let page = visitor.page("usage", visitor.front.ui.t1("usage-of", "month", found.month));
    let own = visitor.caller.member.tenant;
    let may_see_money = visitor.may(&center, actions::READ_LEDGER, own);
    Ok(ok(&of_month(page, found, own.is_none(), may_see_money)))
}

async fn as_file(center: &Center, visitor: &Visitor, wanted: Wanted) -> Result<Response, AppError> {
    let Wanted { month, by: _, group_by, format } = wanted;
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
            let sample = |is_full: bool, group_by, rows| {
                let found = MonthOfUse {
                    month,
                    months: vec![month, month.before()],
                    days: vec![MicroCny(4), MicroCny(-1)],
                    total: if is_full { row("total", "") } else { UsageRow::default() },
                    view: view(group_by, rows),
                    groups: vec![GroupBy::Project, GroupBy::Job],
                };
                of_month(page.clone(), found, is_full, is_full)
            };
            let job = UsageRow { job: Some(views::id("job_")), ..row("a < b", "univ") };
            vec![
                sample(true, GroupBy::Domain, vec![row("research", "")]),
                sample(true, GroupBy::Project, vec![row("Vision <1>", "univ"); MOST_LINES + 1]),
                sample(true, GroupBy::Job, vec![job]),
                sample(false, GroupBy::Class, Vec::new()),
            ]
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
        let full = group(ui, &view(vec![row("spot", 2), row("urgent", 3)]), false);
        assert_eq!(full.what, "Service class");
        assert_eq!(told(full), [of("Spot", "2"), of("Urgent", "3"), of("Total", "5")]);
        let most = group(ui, &view(vec![row("spot", 2); MOST_LINES + 1]), false);
        assert_eq!((most.lines.len(), most.shown.as_str()), (MOST_LINES + 1, "100 of 101"));
        assert!(told(group(ui, &view(Vec::new()), false)).is_empty(), "nothing has no total");
    }
}
