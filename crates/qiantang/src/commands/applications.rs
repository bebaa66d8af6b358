//! Applications: what is asked of the center, and the verdicts on it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use domain::{Lang, both};
use serde_json::{Map, Value, json};

use crate::context::{Context, Done, Run, part, query};
use crate::{
    errors::Failure,
    file::save,
    output::{Clock, items, list, number, of_total, pick, table, text},
    words,
};

/// List applications, show one, or say what you think of one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Applications {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List applications, newest first.
    List(Filter),
    /// Show one application with its history.
    Show {
        /// The application's number.
        number: String,
    },
    /// Approve an application, as it is or with changes.
    Approve {
        /// The application's number.
        number: String,
        /// An answer that is granted otherwise than it was asked for, such as `cards=8`; may be given more than once.
        #[arg(long, value_name = "NAME=VALUE")]
        grant: Vec<String>,
        /// The score, where the step is decided by scores.
        #[arg(long)]
        score: Option<u32>,
        /// What the applicant is to read; needed with changes.
        #[arg(long)]
        reason: Option<String>,
        /// A note for the center's own people.
        #[arg(long)]
        note: Option<String>,
    },
    /// Give an application back to its applicant.
    Return(Said),
    /// Reject an application.
    Reject(Said),
    /// Declare an interest of your own, and keep out of it from now on.
    Conflict {
        /// The application's number.
        number: String,
        /// A note for the center's own people.
        #[arg(long)]
        note: Option<String>,
    },
    /// Fetch a file that the applicant added.
    Attachment {
        /// The application's number.
        number: String,
        /// The attachment's number within the application, from 1.
        which: u32,
        /// The file to write; standard output where left out.
        #[arg(long, short)]
        out: Option<PathBuf>,
    },
    /// Make a link by which a new tenant's first administrator sets a password.
    Link {
        /// The application's number.
        number: String,
    },
}

#[derive(Debug, Default, Args)]
struct Filter {
    /// A state, or `open`: those that reviewers have.
    #[arg(long)]
    state: Option<String>,
    /// The kind, such as `join`.
    #[arg(long)]
    kind: Option<String>,
    /// The domain: research, enterprise or government.
    #[arg(long)]
    domain: Option<String>,
    /// Drawn up so many days ago or earlier.
    #[arg(long)]
    older_than_days: Option<u32>,
    /// Due within so many days, or late; 0 for those that are late.
    #[arg(long)]
    due_within_days: Option<u32>,
    /// List those that come after this one.
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Debug, Args)]
struct Said {
    /// The application's number.
    number: String,
    /// What the applicant is to read.
    #[arg(long)]
    reason: String,
    /// A note for the center's own people.
    #[arg(long)]
    note: Option<String>,
}

const PATH: &str = "/api/v1/applications";

impl Run for Applications {
    fn run(self, context: &Context) -> Done {
        let judge = |number: &str, verdict: &str, reason: Option<String>, note: Option<String>| {
            let body = json!({ "verdict": verdict, "reason": reason.unwrap_or_default(),
                "note": note.unwrap_or_default() });
            context.client.post(&format!("{PATH}/{}/verdicts", part(number)), &body)
        };
        let answer = match self.act {
            None => return newest(context, Filter::default()),
            Some(Act::List(filter)) => return newest(context, filter),
            Some(Act::Show { number }) => context.client.get(&format!("{PATH}/{}", part(&number)))?,
            Some(Act::Approve { number, grant, score, reason, note }) => {
                let body = json!({ "verdict": "approve", "score": score, "reason": reason.unwrap_or_default(),
                    "note": note.unwrap_or_default(), "changes": changes(&grant)? });
                context.client.post(&format!("{PATH}/{}/verdicts", part(&number)), &body)?
            }
            Some(Act::Return(said)) => judge(&said.number, "return", Some(said.reason), said.note)?,
            Some(Act::Reject(said)) => judge(&said.number, "reject", Some(said.reason), said.note)?,
            Some(Act::Conflict { number, note }) => judge(&number, "conflict", None, note)?,
            Some(Act::Attachment { number, which, out }) => {
                return attachment(context, &number, which, out.as_deref());
            }
            Some(Act::Link { number }) => {
                let answer = context.client.post(&format!("{PATH}/{}/link", part(&number)), &json!({}))?;
                return context.print(&answer, |lang| {
                    let (login, ends) = (text(&answer, "login"), context.clock().instant(&answer, "ends_at"));
                    let says = match lang {
                        Lang::Zh => format!("{login} 可在以下地址设定密码一次，有效至 {ends}："),
                        Lang::En => format!("{login} sets a password there, once and until {ends}:"),
                    };
                    format!("{says}\n{}{}", context.client.url, text(&answer, "path"))
                });
            }
        };
        context.print(&answer, |lang| one(lang, &context.clock(), &answer))
    }
}

