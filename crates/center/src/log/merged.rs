//! What programs ask of a run's two streams together: pieces as they came, the bytes themselves, and a search.

use base::{auth::Caller, error::AppError, params};
use domain::{
    Rfc3339, RunId,
    problem::{Wrong, field},
    text::Line,
};
use engines::Stream;
use serde::{Deserialize, Serialize};

use super::{
    ask::{self, RunLog, Which},
    order::{Filter, Place},
    raw::{self, Begin},
    search::{Counts, Match},
};
use crate::{
    app::logs::{CHUNK, MAX_CHUNK_BYTES, encoded_unless},
    center::Center,
};

/// The longest text that is looked for.
const MAX_WANTED_CHARS: usize = 200;

domain::codes! {
    /// Which of the two streams somebody wants.
    pub enum Streams {
        All = "all",
        Stdout = "stdout",
        Stderr = "stderr",
    }
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RawQuery {
    /// `stdout`, `stderr`, or `all` (where left out): both as they came.
    #[param(inline, value_type = Option<Streams>)]
    pub stream: Option<String>,
    /// A run's id; the newest run's log where left out.
    pub run: Option<String>,
    /// Only what this node wrote, by its name or rank.
    pub node: Option<String>,
    /// Where to begin in the one stream that is named, in bytes.
    pub offset: Option<u64>,
    /// Begins with the last so many lines.
    pub tail: Option<u32>,
    /// Begins with what came at this instant or later.
    #[param(inline, value_type = Option<domain::schema::InstantOrNone>)]
    pub since: Option<String>,
    pub limit_bytes: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MergedQuery {
    /// `stdout`, `stderr`, or `all` (where left out).
    #[param(inline, value_type = Option<Streams>)]
    pub stream: Option<String>,
    /// A run's id; the newest run's log where left out.
    pub run: Option<String>,
    /// Only what this node wrote, by its name or rank.
    pub node: Option<String>,
    /// Where to begin: `next` of an answer before.
    pub from: Option<String>,
    /// Begins with the last so many lines.
    pub tail: Option<u32>,
    /// Begins with what came at this instant or later.
    #[param(inline, value_type = Option<domain::schema::InstantOrNone>)]
    pub since: Option<String>,
    pub limit_bytes: Option<usize>,
    /// The encoding of the text, as the Web names them; UTF-8 where left out, and what is no UTF-8 by a guess.
    pub encoding: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// The text to look for, whatever the case of its letters.
    #[param(required = true, min_length = 1, max_length = 200)]
    #[serde(default)]
    pub q: String,
    /// `stdout`, `stderr`, or `all` (where left out).
    #[param(inline, value_type = Option<Streams>)]
    pub stream: Option<String>,
    /// A run's id; the newest run's log where left out.
    pub run: Option<String>,
    /// Only what this node wrote, by its name or rank.
    pub node: Option<String>,
    /// Where to go on: `next_cursor` of an answer before.
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The encoding of the text, as the Web names them; UTF-8 where left out, and what is no UTF-8 by a guess.
    pub encoding: Option<String>,
}

/// Bytes of one stream that came together.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PieceView {
    pub stream: Stream,
    /// The name of the node that wrote them, of a run with several.
    pub node: Option<String>,
    pub at: Option<Rfc3339>,
    /// Where it begins in its stream, in bytes.
    pub offset: u64,
    pub data: String,
    /// The bytes in Base64, where the text is not their UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<String>,
    /// In place of bytes that are left out: how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out_bytes: Option<u64>,
}

/// A part of both streams.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MergedView {
    pub run: Option<RunId>,
    pub pieces: Vec<PieceView>,
    /// Where this part begins.
    pub from: String,
    /// Where the next part begins.
    pub next: String,
    /// The pieces are in the order in which they came.
    pub ordered: bool,
    pub encoding: &'static str,
    /// The streams whose end is lost: the disk had no room for it.
    pub truncated: Vec<Stream>,
    /// The run has ended and this part reaches to its end.
    pub complete: bool,
}

/// Lines in which a text was found.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct FoundView {
    pub run: Option<RunId>,
    pub items: Vec<Match>,
    pub encoding: &'static str,
    /// `null` when the whole log was looked at.
    pub next_cursor: Option<String>,
}

/// The log, what is wanted of it, and where to begin, for somebody who wants its bytes; `None` while the job has no run.
pub async fn find_raw(
    center: &Center,
    caller: &Caller,
    which: Which,
    query: &RawQuery,
) -> Result<Option<(RunLog, Filter, Place)>, AppError> {
    let Some(log) = ask::find(center, caller, which, query.run.as_deref()).await? else { return Ok(None) };
    let filter = log.filter(query.stream.as_deref(), query.node.as_deref())?;
    let since = instant(center, query.since.as_deref())?;
    let begin = Begin { from: None, offset: query.offset, tail: query.tail, since };
    let from = raw::begin(center, &log, filter, &begin).await?;
    Ok(Some((log, filter, from)))
}

