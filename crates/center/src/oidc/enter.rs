//! Who it is that came back from an issuer, which places that gives, and the session.

use base::{
    audit::{self, Change},
    auth::{Caller, May, credentials::Session},
    change::Changed,
    error::AppError,
    events::{self, About, Event},
    moment::{self, new_id},
    refusal::Refused,
};
use domain::{Member, PersonId, SessionId, Timestamp, tenant::Person};
use serde_json::{Map, Value, json};
use store::{
    Tx,
    credentials::{OriginRow, Way, second_factors},
    tenants,
};

use super::{
    fault::Fault,
    issuer::{Issuer, Told},
    issuers::{Flow, Purpose},
    places::Places,
    rows,
    rule::{self, Identity, IdentityId, MOST_OF_ONE},
};
use crate::{
    app::members,
    center::Center,
    invitation,
    scim::{rows as directories, rule::giver},
    settings::oidc::OidcSettings,
};

/// What became of it.
#[derive(Debug)]
pub enum Entered {
    /// As that member, and the page to go on to.
    In { member: Member, way: Way, by: OriginRow, next: String },
    /// With a code of the center's own second factor first.
    Code { member: Member, by: OriginRow, next: String },
    /// A person who has no place yet.
    Pending { login: String },
    /// The account is bound to one more way in.
    Linked,
}

/// Finishes what a browser was sent to an issuer for. `session` is that of the browser, if it has one.
pub async fn finish(
    center: &Center,
    issuer: &Issuer,
    flow: Flow,
    told: Told,
    from: &str,
    session: Option<&Session>,
) -> Result<Entered, AppError> {
    match flow.purpose {
        Purpose::Link { person } => {
            let member = session.map(|session| &session.member).filter(|member| member.person == person);
            let member = member.ok_or_else(|| Fault::State.refused(&issuer.settings))?;
            link(center, issuer, member, from, told).await?;
            Ok(Entered::Linked)
        }
        Purpose::SignIn { next } => {
            let (by, has_factor) =
                (origin_of(issuer, &told), rule::has_factor(&issuer.settings, &told.claims));
            let person = recognize(center, issuer, told, from).await?;
            match person.members.into_iter().next() {
                Some(member) => go_on(center, member, by, has_factor, next).await,
                None => Ok(Entered::Pending { login: person.login }),
            }
        }
        Purpose::Join { token } => {
            let (by, has_factor) =
                (origin_of(issuer, &told), rule::has_factor(&issuer.settings, &told.claims));
            invitation::ask::look(center, &token).await?;
            let person = recognize(center, issuer, told, from).await?;
            let member = invitation::ask::join_with(center, from, &token, person.id).await?;
            go_on(center, member, by, has_factor, "/".into()).await
        }
    }
}

/// In, or to the code of the center's own second factor first.
async fn go_on(
    center: &Center,
    member: Member,
    by: OriginRow,
    has_factor: bool,
    next: String,
) -> Result<Entered, AppError> {
    let (person, asked_of) = (member.person, center.common.second_factor);
    let read = move |tx: &Tx| {
        let is_asked = asked_of.is_asked_of(&tenants::memberships_of(tx, person)?);
        Ok((is_asked, second_factors::is_bound(tx, person)?))
    };
    let (is_asked, is_bound) = center.read(read).await?;
    Ok(match rule::way_on(has_factor, is_asked, is_bound) {
        Some(way) => Entered::In { member, way, by, next },
        None => Entered::Code { member, by, next },
    })
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).map(|text| text.chars().take(255).collect())
}

/// What is kept of the issuer's word on a sign-in.
fn origin_of(issuer: &Issuer, told: &Told) -> OriginRow {
    let Told { id_token, subject, claims } = told;
    let amr = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
    let amr: Vec<&str> = amr.filter_map(Value::as_str).take(16).collect();
    let auth_time = claims.get("auth_time").and_then(Value::as_i64);
    OriginRow {
        session: new_id!(SessionId),
        issuer: issuer.settings.issuer.clone(),
        subject: subject.clone(),
        sid: text(claims, "sid"),
        acr: text(claims, "acr"),
        amr: amr.join(" "),
        auth_time: auth_time.map(|at| Timestamp::from_secs(at.clamp(0, 1 << 36))),
        id_token: id_token.clone(),
    }
}

/// Somebody who came by an issuer.
#[derive(Debug)]
struct Recognized {
    id: PersonId,
    login: String,
    /// What they may be, the member chosen last first.
    members: Vec<Member>,
    events: Vec<Event>,
}

/// The person of a subject, who is made where there is none yet; with the places that the claims give.
async fn recognize(center: &Center, issuer: &Issuer, told: Told, from: &str) -> Result<Recognized, AppError> {
    let settings = issuer.settings.clone();
    let plan = rule::plan(&settings, &told.claims);
    let absent = plan.absent.join(", ");
    let is_told = !absent.is_empty() && issuer.note_absent(&absent);
    if is_told {
        tracing::warn!(
            issuer = settings.name,
            absent,
            "claims that give roles are absent: roles stay as they are"
        );
    }
    let from = from.to_owned();
    let write = move |tx: &Tx| {
        let now = moment::now();
        let mut events = Vec::new();
        let (person, is_new) = person_of(tx, &settings, &told, &from, now)?;
        if !person.is_enabled {
            return Err(Refused::PersonIsOut.into());
        }
        if is_told {
            let data = json!({ "issuer": settings.name, "claims": absent });
            events.push(events::record(tx, now, About::default(), rule::CLAIM_ABSENT, data)?);
        }
        let giver = rule::giver(&settings);
        let places = Places { giver: &giver, issuer: &settings.name, now };
        places.apply(tx, &person, &plan, &mut events)?;
        let mut members = tenants::memberships_of(tx, person.id)?;
        members.retain(|member| member.is_enabled);
        if is_new && members.is_empty() {
            let data = json!({ "login": person.login, "issuer": settings.name });
            let tenant = settings.tenant.as_deref().map(|slug| tenants::find_tenant(tx, slug)).transpose()?;
            let about = About { tenant: tenant.flatten().map(|tenant| tenant.id), ..About::default() };
            events.push(events::record(tx, now, about, rule::PERSON_PENDING, data)?);
        }
        Ok(Recognized { id: person.id, login: person.login, members, events })
    };
    let done = |center: &Center, recognized: &Recognized| {
        center.credentials.forget_person(recognized.id);
        for event in &recognized.events {
            center.tell(event.clone());
        }
    };
    center.write(write, done).await
}

