//! What may be done with an application, and what becomes of it then. Pure: the instant is an argument.

use domain::{MemberId, Millis, Role, Timestamp};

use super::{
    answers::Answers,
    application::{Act, Application, Decision, Deed, Outcome, State},
    step::{BEST, Step},
};

domain::codes! {
    /// What a reviewer says.
    pub enum Verdict {
        Approve = "approve",
        Return = "return",
        Reject = "reject",
        /// The reviewer has an interest of their own, and is out of it from now on.
        Conflict = "conflict",
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What its applicant has not sent by then expires.
    pub draft: Millis,
    /// By when a review should be over.
    pub due: Millis,
    /// What was not decided by then expires.
    pub review: Millis,
}

/// Somebody who looks at applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviewer {
    pub member: MemberId,
    pub role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    pub score: Option<u32>,
    pub reason: String,
    pub note: String,
    /// With an approval: answers as they are granted.
    pub changes: Answers,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Its applicant writes.
    Save(Answers),
    /// Its applicant hands it in, on this path.
    Submit(Vec<Step>),
    Withdraw,
    Judge(Reviewer, Judgement),
    /// Its time is over.
    Expire,
    /// What was approved is there.
    Effect,
}

/// Why a move is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its state does not allow it.
    State,
    /// Its time is over, whether or not the loop has come by.
    Over,
    /// Its time is not over.
    NotOver,
    /// A path without steps would approve everything.
    NoSteps,
    /// Reviewer and applicant are one person.
    OwnApplication,
    /// It is the turn of another role.
    NotYourStep(Role),
    /// The reviewer has spoken in this round.
    AlreadyReviewed,
    /// The reviewer has declared an interest of their own.
    ConflictDeclared,
    NoReason,
    /// The step is decided by scores, and the verdict has none, or one out of range.
    NeedsScore,
    /// The step takes no score.
    TakesNoScore,
    /// Changes without an approval.
    TakesNoChanges,
}

/// An application after a move, with the acts that the move added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    pub application: Application,
    pub acts: Vec<Act>,
}

/// Whether the applicant may change an application now.
pub fn may_change(application: &Application, now: Timestamp) -> Result<(), Fault> {
    if is_over(application, now) {
        return Err(Fault::Over);
    }
    if application.state.is_with_applicant() { Ok(()) } else { Err(Fault::State) }
}

/// Whether the clock has ended an application.
fn is_over(application: &Application, now: Timestamp) -> bool {
    application.expires_at.is_some_and(|end| end <= now)
}

/// What becomes of an application with this move. `acts` are all that were done with it before.
pub fn next(
    application: &Application,
    acts: &[Act],
    asked: Move,
    now: Timestamp,
    terms: &Terms,
) -> Result<Next, Fault> {
    let mut after = Application { changed_at: now, ..application.clone() };
    let is_over = is_over(application, now);
    if is_over && !matches!(asked, Move::Expire) {
        return Err(Fault::Over);
    }
    let state = application.state;
    let is_open = state.is_with_applicant() || state.is_with_reviewers();
    let mut act = plain(application, acts, now, Deed::Submitted);
    match asked {
        Move::Save(answers) if state.is_with_applicant() => {
            after.answers = answers;
            return Ok(Next { application: after, acts: Vec::new() });
        }
        Move::Submit(steps) if state.is_with_applicant() => {
            if steps.is_empty() {
                return Err(Fault::NoSteps);
            }
            after.state = State::Submitted;
            (after.steps, after.step, after.round) = (steps, 0, application.round + 1);
            (after.due_at, after.expires_at) = (Some(now.plus(terms.due)), Some(now.plus(terms.review)));
            (act.by, act.round, act.step) = (application.applicant, after.round, 0);
        }
        Move::Withdraw if is_open => {
            (after.state, act.deed, act.by) = (State::Withdrawn, Deed::Withdrawn, application.applicant);
        }
        Move::Expire if is_open => {
            if !is_over {
                return Err(Fault::NotOver);
            }
            (after.state, act.deed) = (State::Expired, Deed::Expired);
        }
        Move::Effect if state == State::Decided && !state.is_over(application.outcome()) => {
            (after.state, act.deed) = (State::Effected, Deed::Effected);
        }
        Move::Judge(reviewer, judgement) if state.is_with_reviewers() => {
            act = judged(application, acts, &act, reviewer, judgement)?;
            turn(&mut after, acts, &act, now, terms);
        }
        _ => return Err(Fault::State),
    }
    if !after.state.is_with_reviewers() {
        after.due_at = None;
    }
    if !after.state.is_with_reviewers() && !after.state.is_with_applicant() {
        after.expires_at = None;
    }
    Ok(Next { application: after, acts: vec![act] })
}

/// The act that a new application begins with.
pub fn drafted(application: &Application, now: Timestamp) -> Act {
    Act { by: application.applicant, ..plain(application, &[], now, Deed::Drafted) }
}

