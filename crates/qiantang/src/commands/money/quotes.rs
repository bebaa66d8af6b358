//! Quotes: what the center offers, until when, and what comes of it.

use clap::{Args, Subcommand};
use domain::{CardMs, Lang, MicroCny, both, decimal};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part, query, with_given};
use crate::{
    errors::Failure,
    output::{Clock, card_hours, items, list, money, number, of_total, pick, rate, table, text},
    words,
};

/// List quotes, draw one up, send it, or accept it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Quotes {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List quotes, newest first.
    List(Filter),
    /// Show one quote with its lines.
    Show {
        /// The quote's number.
        number: String,
    },
    /// Draw up a quote at the prices in force, as a draft.
    New(Box<New>),
    /// Grant the discount of a draft that its drawer may not give alone.
    Grant {
        /// The quote's number.
        number: String,
    },
    /// Send a quote to the one that it is for.
    Send {
        /// The quote's number.
        number: String,
    },
    /// Accept a quote (the tenant's administrators and finance); the draft of a contract comes of it.
    Accept {
        /// The quote's number.
        number: String,
    },
    /// Take back a quote that nobody has accepted.
    Withdraw {
        /// The quote's number.
        number: String,
    },
}

#[derive(Debug, Default, Args)]
struct Filter {
    /// A state: draft, sent, accepted, expired or withdrawn.
    #[arg(long)]
    state: Option<String>,
    /// List those that come after this one.
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Debug, Args)]
struct New {
    /// The short name of the tenant that it is for.
    #[arg(long)]
    tenant: Option<String>,
    /// The number of the application that it is for, where its applicant is no tenant yet.
    #[arg(long)]
    application: Option<String>,
    /// The kind of contract that comes of it: prepaid, metered, reserved or grant.
    #[arg(long)]
    kind: String,
    /// A line: `POOL:CLASS:CARDS`, with `:CARD-HOURS` where it is not for the whole term, and with `@PER-CENT` off; may be given
    /// again for another.
    #[arg(long = "line", required = true, value_name = "LINE")]
    lines: Vec<String>,
    /// The first day of the term, by the center's calendar, such as 2026-07-01.
    #[arg(long)]
    from: String,
    /// The day on which the term is over, by the center's calendar, such as 2027-07-01.
    #[arg(long)]
    until: String,
    /// The day on which the quote is not valid any more.
    #[arg(long)]
    valid_until: Option<String>,
    /// How far below zero the balance of a metered contract may go, in yuan.
    #[arg(long)]
    credit: Option<MicroCny>,
    /// A note that stands on the quote.
    #[arg(long)]
    note: Option<String>,
}

const PATH: &str = "/api/v1/quotes";

impl Run for Quotes {
    fn run(self, context: &Context) -> Done {
        let act = |number: &str, step: &str| {
            context.client.post(&format!("{PATH}/{}/{step}", part(number)), &json!({}))
        };
        let answer = match self.act {
            None => return newest(context, Filter::default()),
            Some(Act::List(filter)) => return newest(context, filter),
            Some(Act::Show { number }) => context.client.get(&format!("{PATH}/{}", part(&number)))?,
            Some(Act::New(new)) => context.client.post(PATH, &new.body()?)?,
            Some(Act::Grant { number }) => act(&number, "grant")?,
            Some(Act::Send { number }) => act(&number, "send")?,
            Some(Act::Accept { number }) => act(&number, "accept")?,
            Some(Act::Withdraw { number }) => act(&number, "withdraw")?,
        };
        context.print(&answer, |lang| one(lang, &context.clock(), &answer))
    }
}

impl New {
    fn body(&self) -> Result<Value, Failure> {
        let lines = self.lines.iter().map(|line| read_line(line)).collect::<Result<Vec<_>, _>>()?;
        let body = json!({ "kind": self.kind, "lines": lines, "starts_at": self.from, "ends_at": self.until,
            "credit_limit_micro_cny": self.credit.unwrap_or(MicroCny::ZERO) });
        let texts = [
            ("tenant", &self.tenant),
            ("application", &self.application),
            ("valid_until", &self.valid_until),
            ("note", &self.note),
        ];
        Ok(with_given(body, texts.map(|(name, given)| (name, given.as_ref()))))
    }
}

