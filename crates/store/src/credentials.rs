//! Bearer tokens and browser sessions. Only the hashes of their secrets are kept.

pub mod failed_sign_ins;
pub mod second_factors;

use domain::{Member, MemberId, PersonId, SessionId, Timestamp, TokenId, codes};

use crate::{
    db::{Record, StoreError, Tx, params, rows, statements},
    tenants::member,
};

codes! {
    /// How the person of a session has shown who they are.
    pub enum Way {
        Password = "password",
        PasswordAndCode = "password_code",
        /// A recovery code stood in for the device.
        PasswordAndRecovery = "password_recovery",
        /// An issuer signed the person in.
        Issuer = "issuer",
        /// An issuer signed the person in, and says that a second factor was used there.
        IssuerWithFactor = "issuer_factor",
        IssuerAndCode = "issuer_code",
        IssuerAndRecovery = "issuer_recovery",
    }
}

impl Way {
    /// The same where an issuer's word stood in for the password.
    #[must_use]
    pub fn by_issuer(self) -> Self {
        match self {
            Self::Password => Self::Issuer,
            Self::PasswordAndCode => Self::IssuerAndCode,
            Self::PasswordAndRecovery => Self::IssuerAndRecovery,
            other => other,
        }
    }
}

/// A bearer token that a member made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    pub id: TokenId,
    pub member: MemberId,
    pub name: String,
    pub hash: [u8; 32],
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// When it was last used, as far as that was noted: not every use is.
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
    /// The address of the sign-in, and what the program said of itself; empty for those of before.
    pub from_address: String,
    pub program: String,
    pub way: Way,
}

/// What an issuer said of the sign-in that a session began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginRow {
    pub session: SessionId,
    /// The issuer's address.
    pub issuer: String,
    pub subject: String,
    /// The session at the issuer.
    pub sid: Option<String>,
    pub acr: Option<String>,
    /// With spaces between.
    pub amr: String,
    pub auth_time: Option<Timestamp>,
    pub id_token: String,
}

rows! { origin: OriginRow = session, issuer, subject, sid, acr, amr, auth_time, id_token }
rows! { token: TokenRow = id, member, name, hash, created_at, expires_at, last_used_at }
rows! { session: SessionRow = id, member, hash, csrf, created_at, expires_at, from_address, program, way as code }

statements! { "credentials", unique: { "tokens.hash": "this secret", "sessions.hash": "this secret", "used_tokens.hash": "this token" };
    INSERT_TOKEN = token!(insert into "tokens");
    FIND_TOKEN = concat!(
        "SELECT ", token!(columns of "t"), ", ", member!(columns of "m"),
        " FROM tokens t JOIN memberships m ON m.id = t.member WHERE t.hash = ?1 AND t.revoked_at IS NULL"
    );
    LIST_TOKENS = concat!(
        "SELECT ", token!(columns), " FROM tokens WHERE member = ?1 AND revoked_at IS NULL ORDER BY id"
    );
    NOTE_USE = "UPDATE tokens SET last_used_at = ?2 WHERE id = ?1";
    REVOKE_TOKEN = "UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    INSERT_SESSION = session!(insert into "sessions");
    FIND_SESSION = concat!(
        "SELECT ", session!(columns of "s"), ", ", member!(columns of "m"),
        " FROM sessions s JOIN memberships m ON m.id = s.member WHERE s.hash = ?1"
    );
    SESSIONS_OF_PERSON = concat!(
        "SELECT ", session!(columns of "s"), ", ", member!(columns of "m"),
        " FROM sessions s JOIN memberships m ON m.id = s.member \
         WHERE s.member IN (SELECT id FROM members WHERE person = ?1) AND s.expires_at > ?2 \
         ORDER BY s.created_at DESC, s.id DESC"
    );
    INSERT_ORIGIN = origin!(insert into "session_origins");
    FIND_ORIGIN = concat!("SELECT ", origin!(columns), " FROM session_origins WHERE session = ?1");
    SESSIONS_OF_SUBJECT = "SELECT s.id, s.hash, m.person FROM session_origins o JOIN sessions s ON s.id = o.session \
                           JOIN members m ON m.id = s.member \
                           WHERE o.issuer = ?1 AND (?2 IS NULL OR o.subject = ?2) AND (?3 IS NULL OR o.sid = ?3)";
    USE_TOKEN = "INSERT INTO used_tokens (hash, expires_at) VALUES (?1, ?2)";
    FORGET_USED = "DELETE FROM used_tokens WHERE expires_at <= ?1";
    DELETE_SESSION = "DELETE FROM sessions WHERE id = ?1";
    DELETE_OTHERS = "DELETE FROM sessions WHERE member IN (SELECT id FROM members WHERE person = ?1) AND csrf <> ?2";
    DELETE_SESSIONS_OF = "DELETE FROM sessions WHERE member = ?1";
    DELETE_SESSIONS_OF_PERSON = "DELETE FROM sessions WHERE member IN (SELECT id FROM members WHERE person = ?1)";
    REVOKE_TOKENS_OF_PERSON = "UPDATE tokens SET revoked_at = ?2 \
                               WHERE member IN (SELECT id FROM members WHERE person = ?1) AND revoked_at IS NULL";
    REVOKE_TOKENS_OF = "UPDATE tokens SET revoked_at = ?2 WHERE member = ?1 AND revoked_at IS NULL";
    DELETE_EXPIRED = "DELETE FROM sessions WHERE expires_at <= ?1";
}

