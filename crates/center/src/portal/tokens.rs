//! A member's own account: the password, and the tokens with which programs speak for the member.

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    moment,
    page::{
        extract::{Asked, Sent},
        form::{Choice, Form},
        frame::{Page, Visitor, render},
    },
};
use serde::Deserialize;

use crate::{
    app::{
        members::{self, MemberChange},
        sign_in::{self, TokenView},
    },
    center::Center,
    entry::door::{browser, session_cookie},
    oidc::ask::{self as identities, IdentityView},
    person::ask,
    second_factor::ask::{self as second_factor, SecondFactorView},
    session::{
        ask::{self as sessions, SessionView},
        rule::Way,
    },
};

struct TokenRow {
    token: TokenView,
    has_expired: bool,
}

#[derive(Template)]
#[template(path = "tokens.html")]
pub struct TokensPage {
    page: Page,
    login: String,
    tokens: Vec<TokenRow>,
    sessions: Vec<SessionView>,
    identities: Vec<IdentityView>,
    /// To which the account may be bound.
    issuers: Vec<Choice>,
    factor: SecondFactorView,
    days: i64,
    least_chars: usize,
    email: Form,
    told: Outcomes,
}

/// The outcome of a form of the page.
#[derive(Default)]
struct Outcomes {
    token: Form,
    password: Form,
    email: Option<Form>,
    has_new_email: bool,
    has_new_identity: bool,
    /// The token just made: its text is shown this once.
    made: Option<String>,
    has_new_password: bool,
}

