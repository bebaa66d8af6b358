//! Errors as the portal tells them: one page for all, in the reader's language.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::Timestamp;

pub use crate::page::told::{Told, told};
use crate::page::{
    carried::{Carried, sign_in_address},
    extract::has_files,
    form::Form,
    frame::{Front, Host, Page, render},
    live,
};
use crate::{
    auth::second_factor,
    error::{AppError, Unreadable},
    http::{failure_of, read_body, retry_after_s, status},
    refusal::Refused,
};

#[derive(Debug, Template)]
#[template(path = "fault.html")]
pub struct FaultPage {
    page: Page,
    status: u16,
    told: Told,
    request: String,
    at: Timestamp,
    /// The address of the page without what was asked of it, where that is what is wrong.
    again: String,
}

/// Finds out who asks, for all that handles the request, and shows them as a page what goes wrong with it.
pub async fn tell_faults<C: Host>(State(host): State<C>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_asked = parts.method == Method::GET && parts.uri.query().is_some();
    let front = Front::of(&parts, &host).await;
    parts.extensions.insert(front.clone());
    // Read whatever becomes of the request: a browser that is hung up on while it sends shows no answer.
    let body = if has_files(&parts.headers) {
        // What has files is long, and is read by the routes alone that take any.
        Ok(body)
    } else {
        read_body(body, host.base().common.limits.body_kib).await.map(Body::from)
    };
    let mut response = match body {
        Ok(body) => next.run(Request::from_parts(parts, body)).await,
        Err(error) => error.into_response(),
    };
    match (failure_of(&mut response), &front.known) {
        (Some(error), _) => fault_page(front, error, is_asked),
        (None, Some(known)) => live::news_of(front.ui, known, response),
        (None, None) => response,
    }
}

/// `is_asked` where a page was asked for with conditions, and nothing was sent.
fn fault_page(front: Front, error: Arc<AppError>, is_asked: bool) -> Response {
    let error = match &*error {
        // To somebody with a browser all of these are addresses that lead nowhere.
        AppError::NoSuchRoute { .. }
        | AppError::MethodNotAllowed { .. }
        | AppError::Unreadable { part: Unreadable::Path, .. } => Arc::new(AppError::not_found("page", "")),
        _ => error,
    };
    let status = status(&error);
    let has_no_session = status == StatusCode::UNAUTHORIZED || matches!(*error, AppError::ForeignForm);
    if has_no_session && front.known.is_some() {
        return status.into_response();
    }
    if has_no_session && front.is_htmx {
        // A part of a page is no place to sign in at, and the page may have text that nobody has sent yet: the page says
        // so, and stays.
        return (status, [("HX-Trigger", "session-over")]).into_response();
    }
    if has_no_session && let Some(carried) = front.carried() {
        return carried_page(front, status, carried, Form::default());
    }
    let must_enrol =
        matches!(&*error, AppError::Refused(refused) if **refused == Refused::SecondFactorNeeded);
    if must_enrol && front.session.is_some() && front.known.is_none() {
        return Redirect::to(second_factor::PAGE).into_response();
    }
    if status == StatusCode::UNAUTHORIZED {
        return Redirect::to(&sign_in_address(&front.next)).into_response();
    }
    let request = format!("req_{}", crate::moment::random::<6>().map(|byte| format!("{byte:02x}")).concat());
    if let AppError::Internal(_) = &*error {
        tracing::error!(%error, %request, "a page failed");
    }
    let mut told = told(front.ui, &error);
    let mut again = String::new();
    if is_asked && let AppError::Invalid(_) | AppError::Unreadable { part: Unreadable::Query, .. } = &*error {
        (told.title, told.hint) = (front.ui.t("fault-query"), front.ui.t("fault-query-hint"));
        front.uri.path().clone_into(&mut again);
    }
    let page = Page::new(front, "", told.title.clone());
    let at = crate::moment::now();
    let fault = FaultPage { page, status: status.as_u16(), told, request, at, again };
    let mut response = render(status, &fault);
    if let Some(seconds) = retry_after_s(&error) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A form that came without its session, with all that was typed: to be sent again, by somebody who is not signed in once
/// they are.
#[derive(Debug, Template)]
#[template(path = "carried.html")]
pub struct CarriedPage {
    page: Page,
    carried: Carried,
    /// What was typed to sign in.
    form: Form,
}

pub fn carried_page(front: Front, status: StatusCode, carried: Carried, form: Form) -> Response {
    let title = front.ui.t("carried");
    render(status, &CarriedPage { page: Page::new(front, "", title), carried, form })
}

#[cfg(test)]
mod tests {
    use domain::Lang;
    use testkit::markup;

    use super::*;
    use crate::page::words::Ui;

    #[test]
    fn a_fault_is_a_well_formed_page_in_both_languages() {
        for lang in [Lang::Zh, Lang::En] {
            let page = Page::bare(Ui::of(lang), "A title");
            let bare = Told { title: page.t("fault-internal"), hint: String::new(), details: Vec::new() };
            let told = told(page.ui, &AppError::not_found("page", "x"));
            for told in [bare, told] {
                let (request, at) = ("req_0123456789ab".to_owned(), Timestamp::default());
                let again = if told.hint.is_empty() { String::new() } else { "/usage".to_owned() };
                let fault = FaultPage { page: page.clone(), status: 404, told, request, at, again };
                let text = live::whole(&fault.render().expect("it renders"));
                assert!(
                    !markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}")).said.is_empty()
                );
            }
        }
    }

    #[test]
    fn a_form_without_its_session_is_a_well_formed_page() {
        for (lang, is_signed_in) in [(Lang::Zh, false), (Lang::En, false), (Lang::Zh, true), (Lang::En, true)]
        {
            let page = Page { is_signed_in, ..Page::bare(Ui::of(lang), "A title") };
            let fields = vec![
                ("script".to_owned(), "#!/bin/sh\n</pre>\n".to_owned()),
                ("project".to_owned(), "x".to_owned()),
            ];
            for path in ["/submit", "/people/members"] {
                let carried = Carried { path: path.to_owned(), fields: fields.clone() };
                let form = Form::with(&[("login", "li".to_owned())]);
                let text = CarriedPage { page: page.clone(), carried, form }.render().expect("it renders");
                markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            }
        }
    }

    #[test]
    fn a_center_that_stops_says_so_in_both_languages() {
        let titles = [Lang::Zh, Lang::En].map(|lang| told(Ui::of(lang), &AppError::Stopping).title);
        assert_eq!(titles, ["中心正在停止", "The center is stopping"]);
    }
}
