//! Parsers for the parts of requests: ids, words, names, instants, intervals, cursors.

use std::str::FromStr;

use crate::error::AppError;
use crate::listing::{DEFAULT_PAGE, MAX_PAGE};
use domain::{
    Timestamp, Zone,
    problem::{Field, Quantity, Wrong, field},
    tenant::check_slug,
    text::Line,
};

/// The most of one amount, in micro-CNY or card-milliseconds: far beyond any real contract, and low enough that no sum of
/// them overflows.
pub const MOST_AMOUNT: i64 = 1_000_000_000_000_000;

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

/// An instant, or a day as its first one in the center's time zone.
pub fn parse_instant(zone: &Zone, field: Field, text: &str) -> Result<Timestamp, AppError> {
    let wrong = |_| AppError::invalid(field, Wrong::NotAnInstant { given: text.to_owned() });
    zone.parse(text).map_err(wrong)
}

/// The instant at which a day begins at the center; `None` where nothing is typed.
pub fn day(zone: &Zone, field: Field, text: &str) -> Result<Option<Timestamp>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = zone.parse(text).ok().filter(|_| text.len() == 10);
    read.map(Some).ok_or_else(|| AppError::invalid(field, Wrong::NotADay { given: text.to_owned() }))
}

/// The interval that `from` and `to` name; the last `default_hours` up to `now` where left out. What has not come yet is
/// left out of it.
pub fn interval(
    zone: &Zone,
    from: Option<&str>,
    to: Option<&str>,
    default_hours: i64,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), AppError> {
    let to = to.map_or(Ok(now), |text| parse_instant(zone, field::TO, text))?;
    let default_from = to.minus(domain::Millis::from_hours(default_hours));
    let from = from.map_or(Ok(default_from), |text| parse_instant(zone, field::FROM, text))?;
    if from > to {
        return Err(AppError::invalid(field::FROM, Wrong::AfterEnd { end: field::TO }));
    }
    if from > now {
        return Err(AppError::invalid(field::FROM, Wrong::InTheFuture));
    }
    Ok((from, to.min(now)))
}
