//! A form that came from a page of the center's own, but without its session: the session had ended while somebody was
//! typing. It is carried through the sign-in and shown again. Nothing is done with it until it is sent again.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The names under which the form for signing in carries another form.
const PATH: &str = "carried";
const FIELD: &str = "carried.";
/// The bytes of an address that need no escape as the value of a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Where the form was sent to.
    pub path: String,
    pub fields: Vec<(String, String)>,
}

impl Carried {
    /// `None` where nothing was typed that is worth carrying.
    pub fn of(path: &str, fields: &[(String, String)]) -> Option<Self> {
        let is_kept = |(name, value): &&(String, String)| {
            name != "csrf" && !is_password(name) && !name.starts_with(FIELD) && !value.trim().is_empty()
        };
        let fields: Vec<_> = fields.iter().filter(is_kept).cloned().collect();
        let path = own_address(path)?;
        (!fields.is_empty()).then_some(Self { path, fields })
    }

    /// As the form for signing in sends it.
    pub fn from_sign_in(fields: &[(String, String)]) -> Option<Self> {
        let path = fields.iter().find(|(name, _)| name == PATH).map(|(_, path)| path.trim())?;
        let fields = fields.iter().filter_map(|(name, value)| {
            name.strip_prefix(FIELD).map(|name| (name.to_owned(), value.clone()))
        });
        Self::of(path, &fields.collect::<Vec<_>>())
    }

    /// The fields by which the form for signing in carries it.
    pub fn in_sign_in(&self) -> Vec<(String, String)> {
        let fields = self.fields.iter().map(|(name, value)| (format!("{FIELD}{name}"), value.clone()));
        std::iter::once((PATH.to_owned(), self.path.clone())).chain(fields).collect()
    }

    /// Whether it is a script that was to be submitted: the page of that form shows it as it was typed.
    pub fn is_script(&self) -> bool {
        self.path == "/submit" || self.path == "/submit/dry-run"
    }
}

fn is_password(name: &str) -> bool {
    name.contains("password") || name.contains("secret") || matches!(name, "old" | "new" | "again")
}

/// Path and query of an address of this center's own; `None` where a browser would go elsewhere, or would go back to
/// signing in.
pub fn own_address(text: &str) -> Option<String> {
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let is_plain = text.len() <= 2048 && !text.chars().any(|c| c.is_control() || c == '\\' || c == ' ');
    let uri =
        text.parse::<axum::http::Uri>().ok().filter(|uri| is_path && is_plain && uri.host().is_none())?;
    let leads_on =
        uri.path() != "/sign-out" && uri.path() != "/sign-in" && !uri.path().starts_with("/sign-in/");
    leads_on.then(|| uri.path_and_query().map_or("/", |whole| whole.as_str()).to_owned())
}

/// The address of the form for signing in, by which one comes back to `next`.
pub fn sign_in_address(next: &str) -> String {
    match own_address(next) {
        Some(next) if next != "/" => format!("/sign-in?next={}", escaped(&next)),
        _ => "/sign-in".to_owned(),
    }
}

/// An address as the value of a query.
pub fn escaped(address: &str) -> String {
    utf8_percent_encode(address, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_address_leads_back_to_this_center_alone() {
        for own in ["/", "/jobs?state=active&name=a%20b", "/jobs/job_1#log", "/a//b"] {
            assert!(own_address(own).is_some(), "{own}");
        }
        for other in [
            "",
            "jobs",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            " /jobs",
            "/jobs\n",
            "/sign-in",
            "/sign-in?next=/sign-in",
            "/sign-in/code",
            "/sign-out",
            "///evil.example",
        ] {
            assert_eq!(own_address(other), None, "{other}");
        }
        assert_eq!(sign_in_address("/jobs?state=a&name=x"), "/sign-in?next=/jobs%3Fstate%3Da%26name%3Dx");
        assert_eq!(sign_in_address("/"), "/sign-in");
    }

    #[test]
    fn a_form_comes_through_the_sign_in_as_it_was_but_for_its_secrets() {
        let typed = form(&[
            ("csrf", "x"),
            ("script", "#!/bin/sh\n echo 你好\n"),
            ("project", "work"),
            ("member_password", "p"),
            ("old", "o"),
            ("note", " "),
        ]);
        let carried = Carried::of("/submit", &typed).expect("something was typed");
        assert_eq!(
            carried.fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["script", "project"]
        );
        assert_eq!(Carried::from_sign_in(&carried.in_sign_in()), Some(carried));
        assert_eq!(Carried::of("/jobs/job_1/cancel", &form(&[("csrf", "x")])), None);
        assert_eq!(Carried::of("//evil.example", &form(&[("a", "b")])), None);
    }
}
