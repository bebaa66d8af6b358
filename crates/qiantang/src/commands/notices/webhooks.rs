//! Webhooks and bots: endpoints elsewhere that events are posted to.

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, query};
use crate::output::{Clock, list, pick, table, text};

/// List the endpoints that events are posted to, make one, change one, or look at what was posted.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Webhooks {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make an endpoint. The secret of a webhook is told this once.
    New {
        /// A name for it.
        name: String,
        /// The address that events are posted to.
        url: String,
        /// What stands there.
        #[arg(long, default_value = "webhook", value_parser = ["webhook", "dingtalk", "feishu", "wecom"])]
        kind: String,
        /// The kinds of events, with commas between: `job_ended,contract_changed`.
        #[arg(long, value_delimiter = ',', required = true)]
        events: Vec<String>,
        /// The variable of the environment that has the secret of a bot.
        #[arg(long, value_name = "VARIABLE")]
        secret_from: Option<String>,
        /// The language of a bot's messages.
        #[arg(long, value_parser = Lang::ALL.map(Lang::code))]
        language: Option<String>,
        /// The tenant's short name (the center's people); your own tenant, or the center, where left out.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Change an endpoint's name or events, or disable or enable it.
    Change {
        /// The endpoint's id.
        webhook: String,
        /// Another name.
        #[arg(long)]
        name: Option<String>,
        /// The kinds of events, in place of those of before.
        #[arg(long, value_delimiter = ',')]
        events: Option<Vec<String>>,
        /// Post nothing for the time being.
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Post again, what waits first.
        #[arg(long)]
        enable: bool,
    },
    /// Give a webhook another secret; the one before signs as well for a day.
    Rotate {
        /// The endpoint's id.
        webhook: String,
    },
    /// Post an event that means nothing, to see whether it gets there.
    Test {
        /// The endpoint's id.
        webhook: String,
    },
    /// List what was posted to an endpoint, and what it answered.
    Deliveries {
        /// The endpoint's id.
        webhook: String,
        /// Only those in this state.
        #[arg(long, value_parser = ["waiting", "delivered", "failed"])]
        state: Option<String>,
    },
    /// Post an event again.
    Replay {
        /// The endpoint's id.
        webhook: String,
        /// The delivery's id.
        delivery: String,
    },
    /// Remove an endpoint, with what waits for it.
    Remove {
        /// The endpoint's id.
        webhook: String,
    },
}

const PATH: &str = "/api/v1/webhooks";

fn path(webhook: &str) -> String {
    format!("{PATH}/{}", part(webhook))
}

