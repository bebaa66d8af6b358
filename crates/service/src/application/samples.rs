//! The pages with samples, for tests that render them without a server.

use base::approval::{Outcome, Step, attachment::AttachmentKind};
use domain::{ApplicationId, Role, Timestamp, contract::ContractKindName, quote::QuoteState};

use super::*;
use crate::quote::samples::quote;

fn view(state: State, outcome: Option<Outcome>) -> ApplicationView {
    let at = Timestamp::from_secs(1_790_000_000);
    let is_open = state == State::InReview;
    ApplicationView {
        id: ApplicationId::from_bytes([7; 16]),
        number: "A-2026-000017".into(),
        kind: "join".into(),
        title: "Qianwan <U>".into(),
        domain: TenantDomain::Research,
        state,
        outcome,
        round: 1,
        open_step: is_open.then_some(Step { least_average: Some(60), ..Step::all_of(2, Role::Operator) }),
        is_late: is_open,
        created_at: at.into(),
        changed_at: at.into(),
        due_at: is_open.then(|| at.into()),
        expires_at: is_open.then(|| at.into()),
        tenant: outcome.map(|_| "qianwan".into()),
    }
}

/// A file of each form.
pub fn attachments() -> Vec<AttachmentView> {
    let sample = |kind| AttachmentView {
        number: 1,
        name: "<licence>.pdf".into(),
        kind,
        bytes: 1 << 20,
        sha256: "00".repeat(32),
        added_at: Timestamp::from_secs(1_790_000_000).into(),
    };
    AttachmentKind::ALL.map(sample).into()
}

impl ApplicationsPage {
    pub fn samples(page: &Page) -> Vec<Self> {
        let sample = |applications, is_filtered: bool| Self {
            page: page.clone(),
            applications,
            query: ApplicationsQuery { state: "open".into(), ..ApplicationsQuery::default() },
            states: states(page.ui),
            kinds: vec![Choice::new("join", page.ui.word("application-kind", "join"))],
            domains: Vec::new(),
            dues: days_choices(page.ui, "application-due-in", &[0, 3]),
            ages: days_choices(page.ui, "application-older", &[7]),
            is_filtered,
            shown: page.t2("shown-of", 3, 9),
            newest: if is_filtered { "/applications".into() } else { String::new() },
            older: if is_filtered { "/applications?cursor=x".into() } else { String::new() },
        };
        let states = State::ALL.map(|state| view(state, None)).into_iter();
        let decided = Outcome::ALL.map(|outcome| view(State::Decided, Some(outcome)));
        vec![sample(states.chain(decided).collect(), true), sample(Vec::new(), false)]
    }
}

impl ApplicationPage {
    pub fn samples(page: &Page) -> Vec<Self> {
        let acts = Deed::ALL.map(|deed| ActView {
            at: Timestamp::from_secs(1_790_000_000).into(),
            deed,
            by: deed.is_verdict().then(|| "ann".into()),
            round: 1,
            step: 2,
            score: (deed == Deed::Scored).then_some(80),
            reason: "which <cards>?".into(),
            note: "ask <them>".into(),
            changes: Answers::from_iter([("cards".to_owned(), Value::from(8))]),
        });
        let line = |name: &'static str, granted: &str| AnswerLine {
            name,
            question: page.ui.word("join", name),
            given: "16 <b>".into(),
            granted: granted.into(),
        };
        let mut wrong = Form::with(&[("score", "many".into())]);
        wrong.number_or_none(page.ui, "score", 0..=100);
        let sample = |state, outcome, is_open: bool, verdict| Self {
            page: page.clone(),
            application: view(state, outcome),
            reason: if is_open { String::new() } else { "it <fits>".into() },
            lines: vec![line("slug", ""), line("cards", "8")],
            acts: if is_open { acts.to_vec() } else { Vec::new() },
            path: vec![
                step_text(page.ui, Step::all_of(1, Role::Contracts)),
                step_text(page.ui, Step::all_of(2, Role::Operator)),
            ],
            too_few: if is_open {
                few_text(page.ui, TooFew { role: Role::Contracts, needed: 2, there: 1 })
            } else {
                String::new()
            },
            twins: if is_open {
                let twin = Twin {
                    question: "slug".into(),
                    application: Some("A-2026-000003".into()),
                    tenant: None,
                    login: None,
                };
                let of_tenant = Twin { application: None, tenant: Some("a".into()), ..twin.clone() };
                let of_login = Twin { tenant: None, login: Some("a-admin".into()), ..of_tenant.clone() };
                [twin, of_tenant, of_login].map(|twin| twin_line(page.ui, "join", twin)).into()
            } else {
                Vec::new()
            },
            may_judge: is_open,
            is_scored: is_open,
            verdict,
            account: (!is_open).then(|| Standing {
                login: "qianwan-admin".into(),
                is_set: outcome == Some(Outcome::ApprovedChanged),
            }),
            may_make_link: outcome == Some(Outcome::Approved),
            quotes: if is_open {
                vec![quote(QuoteState::Draft, ContractKindName::Prepaid, 0)]
            } else {
                Vec::new()
            },
            may_quote: is_open || outcome == Some(Outcome::Approved),
            attachments: if is_open { attachments() } else { Vec::new() },
            link: if outcome == Some(Outcome::Approved) {
                "/apply/A-1/account?secret=x".into()
            } else {
                String::new()
            },
        };
        vec![
            sample(State::InReview, None, true, wrong),
            sample(State::Effected, Some(Outcome::Approved), false, Form::default()),
            sample(State::Effected, Some(Outcome::ApprovedChanged), false, Form::default()),
        ]
    }
}
