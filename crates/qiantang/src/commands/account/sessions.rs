//! Sessions: the browsers that one is signed in with.

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::{
    output::{Clock, list, pick, table, text},
    words,
};

/// List the browsers that you are signed in with, or sign one out.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Sessions {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Sign a browser out.
    End {
        /// The session's id.
        session: String,
    },
}

const PATH: &str = "/api/v1/sessions";

impl Run for Sessions {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |_| shown(&context.clock(), all))
            }
            Some(Act::End { session }) => {
                context.client.delete(&format!("{PATH}/{}", part(&session)))?;
                context.print(&json!({ "id": session }), |lang| match lang {
                    Lang::Zh => format!("登录 {session} 已退出"),
                    Lang::En => format!("The session {session} has ended"),
                })
            }
        }
    }
}

fn shown(clock: &Clock, sessions: &[Value]) -> String {
    let lang = clock.lang;
    let row = |session: &Value| {
        let tenant = session["tenant_slug"].as_str().unwrap_or_else(|| pick(lang, "本中心", "the center"));
        vec![
            text(session, "id").to_owned(),
            text(session, "program").to_owned(),
            words::word(lang, "way", text(session, "way")),
            text(session, "from").to_owned(),
            tenant.to_owned(),
            clock.instant(session, "created_at"),
            clock.instant(session, "expires_at"),
        ]
    };
    let since = clock.title("登录时间", "signed in");
    let titles = match lang {
        Lang::Zh => ["登录", "程序", "方式", "来自", "成员身份", &since, "到期"],
        Lang::En => ["session", "program", "by", "from", "member of", &since, "expires"],
    };
    table(&titles, sessions.iter().map(row).collect(), titles.len())
}
