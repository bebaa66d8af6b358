//! Corrections in a browser: all of them, with the decision on those proposed, and a form to propose one.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::{Id, encode},
    page::{
        extract::{Asked, Sent},
        form::Form,
        frame::{Page, Visitor, render},
    },
};
use domain::ledger::CorrectionKind;
use serde::Deserialize;

use super::{
    ask::{self, CorrectionQuery, CorrectionView, Decision, NewCorrection},
    rule::{CorrectionState, DECIDE, PROPOSE},
};
use crate::center::Center;

#[derive(Template)]
#[template(path = "correction/list.html")]
pub struct CorrectionsPage {
    page: Page,
    corrections: Vec<CorrectionView>,
    shown: String,
    newest: String,
    older: String,
    may_propose: bool,
    may_decide: bool,
    /// The decision that was sent, with its faults.
    decision: Form,
}

#[derive(Template)]
#[template(path = "correction/new.html")]
pub struct ProposalPage {
    page: Page,
    proposal: Form,
    kinds: [&'static str; 6],
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CorrectionsQuery {
    cursor: String,
}

pub async fn list(
    State(center): State<Center>,
    Asked(wanted): Asked<CorrectionsQuery>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    show_list(&center, &visitor, wanted, StatusCode::OK, Form::default()).await
}

async fn show_list(
    center: &Center,
    visitor: &Visitor,
    wanted: CorrectionsQuery,
    status: StatusCode,
    decision: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let newest = if wanted.cursor.is_empty() { String::new() } else { "/corrections".to_owned() };
    let query = CorrectionQuery { cursor: Some(wanted.cursor), limit: None };
    let found = ask::list(center, &visitor.caller, query).await?;
    let page = CorrectionsPage {
        shown: ui.shown_of(found.items.len(), found.total),
        newest,
        older: found
            .next_cursor
            .map(|next| format!("/corrections?cursor={}", encode(&next)))
            .unwrap_or_default(),
        corrections: found.items,
        page: visitor.page("corrections", visitor.front.ui.t("nav-corrections")),
        may_propose: visitor.may(center, PROPOSE, None),
        may_decide: visitor.may(center, DECIDE, None),
        decision,
    };
    Ok(render(status, &page))
}

/// The empty form.
pub async fn draft(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    center.policies.check(&visitor.caller, PROPOSE, None)?;
    Ok(show_draft(&visitor, StatusCode::OK, Form::with(&[("kind", CorrectionKind::Reversal.code().into())])))
}

fn show_draft(visitor: &Visitor, status: StatusCode, proposal: Form) -> Response {
    let ui = visitor.front.ui;
    let page = visitor.page("corrections", ui.t("correction-new"));
    render(status, &ProposalPage { page, kinds: CorrectionKind::ALL.map(CorrectionKind::code), proposal })
}

pub async fn propose(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let amount = form.yuan(ui, "amount");
    if !form.is_good() {
        return Ok(show_draft(&visitor, StatusCode::UNPROCESSABLE_ENTITY, form));
    }
    let text = |name: &str| form.value(name).to_owned();
    let new = NewCorrection {
        kind: text("kind"),
        contract: text("contract"),
        // A field that is not shown counts for nothing.
        to_contract: (form.value("kind") == CorrectionKind::Transfer.code()).then(|| text("to_contract")),
        amount_micro_cny: amount.0,
        corrects: text("corrects"),
        reason: text("reason"),
        reference: text("reference"),
    };
    match ask::propose(&center, &visitor.caller, new).await {
        Ok(_) => Ok(Redirect::to("/corrections").into_response()),
        Err(error) => {
            let status = form.explain(ui, error, |name| match name {
                "kind" => Some("kind"),
                "contract" => Some("contract"),
                "to_contract" => Some("to_contract"),
                "amount_micro_cny" => Some("amount"),
                "corrects" => Some("corrects"),
                "reason" => Some("reason"),
                "reference" => Some("reference"),
                _ => None,
            })?;
            Ok(show_draft(&visitor, status, form))
        }
    }
}

pub async fn decide(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let decision = Decision { book: form.value("decision") == "book", note: form.value("note").to_owned() };
    match ask::decide(&center, &visitor.caller, &id, decision).await {
        Ok(_) => Ok(Redirect::to("/corrections").into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |_| None)?;
            show_list(&center, &visitor, CorrectionsQuery::default(), status, form).await
        }
    }
}

#[cfg(test)]
mod samples {
    use domain::{CorrectionId, MicroCny, Timestamp};

    use super::*;
    use crate::portal::sample::Sample;

    fn correction(state: CorrectionState) -> CorrectionView {
        let is_decided = state != CorrectionState::Proposed;
        CorrectionView {
            id: CorrectionId::from_bytes([7; 16]),
            kind: CorrectionKind::CreditNote,
            contract: "HZ-1 <b>".into(),
            to_contract: None,
            amount_micro_cny: MicroCny(12_500_000),
            corrects: "2026-11".into(),
            reason: "a <fan> failed".into(),
            reference: String::new(),
            state,
            proposed_by: "ann".into(),
            proposed_at: Timestamp::from_secs(1_790_000_000).into(),
            decided_by: is_decided.then(|| "bo".into()),
            decided_at: is_decided.then(|| Timestamp::from_secs(1_790_000_100).into()),
            note: if state == CorrectionState::Refused { "not <by> us".into() } else { String::new() },
        }
    }

    impl Sample for CorrectionsPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |corrections, may: bool, decision| Self {
                page: page.clone(),
                corrections,
                shown: page.t2("shown-of", 3, 9),
                newest: if may { String::new() } else { "/corrections".into() },
                older: if may { "/corrections?cursor=x".into() } else { String::new() },
                may_propose: may,
                may_decide: may,
                decision,
            };
            let mut refused = Form::default();
            refused.blame_by(page.ui, "note", "amount");
            let all = CorrectionState::ALL.map(correction).to_vec();
            vec![
                sample(all.clone(), true, Form::default()),
                sample(all, false, refused),
                sample(Vec::new(), true, Form::default()),
            ]
        }
    }

    impl Sample for ProposalPage {
        fn samples(page: &Page) -> Vec<Self> {
            let mut wrong = Form::with(&[("amount", "much".into()), ("kind", "transfer".into())]);
            wrong.yuan(page.ui, "amount");
            let sample = |proposal| Self {
                page: page.clone(),
                kinds: CorrectionKind::ALL.map(CorrectionKind::code),
                proposal,
            };
            vec![sample(Form::default()), sample(wrong)]
        }
    }
}
