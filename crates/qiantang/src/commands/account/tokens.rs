//! Tokens, by which programs sign in.

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::output::{Clock, list, pick, table, text};

/// List your tokens, make one for a program, or end one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Tokens {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List your tokens.
    List,
    /// Make a token; it is printed this once.
    New {
        /// The name to give the token, such as that of the program.
        name: String,
    },
    /// End a token: whoever has it is signed out.
    Revoke {
        /// The token's id.
        token: String,
    },
}

const PATH: &str = "/api/v1/tokens";

impl Run for Tokens {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None | Some(Act::List) => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |lang| match all {
                    [] => pick(lang, "没有令牌。", "There are no tokens.").into(),
                    all => shown(&context.clock(), all),
                })
            }
            Some(Act::New { name }) => {
                let answer = context.client.post(PATH, &json!({ "name": name }))?;
                context.print(&answer, |_| text(&answer, "token").to_owned())
            }
            Some(Act::Revoke { token }) => {
                context.client.delete(&format!("{PATH}/{}", part(&token)))?;
                context.print(&json!({ "id": token }), |lang| match lang {
                    Lang::Zh => format!("令牌 {token} 已失效"),
                    Lang::En => format!("The token {token} has ended"),
                })
            }
        }
    }
}

fn shown(clock: &Clock, tokens: &[Value]) -> String {
    let row = |token: &Value| {
        vec![
            text(token, "id").to_owned(),
            text(token, "name").to_owned(),
            clock.instant(token, "created_at"),
            clock.instant(token, "last_used_at"),
            clock.instant(token, "expires_at"),
        ]
    };
    let made = clock.title("创建", "made");
    let titles = match clock.lang {
        Lang::Zh => ["令牌", "名称", &made, "最近使用", "到期"],
        Lang::En => ["token", "name", &made, "last used", "expires"],
    };
    table(&titles, tokens.iter().map(row).collect(), titles.len())
}
