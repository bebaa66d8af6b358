//! Errors of commands, for people and for programs.

use crate::tell::tell;
use std::process::ExitCode;

use domain::Lang;
use serde_json::{Value, json};

/// A command that failed. The category decides the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub category: Category,
    pub code: String,
    pub message: String,
    pub hint: String,
    /// Each place that is wrong, where the center named several.
    pub errors: Vec<String>,
    /// The exit code of the job that was waited for.
    pub job_exit: Option<u8>,
    /// The same in Chinese, where the center told both.
    pub zh: Option<Box<Told>>,
}

/// A failure as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub message: String,
    pub hint: String,
    pub errors: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// It was done, and did not come out as it should.
    Unexpected,
    /// The command itself is wrong.
    Usage,
    /// The job was cancelled.
    Cancelled,
    /// The center refused.
    Refused,
    /// No answer, no disk, no host.
    System,
}

impl Category {
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Cancelled => 3,
            Self::Refused => 4,
            Self::System => 5,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Unexpected => "not_as_expected",
            Self::Usage => "usage",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::System => "system",
        }
    }
}

impl Failure {
    fn new(category: Category, code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            category,
            code: code.to_owned(),
            message: message.into(),
            hint: hint.into(),
            errors: Vec::new(),
            job_exit: None,
            zh: None,
        }
    }

    pub fn usage(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Category::Usage, code, message, hint)
    }

    pub fn refused(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Category::Refused, code, message, hint)
    }

    pub fn cancelled(message: impl Into<String>) -> Self {
        Self::new(Category::Cancelled, "cancelled", message, "")
    }

    /// A job that was waited for did not succeed. Its own exit code is that of the command.
    pub fn job_failed(message: impl Into<String>, hint: impl Into<String>, code: Option<i64>) -> Self {
        let job_exit = code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0);
        Self { job_exit, ..Self::new(Category::Refused, "job_failed", message, hint) }
    }

    pub fn unexpected(message: impl Into<String>) -> Self {
        Self::new(Category::Unexpected, "not_as_expected", message, "see the lines above")
    }

    pub fn system(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Category::System, code, message, hint)
    }

    /// From the problem document that the center answered with.
    pub fn of_answer(status: u16, body: &str) -> Self {
        let problem: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        let category = if status >= 500 { Category::System } else { Category::Refused };
        if problem["code"].is_null() {
            let hint = "check the address: something else may be listening there";
            let first = body.lines().next().unwrap_or_default().trim();
            let said = if first.is_empty() || first.starts_with('<') { "no reason" } else { first };
            let said: String = said.chars().take(200).collect();
            return Self::new(
                category,
                "not_a_center",
                format!("the answer has status {status}: {said}"),
                hint,
            );
        }
        let each = |error: &Value| {
            let part = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
            format!("{}: {}; {}", part("field"), part("problem"), part("hint"))
        };
        let errors =
            problem["errors"].as_array().map(|all| all.iter().map(each).collect()).unwrap_or_default();
        let zh = problem["text"]["zh"].as_str().map(|message| {
            let line = |error: &Value| error["text"]["zh"].as_str().map(str::to_owned);
            let lines = problem["errors"].as_array().map(|all| all.iter().filter_map(line).collect());
            let hint = problem["advice"]["zh"].as_str().unwrap_or_default().to_owned();
            Box::new(Told { message: message.to_owned(), hint, errors: lines.unwrap_or_default() })
        });
        let (code, message, hint) = (text("code"), text("detail"), text("hint"));
        Self { category, code, message, hint, errors, job_exit: None, zh }
    }

    /// Says it on standard error; gives the exit code.
    pub fn tell(&self, as_json: bool, lang: Lang) -> ExitCode {
        let (mut message, mut hint, mut errors) = (&self.message, &self.hint, &self.errors);
        if let Some(told) = self.zh.as_deref().filter(|_| lang == Lang::Zh) {
            (message, hint, errors) = (&told.message, &told.hint, &told.errors);
        }
        if as_json {
            let object = json!({ "category": self.category.name(), "code": self.code, "message": self.message,
                "hint": self.hint, "errors": self.errors });
            tell!("{object}");
        } else {
            tell!("qiantang: {message}");
            if errors.len() > 1 {
                for error in errors {
                    tell!("  - {error}");
                }
            }
            if !hint.is_empty() {
                tell!("  {hint}");
            }
        }
        ExitCode::from(self.job_exit.unwrap_or_else(|| self.category.exit_code()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_a_failure_with_its_category() {
        let body = r#"{"code":"no_contract","detail":"the project has none","hint":"ask","errors":[]}"#;
        let failure = Failure::of_answer(409, body);
        assert_eq!((failure.category.exit_code(), failure.code.as_str()), (4, "no_contract"));
        assert_eq!(Failure::of_answer(500, body).category.exit_code(), 5);
        let odd = Failure::of_answer(404, "<html>");
        assert_eq!((odd.code.as_str(), odd.category.exit_code()), ("not_a_center", 4));
        assert_eq!(odd.message, "the answer has status 404: no reason");
        let plain = Failure::of_answer(503, "no healthy upstream\n");
        assert_eq!(plain.message, "the answer has status 503: no healthy upstream");
    }
}
