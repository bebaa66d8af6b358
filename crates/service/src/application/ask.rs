//! What the center's people ask of applications: listing and showing them, and saying what they think of one.

use base::{
    approval::{
        Act, Answers, Application, Deed, Judgement, Kind, Outcome, Reviewer, State, Step, Verdict,
        actions::{READ, REVIEW},
        keep,
        rows::{self, Filter},
    },
    auth::Caller,
    change::Changed,
    error::AppError,
    listing::{Listing, Total},
    lookup::Names,
    moment,
    noun::approvals,
    params,
};
use center::center::Center;
use domain::{
    ApplicationId, Millis, Rfc3339, Role, TenantDomain, Timestamp,
    problem::{Quantity, Wrong, field},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{StoreError, Tx, tenants};

use super::{
    account::{self, Standing},
    attached::{self, AttachmentView},
};
use crate::{
    onboarding::{
        rule::CODE as JOIN,
        twins::{self, Twin},
    },
    quote::ask::{self as quotes, QuoteView},
};

/// Which applications to list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ApplicationQuery {
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// One state, or `open`: those that reviewers have.
    pub state: Option<String>,
    /// Such as `join`.
    pub kind: Option<String>,
    #[param(inline, value_type = Option<TenantDomain>)]
    pub domain: Option<String>,
    /// Drawn up so many days ago or earlier.
    #[param(minimum = 0, maximum = 36500)]
    pub older_than_days: Option<u32>,
    /// Due within so many days, or late; 0: late alone.
    #[param(minimum = 0, maximum = 36500)]
    pub due_within_days: Option<u32>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ApplicationView {
    pub id: ApplicationId,
    pub number: String,
    pub kind: String,
    /// Whose it is: the name that its form asks for.
    pub title: String,
    pub domain: TenantDomain,
    pub state: State,
    /// How it was decided.
    pub outcome: Option<Outcome>,
    /// How often it was handed in.
    pub round: u32,
    /// The step whose turn it is; none where nobody reviews it.
    pub open_step: Option<Step>,
    /// Its review should be over.
    pub is_late: bool,
    pub created_at: Rfc3339,
    pub changed_at: Rfc3339,
    pub due_at: Option<Rfc3339>,
    /// When the clock ends it.
    pub expires_at: Option<Rfc3339>,
    /// The tenant that asks, or that came of it.
    pub tenant: Option<String>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ApplicationDetail {
    #[serde(flatten)]
    pub application: ApplicationView,
    /// By the names of the form's questions.
    #[schema(value_type = Object)]
    pub answers: Answers,
    /// The answers as they were granted.
    #[schema(value_type = Option<Object>)]
    pub granted: Option<Answers>,
    /// The decision's reason, as the applicant reads it.
    pub reason: String,
    pub steps: Vec<Step>,
    /// The first step, of those to come, for which the center has too few people: nobody can decide it as things stand.
    pub too_few: Option<TooFew>,
    /// Others that have its short name or credit code, as long as it is not decided.
    pub twins: Vec<Twin>,
    pub acts: Vec<ActView>,
    /// The login of the account that came of it.
    pub login: Option<String>,
    /// Whether that account has its password.
    pub has_password: bool,
    /// The quotes that are attached to it, drafts as well.
    pub quotes: Vec<QuoteView>,
    pub attachments: Vec<AttachmentView>,
}

/// A step needs more people of a role than the center has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TooFew {
    pub role: Role,
    pub needed: u32,
    /// How many of them can sign in.
    pub there: u32,
}

/// Something that was done with an application.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ActView {
    pub at: Rfc3339,
    pub deed: Deed,
    /// A login; none where a stranger or the clock did it.
    pub by: Option<String>,
    pub round: u32,
    /// From 1.
    pub step: u32,
    pub score: Option<u32>,
    /// For the applicant to read.
    pub reason: String,
    /// For the center's own people.
    pub note: String,
    #[schema(value_type = Object)]
    pub changes: Answers,
}

/// A reviewer's verdict.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVerdict {
    /// `approve`, `return`, `reject`, or `conflict`: the reviewer has an interest of their own and keeps out.
    #[schema(value_type = Verdict)]
    pub verdict: String,
    /// Where the step is decided by scores.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub score: Option<u32>,
    /// For the applicant to read. A rejection, a return and a change need one.
    #[serde(default)]
    pub reason: String,
    /// For the center's own people.
    #[serde(default)]
    pub note: String,
    /// With an approval: answers that are granted otherwise than they were asked for.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub changes: Answers,
}

