//! Notices of ends, which runs give before Slurm is asked.
//!
//! A run's batch script opens a connection to the center and leaves it open to all processes that it becomes
//! and starts on its node. The kernel closes the connection when the last of these processes is gone. Slurm
//! then takes a moment to tidy up, and another passes until it is asked. Meanwhile the next run can be
//! submitted for the same cards, and Slurm starts it as soon as they are free.
//!
//! A notice is a hint and no more: only Slurm tells when and how the run ended. A false notice (the user
//! closed the connection) costs the next run a while in Slurm's queue. Where Slurm still has a run long after
//! its notice, notices are not believed for a time.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
    io::{ErrorKind, Read as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use domain::RunId;

use super::{short_runs::ShortRuns, table::TrackedRun};
use crate::sync;

/// A notice was false if Slurm says so long after it that the run goes on.
pub(super) const LATE: Duration = Duration::from_secs(5);
/// How long no notice is believed after a false one: there may be an epilog that takes its time after each
/// run.
const DISTRUST: Duration = Duration::from_mins(10);
/// The longest first line of a connection.
const MAX_LINE_BYTES: usize = 256;

/// The listening end: runs connect to it and give notice of their ends.
pub(crate) struct Notices {
    pub(super) listener: TcpListener,
    address: SocketAddr,
    /// Draws the word by which a run is known to be one of ours.
    key: RandomState,
    distrusted_until: Mutex<Option<Instant>>,
    short_runs: Mutex<ShortRuns>,
}

/// A connection of a run.
pub(super) struct Connection {
    pub stream: TcpStream,
    /// The first line, as far as it came.
    line: Vec<u8>,
    pub run: Option<RunId>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, line: Vec::new(), run: None }
    }
}

/// The news from a connection.
pub(super) enum Heard {
    GoesOn,
    /// All processes of the run are gone.
    Left,
    /// The connection is not that of a run.
    Broken,
}

impl Notices {
    /// Listens at an address that nodes reach.
    pub(crate) fn open(at: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        if address.ip().is_unspecified() {
            let why = "name the address at which nodes reach this machine, not all of its addresses";
            return Err(std::io::Error::new(ErrorKind::InvalidInput, why));
        }
        Ok(Self {
            listener,
            address,
            key: RandomState::new(),
            distrusted_until: Mutex::default(),
            short_runs: Mutex::default(),
        })
    }

    fn word(&self, run: RunId) -> String {
        format!("{:016x}", self.key.hash_one(run.as_bytes()))
    }

    /// The lines of a run's batch script that open its connection. A run that can't reach the center goes on
    /// without.
    pub(super) fn script(&self, run: RunId) -> String {
        // A center that ends at that moment must not end the run.
        format!(
            "if {{ exec {{qt_notice}}<>/dev/tcp/{}/{}; }} 2>/dev/null; then\n\
             trap '' PIPE\necho '{run} {}' 2>/dev/null >&\"$qt_notice\"\ntrap - PIPE\nfi\n",
            self.address.ip(),
            self.address.port(),
            self.word(run)
        )
    }

    pub(super) fn is_believed(&self) -> bool {
        let until = sync::lock(&self.distrusted_until);
        until.is_none_or(|until| Instant::now() >= until)
    }

    /// Notes that a notice was false.
    pub(super) fn distrust(&self) {
        *sync::lock(&self.distrusted_until) = Some(Instant::now() + DISTRUST);
    }

