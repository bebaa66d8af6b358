//! How values are shown in either language.

use crate::decimal;

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
