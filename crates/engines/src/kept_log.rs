//! A log as it is found on disk: its head, and the files of its tail.

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::{FileExt as _, MetadataExt as _},
};

use crate::log::LogChunk;

/// A file of a tail begins with this mark and the place of its first byte in the log, as 8 bytes.
pub(crate) const MARK: [u8; 8] = *b"qt-tail1";
pub(crate) const HEADER_BYTES: usize = 16;

/// The beginning of a file whose first byte is at that place of its log.
pub(crate) fn header(place: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MARK);
    header[8..].copy_from_slice(&place.to_le_bytes());
    header
}

/// Bytes of a log that lie together.
#[derive(Debug)]
struct Piece {
    file: File,
    /// The place of its first byte in the file.
    begins_at: u64,
    /// The places of its bytes in the log.
    range: Range<u64>,
}

/// A log for reading. The files stay as they were found, whatever is removed meanwhile.
#[derive(Debug, Default)]
pub(crate) struct KeptLog {
    head: Option<Piece>,
    /// One after the other, without a gap between them.
    tail: Vec<Piece>,
}

impl KeptLog {
    /// A log with its head in one file and its tail in others, in any order.
    pub(crate) fn new(head: Option<File>, tail: impl IntoIterator<Item = File>) -> io::Result<Self> {
        let whole = |file: File| {
            let len = file.metadata()?.len();
            Ok::<_, io::Error>(Piece { file, begins_at: 0, range: 0..len })
        };
        let head = head.map(whole).transpose()?;
        let mut found = Vec::new();
        for file in tail {
            found.extend(tail_piece(file)?);
        }
        found.sort_by_key(|piece| piece.range.start);
        // The writer may have gone on from file to file while they were opened. The newest ones count.
        let mut tail: Vec<Piece> = Vec::new();
        while let Some(piece) = found.pop() {
            if tail.last().is_some_and(|after| after.range.start != piece.range.end) {
                break;
            }
            tail.push(piece);
        }
        tail.reverse();
        Ok(Self { head, tail })
    }

    /// What its files take of the disk.
    pub(crate) fn bytes_on_disk(&self) -> u64 {
        let files = self.head.iter().chain(&self.tail).map(|piece| &piece.file);
        files.map(|file| file.metadata().map_or(0, |meta| meta.blocks() * 512)).sum()
    }

    /// A log in one file, of which only so much at both ends is shown.
    pub(crate) fn of_ends(file: File, head_bytes: u64, tail_bytes: u64) -> io::Result<Self> {
        let len = file.metadata()?.len();
        if len <= head_bytes.saturating_add(tail_bytes) {
            return Self::new(Some(file), None);
        }
        let from = len - tail_bytes;
        let tail = Piece { file: file.try_clone()?, begins_at: from, range: from..len };
        Ok(Self { head: Some(Piece { file, begins_at: 0, range: 0..head_bytes }), tail: vec![tail] })
    }

    /// The length of all that was written, with what is left out.
    pub(crate) fn end(&self) -> u64 {
        self.tail.last().or(self.head.as_ref()).map_or(0, |piece| piece.range.end)
    }

    /// The bytes that are left out.
    pub(crate) fn gap(&self) -> Option<Range<u64>> {
        let from = self.head.as_ref().map_or(0, |head| head.range.end);
        self.tail.first().map(|first| from..first.range.start).filter(|gap| !gap.is_empty())
    }

    /// Up to `max_bytes` from `offset` on; from the end of the gap on where that is in the gap.
    pub(crate) fn read(&self, offset: u64, max_bytes: usize) -> io::Result<LogChunk> {
        let gap = self.gap();
        let offset = gap.clone().filter(|gap| gap.contains(&offset)).map_or(offset, |gap| gap.end);
        let mut chunk = LogChunk { offset, end_offset: self.end(), gap, ..LogChunk::default() };
        for piece in self.head.iter().chain(&self.tail) {
            let at = offset + chunk.bytes.len() as u64;
            if !piece.range.contains(&at) {
                continue;
            }
            let len = usize::try_from(piece.range.end - at).unwrap_or(usize::MAX);
            let len = len.min(max_bytes - chunk.bytes.len());
            let old_len = chunk.bytes.len();
            chunk.bytes.resize(old_len + len, 0);
            let filled = read_fully(
                &piece.file,
                &mut chunk.bytes[old_len..],
                piece.begins_at + (at - piece.range.start),
            )?;
            chunk.bytes.truncate(old_len + filled);
            if filled < len {
                break;
            }
        }
        Ok(chunk)
    }
}

/// The bytes of a file of a tail; `None` where its beginning is not written yet.
fn tail_piece(file: File) -> io::Result<Option<Piece>> {
    let mut header = [0; HEADER_BYTES];
    let is_whole = read_fully(&file, &mut header, 0)? == HEADER_BYTES && header.starts_with(&MARK);
    let begins_at = HEADER_BYTES as u64;
    let len = file.metadata()?.len().saturating_sub(begins_at);
    let from = u64::from_le_bytes(header[8..].try_into().expect("8 of 16 bytes"));
    let range = from..from.saturating_add(len);
    Ok(is_whole.then_some(Piece { file, begins_at, range }))
}

/// Fills the buffer as far as the file goes: it may be the run's own, and have become shorter.
fn read_fully(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64)? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file(bytes: &[&[u8]]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        for part in bytes {
            file.write_all(part).unwrap();
        }
        file
    }

    fn read(log: &KeptLog, offset: u64, max: usize) -> (u64, Vec<u8>) {
        let chunk = log.read(offset, max).unwrap();
        (chunk.offset, chunk.bytes)
    }

    #[test]
    fn the_newest_files_that_follow_each_other_are_the_tail() {
        let tail =
            || [file(&[&header(30), b"ghi"]), file(&[&header(10), b"xx"]), file(&[&header(27), b"def"])];
        let log = KeptLog::new(Some(file(&[b"abc"])), tail()).unwrap();
        assert_eq!((log.end(), log.gap()), (33, Some(3..27)));
        assert_eq!(read(&log, 0, 99), (0, b"abc".to_vec()), "what is read ends before the gap");
        assert_eq!(read(&log, 3, 99), (27, b"defghi".to_vec()));
        assert_eq!(read(&log, 29, 2), (29, b"fg".to_vec()));
        assert_eq!(read(&log, 99, 2), (99, Vec::new()));
        let log = KeptLog::new(None, [file(&[b"qt-ta"])]).unwrap();
        assert_eq!((log.end(), log.gap(), read(&log, 0, 5)), (0, None, (0, Vec::new())));
    }

    #[test]
    fn both_ends_of_one_file_are_a_head_and_a_tail() {
        let log = KeptLog::of_ends(file(&[b"0123456789"]), 3, 3).unwrap();
        assert_eq!((log.end(), log.gap()), (10, Some(3..7)));
        assert_eq!((read(&log, 1, 99), read(&log, 5, 99)), ((1, b"12".to_vec()), (7, b"789".to_vec())));
        let whole = KeptLog::of_ends(file(&[b"012345"]), 3, 3).unwrap();
        assert_eq!((whole.gap(), read(&whole, 2, 3)), (None, (2, b"234".to_vec())));
    }
}