    fn short_runs(&self) -> MutexGuard<'_, ShortRuns> {
        sync::lock(&self.short_runs)
    }

    /// Whether a run that is submitted now will be over within moments.
    pub(super) fn expects_short(&self, entry: &TrackedRun) -> bool {
        self.is_believed() && entry.kind().is_some_and(|kind| self.short_runs().is_expected(&kind))
    }

    /// Notes how long a run has lasted by now.
    pub(super) fn note_lasted(&self, entry: &TrackedRun) {
        if let (Some(kind), Some(began_at)) = (entry.kind(), entry.began_at) {
            self.short_runs().note(kind, began_at.elapsed());
        }
    }

    /// Wakes the listener.
    pub(crate) fn wake(&self) {
        let _only_wakes = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }

    /// The run that a first line names.
    fn run_of(&self, line: &[u8]) -> Option<RunId> {
        let (run, word) = std::str::from_utf8(line).ok()?.trim_end().split_once(' ')?;
        run.parse().ok().filter(|run| self.word(*run) == word)
    }

    /// Reads what came. The first line must name a run that is not connected already.
    pub(super) fn hear(&self, connection: &mut Connection, connected: &mut HashSet<RunId>) -> Heard {
        let mut bytes = [0; MAX_LINE_BYTES];
        loop {
            match connection.stream.read(&mut bytes) {
                Ok(0) => return Heard::Left,
                // Bytes after the first line mean nothing.
                Ok(_) if connection.run.is_some() => {}
                Ok(count) => {
                    connection.line.extend_from_slice(&bytes[..count]);
                    if let Some(end) = connection.line.iter().position(|byte| *byte == b'\n') {
                        // Each run connects once, so that nobody can tell of an end before the last process
                        // is gone.
                        connection.run =
                            self.run_of(&connection.line[..end]).filter(|run| connected.insert(*run));
                        connection.line = Vec::new();
                        if connection.run.is_none() {
                            return Heard::Broken;
                        }
                    } else if connection.line.len() >= MAX_LINE_BYTES {
                        return Heard::Broken;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::GoesOn,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Heard::Broken,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use std::io::Write as _;

    fn accepted(notices: &Notices) -> (TcpStream, SocketAddr) {
        notices.listener.set_nonblocking(false).unwrap();
        notices.listener.accept().unwrap()
    }

    fn connection(notices: &Notices) -> (TcpStream, Connection) {
        let ours = TcpStream::connect(notices.address).unwrap();
        let (stream, _) = accepted(notices);
        (ours, Connection::new(stream))
    }

    #[test]
    fn the_end_of_all_processes_is_heard() {
        let notices = Notices::open("127.0.0.1:0").unwrap();
        let run = RunId::new(Timestamp::from_secs(1_700_000_000), [7; 10]);
        let script = format!("{}exec sh -c 'sleep 0.1 & echo out'\n", notices.script(run));
        let bash = std::process::Command::new("/bin/bash").args(["-c", &script]).output();
        assert_eq!(String::from_utf8_lossy(&bash.unwrap().stdout), "out\n");
        let (stream, _) = accepted(&notices);
        let mut connection = Connection::new(stream);
        // The call blocks until the other side closes.
        assert!(matches!(notices.hear(&mut connection, &mut HashSet::new()), Heard::Left));
        assert_eq!(connection.run, Some(run));
    }

    #[test]
    fn runs_need_an_address_to_go_to() {
        let why = Notices::open("0.0.0.0:0").err().unwrap().to_string();
        assert!(why.starts_with("name the address"), "{why}");
    }

    #[test]
    fn strangers_are_not_heard() {
        let notices = Notices::open("127.0.0.1:0").unwrap();
        let run = RunId::new(Timestamp::from_secs(1_700_000_000), [7; 10]);
        let again = format!("{run} {}\n", notices.word(run));
        let mut connected = HashSet::from([run]);
        for line in
            [format!("{run} 0000000000000000\n"), "no run\n".into(), "x".repeat(MAX_LINE_BYTES), again]
        {
            let (mut ours, mut connection) = connection(&notices);
            ours.write_all(line.as_bytes()).unwrap();
            assert!(matches!(notices.hear(&mut connection, &mut connected), Heard::Broken), "{line}");
            assert_eq!(connection.run, None);
        }
    }

    #[test]
    fn after_a_hint_that_was_none_they_are_not_believed() {
        let notices = Notices::open("127.0.0.1:0").unwrap();
        assert!(notices.is_believed());
        notices.distrust();
        assert!(!notices.is_believed());
    }
}
