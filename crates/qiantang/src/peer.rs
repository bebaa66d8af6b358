//! Whose program it is that listens at an address of this machine.
//!
//! A name and a password, or a token, go to whoever has the center's port. Another user of this machine may
//! have taken it; the kernel tells everybody which user has a listening socket.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use domain::both;

use crate::errors::Failure;

/// The user that the center runs as, where that is neither root nor the caller nor one of the system's.
const CENTER_UID: &str = "QIANTANG_CENTER_UID";
/// Users below are the system's own.
const FIRST_OF_PEOPLE: u32 = 1000;
/// The state of a listening socket in the kernel's tables.
const LISTENING: &str = "0A";

/// The facts about the listener at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listener {
    /// The address is not this machine's loopback.
    Elsewhere,
    /// The kernel names nobody: nobody listens, or in another network namespace than this one.
    Unknown,
    /// All sockets that can be meant are of such users.
    Trusted(u32),
    Foreign(u32),
}

/// Looks who listens at the address of a center.
pub fn of(url: &str) -> Listener {
    let Some(port) = loopback_port(url) else { return Listener::Elsewhere };
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let found = owners(&[read("/proc/net/tcp"), read("/proc/net/tcp6")].concat(), port);
    let own = rustix::process::geteuid().as_raw();
    judge(&found, own, named_uid().ok().flatten())
}

/// The user that `QIANTANG_CENTER_UID` names, where it is set.
fn named_uid() -> Result<Option<u32>, Failure> {
    let Some(given) = std::env::var_os(CENTER_UID).filter(|given| !given.is_empty()) else { return Ok(None) };
    let uid = given.to_str().and_then(|uid| uid.parse().ok());
    uid.map(Some).ok_or_else(|| {
        let given = given.display();
        let message = both(
            format!("{CENTER_UID} 为 `{given}`，不是用户号"),
            format!("{CENTER_UID} is `{given}`, which is no uid"),
        );
        let hint = both(
            "请设为运行中心的用户的号，或清除它",
            "set it to the number of the user that the center runs as, or unset it",
        );
        Failure::usage("bad_uid", message, hint)
    })
}

/// Refuses to go on where the listener is another user's.
pub fn check(url: &str) -> Result<(), Failure> {
    named_uid()?;
    match of(url) {
        Listener::Foreign(uid) => Err(foreign(url, uid)),
        Listener::Elsewhere | Listener::Unknown | Listener::Trusted(_) => Ok(()),
    }
}

pub fn foreign(url: impl Display, uid: u32) -> Failure {
    let message = both(
        format!(
            "在 {url} 监听的程序属于用户 {uid}，既不是 root、您自己，也不是系统用户：没有向它发送任何内容"
        ),
        format!(
            "the program that listens at {url} belongs to the user {uid}, who is neither root nor you nor one of the \
             system's: nothing was sent to it"
        ),
    );
    let hint = both(
        format!("如果中心由该用户运行，请设置 {CENTER_UID}={uid}；否则请查明谁占用了中心的端口"),
        format!(
            "if the center runs as that user, set {CENTER_UID}={uid}; if not, find out who took its port"
        ),
    );
    Failure::system("foreign_listener", message, hint)
}

fn judge(owners: &[u32], own: u32, named: Option<u32>) -> Listener {
    let is_trusted = |uid: u32| uid < FIRST_OF_PEOPLE || uid == own || Some(uid) == named;
    match (owners.iter().find(|uid| !is_trusted(**uid)), owners.first()) {
        (Some(foreign), _) => Listener::Foreign(*foreign),
        (None, Some(uid)) => Listener::Trusted(*uid),
        (None, None) => Listener::Unknown,
    }
}

/// The port of an address on this machine's loopback.
fn loopback_port(url: &str) -> Option<u16> {
    let uri: ureq::http::Uri = url.parse().ok()?;
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback() || ip.is_unspecified());
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    is_loopback.then(|| uri.port_u16().unwrap_or(default))
}

/// The users whose sockets listen on the port, at an address that `localhost` can lead to.
fn owners(tables: &str, port: u16) -> Vec<u32> {
    let owner = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (address, listens_on) = fields.nth(1)?.split_once(':')?;
        let is_it = fields.nth(1)? == LISTENING
            && u16::from_str_radix(listens_on, 16).ok()? == port
            && parse_address(address).is_some_and(|ip| ip.is_loopback() || ip.is_unspecified());
        let uid = fields.nth(3)?.parse().ok()?;
        is_it.then_some(uid)
    };
    tables.lines().filter_map(owner).collect()
}

/// An address as the kernel writes it: words of four bytes, each in the order of this machine.
fn parse_address(text: &str) -> Option<IpAddr> {
    let words =
        (0..text.len() / 8).map(|word| u32::from_str_radix(text.get(8 * word..8 * word + 8)?, 16).ok());
    let bytes: Vec<u8> = words.collect::<Option<Vec<_>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2116 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:2117 0100007F:2116 01 00000000:00000000 00:00000000 00000000  1007        0 2 1 0 100 0 0 10 0
   2: 0A01A8C0:2118 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1008        0 3 1 0 100 0 0 10 0
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:2116 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 210001        0 4 1 0 100 0 0 10 0
   1: 00000000000000000000000000000000:2119 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000   998        0 5 1 0 100 0 0 10 0
";

    #[cfg(target_endian = "little")]
    #[test]
    fn a_port_that_a_job_has_in_one_family_is_foreign() {
        assert_eq!(owners(TABLES, 8470), [0, 210_001]);
        assert_eq!(judge(&owners(TABLES, 8470), 0, None), Listener::Foreign(210_001));
        assert_eq!(judge(&owners(TABLES, 8470), 1007, Some(210_001)), Listener::Trusted(0));
        assert_eq!(judge(&owners(TABLES, 8473), 1007, None), Listener::Trusted(998));
        for port in [8471, 8472, 1] {
            assert_eq!(judge(&owners(TABLES, port), 1007, None), Listener::Unknown, "{port}");
        }
    }

    #[test]
    fn only_this_machines_own_addresses_can_be_looked_up() {
        for (url, port) in [
            ("http://127.0.0.1:8470", Some(8470)),
            ("http://localhost:8470/x", Some(8470)),
            ("http://[::1]:8470", Some(8470)),
            ("https://localhost", Some(443)),
            ("http://192.168.1.10:8470", None),
            ("https://center.example", None),
            ("nonsense", None),
        ] {
            assert_eq!(loopback_port(url), port, "{url}");
        }
    }

    #[test]
    fn a_listener_of_this_process_is_its_own() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        assert_eq!(of(&url), Listener::Trusted(rustix::process::geteuid().as_raw()));
    }
}