fn attachment(context: &Context, number: &str, which: u32, out: Option<&Path>) -> Done {
    let path = format!("{PATH}/{}/attachments/{which}", part(number));
    let Some(file) = out else {
        context.refuse_beside_json("`applications attachment` without --out", true)?;
        return context.client.copy(&path, "*/*", &mut std::io::stdout().lock()).map(drop);
    };
    let bytes = save(file, |out| context.client.copy(&path, "*/*", out))?;
    context.print(&json!({ "number": number, "attachment": which, "path": file, "bytes": bytes }), |lang| {
        match lang {
            Lang::Zh => format!("已写入 {}", file.display()),
            Lang::En => format!("Written to {}", file.display()),
        }
    })
}

/// `cards=8` and its like, as the body of a verdict has them.
fn changes(given: &[String]) -> Result<Map<String, Value>, Failure> {
    let pair = |text: &String| {
        let pair = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
        let (name, value) = pair.ok_or_else(|| {
            Failure::usage(
                "bad_grant",
                both(format!("`{text}` 不是一项修改"), format!("`{text}` is no change")),
                both("写成 `cards=8` 的形式", "write it as `cards=8`"),
            )
        })?;
        Ok((name.to_owned(), Value::from(value)))
    };
    given.iter().map(pair).collect()
}

/// A page of the list, and how the next is asked for.
fn newest(context: &Context, filter: Filter) -> Done {
    let Filter { state, kind, domain, older_than_days, due_within_days, cursor } = filter;
    let filters = [
        ("state", state),
        ("kind", kind),
        ("domain", domain),
        ("older_than_days", older_than_days.map(|days| days.to_string())),
        ("due_within_days", due_within_days.map(|days| days.to_string())),
    ];
    let given = filters.iter().filter_map(|(name, value)| Some((name.replace('_', "-"), value.as_ref()?)));
    let options: Vec<String> = given.map(|(name, value)| format!(" --{name} {value}")).collect();
    let [state, kind, domain, older, due] = filters;
    let asked = query(&[state, kind, domain, older, due, ("cursor", cursor)]);
    let answer = context.client.get(&format!("{PATH}{asked}"))?;
    let all = list(&answer["items"])?;
    context.print(&answer, |lang| {
        let more = answer["next_cursor"].as_str().map(|next| {
            let (stop, more) = (pick(lang, "。", ". "), pick(lang, "更多：", "More: "));
            let shown = of_total(lang, all.len(), &answer["total"]);
            format!("\n{shown}{stop}{more}qiantang applications list{} --cursor {next}", options.concat())
        });
        shown(lang, &context.clock(), all) + &more.unwrap_or_default()
    })
}

fn stands(lang: Lang, one: &Value) -> String {
    match text(one, "outcome") {
        "rejected" => words::word(lang, "outcome", "rejected"),
        _ => words::word(lang, "application-state", text(one, "state")),
    }
}

fn shown(lang: Lang, clock: &Clock, applications: &[Value]) -> String {
    if applications.is_empty() {
        return pick(lang, "没有申请。", "No applications.").into();
    }
    let row = |one: &Value| {
        vec![
            text(one, "number").to_owned(),
            text(one, "title").to_owned(),
            words::word(lang, "application-kind", text(one, "kind")),
            words::word(lang, "domain", text(one, "domain")),
            stands(lang, one),
            words::word(lang, "role", one["open_step"]["role"].as_str().unwrap_or_default()),
            clock.instant(one, "due_at"),
        ]
    };
    let at = clock.title("评审期限", "due");
    let titles: [&str; 7] = match lang {
        Lang::Zh => ["编号", "申请单位", "类型", "领域", "状态", "轮到", &at],
        Lang::En => ["number", "applicant", "kind", "domain", "state", "turn of", &at],
    };
    table(&titles, applications.iter().map(row).collect(), 7)
}

