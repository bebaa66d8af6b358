//! The logs of runs: their standard output and error.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    JobId, RunId,
    problem::{Wrong, field},
};
use engines::{LogChunk, Stream};
use serde::{Deserialize, Serialize};

use crate::{
    center::Center,
    log::{
        ask::{self, Amount, RunLog, Which},
        encoding::Reading,
    },
};
use base::{auth::Caller, error::AppError, params};

/// How often a log that is followed is looked at: its writer tells nobody.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Bytes of one part of a log that is followed.
pub const CHUNK: usize = 64 * 1024;
/// The most bytes of a log in one answer.
pub const MAX_CHUNK_BYTES: usize = 1 << 20;

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// `stdout` (where left out) or `stderr`.
    #[param(inline, value_type = Option<Stream>)]
    pub stream: Option<String>,
    /// A run's id; the newest run's log where left out.
    pub run: Option<String>,
    /// The index of a task: its newest run's log.
    pub task: Option<u32>,
    /// Where to begin, in bytes; below 0: that many bytes before the end.
    pub offset: Option<i64>,
    /// Begins with the last so many lines, in place of `offset`.
    pub tail: Option<u32>,
    pub limit_bytes: Option<usize>,
    /// The encoding of the text, as the Web names them; UTF-8 where left out, and what is no UTF-8 by a guess.
    pub encoding: Option<String>,
}

/// A part of a log. Places are counted in all bytes that the run wrote.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LogView {
    pub run: Option<RunId>,
    pub stream: Stream,
    pub offset: u64,
    /// Where the next part begins.
    pub end_offset: u64,
    /// The length of the log now.
    pub length: u64,
    /// As text. What can't be read in its encoding is shown as U+FFFD.
    pub data: String,
    /// The bytes in Base64, where the text is not their UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<String>,
    /// The encoding in which the text was read.
    pub encoding: &'static str,
    /// What is left out of the log, whose head and tail are kept: the run wrote more than its limit.
    pub left_out: Option<LeftOut>,
    /// The run wrote more than its log may hold, or than the disk had room for.
    pub truncated: bool,
    /// The run has ended and this part reaches to its end.
    pub complete: bool,
}

/// Bytes of a log that are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LeftOut {
    pub offset: u64,
    pub bytes: u64,
}

/// The log of one run that the caller may read, found once and then followed.
#[derive(Clone, Debug)]
pub struct Log {
    pub of: RunLog,
    pub stream: Stream,
    pub reading: Reading,
}

/// Finds the log that a query means; `None` while the job has no run.
pub async fn find(
    center: &Center,
    caller: &Caller,
    id: JobId,
    query: &LogQuery,
) -> Result<Option<Log>, AppError> {
    let reading = ask::reading(query.encoding.as_deref())?;
    let stream = match query.stream.as_deref() {
        None | Some("") => Stream::Stdout,
        Some(name) => params::word(field::STREAM, name, Stream::from_code, &["stdout", "stderr"])?,
    };
    if query.tail.is_some() && query.offset.is_some() {
        return Err(AppError::invalid(field::TAIL, Wrong::NotBeside { other: field::OFFSET }));
    }
    let found = ask::find(center, caller, Which { job: id, task: query.task }, query.run.as_deref()).await?;
    Ok(found.map(|of| Log { of, stream, reading }))
}

/// Whether a job has ended, so that no run of it comes any more.
pub fn is_over(center: &Center, id: JobId) -> bool {
    center.live().job(id).is_none()
}

/// A part of a job's log.
pub async fn read(center: &Center, caller: &Caller, id: JobId, query: LogQuery) -> Result<LogView, AppError> {
    let Some(log) = find(center, caller, id, &query).await? else {
        let stream = query.stream.as_deref().and_then(Stream::from_code).unwrap_or(Stream::Stdout);
        return Ok(view(None, stream, Reading::default(), LogChunk::default(), false));
    };
    let limit = query.limit_bytes.unwrap_or(CHUNK).clamp(1, MAX_CHUNK_BYTES);
    let offset = begin(center, &log, query.offset, query.tail).await?;
    chunk(center, &log, offset, limit).await
}

