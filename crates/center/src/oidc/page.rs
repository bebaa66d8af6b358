//! Signing in by an issuer in a browser.
//!
//! A form may lead to this center's own pages alone (`form-action`), whatever it is redirected to. So whoever is to go
//! elsewhere after a form is shown a page that goes on by itself.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    auth::credentials::SESSION_COOKIE,
    error::AppError,
    http::{Id, cookie},
    page::{
        carried::own_address,
        extract::{Asked, Sent},
        form::{Choice, Form},
        frame::{Front, Page, Visitor, ok, render},
    },
};
use serde::Deserialize;

use super::{
    ask::{self, NewPlace, PendingView, Returned},
    enter::{self, Entered},
    issuers::{FLOW_MINUTES, Purpose},
    onward::{taken, way_to},
};
use crate::{
    app::sign_in,
    center::Center,
    entry::{
        door,
        state::{Half, Onward},
    },
    portal::tenants::tenants_by_name,
    role::rule::least_first,
    second_factor::code,
};

/// The cookie by which a browser is known that comes back from an issuer.
const COOKIE: &str = "oidc";

fn flow_cookie(center: &Center, secret: &str) -> String {
    let secure = if center.settings.has_secure_cookies() { "; Secure" } else { "" };
    let age_s = FLOW_MINUTES * 60;
    format!("{COOKIE}={secret}; Path=/sign-in/oidc; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}")
}

/// A page that leads elsewhere by itself.
#[derive(Template)]
#[template(path = "oidc/onward.html")]
pub struct OnwardPage {
    page: Page,
    href: String,
    why: String,
}

