//! The log of a run: its bytes as they are, both streams as they came, lines with a text in them, and following it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use domain::{Timestamp, both, decimal::grouped, job::has_ended};
use serde_json::Value;

use super::{
    follow_job::{Followed, follow_job, follow_run, outcome},
    ids,
};
use crate::context::{Context, Done, Run, part, query, say, write};
use crate::tell::tell;
use crate::{
    client::Event,
    errors::Failure,
    follow::patiently,
    output::{Clock, list, number, other_version, pick, text},
    words,
};

/// How long to wait for more of a log that is followed.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(300);

/// Show a job's log.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option")]
pub struct Logs {
    /// A job by its id, by the digits at the end or the beginning of it, or a task of it: `JOB_7`.
    job: String,
    /// Follow the log until the job ends, over further runs and restarts of the center; the exit code is the job's. With --all, --node,
    /// --since or --timestamps one run is followed.
    #[arg(long, short)]
    follow: bool,
    /// Show standard error instead of standard output.
    #[arg(long)]
    stderr: bool,
    /// Show both streams, merged in the order in which they came.
    #[arg(long, short, conflicts_with = "stderr")]
    all: bool,
    /// Show the log of this task of an array, by its index; that of the first that failed where left out.
    #[arg(long)]
    task: Option<u32>,
    /// Show the log of this run, by its id or digits of it; the newest run's where left out.
    #[arg(long, conflicts_with = "task")]
    run: Option<String>,
    /// Show only what this node of the run wrote, by its name or rank.
    #[arg(long)]
    node: Option<String>,
    /// Begin with the last so many lines.
    #[arg(long, value_name = "LINES", conflicts_with = "since")]
    tail: Option<u32>,
    /// Begin with what came at this instant or later, such as 2026-11-23T14:00 in the center's time zone.
    #[arg(long, value_name = "INSTANT")]
    since: Option<String>,
    /// Show only lines with this text in them, whatever the case of its letters.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["follow", "tail", "since"])]
    grep: Option<String>,
    /// Begin each line with the instant at which it came, and with its node and stream where there are several.
    #[arg(long, short)]
    timestamps: bool,
}

impl Logs {
    fn stream(&self) -> &'static str {
        match (self.all, self.stderr) {
            (true, _) => "all",
            (false, true) => "stderr",
            (false, false) => "stdout",
        }
    }

    /// The part of a query that says which log is meant.
    fn which(&self) -> Vec<(&'static str, Option<String>)> {
        let stream = Some(self.stream().to_owned());
        vec![("stream", stream), ("run", self.run.clone()), ("node", self.node.clone())]
    }

    /// That needs to be told when and from where bytes came.
    fn needs_pieces(&self) -> bool {
        self.timestamps || (self.follow && (self.all || self.node.is_some() || self.since.is_some()))
    }
}

impl Run for Logs {
    fn run(mut self, context: &Context) -> Done {
        self.settle(context)?;
        if let Some(wanted) = &self.grep {
            return grep(context, &self, wanted);
        }
        let is_more = self.all || self.node.is_some() || self.since.is_some();
        if self.needs_pieces() || (context.json && is_more) {
            return print_merged(context, &self);
        }
        if self.follow {
            return follow_one(context, &self);
        }
        if context.json {
            return print_pieces(context, &self);
        }
        let mut filters = self.which();
        filters.extend([("tail", self.tail.map(|lines| lines.to_string())), ("since", self.since.clone())]);
        let path = format!("/api/v1/jobs/{}/logs/raw{}", part(&self.job), query(&filters));
        context.client.copy(&path, "application/octet-stream", &mut std::io::stdout()).map(drop)
    }
}

impl Logs {
    /// Finds what was named by parts of ids. Without a task or a run, the log of an array is that of the task that failed
    /// first.
    fn settle(&mut self, context: &Context) -> Done {
        let mut id = ids::job(context, &self.job)?;
        if let Some(task) = self.task {
            if id.matches('_').count() > 1 {
                let job = &self.job;
                let message = both(format!("{job} 已经指明了任务"), format!("{job} names a task already"));
                return Err(Failure::usage("not_beside", message, both("请去掉 --task", "leave --task out")));
            }
            id = format!("{id}_{task}");
        }
        self.run = self.run.as_deref().map(|run| ids::run(context, run)).transpose()?;
        self.job = if self.run.is_none() && !self.follow { of_array(context, &id)? } else { id };
        Ok(())
    }
}

