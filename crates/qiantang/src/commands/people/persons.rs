//! Persons: everybody who can sign in, for the center's people.

use clap::{Args, Subcommand};
use domain::{Lang, both};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, with_given};
use crate::{
    errors::Failure,
    output::{Clock, items, list, pick, table, text},
    words,
};

/// List everybody who can sign in, or change one (the center's people).
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Persons {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Let a person in again, wherever they are a member.
    Enable {
        /// The person's login.
        login: String,
    },
    /// Keep a person out, wherever they are a member; ends all their sessions and tokens.
    Disable {
        /// The person's login.
        login: String,
    },
    /// Give a person another name or e-mail address.
    Set {
        /// The person's login.
        login: String,
        /// The person's name.
        #[arg(long, required_unless_present = "email")]
        name: Option<String>,
        /// The person's e-mail address; empty for none.
        #[arg(long)]
        email: Option<String>,
    },
}

const PATH: &str = "/api/v1/persons";

impl Run for Persons {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |_| shown(&context.clock(), all))
            }
            Some(Act::Enable { login }) => change(context, &login, &json!({ "is_enabled": true })),
            Some(Act::Disable { login }) => change(context, &login, &json!({ "is_enabled": false })),
            Some(Act::Set { login, name, email }) => {
                change(context, &login, &with_given(json!({}), [("name", name), ("email", email)]))
            }
        }
    }
}

fn change(context: &Context, login: &str, body: &Value) -> Done {
    let all = context.client.get(PATH)?;
    let found = list(&all)?.iter().find(|person| text(person, "login") == login).ok_or_else(|| {
        let message = both(format!("没有人员 `{login}`"), format!("there is no person `{login}`"));
        let hint = both("`qiantang persons` 列出人员", "`qiantang persons` lists them");
        Failure::refused("not_found", message, hint)
    })?;
    let answer = context.client.patch(&format!("{PATH}/{}", part(text(found, "id"))), body)?;
    context.print(&answer, |_| shown(&context.clock(), std::slice::from_ref(&answer)))
}

fn shown(clock: &Clock, persons: &[Value]) -> String {
    let lang = clock.lang;
    let place = |place: &Value| {
        let tenant = place["tenant_slug"].as_str().unwrap_or_else(|| pick(lang, "本中心", "the center"));
        format!("{tenant} · {}", words::word(lang, "role", text(place, "role")))
    };
    let row = |person: &Value| {
        let places = items(person, "memberships").iter().filter(|one| one["is_enabled"] == true).map(place);
        let state = if person["is_enabled"] == false { pick(lang, "已停用", "kept out") } else { "" };
        vec![
            text(person, "login").to_owned(),
            text(person, "name").to_owned(),
            text(person, "email").to_owned(),
            places.collect::<Vec<_>>().join(pick(lang, "；", "; ")),
            clock.instant(person, "created_at"),
            state.to_owned(),
        ]
    };
    let since = clock.title("加入", "since");
    let titles = match lang {
        Lang::Zh => ["用户", "姓名", "邮箱", "成员身份", &since, "状态"],
        Lang::En => ["login", "name", "e-mail", "memberships", &since, "state"],
    };
    table(&titles, persons.iter().map(row).collect(), titles.len())
}
