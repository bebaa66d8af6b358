//! The books: whether they agree, their roots, and whether a copy of them is as it was sealed.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use domain::{Both, Lang, both};
use serde_json::{Value, json};
use store::chain::{self, Fault, FaultCode, Given, PublicKey, Report, SigningKey};

use crate::context::{Context, Done, Run};
use crate::{
    errors::{Failure, said},
    output::{items, list, number, pick, table, text},
};

/// Check the books: of a running center, or of a copy.
#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Add everything up anew in the running center, and compare it with its chain (the center's people).
    Check,
    /// Compare a backup or a copy of the database with its chain and with roots. Needs no center.
    Verify(Verify),
    /// List the roots that were made of the books (the center's people).
    Roots,
    /// Make a root now (operators).
    Root {
        /// The reason for the root, which the audit log keeps.
        reason: String,
    },
    /// Keys that sign roots.
    #[command(subcommand)]
    Key(Key),
}

/// The database to verify, and the roots and the key to compare it with.
#[derive(Debug, Args)]
pub struct Verify {
    /// The database: a backup, or the file of a center that does not run.
    file: PathBuf,
    /// The file of roots, from where it is kept.
    #[arg(long)]
    roots: Option<PathBuf>,
    /// The public key of the roots: a file, or 64 hexadecimal digits. Where it is left out, the key that each root names.
    #[arg(long)]
    key: Option<String>,
}

/// Keys that sign roots.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key: the secret one in FILE, the public one in FILE.pub.
    New {
        /// A new file.
        file: PathBuf,
    },
}

impl Run for Ledger {
    fn run(self, context: &Context) -> Done {
        match self {
            Self::Check => check(context),
            Self::Verify(options) => verify(context, &options),
            Self::Roots => roots(context),
            Self::Root { reason } => make_root(context, &reason),
            Self::Key(Key::New { file }) => new_key(context, &file),
        }
    }
}

fn check(context: &Context) -> Done {
    let answer = context.client.get("/api/v1/ledger/check")?;
    context.print(&answer, |lang| {
        let mut lines: Vec<String> = items(&answer, "problems")
            .iter()
            .filter_map(|problem| problem.as_str().map(str::to_owned))
            .collect();
        let (transfers, chain) = (number(&answer, "transfers"), number(&answer, "links"));
        let waiting = number(&answer, "unsealed_rows");
        lines.push(match lang {
            Lang::Zh => format!("{transfers} 笔分录，{chain} 个链节；{waiting} 行尚未封存"),
            Lang::En => format!("{transfers} transfers, {chain} links; {waiting} rows not sealed yet"),
        });
        lines.join("\n")
    })?;
    if answer["is_balanced"] == true && answer["is_sealed"] == true {
        return Ok(());
    }
    Err(Failure::unexpected(both("账目不一致", "the books don't agree")))
}

fn roots(context: &Context) -> Done {
    let answer = context.client.get("/api/v1/ledger/roots")?;
    let all = list(&answer)?;
    let clock = context.clock();
    context.print(&answer, |lang| {
        let at = clock.title("时间", "at");
        let titles: [&str; 5] = match lang {
            Lang::Zh => ["编号", &at, "缘由", "链节", "签名"],
            Lang::En => ["number", &at, "occasion", "link", "signed"],
        };
        let row = |root: &Value| {
            let is_signed = !root["signature"].is_null();
            let signed =
                if is_signed { pick(lang, "已签名", "yes") } else { pick(lang, "未签名", "no") };
            vec![
                number(root, "number").to_string(),
                clock.instant(root, "at"),
                text(root, "occasion").to_owned(),
                number(root, "link").to_string(),
                signed.to_owned(),
            ]
        };
        table(&titles, all.iter().map(row).collect(), titles.len())
    })
}

fn make_root(context: &Context, reason: &str) -> Done {
    let answer = context.client.post("/api/v1/ledger/roots", &json!({ "reason": reason }))?;
    context.print(&answer, |_| text(&answer, "root").trim_end().to_owned())
}

fn new_key(context: &Context, path: &Path) -> Done {
    let key = SigningKey::of(base::moment::random());
    let mut public = path.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    let written = write_new(path, 0o600, &key.to_pem()).map_err(|error| (path, error)).and_then(|()| {
        write_new(&public, 0o644, &key.public().to_pem()).map_err(|error| (public.as_path(), error))
    });
    written.map_err(|(path, error)| {
        let hint = both("请指明已有目录中的一个新文件", "name a new file in a folder that is there");
        Failure::not_written(path, &error, hint)
    })?;
    let answer = json!({ "key": path, "public_key": key.public().to_string(), "public_key_file": public });
    context.print(&answer, |lang| match lang {
        Lang::Zh => format!("私钥 {}，公钥 {}：{}", path.display(), public.display(), key.public()),
        Lang::En => {
            format!("Secret key {}, public key {}: {}", path.display(), public.display(), key.public())
        }
    })
}

fn write_new(path: &Path, mode: u32, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn verify(context: &Context, options: &Verify) -> Done {
    let file = options
        .roots
        .as_deref()
        .map(|path| read(path, &both("根的文件", "the file of roots")))
        .transpose()?;
    let key = options.key.as_deref().map(public_key).transpose()?;
    let report =
        chain::verify_file(&options.file, Given { file: file.as_deref(), key }).map_err(|error| {
            let hint = both(
                "请指明备份，或未运行的中心的数据库",
                "name a backup, or the database of a center that does not run",
            );
            let path = options.file.display();
            let message = both(format!("无法读取 {path}（{error}）"), error.to_string());
            Failure::system("not_read", message, hint)
        })?;
    let answer = serde_json::to_value(&report).unwrap_or_default();
    context.print(&answer, |lang| shown(lang, &report, file.is_some()))?;
    if report.is_clean {
        return Ok(());
    }
    let count = report.faults.len() as u64 + report.more_faults;
    let path = options.file.display();
    Err(Failure::unexpected(both(format!("{path} 中有 {count} 处错误"), format!("{count} faults in {path}"))))
}

fn read(path: &Path, what: &Both) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        let (path, said) = (path.display(), said(&error));
        let message = both(
            format!("无法读取{} {path}：{}", what.zh, said.zh),
            format!("failed to read {}, {path}: {}", what.en, said.en),
        );
        Failure::usage("bad_path", message, both("请指明一个文件", "name a file"))
    })
}

