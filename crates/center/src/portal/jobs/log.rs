//! A job's log in the page, as a terminal shows it: its end at once, what comes after as a stream, what is before in parts, and
//! the bytes themselves as files.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{Html as Fragment, IntoResponse, Response},
};
use base::{
    error::AppError,
    http::{Id, encode, open_bytes},
    page::{
        extract::Asked,
        frame::Visitor,
        words::{Html, Ui},
    },
    params,
};
use domain::{JobId, RunId, decimal::grouped};
use engines::Stream;
use serde::Deserialize;

use super::log_rows::{self, Look};
use crate::{
    app::logs,
    center::Center,
    log::{
        ask::{self, Amount, Part, RunLog},
        encoding::{OFFERED, Reading},
        lines::{Content, Line, Lines},
        merged::{self, SearchQuery},
        order::{Filter, Place},
        raw,
    },
};

/// Elements of a page that lines of a log may become at once, lines and their colours.
pub(super) const ELEMENTS: usize = 800;
/// The lines before a place that somebody goes to.
const CONTEXT: usize = 10;
/// The bytes from that place on.
const BYTES_FROM_PLACE: u64 = 64 << 10;

/// What of a job's log is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LogPart {
    /// `stdout`, `stderr`, or both where left out.
    pub stream: String,
    pub run: String,
    /// A node's name.
    pub node: String,
    pub encoding: String,
    /// A text to look for, and where the search goes on.
    pub q: String,
    pub more: String,
    /// The place to show in place of the end.
    pub at: String,
    /// Of a part: what comes before this place.
    pub before: String,
    /// Of a stream: where the shown lines begin and end, `PLACE,PLACE`.
    pub resume: String,
}

/// A link or an option, and whether it is the one that is shown.
#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub href: String,
    pub is_shown: bool,
}

/// What was found.
pub struct Found {
    /// Where it is, a link to it, and the line with marks.
    pub lines: Vec<(String, String, Html)>,
    pub more: String,
}

/// The log's part of a job's page.
#[allow(clippy::struct_excessive_bools, reason = "each is a part of the page that shows or not")]
pub struct Shown {
    pub run: RunId,
    /// Tells the page that it has this part of the log.
    pub part: String,
    /// The run's id as text.
    pub id: String,
    pub streams: Vec<Choice>,
    /// None where the run has one node, or nobody knows which wrote what.
    pub nodes: Vec<Choice>,
    pub encodings: Vec<Choice>,
    pub encoding: &'static str,
    /// Somebody chose the encoding.
    pub is_chosen: bool,
    /// That encoding is a guess.
    pub is_guessed: bool,
    pub is_live: bool,
    /// Nobody knows in which order the streams came.
    pub is_unordered: bool,
    /// The disk had no room for the end.
    pub is_lost: bool,
    /// How many bytes are left out, if any are.
    pub left_out: Option<String>,
    /// Where its stream goes on from what is shown.
    pub stream: String,
    /// Lines, and those that are not finished.
    pub rows: Html,
    pub open: Html,
    /// The end of the log, where another place is shown.
    pub to_end: String,
    pub later: String,
    pub q: String,
    pub found: Option<Found>,
    pub downloads: Vec<(&'static str, String)>,
    /// The last accuracy that the log tells of, if it does.
    pub accuracy: Option<String>,
}

impl LogPart {
    fn address(&self, job: JobId, of: &str, run: RunId, more: &[(&str, &str)]) -> String {
        let run = run.to_string();
        let mut all = vec![("run", run.as_str())];
        let own = [("stream", &self.stream), ("node", &self.node), ("encoding", &self.encoding)];
        all.extend(own.map(|(name, value)| (name, value.as_str())));
        for (name, value) in more {
            all.retain(|known| known.0 != *name);
            all.push((name, value));
        }
        let all: Vec<String> = (all.iter().filter(|(_, value)| !value.is_empty()))
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        format!("/jobs/{job}{of}?{}", all.join("&"))
    }

    fn page(&self, job: JobId, run: RunId, more: &[(&str, &str)]) -> String {
        self.address(job, "", run, more) + "#job-log"
    }

    pub(super) async fn find(
        &self,
        center: &Center,
        visitor: &Visitor,
        job: JobId,
    ) -> Result<Option<(RunLog, Filter, Reading)>, AppError> {
        let Some(log) = ask::find(center, &visitor.caller, job.into(), Some(&self.run)).await? else {
            return Ok(None);
        };
        let filter = log.filter(Some(&self.stream), Some(&self.node))?;
        let reading = ask::reading(Some(&self.encoding))?;
        Ok(Some((log, filter, reading)))
    }

