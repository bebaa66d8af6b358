//! The files of a run on disk: its record, which is also the claim and the lock, and its logs beside it.
//!
//! A record is a part of a file of JSON lines, `runs/<last byte of the id>/<run id>.record`, from the claim
//! of the run to the next claim. The supervisor makes the file without a name, locks it, writes the claim,
//! and only then links it into place. The link fails if the name is there. So of many launches of a run one
//! gets to start it, and a record that can be seen is locked as long as its supervisor lives. A supervisor
//! keeps the records of its runs, one after the other, in one file with as many names: making a file takes
//! several times as long as giving it another name.
//!
//! Nothing is synced to disk here. A record has to outlive processes, and the page cache does. If the machine
//! goes down, the run is gone with it; a run from before the start of the machine that has no record is
//! reported as vanished, never as not launched. A record begins only where room for all of it is set aside on
//! the disk, so a full disk can't keep the end out of it.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
};

use domain::{Lang, Millis, RunId, Timestamp, reason::NotStarted};
use rustix::{
    fs::{
        AtFlags, CWD, FallocateFlags, FlockOperation, Mode, OFlags, fallocate, flock, linkat, openat,
        unlinkat,
    },
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::sys;
use crate::{
    log::Stream,
    observation::{Ended, Exit},
};

/// The longest reason of a failed start that is given and kept, in bytes.
pub(super) const MAX_REASON_BYTES: usize = 1000;
/// The most bytes of one record without its sessions.
const MAX_BYTES_WITHOUT_SESSIONS: usize = 2048;
/// The most bytes of one session: a number of seven digits, and a comma.
const SESSION_BYTES: usize = 8;
/// The least room for one record, a block of the file system. Most records have 300 bytes.
const BLOCK_BYTES: usize = 4096;
/// The least room that is set aside for the records in one file.
const FILE_BYTES: usize = 4 * BLOCK_BYTES;

/// The room for the record of a run on so many nodes.
fn room_for(nodes: usize) -> usize {
    (MAX_BYTES_WITHOUT_SESSIONS + SESSION_BYTES * nodes).max(BLOCK_BYTES)
}

/// A line of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(crate) enum RecordLine {
    /// The first line: who takes care of which run.
    Claim { run: RunId, pid: i32, boot: String, at: Timestamp },
    /// The process of node 0 runs. `sessions` are the process ids of the nodes' first processes. They are
    /// also the sessions and groups of all processes that these start, except of those that leave them.
    Start { at: Timestamp, sessions: Vec<i32> },
    /// From here on, output of the run to `stream` is dropped: the disk had no room for it.
    Truncated { stream: Stream },
    /// The last line: no process of the run is left.
    End {
        started_at: Option<Timestamp>,
        at: Timestamp,
        /// How long it took, by the time since the machine was started.
        #[serde(default)]
        took: Option<Millis>,
        how: Exit,
    },
}

/// The folder of records and logs.
#[derive(Debug)]
pub(crate) struct Runs(pub(super) OwnedFd);

/// The content of a run's record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordContent {
    pub pid: i32,
    pub boot: String,
    pub claimed_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub sessions: Vec<i32>,
    pub truncated: [bool; 2],
    pub end: Option<Ended>,
}

/// The state of a run, by its record.
#[derive(Debug)]
pub(crate) enum RecordState {
    Nothing,
    /// Its supervisor lives.
    Alive(RecordContent),
    Ended(RecordContent),
    /// Its supervisor is gone, and the end was not recorded.
    Vanished(RecordContent),
}

impl Runs {
    /// Opens the folder, and makes it and its 256 parts if needed.
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

    pub(super) fn name(run: RunId, what: &str) -> String {
        format!("{}/{run}.{what}", Self::part(run))
    }

    /// Claims the run, which has so many nodes, for this process. Writes a record that begins with `first` into the
    /// file of `record`, if that has room, and keeps it locked while the file is open. False if the run was
    /// claimed before.
    pub(crate) fn claim(
        &self,
        record: &mut Option<Record>,
        run: RunId,
        nodes: usize,
        first: &RecordLine,
    ) -> io::Result<bool> {
        if record.as_ref().is_some_and(|record| !record.has_room_for(run, nodes)) {
            *record = None;
        }
        let is_fresh = record.is_none();
        let file = match record {
            Some(record) => record,
            None => record.insert(self.new_record(run, room_for(nodes))?),
        };
        file.runs.push(run);
        let claimed = file.append(first).and_then(|()| Ok(self.link(file, run)?));
        if claimed.is_err() {
            *record = None;
        }
        match claimed.map_err(|error| (Errno::from_io_error(&error), error)) {
            Ok(()) => Ok(true),
            // Nobody ever looks at what was written here, because the name leads elsewhere.
            Err((Some(Errno::EXIST), _)) => Ok(false),
            // The file has as many names as it may have. Or it has none, because all its records were
            // removed, and then it can't get any.
            Err((Some(Errno::MLINK | Errno::NOENT), _)) if !is_fresh => self.claim(record, run, nodes, first),
            Err((_, error)) => Err(error),
        }
    }

