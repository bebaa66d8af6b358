//! The networks of tenants: namespaces with loopback and a way out where there is one, each made once and kept by the host.

pub(in crate::local) mod outside;

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use super::sys;
use outside::WayOut;

/// Networks kept before those without runs are dropped.
const KEPT_BEFORE_CLEANING: usize = 256;
/// The same where each has a way out, which takes some 30 MiB of memory.
const KEPT_WITH_WAY_OUT: usize = 16;
/// The network of the thread that opens it.
const OWN: &str = "/proc/thread-self/ns/net";

/// The networks of the tenants whose runs this host has started, by the tenant's index.
#[derive(Debug)]
pub(in crate::local) struct Networks {
    /// The host's own.
    home: OwnedFd,
    of: HashMap<u32, OwnedFd>,
    way_out: Option<WayOut>,
}

impl Networks {
    pub(in crate::local) fn open(way_out: Option<WayOut>) -> io::Result<Self> {
        Ok(Self { home: File::open(OWN)?.into(), of: HashMap::new(), way_out })
    }

    /// Whether a process keeps the ways out.
    pub(in crate::local) fn has(&self, pid: i32) -> bool {
        self.way_out.as_ref().is_some_and(|way_out| way_out.is(pid))
    }

    /// The network of a tenant, made if it isn't there.
    pub(in crate::local) fn of(&mut self, uid_index: u32) -> io::Result<BorrowedFd<'_>> {
        if !self.of.contains_key(&uid_index) {
            let made = make();
            sys::enter_network(self.home.as_fd())?;
            let made = made?;
            if let Some(way_out) = &mut self.way_out {
                way_out.connect(uid_index, made.as_fd())?;
            }
            self.of.insert(uid_index, made);
        }
        Ok(self.of[&uid_index].as_fd())
    }

    /// Drops networks that nobody is in, once there are many.
    pub(in crate::local) fn clean(&mut self, in_use: impl FnOnce() -> HashSet<u32>) {
        let most = if self.way_out.is_some() { KEPT_WITH_WAY_OUT } else { KEPT_BEFORE_CLEANING };
        if self.of.len() > most {
            let in_use = in_use();
            let unused: Vec<u32> =
                self.of.keys().copied().filter(|uid_index| !in_use.contains(uid_index)).collect();
            for uid_index in unused {
                self.of.remove(&uid_index);
                if let Some(way_out) = &self.way_out {
                    way_out.disconnect(uid_index);
                }
            }
        }
    }
}

/// Moves this thread into a new network, and opens it.
fn make() -> io::Result<OwnedFd> {
    sys::unshare(libc::CLONE_NEWNET)?;
    sys::loopback_up()?;
    Ok(File::open(OWN)?.into())
}
