//! Nodes: listing, taking out, putting back in.

use clap::Args;
use domain::Lang;
use serde_json::{Value, json};

use super::retirement::OfNodes;
use crate::context::{Context, Done, Run, part};
use crate::{
    output::{Clock, items, list, number, pick, table, text},
    words,
};

/// List nodes with their cards; compare them with those that there are to be, retire, remove or bring back some.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Nodes {
    #[command(subcommand)]
    act: Option<OfNodes>,
}

impl Run for Nodes {
    fn run(self, context: &Context) -> Done {
        if let Some(act) = self.act {
            return act.run(context);
        }
        let answer = context.client.get("/api/v1/nodes")?;
        let nodes = list(&answer)?;
        context.print(&answer, |_| shown(&context.clock(), nodes))
    }
}

fn shown(clock: &Clock, nodes: &[Value]) -> String {
    let lang = clock.lang;
    if nodes.is_empty() {
        return pick(
            lang,
            "没有节点。在设置的 [[pools]] 中加入。",
            "No nodes. Add them under [[pools]] in the settings.",
        )
        .into();
    }
    let row = |node: &Value| {
        let cards = items(node, "cards");
        let mut map = String::new();
        let mut ring = None;
        for card in cards {
            if ring.is_some_and(|ring| ring != number(card, "ring")) {
                map.push(' ');
            }
            ring = Some(number(card, "ring"));
            map.push(match text(card, "state") {
                "busy" => '#',
                "idle" => '.',
                "drained" => 'd',
                _ => 'x',
            });
        }
        let kind = if node["is_virtual"] == true { pick(lang, "虚拟", "virtual") } else { "" };
        vec![
            text(node, "name").to_owned(),
            text(node, "pool").to_owned(),
            text(node, "card_model").to_owned(),
            kind.to_owned(),
            words::word(lang, "node", text(node, "state")),
            map,
            number(node, "free_cards").to_string(),
            why_out(clock, node),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["节点", "资源池", "型号", "", "状态", "加速卡", "空闲", "原因与维护"],
        Lang::En => ["node", "pool", "model", "", "state", "cards", "free", "reason, maintenance"],
    };
    let card = |code: &str| words::word(lang, "card", code);
    let busy = pick(lang, "使用中", "busy");
    let legend = format!("# {busy}  . {}  d {}  x {}", card("idle"), card("drained"), card("failed"));
    format!("{}\n{legend}", table(&titles, nodes.iter().map(row).collect(), 8))
}

/// Why a node is out, and when it will be.
fn why_out(clock: &Clock, node: &Value) -> String {
    let work = &node["maintenance"];
    let planned = work.is_object().then(|| {
        let (from, until) = (clock.instant(work, "from"), clock.instant(work, "until"));
        format!("{} {from} – {until}: {}", pick(clock.lang, "维护", "maintenance"), text(work, "reason"))
    });
    let reason = Some(text(node, "reason").to_owned()).filter(|reason| !reason.is_empty());
    reason.into_iter().chain(planned).collect::<Vec<_>>().join("; ")
}

/// Take a node out (operators).
#[derive(Debug, Args)]
pub struct Drain {
    /// The node's name.
    node: String,
    /// Why it is taken out; shown beside the node.
    #[arg(long)]
    reason: String,
}

impl Run for Drain {
    fn run(self, context: &Context) -> Done {
        change(context, &self.node, "drain", &json!({ "reason": self.reason }))
    }
}

/// Put a node back in (operators).
#[derive(Debug, Args)]
pub struct Resume {
    /// The node's name.
    node: String,
}

impl Run for Resume {
    fn run(self, context: &Context) -> Done {
        change(context, &self.node, "resume", &Value::Null)
    }
}

/// Set the labels of a node, which jobs may ask for with --constraint (operators).
#[derive(Debug, Args)]
pub struct Label {
    /// The node's name.
    node: String,
    /// The labels that it is to have instead of those it has; none at all where left out.
    labels: Vec<String>,
}

impl Run for Label {
    fn run(self, context: &Context) -> Done {
        let path = format!("/api/v1/nodes/{}/labels", part(&self.node));
        let answer = context.client.put(&path, &json!({ "labels": self.labels }))?;
        let labels: Vec<&str> = items(&answer, "labels").iter().filter_map(Value::as_str).collect();
        context.print(&answer, |_| format!("{} {}", text(&answer, "name"), labels.join(" ")))
    }
}

/// Say when a node will be out for maintenance (operators).
#[derive(Debug, Args)]
pub struct Maintain {
    /// The node's name.
    node: String,
    /// When it begins, such as 2026-05-20T08:00:00+08:00, or 2026-05-20 (as the day begins at the center).
    #[arg(long, required_unless_present = "cancel")]
    from: Option<String>,
    /// When it ends, such as 2026-05-20T18:00:00+08:00, or 2026-05-21 (as the day begins at the center).
    #[arg(long, required_unless_present = "cancel")]
    until: Option<String>,
    /// The reason for the maintenance; shown beside the node.
    #[arg(long, required_unless_present = "cancel")]
    reason: Option<String>,
    /// Call the maintenance off; if it has begun, it ends now.
    #[arg(long, conflicts_with_all = ["from", "until", "reason"])]
    cancel: bool,
}

impl Run for Maintain {
    fn run(self, context: &Context) -> Done {
        let path = format!("/api/v1/nodes/{}/maintenance", part(&self.node));
        let answer = if self.cancel {
            context.client.delete(&path)?
        } else {
            let window = json!({ "from": self.from, "until": self.until, "reason": self.reason });
            context.client.put(&path, &window)?
        };
        context.print(&answer, |_| maintained(&context.clock(), &answer))
    }
}

fn maintained(clock: &Clock, node: &Value) -> String {
    let (name, work, zone) = (text(node, "name"), &node["maintenance"], &clock.zone);
    let (from, until) = (clock.instant(work, "from"), clock.instant(work, "until"));
    match (clock.lang, work.is_null()) {
        (Lang::Zh, true) => format!("{name}：没有安排维护"),
        (Lang::En, true) => format!("{name}: no maintenance"),
        (Lang::Zh, false) => format!("{name}：{from} 起停机维护，至 {until}（{zone}）"),
        (Lang::En, false) => format!("{name}: maintenance from {from} until {until} {zone}"),
    }
}

fn change(context: &Context, node: &str, verb: &str, body: &Value) -> Done {
    let answer = context.client.post(&format!("/api/v1/nodes/{}/{verb}", part(node)), body)?;
    context.print(&answer, |lang| {
        format!("{} {}", text(&answer, "name"), words::word(lang, "node", text(&answer, "state")))
    })
}
