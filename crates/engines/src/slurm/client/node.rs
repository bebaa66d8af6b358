//! Nodes and the daemons on them.

use std::{
    io::ErrorKind,
    net::{TcpStream, ToSocketAddrs as _},
    ops::RangeInclusive,
    time::Duration,
};

/// How long a daemon has to accept a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// A node, as a member of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    pub name: String,
    pub address: String,
    pub partition: String,
    pub condition: NodeCondition,
    /// Slurm's own words: `mixed`, `down*`.
    pub state: String,
    pub reason: String,
    /// The kind of card (`npu` or `gpu`), its type, and the count.
    pub gres: Option<(String, Option<String>, u32)>,
    pub cpus: u32,
    pub memory_mib: u64,
    pub features: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeCondition {
    Up,
    Drained,
    Down,
}

/// The slurmd of a node. Where a gang failed though none of its processes did, or where a run never began, a
/// daemon that was down meanwhile is the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Daemon {
    pub node: String,
    pub address: String,
    /// The port that the daemon listens on, if Slurm tells.
    pub port: Option<u16>,
    /// When the daemon was started, in seconds since 1970, as the controller heard last.
    pub started_s: Option<i64>,
}

impl Daemon {
    /// Whether the daemon was started anew within this time, in seconds since 1970, or is down now, so that
    /// its node refuses a connection. A node that does not answer at all may be behind a firewall.
    pub(crate) fn was_down(&self, within_s: RangeInclusive<i64>) -> bool {
        self.started_s.is_some_and(|at| within_s.contains(&at)) || self.refuses()
    }

    fn refuses(&self) -> bool {
        let Some(port) = self.port else { return false };
        let mut addresses = (self.address.as_str(), port).to_socket_addrs().into_iter().flatten();
        let is_refused = |error: std::io::Error| error.kind() == ErrorKind::ConnectionRefused;
        addresses.next().is_some_and(|at| TcpStream::connect_timeout(&at, PATIENCE).is_err_and(is_refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketType};
    use std::net::SocketAddr;

    #[test]
    fn a_daemon_that_was_started_since_or_refuses_was_down() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let daemon = |started_s, port| Daemon {
            node: "n".into(),
            address: "127.0.0.1".into(),
            port,
            started_s: Some(started_s),
        };
        assert!(!daemon(99, Some(port)).was_down(100..=200));
        assert!(daemon(100, Some(port)).was_down(100..=200));
        assert!(!daemon(201, Some(port)).was_down(100..=200));
        assert!(!daemon(99, None).was_down(100..=200));
        // The port is taken, and nobody listens on it.
        let mute = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&mute, &"127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
        let port = SocketAddr::try_from(rustix::net::getsockname(&mute).unwrap()).unwrap().port();
        assert!(daemon(99, Some(port)).was_down(100..=200));
    }
}
