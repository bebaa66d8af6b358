//! The capacity balance of an interval, and whether the ledger agrees with itself.

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    error::AppError,
    http::encode,
    page::{
        extract::Asked,
        frame::{Page, Visitor, ok},
        words::{Html, Ui},
    },
};
use domain::{CardMs, capacity::CapacityBalance};
use serde::Deserialize;

use crate::{
    app::{
        capacity::{self, Interval},
        roots::{self, RootView},
        transfers::{self, TransferQuery, TransferView},
    },
    center::Center,
    portal::overview::parts_of,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CapacityQuery {
    from: String,
    to: String,
    cursor: String,
}

impl CapacityQuery {
    /// The same interval with other entries of the ledger.
    fn href(&self, cursor: &str) -> String {
        let parts = [("from", self.from.as_str()), ("to", &self.to), ("cursor", cursor)];
        let given: Vec<String> = parts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        format!("/capacity?{}#ledger", given.join("&"))
    }
}

/// A part of the cards' time; the last is the whole.
struct Part {
    /// As its cards look; empty for the whole.
    look: &'static str,
    used: CardMs,
    share: String,
}

fn parts(ui: Ui, balance: &CapacityBalance) -> Vec<Part> {
    let whole = balance.capacity_card_ms;
    let part = |(look, used): (&'static str, CardMs)| Part { look, used, share: ui.share(&used.0, &whole.0) };
    let sum = Part { look: "", used: whole, share: "100.0 %".to_owned() };
    parts_of(balance).into_iter().map(part).chain([sum]).collect()
}

#[derive(Template)]
#[template(path = "capacity.html")]
pub struct CapacityPage {
    page: Page,
    closes: bool,
    from: String,
    to: String,
    bar: Html,
    legend: Html,
    parts: Vec<Part>,
    transfers: Vec<TransferView>,
    shown: String,
    newest: String,
    older: String,
    root: Option<RootView>,
}

impl CapacityPage {
    /// The parts of the whole, as a sum in words.
    fn sum(&self) -> String {
        let parts = self.parts.iter().filter(|part| !part.look.is_empty());
        let words: Vec<String> = parts.map(|part| self.page.word("card", part.look).to_lowercase()).collect();
        words.join(" + ")
    }
}

pub async fn page(
    State(center): State<Center>,
    Asked(wanted): Asked<CapacityQuery>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let interval = Interval { from: ui.instant(&wanted.from), to: ui.instant(&wanted.to) };
    let found = capacity::balance(&center, &visitor.caller, interval).await?;
    let query = TransferQuery {
        contract: None,
        order: Some("newest".into()),
        cursor: Some(wanted.cursor.clone()),
        limit: Some(50),
        total: Some(true),
    };
    let transfers = transfers::list_transfers(&center, &visitor.caller, query).await?;
    let parts = parts(ui, &found.balance);
    let shown = || parts.iter().filter(|part| !part.look.is_empty());
    let in_ms: Vec<(&'static str, i64)> = shown().map(|part| (part.look, part.used.0)).collect();
    let shares: Vec<(&'static str, String)> = shown().map(|part| (part.look, part.share.clone())).collect();
    let page = CapacityPage {
        page: visitor.page("balance", ui.t("nav-balance")),
        from: ui.field(found.from),
        to: ui.field(found.to),
        bar: ui.bar(&in_ms, 34, &ui.t("capacity-balance")),
        legend: ui.legend(&shares),
        parts,
        shown: ui.shown_of(transfers.items.len(), transfers.total),
        transfers: transfers.items,
        newest: if wanted.cursor.is_empty() { String::new() } else { wanted.href("") },
        older: transfers.next_cursor.map(|next| wanted.href(&next)).unwrap_or_default(),
        closes: found.closes,
        root: roots::last(&center, &visitor.caller).await?,
    };
    Ok(ok(&page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for CapacityPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |closes: bool, signed: Option<bool>| {
                let capacity = views::capacity(closes);
                Self {
                    page: page.clone(),
                    from: page.field(capacity.from),
                    to: page.field(capacity.to),
                    bar: page.bar(&[("sold", 2), ("idle", 3)], 34, "A < B"),
                    legend: page.legend(&[("sold", "40.0 %".into())]),
                    parts: parts(page.ui, &capacity.balance),
                    transfers: if closes { views::transfers() } else { Vec::new() },
                    shown: page.t2("shown-of", 2, 9),
                    newest: if closes { "/capacity?from=a&to=b#ledger".into() } else { String::new() },
                    older: String::new(),
                    root: signed.map(views::root),
                    closes,
                }
            };
            vec![sample(true, Some(true)), sample(false, Some(false)), sample(false, None)]
        }
    }
}
