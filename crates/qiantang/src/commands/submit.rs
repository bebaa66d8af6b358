//! Submitting scripts and task files, and trying them out.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use domain::{
    JobSpec, Lang, Launch, SpecProblem,
    script::{Note, NoteAction},
};
use serde_json::{Value, json};

use super::{jobs, sbatch::Options};
use crate::context::{Context, Done, Run};
use crate::{
    errors::{Category, Failure},
    output::{Clock, card_hours, items, money, number, pick, text, verdict},
};

/// The most that is read of a script or task file; the center takes less.
const MAX_BYTES: u64 = 4 << 20;

/// Submit a script with #SBATCH lines.
#[derive(Debug, Args)]
pub struct Submit {
    /// The script; `-` reads standard input.
    script: PathBuf,
    /// Arguments for the script.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
    /// Submit nothing; show the price, what it would wait for and when it could start.
    #[arg(long, conflicts_with_all = ["parsable", "wait"])]
    dry_run: bool,
    /// Print nothing but the job's id.
    #[arg(long)]
    parsable: bool,
    /// Wait until the job ends; exit with 0 only if it succeeds, with 3 if it is cancelled.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    options: Options,
}

impl Run for Submit {
    fn run(self, context: &Context) -> Done {
        context.refuse_beside_json("--parsable", self.parsable)?;
        let source = read(&self.script)?;
        let file_name = self.script.file_name().and_then(|name| name.to_str()).filter(|name| *name != "-");
        let mut parsed = domain::script::parse_as(&source, file_name.unwrap_or("script"))
            .map_err(|problems| invalid(context, &self.script, &problems))?;
        let notes = domain::script::apply(&mut parsed.spec, &self.options.words());
        parsed
            .notes
            .extend(notes.map_err(|problems| invalid(context, Path::new("command line"), &problems))?);
        parsed.spec.args.clone_from(&self.args);
        place(&mut parsed.spec);
        tell_notes(context, &parsed.notes);
        if self.dry_run {
            return dry_run(context, &parsed.spec, &parsed.notes);
        }
        let id = send(context, &parsed.spec, &parsed.notes, self.parsable)?;
        if self.wait { jobs::wait(context, &id) } else { Ok(()) }
    }
}

/// Submit a task file (YAML).
#[derive(Debug, Args)]
pub struct Apply {
    /// The task file; `-` reads standard input.
    #[arg(long, short)]
    file: PathBuf,
    /// Submit nothing; show the price, what it would wait for and when it could start.
    #[arg(long)]
    dry_run: bool,
}

impl Run for Apply {
    fn run(self, context: &Context) -> Done {
        let source = read(&self.file)?;
        let spec =
            domain::taskfile::parse(&source).map_err(|problems| invalid(context, &self.file, &problems))?;
        if self.dry_run { dry_run(context, &spec, &[]) } else { send(context, &spec, &[], false).map(drop) }
    }
}

/// A script for sbatch starts where it is submitted, if the nodes have that folder; so this one's name goes along.
fn place(spec: &mut JobSpec) {
    let here = std::env::current_dir().ok().and_then(|path| path.to_str().map(str::to_owned));
    let Some(here) = here.filter(|here| here.len() <= 1024 && !here.chars().any(char::is_control)) else {
        return;
    };
    if let Some(folder) = &mut spec.batch.work_dir {
        *folder = Path::new(&here).join(&*folder).to_string_lossy().into_owned();
    }
    if spec.launch == Launch::Batch {
        spec.batch.submit_dir = Some(here);
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let cannot = |error: std::io::Error| {
        Failure::usage(
            "no_script",
            format!("failed to read {shown}: {error}"),
            "name a file, or - for standard input",
        )
    };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(MAX_BYTES).read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        std::fs::File::open(path).map_err(cannot)?.take(MAX_BYTES).read_to_end(&mut bytes).map_err(cannot)?;
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(
            "bad_utf8",
            format!("{shown} is not UTF-8: byte {at} can't be read"),
            "save it as UTF-8 text",
        )
    })
}

