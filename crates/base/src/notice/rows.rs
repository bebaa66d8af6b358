//! What is to reach people, as rows: the cursor, notices in inboxes, items of mails, and what persons want.

use domain::{JobId, MemberId, PersonId, Role, TenantId, Timestamp};
use serde_json::Value;
use store::{
    StoreError, Tx,
    db::{Record as _, json, params},
    rows, statements,
};

use super::{manners::Manners, topic::Channel};

domain::ids! {
    /// A notice 通知 in somebody's inbox.
    NoticeId of Told = "ntc_", "notice";
}

/// A notice in a member's inbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub id: NoticeId,
    pub member: MemberId,
    /// The event's number.
    pub event: i64,
    pub topic: String,
    pub at: Timestamp,
    pub data: Value,
    pub href: String,
    pub read_at: Option<Timestamp>,
}

/// A notice that waits for the next mail to a person.
#[derive(Clone, Debug, PartialEq)]
pub struct MailItem {
    pub person: PersonId,
    pub event: i64,
    pub topic: String,
    pub at: Timestamp,
    pub data: Value,
    pub href: String,
    pub due_at: Timestamp,
}

/// What a person wants of a topic by a channel, other than by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub person: PersonId,
    pub topic: String,
    pub channel: Channel,
    pub is_wanted: bool,
}

/// A member, and the person who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reader {
    pub member: MemberId,
    pub person: PersonId,
}

rows! { notice: Notice = id, member, event, topic, at, data as json, href, read_at }
rows! { item: MailItem = person, event, topic, at, data as json, href, due_at }
rows! { wish: Wish = person, topic, channel as code, is_wanted }
rows! { manners: Manners = person, lang, daily_at, quiet_from, quiet_until }

statements! { "notices";
    CURSOR = "SELECT seq FROM notice_cursor";
    SET_CURSOR = "UPDATE notice_cursor SET seq = ?1 WHERE seq < ?1";
    PASS = "UPDATE notice_cursor SET seq = (SELECT COALESCE(MAX(seq), 0) FROM events)";
    INSERT = concat!(notice!(insert into "notices"), " ON CONFLICT (member, event, topic) DO NOTHING");
    LIST = concat!("SELECT ", notice!(columns), " FROM notices WHERE member = ?1 AND (?2 IS NULL OR \
        (event, topic) < (SELECT event, topic FROM notices WHERE id = ?2)) \
        AND (?3 = 0 OR read_at IS NULL) ORDER BY event DESC, topic DESC LIMIT ?4");
    READ = "UPDATE notices SET read_at = ?3 WHERE id = ?1 AND member = ?2 AND read_at IS NULL";
    IS_THERE = "SELECT 1 FROM notices WHERE id = ?1 AND member = ?2";
    READ_ALL = "UPDATE notices SET read_at = ?3 WHERE member = ?1 AND read_at IS NULL \
        AND (?2 IS NULL OR event <= (SELECT event FROM notices WHERE id = ?2))";
    UNREAD = "SELECT member, COUNT(*) FROM notices WHERE read_at IS NULL GROUP BY member";
    PRUNE = "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE read_at < ?1 LIMIT 1000)";
    INSERT_ITEM = concat!(item!(insert into "mail_items"), " ON CONFLICT (person, event, topic) DO NOTHING");
    DUE = "SELECT DISTINCT person FROM mail_items WHERE due_at <= ?1 LIMIT ?2";
    ITEMS = concat!("SELECT ", item!(columns), " FROM mail_items WHERE person = ?1 ORDER BY event, topic LIMIT ?2");
    DELETE_ITEM = "DELETE FROM mail_items WHERE person = ?1 AND event = ?2 AND topic = ?3";
    WISHES = concat!("SELECT ", wish!(columns), " FROM notice_wishes WHERE person = ?1");
    SET_WISH = concat!(wish!(insert into "notice_wishes"),
        " ON CONFLICT (person, topic, channel) DO UPDATE SET is_wanted = excluded.is_wanted");
    MANNERS = concat!("SELECT ", manners!(columns), " FROM notice_manners WHERE person = ?1");
    SET_MANNERS = concat!(manners!(insert into "notice_manners"), " ON CONFLICT (person) DO UPDATE SET \
        lang = excluded.lang, daily_at = excluded.daily_at, quiet_from = excluded.quiet_from, \
        quiet_until = excluded.quiet_until");
    SUBMITTER = "SELECT m.id, m.person FROM jobs j JOIN memberships m ON m.id = j.submitted_by \
        WHERE j.id = ?1 AND m.is_enabled = 1";
    APPLICANT = "SELECT m.id, m.person FROM applications a JOIN memberships m ON m.id = a.applicant \
        WHERE a.number = ?1 AND m.is_enabled = 1";
    IN_ROLE = "SELECT id, person FROM memberships WHERE tenant IS ?1 AND role = ?2 AND is_enabled = 1";
    LINK_KEY = "SELECT bytes FROM link_keys WHERE purpose = ?1";
    ADD_LINK_KEY = "INSERT INTO link_keys (purpose, bytes) VALUES (?1, ?2) ON CONFLICT (purpose) DO NOTHING";
}