    pub(super) fn look<'a>(&'a self, ui: Ui, log: &'a RunLog, marked: &'a str, is_live: bool) -> Look<'a> {
        let is_one_node = !self.node.is_empty();
        Look { ui, log, is_one_stream: self.is_one_stream(), is_one_node, marked, is_live }
    }

    fn is_one_stream(&self) -> bool {
        matches!(self.stream.as_str(), "stdout" | "stderr")
    }

    /// The link to what is above a part, with how much that is; nothing at the beginning.
    pub(super) fn earlier(&self, ui: Ui, job: JobId, run: RunId, part: &Part, filter: Filter) -> String {
        let above = part.bytes_above(filter);
        if above == 0 {
            return String::new();
        }
        let before = part.from.to_string();
        let href = base::page::words::escape(self.address(job, "/log/part", run, &[("before", &before)]));
        let text = base::page::words::escape(ui.t1("log-earlier", "n", log_rows::amount(above)));
        format!(
            "<a class=\"log-earlier\" href=\"{href}\" hx-get=\"{href}\" hx-target=\"this\" hx-swap=\"outerHTML\">{text}</a>"
        )
    }
}

/// The lines of a part, and those that are not finished.
fn written(part: &Part, reading: Reading) -> (Vec<Line>, Vec<Line>, Reading) {
    let mut lines = Lines::new(reading);
    part.write(&mut lines);
    if part.has_ended && part.is_at_end() {
        lines.end();
    }
    (lines.take(), lines.open(), lines.reading())
}

/// The end of a job's log, or another place of it, if it has a run.
pub async fn shown(
    center: &Center,
    visitor: &Visitor,
    job: JobId,
    wanted: &LogPart,
) -> Result<Option<Shown>, AppError> {
    let ui = visitor.front.ui;
    let Some((log, filter, reading)) = wanted.find(center, visitor, job).await? else { return Ok(None) };
    let run = log.run;
    let at = ask::place(Some(&wanted.at))?;
    let part = match at {
        Some(at) => about(center, &log, filter, at).await?,
        None => ask::last(center, &log, filter, None, Amount::Elements(ELEMENTS)).await?,
    };
    let (lines, open, read) = written(&part, reading);
    let marked = wanted.q.to_lowercase();
    let is_live = at.is_none() && !(part.has_ended && part.is_at_end());
    let look = wanted.look(ui, &log, &marked, is_live);
    let rows = wanted.earlier(ui, job, run, &part, filter) + &log_rows::rows(&look, &lines);
    let resume = format!("{},{}", part.from, part.to);
    let is_ordered = part.layout.arrivals.is_some();
    let lost = Stream::ALL.into_iter().any(|stream| {
        part.layout.truncated[stream as usize] && filter.stream.is_none_or(|wanted| wanted == stream)
    });
    let gap =
        |stream: &Stream| part.layout.gaps[*stream as usize].as_ref().map_or(0, |gap| gap.end - gap.start);
    let shown = Stream::ALL.iter().filter(|stream| filter.stream.is_none_or(|wanted| wanted == **stream));
    let left_out: u64 = shown.map(gap).sum();
    let next = part.to.to_string();
    let download = |stream: &'static str| {
        let file = wanted.address(job, "/log", run, &[("stream", stream), ("encoding", "")]);
        (stream, file)
    };
    Ok(Some(Shown {
        run,
        part: format!("log-{run}"),
        id: run.to_string(),
        streams: streams(job, run, wanted),
        nodes: if is_ordered { nodes(&log, wanted) } else { Vec::new() },
        encodings: encodings(wanted),
        encoding: read.name(),
        is_chosen: matches!(read, Reading::Chosen(_)),
        is_guessed: matches!(read, Reading::Guessed(Some(_))),
        is_live,
        is_unordered: !is_ordered && !part.layout.end_offsets.contains(&0) && !wanted.is_one_stream(),
        is_lost: lost,
        left_out: (left_out > 0).then(|| grouped(&left_out.to_string())),
        stream: wanted.address(job, "/log/stream", run, &[("resume", &resume)]),
        open: Html(log_rows::rows(&look, &open)),
        rows: Html(rows),
        to_end: if at.is_some() { wanted.page(job, run, &[]) } else { String::new() },
        later: match at {
            Some(_) if !part.is_at_end() => wanted.page(job, run, &[("at", &next)]),
            _ => String::new(),
        },
        found: found(center, visitor, job, (&log, ui), wanted).await?,
        q: wanted.q.clone(),
        downloads: vec![download("all"), download("stdout"), download("stderr")],
        accuracy: accuracy(&lines),
    }))
}

/// The lines about a place.
async fn about(center: &Center, log: &RunLog, filter: Filter, at: Place) -> Result<Part, AppError> {
    let before = ask::last(center, log, filter, Some(at), Amount::Lines(CONTEXT)).await?;
    let mut part = ask::after(center, log, filter, at, BYTES_FROM_PLACE).await?;
    part.from = before.from;
    part.pieces.splice(..0, before.pieces);
    Ok(part)
}

