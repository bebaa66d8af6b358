//! The center's mail, for its operators.

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, query};
use crate::output::{Clock, list, pick, table, text};

/// List the mails of the center and how they fare, send a test, or send one again that failed (operators).
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Mail {
    /// Only those in this state.
    #[arg(long, value_parser = ["waiting", "sent", "failed"])]
    state: Option<String>,
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Send a test mail.
    Test {
        /// The address that it goes to.
        address: String,
    },
    /// Send a mail again that failed.
    Retry {
        /// The mail's id.
        mail: String,
    },
}

const PATH: &str = "/api/v1/mails";

impl Run for Mail {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => {
                let answer = context.client.get(&format!("{PATH}{}", query(&[("state", self.state)])))?;
                let all = list(&answer)?;
                context.print(&answer, |lang| match all {
                    [] => pick(lang, "没有邮件。", "There are no mails.").into(),
                    all => shown(&context.clock(), all),
                })
            }
            Some(Act::Test { address }) => {
                let answer = context.client.post(&format!("{PATH}/test"), &json!({ "email": address }))?;
                context.print(&answer, |lang| match lang {
                    Lang::Zh => format!("测试邮件将发送到 {address}；`qiantang mail` 显示结果"),
                    Lang::En => {
                        format!("A test is on its way to {address}; `qiantang mail` shows how it fares")
                    }
                })
            }
            Some(Act::Retry { mail }) => {
                let answer = context.client.post(&format!("{PATH}/{}/retry", part(&mail)), &json!({}))?;
                context.print(&answer, |lang| match lang {
                    Lang::Zh => format!("邮件 {mail} 将重新发送"),
                    Lang::En => format!("The mail {mail} is sent again"),
                })
            }
        }
    }
}

fn shown(clock: &Clock, mails: &[Value]) -> String {
    let row = |mail: &Value| {
        vec![
            clock.instant(mail, "created_at"),
            text(mail, "address").to_owned(),
            text(mail, "purpose").to_owned(),
            text(mail, "state").to_owned(),
            mail["attempts"].to_string(),
            text(mail, "answer").to_owned(),
            text(mail, "id").to_owned(),
        ]
    };
    let at = clock.title("时间", "at");
    let titles = match clock.lang {
        Lang::Zh => [&at, "收件人", "用途", "状态", "尝试", "最近的答复", "邮件"],
        Lang::En => [&at, "to", "for", "state", "tries", "last answer", "mail"],
    };
    table(&titles, mails.iter().map(row).collect(), titles.len())
}
