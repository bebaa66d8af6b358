//! What is free of the disks, and what tenants take of them.

use clap::Args;
use domain::{Lang, decimal};
use serde_json::Value;

use crate::{
    context::{Context, Done, Run},
    output::{items, pick, table, text},
};

/// Show what is free of the center's disks, and what tenants take of them and may take.
#[derive(Debug, Args)]
pub struct Disk {}

impl Run for Disk {
    fn run(self, context: &Context) -> Done {
        let report = context.client.get("/api/v1/disk")?;
        context.print(&report, |lang| shown(lang, &report))
    }
}

/// An amount of bytes of a report.
pub fn bytes(value: &Value, key: &str) -> String {
    decimal::bytes(value[key].as_u64().unwrap_or_default())
}

fn shown(lang: Lang, report: &Value) -> String {
    let mut parts = Vec::new();
    if report["is_full"] == true {
        let told = pick(
            lang,
            "中心磁盘空间不足：不启动作业，也不接收新作业。",
            "A disk of the center is full: nothing starts, and no job is taken on.",
        );
        parts.push(told.to_owned());
    }
    let disks = items(report, "disks");
    if !disks.is_empty() {
        let titles = match lang {
            Lang::Zh => ["磁盘", "状态", "容量", "剩余", "最低保留"],
            Lang::En => ["disk", "state", "size", "free", "must stay free"],
        };
        let row = |disk: &Value| {
            let is_full = !disk["full_since"].is_null();
            let state = if is_full { pick(lang, "不足", "full") } else { pick(lang, "正常", "has room") };
            let figures = ["size_bytes", "free_bytes", "floor_bytes"].map(|key| bytes(disk, key));
            [text(disk, "name").to_owned(), state.to_owned()].into_iter().chain(figures).collect()
        };
        parts.push(table(&titles, disks.iter().map(row).collect(), 2));
    }
    let tenants = items(report, "tenants");
    if !tenants.is_empty() {
        let titles = match lang {
            Lang::Zh => ["租户", "已用", "配额", "文件数", "文件数配额"],
            Lang::En => ["tenant", "used", "allowed", "files", "files allowed"],
        };
        let row = |tenant: &Value| {
            let files = ["files", "allowed_files"].map(|key| tenant[key].to_string());
            let over =
                if tenant["is_over"] == true { pick(lang, "（超出配额）", " (over)") } else { "" };
            let slug = format!("{}{over}", text(tenant, "tenant_slug"));
            let sizes = ["used_bytes", "allowed_bytes"].map(|key| bytes(tenant, key));
            [slug].into_iter().chain(sizes).chain(files).collect()
        };
        parts.push(table(&titles, tenants.iter().map(row).collect(), 1));
    }
    parts.join("\n\n")
}
