//! What is shown of things, the same for the API and the portal, and how requests for lists are read.

use std::{fmt::Display, str::FromStr};

use domain::{Lang, Timestamp};
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
    text.parse().map(Some).map_err(|_| {
        AppError::invalid(
            "cursor",
            "is not one that this list gave",
            "send `next_cursor` of the page before, as it is",
        )
    })
}

/// How many items a page has.
pub fn page_limit(limit: Option<u32>) -> Result<u32, AppError> {
    match limit.unwrap_or(DEFAULT_PAGE) {
        limit @ 1..=MAX_PAGE => Ok(limit),
        other => {
            Err(AppError::invalid("limit", format!("is {other}"), format!("ask for 1 to {MAX_PAGE} items")))
        }
    }
}

/// One of a few words, such as a state.
pub fn word<T>(
    field: &str,
    text: &str,
    parse: impl Fn(&str) -> Option<T>,
    known: &[&str],
) -> Result<T, AppError> {
    parse(text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        AppError::invalid(field, format!("is `{shown}`"), format!("use one of: {}", known.join(", ")))
    })
}

/// The interval that `from` and `to` name; the last `default_hours` up to `now` where left out.
pub fn interval(
    from: Option<&str>,
    to: Option<&str>,
    default_hours: i64,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), AppError> {
    let parse = |field: &str, text: &str| {
        text.parse::<Timestamp>()
            .map_err(|error| AppError::invalid(field, error.to_string(), "write it as 2026-05-20T08:00:00Z"))
    };
    let to = to.map_or(Ok(now), |text| parse("to", text))?;
    let default_from = to.minus(domain::Millis::from_hours(default_hours));
    let from = from.map_or(Ok(default_from), |text| parse("from", text))?;
    if from > to {
        return Err(AppError::invalid("from", "is after `to`", "give the earlier instant as `from`"));
    }
    Ok((from, to.min(now)))
}

/// A list of things for a sentence.
pub fn listed<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