/// The kind of an application.
pub fn kind_of(center: &Center, code: &str) -> Result<&'static Kind<Center>, AppError> {
    let known = approvals(center.platforms).find(|kind| kind.code == code);
    known.ok_or_else(|| AppError::internal(format!("there is no kind of application `{code}`")))
}

/// The word for the state in which reviewers have an application.
pub const OPEN: &str = "open";

/// Applications, newest first, with how many there are in all.
pub async fn list(
    center: &Center,
    caller: &Caller,
    query: ApplicationQuery,
) -> Result<Listing<ApplicationView>, AppError> {
    center.policies.check(caller, READ, None)?;
    let after = params::parse_cursor::<ApplicationId>(query.cursor.as_deref())?;
    let limit = params::page_limit(query.limit)?;
    let now = moment::now();
    let filter = filter_of(center, &query, now)?;
    let handle = center.clone();
    let read = move |tx: &Tx| {
        let page = Listing::cut(rows::list(tx, &filter, after, limit + 1)?, limit, |one| one.id.to_string());
        let mut names = Names::of(tx);
        let views = page.items.iter().map(|application| view(&handle, &mut names, application, now));
        Ok(Listing {
            items: views.collect::<Result<_, AppError>>()?,
            next_cursor: page.next_cursor,
            total: Some(Total { count: rows::count(tx, &filter)?, and_more: false }),
        })
    };
    center.try_read(read).await
}

fn filter_of(center: &Center, query: &ApplicationQuery, now: Timestamp) -> Result<Filter, AppError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (state, is_open) = match given(&query.state).as_deref() {
        None => (None, false),
        Some(OPEN) => (None, true),
        Some(text) => {
            let known: Vec<&str> = State::ALL.iter().map(|state| state.code()).chain([OPEN]).collect();
            (Some(params::word(field::STATE, text, State::from_code, &known)?), false)
        }
    };
    let kinds: Vec<&'static str> = approvals(center.platforms).map(|kind| kind.code).collect();
    let kind = given(&query.kind);
    if let Some(other) = kind.as_ref().filter(|kind| !kinds.contains(&kind.as_str())) {
        return Err(AppError::invalid(field::KIND, Wrong::unknown(other, &kinds)));
    }
    let known = TenantDomain::ALL.map(TenantDomain::code);
    let domain = given(&query.domain)
        .map(|text| params::word(field::DOMAIN, &text, TenantDomain::from_code, &known))
        .transpose()?;
    let days = |at, days: Option<u32>| match days {
        Some(days) if days > MOST_DAYS => {
            let wrong = Wrong::OutOfRange {
                of: Quantity::Number,
                given: days.into(),
                least: 0,
                most: MOST_DAYS.into(),
            };
            Err(AppError::invalid(at, wrong))
        }
        days => Ok(days.map(|days| Millis::from_hours(i64::from(days) * 24))),
    };
    Ok(Filter {
        state,
        kind,
        domain,
        until: days(field::SINCE, query.older_than_days)?.map(|age| now.minus(age)),
        due_by: days(field::UNTIL, query.due_within_days)?.map(|left| now.plus(left)),
        is_open,
    })
}

const MOST_DAYS: u32 = 36_500;

fn view(
    center: &Center,
    names: &mut Names<'_>,
    application: &Application,
    now: Timestamp,
) -> Result<ApplicationView, AppError> {
    let kind = kind_of(center, &application.kind)?;
    let title = application.answers.get(kind.title).and_then(Value::as_str).unwrap_or_default();
    Ok(ApplicationView {
        id: application.id,
        number: application.number.clone(),
        kind: application.kind.clone(),
        title: title.to_owned(),
        domain: application.domain,
        state: application.state,
        outcome: application.outcome(),
        round: application.round,
        open_step: application.open_step(),
        is_late: application.due_at.is_some_and(|due| due <= now),
        created_at: application.created_at.into(),
        changed_at: application.changed_at.into(),
        due_at: application.due_at.map(Rfc3339),
        expires_at: application.expires_at.map(Rfc3339),
        tenant: application.tenant.map(|id| names.tenant(id)).transpose()?.map(|tenant| tenant.slug),
    })
}