/// Up to which event everything was handed on.
pub fn cursor(tx: &Tx) -> Result<i64, StoreError> {
    tx.one(CURSOR, params![], |row| row.get(0))
}

pub fn set_cursor(tx: &Tx, seq: i64) -> Result<(), StoreError> {
    tx.execute(SET_CURSOR, params![seq])
}

/// What has happened so far is nobody's notice.
pub fn pass(tx: &Tx) -> Result<(), StoreError> {
    tx.execute(PASS, params![])
}

/// Puts a notice into an inbox; whether it was not there before.
pub fn insert(tx: &Tx, notice: &Notice) -> Result<bool, StoreError> {
    let data = json(&notice.data)?;
    let Notice { id, member, event, topic, at, data: _, href, read_at } = notice;
    Ok(tx.changed(INSERT, params![id, member, *event, topic, *at, &data, href, read_at])? > 0)
}

/// A member's notices before that one, the newest first.
pub fn list(
    tx: &Tx,
    member: MemberId,
    before: Option<NoticeId>,
    only_unread: bool,
    limit: u32,
) -> Result<Vec<Notice>, StoreError> {
    tx.all(LIST, params![&member, &before, only_unread, limit], Notice::read)
}

/// Marks a member's notice as read; how many were unread, or nothing where it is not the member's.
pub fn read(tx: &Tx, member: MemberId, id: NoticeId, at: Timestamp) -> Result<Option<usize>, StoreError> {
    let is_there = tx.find(IS_THERE, params![&id, &member], |_| Ok(()))?.is_some();
    let read = tx.changed(READ, params![&id, &member, at])?;
    Ok(is_there.then_some(read))
}

/// Marks all of a member's notices up to that one as read; how many were not.
pub fn read_all(
    tx: &Tx,
    member: MemberId,
    until: Option<NoticeId>,
    at: Timestamp,
) -> Result<usize, StoreError> {
    tx.changed(READ_ALL, params![&member, &until, at])
}

/// How many notices of each member are unread.
pub fn unread(tx: &Tx) -> Result<Vec<(MemberId, u64)>, StoreError> {
    tx.all(UNREAD, params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Removes notices that were read before that instant; a part of them where there are many.
pub fn prune(tx: &Tx, before: Timestamp) -> Result<usize, StoreError> {
    tx.changed(PRUNE, params![before])
}

pub fn insert_item(tx: &Tx, item: &MailItem) -> Result<(), StoreError> {
    item.insert(tx, INSERT_ITEM)
}

/// Persons for whom it is time for a mail.
pub fn due(tx: &Tx, now: Timestamp, limit: u32) -> Result<Vec<PersonId>, StoreError> {
    tx.all(DUE, params![now, limit], |row| row.get(0))
}

/// What waits for the next mail to a person.
pub fn items(tx: &Tx, person: PersonId, limit: u32) -> Result<Vec<MailItem>, StoreError> {
    tx.all(ITEMS, params![&person, limit], MailItem::read)
}

pub fn delete_item(tx: &Tx, item: &MailItem) -> Result<(), StoreError> {
    tx.execute(DELETE_ITEM, params![&item.person, item.event, &item.topic])
}

pub fn wishes(tx: &Tx, person: PersonId) -> Result<Vec<Wish>, StoreError> {
    tx.all(WISHES, params![&person], Wish::read)
}

pub fn set_wish(tx: &Tx, wish: &Wish) -> Result<(), StoreError> {
    wish.insert(tx, SET_WISH)
}

pub fn manners(tx: &Tx, person: PersonId) -> Result<Manners, StoreError> {
    Ok(tx.find(MANNERS, params![&person], Manners::read)?.unwrap_or_else(|| Manners::of(person)))
}

pub fn set_manners(tx: &Tx, manners: &Manners) -> Result<(), StoreError> {
    manners.insert(tx, SET_MANNERS)
}

fn reader(row: store::db::Row<'_>) -> Result<Reader, StoreError> {
    Ok(Reader { member: row.get(0)?, person: row.get(1)? })
}

/// Whoever submitted a job, while they may sign in.
pub fn submitter(tx: &Tx, job: JobId) -> Result<Option<Reader>, StoreError> {
    tx.find(SUBMITTER, params![&job], reader)
}

/// The member who asks, of an application of that number.
pub fn applicant(tx: &Tx, number: &str) -> Result<Option<Reader>, StoreError> {
    tx.find(APPLICANT, params![number], reader)
}

/// A tenant's people in a role, or the center's own.
pub fn in_role(tx: &Tx, tenant: Option<TenantId>, role: Role) -> Result<Vec<Reader>, StoreError> {
    tx.all(IN_ROLE, params![&tenant, role.code()], reader)
}

pub fn link_key(tx: &Tx, purpose: &str) -> Result<Option<[u8; 32]>, StoreError> {
    tx.find(LINK_KEY, params![purpose], |row| row.get(0))
}

pub fn add_link_key(tx: &Tx, purpose: &str, bytes: &[u8; 32]) -> Result<(), StoreError> {
    tx.execute(ADD_LINK_KEY, params![purpose, bytes])
}
