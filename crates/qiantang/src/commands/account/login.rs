//! Signing in and out.

use crate::tell::tell;
use std::{
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use domain::{Both, Lang, both};
use serde_json::{Value, json};

use super::by_browser;
use crate::context::{Context, Done, Run, part};
use crate::{
    errors::{Failure, said},
    kept::{self, Kept, Profile},
    output::{pick, text},
    words,
};

/// Sign in, and keep a token for the other commands. On a terminal a browser is used, unless a login is given.
#[derive(Debug, Default, Args)]
#[allow(clippy::struct_field_names, reason = "the login is an argument of the command that is called so")]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Login {
    /// The login to sign in with by a password.
    login: Option<String>,
    /// Sign in by a browser, on this machine or on another, even where there is no terminal.
    #[arg(long, conflicts_with_all = ["login", "password", "password_stdin", "code", "tenant", "center"])]
    browser: bool,
    /// Ask for login and password here.
    #[arg(long)]
    password: bool,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// The code of your second factor, or a recovery code; asked for where it is needed.
    #[arg(long)]
    code: Option<String>,
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
        if self.is_by_browser(std::io::stdin().is_terminal()) {
            let answer = by_browser::sign_in(context, machine().trim())?;
            let (path, name) = keep(context, &answer, "access_token", "token_id")?;
            return told(context, &answer, &path, &name);
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
        let (answer, path, name) = sign_in(context, &login, &password, place, self.code)?;
        told(context, &answer, &path, &name)
    }
}

impl Login {
    /// Whoever says how they sign in, or is no person at a terminal, signs in as ever.
    fn is_by_browser(&self, is_terminal: bool) -> bool {
        let Self { login, browser, password, password_stdin, code, tenant, center } = self;
        let is_said =
            login.is_some() || *password || *password_stdin || code.is_some() || tenant.is_some() || *center;
        *browser || (is_terminal && !is_said)
    }
}

/// Says who is signed in now.
fn told(context: &Context, answer: &Value, path: &Path, name: &str) -> Done {
    let (member, url) = (&answer["member"], &context.client.url);
    let failed = answer["failed_sign_ins"].clone();
    if let Some(tries) = failed["tries"].as_i64() {
        let clock = context.clock();
        let (since, from) = (clock.instant(&failed, "since"), text(&failed, "last_from"));
        match context.lang {
            Lang::Zh => tell!("注意：自 {since} 起有 {tries} 次以您的用户名登录失败，最近一次来自 {from}"),
            Lang::En => {
                tell!("Note: failed tries to sign in as you since {since}: {tries}, the last from {from}");
            }
        }
    }
    let signed_in = json!({ "member": member, "url": url, "profile": name, "expires_at": answer["expires_at"],
        "failed_sign_ins": failed });
    context.print(&signed_in, |lang| {
        let (role, path) = (words::word(lang, "role", text(member, "role")), path.display());
        match lang {
            Lang::Zh => format!("已登录 {url}（{role}）；令牌保存在 {path}，配置名 {name}"),
            Lang::En => format!("Signed in to {url} ({role}); the token is in {path}, profile {name}"),
        }
    })
}

/// This machine's name.
fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default()
}

/// Signs in by a password and keeps the token: the center's answer, the file, and the profile's name.
fn sign_in(
    context: &Context,
    login: &str,
    password: &str,
    place: Option<&str>,
    code: Option<String>,
) -> Result<(Value, PathBuf, String), Failure> {
    let token_name: String = format!("qiantang on {}", machine().trim()).chars().take(64).collect();
    let ask_center = |code: Option<String>| {
        let body = json!({ "login": login, "password": password, "token_name": token_name, "tenant": place,
            "code": code });
        context.client.post("/api/v1/login", &body)
    };
    let answer = match ask_center(code) {
        Err(failure) if failure.code == "code_needed" && std::io::stdin().is_terminal() => {
            let code = ask(pick(context.lang, "验证码：", "Code: "), true)?;
            ask_center(Some(given(code, &both("验证码", "code"))?))
        }
        other => other,
    }?;
    let (path, name) = keep(context, &answer, "token", "id")?;
    Ok((answer, path, name))
}

/// Keeps the token of an answer, which has it and its id under these names: the file, and the profile's name.
fn keep(context: &Context, answer: &Value, token: &str, id: &str) -> Result<(PathBuf, String), Failure> {
    let path = kept::place()?;
    let mut kept = Kept::read(&path)?;
    let profile = Profile {
        url: context.client.url.clone(),
        token: text(answer, token).to_owned(),
        token_id: answer[id].as_str().map(str::to_owned),
        login: text(&answer["member"], "login").to_owned(),
        ca: context.client.ca.clone(),
    };
    let name = kept.put(context.profile.as_deref(), profile);
    kept.write(&path)?;
    Ok((path, name))
}

/// Signs in anew as the same member.
pub fn sign_in_again(
    context: &Context,
    member: &Value,
    password: &str,
    code: Option<String>,
) -> Result<(), Failure> {
    let place = member["tenant_slug"].as_str().unwrap_or(OF_CENTER);
    sign_in(context, text(member, "login"), password, Some(place), code).map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_used_where_somebody_sits_at_a_terminal_and_says_nothing_else() {
        let plain = Login::default;
        assert!(plain().is_by_browser(true));
        assert!(!plain().is_by_browser(false), "a script reads login and password as ever");
        assert!(Login { browser: true, ..plain() }.is_by_browser(false));
        for said in [
            Login { login: Some("lin".into()), ..plain() },
            Login { password: true, ..plain() },
            Login { password_stdin: true, ..plain() },
            Login { code: Some("123456".into()), ..plain() },
            Login { tenant: Some("univ".into()), ..plain() },
            Login { center: true, ..plain() },
        ] {
            assert!(!said.is_by_browser(true), "{said:?}");
        }
    }
}
