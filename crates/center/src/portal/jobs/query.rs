//! The filters of the list of jobs, from its address, so that a list can be handed around.

use base::{error::AppError, http::encode, page::form::Form, params};
use domain::{Zone, problem::field};
use serde::Deserialize;

use crate::app::jobs::{JobQuery, JobsWanted};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    pub state: String,
    pub project: String,
    pub tenant: String,
    pub domain: String,
    pub member: String,
    pub pool: String,
    pub class: String,
    /// Days, both of them in it.
    pub from: String,
    pub to: String,
    pub name: String,
    pub sort: String,
    pub cursor: String,
    /// How many jobs were cancelled before the list was shown.
    pub cancelled: Option<u64>,
}

impl ListQuery {
    /// The filters that a form sent.
    pub fn of(form: &Form) -> Self {
        let text = |name: &str| form.value(name).to_owned();
        Self {
            state: text("state"),
            project: text("project"),
            tenant: text("tenant"),
            domain: text("domain"),
            member: text("member"),
            pool: text("pool"),
            class: text("class"),
            from: text("from"),
            to: text("to"),
            name: text("name"),
            ..Self::default()
        }
    }

    /// The filters that are given, by name.
    pub fn filters(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("state", &self.state),
            ("project", &self.project),
            ("tenant", &self.tenant),
            ("domain", &self.domain),
            ("member", &self.member),
            ("pool", &self.pool),
            ("class", &self.class),
            ("from", &self.from),
            ("to", &self.to),
            ("name", &self.name),
        ];
        all.into_iter()
            .map(|(name, value)| (name, value.trim()))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// The address of these jobs at `path`, with more that is said in it.
    pub fn href(&self, path: &str, more: &[(&'static str, &str)]) -> String {
        let all = self.filters().into_iter().chain(more.iter().copied());
        let given: Vec<String> = all
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
    }

    /// The same jobs in one state.
    pub fn in_state(&self, state: &str) -> Self {
        Self { state: state.to_owned(), ..self.clone() }
    }

    /// The jobs that are meant, as the center is asked for them.
    pub fn wanted(&self, zone: &Zone) -> Result<JobsWanted, AppError> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let since = params::day(zone, field::FROM, &self.from)?;
        let until = params::day(zone, field::TO, &self.to)?.map(|at| zone.day_begins(zone.day(at) + 1));
        Ok(JobsWanted {
            state: some(&self.state),
            project: some(&self.project),
            tenant: some(&self.tenant),
            domain: some(&self.domain),
            member: some(&self.member),
            mine: None,
            pool: some(&self.pool),
            service_class: some(&self.class),
            since: since.map(|at| at.to_string()),
            until: until.map(|at| at.to_string()),
            name: some(&self.name),
        })
    }

    pub fn page(&self, zone: &Zone) -> Result<JobQuery, AppError> {
        let JobsWanted {
            state,
            project,
            tenant,
            domain,
            member,
            mine,
            pool,
            service_class,
            since,
            until,
            name,
        } = self.wanted(zone)?;
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Ok(JobQuery {
            id: None,
            state,
            project,
            tenant,
            domain,
            member,
            mine,
            pool,
            service_class,
            since,
            until,
            name,
            sort: some(&self.sort),
            cursor: some(&self.cursor),
            limit: None,
            total: Some(true),
            format: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_the_filter_and_days_are_both_in() {
        let query = ListQuery {
            name: "a b".into(),
            from: "2026-05-20".into(),
            to: "2026-05-20".into(),
            ..ListQuery::default()
        };
        assert_eq!(
            query.href("/jobs", &[("sort", "-name")]),
            "/jobs?from=2026-05-20&to=2026-05-20&name=a%20b&sort=-name"
        );
        let wanted = query.wanted(&Zone::default()).unwrap();
        assert_eq!(wanted.since.as_deref(), Some("2026-05-19T16:00:00.000Z"));
        assert_eq!(wanted.until.as_deref(), Some("2026-05-20T16:00:00.000Z"));
        assert!(ListQuery { from: "soon".into(), ..query }.wanted(&Zone::default()).is_err());
        assert_eq!(ListQuery::default().href("/jobs", &[]), "/jobs");
    }
}
