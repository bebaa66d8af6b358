//! Keys and signatures: Ed25519, in the files that other programs read as well (PKCS #8 and SPKI, as PEM).

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::encode::{from_hex, hex};

/// The bytes before the 32 of a secret key in its file, in hexadecimal: PKCS #8 by RFC 8410.
const SECRET_HEAD: &str = "302e020100300506032b657004220420";
/// The bytes before the 32 of a public key in its file, in hexadecimal: `SubjectPublicKeyInfo` by RFC 8410.
const PUBLIC_HEAD: &str = "302a300506032b6570032100";

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not {wanted}: it must be Ed25519, as PEM or as 64 hexadecimal digits")]
pub struct KeyError {
    wanted: &'static str,
}

/// A key that signs roots.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public()).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The key that 32 random bytes make.
    pub fn of(seed: [u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed");
        Self { pair, seed }
    }

    pub fn parse(text: &str) -> Result<Self, KeyError> {
        parse(text, SECRET_HEAD).map(Self::of).ok_or(KeyError { wanted: "a secret key" })
    }

    /// The text of its file.
    pub fn to_pem(&self) -> String {
        pem("PRIVATE KEY", SECRET_HEAD, &self.seed)
    }

    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(bytes)
    }

    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(bytes).as_ref());
        signature
    }
}

/// A key that says whether a signature is genuine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl PublicKey {
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        parse(text, PUBLIC_HEAD).map(Self).ok_or(KeyError { wanted: "a public key" })
    }

    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", PUBLIC_HEAD, &self.0)
    }

    /// Whether `signature` is of these bytes, by this key.
    pub fn has_signed(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, signature).is_ok()
    }
}

fn pem(name: &str, head: &str, key: &[u8; 32]) -> String {
    let bytes: Vec<u8> = bytes_of(head).into_iter().chain(*key).collect();
    format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", STANDARD.encode(&bytes))
}

fn parse(text: &str, head: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if !text.starts_with("-----BEGIN") {
        return from_hex(text);
    }
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let bytes = STANDARD.decode(body).ok()?;
    bytes.strip_prefix(bytes_of(head).as_slice())?.try_into().ok()
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("it is written above");
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written() {
        let key = SigningKey::of([7; 32]);
        assert_eq!(SigningKey::parse(&key.to_pem()).unwrap().public(), key.public());
        assert_eq!(PublicKey::parse(&key.public().to_pem()), Ok(key.public()));
        assert_eq!(PublicKey::parse(&format!("{}\n", key.public())), Ok(key.public()));
        assert!(PublicKey::parse(&key.to_pem()).is_err(), "a secret key is no public one");
        assert!(PublicKey::parse("key").is_err());
    }

    /// The first test of RFC 8032, 7.1.
    #[test]
    fn it_is_ed25519() {
        let seed = from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = SigningKey::of(seed);
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(key.public().to_string(), public);
        let signature = key.sign(b"");
        assert!(
            hex(&signature).starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")
        );
        assert!(key.public().has_signed(b"", &signature));
        assert!(!key.public().has_signed(b"x", &signature));
    }
}
