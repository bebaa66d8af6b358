//! One node with its cards, and the forms that take it out and back in.

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
        extract::Sent,
        form::Form,
        frame::{Page, Visitor, render},
        words::Html,
    },
};

use super::map;
use crate::{
    actions,
    app::{
        hall,
        nodes::{self, CardStatus, CardView, NewMaintenance, NodeView},
    },
    center::Center,
    retirement::ask as retirement,
};

struct Ring {
    index: u8,
    cards: Vec<(CardView, &'static str)>,
}

#[derive(Template)]
#[template(path = "node.html")]
pub struct NodePage {
    page: Page,
    node: NodeView,
    rings: Vec<Ring>,
    legend: Html,
    used: usize,
    use_pflops: String,
    all_pflops: String,
    may_change: bool,
    drain: Form,
    labels: Form,
    maintenance: Form,
}

/// The forms of a node's page: as they came back, or as they begin.
#[derive(Default)]
struct Forms {
    drain: Form,
    /// The labels that the node has where the form did not come back.
    labels: Option<Form>,
    maintenance: Form,
}

pub async fn page(
    State(center): State<Center>,
    Id(name): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    match show(&center, &visitor, &name, StatusCode::OK, Forms::default()).await {
        // A node of the past is among the retired ones.
        Err(AppError::NotFound { .. }) if retirement::is_retired(&center, &name) => {
            Ok(Redirect::to("/retirement#retired").into_response())
        }
        shown => shown,
    }
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    name: &str,
    status: StatusCode,
    forms: Forms,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let node = nodes::show(center, &visitor.caller, name).await?;
    let on_cards = hall::show(center, &visitor.caller, name)?.cards;
    let mut rings: Vec<Ring> = Vec::new();
    for (card, state) in node.cards.iter().zip(&on_cards) {
        let look = state.code();
        match rings.iter_mut().find(|ring| ring.index == card.ring) {
            Some(ring) => ring.cards.push((card.clone(), look)),
            None => rings.push(Ring { index: card.ring, cards: vec![(card.clone(), look)] }),
        }
    }
    let used = node.cards.iter().filter(|card| card.state == CardStatus::Busy).count();
    let counts: Vec<_> =
        map::count(on_cards.iter()).into_iter().map(|(code, count)| (code, count.to_string())).collect();
    let page = NodePage {
        page: visitor.page("nodes", node.name.clone()),
        rings,
        legend: ui.legend(&counts),
        used,
        use_pflops: ui.pflops(u64::from(node.fp16_tflops) * used as u64 / (node.cards.len().max(1) as u64)),
        all_pflops: ui.pflops(u64::from(node.fp16_tflops)),
        may_change: visitor.may(center, actions::CHANGE_NODE, None),
        drain: forms.drain,
        labels: forms.labels.unwrap_or_else(|| Form::with(&[("labels", node.labels.join(" "))])),
        maintenance: forms.maintenance,
        node,
    };
    Ok(render(status, &page))
}

fn shown(name: &str) -> Response {
    Redirect::to(&format!("/nodes/{}", encode(name))).into_response()
}

pub async fn drain(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, form: mut drain }: Sent,
) -> Result<Response, AppError> {
    match nodes::drain(&center, &visitor.caller, &name, drain.value("reason")).await {
        Ok(_) => Ok(shown(&name)),
        Err(error) => {
            let field = |name: &str| (name == "reason").then_some("reason");
            let status = drain.explain(visitor.front.ui, error, field)?;
            show(&center, &visitor, &name, status, Forms { drain, ..Forms::default() }).await
        }
    }
}

pub async fn resume(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    nodes::resume(&center, &visitor.caller, &name).await?;
    Ok(shown(&name))
}

pub async fn set_labels(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, form: mut labels }: Sent,
) -> Result<Response, AppError> {
    let words = labels.value("labels").split([',', '，', ' ']).filter(|word| !word.is_empty());
    let words = words.map(str::to_owned).collect();
    match nodes::set_labels(&center, &visitor.caller, &name, words).await {
        Ok(_) => Ok(shown(&name)),
        Err(error) => {
            let field = |name: &str| (name == "labels").then_some("labels");
            let status = labels.explain(visitor.front.ui, error, field)?;
            show(&center, &visitor, &name, status, Forms { labels: Some(labels), ..Forms::default() }).await
        }
    }
}

pub async fn set_maintenance(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, form: mut maintenance }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let new = NewMaintenance {
        from: maintenance.instant(ui, "from"),
        until: maintenance.instant(ui, "until"),
        reason: maintenance.value("reason").to_owned(),
    };
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if maintenance.is_good() {
        match nodes::set_maintenance(&center, &visitor.caller, &name, Some(new)).await {
            Ok(_) => return Ok(shown(&name)),
            Err(error) => {
                let field = |name: &str| ["from", "until", "reason"].into_iter().find(|known| *known == name);
                status = maintenance.explain(ui, error, field)?;
            }
        }
    }
    show(&center, &visitor, &name, status, Forms { maintenance, ..Forms::default() }).await
}

pub async fn cancel_maintenance(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, .. }: Sent,
) -> Result<Response, AppError> {
    nodes::set_maintenance(&center, &visitor.caller, &name, None).await?;
    Ok(shown(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for NodePage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |node: NodeView, may_change: bool, forms: Forms| Self {
                page: page.clone(),
                rings: node
                    .cards
                    .chunks(2)
                    .zip(0..)
                    .map(|(cards, index)| Ring {
                        index,
                        cards: cards.iter().cloned().zip(["sold", "idle"]).collect(),
                    })
                    .collect(),
                legend: page.legend(&[("sold", "2".into())]),
                used: 2,
                use_pflops: page.pflops(512_u64),
                all_pflops: page.pflops(1024_u64),
                may_change,
                drain: forms.drain,
                labels: forms.labels.unwrap_or_default(),
                maintenance: forms.maintenance,
                node,
            };
            let wrong = |fields: &[&str]| {
                let mut form = Form::with(&[("reason", "<b>".to_owned())]);
                for field in fields {
                    form.blame_for(page.ui, field, domain::problem::Wrong::HasNul);
                }
                form
            };
            let forms = || Forms {
                drain: wrong(&["reason"]),
                labels: Some(wrong(&["labels"])),
                maintenance: wrong(&["from", "until", "reason"]),
            };
            let drained = NodeView {
                state: domain::NodeStatus::Drained,
                reason: "Fans < 2".into(),
                maintenance: Some(views::maintenance()),
                is_virtual: false,
                switch: String::new(),
                labels: Vec::new(),
                ..views::node()
            };
            vec![
                sample(views::node(), true, Forms::default()),
                sample(drained.clone(), true, Forms::default()),
                sample(drained, true, forms()),
                sample(views::node(), true, forms()),
                sample(views::node(), false, Forms::default()),
            ]
        }
    }
}
