//! A quote as it stands on paper, for the center, for a tenant and for an applicant alike.

use base::page::words::Ui;
use domain::{MicroCny, contract::ContractKindName};

use super::ask::{LineView, QuoteView};

/// What the sheet says in words.
pub struct Sheet {
    pub quote: QuoteView,
    pub lines: Vec<SheetLine>,
    /// What the sum is of, by the kind of contract.
    pub sum_of: String,
    /// What of the kind a reader has to know.
    pub terms: String,
    /// Whether it has a discount.
    pub has_discount: bool,
    /// How much less than the list price it is.
    pub off: MicroCny,
}

pub struct SheetLine {
    pub view: LineView,
    pub discount: String,
}

/// Basis points as people read them.
fn percent(bp: u32) -> String {
    let places = format!("{:02}", bp % 100);
    let places = places.trim_end_matches('0');
    let point = if places.is_empty() { "" } else { "." };
    format!("{}{point}{places} %", bp / 100)
}

impl Sheet {
    pub fn of(ui: Ui, quote: QuoteView) -> Self {
        let line = |view: &LineView| SheetLine {
            discount: if view.discount_bp == 0 { String::new() } else { percent(view.discount_bp) },
            view: view.clone(),
        };
        let off = MicroCny(quote.listed_micro_cny.0.saturating_sub(quote.amount_micro_cny.0));
        let is_grant = quote.kind == ContractKindName::Grant;
        Self {
            lines: quote.lines.iter().map(line).collect(),
            sum_of: ui.word("quote-sum", quote.kind.code()),
            terms: match quote.kind {
                ContractKindName::Metered => {
                    ui.t1("quote-terms-metered", "limit", ui.yuan_text(&quote.credit_limit_micro_cny))
                }
                other => ui.word("quote-terms", other.code()),
            },
            has_discount: quote.discount_bp > 0 && !is_grant,
            off,
            quote,
        }
    }
}
