//! The rule of approval, tried by random people at random times; and what is kept of it.

use std::collections::BTreeSet;

use domain::{ApplicationId, Member, MemberId, Millis, Role, TenantDomain, Timestamp};
use proptest::prelude::*;
use serde_json::json;
use store::Tx;

use super::{
    Act, Answers, Application, Deed, Effect, Fault, Form, Judgement, Kind, Move, Outcome, Reviewer, State,
    Step, Terms, Verdict,
    keep::{self, Asker, New},
    next, rows,
    settings::ApprovalSettings,
};
use crate::error::AppError;

const DAY: i64 = 24;

fn terms() -> Terms {
    ApprovalSettings::default().terms()
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000).plus(Millis::from_hours(hours))
}

fn person(number: u8) -> MemberId {
    MemberId::from_bytes([number; 16])
}

/// Of the people with these numbers, the even ones are operators.
fn reviewer(number: u8) -> Reviewer {
    let role = if number.is_multiple_of(2) { Role::Operator } else { Role::Contracts };
    Reviewer { member: person(number), role }
}

fn draft(applicant: Option<u8>) -> Application {
    Application {
        id: ApplicationId::from_bytes([9; 16]),
        kind: "join".into(),
        number: "A-2027-000001".into(),
        domain: TenantDomain::Enterprise,
        applicant: applicant.map(person),
        tracking: applicant.is_none().then_some([1; 32]),
        from_address: String::new(),
        form_version: 1,
        answers: Answers::new(),
        state: State::Draft,
        round: 0,
        steps: Vec::new(),
        step: 0,
        decision: None,
        tenant: None,
        created_at: at(0),
        changed_at: at(0),
        due_at: None,
        expires_at: Some(at(30 * DAY)),
    }
}

fn says(verdict: Verdict, score: Option<u32>, reason: &str) -> Judgement {
    Judgement { verdict, score, reason: reason.into(), note: String::new(), changes: Answers::new() }
}

fn approves() -> Judgement {
    says(Verdict::Approve, None, "")
}

/// An application with all that was done with it.
struct Course {
    application: Application,
    acts: Vec<Act>,
}

impl Course {
    fn new(application: Application) -> Self {
        let acts = vec![super::rule::drafted(&application, application.created_at)];
        Self { application, acts }
    }

    fn submitted(steps: &[Step]) -> Self {
        let mut course = Self::new(draft(Some(1)));
        course.go(Move::Submit(steps.to_vec()), at(1)).expect("it is a draft");
        course
    }

    fn go(&mut self, asked: Move, now: Timestamp) -> Result<(), Fault> {
        let done = next(&self.application, &self.acts, asked, now, &terms())?;
        self.application = done.application;
        self.acts.extend(done.acts);
        Ok(())
    }

    fn judge(&mut self, number: u8, judgement: Judgement) -> Result<(), Fault> {
        self.go(Move::Judge(reviewer(number), judgement), at(2))
    }
}

const TWO: [Step; 2] = [Step::all_of(1, Role::Contracts), Step::all_of(1, Role::Operator)];

#[test]
fn a_path_is_gone_step_by_step_and_takes_effect_once() {
    let mut course = Course::submitted(&TWO);
    assert_eq!(course.application.due_at, Some(at(1 + 10 * DAY)));
    assert_eq!(course.judge(2, approves()), Err(Fault::NotYourStep(Role::Contracts)));
    assert_eq!(course.judge(1, approves()), Err(Fault::OwnApplication), "who asks does not decide");
    course.judge(3, approves()).expect("it is the turn of contracts");
    assert_eq!((course.application.state, course.application.step), (State::InReview, 1));
    assert_eq!(course.go(Move::Effect, at(2)), Err(Fault::State));
    course.judge(2, approves()).expect("it is the turn of operators");
    assert_eq!(
        (course.application.state, course.application.outcome()),
        (State::Decided, Some(Outcome::Approved))
    );
    course.go(Move::Effect, at(2)).expect("it was approved");
    assert_eq!(course.go(Move::Effect, at(2)), Err(Fault::State), "once");
    assert_eq!(course.application.expires_at, None);
    assert_eq!(course.go(Move::Withdraw, at(3)), Err(Fault::State));
}

