//! The frame of every page: who looks at it, in which language, and the shell around it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use domain::{Lang, Timestamp};
use parking_lot::Mutex;

use crate::page::{
    carried::Carried,
    form::Choice,
    live::{self, Known},
    texts,
    words::Ui,
};
use crate::{
    Base,
    auth::{
        Action, Caller,
        credentials::{SESSION_COOKIE, Session},
        csrf, identity, second_factor,
    },
    error::AppError,
    http::{cookie, peer},
    moment,
    refusal::Refused,
};

/// The cookie by which a browser is known again for those who have signed in with it.
pub const BROWSER_COOKIE: &str = "known";

/// A browser that asks for a page, signed in or not.
#[derive(Clone, Debug)]
pub struct Front {
    pub ui: Ui,
    pub theme: Option<&'static str>,
    /// Path and query as they were asked for.
    pub uri: Uri,
    pub from: String,
    /// What the browser says of itself.
    pub program: String,
    pub center_name: String,
    pub session: Option<Session>,
    /// The cookie of those who have signed in with this browser; empty where there is none.
    pub browsers: String,
    /// Set where htmx asks for a part of a page.
    pub is_htmx: bool,
    /// Set where a page that is open asks for its news: what it has of itself.
    pub known: Option<Known>,
    /// The page that the browser shows once somebody has signed in for this request.
    pub next: String,
    /// What was typed into a form that came without its session.
    carried: Arc<Mutex<Option<Carried>>>,
    shell: Option<Shell>,
}

/// Whoever serves pages: the ground below them, and the parts of the shell that only it knows.
pub trait Host: Clone + Send + Sync + 'static {
    fn base(&self) -> &Base;

    fn shell(&self, session: &Session, ui: Ui) -> Shell;
}

/// The parts of the shell that somebody signed in sees around every page.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    pub links: Vec<Group>,
    /// Role and place of whoever is signed in.
    pub who: String,
    /// As what else they may go on; nothing where there is nothing else.
    pub places: Vec<Choice>,
    pub is_all_virtual: bool,
    /// What of the center's past never happened, in words; empty where all of it did.
    pub generated: String,
}

/// Links of the navigation under one head.
#[derive(Clone, Debug)]
pub struct Group {
    pub head: &'static str,
    pub links: Vec<Link>,
}

#[derive(Clone, Debug)]
pub struct Link {
    pub key: &'static str,
    pub href: &'static str,
    pub count: Option<String>,
}

/// A link that narrows a list down.
#[derive(Clone, Debug)]
pub struct Tab {
    pub href: String,
    pub word: String,
    /// How many things there are; empty where nobody counts them.
    pub count: String,
    pub is_current: bool,
}

impl Front {
    pub async fn of(parts: &Parts, host: &impl Host) -> Self {
        let lang = cookie(&parts.headers, "lang").and_then(Lang::from_code).unwrap_or_else(|| {
            let accept = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            texts::accepted(accept.unwrap_or_default())
        });
        let theme = match cookie(&parts.headers, "theme") {
            Some("light") => Some("light"),
            Some("dark") => Some("dark"),
            _ => None,
        };
        let session = match cookie(&parts.headers, SESSION_COOKIE) {
            Some(secret) => identity::by_session(host.base(), secret).await.unwrap_or_else(|error| {
                tracing::error!(%error, "failed to look up a session: its member is shown the form for signing in");
                None
            }),
            None => None,
        };
        let ui = Ui { lang, zone: host.base().common.time_zone };
        let program = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let shell = session.as_ref().map(|session| host.shell(session, ui));
        Self {
            ui,
            theme,
            uri: parts.uri.clone(),
            from: peer(parts),
            program: program.unwrap_or_default().to_owned(),
            center_name: host.base().name(lang).to_owned(),
            session,
            browsers: cookie(&parts.headers, BROWSER_COOKIE).unwrap_or_default().to_owned(),
            is_htmx: parts.headers.contains_key("hx-request"),
            known: Known::of(&parts.headers),
            next: next(parts),
            carried: Arc::default(),
            shell,
        }
    }
}

/// The page that was asked for, or the own page from which a form was sent.
fn next(parts: &Parts) -> String {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return parts.uri.path_and_query().map_or("/", |whole| whole.as_str()).to_owned();
    }
    let text = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let from = text(header::REFERER).and_then(|from| from.parse::<Uri>().ok());
    let is_own = |from: &Uri| from.authority().map(axum::http::uri::Authority::as_str) == text(header::HOST);
    let from = from.filter(is_own).and_then(|from| from.path_and_query().cloned());
    from.map_or_else(|| "/".to_owned(), |whole| whole.as_str().to_owned())
}

impl Front {
    /// Keeps what was typed into a form that came without its session, for the page that says so.
    pub fn carry(&self, carried: Option<Carried>) {
        *self.carried.lock() = carried;
    }

    pub fn carried(&self) -> Option<Carried> {
        self.carried.lock().clone()
    }
}

/// As the portal's layer found it out.
impl<S: Send + Sync> FromRequestParts<S> for Front {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        let known = parts.extensions.get::<Self>().cloned();
        known.ok_or_else(|| AppError::internal("a route is outside of the portal's layer"))
    }
}

/// Somebody signed in who asks for a page.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub front: Front,
    pub caller: Caller,
    pub csrf: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor
where
    Base: FromRef<S>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let front = Front::from_request_parts(parts, state).await?;
        let session = front.session.clone().ok_or(AppError::Unauthenticated("nobody is signed in"))?;
        if session.must_enrol && !second_factor::is_open(parts.uri.path()) {
            return Err(Refused::SecondFactorNeeded.into());
        }
        Base::from_ref(state).limits.request(&session.member.login)?;
        let caller = Caller { member: session.member, from: front.from.clone(), once: None };
        Ok(Self { front, caller, csrf: session.csrf })
    }
}

