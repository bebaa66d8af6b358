//! Tokens for slurmrestd (JWT), one for each user: made by `scontrol token` or signed with Slurm's key.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    slurm::{
        client::{commands::Commands, port::SlurmError},
        config::Token,
    },
    sync,
};

/// How long a token is valid.
const TOKEN_S: u64 = 1800;

pub(super) struct Tokens {
    from: Token,
    /// The token of each user, with the second since 1970 until which it is valid.
    made: Mutex<HashMap<String, (String, u64)>>,
}

impl Tokens {
    pub(super) fn new(from: Token) -> Self {
        Self { from, made: Mutex::default() }
    }

    fn made(&self) -> MutexGuard<'_, HashMap<String, (String, u64)>> {
        sync::lock(&self.made)
    }

    pub(super) fn of(&self, user: &str) -> Result<String, SlurmError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut made = self.made();
        if let Some((token, until)) = made.get(user)
            && now + 60 < *until
        {
            return Ok(token.clone());
        }
        let token = match &self.from {
            Token::Key(path) => signed(path, user, now)?,
            Token::Scontrol { conf } => {
                Commands::new(None, conf.clone(), Duration::from_secs(20)).token(user, TOKEN_S)?
            }
        };
        made.insert(user.to_owned(), (token.clone(), now + TOKEN_S));
        Ok(token)
    }

    /// Forgets the user's token, so that the next one is made anew.
    pub(super) fn forget(&self, user: &str) {
        self.made().remove(user);
    }

    /// Where the tokens come from, in words for people.
    pub(super) fn origin(&self) -> String {
        match &self.from {
            Token::Key(path) => format!("signed with {}", path.display()),
            Token::Scontrol { .. } => "made by `scontrol token`".to_owned(),
        }
    }
}

/// A token for a user, as Slurm itself signs them (JWT, HS256).
fn signed(key: &Path, user: &str, now: u64) -> Result<String, SlurmError> {
    let failed =
        |error| SlurmError::Unreachable(format!("failed to read the key {}: {error}", key.display()));
    let key = std::fs::read(key).map_err(failed)?;
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "exp": now + TOKEN_S, "iat": now, "sun": user });
    let text = format!("{}.{}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    Ok(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(hmac(&key, text.as_bytes()))))
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_signed_as_the_standard_says() {
        // RFC 4231, test cases 2 and 6.
        let hex = |bytes: [u8; 32]| bytes.iter().fold(String::new(), |all, byte| format!("{all}{byte:02x}"));
        assert_eq!(
            hex(hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
