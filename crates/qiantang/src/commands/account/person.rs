//! The person who is signed in: who that is, and their password.

use std::{io::IsTerminal as _, path::PathBuf};

use center::{
    break_glass::{self, BreakGlassError},
    settings::Settings,
};
use clap::Args;
use domain::{Both, Lang, both, problem::Wrong};
use serde_json::json;
use store::StoreError;

use super::login::{self, password_of};
use crate::context::{Context, Done, Run, part};
use crate::{
    errors::Failure,
    output::{items, pick, table, text},
    words,
};

/// Show who is signed in, at which center.
#[derive(Debug, Args)]
pub struct Whoami {}

impl Run for Whoami {
    fn run(self, context: &Context) -> Done {
        let client = &context.client;
        let member = client.get("/api/v1/me")?;
        let source = if client.is_token_given() { None } else { client.profile.clone() };
        let answer = json!({ "member": member, "url": client.url, "profile": source });
        context.print(&answer, |lang| {
            let label = |zh, en| pick(lang, zh, en).to_owned();
            let tenant = member["tenant_slug"].as_str();
            let place = |place: &serde_json::Value| {
                let tenant = place["tenant_slug"].as_str();
                let tenant = tenant.map_or_else(|| label("本中心", "the center"), str::to_owned);
                format!("{tenant} · {}", words::word(lang, "role", text(place, "role")))
            };
            let enabled = |place: &&serde_json::Value| place["is_enabled"] == true;
            let places = items(&member, "memberships").iter().filter(enabled).map(place);
            let places = places.collect::<Vec<_>>().join(pick(lang, "；", "; "));
            let rows = vec![
                vec![label("用户", "login"), text(&member, "login").to_owned()],
                vec![label("姓名", "name"), text(&member, "name").to_owned()],
                vec![label("角色", "role"), words::word(lang, "role", text(&member, "role"))],
                vec![
                    label("租户", "tenant"),
                    tenant.map_or_else(|| label("本中心", "the center"), str::to_owned),
                ],
                vec![label("成员身份", "memberships"), places],
                vec![label("邮箱", "e-mail"), text(&member, "email").to_owned()],
                vec![label("中心", "center"), client.url.clone()],
                vec![label("令牌", "token"), source.clone().unwrap_or_else(|| "QIANTANG_TOKEN".into())],
            ];
            table(&["", ""], rows, 2)
        })
    }
}

/// Set a new password: your own, or on the center's machine that of anybody who lost it.
#[derive(Debug, Args)]
pub struct Passwd {
    /// The member whose password is set, with --config.
    #[arg(requires = "config")]
    login: Option<String>,
    /// The center's settings file: sets the password in its database, while the center is stopped.
    #[arg(long, requires = "login")]
    config: Option<PathBuf>,
    /// Leave the password, and remove the second factor of a member who lost it, with --config.
    #[arg(long, requires = "config")]
    remove_second_factor: bool,
    /// The code of your second factor, where you have one, to be signed in here anew.
    #[arg(long, conflicts_with = "config")]
    code: Option<String>,
}

impl Run for Passwd {
    fn run(self, context: &Context) -> Done {
        match (self.login, self.config) {
            (Some(login), Some(config)) if self.remove_second_factor => {
                remove_in_database(context, &login, &config)
            }
            (Some(login), Some(config)) => set_in_database(context, &login, &config),
            _ => own(context, self.code),
        }
    }
}

/// Sets one's own password, and signs in anew: a new password ends all sign-ins of the old one.
fn own(context: &Context, code: Option<String>) -> Done {
    let client = &context.client;
    let member = client.get("/api/v1/me")?;
    let login = text(&member, "login");
    let old = password_of(pick(context.lang, "现在的密码：", "Present password: "))?;
    let password = new_password(context)?;
    let change = json!({ "password": password, "old_password": old });
    client.patch(&format!("/api/v1/members/{}", part(text(&member, "id"))), &change)?;
    let is_kept = !client.is_token_given();
    if is_kept {
        login::sign_in_again(context, &member, &password, code)?;
    }
    let answer = json!({ "login": login, "is_signed_in": is_kept });
    context.print(&answer, |lang| match (lang, is_kept) {
        (Lang::Zh, true) => format!("{login} 的密码已更改，其他登录和令牌均已失效；本机已重新登录"),
        (Lang::En, true) => {
            format!("The password of {login} is set; all other sign-ins and tokens have ended. You are signed in here")
        }
        (Lang::Zh, false) => format!("{login} 的密码已更改，所有登录和令牌均已失效，包括 QIANTANG_TOKEN"),
        (Lang::En, false) => {
            format!("The password of {login} is set; all sign-ins and tokens have ended, that of QIANTANG_TOKEN too")
        }
    })
}

