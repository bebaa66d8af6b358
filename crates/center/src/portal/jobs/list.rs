//! The list of jobs: filtered, sorted, page by page.

use std::collections::BTreeSet;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use base::{
    error::AppError,
    http::status,
    moment,
    page::{
        extract::Asked,
        fault::told,
        form::Choice,
        frame::{Page, Tab, Visitor, render},
        words::Ui,
    },
};
use domain::{JobStatus, ServiceClass, TenantDomain, Timestamp};

use super::{
    query::ListQuery,
    table::{JobTable, Sorting, Sorts},
};
use crate::{
    actions,
    app::{
        jobs::{self, Column, JobView, Order},
        nodes, projects,
    },
    center::Center,
    portal::tenants::tenants_by_name,
};
use base::listing::Listing;

#[derive(Template)]
#[template(path = "jobs.html")]
pub struct JobsPage {
    page: Page,
    now: Timestamp,
    may_submit: bool,
    may_cancel: bool,
    states: Vec<Tab>,
    query: ListQuery,
    projects: Vec<Choice>,
    pools: Vec<Choice>,
    classes: Vec<Choice>,
    tenants: Vec<Choice>,
    domains: Vec<Choice>,
    /// What is wrong with the filter.
    faults: Vec<String>,
    table: JobTable,
    is_filtered: bool,
    shown: String,
    export: String,
    newest: String,
    older: String,
}

pub async fn page(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(wanted): Asked<ListQuery>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let asked = match wanted.page(ui.zone) {
        Ok(query) => jobs::list(&center, &visitor.caller, query).await,
        Err(error) => Err(error),
    };
    // A filter that is refused comes back as it was typed.
    let (found, faults, status) = match asked {
        Ok(found) => (found, Vec::new(), StatusCode::OK),
        Err(error @ AppError::Invalid(_)) => (
            Listing { items: Vec::new(), next_cursor: None, total: None },
            told(ui, &error).details,
            status(&error),
        ),
        Err(error) => return Err(error),
    };
    show(&center, &visitor, wanted, found, faults, status).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    wanted: ListQuery,
    found: Listing<JobView>,
    faults: Vec<String>,
    status: StatusCode,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let own = visitor.caller.member.tenant;
    let order = Order::read(Some(&wanted.sort)).unwrap_or(jobs::NEWEST);
    let projects = projects::list(center, &visitor.caller).await?;
    let projects: BTreeSet<String> = projects.into_iter().map(|project| project.slug).collect();
    let pools = nodes::list_pools(center, &visitor.caller)?;
    let sort = wanted.sort.as_str();
    let may_cancel = visitor.may(center, actions::CANCEL_JOB, own);
    let shown = ui.shown_of(found.items.len(), found.total);
    let next_page = found
        .next_cursor
        .as_deref()
        .map(|cursor| wanted.href("/jobs", &[("sort", sort), ("cursor", cursor)]));
    let table = JobTable {
        with_select: may_cancel && found.items.iter().any(|job| job.ended_at.is_none()),
        sorts: sorts(&wanted, order),
        ..JobTable::of(ui, "job", &found.items, own.is_none())
    };
    let page = JobsPage {
        now: moment::now(),
        may_submit: own.is_some() && visitor.may(center, actions::SUBMIT_JOB, own),
        may_cancel,
        states: states(center, visitor, &wanted).await?,
        projects: projects.into_iter().map(|slug| Choice::new(slug.clone(), slug)).collect(),
        pools: pools.into_iter().map(|pool| Choice::new(pool.name.clone(), pool.name)).collect(),
        classes: ServiceClass::ALL.map(|class| Choice::new(class.code(), ui.word("class", class))).into(),
        tenants: tenants_by_name(center, visitor).await?,
        domains: domains(ui),
        faults,
        table,
        is_filtered: !wanted.filters().is_empty() || !wanted.cursor.is_empty(),
        shown,
        export: wanted.href("/jobs/export", &[]),
        newest: if wanted.cursor.is_empty() {
            String::new()
        } else {
            wanted.href("/jobs", &[("sort", sort)])
        },
        older: next_page.unwrap_or_default(),
        page: visitor.page("jobs", ui.t("nav-jobs")),
        query: wanted,
    };
    Ok(render(status, &page))
}

