//! Errors of commands, for people and for programs.

use std::{io, path::Path, process::ExitCode};

use center::settings::SettingsError;
use domain::{Both, Lang, both, reason::SystemError};
use serde_json::{Value, json};

use crate::tell::tell;

/// A command that failed. The category decides the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub category: Category,
    pub code: String,
    pub message: Both,
    pub hint: Both,
    /// Each place that is wrong, where the center named several.
    pub errors: Vec<Both>,
    /// The exit code of the job that was waited for.
    pub job_exit: Option<u8>,
}

/// What the operating system said.
pub fn said(error: &io::Error) -> Both {
    let known = SystemError::new(error.raw_os_error(), error);
    both(known.text(Lang::Zh), error.to_string())
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
    fn new(category: Category, code: &str, message: Both, hint: Both) -> Self {
        Self { category, code: code.to_owned(), message, hint, errors: Vec::new(), job_exit: None }
    }

    pub fn usage(code: &str, message: Both, hint: Both) -> Self {
        Self::new(Category::Usage, code, message, hint)
    }

    pub fn refused(code: &str, message: Both, hint: Both) -> Self {
        Self::new(Category::Refused, code, message, hint)
    }

    pub fn cancelled(message: Both) -> Self {
        Self::new(Category::Cancelled, "cancelled", message, Both::default())
    }

    /// A job that was waited for did not succeed. Its own exit code is that of the command.
    pub fn job_failed(message: Both, hint: Both, code: Option<i64>) -> Self {
        let job_exit = code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0);
        Self { job_exit, ..Self::new(Category::Refused, "job_failed", message, hint) }
    }

    pub fn unexpected(message: Both) -> Self {
        Self::new(
            Category::Unexpected,
            "not_as_expected",
            message,
            both("请看上面的内容", "see the lines above"),
        )
    }

    pub fn system(code: &str, message: Both, hint: Both) -> Self {
        Self::new(Category::System, code, message, hint)
    }

    /// A file that could not be written.
    pub fn not_written(path: &Path, error: &io::Error, hint: Both) -> Self {
        let (path, said) = (path.display(), said(error));
        let message =
            both(format!("无法写入 {path}：{}", said.zh), format!("failed to write {path}: {}", said.en));
        Self::system("not_written", message, hint)
    }

    /// The same, where the folder may be at fault.
    pub fn not_in_folder(path: &Path, error: &io::Error) -> Self {
        Self::not_written(path, error, both("请检查所在目录", "check the folder"))
    }

    /// Standard output that could not be written to.
    pub fn no_output(error: &io::Error) -> Self {
        let said = said(error);
        let message = both(
            format!("无法写到标准输出：{}", said.zh),
            format!("failed to write to standard output: {}", said.en),
        );
        Self::system("not_written", message, both("请检查输出的去向", "check where it goes"))
    }

    /// A file of settings that could not be taken.
    pub fn bad_settings(error: &SettingsError) -> Self {
        let en = format!("{error:#}");
        let hint = both("请给出 `serve` 所用的文件", "give the file that `serve` is given");
        Self::usage("settings", both(format!("设置有误（{en}）"), en), hint)
    }

    /// An answer whose end did not come.
    pub fn broken_answer(error: &io::Error) -> Self {
        let said = said(error);
        let message = both(format!("回答中断：{}", said.zh), format!("the answer broke off: {}", said.en));
        Self::system("broken_answer", message, both("请重试", "try again"))
    }

    /// What answers is no center.
    pub fn not_a_center(category: Category, message: Both) -> Self {
        let hint = both(
            "请检查地址：那里监听的可能是别的程序",
            "check the address: something else may be listening there",
        );
        Self::new(category, "not_a_center", message, hint)
    }

    /// From the problem document that the center answered with.
    pub fn of_answer(status: u16, body: &str) -> Self {
        let problem: Value = serde_json::from_str(body).unwrap_or_default();
        let category = if status >= 500 { Category::System } else { Category::Refused };
        if problem["code"].is_null() {
            let first = body.lines().next().unwrap_or_default().trim();
            let first: String = first.chars().take(200).collect();
            let said = match &*first {
                none if none.is_empty() || none.starts_with('<') => both("没有说明原因", "no reason"),
                told => Both::alike(told),
            };
            let message = both(
                format!("回答的状态为 {status}：{}", said.zh),
                format!("the answer has status {status}: {}", said.en),
            );
            return Self::not_a_center(category, message);
        }
        let text = |key: &str| problem[key].as_str().unwrap_or_default();
        // A center that is older tells English alone.
        let told = |both_of: &Value, en: &str| both(both_of["zh"].as_str().unwrap_or(en), en);
        let each = |error: &Value| {
            let part = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
            let en = format!("{}: {}; {}", part("field"), part("problem"), part("hint"));
            told(&error["text"], &en)
        };
        let errors = problem["errors"].as_array().map(|all| all.iter().map(each).collect());
        let message = told(&problem["text"], text("detail"));
        let hint = told(&problem["advice"], text("hint"));
        let code = text("code").to_owned();
        Self { category, code, message, hint, errors: errors.unwrap_or_default(), job_exit: None }
    }

    /// The places that are listed below the message: where one alone is wrong, the message names it.
    fn listed(&self) -> &[Both] {
        if self.errors.len() > 1 { &self.errors } else { &[] }
    }

    /// The advice, where what is said before it does not have it already.
    fn hint_beside(&self, lang: Lang) -> Option<&str> {
        let hint = self.hint.in_lang(lang);
        let said = |text: &Both| text.in_lang(lang).contains(hint);
        let is_said = said(&self.message) || self.listed().iter().any(said);
        (!hint.is_empty() && !is_said).then_some(hint)
    }

    /// Says it on standard error; gives the exit code.
    pub fn tell(&self, as_json: bool, lang: Lang) -> ExitCode {
        if as_json {
            let errors: Vec<&str> = self.errors.iter().map(|error| error.en.as_str()).collect();
            let object = json!({ "category": self.category.name(), "code": self.code, "message": self.message.en,
                "hint": self.hint.en, "errors": errors });
            tell!("{object}");
        } else {
            tell!("{}{}", both("qiantang：", "qiantang: ").in_lang(lang), self.message.in_lang(lang));
            for error in self.listed() {
                tell!("  - {}", error.in_lang(lang));
            }
            if let Some(hint) = self.hint_beside(lang) {
                tell!("  {hint}");
            }
        }
        ExitCode::from(self.job_exit.unwrap_or_else(|| self.category.exit_code()))
    }
}

