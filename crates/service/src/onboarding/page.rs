//! Applying in a browser, without an account: the form, the application by its secret, and the first password.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    approval::{Answers, State as Stands},
    error::AppError,
    http::Id,
    page::{
        extract::{Asked, SentByStranger},
        form::Form,
        frame::{Front, Page, render},
        words::Ui,
    },
    params,
};
use center::center::Center;
use domain::{TenantDomain, problem::field};
use serde::Deserialize;
use serde_json::Value;

use super::{
    ask::{self, Act, Tracked},
    door::WAYS,
    rule::{CODE, FORM},
};
use crate::application::account::{self, Standing};

#[derive(Template)]
#[template(path = "onboarding/apply.html")]
pub struct ApplyPage {
    page: Page,
    ways: [&'static str; 3],
    /// The way that was chosen; empty where none was.
    way: String,
    fields: Vec<FormField>,
    applying: Form,
}

/// A field of the form.
pub struct FormField {
    name: &'static str,
    label: String,
    hint: String,
    is_long: bool,
    is_number: bool,
}

#[derive(Template)]
#[template(path = "onboarding/track.html")]
pub struct TrackPage {
    page: Page,
    found: Tracked,
    secret: String,
    fields: Vec<FormField>,
    answers: Vec<(String, String)>,
    applying: Form,
    /// What is wrong with files that were just sent.
    attaching: Form,
    is_open: bool,
    can_withdraw: bool,
}

#[derive(Template)]
#[template(path = "onboarding/account.html")]
pub struct AccountPage {
    page: Page,
    number: String,
    secret: String,
    account: Standing,
    entered: Form,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct WayQuery {
    domain: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SecretQuery {
    pub secret: String,
}

fn fields(ui: Ui, of: TenantDomain) -> Vec<FormField> {
    use base::approval::Answer;
    let field = |question: &'static base::approval::Question| {
        let name = question.field.code;
        let hint = base::page::texts::find(ui.lang, &format!("{CODE}-hint-{name}"), &[]);
        FormField {
            name,
            label: ui.word(CODE, name),
            hint: hint.unwrap_or_default(),
            is_long: question.answer == Answer::Text,
            is_number: matches!(question.answer, Answer::Number { .. }),
        }
    };
    FORM.asked(of).map(field).collect()
}

/// What was typed, by the names of the form's questions.
fn typed(form: &Form) -> Answers {
    let of_question = |question: &base::approval::Question| {
        let name = question.field.code;
        let text = form.value(name);
        (!text.is_empty()).then(|| (name.to_owned(), Value::from(text)))
    };
    FORM.questions.iter().filter_map(of_question).collect()
}

/// Says at its field what is wrong.
fn explain(form: &mut Form, ui: Ui, error: AppError) -> Result<StatusCode, AppError> {
    form.explain(ui, error, |name| {
        let known = FORM.questions.iter().map(|question| question.field.code).find(|known| *known == name);
        known.or((name == "domain").then_some("domain"))
    })
}

pub async fn apply(
    State(center): State<Center>,
    front: Front,
    Asked(query): Asked<WayQuery>,
) -> Result<Response, AppError> {
    center.limits.request(&front.from)?;
    Ok(show_form(front, StatusCode::OK, Form::with(&[("domain", query.domain)])))
}

fn show_form(front: Front, status: StatusCode, applying: Form) -> Response {
    let ui = front.ui;
    let known = TenantDomain::from_code(applying.value("domain"));
    let description = ui.t1("apply-description", "center", &front.center_name);
    let page = ApplyPage {
        page: Page { description, ..Page::new(front, "", ui.t("apply-title")) },
        ways: WAYS.map(TenantDomain::code),
        way: known.map(|domain| domain.code().to_owned()).unwrap_or_default(),
        fields: known.map(|domain| fields(ui, domain)).unwrap_or_default(),
        applying,
    };
    render(status, &page)
}

/// The act that a button stands for. Enter in a field presses none: what was typed is then kept, and no more.
fn act_of(form: &Form, known: &[Act]) -> Result<Act, AppError> {
    let text = Some(form.value("act")).filter(|text| !text.is_empty()).unwrap_or(Act::Save.code());
    let codes: Vec<&str> = known.iter().map(|act| act.code()).collect();
    params::word(field::ACTION, text, |text| Act::from_code(text).filter(|act| known.contains(act)), &codes)
}

/// The page of an application, for whoever has its secret.
pub(super) fn address(number: &str, secret: &str) -> String {
    format!("/apply/{number}?secret={}", base::http::encode(secret))
}

pub async fn draw_up(
    State(center): State<Center>,
    SentByStranger { front, mut form }: SentByStranger,
) -> Result<Response, AppError> {
    let act = act_of(&form, &[Act::Save, Act::HandIn])?;
    let answers = typed(&form);
    match ask::draw_up(&center, &front.from, form.value("domain"), &answers, act).await {
        Ok(drawn) => Ok(Redirect::to(&address(&drawn.number, &drawn.secret)).into_response()),
        Err(error) => {
            let status = explain(&mut form, front.ui, error)?;
            Ok(show_form(front, status, form))
        }
    }
}

pub async fn track(
    State(center): State<Center>,
    Id(number): Id,
    front: Front,
    Asked(query): Asked<SecretQuery>,
) -> Result<Response, AppError> {
    center.limits.request(&front.from)?;
    show_tracked(&center, front, &number, query.secret, StatusCode::OK, (None, Form::default())).await
}

pub(super) async fn show_tracked(
    center: &Center,
    front: Front,
    number: &str,
    secret: String,
    status: StatusCode,
    (sent, attaching): (Option<Form>, Form),
) -> Result<Response, AppError> {
    let ui = front.ui;
    let found = ask::track(center, &front.from, number, &secret).await?;
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let kept = || {
        let names = FORM.questions.iter().map(|question| question.field.code);
        let values: Vec<_> = names.map(|name| (name, text(found.answers.get(name)))).collect();
        Form::with(&values)
    };
    let shown = if found.granted.is_empty() { &found.answers } else { &found.granted };
    let answer = |question: &base::approval::Question| {
        (ui.word(CODE, question.field.code), text(shown.get(question.field.code)))
    };
    let page = TrackPage {
        page: Page::new(front, "", found.number.clone()),
        applying: sent.unwrap_or_else(kept),
        attaching,
        fields: fields(ui, found.domain),
        answers: FORM.asked(found.domain).map(answer).collect(),
        is_open: found.state.is_with_applicant(),
        can_withdraw: found.state.is_with_applicant() || found.state.is_with_reviewers(),
        secret,
        found,
    };
    Ok(render(status, &page))
}

pub async fn change(
    State(center): State<Center>,
    Id(number): Id,
    SentByStranger { front, mut form }: SentByStranger,
) -> Result<Response, AppError> {
    let (act, answers) = (act_of(&form, &Act::ALL)?, typed(&form));
    let secret = form.value("secret").to_owned();
    match ask::change(&center, &front.from, (&number, &secret), act, &answers).await {
        Ok(()) => Ok(Redirect::to(&address(&number, &secret)).into_response()),
        Err(error) => {
            let status = explain(&mut form, front.ui, error)?;
            show_tracked(&center, front, &number, secret, status, (Some(form), Form::default())).await
        }
    }
}

pub async fn account(
    State(center): State<Center>,
    Id(number): Id,
    front: Front,
    Asked(query): Asked<SecretQuery>,
) -> Result<Response, AppError> {
    center.limits.request(&front.from)?;
    show_account(&center, front, number, query.secret, StatusCode::OK, Form::default()).await
}

async fn show_account(
    center: &Center,
    front: Front,
    number: String,
    secret: String,
    status: StatusCode,
    entered: Form,
) -> Result<Response, AppError> {
    let account = account::look(center, &front.from, &number, &secret).await?;
    let title = front.ui.t("account-title");
    Ok(render(status, &AccountPage { page: Page::new(front, "", title), number, secret, account, entered }))
}

pub async fn set_password(
    State(center): State<Center>,
    Id(number): Id,
    SentByStranger { front, mut form }: SentByStranger,
) -> Result<Response, AppError> {
    let ui = front.ui;
    let secret = form.value("secret").to_owned();
    if form.raw("password") != form.raw("again") {
        form.blame("again", ui.t("account-differ"));
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return show_account(&center, front, number, secret, status, form).await;
    }
    let password = form.raw("password").to_owned();
    match account::set_password(&center, &front.from, (&number, &secret), password).await {
        Ok(()) => Ok(Redirect::to("/sign-in").into_response()),
        Err(error) => {
            let status = form.explain(ui, error, |name| (name == "password").then_some("password"))?;
            show_account(&center, front, number, secret, status, form).await
        }
    }
}

impl TrackPage {
    fn is_returned(&self) -> bool {
        self.found.state == Stands::Returned
    }
}

#[cfg(test)]
mod samples {
    use base::approval::{Deed, Outcome};
    use domain::{Timestamp, contract::ContractKindName, quote::QuoteState};

