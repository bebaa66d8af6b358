//! The desk: all applications, and one with its history and the verdict on it.

use askama::Template;
use axum::{
    extract::State as Handle,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    approval::{
        Answers, Deed, Form as Questions, State,
        actions::{MAKE_LINK, REVIEW},
    },
    error::{AppError, Unreadable},
    http::{Id, encode},
    noun::approvals,
    page::{
        extract::{Asked, Sent},
        form::{Choice, Form},
        frame::{Page, Visitor, render},
        texts,
        words::Ui,
    },
};
use center::{center::Center, portal::address};
use domain::{TenantDomain, problem::Place};
use serde::Deserialize;
use serde_json::Value;

use super::{
    account::{self, Standing},
    ask::{self, ActView, ApplicationDetail, ApplicationQuery, ApplicationView, NewVerdict, OPEN, TooFew},
    attached::AttachmentView,
};
use crate::{
    onboarding::{self, twins::Twin},
    quote::{
        ask::QuoteView,
        rule::{MANAGE, takes_quotes},
    },
};

#[derive(Template)]
#[template(path = "application/list.html")]
pub struct ApplicationsPage {
    page: Page,
    applications: Vec<ApplicationView>,
    query: ApplicationsQuery,
    states: Vec<Choice>,
    kinds: Vec<Choice>,
    domains: Vec<Choice>,
    dues: Vec<Choice>,
    ages: Vec<Choice>,
    is_filtered: bool,
    shown: String,
    newest: String,
    older: String,
}

/// As a browser asks: empty where nothing is narrowed down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ApplicationsQuery {
    cursor: String,
    state: String,
    kind: String,
    domain: String,
    due: String,
    age: String,
}

/// An answer as it reads: the question, what was asked for, and what was granted where that differs.
pub struct AnswerLine {
    name: &'static str,
    question: String,
    given: String,
    granted: String,
}

/// Another that has an answer: the question, who it is, and the page of it.
pub struct TwinLine {
    question: String,
    who: String,
    href: String,
}

#[derive(Template)]
#[template(path = "application/show.html")]
#[allow(clippy::struct_excessive_bools, reason = "each is the answer to a question of its own")]
pub struct ApplicationPage {
    page: Page,
    application: ApplicationView,
    reason: String,
    lines: Vec<AnswerLine>,
    acts: Vec<ActView>,
    path: Vec<String>,
    /// Why nobody can decide it as things stand; empty where they can.
    too_few: String,
    /// Others that have its short name or its credit code.
    twins: Vec<TwinLine>,
    may_judge: bool,
    is_scored: bool,
    verdict: Form,
    /// The account that came of it, where there is one.
    account: Option<Standing>,
    may_make_link: bool,
    /// The link that was just made.
    link: String,
    quotes: Vec<QuoteView>,
    may_quote: bool,
    attachments: Vec<AttachmentView>,
}

/// Where a link waits for the page that shows it once: the page of this application, in this session.
fn kept_for(visitor: &Visitor, number: &str) -> String {
    format!("account {number} {}", visitor.csrf)
}

pub async fn list(
    Handle(center): Handle<Center>,
    Asked(query): Asked<ApplicationsQuery>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let days = |name: &str, given: &str| match given {
        "" => Ok(None),
        given => given.parse().map(Some).map_err(|_| AppError::Unreadable {
            part: Unreadable::Query,
            message: format!("`{name}` is no number of days: {given}"),
        }),
    };
    let asked = ApplicationQuery {
        cursor: text(&query.cursor),
        limit: None,
        state: text(&query.state),
        kind: text(&query.kind),
        domain: text(&query.domain),
        older_than_days: days("age", &query.age)?,
        due_within_days: days("due", &query.due)?,
    };
    let found = ask::list(&center, &visitor.caller, asked).await?;
    let fields = [
        ("state", &query.state),
        ("kind", &query.kind),
        ("domain", &query.domain),
        ("due", &query.due),
        ("age", &query.age),
    ];
    let kept: Vec<String> = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let at = |more: Option<String>| {
        let all: Vec<String> = kept.iter().cloned().chain(more).collect();
        if all.is_empty() { "/applications".to_owned() } else { format!("/applications?{}", all.join("&")) }
    };
    let page = ApplicationsPage {
        page: visitor.page("applications", ui.t("nav-applications")),
        states: states(ui),
        kinds: approvals(center.platforms)
            .map(|kind| Choice::new(kind.code, ui.word("application-kind", kind.code)))
            .collect(),
        domains: TenantDomain::ALL
            .map(|domain| Choice::new(domain.code(), ui.word("domain", domain.code())))
            .into(),
        dues: days_choices(ui, "application-due-in", &[0, 3, 7]),
        ages: days_choices(ui, "application-older", &[7, 14, 30]),
        is_filtered: !kept.is_empty(),
        shown: ui.shown_of(found.items.len(), found.total),
        newest: if query.cursor.is_empty() { String::new() } else { at(None) },
        older: found
            .next_cursor
            .map(|next| at(Some(format!("cursor={}", encode(&next)))))
            .unwrap_or_default(),
        applications: found.items,
        query,
    };
    Ok(render(StatusCode::OK, &page))
}