fn accuracy(lines: &[Line]) -> Option<String> {
    lines.iter().rev().filter(|line| line.source.stream == Stream::Stdout).find_map(|line| {
        let Content::Text(parts) = &line.content else { return None };
        let text: String = parts.iter().map(|part| part.text.as_str()).collect();
        logs::last_accuracy(&text).map(str::to_owned)
    })
}

fn streams(job: JobId, run: RunId, wanted: &LogPart) -> Vec<Choice> {
    let tab = |name: &str| Choice {
        value: name.to_owned(),
        href: wanted.page(job, run, &[("stream", if name == "all" { "" } else { name })]),
        is_shown: if name == "all" { !wanted.is_one_stream() } else { wanted.stream == name },
    };
    vec![tab("all"), tab("stdout"), tab("stderr")]
}

fn nodes(log: &RunLog, wanted: &LogPart) -> Vec<Choice> {
    if log.nodes.len() < 2 {
        return Vec::new();
    }
    let option =
        |name: &String| Choice { value: name.clone(), href: String::new(), is_shown: wanted.node == *name };
    log.nodes.iter().map(option).collect()
}

fn encodings(wanted: &LogPart) -> Vec<Choice> {
    let option = |name: &&str| Choice {
        value: (*name).to_owned(),
        href: String::new(),
        is_shown: wanted.encoding.eq_ignore_ascii_case(name),
    };
    OFFERED.iter().map(option).collect()
}

/// The lines that have the wanted text, if one is wanted.
async fn found(
    center: &Center,
    visitor: &Visitor,
    job: JobId,
    (log, ui): (&RunLog, Ui),
    wanted: &LogPart,
) -> Result<Option<Found>, AppError> {
    if wanted.q.is_empty() {
        return Ok(None);
    }
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let query = SearchQuery {
        q: wanted.q.clone(),
        stream: text(&wanted.stream),
        run: Some(log.run.to_string()),
        node: text(&wanted.node),
        cursor: text(&wanted.more),
        limit: None,
        encoding: text(&wanted.encoding),
    };
    let answer = merged::search(center, &visitor.caller, job.into(), query).await?;
    let marked = wanted.q.to_lowercase();
    let mut lines = Vec::new();
    for found in &answer.items {
        let mut named = vec![ui.word("log-tab", found.stream.code())];
        named.extend(log.node_name(found.node).map(str::to_owned));
        named.extend(found.line.map(|line| ui.t1("log-line", "n", line)));
        named.extend(found.at.map(|at| ui.clock(at)));
        let at = found.place.to_string();
        let href = wanted.page(job, log.run, &[("at", &at), ("q", &wanted.q)]);
        lines.push((named.join(" · "), href, Html(log_rows::with_marks(&found.text, &marked))));
    }
    let more = answer.next_cursor.map(|more| wanted.page(job, log.run, &[("q", &wanted.q), ("more", &more)]));
    Ok(Some(Found { lines, more: more.unwrap_or_default() }))
}

/// The lines before a place, with a link to those before them.
pub async fn part(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<LogPart>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let job: JobId = params::id(&id, "job")?;
    let found = wanted.find(&center, &visitor, job).await?;
    let (log, filter, reading) = found.ok_or_else(|| AppError::not_found("log", job))?;
    let before = ask::place(Some(&wanted.before))?;
    let part = ask::last(&center, &log, filter, before, Amount::Elements(ELEMENTS)).await?;
    let ui = visitor.front.ui;
    // What begins here goes on below, where it is shown.
    let (mut lines, open, _) = written(&part, reading);
    lines.extend(open);
    let look = wanted.look(ui, &log, "", false);
    let earlier = wanted.earlier(ui, job, log.run, &part, filter);
    Ok(Fragment(earlier + &log_rows::rows(&look, &lines)).into_response())
}

/// A run's log as a file, as far as it has come: the bytes that the run wrote.
pub async fn download(
    State(center): State<Center>,
    Id(id): Id,
    Asked(wanted): Asked<LogPart>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let job: JobId = params::id(&id, "job")?;
    let found = wanted.find(&center, &visitor, job).await?;
    let (log, filter, _) = found.ok_or_else(|| AppError::not_found("log", job))?;
    let lang = visitor.front.ui.lang;
    let stream = if wanted.is_one_stream() { wanted.stream.as_str() } else { "log" };
    let name = format!("attachment; filename=\"{}-{stream}.log\"", log.run);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.extend(HeaderValue::try_from(name).ok().map(|name| (header::CONTENT_DISPOSITION, name)));
    open_bytes(&center.clone(), headers, move |out| {
        raw::send(center, log, filter, (Place::default(), None), lang, out)
    })
}
