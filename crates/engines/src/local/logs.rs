//! The logs of a run, as its supervisor keeps them: all bytes up to the limit, and beyond it the head and the tail.
//!
//! The head of a log is one file. The tail is in [`SLOTS`] files that are used in turn, each with the place of its
//! first byte before its bytes. A reader needs nothing but these files, so a supervisor that is killed leaves all
//! that it wrote. A third log, the index, tells when which bytes came, from which node: an [`Arrival`] is written
//! before the first byte that it tells of.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
};

use domain::{Millis, RunId};
use rustix::pipe::{PipeFlags, pipe_with};

use super::{
    log_files::{INDEX, SLOTS},
    record::{Record, RecordLine, Runs},
};
use crate::{
    clock,
    kept_log::{HEADER_BYTES, header},
    log::{Arrival, Stream},
};

/// The limit of the index. The sizes of its parts are multiples of [`Arrival::BYTES`].
const INDEX_BYTES: u64 = 4 << 20;
/// Bytes of one stream and node that come within this time share an arrival.
const SHARED_FOR: Millis = Millis(20);

/// The logs of one run while they are written.
#[derive(Debug)]
pub(crate) struct Logs {
    streams: [Log; 2],
    index: Log,
    last: Option<Arrival>,
}

impl Logs {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        let streams = Stream::ALL.map(|stream| Log::new(stream.code(), limit_bytes));
        Self { streams, index: Log::new(INDEX, INDEX_BYTES), last: None }
    }

    /// Keeps what a node has written. What the disk has no room for is dropped, and so are all later bytes of the stream;
    /// the record says so.
    pub(crate) fn append(
        &mut self,
        (stream, node): (Stream, Option<u16>),
        bytes: &[u8],
        run: RunId,
        runs: &Runs,
        record: &mut Record,
    ) {
        let log = &mut self.streams[stream as usize];
        if log.is_over {
            return;
        }
        let at = clock::now();
        let arrival = Arrival::new(at, stream, node, log.written_bytes);
        let is_shared = self.last.is_some_and(|last| {
            (last.stream, last.node) == (stream, arrival.node)
                && (Millis(0)..SHARED_FOR).contains(&at.since(last.at))
        });
        if !is_shared {
            self.index.append(&arrival.to_bytes(), run, runs);
            self.last = Some(arrival);
        }
        log.append(bytes, run, runs);
        if log.is_over {
            let _disk_full = record.append(&RecordLine::Truncated { stream });
        }
    }
}

/// One log while it is written.
#[derive(Debug)]
struct Log {
    name: &'static str,
    head_bytes: u64,
    /// The bytes of each file of the tail.
    slot_bytes: u64,
    /// The file that is written now; opened when the first byte comes.
    file: Option<OwnedFd>,
    /// The place at which that file is full.
    file_ends_at: u64,
    written_bytes: u64,
    /// Nothing more can be kept.
    is_over: bool,
}

impl Log {
    fn new(name: &'static str, limit_bytes: u64) -> Self {
        let slot_bytes = limit_bytes / (2 * SLOTS);
        let head_bytes = limit_bytes - SLOTS * slot_bytes;
        Self {
            name,
            head_bytes,
            slot_bytes,
            file: None,
            file_ends_at: head_bytes,
            written_bytes: 0,
            is_over: false,
        }
    }

    fn append(&mut self, mut bytes: &[u8], run: RunId, runs: &Runs) {
        while !bytes.is_empty() && !self.is_over {
            if self.file.is_none() || self.written_bytes == self.file_ends_at {
                match self.next_file(run, runs) {
                    Some(file) => self.file = Some(file),
                    None => self.is_over = true,
                }
                continue;
            }
            let room = usize::try_from(self.file_ends_at - self.written_bytes).unwrap_or(usize::MAX);
            let fits = &bytes[..bytes.len().min(room)];
            match self.file.as_ref().map(|file| rustix::io::write(file, fits)) {
                Some(Ok(written)) if written > 0 => {
                    self.written_bytes += written as u64;
                    bytes = &bytes[written..];
                }
                _ => self.is_over = true,
            }
        }
    }

    /// The file for the next byte; `None` where there can be none.
    fn next_file(&mut self, run: RunId, runs: &Runs) -> Option<OwnedFd> {
        if self.written_bytes < self.head_bytes {
            return runs.append_log(run, self.name).ok();
        }
        let slot = (self.written_bytes - self.head_bytes).checked_div(self.slot_bytes)? % SLOTS;
        self.file_ends_at = self.written_bytes + self.slot_bytes;
        let file = runs.begin_tail(run, self.name, slot).ok()?;
        (rustix::io::write(&file, &header(self.written_bytes)) == Ok(HEADER_BYTES)).then_some(file)
    }
}

/// The most bytes of one read, and of one from a pipe that was made larger.
const READ_BYTES: usize = 64 << 10;
const LARGE_READ_BYTES: usize = 256 << 10;
/// After so many reads that got as much as they can, the pipe is made larger.
const MANY: u32 = 8;
/// The largest pipe that everybody may have, if the machine has not set it otherwise.
const LARGE_PIPE_BYTES: usize = 1 << 20;

/// A pipe that processes write to. This process keeps both ends, so that it is not woken when others close
/// theirs. When the last of them has ended, it knows that nothing more comes.
pub(super) struct Output {
    pub stream: Stream,
    /// `None` where all nodes write to it.
    pub node: Option<u16>,
    pub read_end: OwnedFd,
    pub write_end: OwnedFd,
    /// How many reads got as much as they can, up to [`MANY`].
    full_reads: u32,
}

impl Output {
    /// Pipes for both streams of a node.
    pub(super) fn of_node(node: Option<u16>) -> io::Result<[Self; 2]> {
        let new = |stream| {
            let (read_end, write_end) = pipe()?;
            Ok::<_, io::Error>(Self { stream, node, read_end, write_end, full_reads: 0 })
        };
        Ok([new(Stream::Stdout)?, new(Stream::Stderr)?])
    }

    /// Reads what is there into the buffer, in place of its old content. Whether anything came.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>) -> bool {
        buffer.clear();
        // The buffer is not set to zero first: most runs write little, and untouched pages cost nothing.
        buffer.reserve(if self.full_reads < MANY { READ_BYTES } else { LARGE_READ_BYTES });
        let room = rustix::buffer::spare_capacity(buffer);
        let came = rustix::io::read(self.read_end.as_fd(), room).is_ok_and(|len| len > 0);
        if buffer.len() >= READ_BYTES && self.full_reads < MANY {
            self.full_reads += 1;
            if self.full_reads == MANY {
                // Who writes a lot waits less for its reader then. Without room for it everything goes on as before.
                let _no_room = rustix::pipe::fcntl_setpipe_size(&self.read_end, LARGE_PIPE_BYTES);
            }
        }
        came
    }
}

/// Makes a pipe for one output of a process: the end to read from, which doesn't block, and the end for the
/// process.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&read, true)?;
    Ok((read, write))
}
