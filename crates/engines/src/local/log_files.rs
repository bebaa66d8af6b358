//! The files of a run's logs, beside its record.
//!
//! ```text
//! <run>.stdout, <run>.stdout.0 to .3    the head and the tail of an output; the same of stderr
//! <run>.arrivals, <run>.arrivals.0 to .3    when which bytes of both came
//! ```

use std::{fs::File, io, os::fd::OwnedFd};

use domain::{RunId, Timestamp};
use rustix::{
    fs::{AtFlags, Mode, OFlags, openat, unlinkat},
    io::Errno,
};

use super::record::Runs;
use crate::{kept_log::KeptLog, log::Arrival};

/// The files of a log's tail.
pub(super) const SLOTS: u64 = 4;
/// The log that tells when which bytes of the others came.
pub(super) const INDEX: &str = "arrivals";
const LOGS: [&str; 3] = ["stdout", "stderr", INDEX];

impl Runs {
    /// The last change of the run's record and logs.
    pub(crate) fn last_change(&self, run: RunId) -> Option<Timestamp> {
        let tails = (0..SLOTS).flat_map(|slot| LOGS.map(|log| format!("{log}.{slot}")));
        (["record"].into_iter().chain(LOGS).map(str::to_owned).chain(tails))
            .filter_map(|what| rustix::fs::statat(&self.0, Self::name(run, &what), AtFlags::empty()).ok())
            .map(|stat| {
                let nsec = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
                Timestamp::from_micros(stat.st_mtime * 1_000_000 + nsec / 1000)
            })
            .max()
    }

    /// Opens the head of a log for appending, made if it isn't there.
    pub(crate) fn append_log(&self, run: RunId, log: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(openat(&self.0, Self::name(run, log), flags, Mode::RUSR | Mode::WUSR)?)
    }

    /// Makes a file of a log's tail in place of the one that had its slot. Who reads that one can go on.
    pub(crate) fn begin_tail(&self, run: RunId, log: &str, slot: u64) -> io::Result<OwnedFd> {
        let name = Self::name(run, &format!("{log}.{slot}"));
        match unlinkat(&self.0, &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(openat(&self.0, &name, flags, Mode::RUSR | Mode::WUSR)?)
    }

    /// Opens a log for reading, as far as it is there.
    pub(crate) fn read_log(&self, run: RunId, log: &str) -> io::Result<KeptLog> {
        let open = |name: &str| {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            match openat(&self.0, Self::name(run, name), flags, Mode::empty()) {
                Ok(fd) => Ok(Some(File::from(fd))),
                Err(Errno::NOENT) => Ok(None),
                Err(error) => Err(io::Error::from(error)),
            }
        };
        let head = open(log)?;
        let mut tail = Vec::new();
        for slot in 0..SLOTS {
            tail.extend(open(&format!("{log}.{slot}"))?);
        }
        KeptLog::new(head, tail)
    }

    /// Reads when which bytes of the run's outputs came; nothing of a run from before such an index was kept.
    pub(crate) fn arrivals(&self, run: RunId) -> io::Result<Option<Vec<Arrival>>> {
        let index = self.read_log(run, INDEX)?;
        let mut arrivals = Vec::new();
        let mut at = 0;
        while at < index.end() {
            let chunk = index.read(at, usize::MAX)?;
            let parts = chunk.bytes.chunks_exact(Arrival::BYTES);
            arrivals.extend(parts.map(|part| Arrival::from_bytes(part.try_into().expect("16 bytes"))));
            let end = chunk.offset + chunk.bytes.len() as u64;
            if end <= at {
                break;
            }
            at = end;
        }
        Ok((index.end() > 0).then_some(arrivals))
    }
}
