//! Signing in.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;
use domain::Lang;
use serde_json::json;

use crate::context::{Context, Done, Run};
use crate::{
    errors::Failure,
    output::{pick, text},
    words,
};

/// Sign in, and keep a token for the other commands.
#[derive(Debug, Args)]
pub struct Login {
    /// The login to sign in with; asked for where left out.
    login: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
}

impl Run for Login {
    fn run(self, context: &Context) -> Done {
        let login = match self.login {
            Some(login) => login,
            None => given(ask(pick(context.lang, "用户：", "Login: "), true)?, "login")?,
        };
        let password =
            if self.password_stdin { given(ask("", true)?, "password")? } else { password(context)? };
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let token_name: String = format!("qiantang on {}", machine.trim()).chars().take(64).collect();
        let body = json!({ "login": login, "password": password, "token_name": token_name });
        let answer = context.client.post("/api/v1/login", &body)?;
        let path = context.client.keep(text(&answer, "token"))?;
        let member = &answer["member"];
        let url = &context.client.url;
        let signed_in = json!({ "member": member, "url": url, "expires_at": answer["expires_at"] });
        context.print(&signed_in, |lang| {
            let (role, path) = (words::word(lang, "role", text(member, "role")), path.display());
            match lang {
                Lang::Zh => format!("已登录 {url}（{role}）；令牌保存在 {path}"),
                Lang::En => format!("Signed in to {url} ({role}); the token is in {path}"),
            }
        })
    }
}

/// A password: from the terminal without echo, or the first line of standard input.
pub fn password(context: &Context) -> Result<String, Failure> {
    let line = if std::io::stdin().is_terminal() {
        ask(pick(context.lang, "密码：", "Password: "), false)?
    } else {
        ask("", true)?
    };
    given(line, "password")
}

/// Refuses an empty line, which an input that has ended gives, too.
fn given(line: String, what: &str) -> Result<String, Failure> {
    if line.is_empty() {
        let message = format!("no {what} was given");
        return Err(Failure::usage("no_input", message, "type it, or give it on standard input"));
    }
    Ok(line)
}

/// Asks on the terminal; without echo for a password.
fn ask(prompt: &str, echo: bool) -> Result<String, Failure> {
    let failed =
        |error: std::io::Error| Failure::system("no_input", error.to_string(), "give it on standard input");
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
        eprintln!();
    }
    read.map_err(failed)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
