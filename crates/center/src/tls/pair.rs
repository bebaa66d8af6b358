//! A certificate and its key, as two files have them.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::Timestamp;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _};
use tokio_rustls::rustls::{self, crypto::ring, sign::CertifiedKey};
use x509_cert::der::Decode as _;

use crate::settings::TlsSettings;

/// Everybody may read a file of this mode.
const READ_BY_OTHERS: u32 = 0o004;

/// A certificate that can be shown, with its key.
#[derive(Clone, Debug)]
pub struct Pair {
    pub key: Arc<CertifiedKey>,
    pub expires_at: Timestamp,
}

/// Why a certificate and a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    #[error("failed to read {} {}", what, path.display())]
    Read {
        what: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{} has no certificate: give a file in PEM, with `BEGIN CERTIFICATE`", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} has no key: give a file in PEM, with `BEGIN PRIVATE KEY`", path.display())]
    NoKey { path: PathBuf },
    #[error("everybody on this machine can read the key {}, and so can runs: chmod 600 it", path.display())]
    OpenKey { path: PathBuf },
    #[error("the certificate {} can't be read: {cause}", path.display())]
    Certificate { path: PathBuf, cause: String },
    #[error("the key {} can't be used: {cause}", path.display())]
    Key { path: PathBuf, cause: String },
    #[error("the key {} is not that of the certificate {}", key.display(), certificate.display())]
    Mismatch { key: PathBuf, certificate: PathBuf },
}

/// Reads both files.
pub fn read(settings: &TlsSettings) -> Result<Pair, PairError> {
    let TlsSettings { certificate, key, .. } = settings;
    let chain = read_chain(certificate)?;
    let first = chain.first().ok_or_else(|| PairError::NoCertificate { path: certificate.clone() })?;
    let expires_at = expiry(first)
        .map_err(|cause| PairError::Certificate { path: certificate.clone(), cause: cause.to_string() })?;
    let secret = read_key(key)?;
    let pair =
        CertifiedKey::from_der(chain, secret, &ring::default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                PairError::Mismatch { key: key.clone(), certificate: certificate.clone() }
            }
            rustls::Error::InvalidCertificate(_) => {
                PairError::Certificate { path: certificate.clone(), cause: error.to_string() }
            }
            other => PairError::Key { path: key.clone(), cause: other.to_string() },
        })?;
    Ok(Pair { key: Arc::new(pair), expires_at })
}

fn read_file(what: &'static str, path: &Path) -> Result<Vec<u8>, PairError> {
    fs::read(path).map_err(|cause| PairError::Read { what, path: path.to_owned(), cause })
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, PairError> {
    let bytes = read_file("the certificate", path)?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    chain.map_err(|error| PairError::Certificate { path: path.to_owned(), cause: error.to_string() })
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, PairError> {
    let bytes = read_file("the key", path)?;
    let meta = fs::metadata(path).map_err(|cause| PairError::Read {
        what: "the key",
        path: path.to_owned(),
        cause,
    })?;
    if meta.permissions().mode() & READ_BY_OTHERS != 0 {
        return Err(PairError::OpenKey { path: path.to_owned() });
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => PairError::NoKey { path: path.to_owned() },
        other => PairError::Key { path: path.to_owned(), cause: other.to_string() },
    })
}

/// When a certificate expires.
fn expiry(certificate: &CertificateDer<'_>) -> Result<Timestamp, x509_cert::der::Error> {
    let read = x509_cert::Certificate::from_der(certificate)?;
    let until = read.tbs_certificate.validity.not_after.to_unix_duration();
    Ok(Timestamp::from_secs(i64::try_from(until.as_secs()).unwrap_or(i64::MAX / 1_000_000)))
}
