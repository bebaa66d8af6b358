//! The center's history as a trace.

use std::path::Path;

use domain::Lang;
use serde_json::json;

use super::{Context, Done, query, say};
use crate::errors::Failure;

pub fn write(context: &Context, out: &Path, from: Option<String>) -> Done {
    let path = format!("/api/v1/history{}", query(&[("from", from)]));
    let text = context.client.text(&path, "text/csv")?;
    if out == Path::new("-") {
        say(text.trim_end());
        return Ok(());
    }
    std::fs::write(out, &text).map_err(|error| {
        Failure::system(
            "not_written",
            format!("failed to write {}: {error}", out.display()),
            "check the folder",
        )
    })?;
    let jobs = text.lines().filter(|line| !line.starts_with('#')).count().saturating_sub(1);
    context.print(&json!({ "jobs": jobs, "path": out }), |lang| match lang {
        Lang::Zh => format!("{jobs} 个作业已写入 {}", out.display()),
        Lang::En => format!("{jobs} jobs written to {}", out.display()),
    });
    Ok(())
}
