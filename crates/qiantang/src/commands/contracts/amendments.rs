//! Amendments of contracts: drawn up by one, approved by another; and the versions that come of them.

use clap::Args;
use domain::{CardMs, Lang, MicroCny};
use serde_json::{Value, json};

use super::{
    known::{PATH, all, named, read_card_hours},
    queue::Queue,
};
use crate::{
    context::{Context, Done, part},
    errors::Failure,
    output::{Clock, card_hours, items, list, money, pick, table, text},
    words,
};

#[derive(Debug, Args)]
pub struct Amend {
    /// The contract's number or id.
    contract: String,
    /// Why it is amended, for the record.
    #[arg(long)]
    reason: String,
    /// From when on it holds, once it is approved: `now`, `next_day` or `next_month`.
    #[arg(long, default_value = "now")]
    effective: String,
    /// The day on which it no longer holds, by the center's calendar, such as 2027-07-01.
    #[arg(long)]
    until: Option<String>,
    /// How much is added to the fee, in yuan.
    #[arg(long)]
    add_fee: Option<MicroCny>,
    /// How many card-hours are added to a package or capped grant.
    #[arg(long)]
    add_card_hours: Option<String>,
    /// How far below zero the balance of a metered contract may go, in yuan.
    #[arg(long)]
    credit: Option<MicroCny>,
    /// How many cards are reserved.
    #[arg(long)]
    cards: Option<u32>,
    #[command(flatten)]
    queue: Queue,
}

/// Draws an amendment up.
pub fn amend(context: &Context, amend: &Amend) -> Done {
    let all = all(context)?;
    let contract = named(&all, &amend.contract)?;
    let path = format!("{PATH}/{}/amendments", part(text(contract, "id")));
    let answer = context.client.post(&path, &amend.body(contract)?)?;
    context.print(&answer, |lang| shown(lang, &context.clock(), std::slice::from_ref(&answer)))
}

impl Amend {
    fn body(&self, contract: &Value) -> Result<Value, Failure> {
        let hours = self.add_card_hours.as_deref().map(read_card_hours).transpose()?.unwrap_or(CardMs::ZERO);
        let mut body = json!({ "reason": self.reason, "effective": self.effective, "ends_at": self.until,
            "add_fee_micro_cny": self.add_fee.unwrap_or(MicroCny::ZERO), "add_card_ms": hours,
            "credit_limit_micro_cny": self.credit, "cards": self.cards });
        if let Some(queue) = self.queue.over(&contract["queue"]) {
            body["queue"] = queue;
        }
        Ok(body)
    }
}

/// Lists the amendments of a contract.
pub fn list_of(context: &Context, contract: &str) -> Done {
    let all = all(context)?;
    let path = format!("{PATH}/{}/amendments", part(text(named(&all, contract)?, "id")));
    let answer = context.client.get(&path)?;
    let amendments = list(&answer)?;
    context.print(&answer, |lang| shown(lang, &context.clock(), amendments))
}

/// Approves or refuses an amendment.
pub fn decide(context: &Context, amendment: &str, approve: bool, note: Option<String>) -> Done {
    let path = format!("/api/v1/amendments/{}/decide", part(amendment));
    let body = json!({ "approve": approve, "note": note.unwrap_or_default() });
    let answer = context.client.post(&path, &body)?;
    context.print(&answer, |lang| shown(lang, &context.clock(), std::slice::from_ref(&answer)))
}

/// Lists the versions of a contract's terms.
pub fn versions(context: &Context, contract: &str) -> Done {
    let all = all(context)?;
    let path = format!("{PATH}/{}/versions", part(text(named(&all, contract)?, "id")));
    let answer = context.client.get(&path)?;
    let versions = list(&answer)?;
    context.print(&answer, |lang| {
        let clock = context.clock();
        let row = |version: &Value| {
            vec![
                version["number"].to_string(),
                clock.instant(version, "from_at"),
                changes(lang, &clock, version),
                text(version, "approved_by").to_owned(),
                text(version, "reason").to_owned(),
            ]
        };
        let from = clock.title("生效时间", "from");
        let titles: [&str; 5] = match lang {
            Lang::Zh => ["版本", &from, "变更", "批准人", "原因"],
            Lang::En => ["version", &from, "changes", "approved by", "reason"],
        };
        table(&titles, versions.iter().map(row).collect(), 0)
    })
}

fn shown(lang: Lang, clock: &Clock, amendments: &[Value]) -> String {
    if amendments.is_empty() {
        return pick(
            lang,
            "没有变更。用 qiantang contracts amend 起草一项。",
            "No amendments. Draw one up with `qiantang contracts amend`.",
        )
        .into();
    }
    let row = |one: &Value| {
        let from = clock.instant(one, "from_at");
        vec![
            text(one, "id").to_owned(),
            text(one, "contract").to_owned(),
            words::word(lang, "amendment-state", text(one, "state")),
            if from.is_empty() { words::word(lang, "effective", text(one, "effective")) } else { from },
            changes(lang, clock, one),
            text(one, "drawn_by").to_owned(),
            text(one, "decided_by").to_owned(),
            text(one, "reason").to_owned(),
        ]
    };
    let from = clock.title("生效时间", "from");
    let titles: [&str; 8] = match lang {
        Lang::Zh => ["变更", "合同", "状态", &from, "内容", "起草人", "审批人", "原因"],
        Lang::En => {
            ["amendment", "contract", "state", &from, "changes", "drawn up by", "decided by", "reason"]
        }
    };
    table(&titles, amendments.iter().map(row).collect(), 0)
}

/// The changes in one line: `fee 1,000.00 → 1,500.00`.
fn changes(lang: Lang, clock: &Clock, one: &Value) -> String {
    let value = |term: &str, change: &Value, key: &str| match (term, change[key].as_i64()) {
        ("ends_at", _) => clock.instant(change, key),
        (_, None) => pick(lang, "不限", "no limit").to_owned(),
        ("fee" | "credit_limit", Some(amount)) => money(amount),
        ("package" | "cap", Some(time)) => card_hours(time),
        (_, Some(number)) => number.to_string(),
    };
    let told = |change: &Value| {
        let term = text(change, "term");
        let (before, after) = (value(term, change, "before"), value(term, change, "after"));
        format!("{} {before} → {after}", words::word(lang, "amend-term", term))
    };
    items(one, "changes").iter().map(told).collect::<Vec<_>>().join(pick(lang, "；", "; "))
}
