//! What can be asked of a run's log: its last lines, what comes after a place, what has a text in it.

use std::ops::Range;

use base::{auth::Caller, error::AppError, params};
use domain::{
    JobId, RunId,
    problem::{Wrong, field},
};
use engines::{Engine, EngineError, LogLayout, Stream};

use super::{
    encoding::{OFFERED, Reading},
    lines::{Lines, Source},
    order::{self, Filter, Place, Span},
    search::{Counts, Match, Search},
};
use crate::{actions, app::jobs, center::Center};

/// The most bytes that are read to show the last lines.
const MAX_WINDOW_BYTES: u64 = 8 << 20;
const FIRST_WINDOW_BYTES: u64 = 128 << 10;
/// The most bytes of one step of a log that is followed. Who is further behind begins anew at the end.
const MAX_STEP_BYTES: u64 = 4 << 20;
/// The bytes after which a search leaves the rest to the next request.
const SEARCH_BYTES: u64 = 16 << 20;
const READ_BYTES: usize = 1 << 20;
/// The most bytes that are looked at to know their encoding.
const MAX_SAMPLE_BYTES: usize = 1 << 20;
/// The most styles of a line that are shown. The rest of it is plain.
pub const MAX_STYLES: usize = 200;

/// The log of one run that the caller may read.
#[derive(Clone, Debug)]
pub struct RunLog {
    pub run: RunId,
    /// The names of the run's nodes by their ranks.
    pub nodes: Vec<String>,
}

/// The job whose log is wanted, or one task of it, by its index in the array.
#[derive(Clone, Copy, Debug)]
pub struct Which {
    pub job: JobId,
    pub task: Option<u32>,
}

impl From<JobId> for Which {
    fn from(job: JobId) -> Self {
        Self { job, task: None }
    }
}

/// Finds the log of a run of a job or of its task, the newest one's where none is named; `None` while it has no run.
pub async fn find(
    center: &Center,
    caller: &Caller,
    which: Which,
    run: Option<&str>,
) -> Result<Option<RunLog>, AppError> {
    let Which { job, task } = which;
    jobs::visible(center, caller, job, actions::READ_LOG).await?;
    let named = run.filter(|text| !text.is_empty());
    let wanted: Option<RunId> = named.map(|text| params::id(text, "run")).transpose()?;
    let found = center
        .try_read(move |tx| match (wanted, task) {
            (Some(run), _) => Ok(Some(store::runs::get_run(tx, run)?).filter(|found| found.run.job == job)),
            (None, Some(task)) => {
                let position = jobs::position(&store::jobs::get_job(tx, job)?, task)?;
                Ok(store::runs::of_job::of_task(tx, job, position, 1)?.pop())
            }
            (None, None) => Ok(store::recent::latest_run(tx, job)?),
        })
        .await?;
    match (found, wanted) {
        (Some(row), _) => {
            let places = jobs::places(&center.live(), &row.run.placement);
            Ok(Some(RunLog { run: row.run.id, nodes: places.into_iter().map(|place| place.node).collect() }))
        }
        (None, Some(run)) => Err(AppError::not_found("run", run)),
        (None, None) => Ok(None),
    }
}

impl RunLog {
    /// Reads what somebody wants to see: a stream, or `all`; a node, by its name or its rank.
    pub fn filter(&self, stream: Option<&str>, node: Option<&str>) -> Result<Filter, AppError> {
        let stream = match stream.unwrap_or_default() {
            "" | "all" => None,
            name => {
                let known = ["all", "stdout", "stderr"];
                Some(params::word(field::STREAM, name, Stream::from_code, &known)?)
            }
        };
        let rank = |name: &str| {
            let of_name = self.nodes.iter().position(|node| node == name);
            let of_rank = name.parse().ok().filter(|rank| *rank < self.nodes.len());
            of_name.or(of_rank).and_then(|rank| u16::try_from(rank).ok())
        };
        let node = node.filter(|name| !name.is_empty());
        let node =
            node.map(|name| rank(name).ok_or_else(|| AppError::not_found("node", name))).transpose()?;
        Ok(Filter { stream, node })
    }

    /// The name of a node where there is more than one.
    pub fn node_name(&self, rank: Option<u16>) -> Option<&str> {
        let rank = usize::from(rank.filter(|_| self.nodes.len() > 1)?);
        self.nodes.get(rank).map(String::as_str)
    }
}

/// Reads the name of an encoding.
pub fn reading(name: Option<&str>) -> Result<Reading, AppError> {
    match name.unwrap_or_default() {
        "" => Ok(Reading::default()),
        name => Reading::named(name)
            .ok_or_else(|| AppError::invalid(field::ENCODING, Wrong::unknown(name, &OFFERED))),
    }
}

