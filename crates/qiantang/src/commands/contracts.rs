//! Contracts: what a tenant has bought or been granted.

use clap::{Args, Subcommand, ValueEnum};
use domain::{CardMs, Lang, MicroCny};
use serde_json::{Value, json};

use crate::context::{Context, Done, Run, part};
use crate::{
    errors::Failure,
    output::{card_hours, items, money, number, pick, table, text},
    words,
};

/// List contracts, draw one up, decide on it, or book a payment.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Contracts {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Draw a contract up, as a draft.
    New(Box<New>),
    /// Take a contract a step further: submit, approve, reject, activate, suspend, resume or terminate.
    #[command(name = "act")]
    Decide {
        /// Its number or id.
        contract: String,
        action: String,
        #[arg(long)]
        reason: Option<String>,
    },
    /// Book a payment, or card-hours added to a package or grant (operators).
    TopUp {
        /// Its number or id.
        contract: String,
        #[arg(long)]
        yuan: Option<MicroCny>,
        #[arg(long)]
        card_hours: Option<String>,
        /// The bank's number of the payment.
        #[arg(long)]
        reference: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Card-hours paid for in advance.
    Prepaid,
    /// Charged as used.
    Metered,
    /// Cards of its own for a fee.
    Reserved,
    /// Free card-hours.
    Grant,
}

#[derive(Debug, Args)]
struct New {
    /// Its number.
    number: String,
    #[arg(long)]
    kind: Kind,
    /// The tenant's short name, for the center's people; your own where left out.
    #[arg(long)]
    tenant: Option<String>,
    /// A pool that it covers; given again for each.
    #[arg(long = "pool", required = true)]
    pools: Vec<String>,
    /// The first day: 2026-07-01.
    #[arg(long)]
    from: String,
    /// The first day that it does not hold any more.
    #[arg(long)]
    until: String,
    /// Of a package (prepaid), or the most of a grant.
    #[arg(long)]
    card_hours: Option<String>,
    /// Of a package or a reservation, in yuan.
    #[arg(long)]
    fee: Option<MicroCny>,
    /// How far below zero a metered contract may go, in yuan.
    #[arg(long)]
    credit: Option<MicroCny>,
    /// Cards that are reserved.
    #[arg(long)]
    cards: Option<u32>,
    /// The most cards that its jobs may have at once.
    #[arg(long, default_value_t = 8)]
    max_cards: u32,
    /// Cards that it gets whenever it asks.
    #[arg(long, default_value_t = 0)]
    guaranteed_cards: u32,
    /// Its share beside others.
    #[arg(long, default_value_t = 1)]
    weight: u32,
}

const PATH: &str = "/api/v1/contracts";

impl Run for Contracts {
    fn run(self, context: &Context) -> Done {
        let answer = match self.act {
            None => {
                let answer = context.client.get(PATH)?;
                let all = answer.as_array().map(Vec::as_slice).unwrap_or_default();
                context.print(&answer, |lang| shown(lang, all));
                return Ok(());
            }
            Some(Act::New(new)) => context.client.post(PATH, &new.body()?)?,
            Some(Act::Decide { contract, action, reason }) => {
                let path = format!("{PATH}/{}/actions", part(&id_of(context, &contract)?));
                context
                    .client
                    .post(&path, &json!({ "action": action, "reason": reason.unwrap_or_default() }))?
            }
            Some(Act::TopUp { contract, yuan, card_hours, reference }) => {
                let path = format!("{PATH}/{}/top-up", part(&id_of(context, &contract)?));
                let card_ms = card_hours.as_deref().map(read_card_hours).transpose()?.unwrap_or(CardMs::ZERO);
                let body = json!({ "amount_micro_cny": yuan.unwrap_or(MicroCny::ZERO), "card_ms": card_ms,
                    "reference": reference });
                context.client.post(&path, &body)?
            }
        };
        context.print(&answer, |lang| shown(lang, std::slice::from_ref(&answer)));
        Ok(())
    }
}

