//! Forms of applications: which questions a kind asks, and what counts as an answer.

use domain::{
    TenantDomain,
    problem::{Field, Quantity, SpecProblem, Wrong, field},
    tenant::{check_slug, read_credit_code},
    text::{InvalidLine, Line, LineFault, email},
};
use serde_json::Value;

use super::answers::Answers;
use crate::error::AppError;

/// The most characters of a line, and of a text of several.
const MOST_OF_LINE: usize = 128;
const MOST_OF_TEXT: usize = 2000;
/// The most characters of a person's name.
const MOST_OF_NAME: usize = 64;

/// What counts as an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Line,
    /// The name of a person, as long as persons have it.
    Name,
    /// Text of several lines.
    Text,
    Number {
        least: i64,
        most: i64,
    },
    /// A short name, as tenants have it.
    Slug,
    /// A unified social credit code, with its check digit.
    CreditCode,
    Email,
    Phone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    pub field: Field,
    pub answer: Answer,
    /// Without an answer the form can't be handed in.
    pub is_required: bool,
    /// Who is asked; none: everybody.
    pub only: &'static [TenantDomain],
}

/// The questions of a kind. Another set of them has another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    pub version: u32,
    pub questions: &'static [Question],
}

impl Form {
    /// What is asked of somebody in a domain.
    pub fn asked(&self, of: TenantDomain) -> impl Iterator<Item = &'static Question> + use<> {
        let questions: &'static [Question] = self.questions;
        questions.iter().filter(move |question| question.only.is_empty() || question.only.contains(&of))
    }

    /// The answers, read. A draft may lack some, and have some that are wrong; all of them are within their limits.
    pub fn read(&self, of: TenantDomain, given: &Answers, is_draft: bool) -> Result<Answers, AppError> {
        let known: Vec<&'static str> = self.asked(of).map(|question| question.field.code).collect();
        if let Some(other) = given.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(AppError::invalid(field::VALUE, Wrong::unknown(other, &known)));
        }
        let (mut answers, mut problems) = (Answers::new(), Vec::new());
        for question in self.asked(of) {
            let text = match given.get(question.field.code) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.trim().replace("\r\n", "\n"),
                Some(other) => other.to_string(),
            };
            if text.is_empty() {
                if question.is_required && !is_draft {
                    let wrong = InvalidLine { most: MOST_OF_LINE, fault: LineFault::Empty };
                    problems.push(SpecProblem::new(question.field, Wrong::Line(wrong)));
                }
                continue;
            }
            let read = question.answer.read(&text);
            match read {
                Ok(value) => drop(answers.insert(question.field.code.to_owned(), value)),
                // What somebody has begun to write is kept, and told when it is handed in.
                Err(_) if is_draft && within(&text, MOST_OF_TEXT).is_ok() => {
                    answers.insert(question.field.code.to_owned(), Value::String(text));
                }
                Err(wrong) => problems.push(SpecProblem::new(question.field, wrong)),
            }
        }
        if problems.is_empty() { Ok(answers) } else { Err(AppError::Invalid(problems)) }
    }

    /// Answers that are granted otherwise than they were asked for, read: only what is given, and all of it right.
    pub fn read_changes(&self, of: TenantDomain, given: &Answers) -> Result<Answers, AppError> {
        let of_given = |question: &&'static Question| {
            given.get(question.field.code).is_some_and(|value| !value.is_null() && value != "")
        };
        let read = self.read(of, given, true)?;
        for question in self.asked(of).filter(of_given) {
            let value = &read[question.field.code];
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            question.answer.read(&text).map_err(|wrong| AppError::invalid(question.field, wrong))?;
        }
        Ok(read)
    }
}

impl Answer {
    fn read(self, text: &str) -> Result<Value, Wrong> {
        let given = || text.chars().take(80).collect::<String>();
        let line = |text: &str| Line::<MOST_OF_LINE>::parse(text).map(String::from).map_err(Wrong::Line);
        Ok(match self {
            Self::Line => line(text)?.into(),
            Self::Name => Line::<MOST_OF_NAME>::parse(text).map(String::from).map_err(Wrong::Line)?.into(),
            Self::Text => within(text, MOST_OF_TEXT)?.into(),
            Self::Number { least, most } => {
                let plain = text.replace([',', '，'], "");
                let number: i64 = plain.parse().map_err(|_| Wrong::NotAWholeNumber { given: given() })?;
                if !(least..=most).contains(&number) {
                    return Err(Wrong::OutOfRange { of: Quantity::Number, given: number, least, most });
                }
                number.into()
            }
            Self::Slug => {
                check_slug(text).map_err(|_| Wrong::NotASlug { given: given() })?;
                text.into()
            }
            Self::CreditCode => {
                read_credit_code(text).map_err(|fault| Wrong::CreditCode { given: given(), fault })?.into()
            }
            Self::Email => {
                if !email::is_address(text) {
                    return Err(Wrong::NotAnEmail { given: given() });
                }
                text.into()
            }
            Self::Phone => {
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                let rest = text.strip_prefix('+').unwrap_or(text);
                let is_plain = rest.bytes().all(|byte| byte.is_ascii_digit() || b" -()".contains(&byte));
                if !is_plain || !(5..=20).contains(&digits) {
                    return Err(Wrong::NotAPhone { given: given() });
                }
                text.into()
            }
        })
    }
}

/// Text of at most so many characters, without any that steer a terminal.
fn within(text: &str, most: usize) -> Result<&str, Wrong> {
    let chars = text.chars().count();
    if chars > most {
        return Err(Wrong::TooLong { chars, most });
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Wrong::Line(InvalidLine { most, fault: LineFault::Unprintable }));
    }
    Ok(text)
}
