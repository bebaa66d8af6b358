//! Directories, and those whom they keep, as rows.

use domain::{TenantId, Timestamp};
use store::{
    StoreError, Tx,
    db::{Record as _, Row, params},
    rows, statements,
};

use super::{
    filter::Filter,
    rule::{ScimGroup, ScimGroupId, ScimToken, ScimTokenId, ScimUser, ScimUserId},
};

rows! { token: ScimToken = id, tenant, name, role, hash, made_by, created_at, expires_at, last_used_at, revoked_at }
rows! { user: ScimUser = id, tenant, person, user_name, user_name_folded, external_id, is_active, resource as json, created_at, changed_at }
rows! { group: ScimGroup = id, tenant, display_name, external_id, created_at, changed_at }

statements! { "directories", unique: {
        "scim_tokens.hash": "this secret",
        "index 'scim_users_by_name'": "a user of this name",
        "index 'scim_users_by_person'": "a user who is this person",
        "index 'scim_groups_by_name'": "a group of this name",
        "scim_group_users.in_group, scim_group_users.user": "this member of the group",
    };
    INSERT_TOKEN = token!(insert into "scim_tokens");
    FIND_TOKEN = concat!("SELECT ", token!(columns), " FROM scim_tokens WHERE hash = ?1");
    GET_TOKEN = concat!("SELECT ", token!(columns), " FROM scim_tokens WHERE id = ?1");
    LIST_TOKENS = concat!("SELECT ", token!(columns), " FROM scim_tokens WHERE revoked_at IS NULL ORDER BY id");
    LIST_TOKENS_OF = concat!(
        "SELECT ", token!(columns), " FROM scim_tokens WHERE tenant = ?1 AND revoked_at IS NULL ORDER BY id"
    );
    REVOKE_TOKEN = "UPDATE scim_tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    NOTE_USE = "UPDATE scim_tokens SET last_used_at = ?2 WHERE id = ?1";
    INSERT_USER = user!(insert into "scim_users");
    GET_USER = concat!("SELECT ", user!(columns), " FROM scim_users WHERE id = ?1 AND tenant IS ?2");
    COUNT_USERS = "SELECT COUNT(*) FROM scim_users WHERE tenant IS ?1 AND (?2 IS NULL OR id = ?2) \
                   AND (?3 IS NULL OR user_name_folded = ?3) AND (?4 IS NULL OR external_id = ?4) \
                   AND (?5 IS NULL OR lower(json_extract(resource, '$.displayName')) = ?5) \
                   AND (?6 IS NULL OR EXISTS (SELECT 1 FROM json_each(resource, '$.emails') e \
                   WHERE lower(json_extract(e.value, '$.value')) = ?6))";
    LIST_USERS = concat!(
        "SELECT ", user!(columns), " FROM scim_users WHERE tenant IS ?1 AND (?2 IS NULL OR id = ?2) \
         AND (?3 IS NULL OR user_name_folded = ?3) AND (?4 IS NULL OR external_id = ?4) \
         AND (?5 IS NULL OR lower(json_extract(resource, '$.displayName')) = ?5) \
         AND (?6 IS NULL OR EXISTS (SELECT 1 FROM json_each(resource, '$.emails') e \
         WHERE lower(json_extract(e.value, '$.value')) = ?6)) ORDER BY id LIMIT ?7 OFFSET ?8"
    );
    SET_USER = "UPDATE scim_users SET user_name = ?2, user_name_folded = ?3, external_id = ?4, is_active = ?5, resource = ?6, \
                changed_at = ?7 WHERE id = ?1";
    DELETE_USER = "DELETE FROM scim_users WHERE id = ?1";
    LEAVE_GROUPS = "DELETE FROM scim_group_users WHERE user = ?1";
    BY_EXTERNAL_ID = concat!("SELECT ", user!(columns), " FROM scim_users WHERE tenant IS ?1 AND external_id = ?2 LIMIT 2");
    INSERT_GROUP = group!(insert into "scim_groups");
    GET_GROUP = concat!("SELECT ", group!(columns), " FROM scim_groups WHERE id = ?1 AND tenant IS ?2");
    COUNT_GROUPS = "SELECT COUNT(*) FROM scim_groups WHERE tenant IS ?1 AND (?2 IS NULL OR id = ?2) \
                    AND (?3 IS NULL OR lower(display_name) = ?3) AND (?4 IS NULL OR external_id = ?4)";
    LIST_GROUPS = concat!(
        "SELECT ", group!(columns), " FROM scim_groups WHERE tenant IS ?1 AND (?2 IS NULL OR id = ?2) \
         AND (?3 IS NULL OR lower(display_name) = ?3) AND (?4 IS NULL OR external_id = ?4) ORDER BY id LIMIT ?5 OFFSET ?6"
    );
    SET_GROUP = "UPDATE scim_groups SET display_name = ?2, external_id = ?3, changed_at = ?4 WHERE id = ?1";
    DELETE_GROUP = "DELETE FROM scim_groups WHERE id = ?1";
    EMPTY_GROUP = "DELETE FROM scim_group_users WHERE in_group = ?1";
    INSERT_MEMBER = "INSERT INTO scim_group_users (in_group, user) VALUES (?1, ?2)";
    MEMBERS_OF = concat!(
        "SELECT ", user!(columns of "u"), " FROM scim_group_users g JOIN scim_users u ON u.id = g.user WHERE g.in_group = ?1 \
         ORDER BY u.id"
    );
    GROUPS_OF = concat!(
        "SELECT ", group!(columns of "g"), " FROM scim_group_users m JOIN scim_groups g ON g.id = m.in_group WHERE m.user = ?1 \
         ORDER BY g.id"
    );
}