/// Prints a piece of a log that is followed. False where the reader has gone.
fn print_piece(context: &Context, event: &Event) -> Result<bool, Failure> {
    if context.json {
        return write(format!("{}\n", event.data).as_bytes());
    }
    let piece: Value = serde_json::from_str(&event.data).map_err(|_| {
        let message =
            both("中心发来的一段日志无法识别", "the center told a piece of the log that can't be read");
        Failure::system("bad_event", message, other_version())
    })?;
    say_left_out(context, &piece);
    write(&bytes_of(&piece))
}

fn follow_one(context: &Context, logs: &Logs) -> Done {
    let tail = logs.tail.map(|lines| lines.to_string());
    let followed = Followed { id: &logs.job, stream: logs.stream(), more: vec![("tail", tail)] };
    match &logs.run {
        Some(run) => {
            follow_run(context, &followed, run, &mut |event| print_piece(context, event))?;
            end_of_follow(context, &logs.job)
        }
        None => follow_job(context, &followed, |event| print_piece(context, event)),
    }
}

/// Says how the job stands when the log of one run has ended.
fn end_of_follow(context: &Context, job: &str) -> Done {
    let ended = patiently(context, || context.client.get(&format!("/api/v1/jobs/{}", part(job))))?;
    if !has_ended(text(&ended, "state")) && !context.json {
        let note = pick(
            context.lang,
            "这次运行的日志到此为止，作业仍在",
            "the run's log ends here; the job is still",
        );
        tell!("qiantang: {note} {}", words::state(context.lang, text(&ended, "state")));
    }
    outcome(&ended)
}

/// Of an array, the task that failed first: its log is what people look for.
fn of_array(context: &Context, id: &str) -> Result<String, Failure> {
    let job = context.client.get(&format!("/api/v1/jobs/{}", part(id)))?;
    let Some(task) = job["first_failed_task"].as_u64().filter(|_| job["task"].is_null()) else {
        return Ok(id.to_owned());
    };
    if !context.json {
        let which = pick(context.lang, "最先失败的任务的日志：", "the log of the first task that failed:");
        tell!("qiantang: {which} {task}");
    }
    Ok(format!("{id}_{task}"))
}

/// The bytes of a piece of a log.
pub fn bytes_of(piece: &Value) -> Vec<u8> {
    let own = piece["bytes"].as_str().and_then(|bytes| STANDARD.decode(bytes).ok());
    own.unwrap_or_else(|| text(piece, "data").into())
}

/// Says where bytes of a log are left out, beside the log itself.
fn say_left_out(context: &Context, piece: &Value) {
    if let Some(bytes) = piece["left_out_bytes"].as_u64() {
        let bytes = grouped(&bytes.to_string());
        let zh = format!("qiantang：此处略去 {bytes} 字节");
        let en = format!("qiantang: {bytes} bytes are left out here");
        tell!("{}", pick(context.lang, &zh, &en));
    }
}

/// Prints a log as JSON piece by piece, so that a long one needs no memory.
fn print_pieces(context: &Context, logs: &Logs) -> Done {
    let mut offset: Option<i64> = None;
    loop {
        let mut filters = logs.which();
        filters.retain(|filter| filter.0 != "node");
        let tail = logs.tail.filter(|_| offset.is_none()).map(|lines| lines.to_string());
        filters.extend([
            ("tail", tail),
            ("offset", offset.map(|offset| offset.to_string())),
            ("limit_bytes", Some((1 << 20).to_string())),
        ]);
        let path = format!("/api/v1/jobs/{}/logs{}", part(&logs.job), query(&filters));
        let answer = context.client.get(&path)?;
        say(&answer.to_string())?;
        let next = number(&answer, "end_offset");
        if Some(next) == offset || next == number(&answer, "offset") || answer["complete"] == true {
            return Ok(());
        }
        offset = Some(next);
    }
}

