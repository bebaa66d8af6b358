//! From events to what goes out. A turn reads the events behind the cursor, works out in a snapshot whom each reaches, and
//! writes that down together with the cursor: each event is handed on once, whatever happens in between. Where nobody is
//! concerned nothing is written but the cursor, and that once in a while.

use std::collections::{BTreeSet, HashMap};

use domain::{MemberId, PersonId, Timestamp};
use serde_json::{Value, json};
use store::{StoreError, Tx, events::Event};

use super::{
    endpoint::rows::{self as endpoints, Delivery, Endpoint},
    mail::outbox::{self, Mail},
    manners::Manners,
    rows::{self, MailItem, Notice, NoticeId, Reader, Wish},
    topic::{Audience, Channel, Topic},
};
use crate::{
    error::AppError,
    handle::Base,
    moment::{self, new_id},
};

/// The most events of one turn.
pub const AT_ONCE: u32 = 500;

/// What is to go out because of some events.
#[derive(Debug, Default)]
struct Out {
    notices: Vec<Notice>,
    items: Vec<MailItem>,
    deliveries: Vec<Delivery>,
    mails: Vec<Mail>,
    /// The last event that was looked at.
    until: i64,
    is_more: bool,
}

impl Out {
    fn is_empty(&self) -> bool {
        self.notices.is_empty()
            && self.items.is_empty()
            && self.deliveries.is_empty()
            && self.mails.is_empty()
    }
}

/// Where the loop stands: behind which event it goes on, and which event the store knows of.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    seen: i64,
    kept: i64,
}

/// How far the cursor in the store may lag behind where nobody was concerned.
const MOST_BEHIND: i64 = 5_000;

/// Where the store says that it goes on.
pub fn place(base: &Base) -> Result<Place, AppError> {
    let seen = base.read_now(|tx| Ok(rows::cursor(tx)?))?;
    Ok(Place { seen, kept: seen })
}

/// Mails that an event calls for beside notices: its second argument is the event, the third the time.
pub type Beside<'a> = &'a dyn Fn(&Tx, &Event, Timestamp) -> Result<Vec<Mail>, AppError>;

/// Hands on the next events; whether there are more.
pub fn turn(base: &Base, place: &mut Place, beside: Beside<'_>) -> Result<bool, AppError> {
    let (after, now) = (place.seen, moment::now());
    let out = base.read_now(|tx| look(base, tx, after, now, beside))?;
    let (until, is_more) = (out.until, out.is_more);
    if !out.is_empty() || until - place.kept >= MOST_BEHIND {
        base.write_now(
            move |tx| write(tx, &out),
            |base, came: &HashMap<MemberId, u64>| {
                for (member, more) in came {
                    base.unread.came(*member, *more);
                }
            },
        )?;
        place.kept = until;
    }
    place.seen = until;
    Ok(is_more)
}

fn write(tx: &Tx, out: &Out) -> Result<HashMap<MemberId, u64>, AppError> {
    let mut came: HashMap<MemberId, u64> = HashMap::new();
    for notice in &out.notices {
        if rows::insert(tx, notice)? {
            *came.entry(notice.member).or_default() += 1;
        }
    }
    for item in &out.items {
        rows::insert_item(tx, item)?;
    }
    for delivery in &out.deliveries {
        endpoints::insert_delivery(tx, delivery)?;
    }
    for mail in &out.mails {
        outbox::insert_once(tx, mail)?;
    }
    rows::set_cursor(tx, out.until)?;
    Ok(came)
}

/// What is known of persons, looked up once a turn.
#[derive(Default)]
struct Known {
    wishes: HashMap<PersonId, Vec<Wish>>,
    /// The manners of those who get mail.
    manners: HashMap<PersonId, Option<Manners>>,
}

impl Known {
    fn wants(
        &mut self,
        tx: &Tx,
        person: PersonId,
        topic: &Topic,
        channel: Channel,
    ) -> Result<bool, StoreError> {
        let wishes = match self.wishes.entry(person) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => new.insert(rows::wishes(tx, person)?),
        };
        let said = wishes.iter().find(|wish| wish.topic == topic.code && wish.channel == channel);
        Ok(said.map_or_else(|| topic.by_default.contains(&channel), |wish| wish.is_wanted))
    }

    /// The manners of a person who has an address.
    fn manners(&mut self, tx: &Tx, person: PersonId) -> Result<Option<&Manners>, StoreError> {
        if let std::collections::hash_map::Entry::Vacant(new) = self.manners.entry(person) {
            let has_address = !store::tenants::get_person(tx, person)?.email.is_empty();
            new.insert(if has_address { Some(rows::manners(tx, person)?) } else { None });
        }
        Ok(self.manners[&person].as_ref())
    }
}

