//! Whom the center posts to: no machine of its own network, whatever a name says. The name is looked up once, and the
//! connection goes to an address that was looked at: an answer that changes in between changes nothing.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::IpNet;
use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// How the refusal begins, by which it is known.
pub const REFUSED: &str = "the address is not public";

/// Looks names up, and gives the addresses that endpoints may have.
#[derive(Debug)]
pub struct Guarded {
    inner: DefaultResolver,
    /// Addresses that the settings list.
    listed: Vec<IpNet>,
}

impl Guarded {
    pub fn new(listed: Vec<IpNet>) -> Self {
        Self { inner: DefaultResolver::default(), listed }
    }
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let is_secure = uri.scheme_str() == Some("https");
        let mut allowed = self.empty();
        for address in &found {
            let is_listed = self.listed.iter().any(|net| net.contains(&address.ip()));
            if is_listed || (is_secure && is_public(address.ip())) {
                allowed.push(*address);
            }
        }
        if allowed.is_empty() {
            let why = if found.iter().any(|address| is_public(address.ip())) {
                "the address is not https://".to_owned()
            } else {
                format!("{REFUSED}, and `notices.addresses` does not list it")
            };
            return Err(ureq::Error::Io(io::Error::new(io::ErrorKind::PermissionDenied, why)));
        }
        Ok(allowed)
    }
}

/// Whether an address is one of the world's, and not of this machine, its network, or a network within.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_protocol = a == 192 && b == 0 && c == 0;
    let is_bench = a == 198 && (b == 18 || b == 19);
    !(ip.is_unspecified()
        || a == 0
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || is_shared
        || is_protocol
        || is_bench
        || a >= 240)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Of all the space only 2000::/3 is given out; of that, documentation and Teredo are nobody's machine.
    (first & 0xe000) == 0x2000 && !(first == 0x2001 && (second == 0xdb8 || second == 0))
}

/// The IPv4 address that an IPv6 address stands for.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = ip.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] if high != 0 || low > 1 => Some(v4(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_within_are_not_public() {
        for within in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "240.0.0.1",
            "0.1.2.3",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(within.parse().expect(within)), "{within}");
        }
        for public in ["1.1.1.1", "223.5.5.5", "172.32.0.1", "100.128.0.1", "2400:3200::1", "::ffff:1.1.1.1"]
        {
            assert!(is_public(public.parse().expect(public)), "{public}");
        }
    }
}
