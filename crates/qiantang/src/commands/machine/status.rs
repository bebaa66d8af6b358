//! How the center is, for everybody.

use clap::Args;
use domain::Lang;
use serde_json::Value;

use crate::{
    context::{Context, Done, Run},
    output::{Clock, items, number, pick, table, text},
};

/// Show how the center is: what works, what is out, and what maintenance is planned. No sign-in is needed.
#[derive(Debug, Args)]
pub struct Status {}

impl Run for Status {
    fn run(self, context: &Context) -> Done {
        let answer = context.client.get("/api/v1/status")?;
        context.print(&answer, |_| shown(&context.clock(), &answer))
    }
}

fn whole(lang: Lang, state: &str) -> &'static str {
    match state {
        "in_service" => pick(lang, "正常服务", "in service"),
        "disturbed" => pick(lang, "正常服务，有故障", "in service, with a fault"),
        _ => pick(lang, "服务受限", "limited"),
    }
}

fn part(lang: Lang, part: &str) -> &'static str {
    match part {
        "jobs" => pick(lang, "作业", "jobs"),
        "accounts" => pick(lang, "计费与账本", "charges and the ledger"),
        "applications" => pick(lang, "申请", "applications"),
        "messages" => pick(lang, "通知、邮件和 Webhook", "notices, mail and webhooks"),
        _ => pick(lang, "运维", "upkeep"),
    }
}

fn fares(lang: Lang, state: &str) -> &'static str {
    match state {
        "works" => pick(lang, "正常", "works"),
        "failing" => pick(lang, "出错，正在重试", "fails, and is tried again"),
        _ => pick(lang, "已停止", "stands still"),
    }
}

fn shown(clock: &Clock, status: &Value) -> String {
    let lang = clock.lang;
    let of = |key| number(status, key);
    let counts = match lang {
        Lang::Zh => format!(
            "节点 {} 个：可用 {}，停用 {}，故障 {}。加速卡 {} 张，使用中 {}。等待中的作业 {} 个。",
            of("nodes"),
            of("up"),
            of("out"),
            of("failed"),
            of("cards"),
            of("busy_cards"),
            of("waiting_jobs")
        ),
        Lang::En => format!(
            "Nodes: {}; {} take work, {} are out, {} failed. Cards: {}, {} in use. Jobs that wait: {}.",
            of("nodes"),
            of("up"),
            of("out"),
            of("failed"),
            of("cards"),
            of("busy_cards"),
            of("waiting_jobs")
        ),
    };
    let mut lines = vec![whole(lang, text(status, "state")).to_owned(), counts];
    if status["is_disk_full"] == true {
        lines.push(
            pick(lang, "磁盘已满，不接受也不启动作业。", "A disk is full: no job is taken on or started.")
                .into(),
        );
    }
    let row = |one: &Value| {
        let state = fares(lang, text(one, "state")).to_owned();
        vec![part(lang, text(one, "part")).to_owned(), state, clock.instant(one, "since")]
    };
    let since = clock.title("始于", "since");
    let titles = [pick(lang, "服务", "part"), pick(lang, "状态", "state"), &since];
    lines.push(table(&titles, items(status, "parts").iter().map(row).collect(), titles.len()));
    let work = |one: &Value| {
        let state = if one["has_begun"] == true {
            pick(lang, "进行中", "under way")
        } else {
            pick(lang, "已计划", "planned")
        };
        let nodes = number(one, "nodes").to_string();
        vec![clock.instant(one, "from"), clock.instant(one, "until"), state.to_owned(), nodes]
    };
    let planned = items(status, "maintenance");
    if !planned.is_empty() {
        let from = clock.title("维护开始", "maintenance from");
        let titles =
            [&*from, pick(lang, "结束", "until"), pick(lang, "状态", "state"), pick(lang, "节点", "nodes")];
        lines.push(table(&titles, planned.iter().map(work).collect(), 3));
    }
    lines.join("\n")
}
