//! Signing in.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;
use serde_json::json;

use crate::context::{Context, Done, Run, say};
use crate::{
    errors::Failure,
    output::{pick, text},
};

/// Sign in; keeps a token for the commands below.
#[derive(Debug, Args)]
pub struct Login {
    /// Asked for where left out.
    login: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
}

impl Run for Login {
    fn run(self, context: &Context) -> Done {
        let login = match self.login {
            Some(login) => login,
            None => ask(pick(context.lang, "用户：", "Login: "), true)?,
        };
        let password = if self.password_stdin { ask("", true)? } else { password(context)? };
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let token_name: String = format!("qiantang on {}", machine.trim()).chars().take(64).collect();
        let body = json!({ "login": login, "password": password, "token_name": token_name });
        let answer = context.client.post("/api/v1/login", &body)?;
        let path = context.client.keep(text(&answer, "token"))?;
        let member = &answer["member"];
        if context.json {
            say(&json!({ "member": member, "url": context.client.url, "expires_at": answer["expires_at"] })
                .to_string());
        } else {
            let role = text(member, "role");
            let line = match context.lang {
                domain::Lang::Zh => {
                    format!("已登录 {}（{role}）；令牌保存在 {}", context.client.url, path.display())
                }
                domain::Lang::En => {
                    format!(
                        "Signed in to {} ({role}); the token is in {}",
                        context.client.url,
                        path.display()
                    )
                }
            };
            say(&line);
        }
        Ok(())
    }
}

/// A password: from the terminal without echo, or the first line of standard input.
pub fn password(context: &Context) -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        ask(pick(context.lang, "密码：", "Password: "), false)
    } else {
        ask("", true)
    }
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