pub fn insert_token(tx: &Tx, token: &ScimToken) -> Result<(), StoreError> {
    token.insert(tx, INSERT_TOKEN)
}

pub fn find_token(tx: &Tx, hash: &[u8; 32]) -> Result<Option<ScimToken>, StoreError> {
    tx.find(FIND_TOKEN, params![hash], ScimToken::read)
}

pub fn get_token(tx: &Tx, id: ScimTokenId) -> Result<ScimToken, StoreError> {
    tx.get(GET_TOKEN, &id, ScimToken::read)
}

/// The tokens that are good, of a tenant or all.
pub fn list_tokens(tx: &Tx, tenant: Option<TenantId>) -> Result<Vec<ScimToken>, StoreError> {
    match &tenant {
        Some(tenant) => tx.all(LIST_TOKENS_OF, params![tenant], ScimToken::read),
        None => tx.all(LIST_TOKENS, params![], ScimToken::read),
    }
}

pub fn revoke_token(tx: &Tx, id: ScimTokenId, at: Timestamp) -> Result<(), StoreError> {
    tx.update(REVOKE_TOKEN, &id, params![&id, at])
}

pub fn note_use(tx: &Tx, id: ScimTokenId, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(NOTE_USE, params![&id, at])
}

pub fn insert_user(tx: &Tx, user: &ScimUser) -> Result<(), StoreError> {
    user.insert(tx, INSERT_USER)
}

/// A user of the directory of that tenant, or of the center.
pub fn find_user(tx: &Tx, tenant: Option<TenantId>, id: ScimUserId) -> Result<Option<ScimUser>, StoreError> {
    tx.find(GET_USER, params![&id, &tenant], ScimUser::read)
}

/// The users with that name in a directory, if it is one.
pub fn by_external_id(tx: &Tx, tenant: Option<TenantId>, id: &str) -> Result<Vec<ScimUser>, StoreError> {
    tx.all(BY_EXTERNAL_ID, params![&tenant, id], ScimUser::read)
}

fn count(row: Row<'_>) -> Result<u64, StoreError> {
    row.get(0)
}

