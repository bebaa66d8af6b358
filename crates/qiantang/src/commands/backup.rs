//! Copies of the running center's database.

use std::path::PathBuf;

use clap::Args;
use domain::Lang;
use serde_json::json;

use crate::context::{Context, Done, Run};
use crate::{
    errors::Failure,
    output::{number, text},
};

/// Write a copy of the running center's database (operators).
#[derive(Debug, Args)]
pub struct Backup {
    /// A new file on the center's machine.
    file: PathBuf,
}

impl Run for Backup {
    fn run(self, context: &Context) -> Done {
        let absolute = std::path::absolute(&self.file).map_err(|error| {
            Failure::usage(
                "bad_path",
                format!("`{}` is not a path: {error}", self.file.display()),
                "name a new file",
            )
        })?;
        let answer = context.client.post("/api/v1/backup", &json!({ "path": absolute }))?;
        context.print(&answer, |lang| {
            let (bytes, path) = (number(&answer, "bytes"), text(&answer, "path"));
            match lang {
                Lang::Zh => format!("已备份到 {path}（{bytes} 字节）"),
                Lang::En => format!("Saved to {path} ({bytes} bytes)"),
            }
        })
    }
}
