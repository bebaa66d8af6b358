//! What can be asked of one's notices. They are a member's own: nobody else sees them, whatever their role.

use base::{
    audit::{self, Change},
    auth::{Caller, May},
    change::Changed,
    error::AppError,
    listing::Listing,
    moment,
    notice::{
        mail::link,
        manners::Manners,
        rows::{self, Notice, NoticeId, Wish},
        said,
        topic::{Channel, Topic},
    },
    params,
    text::Text,
};
use center::center::Center;
use domain::{
    Lang, PersonId, Rfc3339,
    problem::{Quantity, Wrong, field, field::Field},
    text::{InvalidLine, LineFault},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Tx, tenants};

use super::rule;

/// A notice in the caller's inbox.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct NoticeView {
    pub id: NoticeId,
    /// As in the list of wishes: `job_failed`.
    pub topic: String,
    /// The number of the event that it tells of.
    pub event: i64,
    pub at: Rfc3339,
    pub text: Text,
    /// The page that it is about; empty where there is none.
    pub href: String,
    pub is_read: bool,
    #[schema(value_type = Object)]
    pub data: Value,
}

impl NoticeView {
    fn of(center: &Center, notice: Notice) -> Self {
        let line = |lang| said::line(center.kinds(), lang, &notice.topic, &notice.data);
        Self {
            text: Text { zh: line(Lang::Zh), en: line(Lang::En) },
            id: notice.id,
            topic: notice.topic,
            event: notice.event,
            at: notice.at.into(),
            href: notice.href,
            is_read: notice.read_at.is_some(),
            data: notice.data,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct NoticeQuery {
    /// Those alone that were not read.
    pub unread: Option<bool>,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// The caller's notices, the newest first.
pub async fn list(
    center: &Center,
    caller: &Caller,
    query: NoticeQuery,
) -> Result<Listing<NoticeView>, AppError> {
    let before = params::parse_cursor::<NoticeId>(query.cursor.as_deref())?;
    let limit = params::page_limit(query.limit)?;
    let (member, only_unread) = (caller.member.id, query.unread.unwrap_or_default());
    let found = center.read(move |tx| rows::list(tx, member, before, only_unread, limit + 1)).await?;
    Ok(Listing::cut(found, limit, |one| one.id.to_string()).map(|notice| NoticeView::of(center, notice)))
}

/// How many notices were marked as read.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct MarkedRead {
    pub notices: u64,
}

/// Marks a notice of the caller's as read.
pub async fn read(center: &Center, caller: &Caller, id: &str) -> Result<MarkedRead, AppError> {
    let id: NoticeId = params::id(id, "notice")?;
    let (may, member, now) = (May::of_own_account(caller, rule::READ_OWN), caller.member.id, moment::now());
    let write = move |tx: &Tx| {
        let read = rows::read(tx, member, id, now)?.ok_or_else(|| AppError::not_found("notice", id))?;
        Ok(Changed::nothing(read as u64))
    };
    let notices = center.change(may, write, move |center, read| center.unread.went(member, *read)).await?;
    Ok(MarkedRead { notices })
}

/// Marks the caller's notices as read, up to one that they have seen; all of them where none is named.
pub async fn read_all(center: &Center, caller: &Caller, until: Option<&str>) -> Result<MarkedRead, AppError> {
    let until = until.filter(|text| !text.is_empty());
    let until = until.map(|id| params::id::<NoticeId>(id, "notice")).transpose()?;
    let (may, member, now) = (May::of_own_account(caller, rule::READ_OWN), caller.member.id, moment::now());
    let write = move |tx: &Tx| {
        let read = rows::read_all(tx, member, until, now)? as u64;
        if read == 0 {
            return Ok(Changed::nothing(read));
        }
        Ok(Changed::new(member, json!({ "notices": read }), read))
    };
    let notices = center.change(may, write, move |center, read| center.unread.went(member, *read)).await?;
    Ok(MarkedRead { notices })
}

/// What the caller wants of one topic.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TopicView {
    pub topic: String,
    pub name: Text,
    pub inbox: bool,
    pub mail: bool,
}

/// What the caller wants to hear of, and how.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct WishesView {
    pub topics: Vec<TopicView>,
    /// The language of mails; `null` for both.
    pub lang: Option<String>,
    /// The hour of the center's time zone at which mail comes, all in one; `null` for at once.
    pub daily_at: Option<u8>,
    /// From this hour until the other no mail comes.
    pub quiet_from: Option<u8>,
    pub quiet_until: Option<u8>,
    /// Whether the center sends mail.
    pub has_mail: bool,
    /// The address that mail goes to; empty where nobody said one.
    pub email: String,
}

/// The topics that can concern somebody in the caller's role.
fn topics<'a>(center: &'a Center, caller: &'a Caller) -> impl Iterator<Item = &'static Topic> + use<'a> {
    let role = caller.member.role;
    said::topics(center.kinds()).filter(move |topic| rule::concerns(topic, role))
}