/// The states that there are, with how many jobs are in each where nothing else is asked for.
async fn states(center: &Center, visitor: &Visitor, wanted: &ListQuery) -> Result<Vec<Tab>, AppError> {
    let ui = visitor.front.ui;
    let counts = jobs::count_by_state(center, &visitor.caller).await?;
    let all: u64 = counts.values().sum();
    let of = |state: JobStatus| counts.get(&state).copied().unwrap_or(0);
    let active = of(JobStatus::Queued) + of(JobStatus::Running) + of(JobStatus::Stopping);
    let mut counted = vec![("", ui.t("all"), all), ("active", ui.t("active-jobs"), active)];
    let shown = JobStatus::ALL.into_iter().filter(|state| of(*state) > 0 || state.code() == wanted.state);
    counted.extend(shown.map(|state| (state.code(), ui.word("state", state), of(state))));
    let is_alone = wanted.in_state("").filters().is_empty();
    let tab = |(state, word, count): (&str, String, u64)| Tab {
        href: wanted.in_state(state).href("/jobs", &[("sort", &wanted.sort)]),
        word,
        count: if is_alone { ui.count(count) } else { String::new() },
        is_current: state == wanted.state,
    };
    Ok(counted.into_iter().map(tab).collect())
}

/// For each column the address at which it is sorted by: the other way round where it is already.
fn sorts(wanted: &ListQuery, order: Order) -> Sorts {
    let by = |column: Column| {
        let is_current = order.column == column;
        // Amounts begin with the most.
        let is_first_down = !matches!(column, Column::Name | Column::State);
        let is_downward = if is_current { !order.is_downward } else { is_first_down };
        let next = Order { column, is_downward }.text();
        Sorting { href: wanted.href("/jobs", &[("sort", &next)]), is_current, is_downward: order.is_downward }
    };
    Sorts {
        name: by(Column::Name),
        state: by(Column::State),
        cards: by(Column::Cards),
        submitted: by(Column::Submitted),
        duration: by(Column::Duration),
        charge: by(Column::Charge),
    }
}

fn domains(ui: Ui) -> Vec<Choice> {
    let choice = |domain: TenantDomain| Choice::new(domain.code(), ui.word("domain", domain.code()));
    TenantDomain::ALL.map(choice).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for JobsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let tab =
                |word: String, is_current| Tab { href: "/jobs".into(), word, count: "2".into(), is_current };
            let query = ListQuery {
                name: "a\"b".into(),
                project: "vision".into(),
                domain: "research".into(),
                cancelled: Some(3),
                ..ListQuery::default()
            };
            let choices = || ["vision", "speech"].map(|slug| Choice::new(slug, slug)).into();
            let of_center = Self {
                page: page.clone(),
                now: views::AT,
                may_submit: false,
                may_cancel: true,
                states: vec![tab(page.t("all"), true), tab(page.word("state", "running"), false)],
                projects: choices(),
                pools: choices(),
                classes: choices(),
                tenants: views::tenants(),
                domains: domains(page.ui),
                faults: vec!["from: <soon>".into()],
                table: JobTable {
                    with_select: true,
                    sorts: sorts(&query, jobs::NEWEST),
                    ..views::jobs("job", true)
                },
                is_filtered: true,
                shown: page.t2("shown-of-more", 2, 9),
                export: "/jobs/export".into(),
                newest: "/jobs".into(),
                older: "/jobs?name=a&cursor=2".into(),
                query,
            };
            let sample = |table: JobTable, may_submit: bool, is_filtered: bool| Self {
                page: page.clone(),
                now: views::AT,
                may_submit,
                may_cancel: false,
                states: Vec::new(),
                query: ListQuery::default(),
                projects: Vec::new(),
                pools: Vec::new(),
                classes: Vec::new(),
                tenants: Vec::new(),
                domains: Vec::new(),
                faults: Vec::new(),
                table,
                is_filtered,
                shown: page.t2("shown-of", 2, 9),
                export: "/jobs/export".into(),
                newest: String::new(),
                older: String::new(),
            };
            let own = JobTable { with_why: false, ..views::jobs("job", false) };
            let nothing = JobTable::default;
            vec![
                of_center,
                sample(own, true, false),
                sample(nothing(), true, false),
                sample(nothing(), false, false),
                sample(nothing(), false, true),
            ]
        }
    }

    #[test]
    fn a_column_is_sorted_the_other_way_round_the_second_time() {
        let query = ListQuery { name: "a".into(), ..ListQuery::default() };
        let first = sorts(&query, jobs::NEWEST);
        assert_eq!(
            (first.charge.href.as_str(), first.name.href.as_str()),
            ("/jobs?name=a&sort=-charge", "/jobs?name=a&sort=name")
        );
        let second = sorts(&query, Order::read(Some("-charge")).unwrap());
        assert_eq!(
            (second.charge.href.as_str(), second.charge.is_current),
            ("/jobs?name=a&sort=charge", true)
        );
    }
}
