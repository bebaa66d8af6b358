//! The text of a contract, its signatures, and its renewal.

use clap::Args;
use domain::{Lang, both};
use serde_json::{Value, json};

use super::known::{PATH, all, named};
use crate::{
    commands::account::login,
    context::{Context, Done, part},
    errors::Failure,
    output::{Clock, items, list, number, pick, table, text},
    words,
};

#[derive(Debug, Args)]
pub struct Text {
    /// The contract's number or id.
    contract: String,
    /// Have the text made from the contract as it stands: both sides then sign it before the contract is active.
    #[arg(long)]
    make: bool,
    /// An older version; the newest where left out.
    #[arg(long, conflicts_with = "make")]
    version: Option<i64>,
}

#[derive(Debug, Args)]
pub struct Sign {
    /// The contract's number or id.
    contract: String,
    /// The digest that you have read, so that nothing else is signed.
    #[arg(long)]
    sha256: String,
}

#[derive(Debug, Args)]
pub struct Renew {
    /// The contract's number or id.
    contract: String,
    /// The number of the new contract; that of the old one with `-R` where left out.
    #[arg(long)]
    number: Option<String>,
}

/// The path of the contract with that number or id.
fn path_of(context: &Context, wanted: &str) -> Result<String, Failure> {
    let all = all(context)?;
    Ok(format!("{PATH}/{}", part(text(named(&all, wanted)?, "id"))))
}

/// Shows the text of a contract, or has it made.
pub fn text_of(context: &Context, wanted: &Text) -> Done {
    let path = path_of(context, &wanted.contract)?;
    let answer = if wanted.make {
        context.client.post(&format!("{path}/texts"), &json!({}))?
    } else {
        let answer = context.client.get(&format!("{path}/texts"))?;
        let is_it = |text: &&Value| wanted.version.is_none_or(|version| number(text, "version") == version);
        let found = list(&answer)?.iter().rev().find(is_it).cloned();
        found.ok_or_else(|| no_text(&wanted.contract))?
    };
    context.print(&answer, |lang| shown(lang, &context.clock(), &answer))
}

fn no_text(contract: &str) -> Failure {
    let message =
        both(format!("合同 {contract} 没有这样的文本"), format!("the contract {contract} has no such text"));
    let hint = both(
        "用 `qiantang contracts text --make` 生成文本",
        "have it made with `qiantang contracts text --make`",
    );
    Failure::refused("not_found", message, hint)
}

/// Signs the newest text of that digest, by a code of the second factor, or by the password once more where there is none.
pub fn sign(context: &Context, wanted: &Sign) -> Done {
    let path = path_of(context, &wanted.contract)?;
    let answer = context.client.get(&format!("{path}/texts"))?;
    let is_it = |one: &&Value| text(one, "sha256").eq_ignore_ascii_case(wanted.sha256.trim());
    let found = list(&answer)?.iter().rev().find(is_it).ok_or_else(|| no_text(&wanted.contract))?;
    let mut body = json!({ "version": found["version"], "sha256": found["sha256"] });
    if context.client.get("/api/v1/me/second-factor")?["since"].is_null() {
        let prompt = pick(context.lang, "再次输入您的密码以签署：", "Your password once more, to sign: ");
        body["password"] = login::password_of(prompt)?.into();
    } else {
        let prompt = pick(context.lang, "输入验证码以签署：", "A code of your second factor, to sign: ");
        body["code"] = login::code_of(prompt)?.into();
    }
    let answer = context.client.post(&format!("{path}/signatures"), &body)?;
    context.print(&answer, |lang| signed(lang, &context.clock(), &answer))
}

/// Drafts the contract that goes on where this one ends; gives it as the center does.
pub fn renew(context: &Context, wanted: &Renew) -> Result<Value, Failure> {
    let path = path_of(context, &wanted.contract)?;
    context.client.post(&format!("{path}/renew"), &json!({ "number": wanted.number }))
}

fn shown(lang: Lang, clock: &Clock, one: &Value) -> String {
    let body = text(one, pick(lang, "zh", "en"));
    format!("{}\n\n{}", body.trim_end(), signed(lang, clock, one))
}

/// Which version it is, its digest, and who has signed it.
fn signed(lang: Lang, clock: &Clock, one: &Value) -> String {
    let row = |signature: &Value| {
        vec![
            words::word(lang, "side", text(signature, "side")),
            text(signature, "name").to_owned(),
            text(signature, "login").to_owned(),
            words::word(lang, "role", text(signature, "role")),
            clock.instant(signature, "at"),
            words::word(lang, "factor", text(signature, "factor")),
        ]
    };
    let missing = items(one, "missing").iter().filter_map(Value::as_str);
    let missing = missing.map(|side| {
        let not_yet = pick(lang, "尚未签署", "not yet").to_owned();
        let mut row = vec![words::word(lang, "side", side), not_yet];
        row.resize(6, String::new());
        row
    });
    let rows = items(one, "signatures").iter().map(row).chain(missing).collect();
    let at = clock.title("时间", "at");
    let titles: [&str; 6] = match lang {
        Lang::Zh => ["签署方", "姓名", "用户", "角色", &at, "确认方式"],
        Lang::En => ["side", "name", "login", "role", &at, "confirmed by"],
    };
    let version = number(one, "version");
    let head = match lang {
        Lang::Zh => format!("第 {version} 版，SHA-256 {}", text(one, "sha256")),
        Lang::En => format!("Version {version}, SHA-256 {}", text(one, "sha256")),
    };
    let altered = if one["is_intact"] == false {
        pick(
            lang,
            "此文本与其摘要不符，请勿签署。\n",
            "This text is not what its digest says: sign nothing.\n",
        )
    } else {
        ""
    };
    format!("{altered}{head}\n\n{}", table(&titles, rows, 6))
}
