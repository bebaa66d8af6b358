//! Errors as people read them, in the page's language.

use domain::Lang;

use crate::{error::AppError, page::words::Ui};

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
pub fn sentence(lang: Lang, text: &str) -> String {
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