fn instant(center: &Center, text: Option<&str>) -> Result<Option<domain::Timestamp>, AppError> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| params::parse_instant(center.settings.time_zone, field::SINCE, text)).transpose()
}

/// A part of both streams of a job's run.
pub async fn read(
    center: &Center,
    caller: &Caller,
    which: Which,
    query: MergedQuery,
) -> Result<MergedView, AppError> {
    let mut reading = ask::reading(query.encoding.as_deref())?;
    let from = ask::place(query.from.as_deref())?;
    let since = instant(center, query.since.as_deref())?;
    let Some(log) = ask::find(center, caller, which, query.run.as_deref()).await? else {
        return Ok(MergedView {
            run: None,
            pieces: Vec::new(),
            from: Place::default().to_string(),
            next: Place::default().to_string(),
            ordered: true,
            encoding: reading.name(),
            truncated: Vec::new(),
            complete: false,
        });
    };
    let filter = log.filter(query.stream.as_deref(), query.node.as_deref())?;
    let begin = Begin { from, offset: None, tail: query.tail, since };
    let from = raw::begin(center, &log, filter, &begin).await?;
    let limit = query.limit_bytes.unwrap_or(CHUNK).clamp(1, MAX_CHUNK_BYTES);
    let part = ask::after(center, &log, filter, from, limit as u64).await?;
    for sample in ask::samples(&part.pieces) {
        reading.learn(&sample);
    }
    let piece = |(span, bytes): &(super::order::Span, Vec<u8>)| {
        let data = reading.text(bytes).into_owned();
        PieceView {
            stream: span.stream,
            node: log.node_name(span.node).map(str::to_owned),
            at: span.at.map(Rfc3339),
            offset: span.range.start,
            bytes: encoded_unless(&data, bytes),
            data,
            left_out_bytes: span.is_gap.then(|| span.length()),
        }
    };
    Ok(MergedView {
        run: Some(log.run),
        pieces: part.pieces.iter().map(piece).collect(),
        from: part.from.to_string(),
        next: part.to.to_string(),
        ordered: part.layout.arrivals.is_some() || part.layout.end_offsets.contains(&0),
        encoding: reading.name(),
        truncated: Stream::ALL.into_iter().filter(|stream| part.layout.truncated[*stream as usize]).collect(),
        complete: part.has_ended && part.is_at_end(),
    })
}

/// The lines of a job's log that have a text in them.
pub async fn search(
    center: &Center,
    caller: &Caller,
    which: Which,
    query: SearchQuery,
) -> Result<FoundView, AppError> {
    let log = ask::find(center, caller, which, query.run.as_deref()).await?;
    let reading = ask::reading(query.encoding.as_deref())?;
    let from = query.cursor.as_deref().filter(|text| !text.is_empty()).map(parse_cursor).transpose()?;
    // An answer may have a few lines more.
    let limit = params::page_limit(query.limit)? as usize;
    let wanted: Line<MAX_WANTED_CHARS> = params::line(field::Q, query.q)?;
    let Some(log) = log else {
        return Ok(FoundView { run: None, items: Vec::new(), encoding: reading.name(), next_cursor: None });
    };
    let filter = log.filter(query.stream.as_deref(), query.node.as_deref())?;
    let from = from.unwrap_or((Place::default(), [Some(0); 2]));
    let found = ask::search(center, &log, filter, (String::from(wanted), reading), from, limit).await?;
    Ok(FoundView {
        run: Some(log.run),
        items: found.matches,
        encoding: found.reading.name(),
        next_cursor: found.next.map(cursor),
    })
}

/// `OUT-ERR/LINES-LINES`, a `?` for lines that nobody knows.
fn cursor((place, counts): (Place, Counts)) -> String {
    let [out, err] = counts.map(|count| count.map_or_else(|| "?".to_owned(), |count| count.to_string()));
    format!("{place}/{out}-{err}")
}

fn parse_cursor(text: &str) -> Result<(Place, Counts), AppError> {
    let count = |text: &str| match text {
        "?" => Some(None),
        text => text.parse().ok().map(Some),
    };
    let read = || {
        let (place, counts) = text.split_once('/')?;
        let (out, err) = counts.split_once('-')?;
        Some((place.parse().ok()?, [count(out)?, count(err)?]))
    };
    read().ok_or_else(|| AppError::invalid(field::CURSOR, Wrong::NotACursor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for (place, counts) in [(Place([3, 4]), [Some(7), None]), (Place([0, 0]), [Some(0), Some(0)])] {
            assert_eq!(parse_cursor(&cursor((place, counts))).unwrap(), (place, counts));
        }
        assert!(["", "1-2", "1-2/3", "1-2/x-3"].into_iter().all(|text| parse_cursor(text).is_err()));
    }
}
