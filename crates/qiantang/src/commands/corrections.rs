//! Corrections: what was booked wrongly is put right by an entry of its own.

use clap::{Args, Subcommand};
use domain::{Lang, MicroCny};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, query};
use crate::{
    output::{Clock, list, money, number, of_total, pick, table, text},
    words,
};

/// Show corrections, propose one, or decide one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Corrections {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List corrections, newest first.
    List {
        /// List those that come after this one.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Propose a correction, which another person books.
    Propose(Propose),
    /// Book a proposed correction.
    Book {
        /// The correction's id.
        correction: String,
        /// A note for the audit log.
        #[arg(long)]
        note: Option<String>,
    },
    /// Refuse a proposed correction.
    Refuse {
        /// The correction's id.
        correction: String,
        /// Why it is refused.
        #[arg(long)]
        note: String,
    },
}

#[derive(Debug, Args)]
struct Propose {
    /// One of `reversal`, `pay_out`, `credit_note`, `transfer`, `allowance`, `write_off`.
    kind: String,
    /// The contract's number or id.
    contract: String,
    /// How much is put right, in yuan.
    #[arg(long)]
    yuan: MicroCny,
    /// The thing to put right: a payment's reference, a run, an entry's number, a month, or the contract's
    /// number.
    #[arg(long)]
    corrects: String,
    /// Why it is put right.
    #[arg(long)]
    reason: String,
    /// The contract to which money is moved, for a transfer.
    #[arg(long)]
    to: Option<String>,
    /// The bank's reference of money that leaves.
    #[arg(long)]
    reference: Option<String>,
}

const PATH: &str = "/api/v1/corrections";

impl Run for Corrections {
    fn run(self, context: &Context) -> Done {
        let decide = |correction: &str, is_booked: bool, note: Option<String>| {
            let body = json!({ "book": is_booked, "note": note.unwrap_or_default() });
            context.client.post(&format!("{PATH}/{}/decide", part(correction)), &body)
        };
        let answer = match self.act {
            None => return newest(context, None),
            Some(Act::List { cursor }) => return newest(context, cursor),
            Some(Act::Propose(new)) => {
                let body = json!({ "kind": new.kind, "contract": new.contract, "to_contract": new.to,
                    "amount_micro_cny": new.yuan, "corrects": new.corrects, "reason": new.reason,
                    "reference": new.reference.unwrap_or_default() });
                context.client.post(PATH, &body)?
            }
            Some(Act::Book { correction, note }) => decide(&correction, true, note)?,
            Some(Act::Refuse { correction, note }) => decide(&correction, false, Some(note))?,
        };
        context.print(&answer, |lang| shown(lang, &context.clock(), std::slice::from_ref(&answer)))
    }
}

/// A page of the list, and how the next is asked for.
fn newest(context: &Context, cursor: Option<String>) -> Done {
    let answer = context.client.get(&format!("{PATH}{}", query(&[("cursor", cursor)])))?;
    let all = list(&answer["items"])?;
    context.print(&answer, |lang| {
        let more = answer["next_cursor"].as_str().map(|next| {
            let (stop, more) = (pick(lang, "。", ". "), pick(lang, "更多：", "More: "));
            let shown = of_total(lang, all.len(), &answer["total"]);
            format!("\n{shown}{stop}{more}qiantang corrections list --cursor {next}")
        });
        shown(lang, &context.clock(), all) + &more.unwrap_or_default()
    })
}

fn shown(lang: Lang, clock: &Clock, corrections: &[Value]) -> String {
    if corrections.is_empty() {
        return pick(
            lang,
            "没有更正。用 qiantang corrections propose 提出一项。",
            "No corrections. Propose one with `qiantang corrections propose`.",
        )
        .into();
    }
    let row = |one: &Value| {
        vec![
            text(one, "id").to_owned(),
            words::word(lang, "cause", text(one, "kind")),
            text(one, "contract").to_owned(),
            money(number(one, "amount_micro_cny")),
            text(one, "corrects").to_owned(),
            text(one, "reason").to_owned(),
            text(one, "proposed_by").to_owned(),
            clock.instant(one, "proposed_at"),
            words::word(lang, "correction-state", text(one, "state")),
        ]
    };
    let at = clock.title("提出时间", "at");
    let titles: [&str; 9] = match lang {
        Lang::Zh => ["更正", "类型", "合同", "金额（元）", "更正对象", "原因", "提出人", &at, "状态"],
        Lang::En => {
            ["correction", "kind", "contract", "CNY", "corrects", "reason", "proposed by", &at, "state"]
        }
    };
    table(&titles, corrections.iter().map(row).collect(), 3)
}