pub fn insert_token(tx: &Tx, token: &TokenRow) -> Result<(), StoreError> {
    token.insert(tx, INSERT_TOKEN)
}

/// The token of that hash, unless it was revoked, and its member. The caller checks whether the token has
/// expired and whether the member is enabled.
pub fn find_token(tx: &Tx, hash: &[u8; 32]) -> Result<Option<(TokenRow, Member)>, StoreError> {
    tx.find(FIND_TOKEN, params![hash], |row| Ok((TokenRow::read(row)?, Member::read(row.skip(7))?)))
}

/// The tokens of a member that were not revoked, oldest first.
pub fn list_tokens(tx: &Tx, member: MemberId) -> Result<Vec<TokenRow>, StoreError> {
    tx.all(LIST_TOKENS, params![&member], TokenRow::read)
}

/// Notes that a token was used. A token that is gone is no error.
pub fn note_token_use(tx: &Tx, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(NOTE_USE, params![&id, at])
}

/// Revokes a token; one that was revoked before is not found.
pub fn revoke_token(tx: &Tx, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
    tx.update(REVOKE_TOKEN, &id, params![&id, at])
}

pub fn insert_session(tx: &Tx, session: &SessionRow) -> Result<(), StoreError> {
    session.insert(tx, INSERT_SESSION)
}

/// The session of that hash and its member. The caller checks whether the session has expired.
pub fn find_session(tx: &Tx, hash: &[u8; 32]) -> Result<Option<(SessionRow, Member)>, StoreError> {
    tx.find(FIND_SESSION, params![hash], |row| Ok((SessionRow::read(row)?, Member::read(row.skip(9))?)))
}

/// The sessions of a person that go on, as whichever of their members; the newest first.
pub fn sessions_of(
    tx: &Tx,
    person: PersonId,
    now: Timestamp,
) -> Result<Vec<(SessionRow, Member)>, StoreError> {
    tx.all(SESSIONS_OF_PERSON, params![&person, now], |row| {
        Ok((SessionRow::read(row)?, Member::read(row.skip(9))?))
    })
}

/// Keeps what an issuer said of the sign-in of a session. It goes with the session.
pub fn insert_origin(tx: &Tx, origin: &OriginRow) -> Result<(), StoreError> {
    origin.insert(tx, INSERT_ORIGIN)
}

/// What an issuer said of the sign-in of a session, where one did.
pub fn find_origin(tx: &Tx, session: SessionId) -> Result<Option<OriginRow>, StoreError> {
    tx.find(FIND_ORIGIN, params![&session], OriginRow::read)
}

/// A session that an issuer began.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    pub id: SessionId,
    pub hash: [u8; 32],
    pub person: PersonId,
}

/// The sessions that an issuer began for a subject of its, in a session of its, or both.
pub fn begun_by(
    tx: &Tx,
    issuer: &str,
    subject: Option<&str>,
    sid: Option<&str>,
) -> Result<Vec<Begun>, StoreError> {
    tx.all(SESSIONS_OF_SUBJECT, params![issuer, subject, sid], |row| {
        Ok(Begun { id: row.get(0)?, hash: row.get(1)?, person: row.get(2)? })
    })
}

/// Notes that a token that is good for one use was used. One that was used before is a conflict.
pub fn use_token(tx: &Tx, hash: &[u8; 32], now: Timestamp, expires_at: Timestamp) -> Result<(), StoreError> {
    tx.execute(FORGET_USED, params![now])?;
    tx.execute(USE_TOKEN, params![hash, expires_at])
}

/// Signs out. A session that is gone is no error.
pub fn delete_session(tx: &Tx, id: SessionId) -> Result<(), StoreError> {
    tx.execute(DELETE_SESSION, params![&id])
}

/// Ends a person's sessions, but for the one with that token of forms.
pub fn end_other_sessions(tx: &Tx, person: PersonId, csrf: &str) -> Result<(), StoreError> {
    tx.execute(DELETE_OTHERS, params![&person, csrf])
}

/// Ends the sessions and tokens of a member; those of the person's other memberships go on.
pub fn end_all_of_member(tx: &Tx, member: MemberId, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(DELETE_SESSIONS_OF, params![&member])?;
    tx.execute(REVOKE_TOKENS_OF, params![&member, at])
}

/// Ends the sessions and tokens of all memberships of a person.
pub fn end_all_of_person(tx: &Tx, person: PersonId, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(DELETE_SESSIONS_OF_PERSON, params![&person])?;
    tx.execute(REVOKE_TOKENS_OF_PERSON, params![&person, at])
}

/// Deletes the sessions that have expired by `now`; says how many.
pub fn delete_expired(tx: &Tx, now: Timestamp) -> Result<usize, StoreError> {
    tx.changed(DELETE_EXPIRED, params![now])
}
