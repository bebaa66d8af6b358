//! The logs of runs: their standard output and error.

use std::time::Duration;

use domain::{
    JobId, RunId,
    problem::{Wrong, field},
};
use engines::Stream;
use serde::{Deserialize, Serialize};

use super::jobs;
use crate::{actions, center::Center};
use base::params;
use base::{auth::Caller, error::AppError};

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
    pub limit_bytes: Option<usize>,
}

/// A part of a log.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LogView {
    pub run: Option<RunId>,
    pub stream: Stream,
    pub offset: u64,
    /// Where the next part begins.
    pub end_offset: u64,
    /// As text; what is no UTF-8 is shown as U+FFFD.
    pub data: String,
    /// The run wrote more than its log may hold.
    pub truncated: bool,
    /// The run has ended and this part reaches to its end.
    pub complete: bool,
}

/// The log of one run that the caller may read, found once and then followed.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    pub run: RunId,
    pub stream: Stream,
}

/// Finds the log that a query means; `None` while the job has no run.
pub async fn find(
    center: &Center,
    caller: &Caller,
    id: JobId,
    query: &LogQuery,
) -> Result<Option<Log>, AppError> {
    jobs::visible(center, caller, id, actions::READ_LOG).await?;
    let stream = match query.stream.as_deref() {
        None | Some("" | "stdout") => Stream::Stdout,
        Some("stderr") => Stream::Stderr,
        Some(other) => {
            let wrong = Wrong::unknown(other, &["stdout", "stderr"]);
            return Err(AppError::invalid(field::STREAM, wrong));
        }
    };
    let wanted: Option<RunId> = query
        .run
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(|text| params::id(text, "run"))
        .transpose()?;
    let task = query.task;
    let found = center
        .try_read(move |tx| match (wanted, task) {
            (Some(run), _) => {
                Ok(Some(store::runs::get_run(tx, run)?.run).filter(|found| found.job == id).map(|run| run.id))
            }
            (None, Some(task)) => {
                let position = jobs::position(&store::jobs::get_job(tx, id)?, task)?;
                Ok(store::runs::of_job::of_task(tx, id, position, 1)?.pop().map(|row| row.run.id))
            }
            (None, None) => Ok(store::recent::latest_run(tx, id)?.map(|row| row.run.id)),
        })
        .await?;
    match (found, wanted) {
        (Some(run), _) => Ok(Some(Log { run, stream })),
        (None, Some(run)) => Err(AppError::not_found("run", run)),
        (None, None) => Ok(None),
    }
}

/// Whether a job has ended, so that no run of it comes any more.
pub fn is_over(center: &Center, id: JobId) -> bool {
    center.live().job(id).is_none()
}

/// A part of a job's log.
pub async fn read(center: &Center, caller: &Caller, id: JobId, query: LogQuery) -> Result<LogView, AppError> {
    let Some(log) = find(center, caller, id, &query).await? else {
        return Ok(LogView {
            run: None,
            stream: Stream::Stdout,
            offset: 0,
            end_offset: 0,
            data: String::new(),
            truncated: false,
            complete: false,
        });
    };
    let limit = query.limit_bytes.unwrap_or(CHUNK).clamp(1, MAX_CHUNK_BYTES);
    chunk(center, log, query.offset.unwrap_or(0), limit).await
}

/// A part of a log from `offset` on (below 0: counted from the end). Cut so that no character of UTF-8 is torn.
pub async fn chunk(center: &Center, log: Log, offset: i64, limit: usize) -> Result<LogView, AppError> {
    let engine = center.compute.engine.clone();
    let is_live = center.live().run(log.run).is_some();
    let part = tokio::task::spawn_blocking(move || {
        let from = match u64::try_from(offset) {
            Ok(offset) => offset,
            Err(_) => engine
                .read_log(log.run, log.stream, u64::MAX, 0)?
                .end_offset
                .saturating_sub(offset.unsigned_abs()),
        };
        engine.read_log(log.run, log.stream, from, limit)
    })
    .await?
    .map_err(AppError::internal)?;
    let reached = part.offset + part.bytes.len() as u64;
    let at_end = reached >= part.end_offset;
    let keep = if at_end && !is_live { part.bytes.len() } else { whole_characters(&part.bytes) };
    Ok(LogView {
        run: Some(log.run),
        stream: log.stream,
        offset: part.offset,
        end_offset: part.offset + keep as u64,
        data: String::from_utf8_lossy(&part.bytes[..keep]).into_owned(),
        truncated: part.truncated,
        complete: at_end && !is_live,
    })
}

/// The number after the last `accuracy` of a log, as training work says it.
pub fn last_accuracy(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once("accuracy")?;
    let rest = rest.trim_start_matches([' ', '=', ':', '"']);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    Some(&rest[..end]).filter(|number| number.parse::<f64>().is_ok())
}

/// How many bytes to take so that a character begun at the very end is left for the next part.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=3.min(bytes.len()) {
        let at = bytes.len() - back;
        let needs = match bytes[at] {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return bytes.len(),
        };
        return if needs > back { at } else { bytes.len() };
    }
    bytes.len()
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
        fn text_read_in_parts_is_the_text(text in "[a-z钱塘江🌊é]{0,40}", size in 4_usize..9) {
            let bytes = text.as_bytes();
            let (mut at, mut seen) = (0, String::new());
            while at < bytes.len() {
                let part = &bytes[at..bytes.len().min(at + size)];
                let keep = if at + part.len() == bytes.len() { part.len() } else { whole_characters(part) };
                prop_assert!(keep > 0);
                seen.push_str(&String::from_utf8_lossy(&part[..keep]));
                at += keep;
            }
            prop_assert_eq!(seen, text);
        }

        #[test]
        fn bytes_that_are_no_text_are_not_held_back_for_ever(bytes in prop::collection::vec(any::<u8>(), 4..40)) {
            prop_assert!(whole_characters(&bytes) > bytes.len() - 4);
        }
    }
}
