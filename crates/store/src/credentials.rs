//! Bearer tokens and browser sessions. Only the hashes of their secrets are kept.

use domain::{Member, MemberId, SessionId, Timestamp, TokenId};

use crate::{
    StoreError, Tx,
    sql::{Row, params, statements},
    tenants::member,
};

/// A bearer token that a member made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    pub id: TokenId,
    pub member: MemberId,
    pub name: String,
    pub hash: [u8; 32],
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// As it was last noted, which is not at every use.
    pub last_used_at: Option<Timestamp>,
}

/// A browser that a member has signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub id: SessionId,
    pub member: MemberId,
    pub hash: [u8; 32],
    pub csrf: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

macro_rules! member_of {
    () => {
        "m.id, m.tenant, m.login, m.name, m.role, m.is_enabled, m.created_at"
    };
}

statements! { "credentials";
    INSERT_TOKEN = "INSERT INTO tokens (id, member, name, hash, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    FIND_TOKEN = concat!(
        "SELECT t.id, t.member, t.name, t.hash, t.created_at, t.expires_at, t.last_used_at, ", member_of!(),
        " FROM tokens t JOIN members m ON m.id = t.member WHERE t.hash = ?1 AND t.revoked_at IS NULL"
    );
    LIST_TOKENS = "SELECT id, member, name, hash, created_at, expires_at, last_used_at FROM tokens \
                   WHERE member = ?1 AND revoked_at IS NULL ORDER BY id";
    GET_TOKEN =
        "SELECT id, member, name, hash, created_at, expires_at, last_used_at FROM tokens WHERE id = ?1";
    NOTE_USE = "UPDATE tokens SET last_used_at = ?2 WHERE id = ?1";
    REVOKE_TOKEN = "UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    INSERT_SESSION =
        "INSERT INTO sessions (id, member, hash, csrf, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    FIND_SESSION = concat!(
        "SELECT s.id, s.member, s.hash, s.csrf, s.created_at, s.expires_at, ", member_of!(),
        " FROM sessions s JOIN members m ON m.id = s.member WHERE s.hash = ?1"
    );
    DELETE_SESSION = "DELETE FROM sessions WHERE id = ?1";
    DELETE_SESSIONS_OF = "DELETE FROM sessions WHERE member = ?1";
    DELETE_EXPIRED = "DELETE FROM sessions WHERE expires_at <= ?1";
}

pub fn insert_token(tx: &Tx, token: &TokenRow) -> Result<(), StoreError> {
    let row = params![&token.id, &token.member, &token.name, &token.hash, token.created_at, token.expires_at];
    tx.execute(INSERT_TOKEN, row).map(|_| ())
}

/// The token of that hash, unless it was revoked, and its member. Whether it has expired, and whether the member is
/// enabled, is for the caller to see.
pub fn find_token(tx: &Tx, hash: &[u8; 32]) -> Result<Option<(TokenRow, Member)>, StoreError> {
    tx.find(FIND_TOKEN, params![hash], |row| Ok((token(row)?, member(row, 7)?)))
}

pub fn get_token(tx: &Tx, id: TokenId) -> Result<TokenRow, StoreError> {
    tx.find(GET_TOKEN, params![&id], token)?.ok_or_else(|| StoreError::not_found("token", &id))
}

/// A member's that were not revoked, oldest first.
pub fn list_tokens(tx: &Tx, member: MemberId) -> Result<Vec<TokenRow>, StoreError> {
    tx.all(LIST_TOKENS, params![&member], token)
}

/// Notes that a token was shown. No error if it is gone.
pub fn note_token_use(tx: &Tx, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(NOTE_USE, params![&id, at]).map(|_| ())
}

/// `NotFound` if there is no such token, or it was revoked before.
pub fn revoke_token(tx: &Tx, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
    match tx.execute(REVOKE_TOKEN, params![&id, at])? {
        0 => Err(StoreError::not_found("token", &id)),
        _ => Ok(()),
    }
}

pub fn insert_session(tx: &Tx, session: &SessionRow) -> Result<(), StoreError> {
    let row = params![
        &session.id,
        &session.member,
        &session.hash,
        &session.csrf,
        session.created_at,
        session.expires_at,
    ];
    tx.execute(INSERT_SESSION, row).map(|_| ())
}

/// The session of that hash and its member. Whether it has expired is for the caller to see.
pub fn find_session(tx: &Tx, hash: &[u8; 32]) -> Result<Option<(SessionRow, Member)>, StoreError> {
    tx.find(FIND_SESSION, params![hash], |row| Ok((session(row)?, member(row, 6)?)))
}

/// Signs out. No error if it is gone already.
pub fn delete_session(tx: &Tx, id: SessionId) -> Result<(), StoreError> {
    tx.execute(DELETE_SESSION, params![&id]).map(|_| ())
}

/// Signs a member out everywhere; says of how many browsers.
pub fn delete_sessions_of(tx: &Tx, member: MemberId) -> Result<usize, StoreError> {
    tx.execute(DELETE_SESSIONS_OF, params![&member])
}

/// Deletes the sessions that have expired by `now`; says how many.
pub fn delete_expired(tx: &Tx, now: Timestamp) -> Result<usize, StoreError> {
    tx.execute(DELETE_EXPIRED, params![now])
}

fn token(row: Row<'_>) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        id: row.get(0)?,
        member: row.get(1)?,
        name: row.get(2)?,
        hash: row.get(3)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
        last_used_at: row.get(6)?,
    })
}

fn session(row: Row<'_>) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        id: row.get(0)?,
        member: row.get(1)?,
        hash: row.get(2)?,
        csrf: row.get(3)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}