/// The person of a subject, and whether they are new.
fn person_of(
    tx: &Tx,
    issuer: &OidcSettings,
    told: &Told,
    from: &str,
    now: Timestamp,
) -> Result<(Person, bool), AppError> {
    let email = email(&told.claims);
    if let Some(known) = rows::find(tx, &issuer.issuer, &told.subject)? {
        rows::note(tx, known.id, &email, now)?;
        return Ok((tenants::get_person(tx, known.person)?, false));
    }
    if let Some(person) = of_directory(tx, issuer, &told.claims)? {
        insert(tx, issuer, &told.subject, person.id, email, now)?;
        return Ok((person, false));
    }
    let mut number = 1;
    let login = loop {
        let login = rule::login(&told.claims, &told.subject, number);
        if tenants::find_login(tx, &login)?.is_none() {
            break login;
        }
        number += 1;
    };
    members::check_login(&login)?;
    let name = rule::name(&told.claims, &login);
    let person = Person {
        id: new_id!(PersonId),
        login,
        name,
        email: email.clone(),
        is_enabled: true,
        created_at: now,
        kept_by: None,
    };
    tenants::insert_person(tx, &person, None)?;
    insert(tx, issuer, &told.subject, person.id, email, now)?;
    let detail = json!({ "login": person.login, "issuer": issuer.name });
    let change = Change { tenant: None, action: rule::COME, subject: person.id.to_string(), detail };
    audit::record_stranger(tx, from, change)?;
    Ok((person, true))
}

/// Somebody whom a directory of the issuer's people made, and who has no other way in and no place but what it gave: else
/// whoever writes to the directory could become somebody.
fn of_directory(
    tx: &Tx,
    issuer: &OidcSettings,
    claims: &Map<String, Value>,
) -> Result<Option<Person>, AppError> {
    let Some(id) = text(claims, &issuer.scim_claim) else { return Ok(None) };
    let tenant = match &issuer.tenant {
        None => None,
        Some(slug) => match tenants::find_tenant(tx, slug)? {
            Some(tenant) => Some(tenant.id),
            None => return Ok(None),
        },
    };
    let mut found = directories::by_external_id(tx, tenant, &id)?;
    let Some(user) = found.pop().filter(|_| found.is_empty()) else { return Ok(None) };
    let giver = giver(issuer.tenant.as_deref());
    for member in tenants::memberships_of(tx, user.person)? {
        if tenants::given_by(tx, member.id)?.as_deref() != Some(&*giver) {
            return Ok(None);
        }
    }
    let has_way_in = tenants::has_password(tx, user.person)? || !rows::of_person(tx, user.person)?.is_empty();
    if has_way_in { Ok(None) } else { Ok(Some(tenants::get_person(tx, user.person)?)) }
}

/// The address that an issuer told, if it is one.
fn email(claims: &Map<String, Value>) -> String {
    let told = text(claims, "email").unwrap_or_default();
    crate::person::rule::read_email(&told).unwrap_or_default()
}

fn insert(
    tx: &Tx,
    issuer: &OidcSettings,
    subject: &str,
    person: PersonId,
    email: String,
    now: Timestamp,
) -> Result<IdentityId, AppError> {
    let id = new_id!(IdentityId);
    let identity = Identity {
        id,
        issuer: issuer.issuer.clone(),
        subject: subject.to_owned(),
        person,
        email,
        created_at: now,
        last_used_at: now,
    };
    rows::insert(tx, &identity)?;
    Ok(id)
}

/// Binds the account of whoever is signed in to who they are at an issuer.
async fn link(
    center: &Center,
    issuer: &Issuer,
    member: &Member,
    from: &str,
    told: Told,
) -> Result<(), AppError> {
    let caller = Caller { member: member.clone(), from: from.to_owned(), once: None };
    let may = May::of_own_account(&caller, rule::LINK);
    let (settings, person, login) = (issuer.settings.clone(), member.person, member.login.clone());
    let write = move |tx: &Tx| {
        let now = moment::now();
        match rows::find(tx, &settings.issuer, &told.subject)? {
            Some(known) if known.person == person => return Ok(Changed::nothing(())),
            Some(_) => return Err(Refused::IdentityTaken.into()),
            None => {}
        }
        if rows::of_person(tx, person)?.len() >= MOST_OF_ONE {
            return Err(Refused::TooManyIdentities { most: MOST_OF_ONE }.into());
        }
        let id = insert(tx, &settings, &told.subject, person, email(&told.claims), now)?;
        Ok(Changed::new(id, json!({ "login": login, "issuer": settings.name }), ()))
    };
    center.change(may, write, |_, ()| ()).await
}
