//! The conversation between the center and the host process.
//!
//! The center writes frames to the host's standard input, a socket: 4 bytes of length (little-endian), then
//! the content. The first frame is the [`super::config::LocalConfig`]. Each other frame is a launch: 16 bytes
//! of run id, 4 bytes of the tenant's index (little-endian), and the [`crate::spec::LaunchSpec`]. The host
//! answers with lines of JSON.

use domain::{RunId, reason::NotStarted};
use serde::{Deserialize, Serialize};

/// The fifo through which supervisors tell the center which run has news.
pub(crate) const HINTS: &str = "engine.hints";
/// The longest frame.
pub(super) const MAX_FRAME_BYTES: usize = 16 << 20;

/// A line from the host to the center.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HostAnswer {
    Ready,
    /// The host can't do its work at all.
    Failed(String),
    /// A launch came to nothing and left no record.
    Refused {
        run: RunId,
        why: NotStarted,
    },
}

/// The bytes of a frame.
pub(super) fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    assert!(len <= MAX_FRAME_BYTES, "a checked launch has at most a few MiB");
    let mut bytes = Vec::with_capacity(4 + len);
    bytes.extend_from_slice(&u32::try_from(len).expect("a frame is below 16 MiB").to_le_bytes());
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The first frame of `bytes`, and the bytes after it; `None` if the frame isn't complete yet.
pub(super) fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_apart_wherever_they_are_cut() {
        let bytes = [frame(&[b"ab", b"c"]), frame(&[]), frame(&[b"d"])].concat();
        for cut in 0..=bytes.len() {
            let mut taken = Vec::new();
            let mut inbox = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                inbox.extend_from_slice(part);
                while let Some((frame, rest)) = split_frame(&inbox) {
                    taken.push(frame.to_vec());
                    inbox = rest.to_vec();
                }
            }
            assert_eq!(taken, [b"abc".to_vec(), vec![], b"d".to_vec()], "cut at {cut}");
        }
    }
}
