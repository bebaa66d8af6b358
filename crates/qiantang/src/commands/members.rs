//! Members: who signs in, and in which role.

use clap::{Args, Subcommand};
use domain::{Lang, Role, both};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, with_given};
use crate::{
    errors::Failure,
    output::{Clock, list, pick, table, text},
    words,
};

/// List members, add one, or change one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Members {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Add a member; reads the first password from standard input (operators, and administrators of a tenant).
    #[command(alias = "create")]
    New {
        /// The login to give the member.
        login: String,
        /// The member's name.
        #[arg(long)]
        name: String,
        /// The role; admin, developer and finance are a tenant's, the others the center's own people's.
        #[arg(long, value_parser = Role::ALL.map(Role::code))]
        role: String,
        /// The tenant's short name (the center's people); your own tenant where left out.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// List roles, with what each may do.
    Roles,
    /// Give a member another role or name.
    Set {
        /// The member's login.
        login: String,
        /// The role; admin, developer and finance are a tenant's, the others the center's own people's.
        #[arg(long, value_parser = Role::ALL.map(Role::code), required_unless_present = "name")]
        role: Option<String>,
        /// The member's name.
        #[arg(long)]
        name: Option<String>,
    },
    /// Let a member in again.
    Enable {
        /// The member's login.
        login: String,
    },
    /// Keep a member out.
    Disable {
        /// The member's login.
        login: String,
    },
    /// Give a member a new password, read from standard input; ends all sessions and tokens.
    Password {
        /// The member's login.
        login: String,
    },
}

const PATH: &str = "/api/v1/members";

impl Run for Members {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |_| shown(&context.clock(), all))
            }
            Some(Act::New { login, name, role, tenant }) => {
                let password = super::account::login::password(context)?;
                let body = json!({ "login": login, "name": name, "role": role, "tenant": tenant, "password": password });
                let answer = context.client.post(PATH, &body)?;
                context.print(&answer, |_| shown(&context.clock(), std::slice::from_ref(&answer)))
            }
            Some(Act::Roles) => {
                let answer = context.client.get("/api/v1/roles")?;
                let roles = list(&answer)?;
                context.print(&answer, |lang| roles_shown(lang, roles))
            }
            Some(Act::Set { login, role, name }) => {
                change(context, &login, &with_given(json!({}), [("role", role), ("name", name)]))
            }
            Some(Act::Enable { login }) => change(context, &login, &json!({ "is_enabled": true })),
            Some(Act::Disable { login }) => change(context, &login, &json!({ "is_enabled": false })),
            Some(Act::Password { login }) => {
                let password = super::account::login::password(context)?;
                change(context, &login, &json!({ "password": password }))
            }
        }
    }
}

fn change(context: &Context, login: &str, body: &Value) -> Done {
    let all = context.client.get(PATH)?;
    let all = list(&all)?;
    let found = all.iter().find(|member| text(member, "login") == login).ok_or_else(|| {
        let message = both(
            format!("没有您可以查看的成员 `{login}`"),
            format!("there is no member `{login}` that you may see"),
        );
        let hint = both("`qiantang members` 列出成员", "`qiantang members` lists them");
        Failure::refused("not_found", message, hint)
    })?;
    let answer = context.client.patch(&format!("{PATH}/{}", part(text(found, "id"))), body)?;
    context.print(&answer, |_| shown(&context.clock(), std::slice::from_ref(&answer)))
}

fn shown(clock: &Clock, members: &[Value]) -> String {
    let lang = clock.lang;
    let row = |member: &Value| {
        let state = if member["is_enabled"] == false { pick(lang, "已停用", "disabled") } else { "" };
        vec![
            text(member, "login").to_owned(),
            text(member, "name").to_owned(),
            words::word(lang, "role", text(member, "role")),
            text(member, "tenant_slug").to_owned(),
            clock.instant(member, "created_at"),
            state.to_owned(),
        ]
    };
    let since = clock.title("加入", "since");
    let titles = match lang {
        Lang::Zh => ["用户", "姓名", "角色", "租户", &since, "状态"],
        Lang::En => ["login", "name", "role", "tenant", &since, "state"],
    };
    table(&titles, members.iter().map(row).collect(), titles.len())
}

fn roles_shown(lang: Lang, roles: &[Value]) -> String {
    let right = |right: &Value| {
        let key = format!("right-{}", right.as_str().unwrap_or_default());
        base::page::texts::text(lang, &key, &[])
    };
    let row = |role: &Value| {
        let rights: Vec<String> = crate::output::items(role, "rights").iter().map(right).collect();
        vec![words::word(lang, "role", text(role, "role")), rights.join(pick(lang, "；", "; "))]
    };
    let titles = match lang {
        Lang::Zh => ["角色", "权限"],
        Lang::En => ["role", "may"],
    };
    table(&titles, roles.iter().map(row).collect(), titles.len())
}
