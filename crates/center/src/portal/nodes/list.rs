//! The list of nodes, and the hall that they stand in: in groups where they are many, each node where they are few.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    error::AppError,
    http::encode,
    moment,
    page::{
        extract::Asked,
        form::Choice,
        frame::{Page, Visitor, ok},
        words::{Html, Ui},
    },
    params,
};
use domain::{NodeStatus, Timestamp, problem::field};
use serde::Deserialize;

use super::{
    groups::{self, Group, MOST_GROUPS, MOST_NODES},
    map::{self, Tile},
};
use crate::{
    app::{
        hall::{self, CardState, HallNode},
        nodes::{self, MaintenanceView, NodeView, PoolView},
    },
    center::Center,
};

domain::codes! {
    /// What a node may be asked for by.
    pub enum Condition {
        /// It has cards that a run could start on now.
        Free = "free",
        /// It has cards that are in use.
        Busy = "busy",
        Drained = "drained",
        Failed = "failed",
        /// It is out for maintenance, or will be.
        Maintenance = "maintenance",
    }
}

/// The filters of the list, from its address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodesQuery {
    name: String,
    pool: String,
    /// `-` for nodes that name none.
    switch: String,
    state: String,
    page: Option<usize>,
}

impl NodesQuery {
    fn href(&self, page: Option<usize>) -> String {
        let page = page.map(|page| page.to_string()).unwrap_or_default();
        let parts = [
            ("name", &self.name),
            ("pool", &self.pool),
            ("switch", &self.switch),
            ("state", &self.state),
            ("page", &page),
        ];
        let given: Vec<String> = parts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        if given.is_empty() { "/nodes".to_owned() } else { format!("/nodes?{}", given.join("&")) }
    }

    fn condition(&self) -> Result<Option<Condition>, AppError> {
        let known = Condition::ALL.map(Condition::code);
        let word = |text: &String| params::word(field::STATE, text, Condition::from_code, &known);
        Some(&self.state).filter(|text| !text.is_empty()).map(word).transpose()
    }

    fn matches(&self, condition: Option<Condition>, node: &HallNode) -> bool {
        let name = self.name.trim().to_lowercase();
        (self.pool.is_empty() || node.pool == self.pool)
            && (self.switch.is_empty() || groups::or_none(&node.switch) == self.switch)
            && (name.is_empty() || node.name.to_lowercase().contains(&name))
            && match condition {
                None => true,
                Some(Condition::Free) => node.cards.contains(&CardState::Idle),
                Some(Condition::Busy) => node.busy_cards > 0,
                Some(Condition::Drained) => node.state == NodeStatus::Drained,
                Some(Condition::Failed) => node.state == NodeStatus::Failed,
                Some(Condition::Maintenance) => node.maintenance.is_some(),
            }
    }
}

struct NodeLine {
    key: String,
    name: String,
    place: String,
    is_virtual: bool,
    state: NodeStatus,
    used: String,
    cells: Html,
    jobs: Vec<(String, String)>,
    reason: String,
    maintenance: Option<MaintenanceView>,
    pflops: String,
}

/// Groups of one pool.
struct InPool {
    name: String,
    about: String,
    groups: Vec<Group>,
}

#[derive(Template)]
#[template(path = "nodes.html")]
pub struct NodesPage {
    page: Page,
    now: Timestamp,
    query: NodesQuery,
    is_filtered: bool,
    pool_choices: Vec<Choice>,
    switches: Vec<Choice>,
    states: Vec<Choice>,
    is_virtual: bool,
    /// `24 of 600 nodes`, and where the others are.
    shown: String,
    back: String,
    next: String,
    legend: Html,
    pools: Vec<InPool>,
    tiles: Vec<Tile>,
    nodes: Vec<NodeLine>,
}

/// The most switches that are offered for the filter.
const MOST_SWITCHES: usize = 200;

