//! A job's log in the page: its end as text at once, what comes after as a stream, all of it as a file.

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response, sse::Event as Sse},
};
use base::{
    error::AppError,
    http::{Id, last_event_id, open_stream},
    page::{extract::Asked, frame::Visitor},
    params,
};
use domain::{JobId, RunId};
use engines::Stream;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use crate::{
    app::logs::{self, CHUNK, LOOK_EVERY, Log, LogQuery, LogView},
    center::Center,
};

/// Bytes of a log's end that a page shows at once.
const SHOWN: i64 = 48 * 1024;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LogPart {
    /// `stdout`, `stderr`, or both where left out.
    pub stream: String,
    pub run: String,
    /// Where to begin: `OUT-ERR` in bytes.
    pub from: String,
}

impl LogPart {
    fn streams(&self) -> &'static [Stream] {
        match self.stream.as_str() {
            "stdout" => &[Stream::Stdout],
            "stderr" => &[Stream::Stderr],
            _ => &[Stream::Stdout, Stream::Stderr],
        }
    }

    fn query(&self, stream: Stream) -> LogQuery {
        LogQuery {
            stream: Some(stream.code().to_owned()),
            run: Some(self.run.clone()).filter(|run| !run.is_empty()),
            ..LogQuery::default()
        }
    }
}