#[test]
fn two_steps_of_one_role_are_two_people() {
    let mut course = Course::submitted(&[Step::all_of(1, Role::Operator); 2]);
    course.judge(2, approves()).expect("an operator");
    assert_eq!(course.judge(2, approves()), Err(Fault::AlreadyReviewed));
    course.judge(4, approves()).expect("another operator");
    assert_eq!(course.application.state, State::Decided);
}

#[test]
fn a_no_a_return_and_a_change_need_a_reason() {
    let mut changed = approves();
    changed.changes.insert("slug".into(), json!("other"));
    for judgement in [says(Verdict::Reject, None, " "), says(Verdict::Return, None, ""), changed.clone()] {
        assert_eq!(Course::submitted(&TWO).judge(3, judgement), Err(Fault::NoReason));
    }
    let mut course = Course::submitted(&TWO);
    course.judge(3, Judgement { reason: "the name is taken".into(), ..changed }).expect("it says why");
    course.judge(2, approves()).expect("an operator");
    let decision = course.application.decision.expect("it is decided");
    assert_eq!((decision.outcome, decision.reason.as_str()), (Outcome::ApprovedChanged, "the name is taken"));
    assert_eq!(decision.granted["slug"], "other");
}

#[test]
fn what_went_back_is_looked_at_anew_by_whoever_is_there() {
    let mut course = Course::submitted(&TWO);
    course.judge(3, approves()).expect("contracts");
    course.judge(2, says(Verdict::Return, None, "which cards?")).expect("an operator");
    assert_eq!((course.application.state, course.application.due_at), (State::Returned, None));
    assert_eq!(course.judge(3, approves()), Err(Fault::State));
    let mut answers = Answers::new();
    answers.insert("cards".into(), json!(8));
    course.go(Move::Save(answers), at(3)).expect("it is with its applicant");
    course.go(Move::Submit(TWO.to_vec()), at(4)).expect("it is sent again");
    assert_eq!((course.application.round, course.application.step), (2, 0));
    course.judge(3, approves()).expect("a round has verdicts of its own");
    course.judge(2, approves()).expect("an operator");
    let decision = course.application.decision.expect("it is decided");
    assert_eq!(decision.reason, "", "the reason of the return is not the decision's");
    assert_eq!(decision.granted["cards"], 8);
}

#[test]
fn whoever_has_an_interest_is_out() {
    let mut course = Course::submitted(&TWO);
    course.judge(2, says(Verdict::Conflict, None, "")).expect("operators are in the path");
    course.judge(3, approves()).expect("contracts");
    assert_eq!(course.judge(2, approves()), Err(Fault::ConflictDeclared));
    course.judge(4, approves()).expect("another operator");
}

#[test]
fn a_quorum_fails_once_it_can_t_be_made() {
    let two_of_three = Step { of: Some(3), ..Step::all_of(2, Role::Operator) };
    let mut course = Course::submitted(&[two_of_three]);
    course.judge(2, says(Verdict::Reject, None, "no")).expect("an operator");
    course.judge(4, approves()).expect("an operator");
    assert_eq!(course.application.state, State::InReview);
    course.judge(6, approves()).expect("an operator");
    assert_eq!(course.application.outcome(), Some(Outcome::Approved));
    let mut course = Course::submitted(&[Step::all_of(2, Role::Operator)]);
    course.judge(2, says(Verdict::Reject, None, "no")).expect("an operator");
    assert_eq!(course.application.outcome(), Some(Outcome::Rejected));
    assert_eq!(course.go(Move::Effect, at(3)), Err(Fault::State), "nothing comes of it");
}

#[test]
fn scores_decide_by_their_average() {
    let step = Step { least_average: Some(60), ..Step::all_of(2, Role::Operator) };
    let score = |score, reason: &str| says(Verdict::Approve, Some(score), reason);
    for (first, second, outcome) in [(59, 61, Outcome::Approved), (59, 60, Outcome::Rejected)] {
        let mut course = Course::submitted(&[step]);
        for judgement in [approves(), score(101, ""), says(Verdict::Reject, None, "no")] {
            assert_eq!(course.judge(2, judgement), Err(Fault::NeedsScore));
        }
        assert_eq!(course.judge(2, score(first, "")), Err(Fault::NoReason), "a low score says why");
        course.judge(2, score(first, "weak")).expect("an operator");
        course.judge(4, score(second, "fine")).expect("an operator");
        assert_eq!(course.application.outcome(), Some(outcome));
    }
    assert_eq!(Course::submitted(&TWO).judge(3, score(80, "")), Err(Fault::TakesNoScore));
}