/// Prints pieces as they came, and goes on with those that come if the log is followed.
fn print_merged(context: &Context, logs: &Logs) -> Done {
    let (mut from, mut run) = (None::<String>, logs.run.clone());
    let mut begun = Vec::new();
    loop {
        let is_first = from.is_none();
        let mut filters = logs.which();
        filters.retain(|filter| filter.0 != "run");
        filters.extend([
            ("run", run.clone()),
            ("from", from.clone()),
            ("tail", logs.tail.filter(|_| is_first).map(|lines| lines.to_string())),
            ("since", logs.since.clone().filter(|_| is_first)),
            ("limit_bytes", Some((1 << 20).to_string())),
        ]);
        let path = format!("/api/v1/jobs/{}/logs/merged{}", part(&logs.job), query(&filters));
        let answer = if is_first {
            context.client.get(&path)?
        } else {
            patiently(context, || context.client.get(&path))?
        };
        for piece in list(&answer["pieces"])? {
            if context.json {
                say(&piece.to_string())?;
                continue;
            }
            say_left_out(context, piece);
            let is_read = if logs.timestamps {
                print_lines(&context.clock(), logs, piece, &mut begun)?
            } else {
                write(&bytes_of(piece))?
            };
            if !is_read {
                return Ok(());
            }
        }
        let next = answer["next"].as_str().map(str::to_owned);
        let is_quiet = next == from || list(&answer["pieces"])?.is_empty();
        let has_run = answer["run"].is_string();
        if has_run {
            run = answer["run"].as_str().map(str::to_owned);
            from = next;
        }
        if answer["complete"] == true || (is_quiet && !logs.follow) {
            break;
        }
        if is_quiet {
            if !has_run {
                let job =
                    patiently(context, || context.client.get(&format!("/api/v1/jobs/{}", part(&logs.job))))?;
                if has_ended(text(&job, "state")) {
                    break;
                }
            }
            std::thread::sleep(PAUSE);
        }
    }
    for (_, line) in begun {
        write(&[&line[..], b"\n"].concat())?;
    }
    if logs.follow { end_of_follow(context, &logs.job) } else { Ok(()) }
}

/// Lines that have begun: who writes them, and their bytes, which begin with their instant.
type Begun = Vec<((String, String), Vec<u8>)>;

/// Prints the lines that a piece finishes. False where nobody reads any more.
fn print_lines(clock: &Clock, logs: &Logs, piece: &Value, begun: &mut Begun) -> Result<bool, Failure> {
    let (stream, node) = (text(piece, "stream").to_owned(), text(piece, "node").to_owned());
    let source = (stream, node);
    for part in bytes_of(piece).split_inclusive(|byte| *byte == b'\n') {
        let known = begun.iter().position(|line| line.0 == source).unwrap_or_else(|| {
            begun.push((source.clone(), head(clock, logs, piece).into_bytes()));
            begun.len() - 1
        });
        begun[known].1.extend_from_slice(part);
        if part.ends_with(b"\n") && !write(&begun.swap_remove(known).1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The instant of a piece, with its node and stream where there are several.
fn head(clock: &Clock, logs: &Logs, piece: &Value) -> String {
    let at: Option<Timestamp> = piece["at"].as_str().and_then(|at| at.parse().ok());
    let mut head = at.map_or_else(
        || "-".to_owned(),
        |at| format!("{}.{:03}", clock.zone.clock(at), at.as_micros().rem_euclid(1_000_000) / 1000),
    );
    if let Some(node) = piece["node"].as_str() {
        head = format!("{head} {node}");
    }
    if logs.all {
        head = format!("{head} {}", text(piece, "stream"));
    }
    head + " "
}

/// Prints the lines with a text in them, with their streams and numbers.
fn grep(context: &Context, logs: &Logs, wanted: &str) -> Done {
    let mut cursor: Option<String> = None;
    loop {
        let mut filters = logs.which();
        filters.extend([
            ("q", Some(wanted.to_owned())),
            ("cursor", cursor),
            ("limit", Some("200".to_owned())),
        ]);
        let path = format!("/api/v1/jobs/{}/logs/search{}", part(&logs.job), query(&filters));
        let answer = context.client.get(&path)?;
        for line in list(&answer["items"])? {
            let shown = if context.json {
                line.to_string()
            } else {
                let time = if logs.timestamps { head(&context.clock(), logs, line) } else { String::new() };
                let stream = if logs.all && !logs.timestamps {
                    format!("{}:", text(line, "stream"))
                } else {
                    String::new()
                };
                let place = line["line"].as_u64().map(|line| format!("{line}:")).unwrap_or_default();
                format!("{time}{stream}{place}{}", text(line, "text"))
            };
            if !write(format!("{shown}\n").as_bytes())? {
                return Ok(());
            }
        }
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(());
        }
    }
}