pub async fn list(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(query): Asked<NodesQuery>,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let condition = query.condition()?;
    let hall = hall::list(&center, &visitor.caller)?;
    let pools = nodes::list_pools(&center, &visitor.caller)?;
    let matching: Vec<&HallNode> = hall.iter().filter(|node| query.matches(condition, node)).collect();
    let counts = map::count(matching.iter().flat_map(|node| &node.cards));
    let is_each = query.page.is_some() || matching.len() <= MOST_NODES;
    // Said in the head; in a row only where rows differ.
    let is_all_virtual = hall.iter().all(|node| node.is_virtual);
    let (mut tiles, mut lines, mut in_pools) = (Vec::new(), Vec::new(), Vec::new());
    let at = query.page.unwrap_or(1).max(1);
    let (shown, of, has_next) = if is_each {
        let skipped = matching.len().min((at - 1).saturating_mul(MOST_NODES));
        let part = &matching[skipped..matching.len().min(skipped + MOST_NODES)];
        tiles = part.iter().map(|node| map::tile(ui, node)).collect();
        lines = lines_of(&center, &visitor, part, !is_all_virtual).await?;
        (part.len(), matching.len(), skipped + part.len() < matching.len())
    } else {
        let mut all = groups::groups(ui, &matching);
        let is_cut = all.len() > MOST_GROUPS;
        all.truncate(MOST_GROUPS);
        // A group of nodes that match shows those alone.
        let kept = [("name", &query.name), ("state", &query.state)];
        let kept = kept.into_iter().filter(|(_, value)| !value.is_empty());
        let kept: Vec<String> = kept.map(|(name, value)| format!("&{name}={}", encode(value))).collect();
        for group in &mut all {
            group.href.push_str(&kept.concat());
        }
        let shown = all.iter().map(|group| group.nodes).sum();
        in_pools = by_pool(ui, &pools, all);
        (shown, matching.len(), is_cut)
    };
    let switches: BTreeSet<&str> = hall.iter().map(|node| node.switch.as_str()).collect();
    let switches = if (2..=MOST_SWITCHES).contains(&switches.len()) { switches } else { BTreeSet::new() };
    let switch = |name: &str| {
        let word = if name.is_empty() { ui.t("none") } else { name.to_owned() };
        Choice::new(groups::or_none(name), word)
    };
    let page = NodesPage {
        now: moment::now(),
        is_filtered: query.href(None) != "/nodes" || query.page.is_some(),
        pool_choices: pools.iter().map(|pool| Choice::new(&pool.name, &pool.name)).collect(),
        switches: switches.into_iter().map(switch).collect(),
        states: Condition::ALL.map(|one| Choice::new(one.code(), ui.word("node-is", one))).into(),
        is_virtual: hall.iter().any(|node| node.is_virtual),
        shown: ui.t2("nodes-shown", shown, of),
        back: if is_each && at > 1 { query.href(Some(at - 1)) } else { String::new() },
        // Of groups that are too many for a page the others are reached node by node, which are in the order of their names.
        next: if has_next { query.href(Some(if is_each { at + 1 } else { 1 })) } else { String::new() },
        legend: ui.legend(&counts.iter().map(|(kind, n)| (*kind, ui.count(n))).collect::<Vec<_>>()),
        pools: in_pools,
        tiles,
        nodes: lines,
        query,
        page: visitor.page("nodes", ui.t("nav-nodes")),
    };
    Ok(ok(&page))
}

fn by_pool(ui: Ui, pools: &[PoolView], all: Vec<Group>) -> Vec<InPool> {
    let mut in_pools: Vec<InPool> = Vec::new();
    for group in all {
        if let Some(last) = in_pools.last_mut().filter(|last| last.name == group.pool) {
            last.groups.push(group);
            continue;
        }
        let pool = pools.iter().find(|pool| pool.name == group.pool);
        let about = pool.map(|pool| about(ui, pool)).unwrap_or_default();
        in_pools.push(InPool { name: group.pool.clone(), about, groups: vec![group] });
    }
    in_pools
}

fn about(ui: Ui, pool: &PoolView) -> String {
    let size = ui.t2("nodes-and-cards", ui.count(pool.nodes), ui.count(pool.cards));
    let free = ui.t1("free-now", "n", ui.count(pool.free_cards));
    [pool.card_model.clone(), size, free].join(" · ")
}

