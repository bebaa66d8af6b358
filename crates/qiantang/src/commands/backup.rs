//! Copies of the running center's database.

use clap::Args;
use domain::Lang;
use serde_json::json;

use crate::context::{Context, Done, Run};
use crate::output::{number, text};

/// Write a copy of the running center's database (operators).
#[derive(Debug, Args)]
pub struct Backup {
    /// A new file in the center's folder for backups: its name, or its whole path.
    file: String,
}

impl Run for Backup {
    fn run(self, context: &Context) -> Done {
        let answer = context.client.post("/api/v1/backup", &json!({ "path": self.file }))?;
        context.print(&answer, |lang| {
            let (bytes, path) = (number(&answer, "bytes"), text(&answer, "path"));
            match lang {
                Lang::Zh => format!("已备份到 {path}（{bytes} 字节）"),
                Lang::En => format!("Saved to {path} ({bytes} bytes)"),
            }
        })
    }
}
