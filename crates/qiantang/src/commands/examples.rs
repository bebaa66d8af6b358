//! The example jobs that come with the program.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::{Lang, both};
use serde_json::json;

use crate::{
    context::{Context, Done, Run},
    errors::Failure,
    examples::SUBMITTED,
    file,
};

/// List the example jobs that come with this program, or write some of them, to be submitted to any center.
#[derive(Debug, Args)]
pub struct Examples {
    /// The examples to write, by name; all are listed where left out.
    names: Vec<String>,
    /// The folder to write them into.
    #[arg(long, default_value = ".")]
    into: PathBuf,
}

impl Run for Examples {
    fn run(self, context: &Context) -> Done {
        if self.names.is_empty() {
            let names: Vec<&str> = SUBMITTED.iter().map(|(name, _)| *name).collect();
            return context.print(&json!({ "examples": names }), |lang| {
                let how = match lang {
                    Lang::Zh => "写到当前目录：qiantang examples 名称",
                    Lang::En => "Write one here: qiantang examples NAME",
                };
                format!("{}\n\n{how}", names.join("\n"))
            });
        }
        let known = |name: &String| {
            let found = SUBMITTED.iter().find(|(known, _)| known == name);
            found.ok_or_else(|| {
                let message = both(format!("没有示例 `{name}`"), format!("there is no example `{name}`"));
                let hint = both("`qiantang examples` 列出示例", "`qiantang examples` lists them");
                Failure::usage("no_such_example", message, hint)
            })
        };
        let wanted = self.names.iter().map(known).collect::<Result<Vec<_>, _>>()?;
        let mut paths = Vec::new();
        for (name, text) in wanted {
            paths.push(write(&self.into.join(name), text)?);
        }
        context.print(&json!({ "written": paths }), |lang| match lang {
            Lang::Zh => format!("已写入 {}", paths.join("、")),
            Lang::En => format!("Wrote {}", paths.join(", ")),
        })
    }
}

/// Writes a file that is not there yet, or is this one already.
fn write(path: &Path, text: &str) -> Result<String, Failure> {
    if path.exists() && std::fs::read(path).ok().as_deref() != Some(text.as_bytes()) {
        let path = path.display();
        let message = both(
            format!("{path} 已经存在，是另一个文件"),
            format!("{path} is there already, and is another file"),
        );
        let hint = both("请删除它，或用 --into 写到别处", "remove it, or write elsewhere with --into");
        return Err(Failure::usage("is_there", message, hint));
    }
    file::save(path, |out| {
        out.write_all(text.as_bytes())
            .map(|()| text.len() as u64)
            .map_err(|error| Failure::not_in_folder(path, &error))
    })?;
    Ok(path.display().to_string())
}