/// Sets a password in the database of a center that is stopped.
fn set_in_database(context: &Context, login: &str, config: &std::path::Path) -> Done {
    let settings =
        Settings::load(Some(config), std::env::vars_os()).map_err(|error| Failure::bad_settings(&error))?;
    let password = new_password(context)?;
    break_glass::set_password(&settings, login, &password).map_err(|error| failed(login, &error))?;
    context.print(&json!({ "login": login }), |lang| match lang {
        Lang::Zh => format!("{login} 的密码已更改并记入审计日志，其登录和令牌均已失效"),
        Lang::En => format!(
            "The password of {login} is set, and the audit log has it; their sign-ins and tokens have ended"
        ),
    })
}

/// Removes a second factor in the database of a center that is stopped.
fn remove_in_database(context: &Context, login: &str, config: &std::path::Path) -> Done {
    let settings =
        Settings::load(Some(config), std::env::vars_os()).map_err(|error| Failure::bad_settings(&error))?;
    break_glass::remove_second_factor(&settings, login).map_err(|error| failed(login, &error))?;
    context.print(&json!({ "login": login }), |lang| match lang {
        Lang::Zh => format!("{login} 的两步验证已解除并记入审计日志，其登录和令牌均已失效"),
        Lang::En => format!(
            "The second factor of {login} is removed, and the audit log has it; their sign-ins and tokens have ended"
        ),
    })
}

fn failed(login: &str, error: &BreakGlassError) -> Failure {
    let hint = match error {
        BreakGlassError::Store(StoreError::AlreadyOpen { .. }) => {
            both("请先停止中心；未作更改", "stop the center first; nothing was changed")
        }
        BreakGlassError::NoDatabase { .. } => both(
            "这是中心的设置文件吗？其中的 `data_dir` 指明数据库的位置",
            "is this the center's settings file? Its `data_dir` says where the database is",
        ),
        BreakGlassError::Password(fault) => {
            let wrong = Wrong::from(*fault);
            both(wrong.hint(Lang::Zh), wrong.hint(Lang::En))
        }
        BreakGlassError::NoLogin { .. }
        | BreakGlassError::NoMember { .. }
        | BreakGlassError::NoSecondFactor { .. } => {
            both("未作更改；请重试", "nothing was changed; try again")
        }
        _ => both(
            "未作更改；请以中心数据目录的所有者运行",
            "nothing was changed; run it as the owner of the center's data folder",
        ),
    };
    Failure::system("not_set", not_set(login, error), hint)
}

fn not_set(login: &str, error: &BreakGlassError) -> Both {
    let en = error.to_string();
    let zh = match error {
        BreakGlassError::NoDatabase { path } => format!("{path} 处没有中心的数据库"),
        BreakGlassError::Password(fault) => format!("密码{}", Wrong::from(*fault).problem(Lang::Zh)),
        BreakGlassError::NoSecondFactor { .. } => format!("`{login}` 没有启用两步验证"),
        BreakGlassError::NoLogin { known, .. } => format!("没有用户名 `{login}`；中心的用户名有 {known}"),
        BreakGlassError::NoMember { .. } => format!("`{login}` 没有任何成员身份"),
        BreakGlassError::Store(StoreError::AlreadyOpen { .. }) => "中心正在运行".to_owned(),
        _ => format!("密码没有更改（{en}）"),
    };
    both(zh, en)
}

/// A new password, asked for twice on a terminal.
fn new_password(context: &Context) -> Result<String, Failure> {
    let password = password_of(pick(context.lang, "新密码：", "New password: "))?;
    if std::io::stdin().is_terminal() {
        let again = password_of(pick(context.lang, "再输入一次：", "Once more: "))?;
        if again != password {
            let message = both("两次输入的密码不同", "the two passwords differ");
            let hint = both("未作更改；请重试", "nothing was changed; try again");
            return Err(Failure::usage("not_the_same", message, hint));
        }
    }
    Ok(password)
}