    /// Makes a file for records, without a name and locked, that has room for a first one of so many bytes.
    fn new_record(&self, run: RunId, first_bytes: usize) -> io::Result<Record> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let (fd, temporary) = match openat(&self.0, Self::part(run), flags | OFlags::TMPFILE, mode) {
            Ok(fd) => (fd, None),
            // The file system has no files without a name. A name that nobody looks for does as well.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let temporary = Self::name(run, &format!("claim-{}", std::process::id()));
                let fd = openat(&self.0, &temporary, flags | OFlags::CREATE | OFlags::TRUNC, mode)?;
                (fd, Some(temporary))
            }
            Err(error) => return Err(error.into()),
        };
        flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
        // Without room set aside, a file has one record, which mostly stays within its first block.
        let room_bytes = FILE_BYTES.max(first_bytes);
        let set_aside = fallocate(&fd, FallocateFlags::KEEP_SIZE, 0, room_bytes as u64);
        let limit_bytes = if set_aside.is_ok() { room_bytes } else { first_bytes };
        Ok(Record { file: fd.into(), temporary, runs: Vec::new(), written_bytes: 0, limit_bytes })
    }

    /// Gives the file the name of the run.
    fn link(&self, record: &mut Record, run: RunId) -> Result<(), Errno> {
        let name = Self::name(run, "record");
        if let Some(temporary) = record.temporary.take() {
            let linked = linkat(&self.0, &temporary, &self.0, &name, AtFlags::empty());
            unlinkat(&self.0, temporary, AtFlags::empty())?;
            return linked;
        }
        // Older kernels let only the privileged link a descriptor. For the others there is the way through
        // /proc.
        match linkat(&record.file, "", &self.0, &name, AtFlags::EMPTY_PATH) {
            Err(Errno::NOENT | Errno::PERM) => {
                linkat(CWD, sys::own_descriptor_path(&record.file), &self.0, &name, AtFlags::SYMLINK_FOLLOW)
            }
            linked => linked,
        }
    }

    /// Whether anybody claimed the run.
    pub(crate) fn is_claimed(&self, run: RunId) -> bool {
        rustix::fs::statat(&self.0, Self::name(run, "record"), AtFlags::empty()).is_ok()
    }

    /// Reads the record of the run.
    pub(crate) fn find(&self, run: RunId) -> io::Result<RecordState> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = match openat(&self.0, Self::name(run, "record"), flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(RecordState::Nothing),
            Err(error) => return Err(error.into()),
        };
        let mut file = File::from(fd);
        let told = RecordContent::read(&mut file, run)?;
        if told.end.is_some() {
            return Ok(RecordState::Ended(told));
        }
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(RecordState::Alive(told)),
            Err(error) => return Err(error.into()),
        }
        // The run may have ended between the reading and the lock.
        rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
        let told = RecordContent::read(&mut file, run)?;
        Ok(if told.end.is_some() { RecordState::Ended(told) } else { RecordState::Vanished(told) })
    }
}

/// The record of a run that this process claimed, after those of the runs that it claimed before.
#[derive(Debug)]
pub(crate) struct Record {
    file: File,
    /// A name that the file has until it gets the name of its first run.
    temporary: Option<String>,
    /// The runs that are recorded in the file.
    runs: Vec<RunId>,
    written_bytes: usize,
    limit_bytes: usize,
}

impl Record {
    /// Whether another record fits. A run never has a second record in one file: nobody could tell which of
    /// them counts.
    fn has_room_for(&self, run: RunId, nodes: usize) -> bool {
        self.written_bytes + room_for(nodes) <= self.limit_bytes && !self.runs.contains(&run)
    }

    /// Adds a line, in one write: the line is there as a whole or not at all.
    pub(crate) fn append(&mut self, line: &RecordLine) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(&line.bounded())?;
        bytes.push(b'\n');
        let written = rustix::io::write(&self.file, &bytes)?;
        self.written_bytes += written;
        if written == bytes.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    /// Marks the record as changed now, which says that the run is alive.
    pub(crate) fn touch(&self) {
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let times = rustix::fs::Timestamps { last_access: now, last_modification: now };
        let _unimportant = rustix::fs::futimens(self.file.as_fd(), &times);
    }
}

