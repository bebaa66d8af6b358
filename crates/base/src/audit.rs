//! A line of the audit log for each change: by whom, when, from where.

use domain::{AuditId, MemberId, Role, TenantId, Timestamp};
use serde_json::Value;
use store::{Tx, audit};

use crate::{
    auth::{Action, Caller},
    error::AppError,
    moment::{self, new_id},
};

/// The record of a change, besides its actor and time.
#[derive(Clone, Debug)]
pub struct Change {
    pub tenant: Option<TenantId>,
    pub action: Action,
    /// The id of the thing changed.
    pub subject: String,
    pub detail: Value,
}

/// Keeps a line for a change that `caller` makes, in the transaction that makes it; and its idempotency key.
pub(crate) fn record(tx: &Tx, caller: &Caller, change: Change) -> Result<(), AppError> {
    if let Some(once) = &caller.once {
        once.begin(tx)?;
    }
    let member = &caller.member;
    let actor = (Some(member.id), member.login.as_str(), Some(member.role));
    append(tx, actor, &caller.from, change)
}

/// Keeps a line for a change that the center makes by itself.
pub fn record_own(tx: &Tx, change: Change) -> Result<(), AppError> {
    append(tx, (None, "center", None), "", change)
}

/// Keeps a line for a change by somebody who has not signed in, but has shown the secret of what is changed.
pub fn record_stranger(tx: &Tx, from: &str, change: Change) -> Result<(), AppError> {
    append(tx, (None, "stranger", None), from, change)
}

fn append(
    tx: &Tx,
    actor: (Option<MemberId>, &str, Option<Role>),
    from: &str,
    change: Change,
) -> Result<(), AppError> {
    debug_assert_eq!(
        unnamed(&change),
        Vec::<&String>::new(),
        "details that {:?} does not name",
        change.action
    );
    let at: Timestamp = moment::now();
    let record = audit::AuditRecord {
        id: new_id!(AuditId),
        at,
        actor: actor.0,
        actor_login: actor.1.to_owned(),
        role: actor.2,
        tenant: change.tenant,
        action: change.action.code().to_owned(),
        subject: change.subject,
        from_address: from.to_owned(),
        detail: change.detail,
    };
    audit::append(tx, &record)?;
    Ok(())
}

/// Details of a change that its action does not name: pages would have no words for them.
fn unnamed(change: &Change) -> Vec<&String> {
    let keys = change.detail.as_object().into_iter().flat_map(|fields| fields.keys());
    keys.filter(|key| change.action.details().iter().all(|detail| detail.key != key.as_str())).collect()
}
