//! Passwords, kept as argon2id hashes.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

/// The fewest characters that a new password has.
pub const MIN_CHARS: usize = 10;
/// And the longest.
pub const MAX_CHARS: usize = 256;

/// The hash to keep of a password. Takes tens of milliseconds, on purpose.
pub fn hash(password: &str) -> Result<String, String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| e.to_string())
}

/// Whether `password` is the one of `hash`. Without a hash takes as long, so that time does not tell who exists.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    // Of a password that nobody knows.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$G5OHnYaG7pqtCJPLRf4n0rAkUCbHgKkXpQhZfRZxVjM";
    let is_known = hash.is_some();
    PasswordHash::new(hash.unwrap_or(NOBODY))
        .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
        && is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_passes() {
        let kept = hash("钱塘江潮 tide 2022").unwrap();
        assert!(verify("钱塘江潮 tide 2022", Some(&kept)));
        assert!(!verify("钱塘江潮 tide 2023", Some(&kept)));
        assert!(!verify("", Some("not a hash")));
        assert!(!verify("anything", None));
        assert_ne!(kept, hash("钱塘江潮 tide 2022").unwrap(), "salted");
    }
}
