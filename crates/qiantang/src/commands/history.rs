//! The center's history as a trace.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::Lang;
use serde_json::json;

use crate::context::{Context, Done, Run, query, say};
use crate::errors::Failure;

/// Write what the center has run as a trace, for `qiantang twin` (the center's people).
#[derive(Debug, Args)]
pub struct History {
    /// The file to write; `-` writes standard output.
    #[arg(long, short)]
    out: PathBuf,
    /// Only what started then or later, such as 2026-05-20 (as the day begins at the center) or 2026-05-20T08:00:00Z.
    #[arg(long)]
    from: Option<String>,
}

impl Run for History {
    fn run(self, context: &Context) -> Done {
        let to_stdout = self.out == Path::new("-");
        context.refuse_beside_json("--out -", to_stdout)?;
        let path = format!("/api/v1/history{}", query(&[("from", self.from)]));
        let text = context.client.text(&path, "text/csv")?;
        if to_stdout {
            return say(text.trim_end());
        }
        std::fs::write(&self.out, &text).map_err(|error| Failure::not_in_folder(&self.out, &error))?;
        let jobs = text.lines().filter(|line| !line.starts_with('#')).count().saturating_sub(1);
        context.print(&json!({ "jobs": jobs, "path": self.out }), |lang| match lang {
            Lang::Zh => format!("{jobs} 个作业已写入 {}", self.out.display()),
            Lang::En => format!("{jobs} jobs written to {}", self.out.display()),
        })
    }
}
