//! How values are shown in either language.

use crate::{MicroCny, decimal};

/// The words for a fault, and the advice on it.
pub(super) type Words = (String, String);

/// A text that came from outside, for a message: without control characters, and not longer than people read.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `1,048,576`.
pub(super) fn grouped(number: impl Into<i128>) -> String {
    decimal::grouped(&number.into().to_string())
}

/// Millionths of a yuan, in yuan.
pub(super) fn yuan(micro: i64) -> String {
    short(&MicroCny(micro).exact())
}

/// Card-milliseconds, in card-hours to the millionth.
pub(super) fn hours(card_ms: i64) -> String {
    let millionths = i128::from(card_ms) * 10 / 36;
    short(&MicroCny(i64::try_from(millionths).unwrap_or(i64::MAX)).exact())
}

/// Without places that are all zero.
fn short(exact: &str) -> String {
    decimal::grouped(exact.strip_suffix(".00").unwrap_or(exact))
}