/// What the caller wants, as it is now.
pub async fn wishes(center: &Center, caller: &Caller) -> Result<WishesView, AppError> {
    let person = caller.member.person;
    let read = move |tx: &Tx| {
        Ok((rows::wishes(tx, person)?, rows::manners(tx, person)?, tenants::get_person(tx, person)?.email))
    };
    let (said, manners, email) = center.read(read).await?;
    let wants = |topic: &Topic, channel: Channel| {
        let wish = said.iter().find(|wish| wish.topic == topic.code && wish.channel == channel);
        wish.map_or_else(|| topic.by_default.contains(&channel), |wish| wish.is_wanted)
    };
    let view = |topic: &'static Topic| {
        let name = |lang| base::page::texts::text(lang, &format!("topic-{}", topic.code), &[]);
        TopicView {
            topic: topic.code.to_owned(),
            name: Text { zh: name(Lang::Zh), en: name(Lang::En) },
            inbox: wants(topic, Channel::Inbox),
            mail: wants(topic, Channel::Mail),
        }
    };
    let Manners { lang, daily_at, quiet_from, quiet_until, person: _ } = manners;
    let topics = topics(center, caller).map(view).collect();
    let has_mail = center.common.mail.is_on();
    Ok(WishesView { topics, lang, daily_at, quiet_from, quiet_until, has_mail, email })
}

/// A wish for one topic and channel.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWish {
    pub topic: String,
    /// `inbox` or `mail`.
    #[schema(value_type = Channel)]
    pub channel: String,
    pub is_wanted: bool,
}

/// Changes of what the caller wants. What is left out stays; the manners are set together, where any is given.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WishesChange {
    #[serde(default)]
    pub topics: Vec<NewWish>,
    pub manners: Option<NewManners>,
}

/// How mail comes.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewManners {
    /// `zh` or `en`; both where left out.
    pub lang: Option<String>,
    /// An hour, 0 to 23; at once where left out.
    #[schema(maximum = 23)]
    pub daily_at: Option<u8>,
    #[schema(maximum = 23)]
    pub quiet_from: Option<u8>,
    #[schema(maximum = 23)]
    pub quiet_until: Option<u8>,
}

fn hour(at: Field, hour: Option<u8>) -> Result<Option<u8>, AppError> {
    match hour {
        Some(given) if given > 23 => {
            let wrong = Wrong::OutOfRange { of: Quantity::Number, given: given.into(), least: 0, most: 23 };
            Err(AppError::invalid(at, wrong))
        }
        hour => Ok(hour),
    }
}

fn missing() -> Wrong {
    Wrong::Line(InvalidLine { most: 2, fault: LineFault::Empty })
}

