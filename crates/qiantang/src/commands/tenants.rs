//! Tenants: who computes here.

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::{
    output::{Clock, list, number, pick, table, text},
    words,
};

/// List tenants, show one, or sign one up.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Tenants {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show one tenant.
    Show {
        /// The short name of the tenant.
        slug: String,
    },
    /// Sign a tenant up (operators).
    New {
        /// The short name to give it, as it stands in commands and addresses.
        slug: String,
        /// Its name in Chinese.
        #[arg(long)]
        name_zh: String,
        /// Its name in English.
        #[arg(long)]
        name_en: String,
        /// Its domain: research, enterprise or government.
        #[arg(long)]
        domain: String,
        /// The short name of the alliance that it is in, if any.
        #[arg(long)]
        alliance: Option<String>,
    },
}

const PATH: &str = "/api/v1/tenants";

impl Run for Tenants {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => show_all(context),
            Some(Act::Show { slug }) => {
                let answer = context.client.get(&format!("{PATH}/{}", part(&slug)))?;
                context.print(&answer, |_| shown(&context.clock(), std::slice::from_ref(&answer)))
            }
            Some(Act::New { slug, name_zh, name_en, domain, alliance }) => {
                let body = json!({ "slug": slug, "name_zh": name_zh, "name_en": name_en, "domain": domain,
                    "alliance": alliance });
                let answer = context.client.post(PATH, &body)?;
                context.print(&answer, |lang| match lang {
                    Lang::Zh => format!("已登记租户 {slug}"),
                    Lang::En => format!("Signed up the tenant {slug}"),
                })
            }
        }
    }
}

fn show_all(context: &Context) -> Done {
    let answer = context.client.get(PATH)?;
    let tenants = list(&answer)?;
    context.print(&answer, |_| shown(&context.clock(), tenants))
}

fn shown(clock: &Clock, tenants: &[Value]) -> String {
    let lang = clock.lang;
    if tenants.is_empty() {
        return pick(
            lang,
            "还没有租户。用 qiantang tenants new 登记一个。",
            "No tenants. Sign one up with `qiantang tenants new`.",
        )
        .into();
    }
    let row = |tenant: &Value| {
        vec![
            text(tenant, "slug").to_owned(),
            text(&tenant["name"], pick(lang, "zh", "en")).to_owned(),
            words::word(lang, "domain", text(tenant, "domain")),
            clock.instant(tenant, "created_at"),
            number(tenant, "active_jobs").to_string(),
        ]
    };
    let since = clock.title("登记", "since");
    let titles = match lang {
        Lang::Zh => ["租户", "名称", "领域", &since, "未结束作业"],
        Lang::En => ["tenant", "name", "domain", &since, "jobs"],
    };
    table(&titles, tenants.iter().map(row).collect(), 4)
}
