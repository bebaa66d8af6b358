//! The logs of a run, as engines tell of them.

use std::ops::Range;

use domain::Timestamp;

domain::codes! {
    /// One of the two outputs of a run.
    pub enum Stream {
        Stdout = "stdout",
        Stderr = "stderr",
    }
}

/// A part of a log. Places in a log are counted in all bytes that the run wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogChunk {
    pub bytes: Vec<u8>,
    /// The offset of `bytes` in the log.
    pub offset: u64,
    /// The length of the log now.
    pub end_offset: u64,
    /// The bytes that are left out: the run wrote more than its limit, and its log keeps the head and the tail.
    pub gap: Option<Range<u64>>,
    /// What came after these bytes is lost: the disk had no room for it.
    pub truncated: bool,
}

/// How the logs of a run lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLayout {
    /// The length of each log, in the order of [`Stream::ALL`].
    pub end_offsets: [u64; 2],
    /// What is left out of each.
    pub gaps: [Option<Range<u64>>; 2],
    /// Whether what came after each is lost.
    pub truncated: [bool; 2],
    /// In the order in which the bytes came; `None` where the engine can't know.
    pub arrivals: Option<Vec<Arrival>>,
}

/// Stands for a node where nobody knows which it is.
pub(crate) const NO_NODE: u16 = 0x7fff;
const OFFSET_BITS: u32 = 48;

/// From `offset` on, up to the next arrival of the stream, its bytes came at this instant or within a few milliseconds of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub at: Timestamp,
    pub stream: Stream,
    /// The rank of the node that wrote them.
    pub(crate) node: u16,
    pub offset: u64,
}

impl Arrival {
    pub(crate) const BYTES: usize = 16;

    /// An arrival; `node` is the rank of the node that wrote the bytes, where it is known.
    pub fn new(at: Timestamp, stream: Stream, node: Option<u16>, offset: u64) -> Self {
        Self { at, stream, node: node.unwrap_or(NO_NODE), offset }
    }

    /// The rank of the node that wrote the bytes, where it is known.
    pub fn node(self) -> Option<u16> {
        (self.node != NO_NODE).then_some(self.node)
    }

    /// Eight bytes for the instant, then a bit for the stream, 15 for the node and 48 for the offset.
    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let offset = self.offset & ((1 << OFFSET_BITS) - 1);
        let word = (self.stream as u64) << 63 | u64::from(self.node & NO_NODE) << OFFSET_BITS | offset;
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.at.as_micros().to_le_bytes());
        bytes[8..].copy_from_slice(&word.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let (at, word) = bytes.split_at(8);
        let word = u64::from_le_bytes(word.try_into().expect("8 of 16 bytes"));
        let at = i64::from_le_bytes(at.try_into().expect("8 of 16 bytes"));
        Self {
            at: Timestamp::from_micros(at),
            stream: Stream::ALL[usize::from(word >> 63 == 1)],
            node: u16::try_from(word >> OFFSET_BITS & u64::from(NO_NODE)).expect("15 bits"),
            offset: word & ((1 << OFFSET_BITS) - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(at in any::<i64>(), is_error: bool, node in 0..=NO_NODE, offset in 0..1_u64 << OFFSET_BITS) {
            let stream = Stream::ALL[usize::from(is_error)];
            let arrival = Arrival { at: Timestamp::from_micros(at), stream, node, offset };
            prop_assert_eq!(Arrival::from_bytes(arrival.to_bytes()), arrival);
        }
    }
}
