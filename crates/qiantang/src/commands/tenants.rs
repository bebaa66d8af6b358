//! Tenants: who computes here.

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, with_given};
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
    #[command(alias = "create")]
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
        #[command(flatten)]
        payer: Payer,
    },
    /// Set names, alliance, and whom statements are made out to (operators). What is left out stays; an empty text is taken away.
    Set {
        /// The short name of the tenant.
        slug: String,
        /// Its name in Chinese.
        #[arg(long)]
        name_zh: Option<String>,
        /// Its name in English.
        #[arg(long)]
        name_en: Option<String>,
        /// The short name of the alliance that it is to be in; an empty text for none.
        #[arg(long)]
        alliance: Option<String>,
        #[command(flatten)]
        payer: Payer,
    },
}

/// Whom statements are made out to.
#[derive(Debug, Args)]
struct Payer {
    /// The name as it is registered.
    #[arg(long)]
    legal_name: Option<String>,
    /// The unified social credit code: 18 characters, the last a check digit.
    #[arg(long, conflicts_with = "other_tax_number")]
    tax_number: Option<String>,
    /// A tax number of another kind, such as one of another country.
    #[arg(long)]
    other_tax_number: Option<String>,
}

impl Payer {
    /// The options that are given, put into a body.
    fn put_into(self, body: Value) -> Value {
        let Self { legal_name, tax_number, other_tax_number } = self;
        let given =
            [("legal_name", legal_name), ("tax_number", tax_number), ("other_tax_number", other_tax_number)];
        with_given(body, given)
    }
}

const PATH: &str = "/api/v1/tenants";

impl Run for Tenants {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => show_all(context),
            Some(Act::Show { slug }) => {
                let answer = context.client.get(&format!("{PATH}/{}", part(&slug)))?;
                context.print(&answer, |lang| {
                    let tenant = shown(&context.clock(), std::slice::from_ref(&answer));
                    format!("{tenant}\n\n{}", payer_shown(lang, &answer))
                })
            }
            Some(Act::Set { slug, name_zh, name_en, alliance, payer }) => {
                let path = format!("{PATH}/{}", part(&slug));
                let given = [("name_zh", name_zh), ("name_en", name_en), ("alliance", alliance)];
                let body = with_given(json!({}), given);
                let answer = context.client.patch(&path, &payer.put_into(body))?;
                context.print(&answer, |lang| {
                    let tenant = shown(&context.clock(), std::slice::from_ref(&answer));
                    format!("{tenant}\n\n{}", payer_shown(lang, &answer))
                })
            }
            Some(Act::New { slug, name_zh, name_en, domain, alliance, payer }) => {
                let body = json!({ "slug": slug, "name_zh": name_zh, "name_en": name_en, "domain": domain,
                    "alliance": alliance });
                let body = payer.put_into(body);
                let answer = context.client.post(PATH, &body)?;
                context.print(&answer, |lang| match lang {
                    Lang::Zh => format!("已登记租户 {slug}"),
                    Lang::En => format!("Signed up the tenant {slug}"),
                })
            }
        }
    }
}

/// Whom a tenant's statements are made out to.
fn payer_shown(lang: Lang, tenant: &Value) -> String {
    let or_none = |key: &str| match text(tenant, key) {
        "" => pick(lang, "未填写", "not given").to_owned(),
        given => given.to_owned(),
    };
    let (name, other) = (or_none("legal_name"), text(tenant, "other_tax_number"));
    let number = if other.is_empty() { or_none("tax_number") } else { other.to_owned() };
    match (lang, other.is_empty()) {
        (Lang::Zh, true) => format!("单位全称：{name}\n统一社会信用代码：{number}"),
        (Lang::Zh, false) => format!("单位全称：{name}\n其他税号：{number}"),
        (Lang::En, true) => format!("Registered name: {name}\nUnified social credit code: {number}"),
        (Lang::En, false) => format!("Registered name: {name}\nOther tax number: {number}"),
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
