//! The listener: it hears from runs that their processes began, and that they are gone.

use std::{
    collections::{HashMap, HashSet},
    io::ErrorKind,
    net::TcpStream,
    time::{Duration, Instant},
};

use domain::RunId;
use rustix::{
    event::epoll,
    process::{Resource, getrlimit},
};

use super::{
    core::Core,
    notices::{Connection, Heard, Notices},
};
use crate::observation::Leaving;

/// The number of the listening socket among the connections.
const LISTENER: u64 = 0;

/// How long the listener rests after a failure to accept a connection.
const REST: Duration = Duration::from_secs(1);

/// Waits for connections and for their ends.
pub(crate) fn run(core: &Core) {
    let Some(notices) = &core.notices else { return };
    if let Err(error) = wait(core, notices) {
        tracing::error!(%error, "failed to listen for notices of runs; the engine asks Slurm as before");
    }
}

fn wait(core: &Core, notices: &Notices) -> rustix::io::Result<()> {
    // Others need open files too.
    let most =
        getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most / 4).unwrap_or(0));
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &notices.listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
    let (mut connections, mut connected, mut last_id) = (HashMap::new(), HashSet::new(), LISTENER);
    let mut events = Vec::with_capacity(64);
    loop {
        events.clear();
        match epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None) {
            Err(rustix::io::Errno::INTR) => continue,
            waited => waited?,
        };
        if core.table().is_ending {
            return Ok(());
        }
        for event in &events {
            let id = event.data.u64();
            if id == LISTENER {
                while let Some(stream) = accept(notices) {
                    if connections.len() < most {
                        last_id += 1;
                        let data = epoll::EventData::new_u64(last_id);
                        epoll::add(&poll, &stream, data, epoll::EventFlags::IN)?;
                        connections.insert(last_id, Connection::new(stream));
                    }
                }
                continue;
            }
            let Some(connection) = connections.get_mut(&id) else { continue };
            let was_known = connection.run.is_some();
            let heard = notices.hear(connection, &mut connected);
            if let Some(run) = connection.run.filter(|_| !was_known) {
                core.has_begun(run);
            }
            if matches!(heard, Heard::GoesOn) {
                continue;
            }
            let Some(run) = connections.remove(&id).and_then(|connection| connection.run) else { continue };
            connected.remove(&run);
            if matches!(heard, Heard::Left) {
                core.has_left(run);
            }
        }
    }
}

/// The next connection that waits to be accepted. A failure lasts where this process has no files left, and
/// the connection that waits would wake the listener again at once: so it rests for a while.
fn accept(notices: &Notices) -> Option<TcpStream> {
    loop {
        let accepted = notices.listener.accept();
        match accepted.and_then(|(stream, _)| stream.set_nonblocking(true).map(|()| stream)) {
            Ok(stream) => return Some(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
            Err(error) => {
                tracing::warn!(%error, "failed to accept the connection of a run; the engine tries again in {REST:?}");
                std::thread::sleep(REST);
                return None;
            }
        }
    }
}

impl Core {
    /// Notes that a run's first process is there.
    fn has_begun(&self, run: RunId) {
        if let Some(entry) = self.table().runs.get_mut(&run) {
            entry.began_at.get_or_insert_with(Instant::now);
        }
    }

    /// Notes that all processes of a run on its first node are gone.
    fn has_left(&self, run: RunId) {
        let Some(notices) = self.notices.as_ref().filter(|notices| notices.is_believed()) else { return };
        {
            let mut table = self.table();
            let Some(entry) = table.runs.get_mut(&run) else { return };
            notices.note_lasted(entry);
            // Once only: a run that goes on could connect again and again.
            entry.left_at.get_or_insert_with(Instant::now);
            entry.leaving = Leaving::Now;
        }
        self.to_watch.notify_one();
        self.hint(run);
    }
}
