//! The list of nodes, and the hall that they stand in.

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    error::AppError,
    page::{
        frame::{Page, Visitor, ok},
        words::Html,
    },
};
use domain::NodeStatus;

use super::map::{self, Tile};
use crate::{
    app::nodes::{self, CardStatus, NodeView, PoolView},
    center::Center,
};

struct NodeLine {
    name: String,
    is_virtual: bool,
    state: NodeStatus,
    used: String,
    rings: Vec<Strip>,
    jobs: Vec<(String, String)>,
    reason: String,
    pflops: String,
}

/// The cards of a ring in a row.
struct Strip {
    /// In words, for those who don't see it.
    words: String,
    looks: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "nodes.html")]
pub struct NodesPage {
    page: Page,
    pools: Vec<PoolView>,
    is_virtual: bool,
    legend: Html,
    tiles: Vec<Tile>,
    nodes: Vec<NodeLine>,
}

pub async fn list(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let (all, in_hall) = nodes::list_in_hall(&center, &visitor.caller).await?;
    let pools = nodes::list_pools(&center, &visitor.caller)?;
    let (tiles, counts) = map::tiles(ui, &in_hall);
    let lines = all.iter().zip(&tiles).map(|(node, tile)| {
        let cards = node.cards.len();
        let busy = node.cards.iter().filter(|card| card.state == CardStatus::Busy).count();
        let ring = |looks: &Vec<&'static str>| {
            let words: Vec<String> = looks.iter().map(|look| ui.word("card", look)).collect();
            Strip { words: words.join(", "), looks: looks.clone() }
        };
        let tflops = u64::from(node.fp16_tflops) * busy as u64 / (cards.max(1) as u64);
        NodeLine {
            name: node.name.clone(),
            is_virtual: node.is_virtual,
            state: node.state,
            used: format!("{busy} / {cards}"),
            rings: tile.rings.iter().map(ring).collect(),
            jobs: jobs_of(node),
            reason: node.reason.clone(),
            pflops: ui.pflops(tflops),
        }
    });
    let page = NodesPage {
        nodes: lines.collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for NodesPage {
        fn samples(page: &Page) -> Vec<Self> {
            let strip =
                |words: &str, looks: &[&'static str]| Strip { words: words.into(), looks: looks.to_vec() };
            let line = |state: NodeStatus, is_virtual: bool| NodeLine {
                name: "HZ-01".into(),
                is_virtual,
                state,
                used: "2 / 4".into(),
                rings: vec![strip("A, B", &["sold", "idle"]), strip("C", &["failed"])],
                jobs: vec![
                    (views::job().id.to_string(), views::job().name),
                    (views::job().id.to_string(), "Sweep".into()),
                ],
                reason: if is_virtual { String::new() } else { "Fans".into() },
                pflops: page.pflops(512_u64),
            };
            vec![Self {
                page: page.clone(),
                pools: vec![views::pool(), views::pool()],
                is_virtual: true,
                legend: page.legend(&[("sold", "2".into()), ("idle", "1".into())]),
                tiles: views::tiles(),
                nodes: vec![line(NodeStatus::Up, true), line(NodeStatus::Drained, false)],
            }]
        }
    }
}
