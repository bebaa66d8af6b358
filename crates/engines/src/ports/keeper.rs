//! The keeper: the process that has the center's sockets.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, Mode, OFlags, mkfifoat, openat},
    io::Errno,
    net::SocketFlags,
};
use subtle::ConstantTimeEq as _;

use super::wire::{self, Done, Hello, Keep, Welcome};
use crate::local::{HINTS, sys};

/// The line on standard output that says that the keeper is there.
pub(super) const READY: &str = "ready";
/// How long a caller may take who is told that there is no center.
const CALLER_WITHIN: Duration = Duration::from_millis(100);
/// A keeper that no center comes to ends.
const FIRST_CENTER_WITHIN_S: i64 = 30;
/// How long a center may take to say who it is.
const HELLO_WITHIN: Duration = Duration::from_secs(5);

/// The whole life of the keeper of the folder `data_dir`.
pub fn main(data_dir: &Path) -> ! {
    let code = match Keeper::start(data_dir) {
        Ok(keeper) => keeper.serve(),
        Err(error) => {
            println!("{error}");
            1
        }
    };
    sys::exit_now(code)
}

struct Keeper {
    key: String,
    door: OwnedFd,
    center: Option<OwnedFd>,
    kept: Option<Kept>,
    /// Supervisors have the other end open for as long as they live.
    runs: OwnedFd,
}

/// The sockets of an address, as it was asked for.
struct Kept {
    asked: SocketAddr,
    /// The listening one is the first.
    sockets: Vec<OwnedFd>,
}

impl Keeper {
    fn start(data_dir: &Path) -> std::io::Result<Self> {
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        let _is_leader_already = rustix::process::setsid();
        sys::leave_keyring();
        sys::forbid_tracing()?;
        let key = wire::key(data_dir)?;
        let runs = open_runs(data_dir)?;
        let door = wire::listen(data_dir)?;
        std::env::set_current_dir("/")?;
        let nothing = openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        println!("{READY}");
        rustix::stdio::dup2_stdout(&nothing)?;
        Ok(Self { key, door, center: None, kept: None, runs })
    }

    /// Serves until there is neither a center nor a run.
    fn serve(mut self) -> i32 {
        let mut had_center = false;
        loop {
            let mut fds = vec![PollFd::new(&self.door, PollFlags::IN)];
            let listener = self.kept.as_ref().and_then(|kept| kept.sockets.first());
            match (&self.center, listener) {
                (Some(center), _) => fds.push(PollFd::new(center, PollFlags::IN)),
                (None, Some(listener)) => fds.push(PollFd::new(listener, PollFlags::IN)),
                (None, None) => {}
            }
            if self.center.is_none() && had_center {
                // Only its closing is waited for.
                fds.push(PollFd::new(&self.runs, PollFlags::empty()));
            }
            let limit = Timespec { tv_sec: FIRST_CENTER_WITHIN_S, tv_nsec: 0 };
            match poll(&mut fds, (!had_center).then_some(&limit)) {
                Ok(0) => return 0,
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(_) => return 1,
            }
            let came: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            drop(fds);
            match (&self.center, came.get(1)) {
                (Some(_), Some(true)) => self.hear(),
                (None, Some(true)) if self.kept.is_some() => self.answer(),
                _ => {}
            }
            if came[0] {
                had_center |= self.welcome();
            }
            if self.center.is_none() && had_center && self.are_runs_over() {
                return 0;
            }
        }
    }

