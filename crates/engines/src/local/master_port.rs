//! The port at which the processes of a run find each other.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// A port that no other run on this machine has while this lives, and on which nobody listened when it was
/// taken.
#[derive(Debug)]
pub(crate) struct MasterPort {
    pub number: u16,
    /// Bound to an abstract name that stands for the port. The kernel gives the name to one process at a
    /// time, of all centers on this machine, and takes it back when that process is gone.
    _mark: UnixDatagram,
}

/// Takes a free port of `first..=last`. `seed` says where the search begins.
pub(crate) fn take((first, last): (u16, u16), seed: u64) -> Option<MasterPort> {
    let count = u64::from(last.checked_sub(first)?) + 1;
    (0..count.min(4096)).find_map(|step| {
        let number =
            first + u16::try_from((seed.wrapping_add(step)) % count).expect("below the count of ports");
        let name = SocketAddr::from_abstract_name(format!("qiantang-port-{number}")).ok()?;
        let mark = UnixDatagram::bind_addr(&name).ok()?;
        is_free(number).then_some(MasterPort { number, _mark: mark })
    })
}

impl MasterPort {
    /// Whether the port can serve another run. The last run of this process may still use it.
    pub(crate) fn is_free(&self) -> bool {
        is_free(self.number)
    }
}

/// Whether nobody listens on the port, and no old connection lingers on it.
fn is_free(number: u16) -> bool {
    let address = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, number);
    rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .and_then(|socket| rustix::net::bind(&socket, &address))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_taken_once_and_given_back() {
        let range = (18_310, 18_311);
        let one = take(range, 7).unwrap();
        let two = take(range, 7).unwrap();
        assert_ne!(one.number, two.number);
        assert!(take(range, 7).is_none());
        drop(one);
        assert!(take(range, 0).is_some());
        assert!(take((5, 4), 0).is_none());
    }
}
