//! Tenants: who computes here.

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::{
    output::{instant, number, pick, table, text},
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
    Show { slug: String },
    /// Sign a tenant up (operators).
    New {
        /// Its short name, as in commands and addresses.
        slug: String,
        #[arg(long)]
        name_zh: String,
        #[arg(long)]
        name_en: String,
        /// research, enterprise or government.
        #[arg(long)]
        domain: String,
        /// The short name of an alliance that it is in.
        #[arg(long)]
        alliance: Option<String>,
    },
}

const PATH: &str = "/api/v1/tenants";

impl Run for Tenants {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => list(context),
            Some(Act::Show { slug }) => {
                let answer = context.client.get(&format!("{PATH}/{}", part(&slug)))?;
                context.print(&answer, |lang| shown(lang, std::slice::from_ref(&answer)));
                Ok(())
            }
            Some(Act::New { slug, name_zh, name_en, domain, alliance }) => {
                let body = json!({ "slug": slug, "name_zh": name_zh, "name_en": name_en, "domain": domain,
                    "alliance": alliance });
                let answer = context.client.post(PATH, &body)?;
                context.print(&answer, |lang| match lang {
                    Lang::Zh => format!("已登记租户 {slug}"),
                    Lang::En => format!("Signed up the tenant {slug}"),
                });
                Ok(())
            }
        }
    }
}

fn list(context: &Context) -> Done {
    let answer = context.client.get(PATH)?;
    context.print(&answer, |lang| shown(lang, answer.as_array().map(Vec::as_slice).unwrap_or_default()));
    Ok(())
}

fn shown(lang: Lang, tenants: &[Value]) -> String {
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
            instant(tenant, "created_at"),
            number(tenant, "active_jobs").to_string(),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["租户", "名称", "领域", "登记（UTC）", "未结束作业"],
        Lang::En => ["tenant", "name", "domain", "since (UTC)", "jobs"],
    };
    table(&titles, tenants.iter().map(row).collect(), 4)
}
