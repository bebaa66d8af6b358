//! The networks of tenants: namespaces with nothing but loopback, each made once and kept by the host.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use super::sys;

/// Networks kept before those without runs are dropped.
const KEPT_BEFORE_CLEANING: usize = 256;
/// The network of the thread that opens it.
const OWN: &str = "/proc/thread-self/ns/net";

/// The networks of the tenants whose runs this host has started, by the tenant's index.
#[derive(Debug)]
pub(super) struct Networks {
    /// The host's own.
    home: OwnedFd,
    of: HashMap<u32, OwnedFd>,
}

impl Networks {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { home: File::open(OWN)?.into(), of: HashMap::new() })
    }

    /// The network of a tenant, made if it isn't there.
    pub(super) fn of(&mut self, uid_index: u32) -> io::Result<BorrowedFd<'_>> {
        if !self.of.contains_key(&uid_index) {
            let made = make();
            sys::enter_network(self.home.as_fd())?;
            self.of.insert(uid_index, made?);
        }
        Ok(self.of[&uid_index].as_fd())
    }

    /// Drops networks that nobody is in, once there are many.
    pub(super) fn clean(&mut self, in_use: impl FnOnce() -> HashSet<u32>) {
        if self.of.len() > KEPT_BEFORE_CLEANING {
            let in_use = in_use();
            self.of.retain(|uid_index, _| in_use.contains(uid_index));
        }
    }
}

/// Moves this thread into a new network, and opens it.
fn make() -> io::Result<OwnedFd> {
    sys::unshare(libc::CLONE_NEWNET)?;
    sys::loopback_up()?;
    Ok(File::open(OWN)?.into())
}
