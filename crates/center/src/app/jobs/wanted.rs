//! The jobs that a request asks for, by their state, owner, place and time.

use domain::{
    JobStatus, PoolId, ServiceClass, TenantDomain, TenantId, Timestamp, Zone,
    problem::{Field, Wrong, field},
};
use serde::Deserialize;
use store::{Tx, jobs::JobFilter, pools, tenants};

use crate::app::statements::Format;
use base::{auth::Caller, error::AppError, params};

/// Which jobs are meant: those that match all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JobsWanted {
    /// A state or several, with commas between them; `active` for all that have not ended, `ended` for all others.
    pub state: Option<String>,
    /// A project's short name.
    pub project: Option<String>,
    /// A tenant's short name; for the center's people.
    pub tenant: Option<String>,
    /// `research`, `enterprise` or `government`; for the center's people.
    pub domain: Option<String>,
    /// The login of the member who submitted them.
    pub member: Option<String>,
    /// Only those that you submitted.
    pub mine: Option<bool>,
    /// A pool's name: jobs with runs in it, and waiting ones that may start there.
    pub pool: Option<String>,
    /// `urgent`, `normal` or `spot`.
    pub service_class: Option<String>,
    /// Submitted at this instant or later.
    pub since: Option<String>,
    /// Submitted before this instant.
    pub until: Option<String>,
    /// Part of a name.
    pub name: Option<String>,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct JobQuery {
    /// Digits from the beginning or the end of an id, four at least: finds ten jobs at most, by nothing else.
    pub id: Option<String>,
    /// A state or several, with commas between them; `active` for all that have not ended, `ended` for all others.
    pub state: Option<String>,
    /// A project's short name.
    pub project: Option<String>,
    /// A tenant's short name; for the center's people.
    pub tenant: Option<String>,
    /// `research`, `enterprise` or `government`; for the center's people.
    #[param(inline, value_type = Option<TenantDomain>)]
    pub domain: Option<String>,
    /// The login of the member who submitted them.
    pub member: Option<String>,
    /// Only those that you submitted.
    pub mine: Option<bool>,
    /// A pool's name: jobs with runs in it, and waiting ones that may start there.
    pub pool: Option<String>,
    /// `urgent`, `normal` or `spot`.
    #[param(inline, value_type = Option<ServiceClass>)]
    pub service_class: Option<String>,
    /// Submitted at this instant or later.
    #[param(inline, value_type = Option<domain::schema::InstantOrNone>)]
    pub since: Option<String>,
    /// Submitted before this instant.
    #[param(inline, value_type = Option<domain::schema::InstantOrNone>)]
    pub until: Option<String>,
    /// Part of a name.
    pub name: Option<String>,
    /// `submitted`, `name`, `state`, `cards`, `duration` or `charge`, with `-` before it from the most on; the newest
    /// first where left out. Of more than 10,000 jobs the newest are sorted.
    pub sort: Option<String>,
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// Also say how many there are on all pages.
    pub total: Option<bool>,
    /// `json` (as left out) for a page, or `csv` for a table of all, newest first.
    pub format: Option<String>,
}

impl JobQuery {
    /// The form of the answer.
    pub fn format(&self) -> Result<Format, AppError> {
        let given = self.format.as_deref().filter(|text| !text.is_empty());
        let read =
            |text| params::word(field::FORMAT, text, Format::from_code, &Format::ALL.map(Format::code));
        Ok(given.map(read).transpose()?.unwrap_or(Format::Json))
    }

    pub fn wanted(self) -> JobsWanted {
        let Self {
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
            ..
        } = self;
        JobsWanted { state, project, tenant, domain, member, mine, pool, service_class, since, until, name }
    }
}

/// What is wanted, with its words read; its names are still to be looked up.
pub struct Asked {
    /// Whose jobs the caller may see.
    scope: Option<TenantId>,
    tenant: Option<String>,
    project: Option<String>,
    member: Option<String>,
    pool: Option<String>,
    filter: JobFilter,
}

const ACTIVE: &str = "active";
const ENDED: &str = "ended";
/// As people say it who read English; the state's own word is `queued`.
const WAITING: &str = "waiting";