async fn lines_of(
    center: &Center,
    visitor: &Visitor,
    part: &[&HallNode],
    tells_virtual: bool,
) -> Result<Vec<NodeLine>, AppError> {
    let ui = visitor.front.ui;
    let names = part.iter().map(|node| node.name.clone()).collect();
    let views = nodes::list_named(center, &visitor.caller, &names).await?;
    let views: BTreeMap<&str, &NodeView> = views.iter().map(|view| (view.name.as_str(), view)).collect();
    let line = |node: &&HallNode| {
        let view = views.get(node.name.as_str());
        let (cards, busy) = (node.cards.len(), u64::from(node.busy_cards));
        let parts = map::count(node.cards.iter()).into_iter().filter(|(_, count)| *count > 0);
        let words: Vec<String> =
            parts.map(|(code, count)| format!("{count} {}", ui.word("card", code))).collect();
        let place = [node.pool.as_str(), node.switch.as_str()].into_iter().filter(|part| !part.is_empty());
        NodeLine {
            key: format!("node-{}", node.name),
            name: node.name.clone(),
            place: place.collect::<Vec<_>>().join(" · "),
            is_virtual: node.is_virtual && tells_virtual,
            state: node.state,
            used: format!("{busy} / {cards}"),
            cells: groups::cells(&[node], &words.join(", ")),
            jobs: view.map(|view| jobs_of(view)).unwrap_or_default(),
            reason: node.reason.clone(),
            maintenance: view.and_then(|view| view.maintenance.clone()),
            pflops: ui.pflops(u64::from(node.fp16_tflops) * busy / (cards.max(1) as u64)),
        }
    };
    Ok(part.iter().map(line).collect())
}

/// The jobs that a reader may see there: id and name, each once.
fn jobs_of(node: &NodeView) -> Vec<(String, String)> {
    let mut jobs: Vec<(String, String)> =
        node.cards.iter().filter_map(|card| Some((card.job?.to_string(), card.job_name.clone()?))).collect();
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
            let cells =
                |label: &str| Html(format!(r#"<svg class="cells" role="img" aria-label="{label}"></svg>"#));
            let line = |key: &str, state: NodeStatus, is_virtual: bool| NodeLine {
                key: key.into(),
                name: "HZ-01".into(),
                place: "HALL-1 · S1".into(),
                is_virtual,
                state,
                used: "2 / 4".into(),
                cells: cells("A, B"),
                jobs: vec![
                    (views::job().id.to_string(), views::job().name),
                    (views::job().id.to_string(), "Sweep".into()),
                ],
                reason: if is_virtual { String::new() } else { "Fans".into() },
                maintenance: is_virtual.then(views::maintenance),
                pflops: page.pflops(512_u64),
            };
            let choice = |word: &str| Choice::new(word, word);
            let of = |is_full: bool| Self {
                page: page.clone(),
                now: views::AT,
                query: NodesQuery {
                    name: if is_full { "a\"b".into() } else { String::new() },
                    ..NodesQuery::default()
                },
                is_filtered: is_full,
                pool_choices: if is_full { vec![choice("HALL-1"), choice("HALL-2")] } else { Vec::new() },
                switches: if is_full { vec![choice("S1"), choice("S2")] } else { Vec::new() },
                states: vec![Choice::new("free", page.word("node-is", "free"))],
                is_virtual: true,
                shown: page.t2("nodes-shown", 2, 9),
                back: if is_full { "/nodes?page=1".into() } else { String::new() },
                next: if is_full { "/nodes?page=3".into() } else { String::new() },
                legend: page.legend(&[("sold", "2".into()), ("idle", "1".into())]),
                pools: Vec::new(),
                tiles: Vec::new(),
                nodes: Vec::new(),
            };
            let each = Self {
                tiles: views::tiles(),
                nodes: vec![line("node-1", NodeStatus::Up, true), line("node-2", NodeStatus::Drained, false)],
                ..of(true)
            };
            let in_groups = vec![views::group("g1"), Group { out: Vec::new(), ..views::group("g2") }];
            let pools = vec![InPool { name: "HALL-1".into(), about: "Ascend 910".into(), groups: in_groups }];
            vec![each, Self { pools, ..of(false) }, of(true)]
        }
    }

    #[test]
    fn an_address_keeps_the_filter() {
        let query = NodesQuery { name: "a b".into(), state: "free".into(), ..NodesQuery::default() };
        assert_eq!(query.href(Some(2)), "/nodes?name=a%20b&state=free&page=2");
        assert_eq!(NodesQuery::default().href(None), "/nodes");
        assert_eq!(query.condition().unwrap(), Some(Condition::Free));
        assert!(NodesQuery { state: "asleep".into(), ..query }.condition().is_err());
    }
}
