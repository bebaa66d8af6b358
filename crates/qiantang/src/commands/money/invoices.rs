//! Invoices: requested over statements of closed months, issued by the tax system outside of the center.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use domain::{Lang, both};
use serde_json::{Value, json};

use crate::{
    context::{Context, Done, Run, part, query},
    errors::Failure,
    file::save,
    output::{Clock, items, list, money, number, of_total, pick, table, text},
    words,
};

/// List invoices, request one, or do what the center does with them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Invoices {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List invoices, newest first.
    List {
        /// Those in one state: `requested`, `issued`, `reversed`, `withdrawn` or `refused`.
        #[arg(long)]
        state: Option<String>,
        /// A tenant's short name (for the center's people).
        #[arg(long)]
        tenant: Option<String>,
        /// List those that come after this one.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one invoice with its statements.
    Show {
        /// The number of its request.
        request: String,
    },
    /// List the statements that are in no invoice, with what each bills.
    Statements {
        /// A tenant's short name (for the center's people).
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Request an invoice over statements of closed months.
    Request(Request),
    /// Withdraw a request that was not issued.
    Withdraw {
        /// The number of the request.
        request: String,
    },
    /// Issue a requested invoice under its number in the tax system (who keeps the center's money).
    Issue {
        /// The number of the request.
        request: String,
        /// The 20 digits of the tax system.
        number: String,
        /// The day on which it was issued, as YYYY-MM-DD.
        #[arg(long)]
        on: String,
    },
    /// Refuse a request (who keeps the center's money).
    Refuse {
        /// The number of the request.
        request: String,
        /// Why; the tenant reads it.
        #[arg(long)]
        reason: String,
    },
    /// Take an issued invoice back by a red-letter one (who keeps the center's money).
    Reverse {
        /// The number of the request.
        request: String,
        /// The 20 digits of the red-letter invoice.
        #[arg(long)]
        red_number: String,
        /// The number of the confirmation that the tax system asks for before.
        #[arg(long)]
        confirmation: String,
        /// The day of the red-letter invoice, as YYYY-MM-DD.
        #[arg(long)]
        on: String,
        /// Why; the tenant reads it.
        #[arg(long)]
        reason: String,
    },
    /// Write the requested invoices as CSV, for the tax system.
    Export {
        /// The file to write; standard output where left out.
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
    /// Take the numbers of the tax system: CSV with the columns request, number, `issued_on` and amount (who keeps the center's
    /// money).
    Import {
        /// The file to read.
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Request {
    /// Numbers of statements, such as 2026-11-0001.
    #[arg(required = true)]
    statements: Vec<String>,
    /// `special` (the buyer deducts the tax) or `ordinary`.
    #[arg(long, default_value = "ordinary")]
    kind: String,
    /// The buyer; the tenant's registered name where left out.
    #[arg(long)]
    title: Option<String>,
    /// The buyer's unified social credit code; the tenant's where left out.
    #[arg(long)]
    tax_number: Option<String>,
    /// The tax rate in basis points, such as 600 for 6 %; the center's first where left out.
    #[arg(long)]
    rate_bp: Option<u16>,
    /// Where the invoice is sent to.
    #[arg(long)]
    email: Option<String>,
    /// A note for the center.
    #[arg(long)]
    note: Option<String>,
}

const PATH: &str = "/api/v1/invoices";

impl Run for Invoices {
    fn run(self, context: &Context) -> Done {
        let act = |request: &str, act: &str, body: &Value| {
            context.client.post(&format!("{PATH}/{}/{act}", part(request)), body)
        };
        let answer = match self.act {
            None => return newest(context, &[]),
            Some(Act::List { state, tenant, cursor }) => {
                return newest(context, &[("state", state), ("tenant", tenant), ("cursor", cursor)]);
            }
            Some(Act::Statements { tenant }) => return open(context, tenant),
            Some(Act::Export { output }) => return export(context, output.as_deref()),
            Some(Act::Import { file }) => return import(context, &file),
            Some(Act::Show { request }) => context.client.get(&format!("{PATH}/{}", part(&request)))?,
            Some(Act::Request(new)) => {
                let body = json!({ "statements": new.statements, "kind": new.kind, "title": new.title,
                    "tax_number": new.tax_number, "rate_bp": new.rate_bp, "email": new.email.unwrap_or_default(),
                    "note": new.note.unwrap_or_default() });
                context.client.post(PATH, &body)?
            }
            Some(Act::Withdraw { request }) => act(&request, "withdraw", &json!({}))?,
            Some(Act::Issue { request, number, on }) => {
                act(&request, "issue", &json!({ "invoice_number": number, "issued_on": on }))?
            }
            Some(Act::Refuse { request, reason }) => act(&request, "refuse", &json!({ "reason": reason }))?,
            Some(Act::Reverse { request, red_number, confirmation, on, reason }) => {
                let body = json!({ "red_number": red_number, "confirmation": confirmation, "reversed_on": on,
                    "reason": reason });
                act(&request, "reverse", &body)?
            }
        };
        context.print(&answer, |lang| one(lang, &context.clock(), &answer))
    }
}

fn newest(context: &Context, asked: &[(&str, Option<String>)]) -> Done {
    let answer = context.client.get(&format!("{PATH}{}", query(asked)))?;
    let all = list(&answer["items"])?;
    context.print(&answer, |lang| {
        let more = answer["next_cursor"].as_str().map(|next| {
            let (stop, more) = (pick(lang, "。", ". "), pick(lang, "更多：", "More: "));
            let shown = of_total(lang, all.len(), &answer["total"]);
            format!("\n{shown}{stop}{more}qiantang invoices list --cursor {next}")
        });
        shown(lang, &context.clock(), all) + &more.unwrap_or_default()
    })
}

fn shown(lang: Lang, clock: &Clock, invoices: &[Value]) -> String {
    if invoices.is_empty() {
        return pick(
            lang,
            "没有发票。qiantang invoices statements 列出可开票的账单。",
            "No invoices. `qiantang invoices statements` lists what one may be over.",
        )
        .into();
    }
    let row = |one: &Value| {
        vec![
            text(one, "request").to_owned(),
            text(one, "tenant_slug").to_owned(),
            words::word(lang, "invoice-kind", text(one, "kind")),
            text(one, "title").to_owned(),
            words::word(lang, "invoice-state", text(one, "state")),
            text(one, "number").to_owned(),
            clock.instant(one, "requested_at"),
            money(number(one, "amount_micro_cny")),
        ]
    };
    let at = clock.title("申请时间", "requested");
    let titles: [&str; 8] = match lang {
        Lang::Zh => ["申请", "租户", "类型", "抬头", "状态", "发票号码", &at, "价税合计（元）"],
        Lang::En => ["request", "tenant", "kind", "title", "state", "number", &at, "CNY"],
    };
    table(&titles, invoices.iter().map(row).collect(), 7)
}

/// One invoice with its statements.
fn one(lang: Lang, clock: &Clock, invoice: &Value) -> String {
    let head = shown(lang, clock, std::slice::from_ref(invoice));
    let tax = money(number(invoice, "tax_micro_cny"));
    let tax = match lang {
        Lang::Zh => format!("其中税额 {tax} 元"),
        Lang::En => format!("of which {tax} CNY are tax"),
    };
    format!("{head}\n{tax}\n\n{}", statements(lang, items(invoice, "statements")))
}

fn statements(lang: Lang, statements: &[Value]) -> String {
    let row = |one: &Value| {
        vec![
            text(one, "statement").to_owned(),
            text(one, "contract").to_owned(),
            words::word(lang, "kind", text(one, "kind")),
            money(number(one, "billed_micro_cny")),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["账单", "合同", "类型", "应开票金额（元）"],
        Lang::En => ["statement", "contract", "kind", "billed, CNY"],
    };
    table(&titles, statements.iter().map(row).collect(), 3)
}

fn open(context: &Context, tenant: Option<String>) -> Done {
    let answer = context.client.get(&format!("{PATH}/statements{}", query(&[("tenant", tenant)])))?;
    let all = list(&answer)?;
    context.print(&answer, |lang| {
        if all.is_empty() {
            return pick(lang, "没有可开票的账单。", "There is nothing to invoice.").into();
        }
        statements(lang, all)
    })
}

fn export(context: &Context, output: Option<&Path>) -> Done {
    let path = format!("{PATH}/export");
    let Some(file) = output else {
        context.refuse_beside_json("`export` without --output", true)?;
        return context.client.copy(&path, "text/csv", &mut std::io::stdout().lock()).map(drop);
    };
    let bytes = save(file, |out| context.client.copy(&path, "text/csv", out))?;
    context.print(&json!({ "path": file, "bytes": bytes }), |lang| match lang {
        Lang::Zh => format!("待开票清单已写入 {}", file.display()),
        Lang::En => format!("The requested invoices are written to {}", file.display()),
    })
}

fn import(context: &Context, file: &Path) -> Done {
    let read = std::fs::read_to_string(file).map_err(|error| {
        let (path, said) = (file.display(), crate::errors::said(&error));
        Failure::usage(
            "no_file",
            both(format!("读不了 {path}：{}", said.zh), format!("can't read {path}: {}", said.en)),
            both("请给出 UTF-8 编码的 CSV 文件", "give a CSV file in UTF-8"),
        )
    })?;
    let answer = context.client.post(&format!("{PATH}/import"), &json!({ "table": read }))?;
    context.print(&answer, |lang| {
        let (issued, unchanged) = (number(&answer, "issued"), number(&answer, "unchanged"));
        match lang {
            Lang::Zh => format!("已开具 {issued} 张；{unchanged} 行与已知的相同"),
            Lang::En => format!("{issued} issued; {unchanged} rows say what is known"),
        }
    })
}
