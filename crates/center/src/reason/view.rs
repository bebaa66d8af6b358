//! A reason as people and programs read it.

use domain::{
    Zone,
    reason::{JobCause, JobEnd, RunEnd},
};
use serde::Serialize;
use serde_json::{Value, json};

use base::text::Sentence;

/// Why a run or a job ended.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ReasonView {
    /// The reason, as programs read it: `interpreter`.
    pub code: String,
    /// The reason with its values, as people read it.
    pub text: Sentence,
    /// Its values, whose names are each reason's own.
    #[schema(value_type = Object)]
    pub values: Value,
}

impl ReasonView {
    pub fn of_run(end: &RunEnd, zone: &Zone) -> Self {
        Self {
            code: end.code().to_owned(),
            text: Sentence::of(|lang| end.text(lang, zone)),
            values: values_of_run(end),
        }
    }

    pub fn of_job(end: &JobEnd, zone: &Zone) -> Self {
        let values = match &end.cause {
            None | Some(JobCause::Stopped { .. }) => json!({}),
            Some(JobCause::Run { run, task: None, end }) => {
                let mut values = values_of_run(end);
                values["run"] = json!(run);
                values
            }
            Some(JobCause::Run { run, task: Some(task), end: first }) => json!({
                "failed": end.tasks.failed,
                "stopped": end.tasks.stopped,
                "total": end.tasks.total,
                "first": { "task": task, "run": run, "code": first.code(), "values": values_of_run(first) },
            }),
            Some(JobCause::Dependency { job, when, ended }) => {
                json!({ "job": job, "when": when, "ended": ended })
            }
            Some(JobCause::DependencyGone { job }) => json!({ "job": job }),
        };
        Self { code: end.code().to_owned(), text: Sentence::of(|lang| end.text(lang, zone)), values }
    }
}

fn values_of_run(end: &RunEnd) -> Value {
    let values = match end {
        RunEnd::FailedToStart { why } => json!(why),
        RunEnd::Lost { why } | RunEnd::TakenAway { why } => json!(why),
        other => json!(other),
    };
    match values {
        Value::Object(mut values) => {
            for name in ["code", "end", "cause"] {
                values.remove(name);
            }
            Value::Object(values)
        }
        Value::String(said) => json!({ "said": said }),
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use domain::reason::samples;

    use super::*;

    #[test]
    fn each_reason_is_a_code_with_values_and_a_sentence_in_both_languages() {
        let zone = Zone::utc();
        for end in samples::run_ends() {
            let view = ReasonView::of_run(&end, &zone);
            assert_eq!((view.code.as_str(), view.values.is_object()), (end.code(), true));
        }
        for end in samples::job_ends() {
            let view = ReasonView::of_job(&end, &zone);
            assert!(view.values.is_object() && view.text.zh != view.text.en, "{view:?}");
        }
    }
}
