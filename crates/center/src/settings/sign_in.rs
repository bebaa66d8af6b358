//! Settings of signing in, and of who comes to be able to.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInSettings {
    /// How long the link of an invitation is good for.
    pub invitation_days: i64,
    /// The center's address as browsers have it, without a slash at its end. Issuers send browsers back there.
    pub url: Option<String>,
}

impl Default for SignInSettings {
    fn default() -> Self {
        Self { invitation_days: 7, url: None }
    }
}