/// The log's part of a job's page.
pub struct Shown {
    pub run: RunId,
    /// Tells the page that it has this part of the log.
    pub part: String,
    /// `all`, `stdout`, `stderr`, and which of them is shown.
    pub tabs: Vec<(&'static str, bool)>,
    pub download: &'static str,
    pub is_live: bool,
    /// Where its stream goes on from what is shown.
    pub stream: String,
    pub is_cut: bool,
    /// A class, and the line with its end.
    pub lines: Vec<(&'static str, String)>,
    /// The last accuracy that the log tells of, if it does.
    pub accuracy: Option<String>,
}

/// The end of a job's log, if it has a run.
pub async fn shown(
    center: &Center,
    visitor: &Visitor,
    job: JobId,
    wanted: &LogPart,
) -> Result<Option<Shown>, AppError> {
    let mut offsets = [0_u64; 2];
    let (mut lines, mut is_cut, mut complete, mut run) = (Vec::new(), false, true, None);
    let mut accuracy = None;
    for stream in wanted.streams() {
        let Some(log) = logs::find(center, &visitor.caller, job, &wanted.query(*stream)).await? else {
            return Ok(None);
        };
        let part = logs::chunk(center, log, -SHOWN, CHUNK).await?;
        run = Some(log.run);
        is_cut |= part.offset > 0 || part.truncated;
        complete &= part.complete;
        offsets[index(*stream)] = part.end_offset;
        let class = if *stream == Stream::Stderr { " is-err" } else { "" };
        if *stream == Stream::Stdout {
            accuracy = logs::last_accuracy(&part.data).map(str::to_owned);
        }
        lines.extend(text_lines(&part).map(|line| (class, line)));
    }
    let Some(run) = run else { return Ok(None) };
    let tab =
        |name: &'static str| (name, wanted.stream == name || (name == "all" && wanted.streams().len() == 2));
    let is_live = !complete;
    let streams = if wanted.streams().len() == 2 { "" } else { wanted.stream.as_str() };
    let [out, err] = offsets;
    Ok(Some(Shown {
        run,
        part: format!("log-{run}-{streams}"),
        tabs: vec![tab("all"), tab("stdout"), tab("stderr")],
        download: if wanted.stream == "stderr" { "stderr" } else { "stdout" },
        is_live,
        stream: format!("/jobs/{job}/log/stream?run={run}&stream={streams}&from={out}-{err}"),
        is_cut,
        lines,
        accuracy,
    }))
}

fn text_lines(part: &LogView) -> impl Iterator<Item = String> {
    // A part that begins inside the log begins with the next whole line.
    let begin = if part.offset > 0 { part.data.find('\n').map_or(0, |at| at + 1) } else { 0 };
    part.data[begin..].split_inclusive('\n').map(str::to_owned)
}

fn index(stream: Stream) -> usize {
    usize::from(stream == Stream::Stderr)
}

/// A job's log as it grows: events `stdout` and `stderr` with text, `end` at the end; the id of each is where
/// the next begins.
pub async fn stream(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<LogPart>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let job: JobId = params::id(&id, "job")?;
    let mut found = Vec::new();
    for stream in wanted.streams() {
        // Checked once, so that what is wrong is an answer and not a stream that ends.
        if let Some(log) = logs::find(&center, &visitor.caller, job, &wanted.query(*stream)).await? {
            found.push(log);
        }
    }
    let offsets = last_event_id(&headers)
        .and_then(parse_offsets)
        .or_else(|| parse_offsets(&wanted.from))
        .unwrap_or([0; 2]);
    open_stream(&center.clone(), move |out| async move { follow(&center, &found, offsets, &out).await })
}

fn parse_offsets(text: &str) -> Option<[u64; 2]> {
    let (out, err) = text.split_once('-')?;
    Some([out.parse().ok()?, err.parse().ok()?])
}

async fn follow(center: &Center, found: &[Log], mut offsets: [u64; 2], out: &mpsc::Sender<Sse>) {
    let mut stopping = center.stopping.subscribe();
    loop {
        let (mut complete, mut is_quiet) = (true, true);
        for log in found {
            let at = index(log.stream);
            let Ok(part) =
                logs::chunk(center, *log, i64::try_from(offsets[at]).unwrap_or(i64::MAX), CHUNK).await
            else {
                return;
            };
            offsets[at] = part.end_offset;
            complete &= part.complete;
            if part.data.is_empty() {
                continue;
            }
            is_quiet = false;
            let [to, err] = offsets;
            // Lines of these events end in `\n` alone.
            let text = part.data.replace("\r\n", "\n").replace('\r', "\n");
            let event = Sse::default().event(log.stream.code()).id(format!("{to}-{err}")).data(text);
            if out.send(event).await.is_err() {
                return;
            }
        }
        if is_quiet && complete {
            let [to, err] = offsets;
            let _ = out.send(Sse::default().event("end").id(format!("{to}-{err}")).data("end")).await;
            return;
        }
        if is_quiet {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopping.changed() => return,
                () = out.closed() => return,
            }
        }
    }
}

/// One stream of a run's log as a file, as far as it has come.
pub async fn download(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<LogPart>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let job: JobId = params::id(&id, "job")?;
    let stream = if wanted.stream == "stderr" { Stream::Stderr } else { Stream::Stdout };
    let log = logs::find(&center, &visitor.caller, job, &wanted.query(stream)).await?;
    let log = log.ok_or_else(|| AppError::not_found("log", job))?;
    let (out, parts) = mpsc::channel::<Result<Bytes, std::convert::Infallible>>(4);
    tokio::spawn(async move {
        let mut at = 0_u64;
        loop {
            let Ok(part) = logs::chunk(&center, log, i64::try_from(at).unwrap_or(i64::MAX), CHUNK).await
            else {
                return;
            };
            // As far as it has come: of a log that still grows, what is there by now.
            if part.data.is_empty() {
                return;
            }
            at = part.end_offset;
            if out.send(Ok(Bytes::from(part.data))).await.is_err() {
                return;
            }
        }
    });
    let name = format!("attachment; filename=\"{}-{}.log\"", log.run, stream.code());
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(ReceiverStream::new(parts).map(|part| part))).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_begins_with_a_whole_line() {
        let part = |offset, data: &str| LogView {
            run: None,
            stream: Stream::Stdout,
            offset,
            end_offset: 0,
            data: data.into(),
            truncated: false,
            complete: false,
        };
        assert_eq!(text_lines(&part(0, "a\nb")).collect::<Vec<_>>(), ["a\n", "b"]);
        assert_eq!(text_lines(&part(9, "torn\nb\n")).collect::<Vec<_>>(), ["b\n"]);
        assert_eq!(parse_offsets("12-0"), Some([12, 0]));
        assert_eq!(parse_offsets("12"), None);
    }
}
