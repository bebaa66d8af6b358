//! What is kept of a run on disk: its record, which is also the claim and the lock, and its logs beside it.
//!
//! A record is a file of JSON lines, `runs/<last byte of the id>/<run id>.record`. Its supervisor makes it without a
//! name, locks it, writes the first line, and only then links it into place, which fails if it is there: so of many
//! launches of a run one gets to start it, and a record that can be seen is locked as long as its supervisor lives.
//!
//! Nothing is synced to disk here. A record has to outlive processes, and the page cache does; if the machine goes
//! down, the run is gone with it, and a run from before the start of the machine that has no record is reported as
//! vanished, never as not launched. A record stays within its first block, so a full disk can't keep the end out of it.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
};

use domain::{RunId, Timestamp};
use rustix::{
    fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock, linkat, openat, unlinkat},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::sys;
use crate::{Exit, Stream};

/// The longest reason of a failed start that is kept, in bytes.
const MAX_REASON_BYTES: usize = 1000;

/// A line of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(crate) enum Line {
    /// The first line: who takes care of the run.
    Claim { pid: i32, boot: String, at: Timestamp },
    /// The process of node 0 runs. `sessions` are the process ids of the nodes' first processes, and so the sessions
    /// and groups of all that they start and that doesn't leave them.
    Start { at: Timestamp, sessions: Vec<i32> },
    /// From here on what the run writes to `stream` is dropped.
    Truncated { stream: Stream },
    /// The last line; nothing of the run is left.
    End { started_at: Option<Timestamp>, at: Timestamp, how: Exit },
}

/// The folder of records and logs.
#[derive(Debug)]
pub(crate) struct Runs(OwnedFd);

/// What a record says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub pid: i32,
    pub boot: String,
    pub claimed_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub sessions: Vec<i32>,
    pub truncated: [bool; 2],
    pub end: Option<crate::Ended>,
}

/// What can be known about a run from its record.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    /// Its supervisor lives.
    Alive(Told),
    Ended(Told),
    /// Its supervisor is gone, the end was not recorded.
    Vanished(Told),
}

impl Runs {
    /// Opens the folder, makes it and its 256 parts if needed.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join("runs");
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = openat(CWD, &path, flags, Mode::empty())?;
        rustix::fs::chmod(&path, Mode::RWXU)?;
        for part in 0..=255_u8 {
            match rustix::fs::mkdirat(&dir, format!("{part:02x}"), Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self(dir))
    }

    fn part(run: RunId) -> String {
        format!("{:02x}", run.as_bytes()[15])
    }

    fn name(run: RunId, what: &str) -> String {
        format!("{}/{run}.{what}", Self::part(run))
    }

