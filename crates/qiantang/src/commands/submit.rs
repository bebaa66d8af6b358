//! Submitting scripts and task files, and trying them out.

use crate::{chinese, tell::tell};
use domain::{Both, both};
use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use domain::{
    JobSpec, Lang, Launch, SpecProblem,
    script::{Given, Note, NoteAction, NoteWhy},
};
use serde_json::{Value, json};

use super::{
    jobs,
    sbatch::{self, COMMAND},
};
use crate::context::{Context, Done, Run, one_of_them, say};
use crate::{
    client::Client,
    errors::{Category, Failure, said},
    output::{Clock, card_hours, items, lang, money, number, pick, rate, text, verdict},
};

/// The most that is read of a script or task file; the center takes less.
const MAX_BYTES: u64 = 4 << 20;

/// Submit a script with #SBATCH lines.
///
/// Options stand before the script and win over its own. They are read as sbatch reads them; all that stands behind the
/// script is for the script.
#[derive(Debug, Args)]
#[command(disable_help_flag = true, override_usage = "qiantang submit [OPTIONS] SCRIPT [ARGS]...")]
pub struct Submit {
    /// Options, the script (`-` reads standard input), and what it gets.
    #[arg(value_name = "SCRIPT", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// The part of the command line that is about the command itself.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Asked {
    dry_run: bool,
    parsable: bool,
    wait: bool,
    help: bool,
    json: bool,
    lang: Option<String>,
    url: Option<String>,
    profile: Option<String>,
}

impl Asked {
    /// Takes out what is about the command. What is left is about the job.
    fn take(&mut self, given: Vec<Given>) -> Vec<Given> {
        let of_command = |given: Given| {
            match given.option.name {
                "dry-run" => self.dry_run = true,
                "parsable" => self.parsable = true,
                "wait" => self.wait = true,
                "help" | "usage" => self.help = true,
                "json" => self.json = true,
                "lang" => self.lang = given.value,
                "url" => self.url = given.value,
                // Here it names a sign-in, as for every command, and nothing that sbatch measures.
                "profile" => self.profile = given.value,
                _ => return Some(given),
            }
            None
        };
        given.into_iter().filter_map(of_command).collect()
    }

    /// The context with what stands behind `submit`.
    fn context(&self, before: &Context) -> Result<Context, Failure> {
        if let Some(lang) = self.lang.as_deref().filter(|lang| !["zh", "en"].contains(lang)) {
            let message = both(format!("--lang 为 `{lang}`"), format!("--lang is `{lang}`"));
            return Err(Failure::usage("bad_lang", message, both("请用 zh 或 en", "use zh or en")));
        }
        let profile = self.profile.clone().or_else(|| before.profile.clone());
        let client = match (&self.url, &self.profile) {
            (None, None) => before.client.clone(),
            (url, _) => Client::open(profile.as_deref(), url.as_deref(), before.ca.as_deref(), false),
        };
        Ok(Context {
            client,
            profile,
            ca: before.ca.clone(),
            url: self.url.clone().or_else(|| before.url.clone()),
            lang: self.lang.as_deref().map_or(before.lang, |wanted| lang(Some(wanted))),
            json: before.json || self.json,
            command_line: before.command_line,
        })
    }
}

impl Run for Submit {
    fn run(self, before: &Context) -> Done {
        let line = domain::script::command_line(&self.words, COMMAND);
        let (line, problems) =
            line.map_or_else(|(line, problems)| (line, problems), |line| (line, Vec::new()));
        let mut asked = Asked::default();
        let beside = asked.take(line.given);
        let context = &asked.context(before)?;
        if asked.help {
            return help(context);
        }
        let of_line = |problems: &[SpecProblem]| Err(invalid(&both("命令行", "command line"), problems));
        if !problems.is_empty() {
            return of_line(&problems);
        }
        context.refuse_beside_json("--parsable", asked.parsable)?;
        if asked.dry_run && (asked.parsable || asked.wait) {
            let message = both(
                "--dry-run 不提交，因此不能与 --parsable 或 --wait 同时使用",
                "--dry-run submits nothing, so --parsable and --wait have no meaning beside it",
            );
            return Err(Failure::usage("not_with_dry_run", message, one_of_them()));
        }
        let [script, args @ ..] = self.words.get(line.taken..).unwrap_or_default() else {
            let hint = both(
                "请指明文件，或用 - 表示标准输入：qiantang submit [选项] SCRIPT [ARGS]",
                "name a file, or - for standard input: qiantang submit [OPTIONS] SCRIPT [ARGS]",
            );
            return Err(Failure::usage("no_script", both("没有指明脚本", "no script is named"), hint));
        };
        let script = Path::new(script);
        let source = read(script)?;
        let file_name = script.file_name().and_then(|name| name.to_str()).filter(|name| *name != "-");
        let mut parsed = domain::script::parse_as(&source, file_name.unwrap_or("script"), &beside)
            .map_err(|problems| invalid(&named(script), &problems))?;
        parsed.spec.args = args.to_vec();
        place(&mut parsed.spec);
        tell_notes(context, &parsed.notes);
        if asked.dry_run {
            return dry_run(context, &parsed.spec, &parsed.notes);
        }
        let id = send(context, &parsed.spec, &parsed.notes, asked.parsable)?;
        if asked.wait { jobs::wait(context, &id) } else { Ok(()) }
    }
}

