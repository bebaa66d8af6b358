//! The settings of the books' roots: who signs them, and where they are given out.

use std::path::PathBuf;

use domain::{MicroCny, tenant::read_credit_code};
use serde::{Deserialize, Serialize};

/// The most days after the closing of a month until a statement is due.
const MOST_DUE_DAYS: u16 = 365;

/// The highest tax rate, in basis points.
const MOST_RATE_BP: u16 = 5_000;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BooksSettings {
    /// Whether who draws up a contract may not approve it, who approves it may not take its money, and who proposes a
    /// correction may not decide it. On in new centers where left out; as it was in those of before.
    pub separate_duties: Option<bool>,
    /// The most money that those may approve who are no operators: of a contract or amendment its fee or credit, of a
    /// correction its amount. Without it there is no such bound.
    pub approve_up_to_micro_cny: Option<MicroCny>,
    /// The secret key that signs roots, as `qiantang ledger key new` makes it.
    pub signing_key: Option<PathBuf>,
    /// A program that signs instead, with its arguments: it reads a root on its standard input, and writes the signature.
    pub sign_command: Vec<String>,
    /// The file that roots are appended to; `roots.jsonl` in `data_dir` where it is left out.
    pub roots_file: Option<PathBuf>,
    /// Where each root is sent as well, with POST.
    pub roots_url: Option<String>,
    /// Who is paid: it stands on statements.
    pub payee: PayeeSettings,
    /// How many days after its month was closed a statement is due.
    pub due_days: u16,
    /// The tax rates of invoices, in basis points; the first is taken where a request names none.
    pub invoice_rates_bp: Vec<u16>,
}

/// Who is paid; empty where statements name nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PayeeSettings {
    /// The name as it is registered.
    pub name: String,
    /// The unified social credit code.
    pub tax_number: String,
    pub bank: String,
    pub account: String,
}

impl Default for BooksSettings {
    fn default() -> Self {
        Self {
            separate_duties: None,
            approve_up_to_micro_cny: None,
            signing_key: None,
            sign_command: Vec::new(),
            roots_file: None,
            roots_url: None,
            payee: PayeeSettings::default(),
            due_days: 30,
            invoice_rates_bp: vec![600],
        }
    }
}

impl PayeeSettings {
    fn problem(&self) -> Option<String> {
        let Self { name, tax_number, bank, account } = self;
        if *self == Self::default() {
            return None;
        }
        let empty = [("name", name), ("bank", bank), ("account", account)];
        if let Some((key, _)) = empty.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Some(format!("`books.payee.{key}` is empty: a payee has a name, a bank and an account"));
        }
        let is_wrong = !tax_number.is_empty() && read_credit_code(tax_number).as_deref() != Ok(tax_number);
        is_wrong.then(|| {
            format!(
                "`books.payee.tax_number` is `{tax_number}`, which is not a unified social credit code: give its 18 \
                 characters, or leave it out"
            )
        })
    }
}

impl BooksSettings {
    /// The first thing that is wrong with these settings.
    pub(super) fn problem(&self) -> Option<String> {
        if let Some(most) = self.approve_up_to_micro_cny.filter(|most| most.0 < 0) {
            return Some(format!("`books.approve_up_to_micro_cny` is {}: it must be 0 or more", most.0));
        }
        if self.signing_key.is_some() && !self.sign_command.is_empty() {
            return Some(
                "`books.signing_key` and `books.sign_command` both say who signs: name one".to_owned(),
            );
        }
        if self.due_days > MOST_DUE_DAYS {
            return Some(format!(
                "`books.due_days` is {}: it must be at most {MOST_DUE_DAYS}",
                self.due_days
            ));
        }
        if self.invoice_rates_bp.is_empty() || self.invoice_rates_bp.iter().any(|rate| *rate > MOST_RATE_BP) {
            return Some(format!(
                "`books.invoice_rates_bp` is {:?}: name at least one tax rate, each from 0 to {MOST_RATE_BP} basis points",
                self.invoice_rates_bp
            ));
        }
        if let Some(problem) = self.payee.problem() {
            return Some(problem);
        }
        let is_known = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        let url = self.roots_url.as_ref().filter(|url| !is_known(url))?;
        Some(format!("`books.roots_url` is `{url}`: it must begin with http:// or https://"))
    }
}
