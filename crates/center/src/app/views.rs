//! What is shown of things, the same for the API and the portal, and how requests for lists are read.

use std::str::FromStr;

use domain::{
    Lang, Timestamp,
    problem::{Field, Quantity, Wrong, field},
    tenant::check_slug,
    text::Line,
};
use scheduler::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DEFAULT_PAGE, MAX_PAGE};
use crate::error::AppError;

/// One text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Text {
    pub zh: String,
    pub en: String,
}

impl Text {
    pub fn of(text: impl Fn(Lang) -> String) -> Self {
        Self { zh: text(Lang::Zh), en: text(Lang::En) }
    }

    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// Why a job waits.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VerdictView {
    /// The binding limit, as programs read it: `free_cards`.
    pub code: String,
    /// The binding limit with its numbers, as people read it.
    pub text: Text,
    #[schema(value_type = Object)]
    pub limit: Value,
    /// Jobs that come before it.
    pub ahead: u32,
    /// RFC 3339; `null` where no start can be told.
    pub forecast_start: Option<String>,
    /// `exact`, `estimate` or `unknown`.
    pub certainty: String,
}

impl VerdictView {
    pub fn of(verdict: &Verdict) -> Self {
        let text_of = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
        Self {
            code: verdict.limit.code().to_owned(),
            text: Text::of(|lang| verdict.text(lang)),
            limit: serde_json::to_value(&verdict.limit).unwrap_or_default(),
            ahead: verdict.ahead,
            forecast_start: instant(verdict.forecast_start),
            certainty: serde_json::to_value(verdict.certainty).map(text_of).unwrap_or_default(),
        }
    }
}

/// RFC 3339, where there is an instant.
pub fn instant(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

/// An id from a path or query; what is no such id is not found.
pub fn id<T: FromStr>(text: &str, noun: &'static str) -> Result<T, AppError> {
    text.parse().map_err(|_| AppError::not_found(noun, text))
}

/// A cursor as a list gave it.
pub fn parse_cursor<T: FromStr>(text: Option<&str>) -> Result<Option<T>, AppError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| AppError::invalid(field::CURSOR, Wrong::NotACursor))
}

/// How many items a page has.
pub fn page_limit(limit: Option<u32>) -> Result<u32, AppError> {
    match limit.unwrap_or(DEFAULT_PAGE) {
        limit @ 1..=MAX_PAGE => Ok(limit),
        other => {
            let (given, most) = (other.into(), MAX_PAGE.into());
            let wrong = Wrong::OutOfRange { of: Quantity::Items, given, least: 1, most };
            Err(AppError::invalid(field::LIMIT, wrong))
        }
    }
}

/// One of a few words, such as a state.
pub fn word<T>(
    field: Field,
    text: &str,
    parse: impl Fn(&str) -> Option<T>,
    known: &[&'static str],
) -> Result<T, AppError> {
    parse(text).ok_or_else(|| AppError::invalid(field, Wrong::unknown(text, known)))
}

/// A line of printable text, such as a name.
pub fn line<const MAX: usize>(field: Field, text: impl Into<String>) -> Result<Line<MAX>, AppError> {
    Line::parse(text).map_err(|wrong| AppError::invalid(field, wrong))
}

/// Refuses what is not a short name.
pub fn slug(text: &str) -> Result<(), AppError> {
    let wrong = |_| AppError::invalid(field::SLUG, Wrong::NotASlug { given: text.to_owned() });
    check_slug(text).map_err(wrong)
}

/// An instant, or a day as its first one in UTC.
pub fn parse_instant(field: Field, text: &str) -> Result<Timestamp, AppError> {
    let wrong = |_| AppError::invalid(field, Wrong::NotAnInstant { given: text.to_owned() });
    text.parse().map_err(wrong)
}

/// The interval that `from` and `to` name; the last `default_hours` up to `now` where left out.
pub fn interval(
    from: Option<&str>,
    to: Option<&str>,
    default_hours: i64,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), AppError> {
    let to = to.map_or(Ok(now), |text| parse_instant(field::TO, text))?;
    let default_from = to.minus(domain::Millis::from_hours(default_hours));
    let from = from.map_or(Ok(default_from), |text| parse_instant(field::FROM, text))?;
    if from > to {
        return Err(AppError::invalid(field::FROM, Wrong::AfterEnd { end: field::TO }));
    }
    Ok((from, to.min(now)))
}
