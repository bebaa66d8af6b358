//! Mails beside notices: strangers who applied have no inbox and are told of each move of their application, and jobs may ask
//! for mail about themselves.

use base::{
    approval::{Application, Deed, State, actions::CHANGED, rows},
    error::AppError,
    notice::{
        mail::outbox::{LINK, Mail},
        vault::Vault as _,
    },
};
use domain::{ApplicationId, Timestamp, quote::QuoteState};
use serde_json::{Value, json};
use store::{Tx, events::Event};

use super::{job_mail, vault};
use crate::{center::Center, event_kinds::QUOTE_CHANGED};

/// What a mail about an application is for.
const OF_APPLICATION: &str = "application";
/// What a mail about a quote is for.
const OF_QUOTE: &str = "quote";
/// What mails to strangers are for.
pub const PURPOSES: [&str; 2] = [OF_APPLICATION, OF_QUOTE];

/// Mails that an event calls for beside notices.
pub fn of_event(center: &Center, tx: &Tx, event: &Event, now: Timestamp) -> Result<Vec<Mail>, AppError> {
    if !center.common.mail.is_on() {
        return Ok(Vec::new());
    }
    let mail = if event.event.kind == CHANGED.code() {
        of_application(center, tx, event, now)?
    } else if event.event.kind == QUOTE_CHANGED.code() {
        of_quote(center, tx, event, now)?
    } else {
        job_mail::of_event(center, tx, event, now)?
    };
    Ok(mail.into_iter().collect())
}

fn text<'a>(data: &'a Value, key: &str) -> &'a str {
    data.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The address that a stranger gave, and the mail to it.
fn of_application(center: &Center, tx: &Tx, event: &Event, now: Timestamp) -> Result<Option<Mail>, AppError> {
    let data = &event.event.data;
    let Some(application) = rows::find(tx, text(data, "number"))? else { return Ok(None) };
    let is_told = match Deed::from_code(text(data, "deed")) {
        Some(Deed::Submitted | Deed::Returned | Deed::Effected | Deed::Withdrawn | Deed::Expired) => true,
        Some(Deed::Rejected) => text(data, "state") == State::Decided.code(),
        // What reviewers do before it is decided is the center's own matter.
        _ => false,
    };
    if !is_told {
        return Ok(None);
    }
    let reason = reason(tx, &application, event)?;
    let has_reason = if reason.is_empty() { "no" } else { "yes" };
    let told = json!({ "number": application.number, "application": text(data, "state"), "reason": reason,
        "has_reason": has_reason });
    let mail = Mail {
        once: Some(format!("application:{}", event.seq)),
        path: format!("/apply/{}?secret=", application.number),
        ..Mail::new(OF_APPLICATION, address(&application), told, now)
    };
    to_stranger(center, tx, &application, mail)
}

/// The reason that goes with what an event tells of an application, as its applicant may read it.
fn reason(tx: &Tx, application: &Application, event: &Event) -> Result<String, AppError> {
    let deed = Deed::from_code(text(&event.event.data, "deed"));
    let decided = application.decision.as_ref().map(|decision| decision.reason.clone());
    match deed {
        Some(Deed::Returned) => {
            let acts = rows::acts(tx, application.id)?;
            let of_this =
                acts.into_iter().rfind(|act| act.deed == Deed::Returned && act.at == event.event.at);
            Ok(of_this.map(|act| act.reason).unwrap_or_default())
        }
        Some(Deed::Rejected | Deed::Effected) => Ok(decided.unwrap_or_default()),
        _ => Ok(String::new()),
    }
}

/// A quote that was sent to a stranger, or is withdrawn: the mail leads to it.
fn of_quote(center: &Center, tx: &Tx, event: &Event, now: Timestamp) -> Result<Option<Mail>, AppError> {
    let data = &event.event.data;
    let (quote, state) = (text(data, "number"), text(data, "state"));
    let is_told = [QuoteState::Sent, QuoteState::Withdrawn].iter().any(|told| told.code() == state);
    let Some(application) = rows::find(tx, text(data, "application"))?.filter(|_| is_told) else {
        return Ok(None);
    };
    let told = json!({ "number": quote, "quote": state, "of": application.number });
    let mail = Mail {
        once: Some(format!("quote:{}", event.seq)),
        path: format!("/apply/{}/quote?quote={quote}&secret=", application.number),
        ..Mail::new(OF_QUOTE, address(&application), told, now)
    };
    to_stranger(center, tx, &application, mail)
}

/// The address that an applicant gave; empty where none is asked for.
fn address(application: &Application) -> &str {
    application.answers.get("email").and_then(Value::as_str).unwrap_or_default()
}

/// The mail, with the secret of the stranger's application at the end of its path; none to somebody who has an inbox, or gave
/// no address.
fn to_stranger(
    center: &Center,
    tx: &Tx,
    application: &Application,
    mail: Mail,
) -> Result<Option<Mail>, AppError> {
    if application.applicant.is_some() || mail.address.is_empty() {
        return Ok(None);
    }
    let Some(secret) = vault::link_of(center, tx, application.id)? else { return Ok(None) };
    let sealed = center.seal(tx, mail.id.as_bytes(), LINK, &secret)?;
    Ok(Some(mail.ending_in(sealed)))
}

/// Keeps the secret of a stranger's link, where mails will bring it.
pub fn keep_link(center: &Center, tx: &Tx, application: ApplicationId, secret: &str) -> Result<(), AppError> {
    if center.common.mail.is_on() { vault::keep_link(center, tx, application, secret) } else { Ok(()) }
}
