//! Notices: what happened that concerns you, and what you want to hear of.

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, query};
use crate::output::{Clock, list, pick, table, text};

/// List what happened that concerns you, mark it as read, or say what you want to hear of.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Notices {
    /// List only what you have not read.
    #[arg(long)]
    unread: bool,
    /// List at most so many.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Mark a notice as read, or all of them.
    Read {
        /// The notice's id; all where left out.
        notice: Option<String>,
    },
    /// Show what you want to hear of, and how.
    Wishes,
    /// Say whether you want to hear of a topic by a channel.
    Want {
        /// The topic, as `wishes` lists it.
        topic: String,
        /// The channel.
        #[arg(value_parser = ["inbox", "mail"])]
        channel: String,
        /// Whether you want it.
        #[arg(value_parser = ["on", "off"])]
        wanted: String,
    },
    /// Say when mail comes, and in which language.
    Manners {
        /// The language of mails; both where left out.
        #[arg(long, value_parser = Lang::ALL.map(Lang::code))]
        language: Option<String>,
        /// The hour at which mail comes, all in one; at once where left out.
        #[arg(long, value_name = "HOUR", value_parser = clap::value_parser!(u8).range(0..24))]
        daily_at: Option<u8>,
        /// From this hour on no mail comes.
        #[arg(long, value_name = "HOUR", requires = "quiet_until", value_parser = clap::value_parser!(u8).range(0..24))]
        quiet_from: Option<u8>,
        /// From this hour on mail comes again.
        #[arg(long, value_name = "HOUR", requires = "quiet_from", value_parser = clap::value_parser!(u8).range(0..24))]
        quiet_until: Option<u8>,
    },
}

const PATH: &str = "/api/v1/notices";

impl Run for Notices {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => {
                let pairs = [
                    ("unread", self.unread.then(|| "true".to_owned())),
                    ("limit", Some(self.limit.to_string())),
                ];
                let answer = context.client.get(&format!("{PATH}{}", query(&pairs)))?;
                let all = list(&answer["items"])?;
                context.print(&answer, |lang| match all {
                    [] => pick(lang, "没有通知。", "There are no notices.").into(),
                    all => shown(&context.clock(), all),
                })
            }
            Some(Act::Read { notice }) => {
                let answer = match notice {
                    Some(id) => context.client.post(&format!("{PATH}/{}/read", part(&id)), &json!({}))?,
                    None => context.client.post(&format!("{PATH}/read"), &json!({}))?,
                };
                let count = answer["notices"].to_string();
                context.print(&answer, |lang| match lang {
                    Lang::Zh => format!("{count} 条通知已标为已读"),
                    Lang::En => format!("Marked as read: {count}"),
                })
            }
            Some(Act::Wishes) => {
                let answer = context.client.get(&format!("{PATH}/wishes"))?;
                context.print(&answer, |lang| wishes(lang, &answer))
            }
            Some(Act::Want { topic, channel, wanted }) => {
                let wish = json!({ "topic": topic, "channel": channel, "is_wanted": wanted == "on" });
                set(context, &json!({ "topics": [wish] }))
            }
            Some(Act::Manners { language, daily_at, quiet_from, quiet_until }) => {
                let manners = json!({ "lang": language, "daily_at": daily_at, "quiet_from": quiet_from,
                    "quiet_until": quiet_until });
                set(context, &json!({ "manners": manners }))
            }
        }
    }
}

fn set(context: &Context, change: &Value) -> Done {
    let answer = context.client.patch(&format!("{PATH}/wishes"), change)?;
    context.print(&answer, |lang| wishes(lang, &answer))
}

fn shown(clock: &Clock, notices: &[Value]) -> String {
    let lang = clock.lang;
    let row = |notice: &Value| {
        let mark = match (notice["is_read"] == true, lang) {
            (true, _) => "",
            (false, Lang::Zh) => "未读",
            (false, Lang::En) => "unread",
        };
        let words = text(&notice["text"], lang.code()).to_owned();
        vec![clock.instant(notice, "at"), mark.to_owned(), words, text(notice, "id").to_owned()]
    };
    let at = clock.title("时间", "at");
    let titles = match lang {
        Lang::Zh => [&at, "", "内容", "通知"],
        Lang::En => [&at, "", "what", "notice"],
    };
    table(&titles, notices.iter().map(row).collect(), titles.len())
}

fn wishes(lang: Lang, answer: &Value) -> String {
    let yes = |is: bool| if is { pick(lang, "接收", "on") } else { pick(lang, "不接收", "off") };
    let row = |topic: &Value| {
        vec![
            text(topic, "topic").to_owned(),
            text(&topic["name"], lang.code()).to_owned(),
            yes(topic["inbox"] == true).to_owned(),
            yes(topic["mail"] == true).to_owned(),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["事项", "名称", "收件箱", "邮件"],
        Lang::En => ["topic", "name", "inbox", "mail"],
    };
    let rows = answer["topics"].as_array().into_iter().flatten().map(row).collect();
    table(&titles, rows, titles.len())
}