#[test]
fn time_ends_what_nobody_decides() {
    let mut course = Course::submitted(&TWO);
    let end = at(1 + 90 * DAY);
    assert_eq!(course.go(Move::Expire, end.minus(Millis(1))), Err(Fault::NotOver));
    assert_eq!(
        course.go(Move::Judge(reviewer(3), approves()), end),
        Err(Fault::Over),
        "before the loop comes by"
    );
    course.go(Move::Expire, end).expect("its time is over");
    assert_eq!((course.application.state, course.application.expires_at), (State::Expired, None));
}

fn any_step() -> impl Strategy<Value = Step> {
    let role = prop_oneof![Just(Role::Operator), Just(Role::Contracts)];
    let decided_by = prop_oneof![
        (1_u32..3, 0_u32..3).prop_map(|(quorum, more)| (quorum, Some(quorum + more), None)),
        (1_u32..3, 0_u32..=100).prop_map(|(quorum, least)| (quorum, None, Some(least))),
    ];
    (role, decided_by).prop_map(|(role, (quorum, of, least_average))| Step {
        role,
        quorum,
        of,
        least_average,
    })
}

fn any_judgement() -> impl Strategy<Value = Judgement> {
    let verdict = prop_oneof![
        6 => Just(Verdict::Approve), 1 => Just(Verdict::Return), 1 => Just(Verdict::Reject), 1 => Just(Verdict::Conflict)
    ];
    let reason = prop_oneof![Just(""), Just("because")];
    (verdict, prop::option::of(0_u32..=100), reason, any::<bool>()).prop_map(
        |(verdict, score, reason, is_changed)| {
            let mut judgement = says(verdict, score, reason);
            if is_changed && verdict == Verdict::Approve {
                judgement.changes.insert("cards".into(), json!(4));
            }
            judgement
        },
    )
}

fn any_move(steps: Vec<Step>) -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => Just(Move::Submit(steps)),
        1 => Just(Move::Save(Answers::new())),
        1 => Just(Move::Withdraw),
        12 => (0_u8..8, any_judgement()).prop_map(|(number, judgement)| Move::Judge(reviewer(number), judgement)),
        1 => Just(Move::Expire),
        4 => Just(Move::Effect),
    ]
}

/// Where an application may go from a state.
fn ways(from: State) -> &'static [State] {
    use State::{Decided, Draft, Effected, Expired, InReview, Returned, Submitted, Withdrawn};
    match from {
        Draft => &[Draft, Submitted, Withdrawn, Expired],
        Submitted | InReview => &[Submitted, InReview, Returned, Decided, Withdrawn, Expired],
        Returned => &[Returned, Submitted, Withdrawn, Expired],
        Decided => &[Effected],
        Effected | Withdrawn | Expired => &[],
    }
}

