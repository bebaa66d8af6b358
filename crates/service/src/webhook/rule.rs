//! Who may do what with endpoints, and which addresses they may have.

use axum::http::Uri;
use base::{
    auth::Action,
    detail::Detail,
    error::AppError,
    notice::{endpoint::rule::EndpointKind, settings::NoticeSettings},
};
use domain::problem::{Wrong, field};

pub const READ: Action = Action::new("read_webhook", "administer_read");
pub const KEEP: Action = Action::new("keep_webhook", "administer").keeps(&[
    Detail::text("name"),
    Detail::text("address"),
    Detail::word::<EndpointKind>("endpoint_kind", "endpoint-kind"),
    Detail::yes_no("is_enabled"),
    Detail::yes_no("is_removed"),
    Detail::yes_no("new_secret"),
    Detail::yes_no("is_test"),
    Detail::yes_no("is_replay"),
]);

/// The most endpoints of one tenant, or of the center.
pub const MOST: u64 = 20;
/// The most characters of an address.
const MOST_URL: usize = 1000;

/// An address as it is shown: without what of it may be secret.
pub fn shown(kind: EndpointKind, url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or_default();
    let host = url.authority().map(axum::http::uri::Authority::as_str).unwrap_or_default();
    match kind {
        EndpointKind::Webhook => format!("{scheme}://{host}{}", url.path()),
        EndpointKind::Dingtalk | EndpointKind::Feishu | EndpointKind::Wecom => format!("{scheme}://{host}"),
    }
}

/// Reads an address. Whether it may be connected to is looked at when that is done.
pub fn read_url(kind: EndpointKind, text: &str, settings: &NoticeSettings) -> Result<Uri, AppError> {
    let text = text.trim();
    let refused =
        || AppError::invalid(field::URL, Wrong::NotAUrl { given: text.to_owned(), host: kind.host() });
    let url: Uri = text.parse().map_err(|_| refused())?;
    let host = url.host().unwrap_or_default();
    let is_plain = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let has_scheme = matches!(url.scheme_str(), Some("https" | "http"));
    if !has_scheme || host.is_empty() || !is_plain || text.chars().count() > MOST_URL {
        return Err(refused());
    }
    let is_listed = host.trim_matches(['[', ']']).parse().is_ok_and(|ip| settings.lists(ip));
    match kind.host() {
        // A relay of the center's own may stand in for a chat that its network can't reach.
        Some(wanted) if !is_listed && (host != wanted || url.scheme_str() != Some("https")) => Err(refused()),
        _ => Ok(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let settings = NoticeSettings {
            addresses: vec!["127.0.0.0/8".parse().expect("a network")],
            ..NoticeSettings::default()
        };
        let read = |kind, text| read_url(kind, text, &settings).map(|url| shown(kind, &url));
        let hook = |text| read(EndpointKind::Webhook, text);
        assert_eq!(hook("https://a.example/x?key=1").expect("it is one"), "https://a.example/x");
        assert_eq!(hook(" http://127.0.0.1:80/ ").expect("it is one"), "http://127.0.0.1:80/");
        for bad in
            ["", "a.example", "ftp://a.example/", "https://u:p@a.example/", "https://", "/x", "https://a b/"]
        {
            assert!(hook(bad).is_err(), "{bad}");
        }
        let ding = |text| read(EndpointKind::Dingtalk, text);
        let good = "https://oapi.dingtalk.com/robot/send?access_token=T";
        assert_eq!(ding(good).expect("it is one"), "https://oapi.dingtalk.com", "the token is not shown");
        for bad in [
            "http://oapi.dingtalk.com/robot/send",
            "https://oapi.dingtalk.com.evil.example/",
            "http://10.0.0.1/",
        ] {
            assert!(ding(bad).is_err(), "{bad}");
        }
        assert!(ding("http://127.0.0.1:9/robot").is_ok(), "the settings list it");
    }
}