/// Prints the help, with the options of the table.
fn help(context: &Context) -> Done {
    let whole = (context.command_line)().mut_subcommand("submit", sbatch::described);
    let mut whole = chinese::in_language(whole, context.lang);
    whole.build();
    let mut submit = whole.find_subcommand("submit").cloned().unwrap_or_default();
    say(submit.render_long_help().to_string().trim_end())
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
        let source = read_text(&self.file)?;
        let spec =
            domain::taskfile::parse(&source).map_err(|problems| invalid(&named(&self.file), &problems))?;
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

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let cannot = |error: std::io::Error| {
        let said = said(&error);
        let message =
            both(format!("无法读取 {shown}：{}", said.zh), format!("failed to read {shown}: {}", said.en));
        let hint = both("请指明文件，或用 - 表示标准输入", "name a file, or - for standard input");
        Failure::usage("no_script", message, hint)
    };
    let mut bytes = Vec::new();
    // A byte more than is allowed tells that there is more.
    if path == Path::new("-") {
        std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        let file = std::fs::File::open(path).map_err(cannot)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    }
    if bytes.len() as u64 > MAX_BYTES {
        let most_mib = MAX_BYTES >> 20;
        let message =
            both(format!("{shown} 超过 {most_mib} MiB"), format!("{shown} has more than {most_mib} MiB"));
        let hint = both("请把数据放在单独的文件中", "put data into files of their own");
        return Err(Failure::usage("too_large", message, hint));
    }
    Ok(bytes)
}

/// A task file, which is UTF-8.
fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let path = path.display();
        let message = both(
            format!("{path} 不是 UTF-8：无法识别第 {at} 字节"),
            format!("{path} is not UTF-8: byte {at} can't be read"),
        );
        Failure::usage("bad_utf8", message, both("请保存为 UTF-8 文本", "save it as UTF-8 text"))
    })
}

fn named(file: &Path) -> Both {
    Both::alike(file.display().to_string())
}

fn invalid(file: &Both, problems: &[SpecProblem]) -> Failure {
    let message = both(format!("{} 不能提交", file.zh), format!("{} can't be submitted", file.en));
    let mut failure = Failure::usage("invalid_script", message, Both::default());
    failure.errors = problems.iter().map(|problem| Both::of(|lang| problem.text(lang))).collect();
    if let [only] = problems {
        let place = |lang| (only.place.text(lang), only.wrong.problem(lang));
        let ((zh_place, zh), (en_place, en)) = (place(Lang::Zh), place(Lang::En));
        failure.message =
            both(format!("{}：{zh_place}：{zh}", file.zh), format!("{}: {en_place}: {en}", file.en));
        failure.hint = Both::of(|lang| only.wrong.hint(lang));
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
        let action = match note.action {
            NoteAction::Ignored => pick(context.lang, "（已忽略）", " (ignored)"),
            NoteAction::Mapped | NoteAction::OnSlurm => "",
        };
        tell!("{place}{}{action}: {}", note.option, note.why.text(context.lang));
    }
    // In one line: where the center is on Slurm, there is nothing to tell.
    if !on_slurm.is_empty() {
        let mut names: Vec<&str> = on_slurm.iter().map(|note| note.option.as_str()).collect();
        names.dedup();
        let text =
            pick(context.lang, "仅在使用 Slurm 的中心有效", "applies only on a center that runs Slurm");
        tell!("{}: {text}", names.join(", "));
    }
}

/// The notes, and with them those of the center, which knows how the job is started there. They are told now.
fn with_centers(context: &Context, notes: &[Note], answer: &Value) -> Value {
    let mut all: Vec<Value> =
        notes.iter().map(|note| serde_json::to_value(note).unwrap_or_default()).collect();
    for note in items(answer, "notes") {
        if !context.json {
            let why = [NoteWhy::NoSlurm, NoteWhy::FirstNodeOnly];
            let why = why.iter().find(|why| why.code() == text(note, "code"));
            let why = why.map_or_else(|| text(note, "text").to_owned(), |why| why.text(context.lang));
            let line = number(note, "line");
            let place = if line > 0 { format!("{line}: ") } else { String::new() };
            tell!("{place}{}: {why}", text(note, "option"));
        }
        all.push(note.clone());
    }
    Value::Array(all)
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
    let shown = json!({ "id": id, "name": spec.name, "notes": with_centers(context, notes, &answer) });
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
    answer["notes"] = with_centers(context, notes, &answer);
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
    let rate = rate(number(price, "rate_micro_cny_per_card_hour"));
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
