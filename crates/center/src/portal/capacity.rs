//! The capacity balance of an interval, and whether the ledger agrees with itself.

use askama::Template;
use axum::{extract::State, response::Response};
use domain::CardMs;
use serde::Deserialize;

use super::{
    extract::Asked,
    kit::{Html, instant, local},
    overview::parts_of,
    page::{Page, Visitor, encode, ok},
};
use crate::{
    app::{
        capacity::{self, CapacityView, Interval},
        statements::{self, TransferQuery, TransferView},
    },
    center::Center,
    error::AppError,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    from: String,
    to: String,
    cursor: String,
}

impl Wanted {
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

#[derive(Template)]
#[template(path = "capacity.html")]
pub struct Capacity {
    page: Page,
    capacity: CapacityView,
    from: String,
    to: String,
    bar: Html,
    legend: Html,
    parts: Vec<(&'static str, CardMs, String)>,
    transfers: Vec<TransferView>,
    newest: String,
    older: String,
}

pub async fn page(
    State(center): State<Center>,
    Asked(wanted): Asked<Wanted>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let interval = Interval { from: instant(&wanted.from), to: instant(&wanted.to) };
    let found = capacity::balance(&center, &visitor.caller, interval).await?;
    let query = TransferQuery {
        contract: None,
        order: Some("newest".into()),
        cursor: Some(wanted.cursor.clone()),
        limit: Some(50),
    };
    let transfers = statements::list_transfers(&center, &visitor.caller, query).await?;
    let whole = found.balance.capacity_card_ms.0;
    let parts = parts_of(&found.balance);
    let in_ms: Vec<(&'static str, i64)> = parts.iter().map(|(kind, part)| (*kind, part.0)).collect();
    let shares: Vec<(&'static str, String)> =
        parts.iter().map(|(kind, part)| (*kind, ui.share(&part.0, &whole))).collect();
    let page = Capacity {
        page: visitor.page("balance", ui.t("nav-balance")),
        from: field(&found.from),
        to: field(&found.to),
        bar: ui.bar(&in_ms, 34, &ui.t("capacity-balance")),
        legend: ui.legend(&shares),
        parts: parts.into_iter().map(|(kind, part)| (kind, part, ui.share(&part.0, &whole))).collect(),
        transfers: transfers.items,
        newest: if wanted.cursor.is_empty() { String::new() } else { wanted.href("") },
        older: transfers.next_cursor.map(|next| wanted.href(&next)).unwrap_or_default(),
        capacity: found,
    };
    Ok(ok(&page))
}

fn field(at: &str) -> String {
    local(at).map(|full| full.replace(' ', "T")).unwrap_or_default()
}

#[cfg(test)]
impl super::sample::Sample for Capacity {
    fn samples(page: &Page) -> Vec<Self> {
        use super::sample::views;
        let sample = |closes: bool| {
            let capacity = views::capacity(closes);
            let share = |(kind, part): (&'static str, CardMs)| (kind, part, "20.0 %".to_owned());
            Self {
                page: page.clone(),
                from: field(&capacity.from),
                to: field(&capacity.to),
                bar: page.bar(&[("sold", 2), ("idle", 3)], 34, "A < B"),
                legend: page.legend(&[("sold", "40.0 %".into())]),
                parts: parts_of(&capacity.balance).into_iter().map(share).collect(),
                transfers: if closes { views::transfers() } else { Vec::new() },
                newest: if closes { "/capacity?from=a&to=b#ledger".into() } else { String::new() },
                older: String::new(),
                capacity,
            }
        };
        vec![sample(true), sample(false)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_show_the_center_s_time() {
        assert_eq!(field("2026-11-23T00:00:00.000Z"), "2026-11-23T08:00:00");
    }
}