fn states(ui: Ui) -> Vec<Choice> {
    let open = Choice::new(OPEN, ui.t("application-open"));
    let of_state = |state: State| Choice::new(state.code(), ui.word("application-state", state.code()));
    std::iter::once(open).chain(State::ALL.map(of_state)).collect()
}

fn days_choices(ui: Ui, key: &str, days: &[u32]) -> Vec<Choice> {
    days.iter().map(|days| Choice::new(days.to_string(), ui.t1(key, "n", days))).collect()
}

pub async fn show(
    Handle(center): Handle<Center>,
    Id(number): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let link = center.secrets.take(&kept_for(&visitor, &number)).unwrap_or_default();
    show_one(&center, &visitor, &number, StatusCode::OK, (Form::default(), link)).await
}

async fn show_one(
    center: &Center,
    visitor: &Visitor,
    number: &str,
    status: StatusCode,
    (verdict, link): (Form, String),
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let found = ask::show(center, &visitor.caller, number).await?;
    let kind = ask::kind_of(center, &found.application.kind)?;
    let lines = lines(ui, &found, kind.code, &kind.form);
    let ApplicationDetail {
        application,
        reason,
        steps,
        too_few,
        twins,
        acts,
        login,
        has_password,
        quotes,
        attachments,
        ..
    } = found;
    let role = visitor.caller.member.role;
    let own = visitor.caller.member.login.as_str();
    let has_spoken = acts.iter().any(|act| {
        let is_own = act.by.as_deref() == Some(own);
        is_own && (act.deed == Deed::Conflict || (act.deed.is_verdict() && act.round == application.round))
    });
    let is_turn = application.open_step.is_some_and(|step| step.role == role);
    let is_scored = application.open_step.is_some_and(|step| step.least_average.is_some());
    let page = ApplicationPage {
        page: visitor.page("applications", application.number.clone()),
        may_judge: visitor.may(center, REVIEW, None) && is_turn && !has_spoken,
        may_make_link: visitor.may(center, MAKE_LINK, None) && login.is_some() && !has_password,
        may_quote: visitor.may(center, MANAGE, None)
            && application.kind == onboarding::rule::CODE
            && (application.tenant.is_some() || takes_quotes(application.state, application.outcome)),
        quotes,
        attachments,
        is_scored,
        path: steps.iter().map(|step| step_text(ui, *step)).collect(),
        too_few: too_few.map(|few| few_text(ui, few)).unwrap_or_default(),
        twins: twins.into_iter().map(|twin| twin_line(ui, kind.code, twin)).collect(),
        lines,
        application,
        reason,
        acts,
        verdict,
        account: login.map(|login| Standing { login, is_set: has_password }),
        link,
    };
    Ok(render(status, &page))
}

/// A step in words.
pub fn step_text(ui: Ui, step: base::approval::Step) -> String {
    let role = ui.word("role", step.role.code());
    match (step.least_average, step.most()) {
        (Some(least), _) => format!("{role} · {}", ui.t2("step-average", step.quorum, least)),
        (None, 1) => role,
        (None, most) => format!("{role} · {}", ui.t2("step-quorum", step.quorum, most)),
    }
}

fn twin_line(ui: Ui, kind: &str, twin: Twin) -> TwinLine {
    let question = ui.word(kind, &twin.question);
    let (key, name, page) = match twin {
        Twin { application: Some(number), .. } => ("application-twin", number, "/applications/"),
        Twin { tenant: Some(slug), .. } => ("application-twin-tenant", slug, "/tenants/"),
        Twin { login, .. } => ("application-twin-login", login.unwrap_or_default(), ""),
    };
    let href = if page.is_empty() { String::new() } else { format!("{page}{name}") };
    TwinLine { question, who: ui.t1(key, "name", name), href }
}

