//! By which certificates a center is known, and why one is not trusted.

use std::path::Path;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use domain::{Both, both};

use crate::errors::{Failure, said};

/// The certificates in a file, which are trusted from then on and no others.
pub fn read(path: &Path) -> Result<RootCerts, Failure> {
    let wrong = |why: Both| {
        let path = path.display();
        let message = both(
            format!("无法读取 {path} 中的证书：{}", why.zh),
            format!("failed to read the certificates in {path}: {}", why.en),
        );
        let hint = both(
            "`--ca` 或 QIANTANG_CA 要指向 PEM 文件，其中有 `BEGIN CERTIFICATE`",
            "`--ca` or QIANTANG_CA names a file in PEM, with `BEGIN CERTIFICATE`",
        );
        Failure::usage("bad_ca", message, hint)
    };
    let bytes = std::fs::read(path).map_err(|error| wrong(said(&error)))?;
    let items: Result<Vec<PemItem<'static>>, ureq::Error> = parse_pem(&bytes).collect();
    let certificate = |item| match item {
        PemItem::Certificate(found) => Some(found),
        _ => None,
    };
    let found: Vec<Certificate<'static>> = items
        .map_err(|error| wrong(both("不是 PEM 格式", error.to_string())))?
        .into_iter()
        .filter_map(certificate)
        .collect();
    if found.is_empty() {
        return Err(wrong(both("其中没有证书", "there is none")));
    }
    Ok(RootCerts::new_with_certs(&found))
}

/// The refusal of a center whose certificate is not trusted, or that speaks no TLS, where the error is about that.
pub fn refused(url: &str, error: &ureq::Error) -> Option<Failure> {
    let told = base::error::chain(error);
    if told.contains("InvalidContentType") {
        let message = both(
            format!("在 {url} 监听的程序不使用 HTTPS：中心没有运行，或使用明文 HTTP"),
            format!(
                "what listens at {url} does not speak HTTPS: the center is down, or it speaks plain HTTP"
            ),
        );
        let hint =
            both("请启动中心，或在地址中写 http://", "start the center, or write http:// in its address");
        return Some(Failure::system("no_answer", message, hint));
    }
    let (_, reason) = told.split_once("invalid peer certificate: ")?;
    // One of the same name may have signed it with another key.
    let why = if reason.contains("UnknownIssuer") || reason.contains("BadSignature") {
        both("签发者不受本机信任", "nobody who is trusted here has signed it")
    } else if reason.contains("Expired") || reason.contains("expired") {
        both("证书已过期", "it has expired")
    } else if reason.contains("NotValidForName") || reason.contains("not valid for name") {
        both("证书的名称与地址不符", "it is for another name than that of the address")
    } else {
        both(format!("证书有误（{reason}）"), reason)
    };
    let message = both(
        format!("{url} 的证书不受信任：{}；没有向它发送任何内容", why.zh),
        format!("the certificate of {url} is not trusted: {}; nothing was sent to it", why.en),
    );
    let hint = both(
        "请用 `--ca FILE` 或 QIANTANG_CA 指明签发机构的证书，由中心的运营人员提供",
        "`--ca FILE` or QIANTANG_CA names the certificate of whoever signed it, which the center's operators give out",
    );
    Some(Failure::system("untrusted_certificate", message, hint))
}
