//! The daemons on the nodes, where a gang failed without any of its processes having failed, or a run never began: where one of
//! them was down meanwhile, that is why, and none of the run's doing.

use std::{
    io::ErrorKind,
    net::{TcpStream, ToSocketAddrs as _},
    ops::RangeInclusive,
    time::Duration,
};

/// A daemon that was started so many seconds before a run may not have been ready for it yet; clocks differ, too.
pub(crate) const SLACK_S: i64 = 5;
/// Within so many seconds all processes of a run have begun, and the controller has written down what it had heard by then.
pub(crate) const STARTING_S: i64 = 60;
/// Within that time the controller has heard of a daemon's start.
pub(crate) const HEARD_OF: Duration = Duration::from_secs(10);
/// How long a daemon has to take a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// A node's slurmd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Daemon {
    pub node: String,
    pub address: String,
    /// Where it listens, if Slurm tells.
    pub port: Option<u16>,
    /// When it was started, in seconds since 1970, as the controller was told last.
    pub started_s: Option<i64>,
}

impl Daemon {
    /// Whether it was started anew in this time, in seconds since 1970, or is down now: the node answers that nobody listens. One
    /// that does not answer at all may be behind a wall.
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

/// The daemons in what `scontrol --oneliner show node` says.
pub(crate) fn in_lines(lines: &str) -> Vec<Daemon> {
    let of_line = |line: &str| {
        let of = |key: &str| line.split_whitespace().find_map(|part| part.strip_prefix(key));
        let node = of("NodeName=")?.to_owned();
        Some(Daemon {
            address: of("NodeAddr=").unwrap_or(&node).to_owned(),
            port: of("Port=").and_then(|port| port.parse().ok()),
            started_s: of("SlurmdStartTime=").and_then(super::text::epoch),
            node,
        })
    };
    lines.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketType};
    use std::net::SocketAddr;

    #[test]
    fn a_line_tells_of_a_daemon() {
        let lines = "NodeName=npu1 Arch=x86_64 NodeAddr=10.0.0.1 NodeHostName=h Port=17001 Version=22.05.8 \
            SlurmdStartTime=1700000000\nNodeName=npu2 SlurmdStartTime=None\n\n";
        let (node, address) = ("npu1".to_owned(), "10.0.0.1".to_owned());
        let first = Daemon { node, address, port: Some(17001), started_s: Some(1_700_000_000) };
        let (node, address) = ("npu2".to_owned(), "npu2".to_owned());
        assert_eq!(in_lines(lines), [first, Daemon { node, address, port: None, started_s: None }]);
    }

    #[test]
    fn one_that_was_started_since_or_refuses_was_down() {
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
        // It has a port and does not listen.
        let mute = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&mute, &"127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
        let port = SocketAddr::try_from(rustix::net::getsockname(&mute).unwrap()).unwrap().port();
        assert!(daemon(99, Some(port)).was_down(100..=200));
    }
}