/// How many users fit, and those of them that a page has.
pub fn list_users(
    tx: &Tx,
    tenant: Option<TenantId>,
    filter: Option<&Filter>,
    page: (u32, u32),
) -> Result<(u64, Vec<ScimUser>), StoreError> {
    let id = match filter {
        Some(Filter::Id(text)) => Some(text.parse::<ScimUserId>().unwrap_or(ScimUserId::from_bytes([0; 16]))),
        _ => None,
    };
    let folded = |text: &String| text.to_lowercase();
    let name =
        filter.and_then(|filter| if let Filter::UserName(text) = filter { Some(folded(text)) } else { None });
    let external = filter
        .and_then(|filter| if let Filter::ExternalId(text) = filter { Some(text.as_str()) } else { None });
    let display = filter
        .and_then(|filter| if let Filter::DisplayName(text) = filter { Some(folded(text)) } else { None });
    let email =
        filter.and_then(|filter| if let Filter::Email(text) = filter { Some(folded(text)) } else { None });
    let (name, display, email) = (name.as_deref(), display.as_deref(), email.as_deref());
    let total = tx.one(COUNT_USERS, params![&tenant, &id, name, external, display, email], count)?;
    let (most, skipped) = page;
    let found = tx.all(
        LIST_USERS,
        params![&tenant, &id, name, external, display, email, most, skipped],
        ScimUser::read,
    )?;
    Ok((total, found))
}

pub fn set_user(tx: &Tx, user: &ScimUser) -> Result<(), StoreError> {
    let resource = store::db::json(&user.resource)?;
    let ScimUser { id, user_name, user_name_folded, external_id, is_active, changed_at, .. } = user;
    let external_id = external_id.as_deref();
    tx.update(
        SET_USER,
        id,
        params![id, user_name, user_name_folded, external_id, *is_active, &resource, *changed_at],
    )
}

pub fn delete_user(tx: &Tx, id: ScimUserId) -> Result<(), StoreError> {
    tx.execute(LEAVE_GROUPS, params![&id])?;
    tx.update(DELETE_USER, &id, params![&id])
}

/// The groups that a user is in.
pub fn groups_of(tx: &Tx, user: ScimUserId) -> Result<Vec<ScimGroup>, StoreError> {
    tx.all(GROUPS_OF, params![&user], ScimGroup::read)
}

pub fn insert_group(tx: &Tx, group: &ScimGroup) -> Result<(), StoreError> {
    group.insert(tx, INSERT_GROUP)
}

pub fn find_group(
    tx: &Tx,
    tenant: Option<TenantId>,
    id: ScimGroupId,
) -> Result<Option<ScimGroup>, StoreError> {
    tx.find(GET_GROUP, params![&id, &tenant], ScimGroup::read)
}

/// How many groups fit, and those of them that a page has.
pub fn list_groups(
    tx: &Tx,
    tenant: Option<TenantId>,
    filter: Option<&Filter>,
    page: (u32, u32),
) -> Result<(u64, Vec<ScimGroup>), StoreError> {
    let id = match filter {
        Some(Filter::Id(text)) => {
            Some(text.parse::<ScimGroupId>().unwrap_or(ScimGroupId::from_bytes([0; 16])))
        }
        _ => None,
    };
    let external = filter
        .and_then(|filter| if let Filter::ExternalId(text) = filter { Some(text.as_str()) } else { None });
    let display = filter.and_then(|filter| {
        if let Filter::DisplayName(text) = filter { Some(text.to_lowercase()) } else { None }
    });
    let display = display.as_deref();
    let total = tx.one(COUNT_GROUPS, params![&tenant, &id, display, external], count)?;
    let (most, skipped) = page;
    let found =
        tx.all(LIST_GROUPS, params![&tenant, &id, display, external, most, skipped], ScimGroup::read)?;
    Ok((total, found))
}

pub fn set_group(tx: &Tx, group: &ScimGroup) -> Result<(), StoreError> {
    let ScimGroup { id, display_name, external_id, changed_at, .. } = group;
    tx.update(SET_GROUP, id, params![id, display_name, external_id.as_deref(), *changed_at])
}

pub fn delete_group(tx: &Tx, id: ScimGroupId) -> Result<(), StoreError> {
    tx.execute(EMPTY_GROUP, params![&id])?;
    tx.update(DELETE_GROUP, &id, params![&id])
}

/// Puts these users, and no others, into a group.
pub fn set_members(tx: &Tx, group: ScimGroupId, users: &[ScimUserId]) -> Result<(), StoreError> {
    tx.execute(EMPTY_GROUP, params![&group])?;
    users.iter().try_for_each(|user| tx.execute(INSERT_MEMBER, params![&group, user]))
}

pub fn members_of(tx: &Tx, group: ScimGroupId) -> Result<Vec<ScimUser>, StoreError> {
    tx.all(MEMBERS_OF, params![&group], ScimUser::read)
}
