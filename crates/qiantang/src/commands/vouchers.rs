//! Vouchers: programmes with their pots, vouchers, and claims on closed months.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{Lang, MicroCny};
use serde_json::{Value, json};

use crate::{
    context::{Context, Done, Run, part, query, say},
    errors::Failure,
    output::{list, money, number, of_total, pick, table, text},
    words,
};

/// Show vouchers, apply for one, or handle programmes and claims.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Vouchers {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List vouchers, newest first.
    List {
        /// List those of this programme alone.
        #[arg(long)]
        programme: Option<String>,
        /// List those that come after this one.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show a voucher.
    Show {
        /// The voucher's number.
        number: String,
    },
    /// See what an application would come to, without handing it in.
    Quote(Application),
    /// Hand in an application.
    Apply(Application),
    /// Revoke a voucher; what is left of it goes back to the pot.
    Revoke {
        /// The voucher's number.
        number: String,
        /// Why it is revoked.
        #[arg(long)]
        reason: String,
    },
    /// List programmes with their pots.
    Programmes,
    /// Show a programme with its rules and the money of its pot.
    Programme {
        /// The programme's short name.
        slug: String,
    },
    /// Found a programme by a file of JSON (operators).
    Found {
        /// The file, as `POST /api/v1/vouchers/programmes` takes it.
        file: PathBuf,
    },
    /// Propose money for a pot, which another person books.
    Fund {
        /// The programme's short name.
        slug: String,
        /// How much, in yuan.
        #[arg(long)]
        yuan: MicroCny,
        /// The reference of the authority's document.
        #[arg(long)]
        reference: String,
    },
    /// Book proposed money into its pot.
    Book {
        /// The funding's id.
        funding: String,
        /// A note.
        #[arg(long)]
        note: Option<String>,
    },
    /// Refuse proposed money.
    Refuse {
        /// The funding's id.
        funding: String,
        /// Why it is refused.
        #[arg(long)]
        note: String,
    },
    /// Write all entries of a programme as CSV.
    Report {
        /// The programme's short name.
        slug: String,
    },
    /// List claims, newest first.
    Claims {
        /// List those of this voucher alone.
        #[arg(long)]
        voucher: Option<String>,
        /// List those that come after this one.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Draw up a claim on a closed month.
    Claim {
        /// The voucher's number.
        voucher: String,
        /// A closed month, such as 2026-11.
        month: String,
        /// The number of the invoice.
        #[arg(long)]
        invoice: String,
        /// The proof of the payment.
        #[arg(long)]
        proof: String,
        /// Declare that buyer and seller are not related.
        #[arg(long)]
        unrelated: bool,
    },
    /// Take a claim's next step.
    Step {
        /// The claim's number.
        claim: String,
        /// One of `submit`, `verify`, `audit`, `pay`, `reject`, `recover`.
        #[arg(value_parser = ["submit", "verify", "audit", "pay", "reject", "recover"])]
        step: String,
        /// Why; needed to reject and to recover.
        #[arg(long)]
        reason: Option<String>,
        /// The reference of the payment; needed to pay.
        #[arg(long)]
        reference: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Application {
    /// The programme's short name.
    programme: String,
    /// The contract's number.
    contract: String,
    /// What the cards are used for: `training`, `inference` or `maas`.
    #[arg(long)]
    usage: String,
    /// The size of the tenant: `sme` or `large`.
    #[arg(long)]
    size: String,
    /// Whose cards: `domestic` or `other`; needed where the contract has both.
    #[arg(long)]
    facility: Option<String>,
    /// The amount of the contract, in whole yuan.
    #[arg(long)]
    yuan: u64,
    /// What was asked for at other centers this year, in whole yuan.
    #[arg(long, default_value_t = 0)]
    elsewhere: u64,
}

const PATH: &str = "/api/v1/vouchers";

impl Application {
    fn body(self) -> Value {
        let mut answers = json!({ "programme": self.programme, "contract": self.contract, "usage": self.usage,
            "tenant_size": self.size, "amount_yuan": self.yuan, "elsewhere_yuan": self.elsewhere });
        if let Some(facility) = self.facility {
            answers["facility_kind"] = json!(facility);
        }
        json!({ "answers": answers })
    }
}

impl Run for Vouchers {
    fn run(self, context: &Context) -> Done {
        let client = &context.client;
        let decide = |funding: &str, is_booked: bool, note: Option<String>| {
            let body = json!({ "book": is_booked, "note": note.unwrap_or_default() });
            client.post(&format!("{PATH}/fundings/{}/decide", part(funding)), &body)
        };
        let answer = match self.act {
            None => return vouchers(context, None, None),
            Some(Act::List { programme, cursor }) => return vouchers(context, programme, cursor),
            Some(Act::Claims { voucher, cursor }) => return claims(context, voucher, cursor),
            Some(Act::Programmes) => return programmes(context),
            Some(Act::Report { slug }) => {
                let path = format!("{PATH}/programmes/{}/report", part(&slug));
                return say(client.text(&path, "text/csv")?.trim_end());
            }
            Some(Act::Show { number }) => client.get(&format!("{PATH}/{}", part(&number)))?,
            Some(Act::Quote(new)) => client.post(&format!("{PATH}/quote"), &new.body())?,
            Some(Act::Apply(new)) => client.post(&format!("{PATH}/applications"), &new.body())?,
            Some(Act::Revoke { number, reason }) => {
                client.post(&format!("{PATH}/{}/revoke", part(&number)), &json!({ "reason": reason }))?
            }
            Some(Act::Programme { slug }) => client.get(&format!("{PATH}/programmes/{}", part(&slug)))?,
            Some(Act::Found { file }) => client.post(&format!("{PATH}/programmes"), &read(&file)?)?,
            Some(Act::Fund { slug, yuan, reference }) => {
                let body = json!({ "amount_micro_cny": yuan, "reference": reference });
                client.post(&format!("{PATH}/programmes/{}/fundings", part(&slug)), &body)?
            }
            Some(Act::Book { funding, note }) => decide(&funding, true, note)?,
            Some(Act::Refuse { funding, note }) => decide(&funding, false, Some(note))?,
            Some(Act::Claim { voucher, month, invoice, proof, unrelated }) => {
                let body = json!({ "voucher": voucher, "month": month, "invoice_no": invoice,
                    "payment_proof": proof, "is_unrelated": unrelated });
                client.post(&format!("{PATH}/claims"), &body)?
            }
            Some(Act::Step { claim, step, reason, reference }) => {
                let body = json!({ "reason": reason.unwrap_or_default(),
                    "reference": reference.unwrap_or_default() });
                client.post(&format!("{PATH}/claims/{}/{}", part(&claim), part(&step)), &body)?
            }
        };
        context.print(&answer, |lang| facts(lang, &answer))
    }
}

fn read(file: &PathBuf) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unreadable(file, &error.to_string()))
}

fn unreadable(file: &std::path::Path, why: &str) -> Failure {
    let file = file.display();
    let message = domain::both(format!("无法读取 {file}：{why}"), format!("can't read {file}: {why}"));
    let hint = domain::both("请指明一个券种的 JSON 文件", "name a file of JSON with a programme");
    Failure::usage("bad_programme", message, hint)
}

fn page(context: &Context, path: &str, command: &str, shown: impl Fn(Lang, &[Value]) -> String) -> Done {
    let answer = context.client.get(path)?;
    let all = list(&answer["items"])?;
    context.print(&answer, |lang| {
        let more = answer["next_cursor"].as_str().map(|next| {
            let (stop, more) = (pick(lang, "。", ". "), pick(lang, "更多：", "More: "));
            let told = of_total(lang, all.len(), &answer["total"]);
            format!("\n{told}{stop}{more}qiantang vouchers {command} --cursor {next}")
        });
        shown(lang, all) + &more.unwrap_or_default()
    })
}

fn vouchers(context: &Context, programme: Option<String>, cursor: Option<String>) -> Done {
    let path = format!("{PATH}{}", query(&[("programme", programme), ("cursor", cursor)]));
    page(context, &path, "list", |lang, all| {
        if all.is_empty() {
            return pick(
                lang,
                "没有算力券。用 qiantang vouchers apply 申请。",
                "No vouchers. Apply with `qiantang vouchers apply`.",
            )
            .into();
        }
        let titles = match lang {
            Lang::Zh => ["算力券", "券种", "合同", "状态", "面额（元）", "已付（元）", "余额（元）"],
            Lang::En => ["voucher", "programme", "contract", "state", "face CNY", "paid CNY", "left CNY"],
        };
        let row = |one: &Value| {
            let words = ["number", "programme", "contract"].map(|key| text(one, key).to_owned());
            let state = words::word(lang, "voucher-state", text(one, "state"));
            let sums = ["face_micro_cny", "used_micro_cny", "left_micro_cny"];
            let sums = sums.map(|key| money(number(one, key)));
            words.into_iter().chain([state]).chain(sums).collect()
        };
        table(&titles, all.iter().map(row).collect(), 4)
    })
}

fn claims(context: &Context, voucher: Option<String>, cursor: Option<String>) -> Done {
    let path = format!("{PATH}/claims{}", query(&[("voucher", voucher), ("cursor", cursor)]));
    page(context, &path, "claims", |lang, all| {
        if all.is_empty() {
            return pick(
                lang,
                "没有兑付申请。月份结账后用 qiantang vouchers claim 申请。",
                "No claims. Claim a closed month with `qiantang vouchers claim`.",
            )
            .into();
        }
        let titles = match lang {
            Lang::Zh => ["兑付申请", "算力券", "合同", "月份", "状态", "金额（元）"],
            Lang::En => ["claim", "voucher", "contract", "month", "state", "CNY"],
        };
        let row = |one: &Value| {
            let words = ["number", "voucher", "contract", "month"].map(|key| text(one, key).to_owned());
            let state = words::word(lang, "claim-state", text(one, "state"));
            let amount = money(number(one, "amount_micro_cny"));
            words.into_iter().chain([state, amount]).collect()
        };
        table(&titles, all.iter().map(row).collect(), 5)
    })
}

fn programmes(context: &Context) -> Done {
    let answer = context.client.get(&format!("{PATH}/programmes"))?;
    let all = list(&answer)?;
    context.print(&answer, |lang| {
        if all.is_empty() {
            return pick(lang, "没有券种。", "No programmes.").into();
        }
        let titles = match lang {
            Lang::Zh => {
                ["券种", "主管部门", "方式", "已入池（元）", "已承诺（元）", "已支出（元）", "余额（元）"]
            }
            Lang::En => ["programme", "authority", "mode", "put in CNY", "committed", "spent", "left"],
        };
        let row = |one: &Value| {
            let words = ["slug", "authority"].map(|key| text(one, key).to_owned());
            let mode = words::word(lang, "voucher-mode", text(one, "mode"));
            let sums = ["funded_micro_cny", "committed_micro_cny", "spent_micro_cny", "left_micro_cny"];
            words.into_iter().chain([mode]).chain(sums.map(|key| money(number(one, key)))).collect()
        };
        table(&titles, all.iter().map(row).collect(), 3)
    })
}

/// All that an answer says, a line each; money in yuan.
fn facts(lang: Lang, answer: &Value) -> String {
    let mut rows = Vec::new();
    fact("", answer, &mut rows);
    let titles = match lang {
        Lang::Zh => ["项目", "内容"],
        Lang::En => ["what", "is"],
    };
    table(&titles, rows, 2)
}

fn fact(key: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    let of = |inner: &str| if key.is_empty() { inner.to_owned() } else { format!("{key}.{inner}") };
    let told = match value {
        Value::Object(fields) => {
            return fields.iter().for_each(|(inner, value)| fact(&of(inner), value, rows));
        }
        Value::Array(all) => {
            let numbered = all.iter().enumerate();
            return numbered.for_each(|(at, value)| fact(&of(&(at + 1).to_string()), value, rows));
        }
        Value::Null => return,
        Value::Number(amount) if key.ends_with("_micro_cny") => money(amount.as_i64().unwrap_or(0)),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    rows.push(vec![key.strip_suffix("_micro_cny").unwrap_or(key).to_owned(), told]);
}
