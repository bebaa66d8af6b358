//! Applications as they are kept: each move is looked at by the rule and written with its acts and its event, in the
//! transaction of the caller. What is approved takes effect there as well, so that it does so once or not at all.

use domain::{
    ApplicationId, MemberId, TenantDomain, TenantId, Timestamp, Zone, problem::Wrong, problem::field,
};
use serde_json::json;
use store::{Tx, tenants};

use super::{
    actions::{self, AGAIN, CHANGED, OPENS},
    answers::Answers,
    application::{Act, Application, State},
    attach,
    attachment::{Attachment, File},
    kind::{Effect, Kind},
    rows,
    rule::{self, Fault, Judgement, Move, Next, Reviewer, Terms},
};
use crate::{
    audit::{self, Change},
    auth::credentials::Hash,
    error::AppError,
    events::{self, About, Event},
    moment::new_id,
    params,
    refusal::Refused,
};

/// The most applications that expire in one transaction.
const EXPIRE_AT_ONCE: u32 = 100;
const MOST_OF_REASON: usize = 500;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    Member {
        member: MemberId,
        tenant: Option<TenantId>,
    },
    /// By the hash of the tracking secret, from an address.
    Stranger {
        tracking: Hash,
        from: String,
    },
}

/// An application to draw up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New<'a> {
    pub kind: &'a str,
    pub form_version: u32,
    pub domain: TenantDomain,
    pub asker: Asker,
    pub answers: Answers,
}

/// An application after it was written, and what to tell once it is on disk.
#[derive(Debug)]
pub struct Kept {
    pub application: Application,
    pub acts: Vec<Act>,
    pub events: Vec<Event>,
}

/// Draws an application up.
pub fn draw_up(tx: &Tx, zone: &Zone, new: New<'_>, now: Timestamp, terms: &Terms) -> Result<Kept, AppError> {
    let (applicant, tracking, from_address, tenant) = match new.asker {
        Asker::Member { member, tenant } => (Some(member), None, String::new(), tenant),
        Asker::Stranger { tracking, from } => (None, Some(tracking), from, None),
    };
    let application = Application {
        id: new_id!(ApplicationId),
        kind: new.kind.to_owned(),
        number: next_number(tx, zone, now)?,
        domain: new.domain,
        applicant,
        tracking,
        from_address,
        form_version: new.form_version,
        answers: new.answers,
        state: State::Draft,
        round: 0,
        steps: Vec::new(),
        step: 0,
        decision: None,
        tenant,
        created_at: now,
        changed_at: now,
        due_at: None,
        expires_at: Some(now.plus(terms.draft)),
    };
    rows::insert(tx, &application)?;
    let act = rule::drafted(&application, now);
    rows::insert_act(tx, &act)?;
    Ok(Kept { application, acts: vec![act], events: Vec::new() })
}

/// The next number of this year, by the center's calendar: `A-2026-000017`.
fn next_number(tx: &Tx, zone: &Zone, now: Timestamp) -> Result<String, AppError> {
    let date = zone.date(now);
    let (year, _) = date.split_once('-').expect("a date has a year");
    let (prefix, end) = (format!("A-{year}-"), format!("A-{year}."));
    let last = match rows::last_number(tx, &prefix, &end)? {
        None => 0,
        Some(last) => last[prefix.len()..].parse::<u64>().map_err(AppError::internal)?,
    };
    Ok(format!("{prefix}{:06}", last + 1))
}

/// Moves an application on, as far as the rule lets it.
pub fn advance(
    tx: &Tx,
    application: &Application,
    asked: Move,
    now: Timestamp,
    terms: &Terms,
) -> Result<Kept, AppError> {
    let acts = rows::acts(tx, application.id)?;
    let next = rule::next(application, &acts, asked, now, terms).map_err(|fault| told(application, fault))?;
    let Next { application: after, acts } = next;
    rows::change(tx, &after)?;
    if matches!(after.state, State::Withdrawn | State::Expired) {
        attach::remove_all(tx, after.id)?;
    }
    acts.iter().try_for_each(|act| rows::insert_act(tx, act))?;
    let events = acts.iter().map(|act| event(tx, application, &after, act)).collect::<Result<_, _>>()?;
    Ok(Kept { application: after, acts, events })
}

fn event(tx: &Tx, before: &Application, application: &Application, act: &Act) -> Result<Event, AppError> {
    let mut data = json!({ "number": application.number, "kind": application.kind, "deed": act.deed.code(),
        "state": application.state.code() });
    let was_open = before.open_step().map(|_| before.step);
    if let Some(step) = application.open_step().filter(|_| was_open != Some(application.step)) {
        data[OPENS] = json!(step.role.code());
        if application.round > 1 {
            data[AGAIN] = json!("yes");
        }
    }
    // What a stranger asks for is the center's matter alone, even where a tenant came of it.
    let tenant = application.applicant.and(application.tenant);
    events::record(tx, act.at, About { tenant, ..About::default() }, CHANGED, data)
}