    use super::*;
    use crate::{application::samples::attachments, quote::samples::quote};

    impl ApplyPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let sample = |way: &str, applying| Self {
                page: Page { description: "How one applies".into(), ..page.clone() },
                ways: WAYS.map(TenantDomain::code),
                way: way.into(),
                fields: TenantDomain::from_code(way)
                    .map(|domain| fields(page.ui, domain))
                    .unwrap_or_default(),
                applying,
            };
            let mut wrong = Form::with(&[("contact", "<Li>".into())]);
            wrong.blame("email", page.t("account-differ"));
            vec![sample("", Form::default()), sample("research", wrong)]
        }
    }

    impl TrackPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let at = Timestamp::from_secs(1_790_000_000).into();
            let sample = |state: Stands, outcome, account: Option<bool>| Self {
                page: page.clone(),
                found: Tracked {
                    number: "A-2026-000017".into(),
                    domain: TenantDomain::Research,
                    state,
                    outcome,
                    answers: Answers::new(),
                    granted: Answers::new(),
                    reason: if state == Stands::Submitted { String::new() } else { "which <cards>?".into() },
                    due_at: state.is_with_reviewers().then_some(at),
                    expires_at: state.is_with_applicant().then_some(at),
                    deeds: Deed::ALL.map(|deed| (at, deed)).to_vec(),
                    account: account.map(|is_set| Standing { login: "univ-admin".into(), is_set }),
                    quotes: if state == Stands::Submitted {
                        vec![quote(QuoteState::Sent, ContractKindName::Prepaid, 0)]
                    } else {
                        Vec::new()
                    },
                    attachments: attachments(),
                },
                secret: "s3cret".into(),
                fields: fields(page.ui, TenantDomain::Research),
                answers: vec![(page.ui.word(CODE, "contact"), "<Li>".into())],
                applying: Form::default(),
                attaching: Form::default(),
                is_open: state.is_with_applicant(),
                can_withdraw: state.is_with_applicant() || state.is_with_reviewers(),
            };
            vec![
                sample(Stands::Draft, None, None),
                sample(Stands::Returned, None, None),
                sample(Stands::Submitted, None, None),
                sample(Stands::Effected, Some(Outcome::Approved), Some(false)),
                sample(Stands::Effected, Some(Outcome::Approved), Some(true)),
                sample(Stands::Decided, Some(Outcome::Rejected), None),
            ]
        }
    }

    impl AccountPage {
        pub fn samples(page: &Page) -> Vec<Self> {
            let mut wrong = Form::default();
            wrong.blame("again", page.t("account-differ"));
            let sample = |is_set, entered| Self {
                page: page.clone(),
                number: "A-2026-000017".into(),
                secret: "s3cret".into(),
                account: Standing { login: "univ-admin".into(), is_set },
                entered,
            };
            vec![sample(false, wrong), sample(true, Form::default())]
        }
    }
}
