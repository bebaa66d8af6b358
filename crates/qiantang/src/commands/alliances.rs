//! Alliances: tenants that share and lend.

use clap::{Args, Subcommand};
use domain::{Lang, both};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::{
    errors::Failure,
    output::{items, list, pick, table, text},
};

/// List alliances, show one, found one, or set what it lends.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Alliances {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show one alliance.
    Show {
        /// The short name of the alliance.
        slug: String,
    },
    /// Found an alliance (operators).
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
        /// How many idle guaranteed cards it lends to others; all of them where left out.
        #[arg(long)]
        lends: Option<u32>,
    },
    /// Give an alliance other names (operators).
    Set {
        /// The short name of the alliance.
        slug: String,
        /// Its name in Chinese.
        #[arg(long)]
        name_zh: String,
        /// Its name in English.
        #[arg(long)]
        name_en: String,
    },
    /// Set how many idle guaranteed cards an alliance lends to others (operators).
    Lend {
        /// The short name of the alliance.
        slug: String,
        /// How many cards: a number, 0 for none, or `all`.
        cards: String,
    },
}

const PATH: &str = "/api/v1/alliances";

impl Run for Alliances {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |lang| shown(lang, all))?;
            }
            Some(Act::Show { slug }) => {
                let answer = context.client.get(&format!("{PATH}/{}", part(&slug)))?;
                context.print(&answer, |lang| shown(lang, std::slice::from_ref(&answer)))?;
            }
            Some(Act::New { slug, name_zh, name_en, lends }) => {
                let name = json!({ "zh": name_zh, "en": name_en });
                let body = json!({ "slug": slug, "name": name, "lending_limit": lends });
                let answer = context.client.post(PATH, &body)?;
                context.print(&answer, |lang| match lang {
                    Lang::Zh => format!("已成立联盟 {slug}"),
                    Lang::En => format!("Founded the alliance {slug}"),
                })?;
            }
            Some(Act::Set { slug, name_zh, name_en }) => {
                let body = json!({ "name": { "zh": name_zh, "en": name_en } });
                let answer = context.client.patch(&format!("{PATH}/{}", part(&slug)), &body)?;
                context.print(&answer, |lang| shown(lang, std::slice::from_ref(&answer)))?;
            }
            Some(Act::Lend { slug, cards }) => {
                let limit = lending_limit(&cards)?;
                let path = format!("{PATH}/{}/lending", part(&slug));
                let answer = context.client.put(&path, &json!({ "lending_limit": limit }))?;
                context.print(&answer, |lang| shown(lang, std::slice::from_ref(&answer)))?;
            }
        }
        Ok(())
    }
}

/// `None` is all cards.
fn lending_limit(text: &str) -> Result<Option<u32>, Failure> {
    match text {
        "all" => Ok(None),
        number => number.parse().map(Some).map_err(|_| {
            let message =
                both(format!("`{number}` 不是加速卡数"), format!("`{number}` is not a number of cards"));
            let hint =
                both("请写一个数字，0 表示不借出，`all` 表示全部", "give a number, 0 for none, or `all`");
            Failure::usage("bad_cards", message, hint)
        }),
    }
}

fn shown(lang: Lang, alliances: &[Value]) -> String {
    if alliances.is_empty() {
        return pick(
            lang,
            "还没有联盟。用 qiantang alliances new 成立一个。",
            "No alliances. Found one with `qiantang alliances new`.",
        )
        .into();
    }
    let row = |alliance: &Value| {
        let tenants: Vec<&str> = items(alliance, "tenants").iter().filter_map(Value::as_str).collect();
        let lends = alliance["lending_limit"].as_u64();
        vec![
            text(alliance, "slug").to_owned(),
            text(&alliance["name"], pick(lang, "zh", "en")).to_owned(),
            tenants.join(" "),
            lends.map_or_else(|| pick(lang, "全部", "all").to_owned(), |cards| cards.to_string()),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["联盟", "名称", "租户", "可借出卡"],
        Lang::En => ["alliance", "name", "tenants", "cards lent"],
    };
    table(&titles, alliances.iter().map(row).collect(), 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_and_none_are_not_the_same() {
        assert_eq!(lending_limit("all").unwrap(), None);
        assert_eq!(lending_limit("0").unwrap(), Some(0));
        assert!(lending_limit("-1").is_err() && lending_limit("").is_err());
    }
}