impl Visitor {
    pub fn may(&self, base: &Base, action: Action, owner: Option<domain::TenantId>) -> bool {
        base.policies.check(&self.caller, action, owner).is_ok()
    }

    pub fn is_of_center(&self) -> bool {
        self.caller.member.tenant.is_none()
    }

    /// The shell of a page, with the navigation's entry that it belongs to.
    pub fn page(&self, nav: &'static str, title: impl Into<String>) -> Page {
        Page::new(self.front.clone(), nav, title)
    }
}

/// The shell of one page. Templates reach the language's words through it.
#[derive(Clone, Debug)]
pub struct Page {
    pub ui: Ui,
    pub title: String,
    pub nav: &'static str,
    pub theme: Option<&'static str>,
    pub center_name: String,
    pub who: String,
    pub who_more: String,
    /// The memberships of whoever is signed in, where there are several, and which of them this is.
    pub places: Vec<Choice>,
    pub place: String,
    /// The session's token for its forms, masked.
    pub csrf: String,
    /// Tells the pages of this session from those of another in the same browser; empty where nobody is signed in.
    pub live_key: String,
    pub groups: Vec<Group>,
    /// The page's own address, and as of when it is.
    pub here: String,
    pub drawn_at: Timestamp,
    pub switch_href: String,
    pub is_signed_in: bool,
    pub is_all_virtual: bool,
    /// As in [`Shell`].
    pub generated: String,
    /// Tries to sign in as whoever looks, in words; empty where they have been told of all.
    pub failed: String,
    /// For search engines, which keep away from pages without one.
    pub description: String,
}

impl std::ops::Deref for Page {
    type Target = Ui;

    fn deref(&self) -> &Ui {
        &self.ui
    }
}

impl Page {
    pub fn new(front: Front, nav: &'static str, title: impl Into<String>) -> Self {
        let other = match front.ui.lang {
            Lang::Zh => "en",
            Lang::En => "zh",
        };
        let back = without(&front.uri, "lang");
        let joint = if back.contains('?') { '&' } else { '?' };
        let shell = front.shell.unwrap_or_default();
        let session = front.session.as_ref();
        // Whoever has to set up a second factor first can do nothing about it yet.
        let failed =
            session.filter(|session| !session.must_enrol).and_then(|session| session.failed.as_ref());
        Self {
            failed: failed.map(|failed| front.ui.failed_sign_ins(failed)).unwrap_or_default(),
            ui: front.ui,
            title: title.into(),
            nav,
            theme: front.theme,
            center_name: front.center_name,
            who: front.session.as_ref().map(|session| session.member.name.clone()).unwrap_or_default(),
            who_more: shell.who,
            place: front.session.as_ref().map(|session| session.member.id.to_string()).unwrap_or_default(),
            places: shell.places,
            is_signed_in: front.session.is_some(),
            live_key: front.session.as_ref().map(|session| csrf::name(&session.csrf)).unwrap_or_default(),
            csrf: front.session.map(|session| csrf::masked(&session.csrf)).unwrap_or_default(),
            groups: shell.links,
            switch_href: format!("{back}{joint}lang={other}"),
            here: back,
            drawn_at: moment::now(),
            is_all_virtual: shell.is_all_virtual,
            generated: shell.generated,
            description: String::new(),
        }
    }

    /// The shell as somebody sees it who is not signed in, for whoever renders a page without a center.
    pub fn bare(ui: Ui, title: &str) -> Self {
        Self {
            ui,
            title: title.to_owned(),
            nav: "",
            theme: None,
            center_name: String::new(),
            who: String::new(),
            who_more: String::new(),
            places: Vec::new(),
            place: String::new(),
            csrf: String::new(),
            live_key: String::new(),
            groups: Vec::new(),
            here: "/".into(),
            drawn_at: Timestamp::default(),
            switch_href: "/".into(),
            is_signed_in: false,
            is_all_virtual: false,
            generated: String::new(),
            failed: String::new(),
            description: String::new(),
        }
    }

    pub fn lang(&self) -> Lang {
        self.ui.lang
    }

    pub fn html_lang(&self) -> &'static str {
        match self.ui.lang {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }

    pub fn other_lang(&self) -> (&'static str, &'static str) {
        match self.ui.lang {
            Lang::Zh => ("en", "English"),
            Lang::En => ("zh-CN", "中文"),
        }
    }
}

/// A template as an answer.
pub fn render(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => live::answer(status, text),
        Err(error) => AppError::internal(error).into_response(),
    }
}

pub fn ok(template: &impl Template) -> Response {
    render(StatusCode::OK, template)
}

/// One value of a query, decoded.
pub fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    pairs(query).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    query
        .and_then(|query| format!("/?{query}").parse::<Uri>().ok())
        .and_then(|uri| axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok())
        .map(|query| query.0)
        .unwrap_or_default()
}

/// Path and query without one name.
pub fn without(uri: &Uri, name: &str) -> String {
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name))
        .collect();
    // A path of two slashes would lead to another host.
    let path = format!("/{}", uri.path().trim_start_matches('/'));
    if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stays_where_it_is_when_the_language_changes() {
        let uri: Uri = "/jobs?state=active&lang=en&name=a%20b".parse().unwrap();
        assert_eq!(without(&uri, "lang"), "/jobs?state=active&name=a%20b");
        let uri: Uri = "//evil.example/x?lang=en".parse().unwrap();
        assert_eq!(without(&uri, "lang"), "/evil.example/x");
        assert_eq!(query_value(Some("a=1&lang=en"), "lang").as_deref(), Some("en"));
        assert_eq!(query_value(None, "lang"), None);
    }
}