fn plain(application: &Application, acts: &[Act], at: Timestamp, deed: Deed) -> Act {
    Act {
        application: application.id,
        seq: u32::try_from(acts.len()).unwrap_or(u32::MAX),
        at,
        deed,
        by: None,
        round: application.round,
        step: application.step,
        score: None,
        reason: String::new(),
        note: String::new(),
        changes: Answers::new(),
    }
}

/// A reviewer's verdict as an act, where the reviewer may give it.
fn judged(
    application: &Application,
    acts: &[Act],
    act: &Act,
    reviewer: Reviewer,
    judgement: Judgement,
) -> Result<Act, Fault> {
    let step = application.open_step().ok_or(Fault::State)?;
    if application.applicant == Some(reviewer.member) {
        return Err(Fault::OwnApplication);
    }
    let own = || acts.iter().filter(|act| act.by == Some(reviewer.member));
    if own().any(|act| act.deed == Deed::Conflict) {
        return Err(Fault::ConflictDeclared);
    }
    // One person speaks once a round, in whichever step: two steps are two people.
    if own().any(|act| act.round == application.round && act.deed.is_verdict()) {
        return Err(Fault::AlreadyReviewed);
    }
    let is_needed = |step: &Step| step.role == reviewer.role;
    let may_speak = match judgement.verdict {
        Verdict::Conflict => application.steps.iter().any(is_needed),
        _ => is_needed(&step),
    };
    if !may_speak {
        return Err(Fault::NotYourStep(step.role));
    }
    let Judgement { verdict, score, reason, note, changes } = judgement;
    let is_changed = !changes.is_empty();
    if is_changed && verdict != Verdict::Approve {
        return Err(Fault::TakesNoChanges);
    }
    let (deed, needs_reason) = match (verdict, step.least_average, score) {
        (Verdict::Approve, Some(least), Some(score @ 0..=BEST)) => {
            (Deed::Scored, score < least || is_changed)
        }
        (Verdict::Approve | Verdict::Reject, Some(_), _) => return Err(Fault::NeedsScore),
        (_, _, Some(_)) => return Err(Fault::TakesNoScore),
        (Verdict::Approve, None, None) if is_changed => (Deed::ApprovedChanged, true),
        (Verdict::Approve, None, None) => (Deed::Approved, false),
        (Verdict::Reject, None, None) => (Deed::Rejected, true),
        (Verdict::Return, _, None) => (Deed::Returned, true),
        (Verdict::Conflict, _, None) => (Deed::Conflict, false),
    };
    if needs_reason && reason.trim().is_empty() {
        return Err(Fault::NoReason);
    }
    Ok(Act { deed, by: Some(reviewer.member), score, reason, note, changes, ..*act })
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Open,
    Passed,
    Failed,
}

/// How it stands after these verdicts, which are all of this step and of one round.
pub fn standing<'a>(step: Step, acts: impl Iterator<Item = &'a Act>) -> Standing {
    let (mut approvals, mut refusals, mut scores, mut sum) = (0, 0, 0, 0);
    for act in acts {
        match act.deed {
            Deed::Approved | Deed::ApprovedChanged => approvals += 1,
            Deed::Rejected => refusals += 1,
            Deed::Scored => {
                scores += 1;
                sum += act.score.unwrap_or(0);
            }
            _ => {}
        }
    }
    match step.least_average {
        Some(_) if scores < step.quorum => Standing::Open,
        Some(least) if sum >= least * scores => Standing::Passed,
        Some(_) => Standing::Failed,
        None if approvals >= step.quorum => Standing::Passed,
        // Those who are left can't make the quorum any more.
        None if refusals > step.most() - step.quorum => Standing::Failed,
        None => Standing::Open,
    }
}

/// Moves an application on after a verdict.
fn turn(after: &mut Application, acts: &[Act], act: &Act, now: Timestamp, terms: &Terms) {
    match act.deed {
        Deed::Conflict => return,
        Deed::Returned => {
            after.state = State::Returned;
            after.expires_at = Some(now.plus(terms.draft));
            return;
        }
        _ => after.state = State::InReview,
    }
    let Some(step) = after.open_step() else { return };
    let of_round = acts.iter().chain([act]).filter(|known| known.round == act.round);
    let of_step = of_round.clone().filter(|known| known.step == act.step);
    let outcome = match standing(step, of_step) {
        Standing::Open => return,
        Standing::Passed if (after.step as usize) + 1 < after.steps.len() => {
            after.step += 1;
            return;
        }
        Standing::Passed if of_round.clone().any(|known| !known.changes.is_empty()) => {
            Outcome::ApprovedChanged
        }
        Standing::Passed => Outcome::Approved,
        Standing::Failed => Outcome::Rejected,
    };
    let mut granted = Answers::new();
    if outcome != Outcome::Rejected {
        granted.clone_from(&after.answers);
        granted.extend(of_round.clone().flat_map(|known| known.changes.clone()));
    }
    let reasons = of_round.filter(|known| known.deed.is_verdict() && !known.reason.trim().is_empty());
    let reason = reasons.map(|known| known.reason.trim()).collect::<Vec<_>>().join("\n");
    after.state = State::Decided;
    after.decision = Some(Decision { outcome, at: now, reason, granted });
}
