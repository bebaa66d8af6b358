//! The list of jobs.

use std::collections::BTreeSet;

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    error::AppError,
    http::encode,
    page::{
        extract::Asked,
        form::Choice,
        frame::{Page, Tab, Visitor, ok},
        words::Ui,
    },
};
use domain::{JobStatus, TenantDomain};
use serde::Deserialize;

use super::table::JobTable;
use crate::{
    actions,
    app::{
        jobs::{self, JobQuery},
        projects,
    },
    center::Center,
    portal::tenants::tenants_by_name,
};

/// The filters of the list, from its address. Unknown names are passed over, as people hand addresses around.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    pub state: String,
    pub project: String,
    pub tenant: String,
    pub domain: String,
    pub name: String,
    pub cursor: String,
}

impl ListQuery {
    fn href(&self, state: &str, cursor: &str) -> String {
        let parts = [
            ("state", state),
            ("project", &self.project),
            ("tenant", &self.tenant),
            ("domain", &self.domain),
            ("name", &self.name),
            ("cursor", cursor),
        ];
        let given: Vec<String> = parts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        if given.is_empty() { "/jobs".to_owned() } else { format!("/jobs?{}", given.join("&")) }
    }
}

#[derive(Template)]
#[template(path = "jobs.html")]
pub struct JobsPage {
    page: Page,
    may_submit: bool,
    states: Vec<Tab>,
    query: ListQuery,
    projects: Vec<Choice>,
    tenants: Vec<Choice>,
    domains: Vec<Choice>,
    table: JobTable,
    is_filtered: bool,
    newest: String,
    older: String,
}

pub async fn page(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(wanted): Asked<ListQuery>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let own = visitor.caller.member.tenant;
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let query = JobQuery {
        state: some(&wanted.state),
        project: some(&wanted.project),
        tenant: some(&wanted.tenant),
        domain: some(&wanted.domain),
        name: some(&wanted.name),
        cursor: some(&wanted.cursor),
        ..JobQuery::default()
    };
    let found = jobs::list(&center, &visitor.caller, query).await?;
    let counts = jobs::count_by_state(&center, &visitor.caller).await?;
    let all: u64 = counts.values().sum();
    let of = |state: JobStatus| counts.get(&state).copied().unwrap_or(0);
    let active = of(JobStatus::Queued) + of(JobStatus::Running) + of(JobStatus::Stopping);
    let states = JobStatus::ALL.into_iter();
    let mut counted = vec![("", ui.t("all"), all), ("active", ui.t("active-jobs"), active)];
    let shown = states.filter(|state| of(*state) > 0 || state.code() == wanted.state);
    counted.extend(shown.map(|state| (state.code(), ui.word("state", state), of(state))));
    let states = counted.into_iter().map(|(state, word, count)| Tab {
        href: wanted.href(state, ""),
        word,
        count: ui.count(count),
        is_current: state == wanted.state,
    });
    let projects = projects::list(&center, &visitor.caller).await?;
    let projects: BTreeSet<String> = projects.into_iter().map(|project| project.slug).collect();
    let tenants = tenants_by_name(&center, &visitor).await?;
    let older = found.next_cursor.as_deref().map(|cursor| wanted.href(&wanted.state, cursor));
    let page = JobsPage {
        may_submit: own.is_some() && visitor.may(&center, actions::SUBMIT_JOB, own),
        states: states.collect(),
        projects: projects.into_iter().map(|slug| Choice::new(slug.clone(), slug)).collect(),
        tenants,
        domains: domains(ui),
        table: JobTable::of(ui, &found.items, own.is_none()),
        is_filtered: wanted.href(&wanted.state, &wanted.cursor) != "/jobs",
        newest: if wanted.cursor.is_empty() { String::new() } else { wanted.href(&wanted.state, "") },
        older: older.unwrap_or_default(),
        page: visitor.page("jobs", ui.t("nav-jobs")),
        query: wanted,
    };
    Ok(ok(&page))
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
            let of_center = Self {
                page: page.clone(),
                may_submit: false,
                states: vec![tab(page.t("all"), true), tab(page.word("state", "running"), false)],
                query: ListQuery {
                    name: "a\"b".into(),
                    project: "vision".into(),
                    domain: "research".into(),
                    ..ListQuery::default()
                },
                projects: ["vision", "speech"].map(|slug| Choice::new(slug, slug)).into(),
                tenants: views::tenants(),
                domains: domains(page.ui),
                table: views::jobs(true),
                is_filtered: true,
                newest: "/jobs".into(),
                older: "/jobs?name=a&cursor=2".into(),
            };
            let sample = |table: JobTable, may_submit: bool, is_filtered: bool| Self {
                page: page.clone(),
                may_submit,
                states: Vec::new(),
                query: ListQuery::default(),
                projects: Vec::new(),
                tenants: Vec::new(),
                domains: Vec::new(),
                table,
                is_filtered,
                newest: String::new(),
                older: String::new(),
            };
            let own = JobTable { with_why: false, ..views::jobs(false) };
            let nothing = views::no_jobs;
            vec![
                of_center,
                sample(own, true, false),
                sample(nothing(), true, false),
                sample(nothing(), false, false),
                sample(nothing(), false, true),
            ]
        }
    }
}
