//! The list of jobs.

use askama::Template;
use axum::{extract::State, response::Response};
use domain::TenantDomain;
use serde::Deserialize;

use super::{
    extract::Asked,
    fault::Fault,
    page::{Page, Visitor, encode, ok},
    tables::{JobTable, tenants_by_name},
};
use crate::{
    app::{
        jobs::{self, JobQuery},
        projects,
    },
    auth::Action,
    center::Center,
};

/// What the list is filtered by. Unknown names are passed over: addresses get around.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    pub state: String,
    pub project: String,
    pub tenant: String,
    pub domain: String,
    pub name: String,
    pub cursor: String,
}

impl Wanted {
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

struct Choice {
    href: String,
    word: String,
    count: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct Jobs {
    page: Page,
    may_submit: bool,
    choices: Vec<Choice>,
    query: Wanted,
    projects: Vec<String>,
    tenants: Vec<(String, String)>,
    domains: Vec<&'static str>,
    table: JobTable,
    is_filtered: bool,
    newest: String,
    older: String,
}

pub async fn page(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Fault> {
    let failed = |error| visitor.fault(error);
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
        limit: None,
    };
    let found = jobs::list(&center, &visitor.caller, query).await.map_err(failed)?;
    let counts = center.read(move |tx| store::jobs::count_by_state(tx, own)).await.map_err(failed)?;
    let all: u64 = counts.values().sum();
    let of = |state: &str| counts.get(state).copied().unwrap_or(0);
    let active = of("queued") + of("running") + of("stopping");
    let states = ["queued", "running", "stopping"]
        .into_iter()
        .chain(domain::job::JobOutcome::ALL.map(domain::job::JobOutcome::code));
    let mut choices = vec![("", ui.t("all"), all), ("active", ui.t("active-jobs"), active)];
    choices
        .extend(states.filter(|s| of(s) > 0 || *s == wanted.state).map(|s| (s, ui.word("state", s), of(s))));
    let choices = choices.into_iter().map(|(state, word, count)| Choice {
        href: wanted.href(state, ""),
        word,
        count: ui.count(count),
        is_current: state == wanted.state,
    });
    let projects = {
        let seen = projects::list(&center, &visitor.caller).await.map_err(failed)?;
        let mut projects: Vec<String> = seen.into_iter().map(|project| project.slug).collect();
        projects.sort_unstable();
        projects.dedup();
        projects
    };
    let tenants = tenants_by_name(&center, &visitor).await.map_err(failed)?;
    let older = found.next_cursor.as_deref().map(|cursor| wanted.href(&wanted.state, cursor));
    let page = Jobs {
        may_submit: own.is_some() && visitor.may(&center, Action::SubmitJob, own),
        choices: choices.collect(),
        projects,
        tenants,
        domains: TenantDomain::ALL.map(TenantDomain::code).to_vec(),
        table: JobTable::of(ui, &found.items, own.is_none()),
        is_filtered: wanted.href(&wanted.state, &wanted.cursor) != "/jobs",
        newest: if wanted.cursor.is_empty() { String::new() } else { wanted.href(&wanted.state, "") },
        older: older.unwrap_or_default(),
        page: visitor.page("jobs", ui.t("nav-jobs")),
        query: wanted,
    };
    Ok(ok(&page))
}