fn few_text(ui: Ui, TooFew { role, needed, there }: TooFew) -> String {
    let [needed, there] = [needed, there].map(|number| number.to_string());
    let values = [("role", &*ui.word("role", role.code())), ("needed", &needed), ("there", &there)];
    texts::text(ui.lang, "application-too-few", &values)
}

/// An answer as text.
pub fn plain(ui: Ui, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => ui.count(number),
        Some(other) => other.to_string(),
    }
}

fn lines(ui: Ui, found: &ApplicationDetail, kind: &str, form: &Questions) -> Vec<AnswerLine> {
    let line = |name: &'static str| {
        // Answers that are one of several codes are said in words.
        let family = format!("{kind}-{name}");
        let said = |answer: Option<&Value>| ui.word(&family, plain(ui, answer));
        let given = said(found.answers.get(name));
        let granted = found.granted.as_ref().map(|granted| said(granted.get(name)));
        AnswerLine {
            name,
            question: ui.word(kind, name),
            granted: granted.filter(|granted| *granted != given).unwrap_or_default(),
            given,
        }
    };
    form.asked(found.application.domain).map(|question| line(question.field.code)).collect()
}

pub async fn judge(
    Handle(center): Handle<Center>,
    headers: HeaderMap,
    Id(number): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let score = form.number_or_none(ui, "score", 0..=100);
    if !form.is_good() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return show_one(&center, &visitor, &number, status, (form, String::new())).await;
    }
    let typed = form.fields().iter().filter(|(_, value)| !value.trim().is_empty());
    let granted = typed.filter_map(|(name, value)| Some((name.strip_prefix("grant-")?, value)));
    let changes: Answers =
        granted.map(|(name, value)| (name.to_owned(), Value::from(value.trim()))).collect();
    let new = NewVerdict {
        verdict: form.value("verdict").to_owned(),
        score,
        reason: form.value("reason").to_owned(),
        note: form.value("note").to_owned(),
        changes,
    };
    match ask::judge(&center, &visitor.caller, &number, new).await {
        Ok(found) => {
            // The link is made with the decision, for the reviewer to hand on.
            if found.login.is_some() && !found.has_password {
                match account::make_link(&center, &visitor.caller, &number).await {
                    Ok(link) => keep_link(&center, &visitor, &headers, &number, &link.path),
                    // The verdict stands, and the page has a button that makes the link.
                    Err(error) => {
                        tracing::warn!(%number, ?error, "the link of a first password was not made");
                    }
                }
            }
            Ok(Redirect::to(&format!("/applications/{number}")).into_response())
        }
        Err(error) => {
            let error = blame_grants(&mut form, ui, error);
            let status = form.explain(ui, error, |name| match name {
                "reason" => Some("reason"),
                "note" => Some("note"),
                "score" => Some("score"),
                _ => None,
            })?;
            show_one(&center, &visitor, &number, status, (form, String::new())).await
        }
    }
}

/// Says at the field of an answer what is wrong with it as it was to be granted. What is left belongs to no answer.
fn blame_grants(form: &mut Form, ui: Ui, error: AppError) -> AppError {
    let AppError::Invalid(problems) = error else { return error };
    let own = ["reason", "note", "score", "changes", "verdict"];
    let (rest, granted): (Vec<_>, Vec<_>) = problems.into_iter().partition(|problem| match &problem.place {
        Place::Field(field) => own.contains(&field.code),
        _ => true,
    });
    for problem in granted {
        if let Place::Field(field) = problem.place {
            form.blame_for(ui, &format!("grant-{}", field.code), problem.wrong);
        }
    }
    AppError::Invalid(rest)
}

/// Keeps the whole address of a link for the page that shows it once.
fn keep_link(center: &Center, visitor: &Visitor, headers: &HeaderMap, number: &str, path: &str) {
    center.secrets.put(&kept_for(visitor, number), address::whole(center, headers, path));
}

pub async fn make_link(
    Handle(center): Handle<Center>,
    headers: HeaderMap,
    Id(number): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    let link = account::make_link(&center, &visitor.caller, &number).await?;
    keep_link(&center, &visitor, &headers, &number, &link.path);
    Ok(Redirect::to(&format!("/applications/{number}")).into_response())
}

#[cfg(test)]
#[path = "samples.rs"]
pub(crate) mod samples;