impl RecordLine {
    fn bounded(&self) -> std::borrow::Cow<'_, Self> {
        match self {
            Self::End { started_at, at, took, how: Exit::FailedToStart(why) }
                if serde_json::to_string(why).is_ok_and(|written| written.len() > MAX_REASON_BYTES) =>
            {
                let said = why.text(Lang::En);
                let end = said.floor_char_boundary(MAX_REASON_BYTES);
                let how = Exit::FailedToStart(NotStarted::Other(said[..end].to_owned()));
                std::borrow::Cow::Owned(Self::End { started_at: *started_at, at: *at, took: *took, how })
            }
            _ => std::borrow::Cow::Borrowed(self),
        }
    }
}

impl RecordContent {
    fn read(file: &mut File, run: RunId) -> io::Result<Self> {
        let mut text = String::with_capacity(FILE_BYTES);
        file.read_to_string(&mut text)?;
        Ok(Self::parse(&text, run))
    }

    /// Reads what is said of the run. Lines that can't be read are passed over: a later version may have
    /// written more.
    fn parse(text: &str, run: RunId) -> Self {
        let mut told = Self::default();
        // Only a claim has this text: within other text, a quotation mark has a backslash before it.
        let Some(named_at) = text.rfind(&format!("\"run\":\"{run}\"")) else { return told };
        let begins_at = text[..named_at].rfind('\n').map_or(0, |end| end + 1);
        for line in text[begins_at..].lines().filter_map(|line| serde_json::from_str(line).ok()) {
            match line {
                RecordLine::Claim { run: of, .. } if of != run => break,
                RecordLine::Claim { run: _, pid, boot, at } => {
                    told.pid = pid;
                    told.boot = boot;
                    told.claimed_at = Some(at);
                }
                RecordLine::Start { at, sessions } => {
                    told.started_at = Some(at);
                    told.sessions = sessions;
                }
                RecordLine::Truncated { stream } => told.truncated[stream as usize] = true,
                RecordLine::End { started_at, at, took, how } => {
                    told.end = Some(Ended { started_at, at, took, how, why: None });
                }
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim_line(run: RunId) -> RecordLine {
        RecordLine::Claim { run, pid: 42, boot: "b".into(), at: Timestamp::from_secs(1) }
    }

    fn end_line(how: Exit) -> RecordLine {
        RecordLine::End { started_at: None, at: Timestamp::from_secs(2), took: None, how }
    }

    fn run_id(seed: u8) -> RunId {
        RunId::from_bytes([seed; 16])
    }

    #[test]
    fn a_run_is_claimed_once_and_its_lock_tells_whether_it_lives() {
        let dir = tempfile::tempdir().unwrap();
        let runs = Runs::open(dir.path()).unwrap();
        let run = run_id(7);
        let claim = |record: &mut Option<Record>, run| runs.claim(record, run, 1, &claim_line(run)).unwrap();
        assert!(matches!(runs.find(run).unwrap(), RecordState::Nothing));

        let (mut record, mut late) = (None, None);
        assert!(claim(&mut record, run), "the first claim wins");
        assert!(!claim(&mut late, run));
        assert!(matches!(runs.find(run).unwrap(), RecordState::Alive(told) if told.pid == 42));

        drop(record.take());
        assert!(matches!(runs.find(run).unwrap(), RecordState::Vanished(_)));
        assert!(!claim(&mut record, run), "what vanished is not started again");

        let other = run_id(8);
        assert!(claim(&mut record, other));
        record.unwrap().append(&end_line(Exit::FailedToStart(NotStarted::Other("x".repeat(5000))))).unwrap();
        let RecordState::Ended(told) = runs.find(other).unwrap() else { panic!("it has ended") };
        assert!(
            matches!(told.end.unwrap().how, Exit::FailedToStart(NotStarted::Other(said)) if said.len() == MAX_REASON_BYTES)
        );
    }

    #[test]
    fn the_records_of_a_supervisors_runs_are_kept_apart() {
        let dir = tempfile::tempdir().unwrap();
        let runs = Runs::open(dir.path()).unwrap();
        let mut record = None;
        let ended_with = |run: RunId| match runs.find(run).unwrap() {
            RecordState::Ended(told) => told.end.unwrap().how,
            other => panic!("{run}: {other:?}"),
        };
        // Enough records for more than one file, each with a text that could be taken for the claim of
        // another run.
        for seed in 0..100 {
            let run = run_id(seed);
            assert!(runs.claim(&mut record, run, 1, &claim_line(run)).unwrap());
            assert!(matches!(runs.find(run).unwrap(), RecordState::Alive(told) if told.end.is_none()));
            let why = format!("{seed}\n{}", serde_json::to_string(&claim_line(run_id(seed / 2))).unwrap());
            record.as_mut().unwrap().append(&end_line(Exit::FailedToStart(NotStarted::Other(why)))).unwrap();
        }
        for seed in 0..100 {
            let how = ended_with(run_id(seed));
            assert!(
                matches!(how, Exit::FailedToStart(NotStarted::Other(why)) if why.starts_with(&format!("{seed}\n")))
            );
            assert!(!runs.claim(&mut record, run_id(seed), 1, &claim_line(run_id(seed))).unwrap());
        }
        // A claim that lost leaves no trace, not even in the file where its run is recorded.
        assert!(matches!(ended_with(run_id(99)), Exit::FailedToStart(_)));

        // A run whose record an operator removed may be claimed again, and nothing of its first record
        // counts.
        let remove = |run| unlinkat(&runs.0, Runs::name(run, "record"), AtFlags::empty()).unwrap();
        let (one, two) = (run_id(200), run_id(201));
        for run in [one, two] {
            assert!(runs.claim(&mut record, run, 1, &claim_line(run)).unwrap());
            record.as_mut().unwrap().append(&end_line(Exit::Code(1))).unwrap();
        }
        remove(one);
        assert!(runs.claim(&mut record, one, 1, &claim_line(one)).unwrap());
        assert!(matches!(runs.find(one).unwrap(), RecordState::Alive(_)));
        assert!(matches!(ended_with(two), Exit::Code(1)));
        // Without a name the file can't be used any more, so another one is.
        for seed in (0..100).chain([200, 201]) {
            remove(run_id(seed));
        }
        assert!(runs.claim(&mut record, two, 1, &claim_line(two)).unwrap());
        assert!(matches!(runs.find(two).unwrap(), RecordState::Alive(_)));
    }

    #[test]
    fn a_run_on_many_nodes_gets_a_file_with_room_for_its_sessions() {
        let dir = tempfile::tempdir().unwrap();
        let runs = Runs::open(dir.path()).unwrap();
        let (small, large) = (run_id(7), run_id(8));
        let mut record = None;
        let nodes = usize::try_from(domain::spec::MAX_NODES).unwrap();
        for (run, nodes) in [(small, 1), (large, nodes)] {
            assert!(runs.claim(&mut record, run, nodes, &claim_line(run)).unwrap());
            let sessions = vec![4_194_304; nodes];
            let record = record.as_mut().unwrap();
            record.append(&RecordLine::Start { at: Timestamp::from_secs(2), sessions }).unwrap();
            record
                .append(&end_line(Exit::FailedToStart(NotStarted::Other("x".repeat(MAX_REASON_BYTES)))))
                .unwrap();
            assert!(record.written_bytes <= record.limit_bytes, "{nodes} nodes: {}", record.written_bytes);
        }
        assert!(!record.unwrap().has_room_for(run_id(9), 1));
        let RecordState::Ended(told) = runs.find(large).unwrap() else { panic!("it has ended") };
        assert_eq!(told.sessions.len(), nodes);
        assert!(matches!(runs.find(small).unwrap(), RecordState::Ended(told) if told.sessions.len() == 1));
    }

    proptest! {
        #[test]
        fn no_text_of_a_record_panics(text in "(.{0,40}\n){0,5}", cut in 0_usize..200) {
            let claim = serde_json::to_string(&claim_line(run_id(7))).unwrap();
            let _ = RecordContent::parse(&text, run_id(7));
            let _ = RecordContent::parse(&(text + &claim[..cut.min(claim.len())]), run_id(7));
        }

        #[test]
        fn a_record_cut_anywhere_tells_a_part_of_the_truth(cut in 0_usize..600) {
            let lines = [
                claim_line(run_id(6)),
                end_line(Exit::Code(0)),
                claim_line(run_id(7)),
                RecordLine::Start { at: Timestamp::from_secs(2), sessions: vec![43, 44] },
                RecordLine::Truncated { stream: Stream::Stderr },
                end_line(Exit::Code(1)),
            ];
            let text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
            let told = RecordContent::parse(&text[..cut.min(text.len())], run_id(7));
            prop_assert!(told.end.is_none() || told.truncated == [false, true]);
            prop_assert!(told.started_at.is_none() || told.pid == 42);
            prop_assert!(told.end.is_none_or(|end| end.how == Exit::Code(1)));
        }
    }
}