/// Reads a place as an answer gave it.
pub fn place(text: Option<&str>) -> Result<Option<Place>, AppError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|()| AppError::invalid(field::FROM, Wrong::NotACursor))
}

/// How much of a log's end is wanted.
#[derive(Clone, Copy, Debug)]
pub enum Amount {
    Lines(usize),
    /// As much as makes so many elements of a page.
    Elements(usize),
}

/// Spans with their bytes, one after the other. Those that are left out have none.
#[derive(Clone, Debug)]
pub struct Part {
    pub layout: LogLayout,
    pub from: Place,
    pub to: Place,
    pub pieces: Vec<(Span, Vec<u8>)>,
    /// The run has ended, so that nothing comes after the end.
    pub has_ended: bool,
}

impl Part {
    pub fn is_at_end(&self) -> bool {
        self.to == order::end(&self.layout)
    }

    /// The bytes before it that are kept.
    pub fn bytes_above(&self, filter: Filter) -> u64 {
        let above = order::spans(&self.layout, Place::default(), self.from);
        above.iter().filter(|span| !span.is_gap && filter.takes(span)).map(Span::length).sum()
    }

    /// Writes it to the terminals of its sources.
    pub fn write(&self, lines: &mut Lines) {
        for sample in samples(&self.pieces) {
            lines.learn(&sample);
        }
        for (span, bytes) in &self.pieces {
            if span.is_gap {
                lines.leave_out(span.stream, span.length());
            } else {
                lines.write(Source { stream: span.stream, node: span.node }, bytes, span.at);
            }
        }
    }
}

/// The first bytes of each stream, from which their encoding is guessed.
pub fn samples(pieces: &[(Span, Vec<u8>)]) -> [Vec<u8>; 2] {
    Stream::ALL.map(|stream| {
        let own = pieces.iter().filter(|piece| piece.0.stream == stream);
        own.flat_map(|piece| piece.1.iter().copied()).take(MAX_SAMPLE_BYTES).collect()
    })
}

/// The last part of a run's log before `to`, or before its end, that begins with a line.
pub async fn last(
    center: &Center,
    log: &RunLog,
    filter: Filter,
    to: Option<Place>,
    amount: Amount,
) -> Result<Part, AppError> {
    let run = log.run;
    with_engine(center, run, move |engine, has_ended| {
        let layout = engine.log_layout(run)?;
        let to = to.map_or(order::end(&layout), |place| within(place, &layout));
        let all = order::spans(&layout, Place::default(), to);
        let mut bytes = FIRST_WINDOW_BYTES;
        loop {
            let mut from = order::before(&all, to, bytes, filter);
            let mut pieces = read_pieces(engine, run, wanted(&layout, from, to, filter))?;
            let is_enough = cut(&mut pieces, &mut from, to, amount);
            if is_enough || from == Place::default() || bytes >= MAX_WINDOW_BYTES {
                if !is_enough && from != Place::default() {
                    begin_with_a_line(&mut pieces, &mut from);
                }
                return Ok(Part { layout, from, to, pieces, has_ended });
            }
            bytes *= 4;
        }
    })
    .await
}

/// What came after a place, up to about so many bytes.
pub async fn after(
    center: &Center,
    log: &RunLog,
    filter: Filter,
    from: Place,
    bytes: u64,
) -> Result<Part, AppError> {
    let run = log.run;
    with_engine(center, run, move |engine, has_ended| {
        let layout = engine.log_layout(run)?;
        let from = within(from, &layout);
        let all = order::spans(&layout, from, order::end(&layout));
        let to = order::after(&all, from, bytes, filter);
        let pieces = read_pieces(engine, run, wanted(&layout, from, to, filter))?;
        Ok(Part { layout, from, to, pieces, has_ended })
    })
    .await
}

/// What came between two places.
pub async fn between(
    center: &Center,
    log: &RunLog,
    filter: Filter,
    (from, to): (Place, Place),
) -> Result<Part, AppError> {
    let run = log.run;
    with_engine(center, run, move |engine, has_ended| {
        let layout = engine.log_layout(run)?;
        let (from, to) = (within(from, &layout), within(to, &layout));
        let pieces = read_pieces(engine, run, wanted(&layout, from, to, filter))?;
        Ok(Part { layout, from, to, pieces, has_ended })
    })
    .await
}

/// The place of the first byte that came at that instant or later.
pub async fn since(center: &Center, log: &RunLog, at: domain::Timestamp) -> Result<Place, AppError> {
    let run = log.run;
    with_engine(center, run, move |engine, _| Ok(order::since(&engine.log_layout(run)?, at))).await
}

/// What came next of a log that is followed.
#[derive(Debug)]
pub enum Next {
    Part(Part),
    /// More than can be shown: the reader begins anew at the end.
    TooMuch,
}

