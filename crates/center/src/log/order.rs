//! In which order the bytes of a run's two streams came.

use std::{fmt, ops::Range, str::FromStr};

use domain::Timestamp;
use engines::{LogLayout, Stream};

/// A place in both streams at once: `OUT-ERR`, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place(pub [u64; 2]);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0[0], self.0[1])
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (out, err) = text.split_once('-').ok_or(())?;
        Ok(Self([out.parse().map_err(drop)?, err.parse().map_err(drop)?]))
    }
}

/// Bytes of one stream that came together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub stream: Stream,
    /// The rank of the node that wrote them, where it is known.
    pub node: Option<u16>,
    pub at: Option<Timestamp>,
    pub range: Range<u64>,
    /// The bytes are left out.
    pub is_gap: bool,
}

impl Span {
    pub fn length(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// Which spans somebody wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub stream: Option<Stream>,
    pub node: Option<u16>,
}

impl Filter {
    pub fn takes(self, span: &Span) -> bool {
        self.stream.is_none_or(|stream| stream == span.stream)
            // What is left out may have been of any node.
            && self.node.is_none_or(|node| span.is_gap || span.node.is_none_or(|of| of == node))
    }
}

/// The end of both streams.
pub fn end(layout: &LogLayout) -> Place {
    Place(layout.end_offsets)
}

/// The spans between two places, in the order in which they came. Without arrivals all of standard output comes first.
pub fn spans(layout: &LogLayout, from: Place, to: Place) -> Vec<Span> {
    let arrivals = layout.arrivals.as_deref().unwrap_or_default();
    let mut spans = Vec::with_capacity(arrivals.len() + 2);
    // From the last on, where each stream's next arrival is known.
    let mut next = layout.end_offsets;
    for arrival in arrivals.iter().rev() {
        let end = &mut next[arrival.stream as usize];
        let (begin, at) = (arrival.offset.min(*end), Some(arrival.at));
        push(
            &mut spans,
            layout,
            (from, to),
            &Span { stream: arrival.stream, node: arrival.node(), at, range: begin..*end, is_gap: false },
        );
        *end = begin;
    }
    for stream in Stream::ALL.into_iter().rev() {
        let range = 0..next[stream as usize];
        push(&mut spans, layout, (from, to), &Span { stream, node: None, at: None, range, is_gap: false });
    }
    spans.reverse();
    spans
}

/// Adds the parts of a span that are between the places, the last first.
fn push(spans: &mut Vec<Span>, layout: &LogLayout, (from, to): (Place, Place), span: &Span) {
    let stream = span.stream as usize;
    let begin = span.range.start.max(from.0[stream]);
    let end = span.range.end.min(to.0[stream]);
    let gap = layout.gaps[stream].clone().unwrap_or(u64::MAX..u64::MAX);
    let left_out = begin.max(gap.start)..end.min(gap.end);
    let parts = [(begin.max(gap.end)..end, false), (left_out, true), (begin..end.min(gap.start), false)];
    for (range, is_gap) in parts.into_iter().filter(|part| part.0.start < part.0.end) {
        if !is_gap {
            spans.push(Span { range, is_gap, ..span.clone() });
        } else if range.end == gap.end.min(to.0[stream]) {
            // All that is left out is told once, where it ends, whatever came of the other stream meanwhile.
            let range = gap.start.max(from.0[stream])..range.end;
            spans.push(Span { range, is_gap, ..span.clone() });
        }
    }
}

/// The place from which on there are about so many bytes up to `to`, which are not left out.
pub fn before(spans: &[Span], to: Place, bytes: u64, filter: Filter) -> Place {
    let (mut place, mut left) = (to, bytes);
    for span in spans.iter().rev() {
        let is_taken = !span.is_gap && filter.takes(span);
        if is_taken && span.length() > left {
            place.0[span.stream as usize] = span.range.end - left;
            return place;
        }
        if is_taken {
            left -= span.length();
        }
        place.0[span.stream as usize] = span.range.start;
    }
    Place::default()
}

/// The place up to which there are about so many bytes from `from` on.
pub fn after(spans: &[Span], from: Place, bytes: u64, filter: Filter) -> Place {
    let (mut place, mut left) = (from, bytes);
    for span in spans {
        let is_taken = !span.is_gap && filter.takes(span);
        if is_taken && span.length() > left {
            place.0[span.stream as usize] = span.range.start + left;
            return place;
        }
        if is_taken {
            left -= span.length();
        }
        place.0[span.stream as usize] = span.range.end;
    }
    place
}

/// The place of the first byte that came at that instant or later.
pub fn since(layout: &LogLayout, at: Timestamp) -> Place {
    let mut place = end(layout);
    for arrival in layout.arrivals.iter().flatten().rev().take_while(|arrival| arrival.at >= at) {
        place.0[arrival.stream as usize] = arrival.offset;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OUT: Stream = Stream::Stdout;
    const ERR: Stream = Stream::Stderr;

    /// A layout of pieces as they came: a stream, and how many bytes.
    fn layout(pieces: &[(Stream, u64)], gaps: [Option<Range<u64>>; 2]) -> LogLayout {
        let mut ends = [0; 2];
        let mut arrivals = Vec::new();
        for (second, &(stream, len)) in (0..).zip(pieces) {
            arrivals.push(engines::Arrival::new(
                Timestamp::from_secs(second),
                stream,
                Some(0),
                ends[stream as usize],
            ));
            ends[stream as usize] += len;
        }
        LogLayout { end_offsets: ends, gaps, truncated: [false; 2], arrivals: Some(arrivals) }
    }

    fn told(spans: &[Span]) -> Vec<(Stream, Range<u64>, bool)> {
        spans.iter().map(|span| (span.stream, span.range.clone(), span.is_gap)).collect()
    }

    #[test]
    fn spans_are_in_the_order_of_their_arrival_and_gaps_are_told_once() {
        let came = [(OUT, 10), (ERR, 5), (OUT, 10), (ERR, 5), (OUT, 10)];
        let whole = layout(&came, [None, None]);
        let all = spans(&whole, Place::default(), end(&whole));
        assert_eq!(
            told(&all),
            [
                (OUT, 0..10, false),
                (ERR, 0..5, false),
                (OUT, 10..20, false),
                (ERR, 5..10, false),
                (OUT, 20..30, false)
            ]
        );
        assert_eq!(
            told(&spans(&whole, Place([15, 5]), Place([22, 7]))),
            [(OUT, 15..20, false), (ERR, 5..7, false), (OUT, 20..22, false)]
        );
        let cut = layout(&[(OUT, 10), (OUT, 10), (OUT, 10)], [Some(4..25), None]);
        assert_eq!(
            told(&spans(&cut, Place::default(), end(&cut))),
            [(OUT, 0..4, false), (OUT, 4..25, true), (OUT, 25..30, false)]
        );
        let between = layout(&[(OUT, 10), (ERR, 1), (OUT, 10), (ERR, 1), (OUT, 10)], [Some(4..25), None]);
        assert_eq!(
            told(&spans(&between, Place::default(), end(&between))),
            [
                (OUT, 0..4, false),
                (ERR, 0..1, false),
                (ERR, 1..2, false),
                (OUT, 4..25, true),
                (OUT, 25..30, false)
            ]
        );
        let unordered = LogLayout { end_offsets: [3, 4], ..LogLayout::default() };
        assert_eq!(
            told(&spans(&unordered, Place::default(), end(&unordered))),
            [(OUT, 0..3, false), (ERR, 0..4, false)]
        );
    }

    #[test]
    fn places_are_found_by_bytes_and_by_instants() {
        let whole = layout(&[(OUT, 10), (ERR, 5), (OUT, 10)], [None, None]);
        let all = spans(&whole, Place::default(), end(&whole));
        let any = Filter::default();
        assert_eq!(before(&all, end(&whole), 12, any), Place([10, 3]));
        assert_eq!(before(&all, end(&whole), 99, any), Place::default());
        assert_eq!(before(&all, end(&whole), 12, Filter { stream: Some(OUT), node: None }), Place([8, 0]));
        assert_eq!(after(&all, Place::default(), 12, any), Place([10, 2]));
        assert_eq!(since(&whole, Timestamp::from_secs(1)), Place([10, 0]));
        assert_eq!(since(&whole, Timestamp::from_secs(9)), end(&whole));
    }

    proptest! {
        #[test]
        fn each_byte_is_told_once(
            came in prop::collection::vec((any::<bool>(), 0_u64..9), 0..20),
            gap in prop::option::of((0_u64..60, 0_u64..60)),
            cut in any::<[u8; 2]>(),
        ) {
            let came: Vec<(Stream, u64)> = came.into_iter().map(|(is_err, len)| (Stream::ALL[usize::from(is_err)], len)).collect();
            let gap = gap.map(|(from, len)| from..from + len);
            let layout = layout(&came, [gap.clone(), None]);
            let to = end(&layout);
            let cut = Place([u64::from(cut[0]).min(to.0[0]), u64::from(cut[1]).min(to.0[1])]);
            let mut parts = spans(&layout, Place::default(), cut);
            parts.extend(spans(&layout, cut, to));
            let mut seen = [0; 2];
            for stream in Stream::ALL {
                for span in parts.iter().filter(|span| span.stream == stream) {
                    prop_assert_eq!(span.range.start, seen[stream as usize]);
                    seen[stream as usize] = span.range.end;
                    if let Some(gap) = gap.as_ref().filter(|_| stream == OUT) {
                        prop_assert_eq!(span.is_gap, gap.contains(&span.range.start));
                    }
                }
            }
            prop_assert_eq!(Place(seen), to);
        }
    }
}