/// `ascend-910:normal:8:1000@10` and its like.
fn read_line(text: &str) -> Result<Value, Failure> {
    let wrong = || {
        let hint = both(
            "写成 `资源池:等级:加速卡数[:卡时][@折扣百分数]` 的形式，例如 `ascend-910:normal:8:1000@10`",
            "write it as `POOL:CLASS:CARDS[:CARD-HOURS][@PER-CENT]`, such as `ascend-910:normal:8:1000@10`",
        );
        let message = both(format!("`{text}` 不是一行明细"), format!("`{text}` is no line of a quote"));
        Failure::usage("bad_line", message, hint)
    };
    let (rest, discount) = match text.rsplit_once('@') {
        None => (text, 0),
        Some((rest, off)) => {
            let read = decimal::millionths(off.trim_end_matches('%'));
            let read =
                read.filter(|millionths| (0..=100_000_000).contains(millionths) && millionths % 10_000 == 0);
            (rest, read.ok_or_else(wrong)? / 10_000)
        }
    };
    let parts: Vec<&str> = rest.split(':').collect();
    let (pool, class, cards, hours) = match parts[..] {
        [pool, class, cards] => (pool, class, cards, None),
        [pool, class, cards, hours] => (pool, class, cards, Some(hours)),
        _ => return Err(wrong()),
    };
    let cards: u32 = cards.parse().map_err(|_| wrong())?;
    let mut line = json!({ "pool": pool, "service_class": class, "cards": cards, "discount_bp": discount });
    if let Some(hours) = hours {
        line["card_ms"] = json!(CardMs::of_hours(hours).ok_or_else(wrong)?);
    }
    Ok(line)
}

/// A page of the list, and how the next is asked for.
fn newest(context: &Context, filter: Filter) -> Done {
    let Filter { state, cursor } = filter;
    let of_state = state.as_ref().map(|state| format!(" --state {state}")).unwrap_or_default();
    let answer = context.client.get(&format!("{PATH}{}", query(&[("state", state), ("cursor", cursor)])))?;
    let all = list(&answer["items"])?;
    context.print(&answer, |lang| {
        let more = answer["next_cursor"].as_str().map(|next| {
            let (stop, more) = (pick(lang, "。", ". "), pick(lang, "更多：", "More: "));
            let shown = of_total(lang, all.len(), &answer["total"]);
            format!("\n{shown}{stop}{more}qiantang quotes list{of_state} --cursor {next}")
        });
        shown(lang, &context.clock(), all) + &more.unwrap_or_default()
    })
}

fn shown(lang: Lang, clock: &Clock, quotes: &[Value]) -> String {
    if quotes.is_empty() {
        return pick(lang, "没有报价单。", "No quotes.").into();
    }
    let row = |quote: &Value| {
        vec![
            text(quote, "number").to_owned(),
            text(quote, "customer").to_owned(),
            words::word(lang, "kind", text(quote, "kind")),
            words::word(lang, "quote-state", text(quote, "state")),
            clock.instant(quote, "valid_until"),
            text(quote, "contract").to_owned(),
            money(number(quote, "amount_micro_cny")),
        ]
    };
    let at = clock.title("有效期至", "valid until");
    let titles: [&str; 7] = match lang {
        Lang::Zh => ["报价单", "报价对象", "类型", "状态", &at, "合同", "金额（元）"],
        Lang::En => ["quote", "for", "kind", "state", &at, "contract", "amount (CNY)"],
    };
    table(&titles, quotes.iter().map(row).collect(), 6)
}

/// One quote with its lines.
fn one(lang: Lang, clock: &Clock, quote: &Value) -> String {
    let line = |line: &Value| {
        let discount = number(line, "discount_bp");
        vec![
            text(line, "pool").to_owned(),
            words::word(lang, "class", text(line, "service_class")),
            number(line, "cards").to_string(),
            card_hours(number(line, "card_ms")),
            rate(number(line, "rate_micro_cny_per_card_hour")),
            if discount == 0 { String::new() } else { format!("{}.{:02} %", discount / 100, discount % 100) },
            money(number(line, "amount_micro_cny")),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["资源池", "等级", "加速卡", "卡时", "单价（元）", "折扣", "金额（元）"],
        Lang::En => ["pool", "class", "cards", "card-hours", "rate (CNY)", "discount", "amount (CNY)"],
    };
    let lines = table(&titles, items(quote, "lines").iter().map(line).collect(), 2);
    format!("{}\n\n{lines}", shown(lang, clock, std::slice::from_ref(quote)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_part_by_part() {
        let read = |text: &str| read_line(text).ok();
        assert_eq!(
            read("npu:normal:8:1000@12.5"),
            Some(json!({ "pool": "npu", "service_class": "normal", "cards": 8, "card_ms": 3_600_000_000_i64,
                "discount_bp": 1250 }))
        );
        assert_eq!(
            read("npu:spot:4"),
            Some(json!({ "pool": "npu", "service_class": "spot", "cards": 4, "discount_bp": 0 }))
        );
        for wrong in [
            "",
            "npu",
            "npu:normal",
            "npu:normal:x",
            "npu:normal:8:0",
            "npu:normal:8@101",
            "npu:normal:8@1.234",
            "a:b:1:2:3",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