fn detail(
    center: &Center,
    tx: &Tx,
    application: Application,
    now: Timestamp,
) -> Result<ApplicationDetail, AppError> {
    let mut names = Names::of(tx);
    let mut acts = Vec::new();
    for act in rows::acts(tx, application.id)? {
        acts.push(act_view(&mut names, act)?);
    }
    let too_few = too_few(tx, &application)?;
    let twins = twins_of(tx, &application)?;
    let account = account::standing(tx, application.id)?;
    let (login, has_password) =
        account.map_or((None, false), |Standing { login, is_set }| (Some(login), is_set));
    let view = view(center, &mut names, &application, now)?;
    let quotes = quotes::of_application(tx, &application, true)?;
    let attachments = attached::views(tx, &application)?;
    let decision = application.decision;
    Ok(ApplicationDetail {
        application: view,
        answers: application.answers,
        reason: decision.as_ref().map(|decision| decision.reason.clone()).unwrap_or_default(),
        granted: decision.map(|decision| decision.granted).filter(|granted| !granted.is_empty()),
        steps: application.steps,
        too_few,
        twins,
        acts,
        login,
        has_password,
        quotes,
        attachments,
    })
}

/// Others that have what is asked for, by the changes that were granted so far.
fn twins_of(tx: &Tx, application: &Application) -> Result<Vec<Twin>, StoreError> {
    if application.kind != JOIN || application.decision.is_some() {
        return Ok(Vec::new());
    }
    let mut asked = application.answers.clone();
    let acts = rows::acts(tx, application.id)?.into_iter();
    asked.extend(acts.filter(|act| act.round == application.round).flat_map(|act| act.changes));
    twins::find(tx, application.id, &asked)
}

/// The first step to come that the center's people are too few for.
fn too_few(tx: &Tx, application: &Application) -> Result<Option<TooFew>, StoreError> {
    if !application.state.is_with_reviewers() {
        return Ok(None);
    }
    for step in application.steps.iter().skip(application.step as usize) {
        let there = u32::try_from(tenants::count_of_center(tx, step.role)?).unwrap_or(u32::MAX);
        if there < step.quorum {
            return Ok(Some(TooFew { role: step.role, needed: step.quorum, there }));
        }
    }
    Ok(None)
}

fn act_view(names: &mut Names<'_>, act: Act) -> Result<ActView, StoreError> {
    Ok(ActView {
        at: act.at.into(),
        deed: act.deed,
        by: act.by.map(|by| names.login(by)).transpose()?,
        round: act.round,
        step: act.step + 1,
        score: act.score,
        reason: act.reason,
        note: act.note,
        changes: act.changes,
    })
}

/// The application of that number.
pub async fn show(center: &Center, caller: &Caller, number: &str) -> Result<ApplicationDetail, AppError> {
    center.policies.check(caller, READ, None)?;
    let (number, handle) = (number.to_owned(), center.clone());
    center
        .try_read(move |tx| {
            let found =
                rows::find(tx, &number)?.ok_or_else(|| AppError::not_found("application", &number))?;
            detail(&handle, tx, found, moment::now())
        })
        .await
}

/// A reviewer's verdict. Where it is the last that is needed, what was asked for is there with it.
pub async fn judge(
    center: &Center,
    caller: &Caller,
    number: &str,
    new: NewVerdict,
) -> Result<ApplicationDetail, AppError> {
    let may = center.policies.may(caller, REVIEW, None)?;
    let known = Verdict::ALL.map(Verdict::code);
    let verdict = params::word(field::VERDICT, &new.verdict, Verdict::from_code, &known)?;
    let reviewer = Reviewer { member: caller.member.id, role: caller.member.role };
    let (number, handle) = (number.to_owned(), center.clone());
    let terms = center.common.approval.terms();
    let work = move |tx: &Tx| {
        let found = rows::find(tx, &number)?.ok_or_else(|| AppError::not_found("application", &number))?;
        let kind = kind_of(&handle, &found.kind)?;
        let judgement = Judgement {
            verdict,
            score: new.score,
            reason: new.reason.trim().to_owned(),
            note: new.note.trim().to_owned(),
            changes: kind.form.read_changes(found.domain, &new.changes)?,
        };
        let mut detail_of = json!({ "number": found.number, "verdict": verdict.code() });
        if !judgement.reason.is_empty() {
            detail_of["reason"] = json!(judgement.reason);
        }
        if !judgement.changes.is_empty() {
            let changes = judgement.changes.iter().map(|(name, value)| format!("{name}: {value}"));
            detail_of["changes"] = json!(changes.collect::<Vec<_>>());
        }
        let now = moment::now();
        let (kept, effect) = keep::judge(&handle, kind, tx, &found, (reviewer, judgement), now, &terms)?;
        detail_of["state"] = json!(kept.application.state.code());
        let shown = detail(&handle, tx, kept.application, now)?;
        Ok(Changed::new(found.id, detail_of, (shown, kept.events, effect)))
    };
    let told = center.change(may, work, |center, (_, events, effect)| {
        if let Some(effect) = effect {
            (effect.then)(center);
        }
        for event in events {
            center.tell(event.clone());
        }
    });
    Ok(told.await?.0)
}
