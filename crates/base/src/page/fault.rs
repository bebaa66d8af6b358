//! Errors as the portal tells them: one page for all, in the reader's language.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::{Lang, Timestamp};

use crate::page::{
    frame::{Front, Host, Page, render},
    words::Ui,
};
use crate::{
    error::{AppError, Unreadable},
    http::{failure_of, read_body, retry_after_s, status},
};

#[derive(Debug, Template)]
#[template(path = "fault.html")]
pub struct FaultPage {
    page: Page,
    status: u16,
    told: Told,
    request: String,
    at: Timestamp,
}

/// Finds out who asks, for all that handles the request, and shows them as a page what goes wrong with it.
pub async fn tell_faults<C: Host>(State(host): State<C>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let front = Front::of(&parts, &host).await;
    parts.extensions.insert(front.clone());
    // Read whatever becomes of the request: a browser that is hung up on while it sends shows no answer.
    let mut response = match read_body(body, host.base().common.limits.body_kib).await {
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(error) => error.into_response(),
    };
    match failure_of(&mut response) {
        Some(error) => fault_page(front, error),
        None => response,
    }
}

fn fault_page(front: Front, error: Arc<AppError>) -> Response {
    let error = match &*error {
        // To somebody with a browser all of these are addresses that lead nowhere.
        AppError::NoSuchRoute { .. }
        | AppError::MethodNotAllowed { .. }
        | AppError::Unreadable { part: Unreadable::Path, .. } => Arc::new(AppError::not_found("page", "")),
        _ => error,
    };
    let status = status(&error);
    if status == StatusCode::UNAUTHORIZED {
        // A part of a page can't be the form for signing in: htmx then loads that as a page.
        return if front.is_htmx {
            (status, [("HX-Redirect", "/sign-in")]).into_response()
        } else {
            Redirect::to("/sign-in").into_response()
        };
    }
    let request = format!("req_{}", crate::moment::random::<6>().map(|byte| format!("{byte:02x}")).concat());
    if let AppError::Internal(_) = &*error {
        tracing::error!(%error, %request, "a page failed");
    }
    let told = told(front.ui, &error);
    let page = Page::new(front, "", told.title.clone());
    let at = crate::moment::now();
    let fault = FaultPage { page, status: status.as_u16(), told, request, at };
    let mut response = render(status, &fault);
    if let Some(seconds) = retry_after_s(&error) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// An error as people read it.
#[derive(Clone, Debug)]
pub struct Told {
    pub title: String,
    pub hint: String,
    /// More about the error, such as its numbers.
    pub details: Vec<String>,
}

/// An error in the page's language.
pub fn told(ui: Ui, error: &AppError) -> Told {
    let key = |code: &str| (ui.t(&format!("fault-{code}")), ui.t(&format!("fault-{code}-hint")));
    let (title, hint, details) = match error {
        AppError::Unauthenticated(_) | AppError::WrongPassword => {
            (ui.t("sign-in-wrong"), String::new(), vec![])
        }
        AppError::ForeignForm => {
            let (title, hint) = key("csrf");
            (title, hint, vec![])
        }
        AppError::Forbidden { action } => {
            let (title, hint) = key("forbidden");
            (title, hint, vec![ui.t1("needs-right", "what", ui.word("action", action))])
        }
        AppError::NotFound { .. } | AppError::NoSuchRoute { .. } | AppError::MethodNotAllowed { .. } => {
            let (title, hint) = key("not-found");
            (title, hint, vec![])
        }
        AppError::Unreadable { part, message } => {
            let (title, hint) = words(ui, "unreadable", part.code());
            (title, hint, message_for(ui, message))
        }
        AppError::Invalid(problems) => {
            let (title, hint) = key("invalid");
            (title, hint, problems.iter().map(|problem| problem.text(ui.lang)).collect())
        }
        AppError::Refused(refused) => {
            let title = ui.t(&format!("refused-{}", refused.code()));
            let details = vec![sentence(ui.lang, &refused.text(ui.lang))];
            (title, sentence(ui.lang, &refused.hint(ui.lang)), details)
        }
        AppError::TooMany { retry_after_s } => {
            (ui.t("fault-too-many"), ui.t1("fault-too-many-hint", "n", retry_after_s), vec![])
        }
        AppError::Stopping => {
            let (title, hint) = key("stopping");
            (title, hint, vec![])
        }
        AppError::Internal(_) => {
            let (title, hint) = key("internal");
            (title, hint, vec![])
        }
    };
    Told { title, hint, details }
}

/// The meaning of a code of a family, and the advice on it.
fn words(ui: Ui, family: &str, code: &str) -> (String, String) {
    (ui.t(&format!("{family}-{code}")), ui.t(&format!("{family}-{code}-hint")))
}

/// A fault or an advice as a sentence.
fn sentence(lang: Lang, text: &str) -> String {
    match lang {
        Lang::Zh => format!("{text}。"),
        Lang::En => {
            let mut chars = text.chars();
            let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
            format!("{first}{}.", chars.as_str())
        }
    }
}

/// The message of the part that refused, which has the numbers. It is in English alone.
fn message_for(ui: Ui, message: &str) -> Vec<String> {
    match ui.lang {
        Lang::Zh => vec![],
        Lang::En => vec![message.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use domain::Lang;
    use testkit::markup;

    use super::*;
    use crate::page::frame::Page;

    #[test]
    fn a_fault_is_a_well_formed_page_in_both_languages() {
        for lang in [Lang::Zh, Lang::En] {
            let page = Page::bare(Ui::of(lang), "A title");
            let bare = Told { title: page.t("fault-internal"), hint: String::new(), details: Vec::new() };
            let told = told(page.ui, &AppError::not_found("page", "x"));
            for told in [bare, told] {
                let (request, at) = ("req_0123456789ab".to_owned(), Timestamp::default());
                let fault = FaultPage { page: page.clone(), status: 404, told, request, at };
                let text = fault.render().expect("it renders");
                assert!(
                    !markup::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}")).said.is_empty()
                );
            }
        }
    }

    #[test]
    fn a_center_that_stops_says_so_in_both_languages() {
        let titles = [Lang::Zh, Lang::En].map(|lang| told(Ui::of(lang), &AppError::Stopping).title);
        assert_eq!(titles, ["中心正在停止", "The center is stopping"]);
    }
}