#[cfg(test)]
mod tests {
    use base::{api::problem::Problem, error::AppError};
    use domain::problem::{Wrong, field};

    use super::*;

    #[test]
    fn an_answer_becomes_a_failure_with_its_category() {
        let body = r#"{"code":"no_contract","detail":"the project has none","hint":"ask","errors":[]}"#;
        let failure = Failure::of_answer(409, body);
        assert_eq!((failure.category.exit_code(), failure.code.as_str()), (4, "no_contract"));
        assert_eq!(Failure::of_answer(500, body).category.exit_code(), 5);
        let odd = Failure::of_answer(404, "<html>");
        assert_eq!((odd.code.as_str(), odd.category.exit_code()), ("not_a_center", 4));
        assert_eq!(odd.message.en, "the answer has status 404: no reason");
        let plain = Failure::of_answer(503, "no healthy upstream\n");
        assert_eq!(plain.message.en, "the answer has status 503: no healthy upstream");
    }

    #[test]
    fn advice_is_told_once() {
        let error = AppError::invalid(field::MONTH, Wrong::NotAMonth { given: "2026-13".into() });
        let body = serde_json::to_string(&Problem::from(&error)).expect("it is written");
        let invalid = Failure::of_answer(422, &body);
        let gone = Failure::of_answer(
            404,
            &serde_json::to_string(&Problem::from(&AppError::not_found("job", "x"))).expect("it is written"),
        );
        for lang in Lang::ALL {
            assert!(!invalid.hint.in_lang(lang).is_empty(), "programs are told it apart");
            assert_eq!(invalid.hint_beside(lang), None, "{}", invalid.message.in_lang(lang));
            assert_eq!(gone.hint_beside(lang), Some(gone.hint.in_lang(lang)));
            // A place that is not listed says no advice.
            let message = both("命令行：不认识", "command line: is not known");
            let hint = both("请写 --time", "write --time");
            let place = both("命令行：不认识；请写 --time", "command line: is not known; write --time");
            let one = Failure { errors: vec![place], ..Failure::usage("usage", message, hint) };
            assert_eq!(one.hint_beside(lang), Some(one.hint.in_lang(lang)));
        }
    }
}