pub async fn next(center: &Center, log: &RunLog, filter: Filter, seen: Place) -> Result<Next, AppError> {
    let part = after(center, log, filter, seen, MAX_STEP_BYTES).await?;
    Ok(if part.is_at_end() { Next::Part(part) } else { Next::TooMuch })
}

/// The lines that have a text in them.
#[derive(Debug)]
pub struct Found {
    pub matches: Vec<Match>,
    /// Where the search goes on; `None` at the end of the log.
    pub next: Option<(Place, Counts)>,
    pub reading: Reading,
}

/// Looks for a text from a place on. A request looks at some megabytes and finds up to `limit` lines, or a few more.
pub async fn search(
    center: &Center,
    log: &RunLog,
    filter: Filter,
    (text, mut reading): (String, Reading),
    (mut at, counts): (Place, Counts),
    limit: usize,
) -> Result<Found, AppError> {
    let run = log.run;
    with_engine(center, run, move |engine, _| {
        let layout = engine.log_layout(run)?;
        let end = order::end(&layout);
        let mut search: Option<Search> = None;
        let mut looked = 0;
        loop {
            let all = order::spans(&layout, at, end);
            let to = order::after(&all, at, READ_BYTES as u64, filter);
            let pieces = read_pieces(engine, run, wanted(&layout, at, to, filter))?;
            let found = search.get_or_insert_with(|| {
                for sample in samples(&pieces) {
                    reading.learn(&sample);
                }
                Search::new(&text, reading, at, counts)
            });
            for (span, bytes) in &pieces {
                if span.is_gap {
                    found.leave_out(span.stream);
                } else {
                    found.look(span, bytes);
                }
            }
            looked += READ_BYTES as u64;
            let is_over = to == end || to == at;
            at = to;
            let is_enough = found.found() >= limit || looked >= SEARCH_BYTES;
            let may_stop = found.is_between_lines() || looked >= 2 * SEARCH_BYTES;
            if is_over || (is_enough && may_stop) {
                let (matches, counts) = search.take().expect("it was begun").finish();
                let next = (!is_over).then_some((at, counts));
                return Ok(Found { matches, next, reading });
            }
        }
    })
    .await
}

/// Asks the engine, beside the threads that answer requests. `work` is told whether the run had ended before.
async fn with_engine<T: Send + 'static>(
    center: &Center,
    run: RunId,
    work: impl FnOnce(&dyn Engine, bool) -> Result<T, EngineError> + Send + 'static,
) -> Result<T, AppError> {
    let engine = center.compute.engine.clone();
    let has_ended = center.live().run(run).is_none();
    tokio::task::spawn_blocking(move || work(&*engine, has_ended)).await?.map_err(AppError::internal)
}

fn within(place: Place, layout: &LogLayout) -> Place {
    let end = layout.end_offsets;
    Place([place.0[0].min(end[0]), place.0[1].min(end[1])])
}

fn wanted(layout: &LogLayout, from: Place, to: Place, filter: Filter) -> Vec<Span> {
    let mut spans = order::spans(layout, from, to);
    spans.retain(|span| filter.takes(span));
    spans
}

/// Reads the bytes of spans. What was removed meanwhile is missing.
fn read_pieces(
    engine: &dyn Engine,
    run: RunId,
    spans: Vec<Span>,
) -> Result<Vec<(Span, Vec<u8>)>, EngineError> {
    let mut read: [Vec<(u64, Vec<u8>)>; 2] = Default::default();
    for stream in Stream::ALL {
        let own = || spans.iter().filter(|span| span.stream == stream && !span.is_gap);
        let (Some(first), Some(last)) = (own().next(), own().next_back()) else { continue };
        read[stream as usize] = read_range(engine, run, stream, first.range.start..last.range.end)?;
    }
    let piece = |span: Span| {
        let bytes = if span.is_gap { Vec::new() } else { bytes_of(&read[span.stream as usize], &span.range) };
        (span, bytes)
    };
    Ok(spans.into_iter().map(piece).collect())
}

fn read_range(
    engine: &dyn Engine,
    run: RunId,
    stream: Stream,
    range: Range<u64>,
) -> Result<Vec<(u64, Vec<u8>)>, EngineError> {
    let (mut chunks, mut at) = (Vec::new(), range.start);
    while at < range.end {
        let most = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(READ_BYTES);
        let chunk = engine.read_log(run, stream, at, most)?;
        let end = chunk.offset + chunk.bytes.len() as u64;
        if end <= at {
            break;
        }
        at = end;
        if !chunk.bytes.is_empty() {
            chunks.push((chunk.offset, chunk.bytes));
        }
    }
    Ok(chunks)
}

