//! Whom the center asks for an issuer's word. The operator wrote the issuer's host into the settings, which may be within;
//! what the issuer then tells of itself leads to other hosts only where these are the world's, or are listed as well. The
//! name is looked up once, and the connection goes to an address that was looked at.

use std::{io, net::IpAddr};

use base::notice::endpoint::is_public;
use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Looks names up for one issuer.
#[derive(Debug)]
pub struct Guarded {
    inner: DefaultResolver,
    /// The hosts that the settings name: these may be within.
    named: Vec<String>,
}

impl Guarded {
    /// For the issuer with that address, and the hosts that are listed beside it.
    pub fn new(issuer: &str, listed: &[String]) -> Self {
        let own = issuer.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        Self {
            inner: DefaultResolver::default(),
            named: own.into_iter().chain(listed.iter().cloned()).collect(),
        }
    }

    fn may_ask(&self, host: &str, ip: IpAddr) -> bool {
        is_public(ip) || self.named.iter().any(|named| named.eq_ignore_ascii_case(host))
    }
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let mut allowed = self.empty();
        for address in &self.inner.resolve(uri, config, timeout)? {
            if self.may_ask(host, address.ip()) {
                allowed.push(*address);
            }
        }
        if allowed.is_empty() {
            let why = format!("{host} is within, and neither the issuer's host nor listed in its `hosts`");
            return Err(ureq::Error::Io(io::Error::new(io::ErrorKind::PermissionDenied, why)));
        }
        Ok(allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_the_settings_name_may_be_within() {
        let guarded =
            Guarded::new("https://sso.univ.example:8443/realms/a", &["keys.univ.example".to_owned()]);
        for (host, ip, want) in [
            ("sso.univ.example", "10.1.2.3", true),
            ("SSO.univ.example", "10.1.2.3", true),
            ("keys.univ.example", "192.168.0.9", true),
            ("other.example", "1.1.1.1", true),
            ("other.example", "10.1.2.3", false),
            ("other.example", "127.0.0.1", false),
            ("169.254.169.254", "169.254.169.254", false),
            ("evil.sso.univ.example", "127.0.0.1", false),
            ("other.example", "fd00::1", false),
        ] {
            assert_eq!(guarded.may_ask(host, ip.parse().expect(ip)), want, "{host} {ip}");
        }
    }

    #[test]
    fn a_host_within_is_refused_where_the_connection_is_made() {
        let agent = |issuer: &str| {
            let config = ureq::Agent::config_builder().max_redirects(0).build();
            ureq::Agent::with_parts(
                config,
                ureq::unversioned::transport::DefaultConnector::default(),
                Guarded::new(issuer, &[]),
            )
        };
        // Nobody listens at the port: what is let through fails at the connection instead.
        let told =
            |issuer: &str| agent(issuer).get("http://127.0.0.1:1/").call().map(drop).unwrap_err().to_string();
        assert!(told("https://sso.univ.example").contains("`hosts`"), "{}", told("https://sso.univ.example"));
        assert!(!told("http://127.0.0.1:8080").contains("`hosts`"));
    }
}