proptest! {
    #[test]
    fn no_course_of_events_breaks_the_rules(
        (steps, moves) in prop::collection::vec(any_step(), 1..4).prop_flat_map(|steps| {
            let moves = prop::collection::vec((any_move(steps.clone()), 0_i64..20 * DAY), 1..60);
            (Just(steps), moves)
        }),
        applicant in prop::option::of(0_u8..8),
    ) {
        let mut course = Course::new(draft(applicant));
        let mut hours = 0;
        for (asked, pause) in moves {
            hours += pause / 10;
            let (before, now) = (course.application.clone(), at(hours));
            let was_over = before.expires_at.is_some_and(|end| end <= now);
            let is_expiry = asked == Move::Expire;
            let count = course.acts.len();
            if course.go(asked, now).is_err() {
                prop_assert_eq!((&course.application, course.acts.len()), (&before, count), "a refusal changes nothing");
                continue;
            }
            let after = &course.application;
            prop_assert!(ways(before.state).contains(&after.state), "{:?} → {:?}", before.state, after.state);
            prop_assert!(!before.state.is_over(before.outcome()), "{:?} is over", before.state);
            prop_assert_eq!(was_over, is_expiry, "the clock alone ends what is over");
            prop_assert!(after.state.is_with_reviewers() == after.due_at.is_some());
        }
        let acts = &course.acts;
        for (seq, act) in acts.iter().enumerate() {
            prop_assert_eq!(act.seq as usize, seq, "acts are in order");
            if act.deed.is_verdict() {
                let by = act.by.expect("a verdict is somebody's");
                prop_assert_ne!(Some(by), course.application.applicant, "nobody decides on their own behalf");
                let others = acts.iter().filter(|other| other.by == Some(by) && other.seq < act.seq);
                for other in others {
                    prop_assert!(other.deed != Deed::Conflict, "who has an interest is out");
                    prop_assert!(!other.deed.is_verdict() || other.round != act.round, "one person speaks once");
                }
            }
            let is_no = matches!(act.deed, Deed::Returned | Deed::Rejected) || !act.changes.is_empty();
            prop_assert!(!is_no || !act.reason.trim().is_empty());
        }
        let effects = acts.iter().filter(|act| act.deed == Deed::Effected).count();
        prop_assert!(effects <= 1);
        if let Some(decision) = &course.application.decision {
            let of_round = || acts.iter().filter(|act| act.round == course.application.round);
            if decision.outcome == Outcome::Rejected {
                prop_assert_eq!(effects, 0);
                prop_assert!(!decision.reason.is_empty(), "who is refused is told why");
            } else {
                for (number, step) in steps.iter().enumerate() {
                    let of_step = of_round().filter(|act| act.step as usize == number && act.deed.is_verdict());
                    let yes = of_step.clone().filter(|act| act.deed != Deed::Rejected);
                    let people: BTreeSet<_> = yes.clone().filter_map(|act| act.by).collect();
                    prop_assert_eq!(people.len(), step.quorum as usize, "each step has its quorum, of so many people");
                    if let Some(least) = step.least_average {
                        let sum: u32 = yes.filter_map(|act| act.score).sum();
                        prop_assert!(sum >= least * step.quorum);
                    } else {
                        prop_assert!(of_step.count() <= step.most() as usize);
                    }
                }
            }
        } else {
            prop_assert_eq!(effects, 0);
        }
    }
}

/// A kind whose effect is refused where the name is taken.
const KIND: Kind<()> = Kind {
    code: "join",
    title: "contact",
    form: Form { version: 1, questions: &[] },
    path: |_| TWO.to_vec(),
    effect: |(), tx: &Tx, application| {
        if application.answers["contact"] == "taken" {
            return Err(crate::refusal::Refused::AlreadyThere { what: "it".into() }.into());
        }
        let member = Member { login: "made".into(), ..operator(77) };
        store::tenants::insert_member(tx, &member, None)?;
        Ok(Effect { tenant: None, detail: json!({ "number": application.number }), then: Box::new(|()| ()) })
    },
};

fn operator(number: u8) -> Member {
    let Reviewer { member, role } = reviewer(number);
    Member {
        person: domain::PersonId::from_bytes([number; 16]),
        id: member,
        tenant: None,
        login: format!("m{number}"),
        name: "m".into(),
        role,
        is_enabled: true,
        created_at: at(0),
    }
}