/// Programs get the problems in English, people in their language.
fn invalid(context: &Context, file: &Path, problems: &[SpecProblem]) -> Failure {
    let lang = if context.json { Lang::En } else { context.lang };
    let file = file.display();
    let message = match lang {
        Lang::Zh => format!("{file} 不能提交"),
        Lang::En => format!("{file} can't be submitted"),
    };
    let mut failure = Failure::usage("invalid_script", message, "");
    failure.errors = problems.iter().map(|problem| problem.text(lang)).collect();
    if let [only] = problems {
        failure.message = format!("{file}: {}: {}", only.place.text(lang), only.wrong.problem(lang));
        failure.hint = only.wrong.hint(lang);
    }
    failure
}

fn tell_notes(context: &Context, notes: &[Note]) {
    if context.json {
        return;
    }
    let (on_slurm, others): (Vec<&Note>, _) =
        notes.iter().partition(|note| note.action == NoteAction::OnSlurm);
    for note in others {
        let place = if note.line > 0 { format!("{}: ", note.line) } else { String::new() };
        eprintln!(
            "{place}{} {}: {}",
            note.option,
            pick(context.lang, "已忽略或另作解释", "ignored or read otherwise"),
            note.why.text(context.lang)
        );
    }
    // In one line: where the center is on Slurm, there is nothing to tell.
    if !on_slurm.is_empty() {
        let mut names: Vec<&str> = on_slurm.iter().map(|note| note.option.as_str()).collect();
        names.dedup();
        let text =
            pick(context.lang, "仅在使用 Slurm 的中心有效", "applies only on a center that runs Slurm");
        eprintln!("{}: {text}", names.join(", "));
    }
}

fn send(context: &Context, spec: &JobSpec, notes: &[Note], id_alone: bool) -> Result<String, Failure> {
    let body = serde_json::to_value(spec).unwrap_or_default();
    let key = uuid();
    // The same key lets a submission whose answer was lost be sent again without a second job.
    let answer = match context.client.post_once("/api/v1/jobs", &body, &key) {
        Err(failure) if failure.category == Category::System && failure.code != "internal" => {
            context.client.post_once("/api/v1/jobs", &body, &key)
        }
        other => other,
    }?;
    let id = text(&answer, "id").to_owned();
    let shown = json!({ "id": id, "name": spec.name, "notes": notes });
    context.print(&shown, |lang| match lang {
        _ if id_alone => id.clone(),
        Lang::Zh => format!("已提交 {id}"),
        Lang::En => format!("Submitted {id}"),
    })?;
    Ok(id)
}

/// A key that nobody else uses.
fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes));
    if read.is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        bytes = (now.as_nanos() ^ u128::from(std::process::id()) << 96).to_be_bytes();
    }
    format!("{:032x}", u128::from_be_bytes(bytes))
}

fn dry_run(context: &Context, spec: &JobSpec, notes: &[Note]) -> Done {
    let body = serde_json::to_value(spec).unwrap_or_default();
    let mut answer = context.client.post("/api/v1/jobs/dry-run", &body)?;
    answer["notes"] = serde_json::to_value(notes).unwrap_or_default();
    context.print(&answer, |_| shown(&context.clock(), &answer))
}

fn shown(clock: &Clock, answer: &Value) -> String {
    let lang = clock.lang;
    let price = &answer["price"];
    let start = if answer["starts_now"].as_bool().unwrap_or_default() {
        let places = items(answer, "placement")
            .iter()
            .map(|place| format!("{}[{}]", text(place, "node"), text(place, "cards")));
        let places = places.collect::<Vec<_>>().join(" ");
        format!("{}: {places}", pick(lang, "立即开始", "Starts now"))
    } else {
        verdict(clock, &answer["verdict"])
    };
    let rate = money(number(price, "rate_micro_cny_per_card_hour"));
    let (most, time) = (money(number(price, "most_micro_cny")), card_hours(number(price, "most_card_ms")));
    let contract = text(answer, "contract");
    match lang {
        Lang::Zh => format!(
            "{start}\n价格：每卡时 {rate} 元；最多 {most} 元（{time} 卡时），合同 {contract}。未提交。"
        ),
        Lang::En => format!(
            "{start}\nPrice: CNY {rate} a card-hour; at most CNY {most} ({time} card-hours), contract {contract}. \
             Nothing was submitted."
        ),
    }
}
