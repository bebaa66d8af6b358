//! Contracts: what a tenant has bought or been granted.

mod amendments;
mod known;
mod queue;
mod texts;

use clap::{Args, Subcommand, ValueEnum};
use domain::{CardMs, Lang, MicroCny, both};
use serde_json::{Value, json};

use known::{PATH, read_card_hours};
pub(super) use known::{all, named};
use queue::Queue;

use crate::context::{Context, Done, Run, part, with_given};
use crate::{
    errors::Failure,
    output::{card_hours, items, list, money, number, pick, table, text},
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
    /// Change a draft: what is given replaces what was there.
    Edit(Box<Edit>),
    /// Take a contract a step further.
    #[command(name = "act")]
    Decide {
        /// The contract's number or id.
        contract: String,
        /// The step: submit, return, approve, activate, suspend, resume or terminate.
        action: String,
        /// Why, for the record.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Draw up an amendment of an active contract, which holds once another person approves it.
    Amend(Box<amendments::Amend>),
    /// List the amendments of a contract.
    Amendments {
        /// The contract's number or id.
        contract: String,
    },
    /// Approve an amendment.
    ApproveAmendment {
        /// The amendment's id.
        amendment: String,
        /// A note for the record.
        #[arg(long)]
        note: Option<String>,
    },
    /// Refuse an amendment.
    RefuseAmendment {
        /// The amendment's id.
        amendment: String,
        /// Why it is refused.
        #[arg(long)]
        note: String,
    },
    /// List the versions of a contract's terms, with what changed in each.
    Versions {
        /// The contract's number or id.
        contract: String,
    },
    /// Show the text of a contract with its signatures, or have it made.
    Text(texts::Text),
    /// Sign the text of a contract, for the side that you are of.
    Sign(texts::Sign),
    /// Draft the contract that goes on where this one ends, from 30 days before its end on.
    Renew(texts::Renew),
    /// Book a payment, or card-hours added to a package or grant (who keeps the center's money).
    TopUp {
        /// The contract's number or id.
        contract: String,
        /// How much was paid, in yuan.
        #[arg(long)]
        yuan: Option<MicroCny>,
        /// How many card-hours are added.
        #[arg(long)]
        card_hours: Option<String>,
        /// The payment's reference, such as the bank's number; a reference is booked only once.
        #[arg(long)]
        reference: String,
        /// The bank through which it was paid.
        #[arg(long)]
        bank: Option<String>,
        /// The day on which it was paid, such as 2026-11-30.
        #[arg(long)]
        paid_on: Option<String>,
        /// Who paid.
        #[arg(long)]
        payer: Option<String>,
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
    /// The number to give it.
    number: String,
    /// The kind of contract.
    #[arg(long)]
    kind: Kind,
    /// The tenant's short name (the center's people); your own tenant where left out.
    #[arg(long)]
    tenant: Option<String>,
    /// A pool that it covers; may be given again for another.
    #[arg(long = "pool", required = true)]
    pools: Vec<String>,
    /// The first day on which it holds, by the center's calendar, such as 2026-07-01.
    #[arg(long)]
    from: String,
    /// The day on which it no longer holds, by the center's calendar, such as 2027-07-01.
    #[arg(long)]
    until: String,
    #[command(flatten)]
    amounts: Amounts,
    #[command(flatten)]
    queue: Queue,
}

#[derive(Debug, Args)]
struct Edit {
    /// The draft's number or id.
    contract: String,
    /// Another number.
    #[arg(long)]
    number: Option<String>,
    /// Another kind; its terms are then to be given, too.
    #[arg(long)]
    kind: Option<Kind>,
    /// The pools that it covers, in place of those there are; may be given again for another.
    #[arg(long = "pool")]
    pools: Vec<String>,
    /// The first day on which it holds, by the center's calendar, such as 2026-07-01.
    #[arg(long)]
    from: Option<String>,
    /// The day on which it no longer holds, by the center's calendar, such as 2027-07-01.
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    amounts: Amounts,
    #[command(flatten)]
    queue: Queue,
}

/// The terms of all kinds.
#[derive(Debug, Args)]
struct Amounts {
    /// How many card-hours a prepaid package has, or a grant at most; a grant without this has no limit.
    #[arg(long)]
    card_hours: Option<String>,
    /// The fee of a prepaid package or of reserved cards, in yuan.
    #[arg(long)]
    fee: Option<MicroCny>,
    /// How far below zero the balance of a metered contract may go, in yuan; not at all where left out.
    #[arg(long)]
    credit: Option<MicroCny>,
    /// How many cards are reserved.
    #[arg(long)]
    cards: Option<u32>,
}

impl Run for Contracts {
    fn run(self, context: &Context) -> Done {
        let answer = match self.act {
            None => {
                let answer = context.client.get(PATH)?;
                let all = list(&answer)?;
                context.print(&answer, |lang| shown(lang, all))?;
                return Ok(());
            }
            Some(Act::Amend(amend)) => return amendments::amend(context, &amend),
            Some(Act::Amendments { contract }) => return amendments::list_of(context, &contract),
            Some(Act::ApproveAmendment { amendment, note }) => {
                return amendments::decide(context, &amendment, true, note);
            }
            Some(Act::RefuseAmendment { amendment, note }) => {
                return amendments::decide(context, &amendment, false, Some(note));
            }
            Some(Act::Versions { contract }) => return amendments::versions(context, &contract),
            Some(Act::Text(text)) => return texts::text_of(context, &text),
            Some(Act::Sign(sign)) => return texts::sign(context, &sign),
            Some(Act::Renew(renew)) => texts::renew(context, &renew)?,
            Some(Act::New(new)) => context.client.post(PATH, &new.body()?)?,
            Some(Act::Edit(edit)) => {
                let all = all(context)?;
                let draft = named(&all, &edit.contract)?;
                let path = format!("{PATH}/{}", part(text(draft, "id")));
                context.client.patch(&path, &edit.body(draft)?)?
            }
            Some(Act::Decide { contract, action, reason }) => {
                let path = act_on(context, &contract, "actions")?;
                context
                    .client
                    .post(&path, &json!({ "action": action, "reason": reason.unwrap_or_default() }))?
            }
            Some(Act::TopUp { contract, yuan, card_hours, reference, bank, paid_on, payer }) => {
                let path = act_on(context, &contract, "top-up")?;
                let card_ms = card_hours.as_deref().map(read_card_hours).transpose()?.unwrap_or(CardMs::ZERO);
                let body = json!({ "amount_micro_cny": yuan.unwrap_or(MicroCny::ZERO), "card_ms": card_ms,
                    "reference": reference, "bank": bank.unwrap_or_default(),
                    "paid_on": paid_on.unwrap_or_default(), "payer": payer.unwrap_or_default() });
                context.client.post(&path, &body)?
            }
        };
        context.print(&answer, |lang| {
            let table = shown(lang, std::slice::from_ref(&answer));
            if answer["booked"] != false {
                return table;
            }
            let zh = "这笔付款此前已经入账，未作任何更改。";
            format!("{}\n\n{table}", pick(lang, zh, "This payment was booked before: nothing was changed."))
        })
    }
}

impl New {
    fn body(&self) -> Result<Value, Failure> {
        let terms = self.amounts.terms(self.kind, &Value::Null)?;
        let max_cards = self.queue.max_cards.or(self.amounts.cards).unwrap_or(8);
        let queue = json!({ "weight": self.queue.weight.unwrap_or(1),
            "guaranteed_cards": self.queue.guaranteed_cards.unwrap_or(0), "max_running_cards": max_cards });
        Ok(json!({ "number": self.number, "terms": terms, "pools": self.pools, "starts_at": self.from,
            "ends_at": self.until, "queue": queue, "tenant": self.tenant }))
    }
}

impl Edit {
    fn body(&self, draft: &Value) -> Result<Value, Failure> {
        let was = Kind::from_str(text(draft, "kind"), false).ok();
        let kind = self.kind.or(was).ok_or_else(|| {
            let kind = text(draft, "kind");
            let message = both(
                format!("本程序不认识种类为 `{kind}` 的合同"),
                format!("this program does not know contracts of the kind `{kind}`"),
            );
            let hint = both("请使用与中心同版本的程序", "use the program of the center's version");
            Failure::usage("unknown_kind", message, hint)
        })?;
        let amounts = &self.amounts;
        let is_given = self.kind.is_some()
            || amounts.card_hours.is_some()
            || amounts.fee.is_some()
            || amounts.credit.is_some()
            || amounts.cards.is_some();
        let before = if was == Some(kind) { &draft["terms"] } else { &Value::Null };
        let mut body = json!({});
        if is_given {
            body["terms"] = amounts.terms(kind, before)?;
        }
        if let Some(queue) = self.queue.over(&draft["queue"]) {
            body["queue"] = queue;
        }
        if !self.pools.is_empty() {
            body["pools"] = json!(self.pools);
        }
        let texts = [("number", &self.number), ("starts_at", &self.from), ("ends_at", &self.until)];
        let body = with_given(body, texts.map(|(name, given)| (name, given.as_ref())));
        if body.as_object().is_some_and(serde_json::Map::is_empty) {
            let hint = both(
                "`qiantang contracts edit --help` 列出可以更改的内容",
                "`qiantang contracts edit --help` lists what can be changed",
            );
            let message = both("没有给出要更改的内容", "no change is given");
            return Err(Failure::usage("nothing_to_change", message, hint));
        }
        Ok(body)
    }
}

impl Amounts {
    /// The terms of a kind; what is not given is taken from `before`, which has the terms of this kind or none.
    fn terms(&self, kind: Kind, before: &Value) -> Result<Value, Failure> {
        self.refuse_terms_of_other_kinds(kind)?;
        let term = |given: Option<Value>, name: &str, option: &str| {
            given.or_else(|| before.get(name).cloned()).ok_or_else(|| {
                let message = both(
                    format!("{}合同需要 {option}", kind.word()),
                    format!("a {} contract needs {option}", kind.name()),
                );
                let hint = both(format!("请给出 {option}"), format!("give {option}"));
                Failure::usage("missing_terms", message, hint)
            })
        };
        let hours = self.card_hours.as_deref().map(read_card_hours).transpose()?.map(|hours| json!(hours));
        let fee = || term(self.fee.map(|fee| json!(fee)), "fee", "--fee");
        Ok(match kind {
            Kind::Prepaid => {
                let package = term(hours, "package", "--card-hours")?;
                json!({ "kind": "prepaid", "package": package, "fee": fee()? })
            }
            Kind::Metered => {
                let credit = self.credit.map(|credit| json!(credit));
                let before = before.get("credit_limit").cloned();
                json!({ "kind": "metered", "credit_limit": credit.or(before).unwrap_or(json!(MicroCny::ZERO)) })
            }
            Kind::Reserved => {
                let cards = term(self.cards.map(|cards| json!(cards)), "cards", "--cards")?;
                json!({ "kind": "reserved", "cards": cards, "fee": fee()? })
            }
            Kind::Grant => json!({ "kind": "grant", "cap": hours.or_else(|| before.get("cap").cloned()) }),
        })
    }

    /// A term that the kind does not have would be lost without a word.
    fn refuse_terms_of_other_kinds(&self, kind: Kind) -> Result<(), Failure> {
        use Kind::{Grant, Metered, Prepaid, Reserved};
        let terms: [(&str, bool, &[Kind]); 4] = [
            ("--card-hours", self.card_hours.is_some(), &[Prepaid, Grant]),
            ("--fee", self.fee.is_some(), &[Prepaid, Reserved]),
            ("--credit", self.credit.is_some(), &[Metered]),
            ("--cards", self.cards.is_some(), &[Reserved]),
        ];
        match terms.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&kind)) {
            None => Ok(()),
            Some((option, _, kinds)) => {
                let names: Vec<String> = kinds.iter().map(|kind| kind.name()).collect();
                let words: Vec<String> = kinds.iter().map(|kind| kind.word()).collect();
                let message = both(
                    format!("{}合同没有 {option}", kind.word()),
                    format!("a {} contract has no {option}", kind.name()),
                );
                let hint = both(
                    format!("请去掉 {option}，或把合同改为{}", words.join("或")),
                    format!("leave {option} out, or make the contract {}", names.join(" or ")),
                );
                Err(Failure::usage("not_a_term", message, hint))
            }
        }
    }
}

impl Kind {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Its Chinese word.
    fn word(self) -> String {
        words::word(Lang::Zh, "kind", &self.name())
    }
}

/// The path of an act on the contract with that number or id.
fn act_on(context: &Context, wanted: &str, act: &str) -> Result<String, Failure> {
    let all = all(context)?;
    Ok(format!("{PATH}/{}/{act}", part(text(named(&all, wanted)?, "id"))))
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
