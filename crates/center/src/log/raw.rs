//! A log as the bytes that the run wrote, of any length. Where bytes are left out, a line says so.

use axum::body::Bytes;
use base::error::AppError;
use domain::{
    Lang,
    decimal::grouped,
    problem::{Wrong, field},
};
use engines::Stream;
use tokio::sync::mpsc;

use super::{
    ask::{self, Amount, RunLog},
    order::{self, Filter, Place},
};
use crate::center::Center;

const PART_BYTES: u64 = 1 << 20;

/// Where to begin: at a place, at a byte of the one stream, with the last lines, or at an instant.
#[derive(Clone, Debug, Default)]
pub struct Begin {
    pub from: Option<Place>,
    pub offset: Option<u64>,
    pub tail: Option<u32>,
    pub since: Option<domain::Timestamp>,
}

/// Finds the place where somebody wants to begin.
pub async fn begin(center: &Center, log: &RunLog, filter: Filter, wanted: &Begin) -> Result<Place, AppError> {
    let given = [
        (wanted.from.is_some(), field::FROM),
        (wanted.offset.is_some(), field::OFFSET),
        (wanted.tail.is_some(), field::TAIL),
        (wanted.since.is_some(), field::SINCE),
    ];
    let mut given = given.into_iter().filter(|given| given.0).map(|given| given.1);
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        return Err(AppError::invalid(second, Wrong::NotBeside { other: first }));
    }
    if let Some(offset) = wanted.offset {
        let mut place = Place::default();
        let Some(stream) = filter.stream else {
            let wrong = Wrong::unknown("all", &["stdout", "stderr"]);
            return Err(AppError::invalid(field::STREAM, wrong));
        };
        place.0[stream as usize] = offset;
        return Ok(place);
    }
    if let Some(lines) = wanted.tail {
        return Ok(ask::last(center, log, filter, None, Amount::Lines(lines as usize)).await?.from);
    }
    match wanted.since {
        Some(at) => ask::since(center, log, at).await,
        None => Ok(wanted.from.unwrap_or_default()),
    }
}

/// Sends the bytes from a place on, as far as the log has come by now.
pub async fn send(
    center: Center,
    log: RunLog,
    filter: Filter,
    (from, limit_bytes): (Place, Option<u64>),
    lang: Lang,
    out: mpsc::Sender<Result<Bytes, AppError>>,
) {
    let (mut at, mut left, mut end) = (from, limit_bytes.unwrap_or(u64::MAX), None);
    while left > 0 {
        let part = ask::after(&center, &log, filter, at, left.min(PART_BYTES)).await;
        let part = match part {
            Ok(part) => part,
            Err(error) => return drop(out.send(Err(error)).await),
        };
        let end = *end.get_or_insert_with(|| order::end(&part.layout));
        for (span, bytes) in part.pieces {
            let bytes = if span.is_gap { left_out(lang, span.length()).into() } else { bytes };
            left = left.saturating_sub(if span.is_gap { 0 } else { bytes.len() as u64 });
            if !bytes.is_empty() && out.send(Ok(Bytes::from(bytes))).await.is_err() {
                return;
            }
        }
        // Of a log that still grows, what was there in the beginning.
        let has_all = |stream: Stream| part.to.0[stream as usize] >= end.0[stream as usize];
        if part.to == at || Stream::ALL.into_iter().all(has_all) {
            return;
        }
        at = part.to;
    }
}

/// The line in place of what is left out.
pub fn left_out(lang: Lang, bytes: u64) -> String {
    let bytes = grouped(&bytes.to_string());
    match lang {
        Lang::Zh => format!("\n[钱塘：此处略去 {bytes} 字节]\n"),
        Lang::En => format!("\n[qiantang: {bytes} bytes are left out here]\n"),
    }
}
