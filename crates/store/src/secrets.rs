//! Secrets 密文变量: values that runs get and that nobody reads. They are kept sealed, by ChaCha20-Poly1305, under a key that
//! the database does not have.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{MemberId, TenantId, Timestamp, codes};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::db::{Record, StoreError, Tx, params, rows, statements};

codes! {
    /// Whose a secret is, and so whose jobs may have it.
    pub enum SecretScope {
        /// Each job of the tenant.
        Tenant = "tenant",
        /// Each job of one project.
        Project = "project",
        /// The jobs that one person submits.
        Person = "person",
    }
}

/// A secret as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// The id of the tenant, the project or the person.
    pub owner: [u8; 16],
    pub name: String,
    pub tenant: TenantId,
    pub scope: SecretScope,
    pub sealed: String,
    /// The name of the key that it is sealed under.
    pub key: String,
    pub changed_by: MemberId,
    pub changed_at: Timestamp,
}

rows! { secret: SecretRow = owner, name, tenant, scope as code, sealed, key, changed_by, changed_at }

statements! { "secrets";
    PUT = concat!(secret!(insert into "secrets"), " ON CONFLICT (owner, name) DO UPDATE SET sealed = excluded.sealed, \
        key = excluded.key, changed_by = excluded.changed_by, changed_at = excluded.changed_at");
    FIND = concat!("SELECT ", secret!(columns), " FROM secrets WHERE owner = ?1 AND name = ?2");
    LIST_OF = concat!("SELECT ", secret!(columns), " FROM secrets WHERE tenant = ?1 ORDER BY name, scope, owner LIMIT ?2");
    LIST = concat!("SELECT ", secret!(columns), " FROM secrets ORDER BY tenant, name, scope, owner");
    COUNT_OF = "SELECT COUNT(*) FROM secrets WHERE tenant = ?1";
    DELETE = "DELETE FROM secrets WHERE owner = ?1 AND name = ?2";
}

/// Keeps a secret, in place of one of the same owner and name.
pub fn put(tx: &Tx, secret: &SecretRow) -> Result<(), StoreError> {
    secret.insert(tx, PUT)
}

pub fn find(tx: &Tx, owner: &[u8; 16], name: &str) -> Result<Option<SecretRow>, StoreError> {
    tx.find(FIND, params![owner, name], SecretRow::read)
}

/// Those of a tenant, of its projects and of its people, by name.
pub fn list_of(tx: &Tx, tenant: TenantId, limit: u32) -> Result<Vec<SecretRow>, StoreError> {
    tx.all(LIST_OF, params![&tenant, limit], SecretRow::read)
}

/// All there are.
pub fn list(tx: &Tx) -> Result<Vec<SecretRow>, StoreError> {
    tx.all(LIST, params![], SecretRow::read)
}

pub fn count_of(tx: &Tx, tenant: TenantId) -> Result<u64, StoreError> {
    tx.one(COUNT_OF, params![&tenant], |row| row.get(0))
}

/// Removes a secret; says whether there was one.
pub fn delete(tx: &Tx, owner: &[u8; 16], name: &str) -> Result<bool, StoreError> {
    Ok(tx.changed(DELETE, params![owner, name])? > 0)
}

/// A key that secrets are sealed under.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey {
    bytes: [u8; 32],
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl SecretKey {
    /// The key that 32 random bytes make.
    pub const fn of(bytes: [u8; 32]) -> Self {
        Self { bytes }
    }

    /// A key from a line of its file: 64 hexadecimal digits.
    pub fn parse(line: &str) -> Option<Self> {
        crate::chain::from_hex(line.trim()).map(Self::of)
    }

    /// The line of its file.
    pub fn to_line(&self) -> String {
        crate::chain::hex(&self.bytes)
    }

    /// A name that tells keys apart and nothing of the key.
    pub fn name(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.bytes);
        crate::chain::hex(&digest.as_ref()[..8])
    }

    /// Seals a value for one owner and name: moved to another it can't be opened. A nonce is used once.
    pub fn seal(&self, owner: &[u8; 16], name: &str, value: &str, nonce: [u8; NONCE_LEN]) -> String {
        let mut bytes = value.as_bytes().to_vec();
        let aad = Aad::from(place(owner, name));
        self.cipher()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
            .expect("a secret is far shorter than a cipher can take");
        BASE64_STANDARD.encode([&nonce[..], &bytes].concat())
    }

    /// The value; `None` where it was sealed under another key, for another place, or was changed since.
    pub fn open(&self, secret: &SecretRow) -> Option<String> {
        self.open_at(&secret.owner, &secret.name, &secret.sealed)
    }

    /// [`Self::open`] for what is kept elsewhere than among the secrets.
    pub fn open_at(&self, owner: &[u8; 16], name: &str, sealed: &str) -> Option<String> {
        let bytes = BASE64_STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let aad = Aad::from(place(owner, name));
        let value =
            self.cipher().open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut sealed).ok()?;
        String::from_utf8(value.to_vec()).ok()
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &self.bytes).expect("32 bytes are a key"))
    }
}

fn place(owner: &[u8; 16], name: &str) -> Vec<u8> {
    [&owner[..], name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_opened_in_its_place_by_its_key_and_not_otherwise() {
        let key = SecretKey::of([7; 32]);
        let sealed = key.seal(&[1; 16], "TOKEN", "hunter2", [9; 12]);
        let row = SecretRow {
            owner: [1; 16],
            name: "TOKEN".into(),
            tenant: TenantId::from_bytes([2; 16]),
            scope: SecretScope::Tenant,
            sealed,
            key: key.name(),
            changed_by: MemberId::from_bytes([3; 16]),
            changed_at: Timestamp::default(),
        };
        assert_eq!(key.open(&row).as_deref(), Some("hunter2"));
        assert!(!format!("{row:?} {key:?}").contains("hunter2"));
        assert_eq!(SecretKey::parse(&key.to_line()), Some(key.clone()));
        assert_eq!(SecretKey::of([8; 32]).open(&row), None);
        assert_eq!(key.open(&SecretRow { owner: [4; 16], ..row.clone() }), None);
        assert_eq!(key.open(&SecretRow { name: "OTHER".into(), ..row.clone() }), None);
        assert_eq!(key.open(&SecretRow { sealed: row.sealed.replace('A', "B") + "A", ..row.clone() }), None);
        assert_eq!(key.open(&SecretRow { sealed: String::new(), ..row }), None);
    }
}