    /// Claims the run for this process: writes a record that begins with `first` and keeps it locked while the file is
    /// open. `None` if it was claimed before.
    pub(crate) fn claim(&self, run: RunId, first: &Line) -> io::Result<Option<Record>> {
        let name = Self::name(run, "record");
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let (fd, temporary) = match openat(&self.0, Self::part(run), flags | OFlags::TMPFILE, mode) {
            Ok(fd) => (fd, None),
            // The file system has no files without a name: one that nobody looks for does as well.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let temporary = Self::name(run, &format!("claim-{}", std::process::id()));
                let fd = openat(&self.0, &temporary, flags | OFlags::CREATE | OFlags::TRUNC, mode)?;
                (fd, Some(temporary))
            }
            Err(error) => return Err(error.into()),
        };
        flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
        let mut record = Record(fd.into());
        record.append(first)?;
        let linked = match &temporary {
            // Older kernels let only the privileged link a descriptor; for the others there is the way through /proc.
            None => match linkat(&record.0, "", &self.0, &name, AtFlags::EMPTY_PATH) {
                Err(Errno::NOENT | Errno::PERM) => {
                    linkat(CWD, sys::own_descriptor_path(&record.0), &self.0, &name, AtFlags::SYMLINK_FOLLOW)
                }
                linked => linked,
            },
            Some(temporary) => {
                let linked = linkat(&self.0, temporary, &self.0, &name, AtFlags::empty());
                unlinkat(&self.0, temporary, AtFlags::empty())?;
                linked
            }
        };
        match linked {
            Ok(()) => Ok(Some(record)),
            Err(Errno::EXIST) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether anybody claimed the run.
    pub(crate) fn is_claimed(&self, run: RunId) -> bool {
        rustix::fs::statat(&self.0, Self::name(run, "record"), AtFlags::empty()).is_ok()
    }

    /// Reads the record of the run.
    pub(crate) fn find(&self, run: RunId) -> io::Result<Found> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = match openat(&self.0, Self::name(run, "record"), flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            Err(error) => return Err(error.into()),
        };
        let mut file = File::from(fd);
        let told = Told::read(&mut file)?;
        if told.end.is_some() {
            return Ok(Found::Ended(told));
        }
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Found::Alive(told)),
            Err(error) => return Err(error.into()),
        }
        // It may have ended between the reading and the lock.
        rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
        let told = Told::read(&mut file)?;
        Ok(if told.end.is_some() { Found::Ended(told) } else { Found::Vanished(told) })
    }

    /// The newest change of the run's record and logs.
    pub(crate) fn last_change(&self, run: RunId) -> Option<Timestamp> {
        ["record", "stdout", "stderr"]
            .iter()
            .filter_map(|what| rustix::fs::statat(&self.0, Self::name(run, what), AtFlags::empty()).ok())
            .map(|stat| {
                let nsec = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
                Timestamp::from_micros(stat.st_mtime * 1_000_000 + nsec / 1000)
            })
            .max()
    }

    /// Opens a log for appending, makes it if it isn't there.
    pub(crate) fn append_log(&self, run: RunId, stream: Stream) -> io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(openat(&self.0, Self::name(run, stream.code()), flags, Mode::RUSR | Mode::WUSR)?)
    }

    /// Opens a log for reading; `None` if nothing was written to it.
    pub(crate) fn read_log(&self, run: RunId, stream: Stream) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        match openat(&self.0, Self::name(run, stream.code()), flags, Mode::empty()) {
            Ok(fd) => Ok(Some(fd.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes logs and record; the record last, so that what is left half done can be done again.
    pub(crate) fn remove(&self, run: RunId) -> io::Result<()> {
        for what in ["stdout", "stderr", "record"] {
            match unlinkat(&self.0, Self::name(run, what), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The record of a run that this process claimed.
#[derive(Debug)]
pub(crate) struct Record(File);

impl Record {
    /// Adds a line, in one write: it is there as a whole or not at all.
    pub(crate) fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(&line.bounded())?;
        bytes.push(b'\n');
        let written = rustix::io::write(&self.0, &bytes)?;
        if written == bytes.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    /// Says that the run is alive: marks the record as changed now.
    pub(crate) fn touch(&self) {
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let times = rustix::fs::Timestamps { last_access: now, last_modification: now };
        let _unimportant = rustix::fs::futimens(self.0.as_fd(), &times);
    }
}

impl Line {
    fn bounded(&self) -> std::borrow::Cow<'_, Self> {
        match self {
            Self::End { started_at, at, how: Exit::FailedToStart(reason) }
                if reason.len() > MAX_REASON_BYTES =>
            {
                let end = reason.floor_char_boundary(MAX_REASON_BYTES);
                let how = Exit::FailedToStart(reason[..end].to_owned());
                std::borrow::Cow::Owned(Self::End { started_at: *started_at, at: *at, how })
            }
            _ => std::borrow::Cow::Borrowed(self),
        }
    }
}

impl Told {
    fn read(file: &mut File) -> io::Result<Self> {
        let mut text = String::with_capacity(1024);
        file.read_to_string(&mut text)?;
        Ok(Self::parse(&text))
    }

    /// Lines that can't be read are passed over: a later version may have written more.
    fn parse(text: &str) -> Self {
        let mut told = Self::default();
        for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            match line {
                Line::Claim { pid, boot, at } => {
                    told.pid = pid;
                    told.boot = boot;
                    told.claimed_at = Some(at);
                }
                Line::Start { at, sessions } => {
                    told.started_at = Some(at);
                    told.sessions = sessions;
                }
                Line::Truncated { stream } => told.truncated[stream as usize] = true,
                Line::End { started_at, at, how } => told.end = Some(crate::Ended { started_at, at, how }),
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim_line() -> Line {
        Line::Claim { pid: 42, boot: "b".into(), at: Timestamp::from_secs(1) }
    }

    fn run_id(seed: u8) -> RunId {
        RunId::from_bytes([seed; 16])
    }

    #[test]
    fn a_run_is_claimed_once_and_its_lock_tells_whether_it_lives() {
        let dir = tempfile::tempdir().unwrap();
        let runs = Runs::open(dir.path()).unwrap();
        let run = run_id(7);
        assert!(matches!(runs.find(run).unwrap(), Found::Nothing));

        let mut record = runs.claim(run, &claim_line()).unwrap().expect("the first claim wins");
        assert!(runs.claim(run, &claim_line()).unwrap().is_none());
        assert!(matches!(runs.find(run).unwrap(), Found::Alive(told) if told.pid == 42));

        drop(record);
        assert!(matches!(runs.find(run).unwrap(), Found::Vanished(_)));
        assert!(runs.claim(run, &claim_line()).unwrap().is_none(), "what vanished is not started again");

        let other = run_id(8);
        record = runs.claim(other, &claim_line()).unwrap().unwrap();
        let how = Exit::FailedToStart("x".repeat(5000));
        record.append(&Line::End { started_at: None, at: Timestamp::from_secs(2), how }).unwrap();
        let Found::Ended(told) = runs.find(other).unwrap() else { panic!("it has ended") };
        assert!(
            matches!(told.end.unwrap().how, Exit::FailedToStart(reason) if reason.len() == MAX_REASON_BYTES)
        );

        runs.remove(other).unwrap();
        assert!(matches!(runs.find(other).unwrap(), Found::Nothing));
    }

    proptest! {
        #[test]
        fn no_text_of_a_record_panics(text in "(.{0,40}\n){0,5}") {
            let _ = Told::parse(&text);
        }

        #[test]
        fn a_record_cut_anywhere_tells_a_part_of_the_truth(cut in 0_usize..400) {
            let lines = [
                claim_line(),
                Line::Start { at: Timestamp::from_secs(2), sessions: vec![43, 44] },
                Line::Truncated { stream: Stream::Stderr },
                Line::End { started_at: None, at: Timestamp::from_secs(3), how: Exit::Code(1) },
            ];
            let text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
            let told = Told::parse(&text[..cut.min(text.len())]);
            prop_assert!(told.end.is_none() || told.truncated == [false, true]);
            prop_assert!(told.started_at.is_none() || told.pid == 42);
        }
    }
}
