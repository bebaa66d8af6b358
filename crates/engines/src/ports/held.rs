//! The center's side: the port, and a keeper for it.

use std::{
    ffi::OsString,
    io::{self, BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, poll};

use super::{
    bind::bind,
    keeper::READY,
    wire::{self, Done, Hello, Keep, Welcome},
};

/// The pause between attempts to start a keeper that doesn't start.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The center's port, which a keeper holds too. The center has let go of it when this is dropped.
#[derive(Debug)]
pub struct HeldPort {
    inner: Arc<Inner>,
    /// The connection that the watch looks at; to be shut down for its end.
    connection: Arc<std::sync::Mutex<Arc<OwnedFd>>>,
    watch: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    data_dir: PathBuf,
    command: Vec<OsString>,
    asked: SocketAddr,
    sockets: Vec<OwnedFd>,
    is_closing: AtomicBool,
}

impl HeldPort {
    /// Takes the port over from the keeper of this folder, or listens anew and has a keeper started by
    /// `command` hold it.
    pub fn take(data_dir: &Path, command: Vec<OsString>, asked: SocketAddr) -> io::Result<Self> {
        let (connection, kept) = meet(data_dir, &command)?;
        let sockets = match kept {
            Some((was, sockets)) if was == asked || is_at(&sockets, asked) => sockets,
            kept => {
                // The old sockets may stand in the way of the new.
                let had_some = kept.is_some();
                drop(kept);
                if had_some {
                    hand_over(&connection, None, &[])?;
                }
                let sockets = bind(asked)?;
                hand_over(&connection, Some(asked), &sockets)?;
                sockets
            }
        };
        let inner = Inner {
            data_dir: data_dir.to_owned(),
            command,
            asked,
            sockets,
            is_closing: AtomicBool::new(false),
        };
        let inner = Arc::new(inner);
        let connection = Arc::new(std::sync::Mutex::new(Arc::new(connection)));
        let watch = {
            let (inner, connection) = (Arc::clone(&inner), Arc::clone(&connection));
            std::thread::Builder::new().name("port".to_owned()).spawn(move || watch(&inner, &connection))?
        };
        Ok(Self { inner, connection, watch: Some(watch) })
    }

    /// The socket to serve on.
    pub fn listener(&self) -> io::Result<TcpListener> {
        let listener = TcpListener::from(self.inner.sockets[0].try_clone()?);
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

impl Drop for HeldPort {
    fn drop(&mut self) {
        self.inner.is_closing.store(true, Ordering::SeqCst);
        let connection = Arc::clone(&crate::sync::lock(&self.connection));
        let _gone = rustix::net::shutdown(&*connection, rustix::net::Shutdown::Both);
        if let Some(watch) = self.watch.take() {
            let _panicked = watch.join();
        }
    }
}

/// Waits for the keeper's end, and starts another one.
fn watch(inner: &Inner, current: &std::sync::Mutex<Arc<OwnedFd>>) {
    loop {
        let connection = Arc::clone(&crate::sync::lock(current));
        // The keeper says nothing by itself.
        let _interrupted = poll(&mut [PollFd::new(&*connection, PollFlags::IN)], None);
        drop(connection);
        if inner.is_closing.load(Ordering::SeqCst) {
            return;
        }
        tracing::warn!("the keeper of the center's port ended; starting another one");
        let again = meet(&inner.data_dir, &inner.command).and_then(|(connection, _)| {
            hand_over(&connection, Some(inner.asked), &inner.sockets).map(|()| connection)
        });
        match again {
            Ok(connection) => *crate::sync::lock(current) = Arc::new(connection),
            Err(error) => {
                tracing::error!(%error, "failed to start a keeper of the center's port: a job could take it when the center ends");
                std::thread::sleep(RETRY_AFTER);
            }
        }
    }
}

type Sockets = (SocketAddr, Vec<OwnedFd>);

/// Connects with the keeper, started if there is none. Gives what it kept.
fn meet(data_dir: &Path, command: &[OsString]) -> io::Result<(OwnedFd, Option<Sockets>)> {
    let key = wire::key(data_dir)?;
    // The first may just be about to end; one that was started for us waits for us.
    for _ in 0..2 {
        if let Ok(connection) = wire::connect(data_dir)
            && wire::send(&connection, &Hello { key: key.clone() }, &[]).is_ok()
            && let Ok(Some((welcome, sockets))) = wire::receive(&connection)
        {
            return match welcome {
                Welcome::Busy => Err(io::Error::new(
                    io::ErrorKind::AddrInUse,
                    format!("another center runs in {}", data_dir.display()),
                )),
                Welcome::Kept(asked) => Ok((connection, asked.map(|asked| (asked, sockets)))),
            };
        }
        start_keeper(data_dir, command)?;
    }
    Err(io::Error::other("the keeper of the center's port does not answer"))
}

fn start_keeper(data_dir: &Path, command: &[OsString]) -> io::Result<()> {
    let Some((program, args)) = command.split_first() else {
        return Err(io::Error::other("no program is set that keeps the center's port"));
    };
    let failed =
        |why: &str| io::Error::other(format!("the keeper of the center's port did not start: {why}"));
    let mut child = Command::new(program)
        .args(args)
        .arg(data_dir)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&error.to_string()))?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    if line.trim() == READY {
        // It outlives this process; where it doesn't, somebody has to wait for it.
        std::thread::Builder::new().name("keeper".to_owned()).spawn(move || child.wait())?;
        return Ok(());
    }
    let _ended = child.wait();
    Err(failed(line.trim()))
}

fn hand_over(connection: &OwnedFd, asked: Option<SocketAddr>, sockets: &[OwnedFd]) -> io::Result<()> {
    wire::send(connection, &Keep { asked }, sockets)?;
    match wire::receive(connection)? {
        Some((Done {}, _)) => Ok(()),
        None => Err(io::Error::other("the keeper of the center's port ended")),
    }
}

/// Whether the first of the sockets listens at that very address.
fn is_at(sockets: &[OwnedFd], asked: SocketAddr) -> bool {
    let first = sockets.first().and_then(|socket| socket.try_clone().ok()).map(TcpListener::from);
    first.is_some_and(|listener| listener.local_addr().is_ok_and(|at| at == asked))
}