/// Where a query begins.
pub async fn begin(
    center: &Center,
    log: &Log,
    offset: Option<i64>,
    tail: Option<u32>,
) -> Result<i64, AppError> {
    let Some(lines) = tail else { return Ok(offset.unwrap_or(0)) };
    let filter = log.of.filter(Some(log.stream.code()), None)?;
    let part = ask::last(center, &log.of, filter, None, Amount::Lines(lines as usize)).await?;
    Ok(i64::try_from(part.from.0[log.stream as usize]).unwrap_or(i64::MAX))
}

/// A part of a log from `offset` on (below 0: counted from the end). Cut so that no character is torn.
pub async fn chunk(center: &Center, log: &Log, offset: i64, limit: usize) -> Result<LogView, AppError> {
    let engine = center.compute.engine.clone();
    let (run, stream) = (log.of.run, log.stream);
    let is_live = center.live().run(run).is_some();
    let part = tokio::task::spawn_blocking(move || {
        let from = match u64::try_from(offset) {
            Ok(offset) => offset,
            Err(_) => {
                engine.read_log(run, stream, u64::MAX, 0)?.end_offset.saturating_sub(offset.unsigned_abs())
            }
        };
        engine.read_log(run, stream, from, limit)
    })
    .await?
    .map_err(AppError::internal)?;
    Ok(view(Some(run), stream, log.reading, part, !is_live))
}

fn view(
    run: Option<RunId>,
    stream: Stream,
    mut reading: Reading,
    mut part: LogChunk,
    has_ended: bool,
) -> LogView {
    let reached = part.offset + part.bytes.len() as u64;
    let at_end = reached >= part.end_offset;
    reading.learn(&part.bytes);
    if !(at_end && has_ended) {
        part.bytes.truncate(whole(reading, &part.bytes));
    }
    let data = reading.text(&part.bytes).into_owned();
    LogView {
        run,
        stream,
        offset: part.offset,
        end_offset: part.offset + part.bytes.len() as u64,
        length: part.end_offset,
        bytes: encoded_unless(&data, &part.bytes),
        data,
        encoding: reading.name(),
        left_out: part.gap.clone().map(|gap| LeftOut { offset: gap.start, bytes: gap.end - gap.start }),
        truncated: part.truncated || part.gap.is_some(),
        complete: run.is_some() && at_end && has_ended,
    }
}

/// The bytes in Base64, where the text is not their UTF-8.
pub fn encoded_unless(text: &str, bytes: &[u8]) -> Option<String> {
    (text.as_bytes() != bytes).then(|| STANDARD.encode(bytes))
}

/// How many bytes to take so that no character is torn. Where that would be none, all: more may never come.
fn whole(reading: Reading, bytes: &[u8]) -> usize {
    let torn_at_most = 3;
    match reading.whole(bytes) {
        0 if bytes.len() > torn_at_most => bytes.len(),
        whole => whole,
    }
}

/// The number after the last `accuracy` of a log, as training work says it.
pub fn last_accuracy(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once("accuracy")?;
    let rest = rest.trim_start_matches([' ', '=', ':', '"']);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    Some(&rest[..end]).filter(|number| number.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_accuracy_is_told() {
        assert_eq!(last_accuracy("epoch 1 accuracy 0.8\nepoch 2 accuracy 0.92\n"), Some("0.92"));
        assert_eq!(last_accuracy("{\"accuracy\": 0.9}"), Some("0.9"));
        assert_eq!(last_accuracy("no accuracy yet"), None);
        assert_eq!(last_accuracy(""), None);
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_text_are_not_held_back_for_ever(bytes in prop::collection::vec(any::<u8>(), 4..40)) {
            let mut reading = Reading::default();
            reading.learn(&bytes);
            prop_assert!(whole(reading, &bytes) > 0);
        }
    }
}