/// A reviewer's verdict. Where it approves the application, that takes effect with it.
pub fn judge<C>(
    handle: &C,
    kind: &Kind<C>,
    tx: &Tx,
    application: &Application,
    (reviewer, judgement): (Reviewer, Judgement),
    now: Timestamp,
    terms: &Terms,
) -> Result<(Kept, Option<Effect<C>>), AppError> {
    for (at, text) in [(field::REASON, &judgement.reason), (field::NOTE, &judgement.note)] {
        let chars = text.chars().count();
        if chars > MOST_OF_REASON {
            return Err(AppError::invalid(at, Wrong::TooLong { chars, most: MOST_OF_REASON }));
        }
        if !text.is_empty() {
            params::line::<MOST_OF_REASON>(at, text.replace(['\r', '\n'], " "))?;
        }
    }
    if let Some(applicant) = application.applicant {
        // One person may ask as a tenant's member and review as the center's.
        let person = |member| tenants::get_member(tx, member).map(|member| member.person);
        if person(applicant)? == person(reviewer.member)? {
            return Err(Refused::OwnApplication.into());
        }
    }
    let mut kept = advance(tx, application, Move::Judge(reviewer, judgement), now, terms)?;
    let outcome = kept.application.outcome();
    if kept.application.state != State::Decided || kept.application.state.is_over(outcome) {
        return Ok((kept, None));
    }
    let effect = (kind.effect)(handle, tx, &kept.application)?;
    let decided = Application { tenant: effect.tenant.or(kept.application.tenant), ..kept.application };
    let effected = advance(tx, &decided, Move::Effect, now, terms)?;
    let (action, subject) = (actions::EFFECT, decided.id.to_string());
    let change =
        Change { tenant: effected.application.tenant, action, subject, detail: effect.detail.clone() };
    audit::record_own(tx, change)?;
    kept.acts.extend(effected.acts);
    kept.events.extend(effected.events);
    Ok((Kept { application: effected.application, ..kept }, Some(effect)))
}

/// Adds a file to an application that its applicant has.
pub fn attach(
    tx: &Tx,
    application: &Application,
    file: &File,
    now: Timestamp,
) -> Result<Attachment, AppError> {
    rule::may_change(application, now).map_err(|fault| told(application, fault))?;
    attach::add(tx, application.id, file, now)
}

/// Takes a file away from an application that its applicant has.
pub fn detach(
    tx: &Tx,
    application: &Application,
    number: u32,
    now: Timestamp,
) -> Result<Attachment, AppError> {
    rule::may_change(application, now).map_err(|fault| told(application, fault))?;
    attach::remove(tx, application.id, number)
}

/// Ends what the clock has ended; a part of it where there is much.
pub fn expire(tx: &Tx, now: Timestamp, terms: &Terms) -> Result<Vec<Kept>, AppError> {
    let over = rows::expired(tx, now, EXPIRE_AT_ONCE)?;
    let end = |application: &Application| {
        let kept = advance(tx, application, Move::Expire, now, terms)?;
        let after = &kept.application;
        let detail = json!({ "number": after.number, "state": after.state.code() });
        let (action, subject) = (actions::EXPIRE, after.id.to_string());
        audit::record_own(tx, Change { tenant: after.tenant, action, subject, detail })?;
        Ok(kept)
    };
    over.iter().map(end).collect()
}

/// A fault of the rule, as people are told it.
fn told(application: &Application, fault: Fault) -> AppError {
    let number = || application.number.clone();
    match fault {
        Fault::State | Fault::NotOver => {
            Refused::ApplicationState { number: number(), state: application.state }.into()
        }
        Fault::Over => Refused::ApplicationState { number: number(), state: State::Expired }.into(),
        Fault::NoSteps => AppError::internal("an application was handed in on a path without steps"),
        Fault::OwnApplication => Refused::OwnApplication.into(),
        Fault::NotYourStep(role) => Refused::NotYourStep { role }.into(),
        Fault::AlreadyReviewed => Refused::AlreadyReviewed.into(),
        Fault::ConflictDeclared => Refused::ConflictDeclared.into(),
        Fault::NoReason => AppError::invalid(field::REASON, Wrong::NoReason),
        Fault::NeedsScore => AppError::invalid(field::SCORE, Wrong::NeedsScore),
        Fault::TakesNoScore => AppError::invalid(field::SCORE, Wrong::TakesNoScore),
        Fault::TakesNoChanges => {
            AppError::invalid(field::CHANGES, Wrong::NotBeside { other: field::VERDICT })
        }
    }
}