impl Run for Webhooks {
    fn run(self, context: &Context) -> Done {
        let Some(act) = self.act else {
            let answer = context.client.get(PATH)?;
            let all = list(&answer)?;
            return context.print(&answer, |lang| match all {
                [] => pick(lang, "没有接收端。", "There are no endpoints.").into(),
                all => shown(lang, all),
            });
        };
        match act {
            Act::New { name, url, kind, events, secret_from, language, tenant } => {
                let secret = secret_from.and_then(|name| std::env::var(name).ok()).unwrap_or_default();
                let body = json!({ "name": name, "url": url, "kind": kind, "events": events, "secret": secret,
                    "lang": language.unwrap_or_default(), "tenant": tenant });
                let answer = context.client.post(PATH, &body)?;
                context.print(&answer, |lang| made(lang, &answer))
            }
            Act::Change { webhook, name, events, disable, enable } => {
                let is_enabled = (disable || enable).then_some(enable);
                let body = json!({ "name": name, "events": events, "is_enabled": is_enabled });
                let answer = context.client.patch(&path(&webhook), &body)?;
                context.print(&answer, |lang| shown(lang, std::slice::from_ref(&answer)))
            }
            Act::Rotate { webhook } => {
                let answer = context.client.post(&format!("{}/rotate", path(&webhook)), &json!({}))?;
                context.print(&answer, |lang| made(lang, &answer))
            }
            Act::Test { webhook } => {
                let answer = context.client.post(&format!("{}/test", path(&webhook)), &json!({}))?;
                context.print(&answer, |lang| match lang {
                    Lang::Zh => {
                        format!("测试事件正在发送；`qiantang webhooks deliveries {webhook}` 显示结果")
                    }
                    Lang::En => format!(
                        "A test is on its way; `qiantang webhooks deliveries {webhook}` shows how it fares"
                    ),
                })
            }
            Act::Deliveries { webhook, state } => {
                let address = format!("{}/deliveries{}", path(&webhook), query(&[("state", state)]));
                let answer = context.client.get(&address)?;
                let all = list(&answer)?;
                context.print(&answer, |lang| match all {
                    [] => pick(lang, "还没有发送过。", "Nothing was posted yet.").into(),
                    all => deliveries(&context.clock(), all),
                })
            }
            Act::Replay { webhook, delivery } => {
                let address = format!("{}/replay", path(&webhook));
                let answer = context.client.post(&address, &json!({ "delivery": delivery }))?;
                context.print(&answer, |lang| match lang {
                    Lang::Zh => format!("{delivery} 将重新发送"),
                    Lang::En => format!("{delivery} is posted again"),
                })
            }
            Act::Remove { webhook } => {
                context.client.delete(&path(&webhook))?;
                context.print(&json!({ "id": webhook }), |lang| match lang {
                    Lang::Zh => format!("接收端 {webhook} 已删除"),
                    Lang::En => format!("The endpoint {webhook} is removed"),
                })
            }
        }
    }
}

fn made(lang: Lang, answer: &Value) -> String {
    let (id, secret) = (text(&answer["webhook"], "id"), text(answer, "secret"));
    match (secret, lang) {
        ("", Lang::Zh) => format!("接收端 {id} 已新建"),
        ("", Lang::En) => format!("The endpoint {id} is made"),
        (secret, Lang::Zh) => format!("接收端 {id}\n密钥 {secret}\n请现在保存密钥：它不会再次显示"),
        (secret, Lang::En) => {
            format!("The endpoint {id}\nThe secret {secret}\nKeep the secret now: it is not shown again")
        }
    }
}

fn shown(lang: Lang, webhooks: &[Value]) -> String {
    let row = |one: &Value| {
        let state = match (one["is_enabled"] == true, text(one, "why")) {
            (true, _) => pick(lang, "启用", "enabled").to_owned(),
            (false, "") => pick(lang, "停用", "disabled").to_owned(),
            (false, why) => format!("{} ({why})", pick(lang, "停用", "disabled")),
        };
        let owner = one["tenant_slug"].as_str().unwrap_or_else(|| pick(lang, "本中心", "the center"));
        vec![
            text(one, "id").to_owned(),
            text(one, "name").to_owned(),
            text(one, "kind").to_owned(),
            text(one, "address").to_owned(),
            owner.to_owned(),
            state,
            one["waiting"].to_string(),
            one["failed"].to_string(),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["接收端", "名称", "类型", "地址", "所属", "状态", "等待", "失败"],
        Lang::En => ["endpoint", "name", "kind", "address", "of", "state", "waiting", "failed"],
    };
    table(&titles, webhooks.iter().map(row).collect(), titles.len())
}

fn deliveries(clock: &Clock, all: &[Value]) -> String {
    let row = |one: &Value| {
        let status = one["status"].as_u64().map(|status| status.to_string()).unwrap_or_default();
        vec![
            clock.instant(one, "at"),
            text(one, "kind").to_owned(),
            text(one, "state").to_owned(),
            one["attempts"].to_string(),
            status,
            text(one, "answer").to_owned(),
            text(one, "id").to_owned(),
        ]
    };
    let at = clock.title("时间", "at");
    let titles = match clock.lang {
        Lang::Zh => [&at, "事件", "状态", "尝试", "状态码", "答复", "发送"],
        Lang::En => [&at, "event", "state", "tries", "status", "answer", "delivery"],
    };
    table(&titles, all.iter().map(row).collect(), titles.len())
}
