//! Backups: which there are, and another one.

use clap::{Args, Subcommand};
use domain::{Lang, both};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run};
use crate::{
    errors::Failure,
    output::{items, number, pick, table, text},
};

/// List the center's backups, or write another one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Backup {
    #[command(subcommand)]
    act: Option<Act>,
    /// Write a backup to this new file in the center's folder for backups: its name, or its whole path (operators).
    file: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the backups in the center's folder for them, the newest first, and tell when the next is made.
    List,
    /// Write a backup, and verify it (operators).
    Make {
        /// A new file in the center's folder for backups; one that is named by the time where left out.
        file: Option<String>,
    },
}

impl Run for Backup {
    fn run(self, context: &Context) -> Done {
        match (self.act, self.file) {
            (Some(Act::Make { file }), _) => make(context, file.as_deref()),
            (None, Some(file)) => make(context, Some(&file)),
            (Some(Act::List) | None, _) => list(context),
        }
    }
}

fn make(context: &Context, file: Option<&str>) -> Done {
    let body = file.map_or_else(|| json!({}), |file| json!({ "path": file }));
    let answer = context.client.post("/api/v1/backup", &body)?;
    context.print(&answer, |lang| {
        let (bytes, path) = (number(&answer, "bytes"), text(&answer, "path"));
        match lang {
            Lang::Zh => format!("已备份到 {path}（{bytes} 字节）"),
            Lang::En => format!("Saved to {path} ({bytes} bytes)"),
        }
    })?;
    match answer["faults"].as_str() {
        None => Ok(()),
        Some(faults) => Err(Failure::unexpected(both(
            format!("其中的账目不一致（{faults}）"),
            format!("the books in it don't agree: {faults}"),
        ))),
    }
}

fn list(context: &Context) -> Done {
    let answer = context.client.get("/api/v1/backups")?;
    context.print(&answer, |lang| shown(lang, context, &answer))?;
    match answer["error"].as_str() {
        None => Ok(()),
        Some(error) => Err(Failure::unexpected(both(
            format!("上一次备份失败（{error}）"),
            format!("the last backup failed: {error}"),
        ))),
    }
}

fn shown(lang: Lang, context: &Context, answer: &Value) -> String {
    let clock = context.clock();
    let (folder, zone) = (text(answer, "folder"), &clock.zone);
    let (at, next) = (text(answer, "at"), clock.instant(answer, "next_at"));
    let (days, weeks) = (number(answer, "keep_daily"), number(answer, "keep_weekly"));
    let how = match (lang, at.is_empty()) {
        (Lang::Zh, true) => format!("{folder}：没有定时备份"),
        (Lang::En, true) => format!("{folder}: none is made by itself"),
        (Lang::Zh, false) => {
            format!("{folder}：每天 {at}（下一次 {next} {zone}），保留最近 {days} 天、{weeks} 周的最新一份")
        }
        (Lang::En, false) => format!(
            "{folder}: each day at {at} (next {next} {zone}), the newest of {days} days and {weeks} weeks are kept"
        ),
    };
    let row = |one: &Value| {
        let kept = match text(one, "kept") {
            "daily" => pick(lang, "当天最新", "newest of its day"),
            "weekly" => pick(lang, "当周最新", "newest of its week"),
            _ => pick(lang, "手动", "by hand"),
        };
        vec![
            text(one, "name").into(),
            clock.instant(one, "made_at"),
            kept.into(),
            number(one, "bytes").to_string(),
        ]
    };
    let made_at = clock.title("备份时间", "made");
    let titles = match lang {
        Lang::Zh => ["备份", &made_at, "保留原因", "字节"],
        Lang::En => ["backup", &made_at, "kept as", "bytes"],
    };
    let rows: Vec<Vec<String>> = items(answer, "items").iter().map(row).collect();
    if rows.is_empty() {
        return format!("{how}\n{}", pick(lang, "还没有备份。", "There is no backup yet."));
    }
    format!("{how}\n{}", table(&titles, rows, 3))
}
