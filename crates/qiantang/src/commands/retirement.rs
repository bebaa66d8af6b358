//! Nodes and pools that go, and what differs between the hall and its wish.

use center::{
    retirement::{
        told::DifferenceView,
        wish::{Here, Whose, Wish},
    },
    settings::{EngineKind, Settings},
};
use clap::{Args, Subcommand};
use domain::{Both, Lang, both};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::{
    client::Client,
    output::{Clock, items, number, other_version, pick, table, text},
};

const PATH: &str = "/api/v1/retirement";

/// What is done with nodes that go.
#[derive(Debug, Subcommand)]
pub enum OfNodes {
    /// Compare the nodes with those that the settings, or Slurm, name, and list retired ones.
    Compare,
    /// Retire nodes: they drain, and go once nothing runs there; history and name stay (operators).
    Retire {
        /// The names of the nodes.
        #[arg(required = true)]
        nodes: Vec<String>,
        /// Why they go; shown beside the nodes.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Bring retired nodes back, or such as are being retired (operators).
    BringBack {
        /// The names of the nodes.
        #[arg(required = true)]
        nodes: Vec<String>,
    },
    /// Remove nodes that never ran anything; their names are free again (operators).
    Remove {
        /// The names of the nodes.
        #[arg(required = true)]
        nodes: Vec<String>,
    },
}

impl Run for OfNodes {
    fn run(self, context: &Context) -> Done {
        let client = &context.client;
        let mut last = client.get(PATH)?;
        let of_each = |nodes: &[String], ask: &dyn Fn(&str) -> Result<Value, crate::errors::Failure>| {
            nodes.iter().try_fold(Value::Null, |_, node| ask(&format!("/api/v1/nodes/{}", part(node))))
        };
        let (nodes, verb) = match &self {
            Self::Compare => (&[][..], ""),
            Self::Retire { nodes, reason } => {
                last = of_each(nodes, &|path| {
                    client.post(&format!("{path}/retire"), &json!({ "reason": reason }))
                })?;
                (&nodes[..], "retire")
            }
            Self::BringBack { nodes } => {
                last = of_each(nodes, &|path| client.post(&format!("{path}/bring-back"), &Value::Null))?;
                (&nodes[..], "bring-back")
            }
            Self::Remove { nodes } => {
                last = of_each(nodes, &|path| client.delete(path))?;
                (&nodes[..], "remove")
            }
        };
        context.print(&last, |lang| match verb {
            "" => shown(&context.clock(), &last),
            verb => nodes.iter().map(|node| became(lang, &last, node, verb)).collect::<Vec<_>>().join("\n"),
        })
    }
}

/// What has become of a node, in a line.
fn became(lang: Lang, answer: &Value, node: &str, verb: &str) -> String {
    let is_leaving = items(&answer["here"], "nodes")
        .iter()
        .any(|known| text(known, "name") == node && text(known, "state") == "leaving");
    let zh = match (verb, is_leaving) {
        ("retire", true) => "退役中，最后一个运行结束后退役",
        ("retire", false) => "已退役",
        ("remove", _) => "已移除",
        _ => "已重新启用",
    };
    let en = match (verb, is_leaving) {
        ("retire", true) => "is retired once the last run there has ended",
        ("retire", false) => "is retired",
        ("remove", _) => "is removed",
        _ => "is back",
    };
    format!("{node} {}", pick(lang, zh, en))
}

/// List pools, retire one with all its nodes, or bring one back.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Pools {
    #[command(subcommand)]
    act: Option<OfPools>,
}

