//! The settings of how the center speaks HTTP.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// The center speaks HTTPS itself where they are there.
    pub tls: Option<TlsSettings>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate, and those of whoever stands between it and its root, in PEM.
    pub certificate: PathBuf,
    /// Its secret key, in PEM.
    pub key: PathBuf,
    /// Where callers by plain HTTP are told to come by HTTPS.
    pub redirect: Option<SocketAddr>,
}

impl HttpSettings {
    /// The first thing that is wrong with these settings.
    pub(super) fn problem(&self, listen: SocketAddr) -> Option<String> {
        let redirect = self.tls.as_ref()?.redirect?;
        (redirect == listen && listen.port() != 0).then(|| {
            "`http.tls.redirect` is `listen`: give plain HTTP a port of its own, or leave it out".to_owned()
        })
    }
}
