//! Jobs: listing, showing, following, explaining, stopping.

mod cancel;
mod follow_job;
mod ids;
mod list;
mod logs;
mod paging;
mod show;

use clap::Args;
use domain::Lang;
use serde_json::{Value, json};

use crate::{
    context::{Context, Done, Run, part},
    output::{text, verdict},
};

pub use cancel::Cancel;
pub use follow_job::{Wait, wait};
pub use ids::run as run_id;
pub use list::Jobs;
pub use logs::Logs;
pub use show::Show;

/// Why a job waits, or ended as it did; empty where it runs or has succeeded.
fn why_text(lang: Lang, job: &Value) -> String {
    let why = if job["verdict"].is_null() {
        reason_text(lang, job)
    } else {
        text(&job["verdict"]["text"], lang.code())
    };
    why.to_owned()
}

/// Why a job or a run ended as it did; empty where it goes on, or has succeeded.
fn reason_text(lang: Lang, ended: &Value) -> &str {
    if text(ended, "state") == "succeeded" { "" } else { text(&ended["reason"]["text"], lang.code()) }
}

/// Say why jobs wait, or tasks of arrays (`JOB_7`).
#[derive(Debug, Args)]
pub struct Why {
    /// Jobs by id, by the digits at the end or the beginning of one, or tasks of them: `JOB_7`.
    #[arg(required = true)]
    jobs: Vec<String>,
}

impl Run for Why {
    fn run(self, context: &Context) -> Done {
        let ids = ids::jobs(context, &self.jobs)?;
        let ask = |id: &String| context.client.get(&format!("/api/v1/jobs/{}/why", part(id)));
        if let [only] = ids.as_slice() {
            let answer = ask(only)?;
            return context.print(&answer, |_| verdict(&context.clock(), &answer));
        }
        let answers = ids.iter().map(ask).collect::<Result<Vec<Value>, _>>()?;
        context.print(&json!(answers), |_| {
            let each =
                |(id, answer): (&String, &Value)| format!("{id}: {}", verdict(&context.clock(), answer));
            ids.iter().zip(&answers).map(each).collect::<Vec<_>>().join("\n")
        })
    }
}
