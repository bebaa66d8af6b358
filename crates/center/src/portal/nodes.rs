//! Nodes and cards, and taking nodes out and back in.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    extract::{Id, Sent},
    fault::Fault,
    hall::{self, Tile},
    kit::{CARD_STATES, Html, instant},
    page::{Page, Visitor, encode, ok},
};
use crate::{
    app::nodes::{self, CardView, NewMaintenance, NodeView, PoolView},
    auth::Action,
    center::Center,
};

struct NodeLine {
    name: String,
    is_virtual: bool,
    state: String,
    used: String,
    rings: Vec<(String, Vec<&'static str>)>,
    jobs: Vec<(String, String)>,
    reason: String,
    pflops: String,
}

#[derive(Template)]
#[template(path = "nodes.html")]
struct Nodes {
    page: Page,
    pools: Vec<PoolView>,
    is_virtual: bool,
    legend: Html,
    tiles: Vec<Tile>,
    lines: Vec<NodeLine>,
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, Fault> {
    let failed = |error| visitor.fault(error);
    let ui = visitor.front.ui;
    let all = nodes::list(&center, &visitor.caller).await.map_err(failed)?;
    let pools = nodes::list_pools(&center, &visitor.caller).map_err(failed)?;
    let (tiles, counts) = hall::hall(&center.live(), ui);
    let lines = all.iter().zip(&tiles).map(|(node, tile)| {
        let cards = node.cards.len();
        let busy = node.cards.iter().filter(|card| card.state == "busy").count();
        let ring = |looks: &Vec<&'static str>| {
            let words: Vec<String> = looks.iter().map(|look| ui.word("card", look)).collect();
            (words.join(", "), looks.clone())
        };
        let tflops = u64::from(node.fp16_tflops) * busy as u64 / (cards.max(1) as u64);
        NodeLine {
            name: node.name.clone(),
            is_virtual: node.is_virtual,
            state: node.state.clone(),
            used: format!("{busy} / {cards}"),
            rings: tile.rings.iter().map(ring).collect(),
            jobs: jobs_of(node),
            reason: node.reason.clone(),
            pflops: ui.pflops(tflops),
        }
    });
    let page = Nodes {
        lines: lines.collect(),
        pools,
        is_virtual: all.iter().any(|node| node.is_virtual),
        legend: ui.legend(&counts.iter().map(|(kind, n)| (*kind, n.to_string())).collect::<Vec<_>>()),
        tiles,
        page: visitor.page("nodes", ui.t("nav-nodes")),
    };
    Ok(ok(&page))
}

/// The jobs that a reader may see there: id and name, each once.
fn jobs_of(node: &NodeView) -> Vec<(String, String)> {
    let mut jobs: Vec<(String, String)> =
        node.cards.iter().filter_map(|card| Some((card.job?.to_string(), card.job_name.clone()?))).collect();
    jobs.dedup();
    jobs.sort_unstable();
    jobs.dedup();
    jobs
}

struct Ring {
    index: u8,
    cards: Vec<(CardView, &'static str)>,
}

#[derive(Template)]
#[template(path = "node.html")]
struct NodePage {
    page: Page,
    node: NodeView,
    rings: Vec<Ring>,
    legend: Html,
    used: usize,
    use_pflops: String,
    all_pflops: String,
    may_change: bool,
}

pub async fn page(State(center): State<Center>, Id(name): Id, visitor: Visitor) -> Result<Response, Fault> {
    let ui = visitor.front.ui;
    let node = nodes::show(&center, &visitor.caller, &name).await.map_err(|error| visitor.fault(error))?;
    let looks = {
        let live = center.live();
        live.node_named(&name).map(|known| hall::cards_of(&live, known))
    };
    let looks = looks.unwrap_or_default();
    let mut rings: Vec<Ring> = Vec::new();
    for (card, look) in node.cards.iter().zip(&looks) {
        match rings.iter_mut().find(|ring| ring.index == card.ring) {
            Some(ring) => ring.cards.push((card.clone(), look)),
            None => rings.push(Ring { index: card.ring, cards: vec![(card.clone(), look)] }),
        }
    }
    let used = node.cards.iter().filter(|card| card.state == "busy").count();
    let counts =
        CARD_STATES.map(|kind| (kind, looks.iter().filter(|look| **look == kind).count().to_string()));
    let page = NodePage {
        page: visitor.page("nodes", node.name.clone()),
        rings,
        legend: ui.legend(&counts),
        used,
        use_pflops: ui.pflops(u64::from(node.fp16_tflops) * used as u64 / (node.cards.len().max(1) as u64)),
        all_pflops: ui.pflops(u64::from(node.fp16_tflops)),
        may_change: visitor.may(&center, Action::ChangeNode, None),
        node,
    };
    Ok(ok(&page))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Change {
    csrf: String,
    reason: String,
}

pub async fn drain(
    State(center): State<Center>,
    Id(name): Id,
    visitor: Visitor,
    Sent(form): Sent<Change>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    nodes::drain(&center, &visitor.caller, &name, &form.reason)
        .await
        .map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to(&format!("/nodes/{}", encode(&name))).into_response())
}

pub async fn resume(
    State(center): State<Center>,
    Id(name): Id,
    visitor: Visitor,
    Sent(form): Sent<Change>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    nodes::resume(&center, &visitor.caller, &name).await.map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to(&format!("/nodes/{}", encode(&name))).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Labels {
    csrf: String,
    labels: String,
}

pub async fn set_labels(
    State(center): State<Center>,
    Id(name): Id,
    visitor: Visitor,
    Sent(form): Sent<Labels>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    let words = form.labels.split([',', '，', ' ']).filter(|word| !word.is_empty());
    nodes::set_labels(&center, &visitor.caller, &name, words.map(str::to_owned).collect())
        .await
        .map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to(&format!("/nodes/{}", encode(&name))).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Maintenance {
    csrf: String,
    from: String,
    until: String,
    reason: String,
}

pub async fn set_maintenance(
    State(center): State<Center>,
    Id(name): Id,
    visitor: Visitor,
    Sent(form): Sent<Maintenance>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    let instant = |text: &str| instant(text).unwrap_or_default();
    let new = NewMaintenance { from: instant(&form.from), until: instant(&form.until), reason: form.reason };
    change_maintenance(&center, &visitor, &name, Some(new)).await
}

pub async fn cancel_maintenance(
    State(center): State<Center>,
    Id(name): Id,
    visitor: Visitor,
    Sent(form): Sent<Change>,
) -> Result<Response, Fault> {
    visitor.check_csrf(&form.csrf)?;
    change_maintenance(&center, &visitor, &name, None).await
}

async fn change_maintenance(
    center: &Center,
    visitor: &Visitor,
    name: &str,
    new: Option<NewMaintenance>,
) -> Result<Response, Fault> {
    nodes::set_maintenance(center, &visitor.caller, name, new).await.map_err(|error| visitor.fault(error))?;
    Ok(Redirect::to(&format!("/nodes/{}", encode(name))).into_response())
}
