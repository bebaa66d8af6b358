//! Finding text in a log, line by line, as a terminal shows them.

use std::ops::Range;

use domain::{Rfc3339, Timestamp};
use engines::Stream;
use memchr::{memchr, memchr3_iter, memmem::Finder};
use serde::Serialize;

use super::{
    encoding::Reading,
    lines::{Content, Lines, Source},
    order::{Place, Span},
};

/// The longest line that is looked at as a whole.
const MAX_LINE_BYTES: usize = 64 << 10;
/// The most characters of a line that a match has, about its first place.
const MAX_TEXT_CHARS: usize = 400;

/// A line in which the text was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Match {
    pub stream: Stream,
    /// The rank of the node that wrote it, where it is known.
    pub node: Option<u16>,
    /// When the line began to come, where that is known.
    pub at: Option<Rfc3339>,
    /// Where the line begins in its stream, in bytes.
    pub offset: u64,
    /// Its number in the stream, from 1 on; none behind what is left out.
    pub line: Option<u64>,
    /// Where it begins among both streams: a `from` of the merged log.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub place: Place,
    /// The line, or a part of a long one.
    pub text: String,
}

fn as_text<S: serde::Serializer>(place: &Place, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(place)
}

/// How many lines of each stream came before a place; `None` behind what is left out.
pub type Counts = [Option<u64>; 2];

/// A search through bytes as they came.
#[derive(Debug)]
pub struct Search {
    wanted: String,
    finder: Finder<'static>,
    reading: Reading,
    counts: Counts,
    /// How far both streams were looked at.
    ends: Place,
    /// The lines that have begun: who writes, where and when they began, the number, and their bytes.
    begun: Vec<Begun>,
    found: Vec<Match>,
    lower: Vec<u8>,
}

#[derive(Debug)]
struct Begun {
    source: Source,
    offset: u64,
    at: Option<Timestamp>,
    line: Option<u64>,
    place: Place,
    bytes: Vec<u8>,
}

impl Search {
    /// A search for `wanted`, whatever the case of its letters.
    pub fn new(wanted: &str, reading: Reading, from: Place, counts: Counts) -> Self {
        let wanted = wanted.to_lowercase();
        let finder = Finder::new(wanted.as_bytes()).into_owned();
        Self {
            wanted,
            finder,
            reading,
            counts,
            ends: from,
            begun: Vec::new(),
            found: Vec::new(),
            lower: Vec::new(),
        }
    }

    /// Looks at the bytes of a span.
    pub fn look(&mut self, span: &Span, bytes: &[u8]) {
        let source = Source { stream: span.stream, node: span.node };
        let mut offset = span.range.start;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let is_whole = part.ends_with(b"\n");
            let begun = self.begun.iter().position(|begun| begun.source == source);
            if begun.is_none() && is_whole {
                let line = self.counts[span.stream as usize].map(|count| count + 1);
                let place = self.place(span.stream, offset);
                self.judge(&Begun { source, offset, at: span.at, line, place, bytes: Vec::new() }, part);
            } else {
                let at = begun.unwrap_or_else(|| {
                    let line = self.counts[span.stream as usize].map(|count| count + 1);
                    let place = self.place(span.stream, offset);
                    self.begun.push(Begun { source, offset, at: span.at, line, place, bytes: Vec::new() });
                    self.begun.len() - 1
                });
                let bytes = &mut self.begun[at].bytes;
                bytes.extend_from_slice(part);
                if is_whole || bytes.len() > MAX_LINE_BYTES {
                    let begun = self.begun.swap_remove(at);
                    self.judge(&begun, &begun.bytes);
                }
            }
            if is_whole {
                let count = &mut self.counts[span.stream as usize];
                *count = count.map(|count| count + 1);
            }
            offset += part.len() as u64;
        }
        self.ends = self.place(span.stream, span.range.end);
    }

    /// The place among both streams of a byte of one.
    fn place(&self, stream: Stream, offset: u64) -> Place {
        let mut place = self.ends;
        place.0[stream as usize] = offset;
        place
    }

    /// Passes over what is left out of a stream.
    pub fn leave_out(&mut self, stream: Stream) {
        self.counts[stream as usize] = None;
    }

    /// Whether no line has begun, so that the search can go on from here in another request.
    pub fn is_between_lines(&self) -> bool {
        self.begun.is_empty()
    }

    pub fn found(&self) -> usize {
        self.found.len()
    }

    /// All that was found, and how many lines there were.
    pub fn finish(mut self) -> (Vec<Match>, Counts) {
        for begun in std::mem::take(&mut self.begun) {
            self.judge(&begun, &begun.bytes);
        }
        (self.found, self.counts)
    }

    fn judge(&mut self, line: &Begun, bytes: &[u8]) {
        let is_plain = memchr(0x1b, bytes).is_none()
            && memchr3_iter(b'\r', 0x08, b'\t', bytes.trim_ascii_end()).next().is_none();
        // Most lines are plain and have nothing, which is known without making text of them.
        if is_plain && self.wanted.is_ascii() && self.finder.find(lowered(&mut self.lower, bytes)).is_none() {
            return;
        }
        let text = if is_plain {
            self.reading.text(bytes).trim_end_matches(['\n', '\r']).to_owned()
        } else {
            as_shown(bytes, self.reading)
        };
        let Some(first) = places(&text, &self.wanted).into_iter().next() else { return };
        self.found.push(Match {
            stream: line.source.stream,
            node: line.source.node,
            at: line.at.map(Rfc3339),
            offset: line.offset,
            line: line.line,
            place: line.place,
            text: part_about(&text, first.start).to_owned(),
        });
    }
}

