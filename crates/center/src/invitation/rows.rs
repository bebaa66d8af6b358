//! Invitations, as rows.

use domain::{MemberId, TenantId, Timestamp};
use store::{
    StoreError, Tx,
    db::{Record as _, params},
    rows, statements,
};

use super::rule::{Invitation, InvitationId, MOST_LISTED};

rows! { invitation: Invitation = id, tenant, email, role as code, hash, invited_by, created_at, expires_at, ended_at, taken_by }

statements! { "invitations", unique: { "invitations.hash": "this secret" };
    INSERT = invitation!(insert into "invitations");
    GET = concat!("SELECT ", invitation!(columns), " FROM invitations WHERE id = ?1");
    FIND = concat!("SELECT ", invitation!(columns), " FROM invitations WHERE hash = ?1");
    LIST = concat!("SELECT ", invitation!(columns), " FROM invitations ORDER BY id DESC LIMIT ?1");
    LIST_OF = concat!(
        "SELECT ", invitation!(columns), " FROM invitations WHERE tenant = ?2 ORDER BY id DESC LIMIT ?1"
    );
    COUNT_OPEN = "SELECT COUNT(*) FROM invitations WHERE tenant IS ?1 AND ended_at IS NULL AND expires_at > ?2";
    END = "UPDATE invitations SET ended_at = ?2, taken_by = ?3 WHERE id = ?1 AND ended_at IS NULL";
}

pub fn insert(tx: &Tx, invitation: &Invitation) -> Result<(), StoreError> {
    invitation.insert(tx, INSERT)
}

pub fn get(tx: &Tx, id: InvitationId) -> Result<Invitation, StoreError> {
    tx.get(GET, &id, Invitation::read)
}

/// The invitation with a link of that hash.
pub fn find(tx: &Tx, hash: &[u8; 32]) -> Result<Option<Invitation>, StoreError> {
    tx.find(FIND, params![hash], Invitation::read)
}

/// The newest invitations, of a tenant or all.
pub fn list(tx: &Tx, tenant: Option<TenantId>) -> Result<Vec<Invitation>, StoreError> {
    match &tenant {
        Some(tenant) => tx.all(LIST_OF, params![MOST_LISTED, tenant], Invitation::read),
        None => tx.all(LIST, params![MOST_LISTED], Invitation::read),
    }
}

/// How many of a tenant's are open, or of the center's own.
pub fn count_open(tx: &Tx, tenant: Option<TenantId>, now: Timestamp) -> Result<u64, StoreError> {
    tx.one(COUNT_OPEN, params![&tenant, now], |row| row.get(0))
}

/// Ends an invitation: somebody took it, or it was taken back. One that has ended is not found.
pub fn end(tx: &Tx, id: InvitationId, at: Timestamp, by: Option<MemberId>) -> Result<(), StoreError> {
    tx.update(END, &id, params![&id, at, &by])
}
