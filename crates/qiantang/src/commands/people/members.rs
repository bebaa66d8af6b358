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
    /// Make a member of somebody who has a login already (operators).
    Add {
        /// The person's login.
        login: String,
        /// The role; admin, developer and finance are a tenant's, the others the center's own people's.
        #[arg(long, value_parser = Role::ALL.map(Role::code))]
        role: String,
        /// The tenant's short name; the center where left out.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Invite somebody by a link, which is told this once: they sign in, or make a login, and are a member.
    Invite {
        /// The e-mail address of whom it is for.
        email: String,
        /// The role; admin, developer and finance are a tenant's, the others the center's own people's.
        #[arg(long, value_parser = Role::ALL.map(Role::code))]
        role: String,
        /// The tenant's short name (the center's people); your own tenant where left out.
        #[arg(long)]
        tenant: Option<String>,
        /// Have the center send the link to that address.
        #[arg(long)]
        send: bool,
    },
    /// List invitations.
    Invitations,
    /// Take an invitation back: its link opens nothing any more.
    TakeBack {
        /// The invitation's id.
        id: String,
    },
    /// List roles, with what each may do.
    Roles,
    /// Give a member another role or name.
    Set {
        #[command(flatten)]
        who: Who,
        /// The role; admin, developer and finance are a tenant's, the others the center's own people's.
        #[arg(long, value_parser = Role::ALL.map(Role::code), required_unless_present = "name")]
        role: Option<String>,
        /// The member's name.
        #[arg(long)]
        name: Option<String>,
    },
    /// Let a member in again.
    Enable(Who),
    /// Keep a member out.
    Disable(Who),
    /// Give a member a new password, read from standard input; ends all sessions and tokens.
    Password(Who),
}

/// The member that is meant.
#[derive(Debug, Args)]
struct Who {
    /// The member's login.
    login: String,
    /// The tenant's short name, for a person who is a member in several places; `-` for the center.
    #[arg(long)]
    tenant: Option<String>,
}

const PATH: &str = "/api/v1/members";
const INVITATIONS: &str = "/api/v1/invitations";

impl Run for Members {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |_| shown(&context.clock(), all))
            }
            Some(Act::New { login, name, role, tenant }) => {
                let password = super::super::account::login::password(context)?;
                let body = json!({ "login": login, "name": name, "role": role, "tenant": tenant, "password": password });
                let answer = context.client.post(PATH, &body)?;
                context.print(&answer, |_| shown(&context.clock(), std::slice::from_ref(&answer)))
            }
            Some(Act::Add { login, role, tenant }) => {
                let answer =
                    context.client.post(PATH, &json!({ "login": login, "role": role, "tenant": tenant }))?;
                context.print(&answer, |_| shown(&context.clock(), std::slice::from_ref(&answer)))
            }
            Some(Act::Invite { email, role, tenant, send }) => {
                let body = json!({ "email": email, "role": role, "tenant": tenant, "send": send });
                let answer = context.client.post(INVITATIONS, &body)?;
                let link = format!("{}{}", context.client.url, text(&answer, "path"));
                context.print(&json!({ "invitation": answer["invitation"], "link": link }), |_| link.clone())
            }
            Some(Act::Invitations) => {
                let answer = context.client.get(INVITATIONS)?;
                let all = list(&answer)?;
                context.print(&answer, |_| invitations_shown(&context.clock(), all))
            }
            Some(Act::TakeBack { id }) => {
                context.client.delete(&format!("{INVITATIONS}/{}", part(&id)))?;
                context.print(&json!({ "id": id }), |lang| match lang {
                    Lang::Zh => format!("邀请 {id} 已撤回"),
                    Lang::En => format!("The invitation {id} is taken back"),
                })
            }
            Some(Act::Roles) => {
                let answer = context.client.get("/api/v1/roles")?;
                let roles = list(&answer)?;
                context.print(&answer, |lang| roles_shown(lang, roles))
            }
            Some(Act::Set { who, role, name }) => {
                change(context, &who, &with_given(json!({}), [("role", role), ("name", name)]))
            }
            Some(Act::Enable(who)) => change(context, &who, &json!({ "is_enabled": true })),
            Some(Act::Disable(who)) => change(context, &who, &json!({ "is_enabled": false })),
            Some(Act::Password(who)) => {
                let password = super::super::account::login::password(context)?;
                change(context, &who, &json!({ "password": password }))
            }
        }
    }
}

fn change(context: &Context, who: &Who, body: &Value) -> Done {
    let all = context.client.get(PATH)?;
    let login = &who.login;
    let place = |member: &Value| member["tenant_slug"].as_str().unwrap_or("-").to_owned();
    let is_meant = |member: &&Value| {
        text(member, "login") == login && who.tenant.as_ref().is_none_or(|tenant| *tenant == place(member))
    };
    let found: Vec<&Value> = list(&all)?.iter().filter(is_meant).collect();
    let found = match &*found {
        [] => {
            let message = both(
                format!("没有您可以查看的成员 `{login}`"),
                format!("there is no member `{login}` that you may see"),
            );
            let hint = both("`qiantang members` 列出成员", "`qiantang members` lists them");
            return Err(Failure::refused("not_found", message, hint));
        }
        [one] => *one,
        several => {
            let places: Vec<String> = several.iter().map(|member| place(member)).collect();
            let message = both(
                format!("`{login}` 在多处是成员：{}", places.join("、")),
                format!("`{login}` is a member in several places: {}", places.join(", ")),
            );
            let hint = both("请指明是哪一处：--tenant TENANT", "say which: --tenant TENANT");
            return Err(Failure::usage("choose_tenant", message, hint));
        }
    };
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

fn invitations_shown(clock: &Clock, invitations: &[Value]) -> String {
    let lang = clock.lang;
    let row = |one: &Value| {
        let tenant = one["tenant_slug"].as_str().unwrap_or_else(|| pick(lang, "本中心", "the center"));
        vec![
            text(one, "id").to_owned(),
            text(one, "email").to_owned(),
            words::word(lang, "role", text(one, "role")),
            tenant.to_owned(),
            words::word(lang, "invitation-state", text(one, "state")),
            text(one, "taken_by").to_owned(),
            text(one, "invited_by").to_owned(),
            clock.instant(one, "expires_at"),
        ]
    };
    let expires = clock.title("到期", "expires");
    let titles = match lang {
        Lang::Zh => ["邀请", "邮箱", "角色", "租户", "状态", "接受者", "邀请人", &expires],
        Lang::En => ["invitation", "e-mail", "role", "tenant", "state", "taken by", "invited by", &expires],
    };
    table(&titles, invitations.iter().map(row).collect(), titles.len())
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