fn manners_of(person: PersonId, new: NewManners) -> Result<Manners, AppError> {
    let known = Lang::ALL.map(Lang::code);
    let lang = new.lang.filter(|lang| !lang.is_empty());
    let lang = lang.map(|text| params::word(field::LANG, &text, Lang::from_code, &known)).transpose()?;
    let manners = Manners {
        person,
        lang: lang.map(|lang| lang.code().to_owned()),
        daily_at: hour(field::DAILY_AT, new.daily_at)?,
        quiet_from: hour(field::QUIET_FROM, new.quiet_from)?,
        quiet_until: hour(field::QUIET_UNTIL, new.quiet_until)?,
    };
    match (manners.quiet_from, manners.quiet_until) {
        (Some(_), None) => Err(AppError::invalid(field::QUIET_UNTIL, missing())),
        (None, Some(_)) => Err(AppError::invalid(field::QUIET_FROM, missing())),
        _ => Ok(manners),
    }
}

/// Sets what the caller wants.
pub async fn set_wishes(
    center: &Center,
    caller: &Caller,
    change: WishesChange,
) -> Result<WishesView, AppError> {
    let person = caller.member.person;
    let known: Vec<&'static str> = topics(center, caller).map(|topic| topic.code).collect();
    let mut wishes = Vec::new();
    for NewWish { topic, channel, is_wanted } in change.topics {
        if !known.contains(&topic.as_str()) {
            return Err(AppError::invalid(field::TOPIC, Wrong::unknown(&topic, &known)));
        }
        let channels = Channel::ALL.map(Channel::code);
        let channel = params::word(field::CHANNEL, &channel, Channel::from_code, &channels)?;
        wishes.push(Wish { person, topic, channel, is_wanted });
    }
    let manners = change.manners.map(|new| manners_of(person, new)).transpose()?;
    let may = May::of_own_account(caller, rule::SET_WISHES);
    let write = move |tx: &Tx| {
        let mut lines = Vec::new();
        for wish in &wishes {
            rows::set_wish(tx, wish)?;
            let detail =
                json!({ "topic": wish.topic, "channel": wish.channel.code(), "is_wanted": wish.is_wanted });
            lines.push((person.to_string(), detail));
        }
        if let Some(manners) = &manners {
            rows::set_manners(tx, manners)?;
            lines.push((person.to_string(), json!({ "manners": true })));
        }
        Ok(Changed::each(lines, ()))
    };
    center.change(may, write, |_, ()| ()).await?;
    self::wishes(center, caller).await
}

/// A link that ends mail of a kind, as it was given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ending {
    pub person: String,
    pub topic: String,
    pub signature: String,
}

/// Whose mail of which topic a link ends; nothing that the center did not sign is taken for one.
pub async fn look(center: &Center, from: &str, ending: &Ending) -> Result<(PersonId, String), AppError> {
    let not_found = || AppError::not_found("link", "unsubscribe");
    let (Ok(person), topic) = (ending.person.parse::<PersonId>(), ending.topic.clone()) else {
        return Err(not_found());
    };
    let key = center.read(link::key).await?;
    if key.is_some_and(|key| link::is_ours(&key, person, &topic, &ending.signature)) {
        return Ok((person, topic));
    }
    center.limits.application(from)?;
    Err(not_found())
}

/// Ends mail by a signed link. Doing it twice is doing it once.
pub async fn unsubscribe(center: &Center, from: &str, ending: &Ending) -> Result<String, AppError> {
    let (person, topic) = look(center, from, ending).await?;
    let topics: Vec<&'static str> = said::topics(center.kinds())
        .map(|known| known.code)
        .filter(|known| topic == link::ALL_TOPICS || topic == *known)
        .collect();
    let (from, told) = (from.to_owned(), topic.clone());
    let write = move |tx: &Tx| {
        for topic in topics {
            let wish = Wish { person, topic: topic.to_owned(), channel: Channel::Mail, is_wanted: false };
            rows::set_wish(tx, &wish)?;
        }
        let (action, subject) = (rule::UNSUBSCRIBE, person.to_string());
        let change = Change { tenant: None, action, subject, detail: json!({ "topic": told }) };
        audit::record_stranger(tx, &from, change)?;
        Ok(())
    };
    center.write(write, |_, ()| ()).await?;
    Ok(topic)
}
