//! Profiles: the sign-ins that this machine keeps, one for each center or person.

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::json;

use crate::context::{Context, Done, Run};
use crate::{
    kept::{self, Kept},
    output::{pick, table},
};

/// List the kept sign-ins, choose the one that commands use, or forget one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Profiles {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the kept sign-ins.
    List,
    /// Use this one where none is named.
    Use {
        /// The profile's name.
        name: String,
    },
    /// Forget one. Its token goes on: sign out first to end it.
    Remove {
        /// The profile's name.
        name: String,
    },
}

impl Run for Profiles {
    fn run(self, context: &Context) -> Done {
        let path = kept::place()?;
        let mut kept = Kept::read(&path)?;
        match self.act {
            None | Some(Act::List) => {}
            Some(Act::Use { name }) => {
                kept.find(&name)?;
                kept.current = name;
                kept.write(&path)?;
            }
            Some(Act::Remove { name }) => {
                kept.find(&name)?;
                kept.profiles.remove(&name);
                if kept.current == name {
                    kept.current.clear();
                }
                kept.write(&path)?;
            }
        }
        let all = kept.profiles.iter().map(|(name, profile)| {
            json!({ "name": name, "url": profile.url, "login": profile.login,
                "is_signed_in": !profile.token.is_empty(), "is_current": *name == kept.current })
        });
        let answer = json!(all.collect::<Vec<_>>());
        context.print(&answer, |lang| shown(lang, &kept))
    }
}

fn shown(lang: Lang, kept: &Kept) -> String {
    if kept.profiles.is_empty() {
        return pick(
            lang,
            "还没有登录过。请运行 qiantang login。",
            "No sign-in is kept. Sign in: qiantang login",
        )
        .into();
    }
    let row = |(name, profile): (&String, &kept::Profile)| {
        let mark = if *name == kept.current { "*" } else { "" };
        let state = if profile.token.is_empty() {
            pick(lang, "已退出", "signed out")
        } else {
            pick(lang, "已登录", "signed in")
        };
        vec![mark.into(), name.clone(), profile.url.clone(), profile.login.clone(), state.into()]
    };
    let titles = match lang {
        Lang::Zh => ["", "配置名", "中心", "用户", "状态"],
        Lang::En => ["", "profile", "center", "login", "state"],
    };
    table(&titles, kept.profiles.iter().map(row).collect(), titles.len())
}
