//! Issuers, which sign people in, and the tokens of directories, which keep them.

use center::{oidc::issuers::Issuers, settings::Settings};
use clap::{Args, Subcommand};
use domain::{Both, Lang, both};
use serde_json::{Value, json};

use crate::client::Client;
use crate::context::{Context, Done, Run, part};
use crate::errors::Failure;
use crate::output::{Clock, list, number, pick, table, text};

/// List the organisations' identity providers that sign people in, with what is to be registered there.
#[derive(Debug, Args)]
pub struct ListIssuers {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Ask each of them now, and fail where one does not answer as it should.
    Check,
}

impl Run for ListIssuers {
    fn run(self, context: &Context) -> Done {
        let path = if self.act.is_some() { "/api/v1/issuers?check=true" } else { "/api/v1/issuers" };
        let answer = context.client.get(path)?;
        let all = list(&answer)?;
        context.print(&answer, |lang| match all {
            [] => pick(lang, "设置中没有 [[oidc]]。", "The settings have no [[oidc]].").into(),
            all => all.iter().map(|issuer| told(lang, issuer)).collect::<Vec<_>>().join("\n\n"),
        })?;
        let is_bad = |issuer: &&Value| {
            issuer["error"].is_string() || !issuer["unknown_tenants"].as_array().is_none_or(Vec::is_empty)
        };
        match all.iter().find(is_bad) {
            Some(bad) if self.act.is_some() => {
                let name = text(bad, "name");
                let told = both(format!("{name} 有问题"), format!("{name} is not as it should be"));
                Err(Failure::unexpected(told))
            }
            _ => Ok(()),
        }
    }
}

/// What a doctor finds of issuers: the files of the settings, and the issuers themselves as the center asks them.
pub fn check(client: &Client, settings: Option<&Settings>, add: &mut impl FnMut(Both, bool, Both, Both)) {
    let name = || both("单位账号登录", "issuers");
    let hint = both("请用 `qiantang issuers check` 查看", "see `qiantang issuers check`");
    if let Some(Err(error)) = settings.map(Issuers::of) {
        let hint = both("请改正设置中 [[oidc]] 的文件", "mend the files of [[oidc]] in the settings");
        return add(name(), false, both(format!("无法读取（{error}）"), error), hint);
    }
    // Whoever is not of the center is not told.
    let Ok(answer) = client.get("/api/v1/issuers?check=true") else { return };
    for issuer in list(&answer).unwrap_or_default() {
        let (slug, keys) = (text(issuer, "name"), number(issuer, "keys"));
        let unknown = issuer["unknown_tenants"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let unknown = unknown.collect::<Vec<_>>().join(", ");
        let detail = match (issuer["error"].as_str(), &*unknown) {
            (Some(error), _) => {
                both(format!("{slug} 没有正常应答（{error}）"), format!("{slug} does not answer: {error}"))
            }
            (None, "") => {
                both(format!("{slug} 正常，{keys} 个密钥"), format!("{slug} answers, with {keys} keys"))
            }
            (None, unknown) => both(
                format!("{slug} 的设置中有不存在的租户：{unknown}"),
                format!("the settings of {slug} name tenants that are not there: {unknown}"),
            ),
        };
        add(name(), issuer["error"].is_null() && unknown.is_empty(), detail, hint.clone());
    }
}

fn told(lang: Lang, issuer: &Value) -> String {
    let state = match issuer["error"].as_str() {
        Some(error) => error.to_owned(),
        None if issuer["keys"].is_null() => pick(lang, "尚未连接", "not asked yet").to_owned(),
        None => match lang {
            Lang::Zh => format!("正常，{} 个密钥", number(issuer, "keys")),
            Lang::En => format!("it answers, with {} keys", number(issuer, "keys")),
        },
    };
    let mut lines = vec![format!("{}  {}", text(issuer, "name"), text(issuer, "issuer"))];
    let mut line = |zh: &'static str, en: &'static str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("  {}{}{value}", pick(lang, zh, en), pick(lang, "：", ": ")));
        }
    };
    line("状态", "state", &state);
    line("租户", "tenant", text(issuer, "tenant"));
    line("缺少的声明", "claims that are absent", text(issuer, "absent_claims"));
    let unknown = issuer["unknown_tenants"].as_array().into_iter().flatten().filter_map(Value::as_str);
    line("设置中没有的租户", "tenants that are not there", &unknown.collect::<Vec<_>>().join(", "));
    line("登记：登录回调地址", "register: redirect URI", text(issuer, "redirect_uri"));
    line(
        "登记：退出后的地址",
        "register: post-logout redirect URI",
        text(issuer, "post_logout_redirect_uri"),
    );
    line("登记：后台退出地址", "register: back-channel logout URI", text(issuer, "backchannel_logout_uri"));
    lines.join("\n")
}

/// List the tokens with which directories keep people by SCIM, make one, or revoke one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ScimTokens {
    #[command(subcommand)]
    act: Option<TokenAct>,
}

#[derive(Debug, Subcommand)]
enum TokenAct {
    /// Make a token; it is printed this once.
    New {
        /// The name to give the token, such as that of the identity provider.
        name: String,
        /// The role of those to whom no group gives one.
        #[arg(long)]
        role: Option<String>,
        /// The tenant's short name, for the center's people.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Revoke a token; those whom it kept stay as they are.
    Revoke {
        /// The token's id.
        token: String,
    },
}

const PATH: &str = "/api/v1/scim-tokens";

impl Run for ScimTokens {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |lang| match all {
                    [] => pick(lang, "没有目录同步令牌。", "There are no directories' tokens.").into(),
                    all => shown(&context.clock(), all),
                })
            }
            Some(TokenAct::New { name, role, tenant }) => {
                let body = json!({ "name": name, "role": role, "tenant": tenant });
                let answer = context.client.post(PATH, &body)?;
                context.print(&answer, |_| text(&answer, "token").to_owned())
            }
            Some(TokenAct::Revoke { token }) => {
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
    let lang = clock.lang;
    let row = |token: &Value| {
        let tenant = token["tenant_slug"].as_str().unwrap_or_else(|| pick(lang, "本中心", "the center"));
        vec![
            text(token, "id").to_owned(),
            text(token, "name").to_owned(),
            tenant.to_owned(),
            text(token, "role").to_owned(),
            clock.instant(token, "last_used_at"),
            clock.instant(token, "expires_at"),
        ]
    };
    let used = clock.title("最近使用", "last used");
    let titles = match lang {
        Lang::Zh => ["令牌", "名称", "租户", "角色", &used, "到期"],
        Lang::En => ["token", "name", "tenant", "role", &used, "expires"],
    };
    table(&titles, tokens.iter().map(row).collect(), titles.len())
}
