//! Settings of signing in, and of who comes to be able to.

use base::auth::{password, second_factor::SecondFactorOf};
use serde::Deserialize;

/// The most that the settings may ask for as the least length of a password.
const MOST_ASKED: usize = 64;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInSettings {
    /// How long the link of an invitation is good for.
    pub invitation_days: i64,
    /// The center's address as browsers have it, without a slash at its end. Issuers send browsers back there.
    pub url: Option<String>,
    /// Who must have a second factor: `nobody`, `center` for the center's own people, or `everybody`.
    pub second_factor: SecondFactorOf,
    /// The fewest characters that a new password has.
    pub password_chars: usize,
}

impl Default for SignInSettings {
    fn default() -> Self {
        Self {
            invitation_days: 7,
            url: None,
            second_factor: SecondFactorOf::Nobody,
            password_chars: password::MIN_CHARS,
        }
    }
}

impl SignInSettings {
    pub fn problem(&self) -> Option<String> {
        let (given, least) = (self.password_chars, password::MIN_CHARS);
        (!(least..=MOST_ASKED).contains(&given))
            .then(|| format!("`sign_in.password_chars` is {given}: it must be from {least} to {MOST_ASKED}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    #[test]
    fn who_must_have_a_second_factor_is_one_of_three_words_and_passwords_are_never_short() {
        let parse = |text: &str| Settings::parse("t", text, std::iter::empty());
        let settings =
            parse("[sign_in]\nsecond_factor = \"center\"\npassword_chars = 14\n").expect("it is valid");
        assert_eq!(settings.common().second_factor.code(), "center");
        assert_eq!(settings.sign_in.password_chars, 14);
        assert_eq!(parse("").expect("it is valid").common().second_factor.code(), "nobody");
        for bad in
            ["second_factor = \"some\"", "second_factor = true", "password_chars = 9", "password_chars = 65"]
        {
            assert!(parse(&format!("[sign_in]\n{bad}\n")).is_err(), "{bad}");
        }
    }
}