/// Another that has an answer of an application.
fn other_of(lang: Lang, kind: &str, twin: &Value) -> String {
    let question = words::word(lang, kind, text(twin, "question"));
    let who = ["application", "tenant", "login"].map(|key| twin[key].as_str());
    match (lang, who) {
        (Lang::Zh, [Some(number), ..]) => format!("{question}：申请 {number} 填写的与此相同"),
        (Lang::En, [Some(number), ..]) => format!("{question}: application {number} has the same"),
        (Lang::Zh, [_, Some(slug), _]) => format!("{question}：租户 {slug} 已使用"),
        (Lang::En, [_, Some(slug), _]) => format!("{question}: tenant {slug} has the same"),
        (Lang::Zh, [.., login]) => format!("{question}：登录名 {} 已有人使用", login.unwrap_or_default()),
        (Lang::En, [.., login]) => {
            format!("{question}: somebody has the login {} already", login.unwrap_or_default())
        }
    }
}

/// One application: how it stands, its answers, and what was done with it.
fn one(lang: Lang, clock: &Clock, application: &Value) -> String {
    let mut told = shown(lang, clock, std::slice::from_ref(application));
    let granted = &application["granted"];
    if let few @ Value::Object(_) = &application["too_few"] {
        let (role, [needed, there]) =
            (words::word(lang, "role", text(few, "role")), ["needed", "there"].map(|key| number(few, key)));
        let short = match lang {
            Lang::Zh => format!(
                "评审路径中有一步需要 {needed} 位“{role}”，而中心能登录的只有 {there} 位，目前无人能决定这份申请。"
            ),
            Lang::En => format!(
                "A step of its path needs {needed} with the role {role}, and the center has {there} who can sign in: \
                 nobody can decide it as things stand."
            ),
        };
        told = format!("{told}\n\n{short}");
    }
    if let Some(twins) = application["twins"].as_array().filter(|twins| !twins.is_empty()) {
        let lines = twins.iter().map(|twin| other_of(lang, text(application, "kind"), twin));
        told = format!("{told}\n\n{}", lines.collect::<Vec<_>>().join("\n"));
    }
    let answers = application["answers"].as_object().into_iter().flatten();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let answer = |(name, given): (&String, &Value)| {
        let kind = text(application, "kind");
        let other = granted.get(name).filter(|other| *other != given).map(plain);
        vec![words::word(lang, kind, name), plain(given), other.unwrap_or_default()]
    };
    let titles = match lang {
        Lang::Zh => ["问题", "申请", "批准为"],
        Lang::En => ["question", "asked for", "granted"],
    };
    told += "\n\n";
    told += &table(&titles, answers.map(answer).collect(), 3);
    if let Some(files) = application["attachments"].as_array().filter(|files| !files.is_empty()) {
        let row = |file: &Value| {
            let bytes = file["bytes"].as_u64().unwrap_or_default();
            vec![file["number"].to_string(), text(file, "name").to_owned(), domain::decimal::bytes(bytes)]
        };
        let titles = match lang {
            Lang::Zh => ["附件", "文件名", "大小"],
            Lang::En => ["attachment", "file", "size"],
        };
        told += "\n\n";
        told += &table(&titles, files.iter().map(row).collect(), 3);
    }
    let act = |act: &Value| {
        vec![
            clock.instant(act, "at"),
            words::word(lang, "deed", text(act, "deed")),
            text(act, "by").to_owned(),
            text(act, "reason").to_owned(),
            text(act, "note").to_owned(),
        ]
    };
    let at = clock.title("时间", "at");
    let titles: [&str; 5] = match lang {
        Lang::Zh => [&at, "事项", "操作者", "原因", "内部备注"],
        Lang::En => [&at, "deed", "by", "reason", "note"],
    };
    told += "\n\n";
    told += &table(&titles, items(application, "acts").iter().map(act).collect(), 5);
    told
}
