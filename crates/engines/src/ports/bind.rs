//! The sockets of a port: the one that is listened on, and guards.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    os::fd::OwnedFd,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, sockopt},
};

/// How many ports are tried where any will do.
const TRIES: u32 = 32;

/// Listens at `listen`, and takes the same port wherever else on this machine callers may look for the center.
/// The first socket is the listening one.
pub(super) fn bind(listen: SocketAddr) -> io::Result<Vec<OwnedFd>> {
    let mut tries = if listen.port() == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        match guards(address) {
            Ok(guards) => return Ok(std::iter::once(listener.into()).chain(guards).collect()),
            Err((_, error)) if tries > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            Err((at, error)) => {
                let told = format!(
                    "{at} is taken by another program ({error}), which callers of `localhost` or of this machine's \
                     name would take for the center: end that program, or give the center another port"
                );
                return Err(io::Error::new(error.kind(), told));
            }
        }
    }
}

/// Where the port is taken without being listened on.
fn guarded(listen: IpAddr) -> Vec<IpAddr> {
    let (all_v4, all_v6) = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let (local_v4, local_v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    match listen {
        IpAddr::V4(own) if own.is_unspecified() || own.is_loopback() => vec![all_v6],
        IpAddr::V4(_) => vec![local_v4, all_v6],
        // It is both families where the kernel has it so, and then the other is taken already.
        IpAddr::V6(own) if own.is_unspecified() || own.is_loopback() => vec![all_v4],
        IpAddr::V6(_) => vec![local_v6, all_v4],
    }
}

fn guards(address: SocketAddr) -> Result<Vec<OwnedFd>, (SocketAddr, io::Error)> {
    let is_both_families = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let mut guards = Vec::new();
    for ip in guarded(address.ip()) {
        let at = SocketAddr::new(ip, address.port());
        match guard(at) {
            Ok(guard) => guards.push(guard),
            // This machine has no such family.
            Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => {}
            Err(Errno::ADDRINUSE) if is_both_families => {}
            Err(error) => return Err((at, error.into())),
        }
    }
    Ok(guards)
}

/// A socket that has the address and does not listen. Without the option to share an address nobody can.
fn guard(at: SocketAddr) -> rustix::io::Result<OwnedFd> {
    let family = if at.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    if at.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &at)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_gets_the_port_in_either_family() {
        for listen in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0"] {
            let Ok(sockets) = bind(listen.parse().unwrap()) else {
                assert!(listen.starts_with('['), "{listen}: only the newer family may be missing");
                continue;
            };
            let port = TcpListener::from(sockets[0].try_clone().unwrap()).local_addr().unwrap().port();
            for other in ["127.0.0.1", "0.0.0.0", "[::1]", "[::]"] {
                let taken = TcpListener::bind(format!("{other}:{port}"));
                assert!(taken.is_err(), "{listen}: {other}:{port} was to be had");
            }
        }
    }

    #[test]
    fn a_port_that_somebody_has_in_the_other_family_is_refused_with_where() {
        let Ok(other) = TcpListener::bind("[::1]:0") else { return };
        let port = other.local_addr().unwrap().port();
        let error = bind(format!("127.0.0.1:{port}").parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(&format!("[::]:{port} is taken by another program")), "{error}");
    }
}