fn lowered<'a>(buffer: &'a mut Vec<u8>, bytes: &[u8]) -> &'a [u8] {
    buffer.clear();
    buffer.extend(bytes.iter().map(u8::to_ascii_lowercase));
    buffer
}

/// A line as a terminal shows it, without colours.
fn as_shown(bytes: &[u8], reading: Reading) -> String {
    let mut lines = Lines::new(reading);
    lines.write(Source { stream: Stream::Stdout, node: None }, bytes, None);
    lines.end();
    let mut shown = String::new();
    for line in lines.take().into_iter().chain(lines.open()) {
        if let Content::Text(parts) = line.content {
            shown.extend(parts.into_iter().map(|part| part.text));
        }
    }
    shown
}

/// The places of a text in another, whatever the case. `wanted` is in lower case.
pub fn places(text: &str, wanted: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    if wanted.is_empty() {
        return places;
    }
    // Lower case may be longer or shorter, so each character of it remembers where it comes from.
    let (mut lower, mut from) = (String::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
    for (at, char) in text.char_indices() {
        let begin = lower.len();
        lower.extend(char.to_lowercase());
        from.extend(std::iter::repeat_n(at, lower.len() - begin));
    }
    from.push(text.len());
    for (at, _) in lower.match_indices(wanted) {
        let (begin, mut end) = (from[at], from[at + wanted.len()]);
        if end <= begin {
            end = text[begin..].chars().next().map_or(begin, |char| begin + char.len_utf8());
        }
        places.push(begin..end);
    }
    places
}

fn part_about(text: &str, at: usize) -> &str {
    let begin = text[..at].char_indices().rev().nth(MAX_TEXT_CHARS / 4).map_or(0, |(begin, _)| begin);
    let rest = &text[begin..];
    rest.char_indices().nth(MAX_TEXT_CHARS).map_or(rest, |(end, _)| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(stream: Stream, offset: u64, bytes: &[u8]) -> Span {
        Span { stream, node: Some(0), at: None, range: offset..offset + bytes.len() as u64, is_gap: false }
    }

    fn found(wanted: &str, pieces: &[(Stream, &[u8])]) -> Vec<(u64, Option<u64>, String)> {
        let mut search = Search::new(
            wanted,
            Reading::named("gbk").filter(|_| wanted == "内存").unwrap_or_default(),
            Place::default(),
            [Some(0); 2],
        );
        let mut ends = [0; 2];
        for (stream, bytes) in pieces {
            search.look(&span(*stream, ends[*stream as usize], bytes), bytes);
            ends[*stream as usize] += bytes.len() as u64;
        }
        search.finish().0.into_iter().map(|found| (found.offset, found.line, found.text)).collect()
    }

    #[test]
    fn lines_are_found_as_a_terminal_shows_them() {
        let out = |bytes: &'static [u8]| (Stream::Stdout, bytes);
        assert_eq!(
            found("ERROR", &[out(b"ok\nan error\n"), out(b"Err"), out(b"or: 2\n")]),
            [(3, Some(2), "an error".into()), (12, Some(3), "Error: 2".into())]
        );
        assert_eq!(
            found("error", &[out(b"\x1b[31mer\x1b[1mror\x1b[0m here\n")]),
            [(0, Some(1), "error here".into())]
        );
        assert_eq!(found("10%", &[out(b"\r 10%\r 20%\r100%\n")]), [], "what was written over is not there");
        assert_eq!(found("100%", &[out(b"\r 10%\r 20%\r100%")]), [(0, Some(1), "100%".into())]);
        assert_eq!(
            found("内存", &[out(b"ok\n\xc4\xda\xb4\xe6\xb2\xbb\xd7\xe3\n")]),
            [(3, Some(2), "内存不足".into())]
        );
        assert_eq!(found("É", &[out("Café\n".as_bytes())]), [(0, Some(1), "Café".into())]);
    }

    #[test]
    fn streams_count_their_own_lines_and_none_behind_a_gap() {
        let mut search = Search::new("x", Reading::default(), Place::default(), [Some(0); 2]);
        search.look(&span(Stream::Stdout, 0, b"a\nb"), b"a\nb");
        search.look(&span(Stream::Stderr, 0, b"x\n"), b"x\n");
        assert!(!search.is_between_lines());
        search.look(&span(Stream::Stdout, 3, b"x\n"), b"x\n");
        search.leave_out(Stream::Stdout);
        search.look(&span(Stream::Stdout, 90, b"x\n"), b"x\n");
        let (found, counts) = search.finish();
        let told: Vec<_> = found.into_iter().map(|found| (found.stream, found.line, found.text)).collect();
        let of = |stream, line, text: &str| (stream, line, text.to_owned());
        assert_eq!(
            told,
            [
                of(Stream::Stderr, Some(1), "x"),
                of(Stream::Stdout, Some(2), "bx"),
                of(Stream::Stdout, None, "x")
            ]
        );
        assert_eq!(counts, [None, Some(1)]);
    }

    #[test]
    fn places_are_those_of_the_text_itself() {
        assert_eq!(places("aAxaa", "aa"), [0..2, 3..5]);
        assert_eq!(places("İx İX", "x"), [2..3, 6..7]);
        assert!(places("abc", "").is_empty());
        let long = "y".repeat(3000) + "here" + &"z".repeat(3000);
        assert!(
            part_about(&long, 3000).contains("here")
                && part_about(&long, 3000).chars().count() <= MAX_TEXT_CHARS
        );
    }
}