fn look(base: &Base, tx: &Tx, after: i64, now: Timestamp, beside: Beside<'_>) -> Result<Out, AppError> {
    let events = store::events::list_after(tx, after, None, None, AT_ONCE)?;
    let mut out = Out { until: after, is_more: events.len() == AT_ONCE as usize, ..Out::default() };
    if events.is_empty() {
        return Ok(out);
    }
    let endpoints = endpoints::enabled(tx)?;
    let kinds = base.kinds();
    let mut known = Known::default();
    for event in &events {
        out.until = event.seq;
        let kind = kinds.iter().find(|kind| kind.code() == event.event.kind);
        let mut data = None;
        for topic in kind.map_or(&[][..], |kind| kind.topics()) {
            if (topic.when)(&event.event.data) {
                let data = data.get_or_insert_with(|| whole(event));
                to_people(base, tx, (event, data), topic, &mut known, (&mut out, now))?;
            }
        }
        to_endpoints(&endpoints, event, now, &mut out);
        out.mails.extend(beside(tx, event, now)?);
    }
    Ok(out)
}

/// The event's data, with its job, run and tenant where it has any.
fn whole(event: &Event) -> Value {
    let mut data = event.event.data.clone();
    let mut put = |key: &str, id: Option<String>| {
        if let (Some(id), Value::Object(fields)) = (id, &mut data) {
            fields.entry(key).or_insert(json!(id));
        }
    };
    put("job", event.event.job.map(|id| id.to_string()));
    put("run", event.event.run.map(|id| id.to_string()));
    data
}

fn to_people(
    base: &Base,
    tx: &Tx,
    (event, data): (&Event, &Value),
    topic: &Topic,
    known: &mut Known,
    (out, now): (&mut Out, Timestamp),
) -> Result<(), StoreError> {
    let mut readers = BTreeSet::new();
    for audience in topic.to {
        readers.extend(readers_of(tx, *audience, event)?);
    }
    let href = topic.page_of(data);
    let mut written_to = BTreeSet::new();
    for Reader { member, person } in readers {
        if known.wants(tx, person, topic, Channel::Inbox)? {
            out.notices.push(Notice {
                id: new_id!(NoticeId),
                member,
                event: event.seq,
                topic: topic.code.to_owned(),
                at: event.event.at,
                data: data.clone(),
                href: href.clone(),
                read_at: None,
            });
        }
        let wants_mail = base.common.mail.is_on() && known.wants(tx, person, topic, Channel::Mail)?;
        if !wants_mail || !written_to.insert(person) {
            continue;
        }
        if let Some(manners) = known.manners(tx, person)? {
            out.items.push(MailItem {
                person,
                event: event.seq,
                topic: topic.code.to_owned(),
                at: event.event.at,
                data: data.clone(),
                href: href.clone(),
                due_at: manners.due(base.common.time_zone, now),
            });
        }
    }
    Ok(())
}

fn readers_of(tx: &Tx, audience: Audience, event: &Event) -> Result<Vec<Reader>, StoreError> {
    let found = match audience {
        Audience::Submitter => event.event.job.map(|job| rows::submitter(tx, job)).transpose()?.flatten(),
        Audience::Applicant => {
            let number = event.event.data.get("number").and_then(Value::as_str);
            number.map(|number| rows::applicant(tx, number)).transpose()?.flatten()
        }
        Audience::Tenant(role) => {
            let Some(tenant) = event.event.tenant else { return Ok(Vec::new()) };
            return rows::in_role(tx, Some(tenant), role);
        }
        Audience::Center(role) => return rows::in_role(tx, None, role),
        Audience::CenterNamed { key, among } => {
            let named = event.event.data.get(key).and_then(Value::as_str);
            let Some(role) = among.iter().find(|role| named == Some(role.code())) else {
                return Ok(Vec::new());
            };
            return rows::in_role(tx, None, *role);
        }
    };
    Ok(found.into_iter().collect())
}

fn to_endpoints(endpoints: &[Endpoint], event: &Event, now: Timestamp, out: &mut Out) {
    for endpoint in endpoints {
        let sees = endpoint.tenant.is_none() || endpoint.tenant == event.event.tenant;
        if sees && endpoint.takes(&event.event.kind) {
            out.deliveries.push(Delivery::new(endpoint.id, Some(event.seq), &event.event.kind, now));
        }
    }
}
