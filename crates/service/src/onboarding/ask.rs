//! What strangers ask: to draw up an application, to look at it by its tracking secret, to change it, to hand it in, to
//! withdraw it. Each address may do so much of it an hour.

use base::{
    approval::{
        Answers, Application, Deed, Move, Outcome, State,
        actions::APPLY,
        keep::{self, Asker, Kept, New},
        rows,
    },
    audit::{self, Change},
    auth::credentials,
    error::AppError,
    moment, params,
    refusal::Refused,
};
use center::{center::Center, notices::outside};
use domain::{Rfc3339, TenantDomain, problem::field};
use serde_json::json;
use store::Tx;

use super::{
    effect::JOIN,
    rule::{CODE, FORM, MOST_DRAFTS},
    twins,
};
use crate::{
    application::{
        account::{self, Standing},
        attached::{self, AttachmentView},
    },
    quote::ask::{self as quotes, QuoteView},
};

domain::codes! {
    /// What an applicant does with an application.
    pub enum Act {
        Save = "save",
        HandIn = "hand-in",
        Withdraw = "withdraw",
    }
}

/// A new application, with the secret by which its applicant finds it.
#[derive(Clone, Debug)]
pub struct DrawnUp {
    pub number: String,
    pub secret: String,
}

/// An application as its applicant sees it.
#[derive(Clone, Debug)]
pub struct Tracked {
    pub number: String,
    pub domain: TenantDomain,
    pub state: State,
    pub outcome: Option<Outcome>,
    pub answers: Answers,
    pub granted: Answers,
    /// The reason of the decision, or of the last return.
    pub reason: String,
    pub due_at: Option<Rfc3339>,
    pub expires_at: Option<Rfc3339>,
    /// Without what reviewers say among themselves.
    pub deeds: Vec<(Rfc3339, Deed)>,
    /// The account that came of it.
    pub account: Option<Standing>,
    /// Those that were sent.
    pub quotes: Vec<QuoteView>,
    pub attachments: Vec<AttachmentView>,
}

/// Draws an application up, and hands it in where that is wished for.
pub async fn draw_up(
    center: &Center,
    from: &str,
    domain: &str,
    answers: &Answers,
    act: Act,
) -> Result<DrawnUp, AppError> {
    center.limits.application(from)?;
    let known = TenantDomain::ALL.map(TenantDomain::code);
    let domain = params::word(field::DOMAIN, domain, TenantDomain::from_code, &known)?;
    let answers = FORM.read(domain, answers, act == Act::Save)?;
    let secret = credentials::new_secret("");
    let tracking = credentials::hash(&secret);
    let terms = center.common.approval.terms();
    let steps = path(center, domain);
    let (from, zone) = (from.to_owned(), center.common.time_zone);
    let (for_mail, for_link) = (center.clone(), secret.clone());
    let work = move |tx: &Tx| {
        if rows::drafts_from(tx, &from)? >= MOST_DRAFTS {
            return Err(Refused::TooManyDrafts { most: MOST_DRAFTS }.into());
        }
        let now = moment::now();
        let asker = Asker::Stranger { tracking, from: from.clone() };
        let new = New { kind: CODE, form_version: FORM.version, domain, asker, answers };
        let mut kept = keep::draw_up(tx, zone, new, now, &terms)?;
        outside::keep_link(&for_mail, tx, kept.application.id, &for_link)?;
        record(tx, &from, &kept, Deed::Drafted)?;
        if act == Act::HandIn {
            twins::refuse(tx, kept.application.id, &kept.application.answers)?;
            kept = keep::advance(tx, &kept.application, Move::Submit(steps), now, &terms)?;
            record(tx, &from, &kept, Deed::Submitted)?;
        }
        Ok(kept)
    };
    let kept = center.write(work, tell).await?;
    Ok(DrawnUp { number: kept.application.number, secret })
}

/// The path on which an application is handed in now.
fn path(center: &Center, domain: TenantDomain) -> Vec<base::approval::Step> {
    center.common.approval.path(CODE, domain).unwrap_or_else(|| (JOIN.path)(domain))
}

