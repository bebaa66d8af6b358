//! What went wrong, as a page: the same shell, what was wrong and what to do, in the reader's language.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::Lang;

use super::{
    kit::Ui,
    page::{Front, Page, render},
};
use crate::{error::AppError, refusal::Refusal};

/// An error on its way to a page.
#[derive(Debug)]
pub struct Fault(Box<Plain>);

/// An error, with the one who met it where known.
#[derive(Debug)]
pub struct Plain {
    pub front: Option<Box<Front>>,
    pub error: AppError,
}

impl Fault {
    pub fn at(front: Front, error: AppError) -> Self {
        Self(Box::new(Plain { front: Some(Box::new(front)), error }))
    }
}

impl Plain {
    pub fn internal(cause: &str) -> Self {
        Self { front: None, error: AppError::Internal(cause.to_owned()) }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage {
    page: Page,
    status: u16,
    told: Told,
    request: String,
    at: String,
}

impl IntoResponse for Plain {
    fn into_response(self) -> Response {
        let status = status(&self.error);
        let request =
            format!("req_{}", crate::moment::random::<6>().map(|byte| format!("{byte:02x}")).concat());
        if let AppError::Internal(cause) = &self.error {
            tracing::error!(%cause, %request, "a page failed");
        }
        let Some(front) = self.front else {
            return (status, "500: the center made a mistake / 中心出了差错\n").into_response();
        };
        if status == StatusCode::UNAUTHORIZED {
            return Redirect::to("/sign-in").into_response();
        }
        let ui = front.ui;
        let told = told(ui, &self.error);
        let page = Page::new(*front, "", told.title.clone());
        let at = crate::moment::now().to_string();
        let fault = FaultPage { page, status: status.as_u16(), told, request, at };
        let mut response = render(status, &fault);
        if let AppError::TooMany { retry_after_s } = self.error {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}

pub fn status(error: &AppError) -> StatusCode {
    match error {
        AppError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        AppError::Forbidden { .. } => StatusCode::FORBIDDEN,
        AppError::NotFound { .. } => StatusCode::NOT_FOUND,
        AppError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        // What a form or an address as a whole is refused for.
        AppError::Refused { code: Refusal::TooLarge, .. } => StatusCode::PAYLOAD_TOO_LARGE,
        AppError::Refused { code: Refusal::WrongContentType, .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        AppError::Refused { code: Refusal::BadForm | Refusal::BadAddress, .. } => StatusCode::BAD_REQUEST,
        AppError::Refused { .. } => StatusCode::CONFLICT,
        AppError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        AppError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An error as people read it.
#[derive(Clone, Debug)]
pub struct Told {
    pub title: String,
    pub hint: String,
    /// What says more.
    pub details: Vec<String>,
}

/// An error in the page's language.
pub fn told(ui: Ui, error: &AppError) -> Told {
    let key = |code: &str| (ui.t(&format!("fault-{code}")), ui.t(&format!("fault-{code}-hint")));
    let (title, hint, details) = match error {
        AppError::Unauthenticated(_) => (ui.t("sign-in-wrong"), String::new(), vec![]),
        AppError::Forbidden { action: "csrf" } => {
            let (title, hint) = key("csrf");
            (title, hint, vec![])
        }
        AppError::Forbidden { action } => {
            let (title, hint) = key("forbidden");
            (title, hint, vec![ui.t1("needs-right", "what", ui.word("action", action))])
        }
        AppError::NotFound { .. } => {
            let (title, hint) = key("not-found");
            (title, hint, vec![])
        }
        AppError::Invalid(problems) => {
            let (title, hint) = key("invalid");
            (title, hint, problems.iter().map(|problem| problem.text(ui.lang)).collect())
        }
        AppError::Refused { code, message, .. } => refused(ui, *code, message),
        AppError::TooMany { retry_after_s } => {
            (ui.t("fault-too-many"), ui.t1("fault-too-many-hint", "n", retry_after_s), vec![])
        }
        AppError::Internal(_) => {
            let (title, hint) = key("internal");
            (title, hint, vec![])
        }
    };
    Told { title, hint, details }
}

/// In English with the message of the part that refused, which has the numbers; in Chinese without.
fn refused(ui: Ui, code: Refusal, message: &str) -> (String, String, Vec<String>) {
    let (title, hint) = refusal_words(ui, code);
    let details = match ui.lang {
        Lang::Zh => vec![],
        Lang::En => vec![message.to_owned()],
    };
    (title, hint, details)
}

/// Why something can't be done, and what to do instead.
pub fn refusal_words(ui: Ui, code: Refusal) -> (String, String) {
    let code = code.code();
    (ui.t(&format!("refused-{code}")), ui.t(&format!("refused-{code}-hint")))
}
