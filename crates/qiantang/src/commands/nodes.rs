//! Nodes: listing, taking out, putting back in.

use domain::Lang;
use serde_json::{Value, json};

use super::{Context, Done, part};
use crate::output::{number, pick, table, text};

pub fn list(context: &Context) -> Done {
    let answer = context.client.get("/api/v1/nodes")?;
    context.print(&answer, |lang| shown(lang, answer.as_array().map(Vec::as_slice).unwrap_or_default()));
    Ok(())
}

fn shown(lang: Lang, nodes: &[Value]) -> String {
    if nodes.is_empty() {
        return pick(
            lang,
            "没有节点。在设置的 [[pools]] 中加入。",
            "No nodes. Add them under [[pools]] in the settings.",
        )
        .into();
    }
    let row = |node: &Value| {
        let cards = node["cards"].as_array().map(Vec::as_slice).unwrap_or_default();
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
            state(lang, text(node, "state")).to_owned(),
            map,
            text(node, "reason").to_owned(),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["节点", "资源池", "型号", "", "状态", "加速卡", "原因"],
        Lang::En => ["node", "pool", "model", "", "state", "cards", "reason"],
    };
    let legend = pick(lang, "# 忙  . 空闲  d 停用  x 故障", "# busy  . idle  d drained  x failed");
    format!("{}\n{legend}", table(&titles, nodes.iter().map(row).collect(), 7))
}

fn state(lang: Lang, code: &str) -> &str {
    match (lang, code) {
        (Lang::Zh, "up") => "正常",
        (Lang::Zh, "drained") => "停用",
        (Lang::Zh, "failed") => "故障",
        (_, other) => other,
    }
}

pub fn drain(context: &Context, node: &str, reason: &str) -> Done {
    change(context, node, "drain", &json!({ "reason": reason }))
}

pub fn resume(context: &Context, node: &str) -> Done {
    change(context, node, "resume", &Value::Null)
}

pub fn label(context: &Context, node: &str, labels: &[String]) -> Done {
    let answer =
        context.client.put(&format!("/api/v1/nodes/{}/labels", part(node)), &json!({ "labels": labels }))?;
    let words = answer["labels"].as_array().map(Vec::as_slice).unwrap_or_default();
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    context.print(&answer, |_| format!("{} {}", text(&answer, "name"), words.join(" ")));
    Ok(())
}

/// `window`: from, until and why; none calls it off.
pub fn maintain(context: &Context, node: &str, window: Option<[String; 3]>) -> Done {
    let path = format!("/api/v1/nodes/{}/maintenance", part(node));
    let answer = match window {
        Some([from, until, reason]) => {
            context.client.put(&path, &json!({ "from": from, "until": until, "reason": reason }))?
        }
        None => context.client.delete(&path)?,
    };
    context.print(&answer, |lang| {
        let (name, work) = (text(&answer, "name"), &answer["maintenance"]);
        match (lang, work.is_null()) {
            (Lang::Zh, true) => format!("{name}：没有安排维护"),
            (Lang::En, true) => format!("{name}: no maintenance"),
            (Lang::Zh, false) => {
                format!("{name}：{} 起停机维护，至 {}", text(work, "from"), text(work, "until"))
            }
            (Lang::En, false) => {
                format!("{name}: maintenance from {} until {}", text(work, "from"), text(work, "until"))
            }
        }
    });
    Ok(())
}

fn change(context: &Context, node: &str, verb: &str, body: &Value) -> Done {
    let answer = context.client.post(&format!("/api/v1/nodes/{}/{verb}", part(node)), body)?;
    context
        .print(&answer, |lang| format!("{} {}", text(&answer, "name"), state(lang, text(&answer, "state"))));
    Ok(())
}
