//! Settings of the issuers that sign people in: identity providers that speak `OpenID` Connect.

use std::path::PathBuf;

use domain::Role;
use serde::Deserialize;

/// An issuer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// A short name, which is part of the addresses that are registered there.
    pub name: String,
    /// Its address, exactly as its tokens name it.
    pub issuer: String,
    pub client_id: String,
    /// The file with the client's secret; without a secret the client is a public one.
    pub client_secret_file: Option<PathBuf>,
    /// The variable of the center's environment with the client's secret.
    pub client_secret_env: Option<String>,
    pub label_zh: String,
    pub label_en: String,
    /// The domains of e-mail addresses of those who sign in here.
    #[serde(default)]
    pub email_domains: Vec<String>,
    /// The tenant whose people it signs in, and no others; left out, the issuer may give places anywhere.
    pub tenant: Option<String>,
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The claim that is a user's `externalId` in a directory of the same people: who was made by the directory is known by it
    /// when they first sign in.
    #[serde(default = "scim_claim")]
    pub scim_claim: String,
    /// The certificates, in PEM, by which it is known, where its own are no public ones.
    pub ca_file: Option<PathBuf>,
    /// Hosts besides its own that its endpoints may be on although they are within.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The values of `acr` by which it says that a second factor was used.
    #[serde(default)]
    pub second_factor_acr: Vec<String>,
    #[serde(default)]
    pub map: Vec<MapSettings>,
    pub auto_join: Option<AutoJoin>,
}

/// A value of a claim, and the role that it gives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapSettings {
    pub claim: String,
    pub value: String,
    pub role: String,
    /// The tenant in which; that of the issuer where left out, and the center where it has none.
    pub tenant: Option<String>,
}

/// The role of those whom no line of the map gives one in the issuer's tenant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoJoin {
    pub role: String,
    /// Only for those whose verified address is of one of these domains; empty: for all.
    #[serde(default)]
    pub email_domains: Vec<String>,
}

fn scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).into()
}

fn scim_claim() -> String {
    "sub".to_owned()
}

/// A place and a role that the settings name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tenant's short name; none for the center.
    pub tenant: Option<String>,
    pub role: Role,
}

impl OidcSettings {
    /// The place that a line of the map gives.
    pub fn place(&self, line: &MapSettings) -> Option<Place> {
        self.read(&line.role, line.tenant.as_ref().or(self.tenant.as_ref()))
    }

    /// The place of those whom no line of the map gives one.
    pub fn joined(&self) -> Option<Place> {
        self.read(&self.auto_join.as_ref()?.role, self.tenant.as_ref())
    }

    fn read(&self, role: &str, tenant: Option<&String>) -> Option<Place> {
        let role = Role::from_code(role).filter(|role| role.is_of_center() == tenant.is_none())?;
        (self.tenant.is_none() || tenant == self.tenant.as_ref())
            .then(|| Place { tenant: tenant.cloned(), role })
    }

