//! Accounting periods: the months of the books, what one lacks to be closed, closing it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use domain::{Lang, decimal::grouped, ledger::Unit};
use serde_json::{Value, json};

use crate::{
    context::{Context, Done, Run, part},
    file::save,
    output::{items, list, number, pick, table, text},
    words,
};

/// Show the months of the books, or close one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Periods {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List the months, the newest first.
    List,
    /// Show what a month lacks to be closed, or its statements with their digests.
    Show {
        /// The month, as YYYY-MM.
        month: String,
    },
    /// Write all entries of a month as CSV, between the opening and the closing balances of the accounts.
    Entries {
        /// The month, as YYYY-MM.
        month: String,
        /// The file to write; standard output where left out.
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
    /// Show what each account had before a month, in it and after it.
    Accounts {
        /// The month, as YYYY-MM.
        month: String,
    },
    /// Close a month for ever: its statements are frozen, and nothing is posted into it any more (who keeps the center's money).
    Close {
        /// The month, as YYYY-MM. It has ended, and the months before it are closed.
        month: String,
    },
}

const PATH: &str = "/api/v1/periods";

impl Run for Periods {
    fn run(self, context: &Context) -> Done {
        match self.act {
            None | Some(Act::List) => show_all(context),
            Some(Act::Show { month }) => {
                let period = context.client.get(&format!("{PATH}/{}", part(&month)))?;
                context.print(&period, |lang| shown(lang, &period))
            }
            Some(Act::Entries { month, output }) => entries(context, &month, output.as_deref()),
            Some(Act::Accounts { month }) => accounts(context, &month),
            Some(Act::Close { month }) => {
                let period = context.client.post(&format!("{PATH}/{}/close", part(&month)), &json!({}))?;
                context.print(&period, |lang| {
                    let count = number(&period, "statements");
                    match lang {
                        Lang::Zh => format!("账期 {month} 已结账，出具账单 {count} 份"),
                        Lang::En => format!("Closed {month}: {count} statements are given out"),
                    }
                })
            }
        }
    }
}

fn entries(context: &Context, month: &str, output: Option<&Path>) -> Done {
    let path = format!("{PATH}/{}/entries", part(month));
    let Some(file) = output else {
        context.refuse_beside_json("`entries` without --output", true)?;
        return context.client.copy(&path, "text/csv", &mut std::io::stdout().lock()).map(drop);
    };
    let bytes = save(file, |out| context.client.copy(&path, "text/csv", out))?;
    context.print(&json!({ "month": month, "path": file, "bytes": bytes }), |lang| match lang {
        Lang::Zh => format!("{month} 的分录已写入 {}", file.display()),
        Lang::En => format!("The entries of {month} are written to {}", file.display()),
    })
}

fn accounts(context: &Context, month: &str) -> Done {
    let answer = context.client.get(&format!("{PATH}/{}/accounts", part(month)))?;
    context.print(&answer, |lang| {
        let row = |account: &Value| {
            let unit = Unit::from_code(text(account, "unit")).unwrap_or(Unit::MicroCny);
            let amount = |key: &str| grouped(&unit.exact(number(account, key)));
            let unit = match unit {
                Unit::MicroCny => pick(lang, "元", "CNY"),
                Unit::CardMs => pick(lang, "卡时", "card-hours"),
            };
            vec![
                words::word(lang, "account", text(account, "account")),
                text(account, "contract").to_owned(),
                text(account, "tenant_slug").to_owned(),
                unit.to_owned(),
                amount("opening"),
                amount("debits"),
                amount("credits"),
                amount("closing"),
            ]
        };
        let titles = match lang {
            Lang::Zh => ["科目", "合同", "租户", "单位", "期初余额", "借方", "贷方", "期末余额"],
            Lang::En => ["account", "contract", "tenant", "unit", "opening", "debits", "credits", "closing"],
        };
        table(&titles, items(&answer, "accounts").iter().map(row).collect(), 4)
    })
}

fn show_all(context: &Context) -> Done {
    let answer = context.client.get(PATH)?;
    let periods = list(&answer)?;
    let clock = context.clock();
    context.print(&answer, |lang| {
        let row = |period: &Value| {
            vec![
                text(period, "month").to_owned(),
                words::word(lang, "period-state", text(period, "state")),
                clock.instant(period, "closed_at"),
                text(period, "closed_by").to_owned(),
                number(period, "statements").to_string(),
            ]
        };
        let closed = clock.title("结账时间", "closed");
        let titles: [&str; 5] = match lang {
            Lang::Zh => ["账期", "状态", &closed, "结账人", "账单"],
            Lang::En => ["month", "state", &closed, "by", "statements"],
        };
        table(&titles, periods.iter().map(row).collect(), 4)
    })
}

fn shown(lang: Lang, period: &Value) -> String {
    let (month, state) = (text(period, "month"), words::word(lang, "period-state", text(period, "state")));
    let head = match lang {
        Lang::Zh => format!("账期 {month}（{state}）"),
        Lang::En => format!("Period {month} ({state})"),
    };
    let missing = items(period, "missing");
    if !missing.is_empty() {
        let told: Vec<String> = missing.iter().map(|one| format!("  {}", lack(lang, one))).collect();
        let title = pick(lang, "还不能结账：", "It can't be closed yet:");
        return format!("{head}\n\n{title}\n{}", told.join("\n"));
    }
    if period["is_next"] == true {
        let text = match lang {
            Lang::Zh => format!("检查通过，可以结账：qiantang periods close {month}"),
            Lang::En => format!("Nothing is missing. Close it with `qiantang periods close {month}`."),
        };
        return format!("{head}\n\n{text}");
    }
    let row = |one: &Value| {
        ["number", "contract", "tenant_slug", "sha256"].map(|name| text(one, name).to_owned()).to_vec()
    };
    let titles = match lang {
        Lang::Zh => ["账单编号", "合同", "租户", "SHA-256"],
        Lang::En => ["statement", "contract", "tenant", "SHA-256"],
    };
    let given_out = items(period, "given_out");
    if given_out.is_empty() {
        return head;
    }
    format!("{head}\n\n{}", table(&titles, given_out.iter().map(row).collect(), 4))
}

/// Something that is missing, in words.
fn lack(lang: Lang, missing: &Value) -> String {
    let fault = text(&missing["fault"], pick(lang, "zh", "en"));
    let (run, contract) = (text(missing, "run"), text(missing, "number"));
    match (text(missing, "missing"), lang) {
        ("run", Lang::Zh) => format!("运行 {run} 在月末之前开始，月末之后还没有它的消息"),
        ("run", Lang::En) => format!("the run {run} began before the month ended and was not seen since"),
        ("books", Lang::Zh) => format!("账本核对不符：{fault}"),
        ("books", Lang::En) => format!("the books do not agree: {fault}"),
        ("contract", Lang::Zh) => format!("合同 {contract} 的状态是余额用尽，但还有余额"),
        ("contract", Lang::En) => format!("the contract {contract} is exhausted and has funds left"),
        (other, _) => other.to_owned(),
    }
}
