//! Jobs and runs as people name them at a terminal: by a whole id, or by the digits that they copied from a list.

use domain::{Both, Id, Lang, both, id::Kind, job::task};
use serde_json::Value;

use crate::{
    context::{Context, query},
    errors::Failure,
    output::{list, text},
    words,
};

/// The ids of jobs, with their tasks as they were named. All are looked up before anything is done.
pub fn jobs(context: &Context, names: &[String]) -> Result<Vec<String>, Failure> {
    let mut ids: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let id = job(context, name)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The id of a job: `job_0198…`, `3f2a`, and with tasks `3f2a_7`, `3f2a_[3-9]`.
pub fn job(context: &Context, name: &str) -> Result<String, Failure> {
    let named = task::parse(name).map_err(|error| {
        let hint = both(
            "一个任务写作 JOB_7，多个写作 JOB_[3-9,12]",
            "write a task as JOB_7, and several as JOB_[3-9,12]",
        );
        let message = both(format!("{name}：`_` 后面不是任务的序号"), format!("{name}: {error}"));
        Failure::usage("bad_task", message, hint)
    })?;
    let shown = |lang, job: &Value| {
        format!("{} {} {}", text(job, "id"), text(job, "name"), words::state(lang, text(job, "state")))
    };
    let id = whole::<domain::id::Job>(context, "/api/v1/jobs", "作业", named.job, shown)?;
    Ok(named.tasks.map_or_else(|| id.clone(), |tasks| format!("{id}_{tasks}")))
}

/// The id of a run.
pub fn run(context: &Context, name: &str) -> Result<String, Failure> {
    let shown = |lang, run: &Value| {
        format!("{} {} {}", text(run, "id"), text(run, "job"), words::state(lang, text(run, "state")))
    };
    whole::<domain::id::Run>(context, "/api/v1/runs", "运行", name, shown)
}

/// The one id that begins or ends with what is given.
fn whole<K: Kind>(
    context: &Context,
    path: &str,
    noun: &str,
    given: &str,
    shown: impl Fn(Lang, &Value) -> String,
) -> Result<String, Failure> {
    if given.parse::<Id<K>>().is_ok() {
        return Ok(given.to_owned());
    }
    let digits = given.strip_prefix(K::PREFIX).unwrap_or(given);
    let is_part = (4..=32).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_part {
        let message = both(
            format!("`{given}` 不是{noun}的 id，也不是其中一部分"),
            format!("`{given}` is no {} id, and no part of one", K::NOUN),
        );
        let hint = both(
            "请写完整的 id，或其开头或末尾的四位以上，如 `qiantang jobs` 所示",
            "give a whole id, or four or more of its last or first digits, as `qiantang jobs` shows them",
        );
        return Err(Failure::usage("bad_id", message, hint));
    }
    let answer = context.client.get(&format!("{path}{}", query(&[("id", Some(digits.to_owned()))])))?;
    let found = list(&answer["items"])?;
    match found {
        [only] => Ok(text(only, "id").to_owned()),
        [] => {
            let message = both(
                format!("没有 id 以 `{digits}` 开头或结尾的{noun}"),
                format!("there is no {} whose id begins or ends with `{digits}`", K::NOUN),
            );
            let hint = both("`qiantang jobs` 列出您的作业", "`qiantang jobs` lists yours");
            Err(Failure::refused("not_found", message, hint))
        }
        several => {
            let message = both(
                format!("有多个{noun}的 id 以 `{digits}` 开头或结尾"),
                format!("`{digits}` is the beginning or the end of several {} ids", K::NOUN),
            );
            let hint = both("请多写几位", "give more of its digits");
            let mut failure = Failure::usage("ambiguous", message, hint);
            failure.errors = several.iter().map(|one| Both::of(|lang| shown(lang, one))).collect();
            if several.len() >= 10 {
                failure.errors.push(both("……", "…"));
            }
            Err(failure)
        }
    }
}