    fn problem(&self, has_url: bool) -> Option<String> {
        let Self { name, issuer, client_id, .. } = self;
        let told = |problem: &str| Some(format!("`oidc` {name:?}: {problem}"));
        let is_slug = |text: &str| {
            (1..=32).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if !is_slug(name) {
            return told("`name` is up to 32 small letters, digits and hyphens");
        }
        if !has_url {
            return told("set `sign_in.url`: issuers send browsers back to the center's address");
        }
        if !is_allowed(issuer, true) {
            return told("`issuer` is an address with https://, or with http:// on this machine alone");
        }
        if client_id.is_empty() || self.label_zh.is_empty() || self.label_en.is_empty() {
            return told("`client_id`, `label_zh` and `label_en` are not empty");
        }
        if self.client_secret_env.is_some() && self.client_secret_file.is_some() {
            return told("`client_secret_file` and `client_secret_env` are there both: name one");
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return told("`scopes` lacks `openid`");
        }
        if let Some(line) = self.map.iter().find(|line| line.claim.is_empty() || self.place(line).is_none()) {
            return told(&format!(
                "the map gives the role `{}`, which is no role there: `admin`, `developer`, `finance` in a tenant, \
                 one of the center's own without; an issuer of a tenant gives roles in that tenant alone",
                line.role
            ));
        }
        if self.auto_join.is_some() && (self.tenant.is_none() || self.joined().is_none()) {
            return told("`auto_join` needs `tenant`, and a role of a tenant's");
        }
        None
    }
}

/// Whether an address may be asked: over TLS, or on this machine where the issuer is there.
pub fn is_allowed(address: &str, is_here: bool) -> bool {
    if let Some(rest) = address.strip_prefix("https://") {
        return !rest.is_empty();
    }
    let Some(rest) = address.strip_prefix("http://").filter(|_| is_here) else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

/// The first thing that is wrong with these settings.
pub(super) fn problem(all: &[OidcSettings], url: Option<&str>) -> Option<String> {
    if let Some(url) = url
        && (!(url.starts_with("https://") || url.starts_with("http://")) || url.ends_with('/'))
    {
        return Some(
            "`sign_in.url` is the address of the center, such as https://center.example, without a slash at its end".to_owned(),
        );
    }
    for (i, one) in all.iter().enumerate() {
        if let Some(problem) = one.problem(url.is_some()) {
            return Some(problem);
        }
        if all[..i].iter().any(|other| other.name == one.name || other.issuer == one.issuer) {
            return Some(format!("`oidc` {:?}: another has this `name` or `issuer`", one.name));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    const GOOD: &str = "[sign_in]\nurl = \"https://center.example\"\n[[oidc]]\nname = \"univ\"\n\
        issuer = \"https://sso.univ.example\"\nclient_id = \"qiantang\"\nlabel_zh = \"大学\"\nlabel_en = \"University\"\n";

    fn told(text: &str) -> Option<String> {
        Settings::parse("test.toml", text, std::iter::empty()).err().map(|error| error.to_string())
    }

    #[test]
    fn an_issuer_is_read_and_what_is_wrong_is_named() {
        assert_eq!(told(GOOD), None);
        let with = |more: &str| format!("{GOOD}{more}");
        let map = "[[oidc.map]]\nclaim = \"groups\"\nvalue = \"/ai\"\n";
        for good in [
            with("tenant = \"univ\"\n[oidc.auto_join]\nrole = \"developer\"\n"),
            with(&format!("{map}role = \"operator\"\n")),
            with(&format!("{map}role = \"developer\"\ntenant = \"univ\"\n")),
        ] {
            assert_eq!(told(&good), None, "{good}");
        }
        for (text, want) in [
            (with("clientid = \"x\"\n"), "clientid"),
            (GOOD.replace("\"univ\"", "\"Univ 1\""), "small letters"),
            (GOOD.replace("url =", "invitation_days = 7\n#"), "sign_in.url"),
            (GOOD.replace("center.example", "center.example/"), "without a slash"),
            (GOOD.replace("https://sso", "http://sso"), "https://"),
            (with("client_secret_file = \"/a\"\nclient_secret_env = \"A\"\n"), "name one"),
            (with("scopes = [\"email\"]\n"), "`openid`"),
            (with(&format!("{map}role = \"developer\"\n")), "`developer`"),
            (with(&format!("{map}role = \"king\"\n")), "`king`"),
            (
                with(&format!("tenant = \"univ\"\n{map}role = \"developer\"\ntenant = \"other\"\n")),
                "that tenant alone",
            ),
            (with("[oidc.auto_join]\nrole = \"developer\"\n"), "auto_join"),
            (
                format!(
                    "{GOOD}{}",
                    GOOD.split_once("[[oidc]]").map(|(_, rest)| format!("[[oidc]]{rest}")).unwrap()
                ),
                "another",
            ),
        ] {
            let said = told(&text).unwrap_or_default();
            assert!(said.contains(want), "{want}: {said}");
        }
    }

    #[test]
    fn only_this_machine_is_asked_without_tls() {
        for (address, is_here, is_ok) in [
            ("https://sso.example", false, true),
            ("http://127.0.0.1:8080/realms/a", true, true),
            ("http://localhost", true, true),
            ("http://127.0.0.1", false, false),
            ("http://127.0.0.1.evil.example", true, false),
            ("http://sso.example", true, false),
            ("ftp://sso.example", true, false),
            ("https://", true, false),
        ] {
            assert_eq!(super::is_allowed(address, is_here), is_ok, "{address}");
        }
    }
}
