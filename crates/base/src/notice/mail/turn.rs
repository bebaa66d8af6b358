//! What the loop of mail does: items whose time has come become mails, and mails that are due go to the relay.
//!
//! The relay is asked first whether it answers. While it does not, mails wait and none counts as tried, so that an outage
//! costs one connection a look and loses nothing.

use domain::{Lang, PersonId, Timestamp};
use serde_json::json;
use store::{StoreError, Tx, tenants};

use super::{
    letter::{self, NOTICES},
    link,
    outbox::{self, LINK, Mail, MailState},
    relay::{NotSent, Relay},
};
use crate::{
    error::AppError,
    handle::Base,
    moment,
    notice::{
        rows::{self, MailItem},
        vault::Vault,
    },
};

/// The most mails of one turn.
const AT_ONCE: u32 = 50;
/// The most notices that one mail brings; the others come with the next.
const MOST_ITEMS: u32 = 100;

/// How a turn went.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Turned {
    pub sent: usize,
    /// There may be more to do at once.
    pub is_more: bool,
}

/// One turn. An error is the relay's, or the store's: both are tried again.
pub fn turn(base: &Base, vault: &impl Vault) -> Result<Turned, AppError> {
    if !base.common.mail.is_on() {
        return Ok(Turned::default());
    }
    gather(base)?;
    let now = moment::now();
    let (due, key) = base.read_now(|tx| Ok((outbox::due(tx, now, AT_ONCE)?, link::key(tx)?)))?;
    if due.is_empty() {
        return Ok(Turned::default());
    }
    let key = match key {
        Some(key) => key,
        None => make_key(base)?,
    };
    let relay = Relay::of(&base.common.mail).map_err(AppError::internal)?;
    relay.check().map_err(AppError::internal)?;
    let (mut sent, is_more) = (0, due.len() == AT_ONCE as usize);
    for mail in due {
        let outcome = send(base, vault, &relay, &key, &mail);
        sent += usize::from(outcome.is_ok());
        base.write_now(move |tx| Ok(keep(tx, &mail, outcome, moment::now())?), |_, ()| ())?;
    }
    Ok(Turned { sent, is_more })
}

fn make_key(base: &Base) -> Result<[u8; 32], AppError> {
    let bytes = moment::random();
    let made = move |tx: &Tx| -> Result<Option<[u8; 32]>, AppError> {
        link::make_key(tx, &bytes)?;
        Ok(link::key(tx)?)
    };
    base.write_now(made, |_, _| ())?.ok_or_else(|| AppError::internal("the key that was made is not there"))
}

fn send(base: &Base, vault: &impl Vault, relay: &Relay, key: &[u8; 32], mail: &Mail) -> Result<(), NotSent> {
    let secret = match mail.secret() {
        Some(sealed) => match vault.open(mail.id.as_bytes(), LINK, &sealed) {
            Ok(secret) => Some(secret),
            // Its key is gone for good: nobody can be sent what nobody can read.
            Err(error) => return Err(NotSent::Never(error.to_string())),
        },
        None => None,
    };
    let unsubscribe = unsubscribe(key, mail);
    let letter = letter::write(base, mail, secret.as_deref(), unsubscribe.as_deref());
    let sent = relay.send(mail.id, &mail.address, letter);
    if let Err(why) = &sent {
        tracing::warn!(mail = %mail.id, purpose = mail.purpose, ?why, "a mail did not go");
    }
    sent
}

/// The link at which mails like this one end: those that bring notices, and no others.
fn unsubscribe(key: &[u8; 32], mail: &Mail) -> Option<String> {
    let person = mail.person.filter(|_| mail.purpose == NOTICES)?;
    let items = mail.data.get("items")?.as_array()?;
    let topic =
        |item: &serde_json::Value| item.get("topic").and_then(|topic| topic.as_str()).map(str::to_owned);
    let mut topics: Vec<String> = items.iter().filter_map(topic).collect();
    topics.dedup();
    let topic = if let [one] = &topics[..] { one } else { link::ALL_TOPICS };
    Some(link::unsubscribe(key, person, topic))
}

fn keep(tx: &Tx, mail: &Mail, outcome: Result<(), NotSent>, now: Timestamp) -> Result<(), StoreError> {
    match outcome {
        Ok(()) => outbox::end(tx, mail, MailState::Sent, "", now),
        Err(NotSent::Never(why)) => outbox::end(tx, mail, MailState::Failed, &why, now),
        Err(NotSent::NotNow(why)) => match outbox::again(mail.attempts + 1, now) {
            Some(at) => outbox::later(tx, mail, &why, at),
            None => outbox::end(tx, mail, MailState::Failed, &why, now),
        },
    }
}

/// Makes mails of the items whose time has come, one for each person.
fn gather(base: &Base) -> Result<(), AppError> {
    let now = moment::now();
    for person in base.read_now(|tx| Ok(rows::due(tx, now, AT_ONCE)?))? {
        base.write_now(move |tx| Ok(gather_for(tx, person, now)?), |_, ()| ())?;
    }
    Ok(())
}

fn gather_for(tx: &Tx, person: PersonId, now: Timestamp) -> Result<(), StoreError> {
    let known = tenants::get_person(tx, person)?;
    let items = rows::items(tx, person, MOST_ITEMS)?;
    items.iter().try_for_each(|item| rows::delete_item(tx, item))?;
    // Whoever was kept out meanwhile, or took their address back, gets none.
    if known.email.is_empty() || !known.is_enabled || items.is_empty() {
        return Ok(());
    }
    let told = |item: &MailItem| json!({ "topic": item.topic, "at": domain::Rfc3339(item.at), "data": item.data, "href": item.href });
    let data = json!({ "items": items.iter().map(told).collect::<Vec<_>>() });
    let lang = rows::manners(tx, person)?.lang().map(|lang: Lang| lang.code().to_owned());
    let mail = Mail { person: Some(person), lang, ..Mail::new(NOTICES, &known.email, data, now) };
    outbox::insert(tx, &mail)
}
