//! Secrets: values that runs get and nobody reads.

use std::io::{IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use domain::{Lang, both, spec::MAX_SECRET_CHARS};
use serde_json::{Value, json};

use super::account::login::password_of;
use crate::context::{Context, Done, Run, part, query};
use crate::errors::{Failure, said};
use crate::output::{Clock, list, pick, table, text};

/// List the secrets that your jobs may name, keep one, or remove one. No command shows a value.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Secrets {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the names, and for whose jobs each is.
    List,
    /// Keep a secret, in place of one of the same name. Its value is asked for, or read from standard input.
    Set {
        /// The name of the variable that jobs get: letters, digits and `_`.
        name: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove a secret. Jobs that name it and have not started fail.
    Remove {
        /// The name of the secret.
        name: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Seal all secrets of the center under a new key, which takes the old one's place in its file.
    RotateKey,
}

/// Whose jobs get the secret: your own where no option is given.
#[derive(Debug, Args)]
struct Whose {
    /// For all jobs of your tenant.
    #[arg(long, conflicts_with = "project")]
    tenant: bool,
    /// For the jobs of this project.
    #[arg(long, value_name = "SLUG")]
    project: Option<String>,
}

impl Whose {
    fn scope(&self) -> &'static str {
        match (self.tenant, &self.project) {
            (true, _) => "tenant",
            (false, Some(_)) => "project",
            (false, None) => "person",
        }
    }
}

const PATH: &str = "/api/v1/secrets";

impl Run for Secrets {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None | Some(Act::List) => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |lang| match all {
                    [] => pick(lang, "没有密文变量。", "There are no secrets.").into(),
                    all => shown(&context.clock(), all),
                })
            }
            Some(Act::Set { name, whose }) => {
                let value = value(context)?;
                let body =
                    json!({ "name": name, "scope": whose.scope(), "project": whose.project, "value": value });
                context.client.put(PATH, &body)?;
                context.print(&json!({ "name": name, "scope": whose.scope() }), |lang| match lang {
                    Lang::Zh => format!("密文变量 {name} 已保存；作业用 --secrets={name} 取用"),
                    Lang::En => format!("The secret {name} is kept; a job gets it by --secrets={name}"),
                })
            }
            Some(Act::Remove { name, whose }) => {
                let pairs = [("scope", Some(whose.scope().to_owned())), ("project", whose.project.clone())];
                context.client.delete(&format!("{PATH}/{}{}", part(&name), query(&pairs)))?;
                context.print(&json!({ "name": name, "scope": whose.scope() }), |lang| match lang {
                    Lang::Zh => format!("密文变量 {name} 已删除"),
                    Lang::En => format!("The secret {name} is removed"),
                })
            }
            Some(Act::RotateKey) => {
                let answer = context.client.post(&format!("{PATH}/rotate-key"), &json!({}))?;
                let secrets = answer["secrets"].to_string();
                context.print(&answer, |lang| match lang {
                    Lang::Zh => format!("{secrets} 个密文变量已改用新密钥；请另行保存密钥文件"),
                    Lang::En => {
                        format!("{secrets} secrets are sealed under a new key; keep a copy of its file apart")
                    }
                })
            }
        }
    }
}

/// The value: from the terminal without echo, or all of standard input without the line's end.
fn value(context: &Context) -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        return password_of(pick(context.lang, "值：", "Value: "));
    }
    let mut value = String::new();
    let most = 4 * MAX_SECRET_CHARS as u64 + 2;
    std::io::stdin().lock().take(most).read_to_string(&mut value).map_err(|error| {
        let said = said(&error);
        let message =
            both(format!("无法读取内容：{}", said.zh), format!("the value can't be read: {}", said.en));
        Failure::usage("no_input", message, both("请给出 UTF-8 文字", "give text in UTF-8"))
    })?;
    Ok(value
        .strip_suffix('\n')
        .map_or(value.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest))
        .to_owned())
}

fn shown(clock: &Clock, secrets: &[Value]) -> String {
    let row = |secret: &Value| {
        let whose = match (text(secret, "scope"), text(secret, "project")) {
            ("project", project) => project.to_owned(),
            ("tenant", _) => pick(clock.lang, "全租户", "the tenant").to_owned(),
            _ => pick(clock.lang, "本人", "yourself").to_owned(),
        };
        let by = text(secret, "changed_by_login").to_owned();
        vec![text(secret, "name").to_owned(), whose, by, clock.instant(secret, "changed_at")]
    };
    let set = clock.title("设置时间", "set");
    let titles = match clock.lang {
        Lang::Zh => ["名称", "适用", "设置人", &set],
        Lang::En => ["name", "for", "set by", &set],
    };
    table(&titles, secrets.iter().map(row).collect(), titles.len())
}