fn record(tx: &Tx, from: &str, kept: &Kept, deed: Deed) -> Result<(), AppError> {
    let application = &kept.application;
    let detail =
        json!({ "number": application.number, "deed": deed.code(), "state": application.state.code() });
    let subject = application.id.to_string();
    audit::record_stranger(tx, from, Change { tenant: None, action: APPLY, subject, detail })
}

fn tell(center: &Center, kept: &Kept) {
    for event in &kept.events {
        center.tell(event.clone());
    }
}

/// The application that the secret is for.
pub(super) fn of_secret(tx: &Tx, number: &str, secret: &[u8; 32]) -> Result<Application, AppError> {
    let found = rows::find(tx, number)?.filter(|found| found.tracking.as_ref() == Some(secret));
    found.ok_or_else(|| AppError::not_found("application", number))
}

/// Reads of the application that a secret is for. Whoever guesses is slowed down.
pub(super) async fn read_by_secret<T: Send + 'static>(
    center: &Center,
    from: &str,
    (number, secret): (&str, &str),
    read: impl FnOnce(&Tx, Application) -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    let (number, secret) = (number.to_owned(), credentials::hash(secret));
    let found = center.try_read(move |tx: &Tx| read(tx, of_secret(tx, &number, &secret)?)).await;
    if matches!(found, Err(AppError::NotFound { .. })) {
        center.limits.application(from)?;
    }
    found
}

/// The application of that number, for whoever has its secret.
pub async fn track(center: &Center, from: &str, number: &str, secret: &str) -> Result<Tracked, AppError> {
    let read = |tx: &Tx, application: Application| {
        let acts = rows::acts(tx, application.id)?;
        let account = account::standing(tx, application.id)?;
        let quotes = quotes::of_application(tx, &application, false)?;
        let attachments = attached::views(tx, &application)?;
        Ok((application, acts, account, quotes, attachments))
    };
    let (application, acts, account, quotes, attachments) =
        read_by_secret(center, from, (number, secret), read).await?;
    let returned = acts.iter().rev().find(|act| act.deed == Deed::Returned);
    let reason = match (&application.decision, returned) {
        (Some(decision), _) => decision.reason.clone(),
        (None, Some(act)) if application.state == State::Returned => act.reason.clone(),
        _ => String::new(),
    };
    let is_told = |deed: Deed| {
        let is_own = !deed.is_verdict() && deed != Deed::Conflict;
        is_own || deed == Deed::Returned
    };
    Ok(Tracked {
        number: application.number.clone(),
        domain: application.domain,
        state: application.state,
        outcome: application.outcome(),
        reason,
        due_at: application.due_at.map(Rfc3339),
        expires_at: application.expires_at.map(Rfc3339),
        deeds: acts.iter().filter(|act| is_told(act.deed)).map(|act| (act.at.into(), act.deed)).collect(),
        account,
        quotes,
        attachments,
        granted: application.decision.map(|decision| decision.granted).unwrap_or_default(),
        answers: application.answers,
    })
}

/// Changes an application, hands it in, or withdraws it.
pub async fn change(
    center: &Center,
    from: &str,
    (number, secret): (&str, &str),
    act: Act,
    answers: &Answers,
) -> Result<(), AppError> {
    center.limits.application(from)?;
    let (number, secret) = (number.to_owned(), credentials::hash(secret));
    let (answers, from, handle) = (answers.clone(), from.to_owned(), center.clone());
    let terms = center.common.approval.terms();
    let work = move |tx: &Tx| {
        let found = of_secret(tx, &number, &secret)?;
        let now = moment::now();
        let go = |from: &Application, asked: Move| keep::advance(tx, from, asked, now, &terms);
        let (kept, deed) = if act == Act::Withdraw {
            (go(&found, Move::Withdraw)?, Deed::Withdrawn)
        } else {
            let answers = FORM.read(found.domain, &answers, act == Act::Save)?;
            let saved = go(&Application { form_version: FORM.version, ..found }, Move::Save(answers))?;
            if act == Act::HandIn {
                twins::refuse(tx, saved.application.id, &saved.application.answers)?;
                let steps = path(&handle, saved.application.domain);
                (go(&saved.application, Move::Submit(steps))?, Deed::Submitted)
            } else {
                (saved, Deed::Drafted)
            }
        };
        record(tx, &from, &kept, deed)?;
        Ok(kept)
    };
    center.write(work, tell).await?;
    Ok(())
}
