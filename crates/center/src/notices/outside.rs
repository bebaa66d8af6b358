//! Mails to those who have no inbox: strangers who applied are told of each move of their application.

use base::{
    approval::{Application, Deed, State, actions::CHANGED, rows},
    error::AppError,
    notice::{
        mail::outbox::{LINK, Mail},
        vault::Vault as _,
    },
};
use domain::{ApplicationId, Timestamp};
use serde_json::{Value, json};
use store::{Tx, events::Event};

use super::vault;
use crate::center::Center;

/// Mails that an event calls for beside notices.
pub fn of_event(center: &Center, tx: &Tx, event: &Event, now: Timestamp) -> Result<Vec<Mail>, AppError> {
    if !center.common.mail.is_on() || event.event.kind != CHANGED.code() {
        return Ok(Vec::new());
    }
    Ok(of_application(center, tx, event, now)?.into_iter().collect())
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
    let address = application.answers.get("email").and_then(Value::as_str).unwrap_or_default();
    if application.applicant.is_some() || address.is_empty() || !is_told {
        return Ok(None);
    }
    let Some(secret) = vault::link_of(center, tx, application.id)? else { return Ok(None) };
    let told = json!({ "number": application.number, "application": text(data, "state") });
    let mail = Mail {
        once: Some(format!("application:{}", event.seq)),
        path: path(&application),
        ..Mail::new("application", address, told, now)
    };
    let sealed = center.seal(tx, mail.id.as_bytes(), LINK, &secret)?;
    Ok(Some(mail.ending_in(sealed)))
}

fn path(application: &Application) -> String {
    format!("/apply/{}?secret=", application.number)
}

/// Keeps the secret of a stranger's link, where mails will bring it.
pub fn keep_link(center: &Center, tx: &Tx, application: ApplicationId, secret: &str) -> Result<(), AppError> {
    if center.common.mail.is_on() { vault::keep_link(center, tx, application, secret) } else { Ok(()) }
}
