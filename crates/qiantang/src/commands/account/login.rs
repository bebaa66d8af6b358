//! Signing in and out.

use crate::tell::tell;
use std::{
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use domain::{Both, Lang, both};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::{
    errors::{Failure, said},
    kept::{self, Kept, Profile},
    output::{pick, text},
    words,
};

/// Sign in, and keep a token for the other commands.
#[derive(Debug, Args)]
#[allow(clippy::struct_field_names, reason = "the login is an argument of the command that is called so")]
pub struct Login {
    /// The login to sign in with; asked for where left out.
    login: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// The tenant's short name, where you are a member in several places.
    #[arg(long, conflicts_with = "center")]
    tenant: Option<String>,
    /// Sign in as one of the center's own people, where you are a member in several places.
    #[arg(long)]
    center: bool,
}

/// The word for the center where the API asks for a tenant's short name.
const OF_CENTER: &str = "-";

impl Run for Login {
    fn run(self, context: &Context) -> Done {
        if context.client.is_token_given() {
            let message = both(
                "已设置 QIANTANG_TOKEN，会代替登录使用",
                "QIANTANG_TOKEN is set, and would be used in place of the sign-in",
            );
            let hint = both("请清除 QIANTANG_TOKEN，再登录", "unset QIANTANG_TOKEN, then sign in");
            return Err(Failure::usage("token_is_given", message, hint));
        }
        let login = match self.login {
            Some(login) => login,
            None => given(ask(pick(context.lang, "用户：", "Login: "), true)?, &both("用户名", "login"))?,
        };
        let password = if self.password_stdin {
            given(ask("", true)?, &both("密码", "password"))?
        } else {
            password(context)?
        };
        let place = if self.center { Some(OF_CENTER) } else { self.tenant.as_deref() };
        let (answer, path, name) = sign_in(context, &login, &password, place)?;
        let member = &answer["member"];
        let url = &context.client.url;
        let signed_in =
            json!({ "member": member, "url": url, "profile": name, "expires_at": answer["expires_at"] });
        context.print(&signed_in, |lang| {
            let (role, path) = (words::word(lang, "role", text(member, "role")), path.display());
            match lang {
                Lang::Zh => format!("已登录 {url}（{role}）；令牌保存在 {path}，配置名 {name}"),
                Lang::En => format!("Signed in to {url} ({role}); the token is in {path}, profile {name}"),
            }
        })
    }
}

/// Signs in and keeps the token: the center's answer, the file, and the profile's name.
fn sign_in(
    context: &Context,
    login: &str,
    password: &str,
    place: Option<&str>,
) -> Result<(Value, PathBuf, String), Failure> {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let token_name: String = format!("qiantang on {}", machine.trim()).chars().take(64).collect();
    let body = json!({ "login": login, "password": password, "token_name": token_name, "tenant": place });
    let path = kept::place()?;
    let mut kept = Kept::read(&path)?;
    let answer = context.client.post("/api/v1/login", &body)?;
    let profile = Profile {
        url: context.client.url.clone(),
        token: text(&answer, "token").to_owned(),
        token_id: answer["id"].as_str().map(str::to_owned),
        login: login.to_owned(),
        ca: context.client.ca.clone(),
    };
    let name = kept.put(context.profile.as_deref(), profile);
    kept.write(&path)?;
    Ok((answer, path, name))
}

/// Signs in anew as the same member.
pub fn sign_in_again(context: &Context, member: &Value, password: &str) -> Result<(), Failure> {
    let place = member["tenant_slug"].as_str().unwrap_or(OF_CENTER);
    sign_in(context, text(member, "login"), password, Some(place)).map(drop)
}

/// Sign out: end the kept token at its center, and forget it here.
#[derive(Debug, Args)]
pub struct Logout {}

impl Run for Logout {
    fn run(self, context: &Context) -> Done {
        let path = kept::place()?;
        let mut kept = Kept::read(&path)?;
        let profile = context.client.profile.as_ref().and_then(|name| kept.profiles.get_mut(name));
        let profile = profile.filter(|profile| !profile.token.is_empty());
        if context.client.is_token_given() {
            let message = both(
                "令牌来自 QIANTANG_TOKEN，不是保存在本机的",
                "the token is that of QIANTANG_TOKEN, and not a kept one",
            );
            let hint = both(
                "请清除 QIANTANG_TOKEN；`qiantang tokens revoke` 可注销令牌",
                "unset QIANTANG_TOKEN; `qiantang tokens revoke` ends a token",
            );
            return Err(Failure::usage("token_is_given", message, hint));
        }
        let Some(profile) = profile else {
            let url = &context.client.url;
            let message = both(format!("尚未登录 {url}"), format!("nobody is signed in at {url}"));
            let hint =
                both("`qiantang profiles` 列出已保存的登录", "`qiantang profiles` lists the kept sign-ins");
            return Err(Failure::usage("not_signed_in", message, hint));
        };
        let url = profile.url.clone();
        // A token that the center does not take any more has ended already. One whose center does not answer goes on.
        let (is_ended, why) = match profile.token_id.take() {
            Some(id) => match context.client.delete(&format!("/api/v1/tokens/{}", part(&id))) {
                Ok(_) => (true, None),
                Err(failure) if failure.code == "unauthenticated" => (true, None),
                Err(failure) => (false, Some(failure.message)),
            },
            None => (false, Some(both("没有保存它的 id", "its id was not kept"))),
        };
        profile.token.clear();
        kept.write(&path)?;
        let answer =
            json!({ "url": url, "is_token_ended": is_ended, "why": why.as_ref().map(|why| &why.en) });
        context.print(&answer, |lang| match (lang, &why) {
            (Lang::Zh, None) => format!("已退出 {url}，令牌已失效"),
            (Lang::En, None) => format!("Signed out of {url}; the token has ended"),
            (Lang::Zh, Some(why)) => {
                format!("已从本机退出 {url}；中心的令牌没有失效（{why}）：请登录后用 qiantang tokens revoke 注销", why = why.zh)
            }
            (Lang::En, Some(why)) => format!(
                "Signed out of {url} here; its token has not been ended ({why}): sign in and end it by `qiantang tokens revoke`"
            ),
        })
    }
}

/// A password: from the terminal without echo, or the first line of standard input.
pub fn password(context: &Context) -> Result<String, Failure> {
    password_of(pick(context.lang, "密码：", "Password: "))
}

/// A password that is asked for by these words.
pub fn password_of(prompt: &str) -> Result<String, Failure> {
    let line = if std::io::stdin().is_terminal() { ask(prompt, false)? } else { ask("", true)? };
    given(line, &both("密码", "password"))
}

/// Refuses an empty line, which an input that has ended gives, too.
fn given(line: String, what: &Both) -> Result<String, Failure> {
    if line.is_empty() {
        let message = both(format!("没有给出{}", what.zh), format!("no {} was given", what.en));
        let hint = both("请输入，或由标准输入给出", "type it, or give it on standard input");
        return Err(Failure::usage("no_input", message, hint));
    }
    Ok(line)
}

/// Asks on the terminal; without echo for a password.
fn ask(prompt: &str, echo: bool) -> Result<String, Failure> {
    let failed = |error: std::io::Error| {
        let hint = both("请由标准输入给出", "give it on standard input");
        Failure::system("no_input", said(&error), hint)
    };
    if !prompt.is_empty() {
        eprint!("{prompt}");
        std::io::stderr().flush().map_err(failed)?;
    }
    // `stty` is on every system with a terminal; where it fails, the password shows but is read.
    let stty = |word: &str| drop(std::process::Command::new("stty").arg(word).status());
    if !echo {
        stty("-echo");
    }
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if !echo {
        stty("echo");
        tell!();
    }
    read.map_err(failed)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