/// The bytes of a range among chunks that lie one after the other.
fn bytes_of(chunks: &[(u64, Vec<u8>)], range: &Range<u64>) -> Vec<u8> {
    let first = chunks.partition_point(|(at, bytes)| at + bytes.len() as u64 <= range.start);
    let mut found = Vec::new();
    for (at, bytes) in chunks[first..].iter().take_while(|(at, _)| *at < range.end) {
        let place =
            |offset: u64| usize::try_from(offset.saturating_sub(*at)).unwrap_or(usize::MAX).min(bytes.len());
        found.extend_from_slice(&bytes[place(range.start)..place(range.end)]);
    }
    found
}

/// Cuts off all before the last lines. Whether there were enough.
fn cut(pieces: &mut Vec<(Span, Vec<u8>)>, from: &mut Place, to: Place, amount: Amount) -> bool {
    let (most, counts_styles) = match amount {
        Amount::Lines(lines) => (lines, false),
        Amount::Elements(elements) => (elements, true),
    };
    // The end of the last line begins no other.
    let (mut cost, mut is_last) = (0, true);
    for at in (0..pieces.len()).rev() {
        let bytes = &pieces[at].1;
        let (mut is_overwritten, mut styles) = (false, 0);
        for place in (0..bytes.len()).rev() {
            match bytes[place] {
                b'\n' => {
                    (is_overwritten, styles) = (false, 0);
                    cost += usize::from(!is_last);
                    if cost >= most {
                        begin_at(pieces, from, to, (at, place + 1));
                        return true;
                    }
                }
                b'\r' if bytes.get(place + 1).is_some_and(|next| *next != b'\n') => is_overwritten = true,
                0x1b if counts_styles && !is_overwritten && styles < MAX_STYLES => {
                    cost += 1;
                    styles += 1;
                }
                _ => {}
            }
            is_last = false;
        }
    }
    false
}

/// Cuts off a line that is torn at the beginning, or, of one that has no end, what is overwritten.
fn begin_with_a_line(pieces: &mut Vec<(Span, Vec<u8>)>, from: &mut Place) {
    let first = pieces.iter().position(|piece| !piece.1.is_empty());
    let Some((at, bytes)) = first.map(|at| (at, &pieces[at].1)) else { return };
    let end = memchr::memchr(b'\n', bytes).or_else(|| memchr::memchr(b'\r', bytes));
    if let Some(end) = end {
        let to = *from;
        begin_at(pieces, from, to, (at, end + 1));
    }
}

/// Makes the pieces begin at a byte of one of them.
fn begin_at(pieces: &mut Vec<(Span, Vec<u8>)>, from: &mut Place, to: Place, (at, byte): (usize, usize)) {
    pieces.drain(..at);
    let (span, bytes) = &mut pieces[0];
    bytes.drain(..byte);
    span.range.start += byte as u64;
    let stream = span.stream as usize;
    let other = 1 - stream;
    from.0[stream] = span.range.start;
    let next = pieces.iter().find(|piece| piece.0.stream as usize == other);
    from.0[other] = next.map_or(to.0[other].max(from.0[other]), |piece| piece.0.range.start);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(stream: Stream, offset: u64, bytes: &[u8]) -> (Span, Vec<u8>) {
        let range = offset..offset + bytes.len() as u64;
        (Span { stream, node: None, at: None, range, is_gap: false }, bytes.to_vec())
    }

    #[test]
    fn the_last_lines_are_cut_at_the_beginning_of_one() {
        let all = || {
            vec![
                piece(Stream::Stdout, 0, b"one\ntwo\n"),
                piece(Stream::Stderr, 0, b"err\n"),
                piece(Stream::Stdout, 8, b"three\n"),
            ]
        };
        let cut_to = |amount| {
            let (mut pieces, mut from) = (all(), Place::default());
            let is_enough = cut(&mut pieces, &mut from, Place([14, 4]), amount);
            (
                is_enough,
                from,
                pieces.into_iter().map(|piece| String::from_utf8(piece.1).unwrap()).collect::<String>(),
            )
        };
        assert_eq!(cut_to(Amount::Lines(3)), (true, Place([4, 0]), "two\nerr\nthree\n".into()));
        assert_eq!(cut_to(Amount::Lines(1)), (true, Place([8, 4]), "three\n".into()));
        assert_eq!(cut_to(Amount::Lines(9)), (false, Place([0, 0]), "one\ntwo\nerr\nthree\n".into()));
    }

    #[test]
    fn colours_that_are_written_over_cost_nothing() {
        let bar = "\r\x1b[32m50%\x1b[0m".repeat(1000);
        let text = format!("one\ntwo\n{bar}\nlast\n");
        let (mut pieces, mut from) = (vec![piece(Stream::Stdout, 0, text.as_bytes())], Place::default());
        assert!(cut(&mut pieces, &mut from, Place::default(), Amount::Elements(5)));
        assert_eq!(from, Place([4, 0]), "two lines, the bar with its two colours, and the last");
    }
}