impl Asked {
    /// Reads all words, and tells of all that are wrong at once.
    pub fn of(caller: &Caller, zone: &Zone, wanted: JobsWanted) -> Result<Self, AppError> {
        let scope = caller.scope()?.tenant();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut problems = Vec::new();
        let mut checked = |result: Result<(), AppError>| match result {
            Err(AppError::Invalid(more)) => {
                problems.extend(more);
                Ok(())
            }
            other => other,
        };
        let mut filter =
            JobFilter { tenant: scope, name_contains: given(wanted.name), ..JobFilter::default() };
        checked(states(given(wanted.state).as_deref()).map(|states| filter.states = states))?;
        let domain =
            word(field::DOMAIN, given(wanted.domain), TenantDomain::from_code, &codes(&TenantDomain::ALL));
        checked(domain.map(|domain| filter.domain = domain))?;
        let class = word(
            field::SERVICE_CLASS,
            given(wanted.service_class),
            ServiceClass::from_code,
            &codes(&ServiceClass::ALL),
        );
        checked(class.map(|class| filter.class = class))?;
        let instant = |field, text: Option<String>| -> Result<Option<Timestamp>, AppError> {
            given(text).map(|text| params::parse_instant(zone, field, &text)).transpose()
        };
        checked(instant(field::SINCE, wanted.since).map(|since| filter.since = since))?;
        checked(instant(field::UNTIL, wanted.until).map(|until| filter.until = until))?;
        if filter.since.zip(filter.until).is_some_and(|(since, until)| since > until) {
            checked(Err(AppError::invalid(field::SINCE, Wrong::AfterEnd { end: field::UNTIL })))?;
        }
        let member = given(wanted.member);
        if wanted.mine == Some(true) {
            filter.submitted_by = Some(caller.member.id);
            if member.is_some() {
                checked(Err(AppError::invalid(field::MEMBER, Wrong::NotBeside { other: field::MINE })))?;
            }
        }
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let (tenant, project, pool) = (given(wanted.tenant), given(wanted.project), given(wanted.pool));
        Ok(Self { scope, tenant, project, member, pool, filter })
    }

    /// Looks the names up. A name that the caller may not see is refused as one that nothing has.
    pub fn filter(self, tx: &Tx) -> Result<JobFilter, AppError> {
        let Self { scope, tenant, project, member, pool, mut filter } = self;
        let no_such = |field: Field, given: String| AppError::invalid(field, Wrong::NoSuch { given });
        if let Some(slug) = tenant {
            let found = tenants::find_tenant(tx, &slug)?;
            let found = found.filter(|found| scope.is_none_or(|own| own == found.id));
            filter.tenant = Some(found.ok_or_else(|| no_such(field::TENANT, slug))?.id);
        }
        if let Some(slug) = project {
            let all = tenants::list_projects(tx, filter.tenant)?.into_iter();
            filter.projects = all.filter(|project| project.slug == slug).map(|project| project.id).collect();
            if filter.projects.is_empty() {
                return Err(no_such(field::PROJECT, slug));
            }
        }
        if let Some(login) = member {
            let person = tenants::find_login(tx, &login)?.map(|(person, _)| person.id);
            let members = person.map(|id| tenants::memberships_of(tx, id)).transpose()?.unwrap_or_default();
            let of = scope.or(filter.tenant);
            let mut members =
                members.into_iter().filter(|member| of.is_none_or(|tenant| member.tenant == Some(tenant)));
            let found = members.next().ok_or_else(|| no_such(field::MEMBER, login))?;
            if members.next().is_some() {
                // Of which tenant's jobs, of a person who has several.
                return Err(AppError::invalid(field::TENANT, Wrong::TenantNotNamed));
            }
            filter.submitted_by = Some(found.id);
        }
        if let Some(name) = pool {
            let found: Option<PoolId> = pools::find_pool(tx, &name)?.map(|pool| pool.id);
            filter.pool = Some(found.ok_or_else(|| no_such(field::POOL, name))?);
        }
        Ok(filter)
    }
}

fn codes<T: domain::code::Code>(all: &[T]) -> Vec<&'static str> {
    all.iter().map(|each| each.code()).collect()
}

fn word<T>(
    field: Field,
    text: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
    known: &[&'static str],
) -> Result<Option<T>, AppError> {
    text.map(|text| params::word(field, &text, parse, known)).transpose()
}

/// The states of a list of words; none where nothing is said.
fn states(text: Option<&str>) -> Result<std::collections::BTreeSet<JobStatus>, AppError> {
    let Some(text) = text else { return Ok(std::collections::BTreeSet::new()) };
    let known: Vec<&str> =
        [ACTIVE, ENDED, WAITING].into_iter().chain(JobStatus::ALL.map(JobStatus::code)).collect();
    let named = |word: &str| -> Option<Vec<JobStatus>> {
        let those = |has_ended: bool| {
            JobStatus::ALL.into_iter().filter(move |state| state.has_ended() == has_ended).collect()
        };
        match word {
            ACTIVE => Some(those(false)),
            ENDED => Some(those(true)),
            WAITING => Some(vec![JobStatus::Queued]),
            word => JobStatus::from_code(word).map(|state| vec![state]),
        }
    };
    let read = text.split(',').map(|word| params::word(field::STATE, word.trim(), named, &known));
    Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_with_commas_between_them() {
        let of = |text: &str| states(Some(text)).map(|states| states.into_iter().collect::<Vec<_>>());
        assert_eq!(of("queued, failed").unwrap(), [JobStatus::Queued, JobStatus::Failed]);
        assert_eq!(of("active").unwrap(), [JobStatus::Queued, JobStatus::Running, JobStatus::Stopping]);
        assert_eq!(of("ended").unwrap().len(), JobStatus::ALL.len() - 3);
        assert!(states(None).unwrap().is_empty());
        for wrong in ["asleep", "queued,", ",", "queued;failed"] {
            assert!(matches!(of(wrong), Err(AppError::Invalid(_))), "{wrong}");
        }
    }
}
