//! Mails that people ask for, and those that operators look at.

use base::{
    auth::Caller,
    change::Changed,
    error::AppError,
    moment::{self, new_id},
    notice::{
        mail::{
            outbox::{self, LINK, Mail, MailId, MailState},
            relay::Relay,
        },
        vault::Vault as _,
    },
    params,
    refusal::Refused,
};
use domain::{
    Rfc3339,
    problem::{Wrong, field},
};
use serde::Serialize;
use serde_json::json;
use store::Tx;

use super::{READ_MAIL, RETRY_MAIL, TEST_MAIL};
use crate::{center::Center, person::rule::read_email};

/// The most mails that are listed.
const MOST_LISTED: u32 = 200;

/// A mail as operators see it: what it is for and how it fares, and nothing of what it says.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MailView {
    pub id: MailId,
    /// `notices`, `reset`, `invitation`, `application`, `quote`, `job-began`, `job-again`, `job-ended`, `test`.
    pub purpose: String,
    pub address: String,
    pub state: MailState,
    pub attempts: u32,
    pub created_at: Rfc3339,
    /// When it is tried next, while it waits.
    pub due_at: Option<Rfc3339>,
    pub ended_at: Option<Rfc3339>,
    /// What the relay said last.
    pub answer: String,
}

impl MailView {
    fn of(mail: Mail) -> Self {
        Self {
            id: mail.id,
            due_at: (mail.state == MailState::Waiting).then(|| mail.due_at.into()),
            purpose: mail.purpose,
            address: mail.address,
            state: mail.state,
            attempts: mail.attempts,
            created_at: mail.created_at.into(),
            ended_at: mail.ended_at.map(Rfc3339),
            answer: mail.answer,
        }
    }
}

/// The newest mails, of one state or of all.
pub async fn list(center: &Center, caller: &Caller, state: Option<&str>) -> Result<Vec<MailView>, AppError> {
    center.policies.check(caller, READ_MAIL, None)?;
    let known = MailState::ALL.map(MailState::code);
    let given = state.filter(|text| !text.is_empty());
    let state =
        given.map(|text| params::word(field::STATE, text, MailState::from_code, &known)).transpose()?;
    let mails = center.read(move |tx| outbox::list(tx, state, MOST_LISTED)).await?;
    Ok(mails.into_iter().map(MailView::of).collect())
}

/// Whether mail is on, and the relay takes the center's.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MailLook {
    /// The settings name a relay.
    pub is_on: bool,
    /// Why the relay would not take mail now; nothing where it would.
    pub error: Option<String>,
    pub waiting: u64,
    pub failed: u64,
}

/// Asks the relay whether it is there and lets the center in.
pub async fn look(center: &Center, caller: &Caller) -> Result<MailLook, AppError> {
    center.policies.check(caller, READ_MAIL, None)?;
    let is_on = center.common.mail.is_on();
    let handle = center.clone();
    let check = move || Relay::of(&handle.common.mail).and_then(|relay| relay.check()).err();
    let error = if is_on { tokio::task::spawn_blocking(check).await? } else { None };
    let count = |tx: &Tx| Ok((outbox::count(tx, MailState::Waiting)?, outbox::count(tx, MailState::Failed)?));
    let (waiting, failed) = center.read(count).await?;
    Ok(MailLook { is_on, error, waiting, failed })
}

/// Sends a mail that says that mail works.
pub async fn test(center: &Center, caller: &Caller, address: &str) -> Result<MailView, AppError> {
    let may = center.policies.may(caller, TEST_MAIL, None)?;
    let address = needed(center, address)?;
    let mail = Mail::new("test", &address, json!({}), moment::now());
    let write = move |tx: &Tx| {
        outbox::insert(tx, &mail)?;
        Ok(Changed::new(mail.id, json!({ "address": mail.address }), MailView::of(mail.clone())))
    };
    center.change(may, write, |_, _| ()).await
}

/// Tries a mail again that failed.
pub async fn retry(center: &Center, caller: &Caller, id: &str) -> Result<MailView, AppError> {
    let may = center.policies.may(caller, RETRY_MAIL, None)?;
    let id: MailId = params::id(id, "mail")?;
    let write = move |tx: &Tx| {
        let known = outbox::get(tx, id)?;
        if !outbox::retry(tx, id, moment::now())? {
            return Ok(Changed::nothing(MailView::of(known)));
        }
        let view = MailView::of(outbox::get(tx, id)?);
        Ok(Changed::new(id, json!({ "mail_purpose": known.purpose }), view))
    };
    center.change(may, write, |_, _| ()).await
}

/// An address that is needed, of a center that sends mail.
fn needed(center: &Center, address: &str) -> Result<String, AppError> {
    if !center.common.mail.is_on() {
        return Err(Refused::NoMail.into());
    }
    let address = read_email(address)?;
    if address.is_empty() {
        return Err(AppError::invalid(field::EMAIL, Wrong::NotAnEmail { given: String::new() }));
    }
    Ok(address)
}

/// Refuses where the center sends no mail.
pub fn check_on(center: &Center) -> Result<(), AppError> {
    if center.common.mail.is_on() { Ok(()) } else { Err(Refused::NoMail.into()) }
}

/// A mail with a link whose end is a secret. The secret is sealed with the mail's row, and gone once the mail is.
pub fn insert_secret(center: &Center, tx: &Tx, mail: Mail, secret: &str) -> Result<(), AppError> {
    let id = new_id!(MailId);
    let sealed = center.seal(tx, id.as_bytes(), LINK, secret)?;
    outbox::insert_once(tx, &Mail { id, ..mail }.ending_in(sealed))?;
    Ok(())
}