/// Where a new token waits for the page that shows it once.
fn kept_for(visitor: &Visitor) -> String {
    format!("token {}", visitor.csrf)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TokensQuery {
    /// `password`, `email` or `identity` after it was changed.
    changed: String,
}

pub async fn page(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(wanted): Asked<TokensQuery>,
) -> Result<Response, AppError> {
    let has_new_password = wanted.changed == "password";
    let has_new_email = wanted.changed == "email";
    let made = center.secrets.take(&kept_for(&visitor));
    let has_new_identity = wanted.changed == "identity";
    let told = Outcomes { has_new_email, has_new_identity, made, has_new_password, ..Outcomes::default() };
    show(&center, &visitor, StatusCode::OK, told).await
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    told: Outcomes,
) -> Result<Response, AppError> {
    let own = sign_in::list_tokens(center, &visitor.caller).await?;
    let me = ask::me(center, &visitor.caller).await?;
    let email = told.email.clone().unwrap_or_else(|| Form::with(&[("email", me.email)]));
    let now = moment::now();
    let has_expired = |token: &TokenView| token.expires_at.0 <= now;
    let page = TokensPage {
        page: visitor.page("tokens", visitor.front.ui.t("nav-tokens")),
        login: visitor.caller.member.login.clone(),
        tokens: own
            .into_iter()
            .rev()
            .map(|token| TokenRow { has_expired: has_expired(&token), token })
            .collect(),
        sessions: sessions::list(center, &visitor.caller, Some(&visitor.csrf)).await?,
        identities: identities::identities(center, &visitor.caller).await?,
        issuers: center
            .issuers
            .offered(visitor.front.ui.lang)
            .into_iter()
            .map(|one| Choice::new(one.name, one.label))
            .collect(),
        factor: second_factor::show(center, &visitor.caller).await?,
        days: center.settings.limits.token_days,
        least_chars: center.settings.sign_in.password_chars,
        email,
        told,
    };
    Ok(render(status, &page))
}

/// The page with the form of the address as it was typed.
pub async fn show_email(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    show(center, visitor, status, Outcomes { email: Some(form), ..Outcomes::default() }).await
}

pub async fn make(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    match sign_in::new_token(&center, &visitor.caller, form.value("name")).await {
        Ok(made) => {
            center.secrets.put(&kept_for(&visitor), made.token);
            Ok(Redirect::to("/tokens").into_response())
        }
        Err(error) => {
            let field = |name: &str| (name == "name").then_some("name");
            let status = form.explain(visitor.front.ui, error, field)?;
            show(&center, &visitor, status, Outcomes { token: form, ..Outcomes::default() }).await
        }
    }
}

pub async fn revoke(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    sign_in::revoke_token(&center, &visitor.caller, &id).await?;
    Ok(Redirect::to("/tokens").into_response())
}

/// A new password of one's own. It ends all sessions and tokens of the old one; this browser gets a new
/// session.
pub async fn change_password(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let [old, new, again] = ["old", "new", "again"].map(|name| form.raw(name).to_owned());
    if new != again {
        form.blame_by(ui, "again", "again");
    }
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if form.is_good() {
        let id = visitor.caller.member.id.to_string();
        let change = MemberChange { password: Some(new), old_password: Some(old), ..MemberChange::default() };
        match members::change(&center, &visitor.caller, &id, change).await {
            Ok(_) => {
                let member = visitor.caller.member.clone();
                let way = visitor.front.session.as_ref().map_or(Way::Password, |session| session.way);
                let (secret, _) = sign_in::new_session(&center, member, browser(&visitor.front), way).await?;
                let age_s = center.settings.limits.session_hours.saturating_mul(3600);
                let cookie = [(header::SET_COOKIE, session_cookie(&center, &secret, age_s))];
                return Ok((cookie, Redirect::to("/tokens?changed=password")).into_response());
            }
            Err(error) => {
                let field = |name: &str| match name {
                    "password" => Some("new"),
                    "old_password" => Some("old"),
                    _ => None,
                };
                status = form.explain(ui, error, field)?;
            }
        }
    }
    show(&center, &visitor, status, Outcomes { password: form, ..Outcomes::default() }).await
}

#[cfg(test)]
mod tests {
    use base::text::Text;
    use domain::{Rfc3339, Timestamp};

    use super::*;
    use crate::{
        portal::sample::{Sample, views},
        session::ask::SignedInBy,
    };

    impl Sample for TokensPage {
        fn samples(page: &Page) -> Vec<Self> {
            let line = |last_used_at: Option<Timestamp>, has_expired: bool| TokenRow {
                token: TokenView {
                    id: views::id("tok_"),
                    name: "Laptop <1>".into(),
                    created_at: views::AT.into(),
                    expires_at: views::LATER.into(),
                    last_used_at: last_used_at.map(Rfc3339),
                },
                has_expired,
            };
            let session = |(program, is_own): (&str, bool)| SessionView {
                id: views::id("ses_"),
                tenant_slug: is_own.then(|| "univ".to_owned()),
                created_at: views::AT.into(),
                expires_at: views::LATER.into(),
                by: is_own.then(|| SignedInBy {
                    issuer: Text { zh: "大学".into(), en: "Univ".into() },
                    sid: None,
                    acr: Some("gold".into()),
                    amr: vec!["pwd".into(), "otp".into()],
                    auth_time: None,
                }),
                from: program.to_owned(),
                program: program.to_owned(),
                way: if is_own { Way::PasswordAndCode } else { Way::Password },
                is_own,
            };
            let identity = IdentityView {
                id: views::id("idn_"),
                issuer: Text { zh: "大学".into(), en: "Univ".into() },
                subject: "0<1".into(),
                email: "li@univ.example".into(),
                created_at: views::AT.into(),
                last_used_at: views::AT.into(),
            };
            let sample = |tokens: Vec<TokenRow>, told: Outcomes| Self {
                page: page.clone(),
                login: "li".into(),
                sessions: [("Firefox 128, Linux", true), ("", false)].map(session).into(),
                identities: if tokens.is_empty() { Vec::new() } else { vec![identity.clone()] },
                issuers: if tokens.is_empty() { Vec::new() } else { vec![Choice::new("univ", "Univ < A")] },
                tokens,
                factor: SecondFactorView {
                    since: told.has_new_email.then_some(Rfc3339(views::AT)),
                    recovery_codes_left: 7,
                    is_asked: false,
                },
                days: 90,
                least_chars: 10,
                email: told.email.clone().unwrap_or_default(),
                told,
            };
            let mut token = Form::with(&[("name", " ".into())]);
            token.blame_for(page.ui, "name", domain::problem::Wrong::HasNul);
            let mut password = Form::default();
            for field in ["old", "new", "again"] {
                password.blame_by(page.ui, field, "again");
            }
            let mut email = Form::with(&[("email", "li".into())]);
            email.blame_for(page.ui, "email", domain::problem::Wrong::NotAnEmail { given: "li".into() });
            vec![
                sample(
                    vec![line(Some(views::AT), false), line(None, true)],
                    Outcomes {
                        made: Some("QT_0".into()),
                        has_new_password: true,
                        has_new_email: true,
                        has_new_identity: true,
                        ..Outcomes::default()
                    },
                ),
                sample(Vec::new(), Outcomes { token, password, email: Some(email), ..Outcomes::default() }),
            ]
        }
    }
}