fn onward(front: Front, href: String, why: &str) -> Response {
    let (title, why) = (front.ui.t("onward"), front.ui.t(why));
    let refresh = HeaderValue::from_str(&format!("0;url={href}"));
    let mut response = ok(&OnwardPage { page: Page::new(front, "", title), href, why });
    if let Ok(refresh) = refresh {
        response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    }
    response
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BeginQuery {
    /// The page to go on to.
    next: String,
    /// The last part of the link of an invitation.
    join: String,
}

/// Sends a browser to an issuer.
pub async fn begin(
    State(center): State<Center>,
    Id(name): Id,
    headers: HeaderMap,
    front: Front,
    Asked(query): Asked<BeginQuery>,
) -> Result<Response, AppError> {
    let next = own_address(&query.next).unwrap_or_else(|| "/".to_owned());
    let purpose = if query.join.is_empty() {
        if front.session.is_some() {
            return Ok(Redirect::to(&next).into_response());
        }
        Purpose::SignIn { next }
    } else {
        Purpose::Join { token: query.join }
    };
    let (url, secret) = ask::begin(&center, &name, purpose, &front.from, cookie(&headers, COOKIE)).await?;
    Ok(([(header::SET_COOKIE, flow_cookie(&center, &secret))], Redirect::to(&url)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EmailQuery {
    email: String,
    next: String,
}

/// Finds the issuer of whoever has that address, and goes there.
pub async fn by_email(
    State(center): State<Center>,
    front: Front,
    Asked(query): Asked<EmailQuery>,
) -> Response {
    let next = own_address(&query.next).unwrap_or_default();
    match center.issuers.for_email(&query.email) {
        Some(issuer) => {
            let href = match &*next {
                "" => format!("/sign-in/oidc/{}", issuer.settings.name),
                next => format!(
                    "/sign-in/oidc/{}?next={}",
                    issuer.settings.name,
                    base::page::carried::escaped(next)
                ),
            };
            onward(front, href, "onward-sign-in")
        }
        None => Redirect::to("/sign-in?issuer=none").into_response(),
    }
}

/// A browser that comes back.
pub async fn callback(
    State(center): State<Center>,
    Id(name): Id,
    headers: HeaderMap,
    front: Front,
    Asked(returned): Asked<Returned>,
) -> Result<Response, AppError> {
    let (issuer, flow, told) = ask::returned(&center, &name, returned, cookie(&headers, COOKIE)).await?;
    let session = front.session.clone();
    let entered = enter::finish(&center, &issuer, flow, told, &front.from, session.as_ref()).await?;
    if matches!(entered, Entered::In { .. } | Entered::Code { .. })
        && let Some(secret) = cookie(&headers, SESSION_COOKIE)
    {
        // The session of before, if there is one, is of another member.
        sign_in::end_session(&center, secret).await?;
    }
    let onward = |next| Onward { carried: None, next: Some(next) };
    match entered {
        Entered::In { member, way, by, next } => {
            door::enter_by(&center, &front, member, (way, Some(by)), onward(next)).await
        }
        Entered::Code { member, by, next } => {
            let (person, login) = (member.person, member.login);
            Ok(code::ask_code(&center, Half { person, login, by: Some(by), onward: onward(next), wrong: 0 }))
        }
        Entered::Linked => Ok(Redirect::to("/tokens?changed=identity#identities").into_response()),
        Entered::Pending { login } => {
            let title = front.ui.t("pending-title");
            let issuer = issuer.label(front.ui.lang).to_owned();
            Ok(render(
                StatusCode::FORBIDDEN,
                &NoPlacePage { page: Page::new(front, "", title), login, issuer },
            ))
        }
    }
}

/// The page for whoever has no place yet.
#[derive(Template)]
#[template(path = "oidc/no_place.html")]
pub struct NoPlacePage {
    page: Page,
    login: String,
    issuer: String,
}

/// Leads on, once.
pub async fn onward_page(State(center): State<Center>, Id(key): Id, front: Front) -> Response {
    match taken(&center, &key) {
        Some(url) => onward(front, url, "onward-elsewhere"),
        None => Redirect::to("/").into_response(),
    }
}

/// Begins to bind the account to who its person is at an issuer.
pub async fn link(
    State(center): State<Center>,
    headers: HeaderMap,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    ask::check_recent(&center, &visitor.caller, &visitor.csrf).await?;
    let purpose = Purpose::Link { person: visitor.caller.member.person };
    let known = cookie(&headers, COOKIE);
    let (url, secret) =
        ask::begin(&center, form.value("issuer"), purpose, &visitor.front.from, known).await?;
    let cookie = [(header::SET_COOKIE, flow_cookie(&center, &secret))];
    Ok((cookie, Redirect::to(&way_to(&center, url))).into_response())
}

pub async fn unlink(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    ask::unlink(&center, &visitor.caller, &id).await?;
    Ok(Redirect::to("/tokens#identities").into_response())
}

/// Those who came and have no place.
#[derive(Template)]
#[template(path = "oidc/pending.html")]
pub struct PendingPage {
    page: Page,
    pending: Vec<PendingView>,
    with_tenant: bool,
    roles: Vec<Choice>,
    /// The center's own people are last.
    tenants: Vec<Choice>,
    people: Vec<Choice>,
    form: Form,
}

pub async fn pending(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    show_pending(&center, &visitor, StatusCode::OK, Form::default()).await
}

async fn show_pending(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let pending = ask::pending(center, &visitor.caller).await?;
    let own = visitor.caller.member.tenant;
    let of_center = if own.is_none() { least_first(&center.policies, true) } else { Vec::new() };
    let roles = least_first(&center.policies, false).into_iter().chain(of_center);
    let mut tenants = tenants_by_name(center, visitor).await?;
    if own.is_none() {
        tenants.push(Choice::new("", ui.t("center")));
    }
    let page = PendingPage {
        page: visitor.page("members", ui.t("pending")),
        people: pending.iter().map(|one| Choice::new(one.id.to_string(), &*one.login)).collect(),
        pending,
        with_tenant: own.is_none(),
        roles: roles.map(|role| Choice::new(role.code(), ui.word("role", role.code()))).collect(),
        tenants,
        form,
    };
    Ok(render(status, &page))
}

pub async fn place(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let new = NewPlace {
        role: form.value("role").to_owned(),
        tenant: Some(form.value("tenant").to_owned()).filter(|slug| !slug.is_empty()),
    };
    match ask::place(&center, &visitor.caller, form.value("person"), new).await {
        Ok(_) => Ok(Redirect::to("/people/pending").into_response()),
        Err(error) => {
            let field = |name: &str| match name {
                "role" => Some("role"),
                "tenant" => Some("tenant"),
                "person" | "already_there" => Some("person"),
                _ => None,
            };
            let status = form.explain(visitor.front.ui, error, field)?;
            show_pending(&center, &visitor, status, form).await
        }
    }
}

#[cfg(test)]
mod samples {
    use base::text::Text;
    use domain::problem::Wrong;

    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for OnwardPage {
        fn samples(page: &Page) -> Vec<Self> {
            let href = "https://sso.example/?a=1&b=<2>".to_owned();
            vec![Self { page: page.clone(), href, why: page.t("onward-sign-in") }]
        }
    }

    impl Sample for NoPlacePage {
        fn samples(page: &Page) -> Vec<Self> {
            vec![Self { page: page.clone(), login: "li".into(), issuer: "Univ < A".into() }]
        }
    }

    impl Sample for PendingPage {
        fn samples(page: &Page) -> Vec<Self> {
            let one = PendingView {
                id: views::id("per_"),
                login: "li".into(),
                name: "Li < Si".into(),
                email: "li@univ.example".into(),
                issuer: Text { zh: "大学".into(), en: "Univ".into() },
                came_at: views::AT.into(),
            };
            let mut form = Form::with(&[("role", "developer".into())]);
            for field in ["person", "role", "tenant"] {
                form.blame_for(page.ui, field, Wrong::HasNul);
            }
            let sample = |pending: Vec<PendingView>, with_tenant: bool, form: Form| Self {
                page: page.clone(),
                people: pending.iter().map(|one| Choice::new(one.id.to_string(), &*one.login)).collect(),
                pending,
                with_tenant,
                roles: vec![Choice::new("developer", "Developer < 1")],
                tenants: views::tenants(),
                form,
            };
            vec![
                sample(vec![one.clone()], true, Form::default()),
                sample(vec![one], false, form),
                sample(Vec::new(), true, Form::default()),
            ]
        }
    }
}