impl New {
    fn body(&self) -> Result<Value, Failure> {
        let needs = |what: &str| {
            let message = format!("a contract of this kind needs {what}");
            Failure::usage("missing_terms", message, format!("give {what}"))
        };
        let hours = self.card_hours.as_deref().map(read_card_hours).transpose()?;
        let fee = self.fee.unwrap_or(MicroCny::ZERO);
        let terms = match self.kind {
            Kind::Prepaid => {
                json!({ "kind": "prepaid", "package": hours.ok_or_else(|| needs("--card-hours"))?, "fee": fee })
            }
            Kind::Metered => {
                json!({ "kind": "metered", "credit_limit": self.credit.unwrap_or(MicroCny::ZERO) })
            }
            Kind::Reserved => {
                json!({ "kind": "reserved", "cards": self.cards.ok_or_else(|| needs("--cards"))?, "fee": fee })
            }
            Kind::Grant => json!({ "kind": "grant", "cap": hours }),
        };
        let queue = json!({ "weight": self.weight, "guaranteed_cards": self.guaranteed_cards,
            "max_running_cards": self.max_cards });
        Ok(json!({ "number": self.number, "terms": terms, "pools": self.pools, "starts_at": self.from,
            "ends_at": self.until, "queue": queue, "tenant": self.tenant }))
    }
}

/// Card-hours with at most six decimals, as card-milliseconds.
fn read_card_hours(text: &str) -> Result<CardMs, Failure> {
    let hours = text.replace(',', "").parse::<MicroCny>().ok();
    let card_ms = hours.and_then(|millionths| i64::try_from(i128::from(millionths.0) * 36 / 10).ok());
    card_ms.filter(|ms| *ms > 0).map(CardMs).ok_or_else(|| {
        let hint = "give a number above 0 with at most six decimals, such as 1000 or 12.5";
        Failure::usage("bad_card_hours", format!("`{text}` is not a number of card-hours"), hint)
    })
}

fn id_of(context: &Context, wanted: &str) -> Result<String, Failure> {
    let all = context.client.get(PATH)?;
    let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
    let found = all.iter().find(|known| text(known, "number") == wanted || text(known, "id") == wanted);
    found.map(|known| text(known, "id").to_owned()).ok_or_else(|| {
        let message = format!("there is no contract `{wanted}` that you may see");
        Failure::refused("not_found", message, "`qiantang contracts` lists them")
    })
}

fn shown(lang: Lang, contracts: &[Value]) -> String {
    if contracts.is_empty() {
        return pick(
            lang,
            "还没有合同。用 qiantang contracts new 起草一份。",
            "No contracts. Draw one up with `qiantang contracts new`.",
        )
        .into();
    }
    let row = |contract: &Value| {
        let pools: Vec<&str> = items(contract, "pools").iter().filter_map(Value::as_str).collect();
        vec![
            text(contract, "number").to_owned(),
            text(contract, "tenant_slug").to_owned(),
            words::word(lang, "kind", text(contract, "kind")),
            words::state(lang, text(contract, "state")),
            pools.join(" "),
            card_hours(number(contract, "use_balance_card_ms")),
            money(number(contract, "money_balance_micro_cny")),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["合同", "租户", "类型", "状态", "资源池", "卡时余额", "余额（元）"],
        Lang::En => ["contract", "tenant", "kind", "state", "pools", "card-hours", "balance (CNY)"],
    };
    table(&titles, contracts.iter().map(row).collect(), 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_hours_are_read_exactly() {
        assert_eq!(read_card_hours("1,000").unwrap(), CardMs(3_600_000_000));
        assert_eq!(read_card_hours("12.5").unwrap(), CardMs(45_000_000));
        for bad in ["", "0", "-1", "much", "0.00000001"] {
            assert!(read_card_hours(bad).is_err(), "{bad}");
        }
    }
}
