//! The logs of a run, as its supervisor keeps them.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
};

use domain::RunId;
use rustix::pipe::{PipeFlags, pipe_with};

use super::record::{Record, RecordLine, Runs};
use crate::engine::Stream;

/// One of the two logs, while it is written.
#[derive(Debug)]
pub(crate) struct Log {
    stream: Stream,
    /// Opened when the first byte comes.
    file: Option<OwnedFd>,
    room_bytes: u64,
    is_truncated: bool,
}

impl Log {
    pub(crate) fn new(stream: Stream, limit_bytes: u64) -> Self {
        Self { stream, file: None, room_bytes: limit_bytes, is_truncated: false }
    }

    /// Appends the bytes that fit. The rest is dropped, and so are all later bytes; the record says so.
    pub(crate) fn append(&mut self, bytes: &[u8], run: RunId, runs: &Runs, record: &mut Record) {
        if self.is_truncated {
            return;
        }
        let fits = usize::try_from(self.room_bytes).map_or(bytes.len(), |room| bytes.len().min(room));
        let written = self.write(&bytes[..fits], run, runs);
        self.room_bytes -= written as u64;
        if written < bytes.len() {
            self.is_truncated = true;
            let _disk_full = record.append(&RecordLine::Truncated { stream: self.stream });
        }
    }

    /// Writes the bytes and returns how many were kept. A full disk keeps fewer.
    fn write(&mut self, bytes: &[u8], run: RunId, runs: &Runs) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        if self.file.is_none() {
            self.file = runs.append_log(run, self.stream).ok();
        }
        let Some(file) = &self.file else { return 0 };
        let mut written = 0;
        while written < bytes.len() {
            match rustix::io::write(file, &bytes[written..]) {
                Ok(0) | Err(_) => break,
                Ok(more) => written += more,
            }
        }
        written
    }
}

/// Makes a pipe for one output of a process: the end to read from, which doesn't block, and the end for the
/// process.
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&read, true)?;
    Ok((read, write))
}

/// The most bytes of one read.
const READ_BYTES: usize = 64 << 10;

/// Reads what is there into the buffer, in place of its old content. Whether anything came.
pub(crate) fn read(pipe: &OwnedFd, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    // The buffer is not set to zero first: most runs write little, and untouched pages cost nothing.
    buffer.reserve(READ_BYTES);
    rustix::io::read(pipe.as_fd(), rustix::buffer::spare_capacity(buffer)).is_ok_and(|len| len > 0)
}