#[derive(Debug, Subcommand)]
enum OfPools {
    /// Retire a pool with all its nodes (operators).
    Retire {
        /// The pool's name.
        pool: String,
        /// Why it goes; shown beside its nodes.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Bring a pool back; each of its nodes is brought back by itself (operators).
    BringBack {
        /// The pool's name.
        pool: String,
    },
}

impl Run for Pools {
    fn run(self, context: &Context) -> Done {
        let client = &context.client;
        let path = |pool: &str, verb: &str| format!("/api/v1/pools/{}/{verb}", part(pool));
        let answer = match &self.act {
            None => {
                let answer = client.get("/api/v1/pools")?;
                let pools = crate::output::list(&answer)?;
                return context.print(&answer, |lang| pools_shown(lang, pools));
            }
            Some(OfPools::Retire { pool, reason }) => {
                client.post(&path(pool, "retire"), &json!({ "reason": reason }))?
            }
            Some(OfPools::BringBack { pool }) => client.post(&path(pool, "bring-back"), &Value::Null)?,
        };
        context.print(&answer, |_| shown(&context.clock(), &answer))
    }
}

fn pools_shown(lang: Lang, pools: &[Value]) -> String {
    let row = |pool: &Value| {
        vec![
            text(pool, "name").to_owned(),
            text(pool, "card_model").to_owned(),
            number(pool, "nodes").to_string(),
            number(pool, "cards").to_string(),
            number(pool, "free_cards").to_string(),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["资源池", "型号", "节点", "加速卡", "空闲"],
        Lang::En => ["pool", "model", "nodes", "cards", "free"],
    };
    table(&titles, pools.iter().map(row).collect(), 2)
}

/// The differences and what is retired.
fn shown(clock: &Clock, answer: &Value) -> String {
    let lang = clock.lang;
    let mut parts = Vec::new();
    let rows: Vec<Vec<String>> =
        items(answer, "differences").iter().map(|difference| of_answer(lang, difference)).collect();
    parts.push(match (rows.is_empty(), answer["is_known"] == true) {
        (true, false) => {
            pick(lang, "Slurm 尚未应答。", "Slurm has not answered yet: its nodes are not known.").to_owned()
        }
        (true, true) => pick(lang, "机房与预期一致。", "The hall is as wished.").to_owned(),
        _ => table(&titles(lang), rows, 4),
    });
    let day = |node: &Value, key: &str| clock.instant(node, key).get(..10).unwrap_or_default().to_owned();
    let retired = items(&answer["here"], "retired").iter().map(|node| {
        let field = |key: &str| text(node, key).to_owned();
        vec![field("name"), field("pool"), day(node, "since"), day(node, "retired_at"), field("reason")]
    });
    let retired: Vec<_> = retired.collect();
    if !retired.is_empty() {
        let titles = match lang {
            Lang::Zh => ["已退役节点", "资源池", "加入", "退役", "原因"],
            Lang::En => ["retired node", "pool", "since", "retired", "reason"],
        };
        parts.push(table(&titles, retired, 5));
    }
    parts.join("\n\n")
}

fn titles(lang: Lang) -> [&'static str; 4] {
    match lang {
        Lang::Zh => ["对象", "预期", "实际", "处理办法"],
        Lang::En => ["of", "wish", "is", "what to do"],
    }
}

fn of_answer(lang: Lang, difference: &Value) -> Vec<String> {
    let told = |key: &str| text(&difference[key], pick(lang, "zh", "en")).to_owned();
    vec![text(difference, "name").to_owned(), told("wish"), told("is"), told("to_do")]
}

/// The doctor's check of the hall: against the settings file that is looked at, else against the center's own wish.
pub fn check(client: &Client, settings: Option<&Settings>, add: &mut impl FnMut(Both, bool, Both, Both)) {
    let name = both("节点", "nodes");
    let answer = match client.get(PATH) {
        Ok(answer) => answer,
        // It is for the center's people.
        Err(failure) if failure.code == "forbidden" => return,
        Err(failure) => return add(name, false, failure.message, failure.hint),
    };
    let of_file = settings.filter(|settings| settings.engine.kind == EngineKind::Local);
    let here =
        of_file.map(|settings| Ok((settings, serde_json::from_value::<Here>(answer["here"].clone())?)));
    let here = match here.transpose() {
        Ok(here) => here,
        Err::<_, serde_json::Error>(error) => {
            let told = both(
                "中心关于节点的回答无法识别",
                format!("what the center says of its nodes can't be read: {error}"),
            );
            return add(name, false, told, other_version());
        }
    };
    let differences: Vec<Value> = match here {
        Some((settings, here)) => {
            let wish: Option<Wish> = center::start::wish_of(settings);
            let found = wish.map(|wish| wish.differences(&here)).unwrap_or_default().into_iter();
            found.map(|found| json!(DifferenceView::of(found, Whose::Settings))).collect()
        }
        None => items(&answer, "differences").to_vec(),
    };
    if differences.is_empty() {
        let detail = if answer["is_known"] == true {
            let nodes = items(&answer["here"], "nodes").len();
            both(format!("{nodes} 个节点，与预期一致"), format!("{nodes} nodes, as wished"))
        } else {
            both("Slurm 尚未应答", "Slurm has not told its nodes yet")
        };
        return add(name, true, detail, Both::default());
    }
    let count = differences.len();
    let detail = Both::of(|lang| {
        let head = match lang {
            Lang::Zh => format!("{count} 处与预期不同"),
            Lang::En => format!("{count} differ from the wish"),
        };
        let rows = differences.iter().map(|difference| of_answer(lang, difference)).collect();
        format!("{head}\n{}", table(&titles(lang), rows, 4))
    });
    let hint = both(
        "docs/operators.md 的 Nodes that go 一节说明各种情形",
        "docs/operators.md tells of each case, under \"Nodes that go\"",
    );
    add(name, false, detail, hint);
}