#[test]
fn what_is_approved_takes_effect_with_its_decision_or_neither_is_kept() {
    let folder = testkit::open_folder();
    let store = testkit::rows::open(&folder.path().join("center.db"));
    let zone = domain::Zone::default();
    let people = [2, 3].map(operator);
    store
        .write(move |tx| people.iter().try_for_each(|member| store::tenants::insert_member(tx, member, None)))
        .expect("they are new");
    let hand_in = |contact: &'static str, hour: i64| {
        let zone = zone.clone();
        let work = move |tx: &Tx| -> Result<Application, AppError> {
            let asker =
                Asker::Stranger { tracking: [u8::try_from(hour).unwrap_or(0); 32], from: "192.0.2.1".into() };
            let new = New {
                kind: "join",
                form_version: 1,
                domain: TenantDomain::Enterprise,
                asker,
                answers: json!({ "contact": contact }).as_object().expect("an object").clone(),
            };
            let kept = keep::draw_up(tx, &zone, new, at(hour), &terms())?;
            Ok(keep::advance(tx, &kept.application, Move::Submit(TWO.to_vec()), at(hour), &terms())?
                .application)
        };
        store.write(work).expect("it is handed in")
    };
    let judge = |number: String, person: u8| {
        let work = move |tx: &Tx| -> Result<bool, AppError> {
            let application = rows::find(tx, &number)?.expect("it is there");
            let by = (reviewer(person), approves());
            Ok(keep::judge(&(), &KIND, tx, &application, by, at(3), &terms())?.1.is_some())
        };
        store.write(work)
    };
    let (good, bad) = (hand_in("Li", 1), hand_in("taken", 2));
    assert_eq!(bad.number[..7], good.number[..7]);
    assert!(
        good.number.ends_with("-000001") && bad.number.ends_with("-000002"),
        "{} {}",
        good.number,
        bad.number
    );
    for number in [&good.number, &bad.number] {
        assert!(!judge(number.clone(), 3).expect("contracts approve"), "it has another step");
    }
    assert!(judge(good.number.clone(), 2).expect("an operator approves"));
    assert!(judge(good.number.clone(), 2).is_err(), "it is over");
    assert!(judge(bad.number.clone(), 2).is_err(), "the effect is refused");
    let read = |tx: &Tx| {
        let states = [&good, &bad].map(|one| rows::get(tx, one.id).expect("it is there").state);
        let deeds: Vec<Deed> = rows::acts(tx, good.id)?.into_iter().map(|act| act.deed).collect();
        let events = store::events::list_after(tx, 0, None, None, 99)?;
        let members = store::tenants::list_members(tx, None)?.len();
        let lines = store::audit::list(tx, &store::audit::AuditFilter::default(), None, 9)?;
        Ok::<_, AppError>((states, deeds, events, members, lines.len()))
    };
    let (states, deeds, told, members, lines) = store.read(read).expect("it is read");
    // Each step that opens says whose it is.
    let of_good = |event: &&store::events::Event| event.event.data["number"] == *good.number;
    let opens = told.iter().filter(of_good).map(|event| event.event.data["opens"].clone());
    let none = serde_json::Value::Null;
    assert_eq!(opens.collect::<Vec<_>>(), [json!("contracts"), json!("operator"), none.clone(), none]);
    let events = told.len();
    assert_eq!(states, [State::Effected, State::InReview]);
    assert_eq!(deeds, [Deed::Drafted, Deed::Submitted, Deed::Approved, Deed::Approved, Deed::Effected]);
    // Of the one that was refused, its submission and the first verdict are told.
    assert_eq!((events, members, lines), (4 + 2, 3, 1));

    // The clock ends the other, and a draft.
    let ended = store.write(|tx| Ok::<_, AppError>(keep::expire(tx, at(2 + 90 * DAY), &terms())?.len()));
    assert_eq!(ended.expect("they end"), 1);
    assert_eq!(store.read(|tx| rows::get(tx, bad.id)).expect("it is there").state, State::Expired);
}

#[test]
fn whoever_asks_as_one_member_does_not_review_as_another() {
    let folder = testkit::open_folder();
    let store = testkit::rows::open(&folder.path().join("center.db"));
    let party = testkit::rows::seed(&store, 1, 1).parties[0].clone();
    let work = move |tx: &Tx| -> Result<_, AppError> {
        let asks = store::tenants::get_member(tx, party.member)?;
        // The same person is of the center as well.
        let reviews = Member { person: asks.person, ..operator(3) };
        store::tenants::insert_membership(tx, &reviews)?;
        let asker = Asker::Member { member: asks.id, tenant: asks.tenant };
        let (domain, answers) = (TenantDomain::Research, Answers::new());
        let new = New { kind: "join", form_version: 1, domain, asker, answers };
        let zone = domain::Zone::default();
        let drawn = keep::draw_up(tx, &zone, new, at(1), &terms())?.application;
        let handed_in = keep::advance(tx, &drawn, Move::Submit(TWO.to_vec()), at(1), &terms())?.application;
        let judged = keep::judge(&(), &KIND, tx, &handed_in, (reviewer(3), approves()), at(2), &terms());
        Ok(judged.map(|_| ()))
    };
    let refused = store.write(work).expect("it is handed in").expect_err("it is their own");
    assert!(
        matches!(&refused, AppError::Refused(why) if **why == crate::refusal::Refused::OwnApplication),
        "{refused:?}"
    );
}