    fn are_runs_over(&self) -> bool {
        let mut fds = [PollFd::new(&self.runs, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().contains(PollFlags::HUP)
    }

    /// Lets a center in that knows the key, and gives it what is kept. Whether one came in.
    fn welcome(&mut self) -> bool {
        let Ok(caller) = rustix::net::accept_with(&self.door, SocketFlags::CLOEXEC) else { return false };
        let limit = rustix::net::sockopt::Timeout::Recv;
        let _unlimited = rustix::net::sockopt::set_socket_timeout(&caller, limit, Some(HELLO_WITHIN));
        let Ok(Some((Hello { key }, _))) = wire::receive(&caller) else { return false };
        if !bool::from(key.as_bytes().ct_eq(self.key.as_bytes())) {
            return false;
        }
        // One that has gone may not have been noticed yet.
        if self.center.as_ref().is_some_and(|center| !is_closed(center)) {
            let _it_went = wire::send(&caller, &Welcome::Busy, &[]);
            return false;
        }
        let (asked, sockets) = match &self.kept {
            Some(kept) => (Some(kept.asked), kept.sockets.as_slice()),
            None => (None, [].as_slice()),
        };
        if wire::send(&caller, &Welcome::Kept(asked), sockets).is_err() {
            return false;
        }
        self.center = Some(caller);
        true
    }

    /// Takes the sockets that the center hands over, or notes that it is gone.
    fn hear(&mut self) {
        let Some(center) = &self.center else { return };
        match wire::receive(center) {
            Ok(Some((Keep { asked }, sockets))) => {
                self.kept = asked.filter(|_| !sockets.is_empty()).map(|asked| Kept { asked, sockets });
                let _it_went = wire::send(center, &Done {}, &[]);
            }
            _ => self.center = None,
        }
    }

    /// Tells a caller that there is no center.
    fn answer(&self) {
        let Some(listener) = self.kept.as_ref().and_then(|kept| kept.sockets.first()) else { return };
        let Ok(listener) = listener.as_fd().try_clone_to_owned().map(TcpListener::from) else { return };
        // The center may have left it without waiting.
        let _waits = listener.set_nonblocking(true);
        if let Ok((caller, _)) = listener.accept() {
            let _caller_went = tell_off(&caller);
        }
    }
}

/// Answers whatever was asked.
fn tell_off(mut caller: &TcpStream) -> std::io::Result<()> {
    caller.set_nonblocking(false)?;
    caller.set_read_timeout(Some(CALLER_WITHIN))?;
    caller.set_write_timeout(Some(CALLER_WITHIN))?;
    let mut asked = [0; 16 << 10];
    let _silent = caller.read(&mut asked);
    caller.write_all(no_center().as_bytes())?;
    caller.shutdown(Shutdown::Write)?;
    // What is unread when a socket closes has the answer thrown away.
    while caller.read(&mut asked).is_ok_and(|len| len > 0) {}
    Ok(())
}

fn no_center() -> String {
    let body = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"code":"center_down","detail":"the center does not run; its runs go on","hint":"try again in a moment","errors":[]}"#;
    let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 2";
    format!("{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn is_closed(center: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(center, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().contains(PollFlags::HUP)
}

/// Whether runs of a center on this folder are alive.
pub fn are_runs_alive(data_dir: &Path) -> std::io::Result<bool> {
    if !data_dir.join(HINTS).exists() {
        return Ok(false);
    }
    let runs = open_runs(data_dir)?;
    Ok(!is_closed(&runs))
}

/// Opens the fifo of hints, of which the engine's processes hold the other end.
fn open_runs(data_dir: &Path) -> std::io::Result<OwnedFd> {
    let path = data_dir.join(HINTS);
    match mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let runs = openat(CWD, &path, flags | OFlags::RDONLY, Mode::empty())?;
    // The kernel tells of an end that closed only where one was open.
    drop(openat(CWD, &path, flags | OFlags::WRONLY, Mode::empty())?);
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_hears_that_there_is_no_center_whatever_it_sends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for asked in ["GET / HTTP/1.1\r\n\r\n".to_owned(), String::new(), "x".repeat(100_000)] {
            let mut caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            caller.write_all(asked.as_bytes()).unwrap();
            let (there, _) = listener.accept().unwrap();
            let told = std::thread::spawn(move || tell_off(&there));
            let mut answer = String::new();
            caller.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("center_down"), "{answer}");
            drop(caller);
            let _whatever = told.join().unwrap();
        }
    }
}
