//! By which certificates a center is known, and why one is not trusted.

use std::path::Path;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::errors::Failure;

/// The certificates in a file, which are trusted from then on and no others.
pub fn read(path: &Path) -> Result<RootCerts, Failure> {
    let wrong = |why: String| {
        let message = format!("failed to read the certificates in {}: {why}", path.display());
        let hint = "`--ca` or QIANTANG_CA names a file in PEM, with `BEGIN CERTIFICATE`";
        Failure::usage("bad_ca", message, hint)
    };
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let items: Result<Vec<PemItem<'static>>, ureq::Error> = parse_pem(&bytes).collect();
    let certificate = |item| match item {
        PemItem::Certificate(found) => Some(found),
        _ => None,
    };
    let found: Vec<Certificate<'static>> =
        items.map_err(|error| wrong(error.to_string()))?.into_iter().filter_map(certificate).collect();
    if found.is_empty() {
        return Err(wrong("there is none".into()));
    }
    Ok(RootCerts::new_with_certs(&found))
}

/// The refusal of a center whose certificate is not trusted, or that speaks no TLS, where the error is about that.
pub fn refused(url: &str, error: &ureq::Error) -> Option<Failure> {
    let told = base::error::chain(error);
    if told.contains("InvalidContentType") {
        let message = format!(
            "what listens at {url} does not speak HTTPS: the center is down, or it speaks plain HTTP"
        );
        let hint = "start the center, or write http:// in its address";
        return Some(Failure::system("no_answer", message, hint));
    }
    let (_, reason) = told.split_once("invalid peer certificate: ")?;
    // One of the same name may have signed it with another key.
    let why = if reason.contains("UnknownIssuer") || reason.contains("BadSignature") {
        "nobody who is trusted here has signed it"
    } else if reason.contains("Expired") || reason.contains("expired") {
        "it has expired"
    } else if reason.contains("NotValidForName") || reason.contains("not valid for name") {
        "it is for another name than that of the address"
    } else {
        reason
    };
    let message = format!("the certificate of {url} is not trusted: {why}; nothing was sent to it");
    let hint = "`--ca FILE` or QIANTANG_CA names the certificate of whoever signed it, which the center's operators give out";
    Some(Failure::system("untrusted_certificate", message, hint))
}