fn public_key(given: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = PublicKey::parse(given) {
        return Ok(key);
    }
    let text = read(Path::new(given), &both("密钥", "the key"))?;
    PublicKey::parse(&text).map_err(|error| {
        let message = both(format!("{given} 中没有公钥"), error.to_string());
        let hint =
            both("请给出 FILE.pub，或公钥的各位数字", "give FILE.pub, or the digits of the public key");
        Failure::usage("bad_key", message, hint)
    })
}

fn shown(lang: Lang, report: &Report, has_roots: bool) -> String {
    let mut lines: Vec<String> = report.faults.iter().map(|fault| told(lang, fault)).collect();
    if report.more_faults > 0 {
        lines.push(match lang {
            Lang::Zh => format!("……还有 {} 处", report.more_faults),
            Lang::En => format!("… and {} more", report.more_faults),
        });
    }
    let waiting: u64 = report.unsealed.iter().map(|unsealed| unsealed.rows).sum();
    let since = report.sealed_until.map_or_else(|| "-".to_owned(), |at| at.to_string());
    if waiting > 0 {
        lines.push(match lang {
            Lang::Zh => format!("尚未封存：自 {since} 起 {waiting} 行"),
            Lang::En => format!("not sealed yet: {waiting} rows since {since}"),
        });
    }
    let Report { links, transfers, runs, roots, roots_signed, .. } = report;
    lines.push(match lang {
        Lang::Zh => format!("{links} 个链节，{transfers} 笔分录，{runs} 次运行；{roots} 个根，其中 {roots_signed} 个签名有效"),
        Lang::En => format!("{links} links, {transfers} transfers, {runs} runs; {roots} roots, {roots_signed} with a genuine signature"),
    });
    if !has_roots {
        let note = "未给出别处保存的根（--roots）：能改写整个文件的人也能改写其中的根";
        lines.push(pick(lang, note, "no roots from elsewhere were given (--roots): whoever rewrites the whole file rewrites its roots too").to_owned());
    } else if report.key.is_none() {
        lines.push(
            pick(
                lang,
                "未给出公钥（--key）：签名只与根自带的公钥核对",
                "no key was given (--key): signatures were compared with the keys that the roots name",
            )
            .to_owned(),
        );
    }
    let end = if report.is_clean {
        pick(lang, "账目与封存时一致", "everything is as it was sealed")
    } else {
        pick(lang, "账目被改动过", "the books were changed")
    };
    lines.push(end.to_owned());
    lines.join("\n")
}

/// A fault in a line.
fn told(lang: Lang, fault: &Fault) -> String {
    let Fault { code, table, id, field, detail, link, sealed_at } = fault;
    let mut place = format!("{table} {id}").trim().to_owned();
    if let Some(field) = field {
        place = format!("{place} {field}");
    }
    let mut line = format!("{place}: {}", words(lang, *code));
    let detail = detail.in_lang(lang);
    if !detail.is_empty() {
        line = format!("{line}: {detail}");
    }
    if let Some(link) = link {
        let at = sealed_at.map_or_else(|| "?".to_owned(), |at| at.to_string());
        line = match lang {
            Lang::Zh => format!("{line}（链节 {link}，{at}）"),
            Lang::En => format!("{line} (link {link} of {at})"),
        };
    }
    line
}

fn words(lang: Lang, code: FaultCode) -> &'static str {
    let (zh, en) = match code {
        FaultCode::RowChanged => ("与封存时不同", "it is not as it was sealed"),
        FaultCode::RowMissing => ("该行已缺失", "the row is missing"),
        FaultCode::RowInserted => ("该行是插入的", "the row was inserted"),
        FaultCode::RowRewritten => ("封存后被改写", "it was rewritten after it was sealed"),
        FaultCode::RowsChanged => ("其中至少一行被改动", "one of the rows was changed"),
        FaultCode::LinkBroken => ("链节与其摘要不符", "a link is not what its digest says"),
        FaultCode::LinkMissing => ("链节缺失", "a link is missing"),
        FaultCode::RootDiffers => {
            ("根与链或根文件不符", "a root differs from the chain or from the file of roots")
        }
        FaultCode::DatabaseOlder => {
            ("数据库比根旧，或末尾被截去", "the database is older than its roots, or its end was cut off")
        }
        FaultCode::RootMissing => ("根缺失", "a root is missing"),
        FaultCode::RootUnreadable => ("根无法读取", "a root can't be read"),
        FaultCode::RootUnsigned => ("根未签名", "a root isn't signed"),
        FaultCode::SignatureBad => ("签名无效", "a signature is not genuine"),
        FaultCode::SchemaDiffers => ("表、索引或触发器与程序所建不同", "tables, indexes or triggers differ"),
        FaultCode::BooksDisagree => ("账目自相矛盾", "the books disagree"),
        FaultCode::ForeignChange => {
            ("由本程序以外的手段改动", "something else than the center has changed it")
        }
        FaultCode::WithoutAudit => ("审计日志中没有对应的操作", "the audit log knows of no such act"),
    };
    pick(lang, zh, en)
}
