//! The audit log.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    fault::Fault,
    page::{Page, Visitor, encode, ok},
};
use crate::{
    app::audit::{self, AuditFilter, AuditView},
    auth::Action,
    center::Center,
};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    actor: String,
    action: String,
    cursor: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    p: Page,
    query: Wanted,
    actions: Vec<&'static str>,
    lines: Vec<AuditView>,
    older: String,
}

/// Lines that are no action of the policies.
const OWN_ACTIONS: [&str; 3] = ["end_contract", "new_token", "revoke_token"];

pub async fn page(
    State(center): State<Center>,
    Query(wanted): Query<Wanted>,
    visitor: Visitor,
) -> Result<Response, Fault> {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = AuditFilter {
        action: some(&wanted.action),
        actor: some(&wanted.actor),
        cursor: some(&wanted.cursor),
        limit: None,
    };
    let found = audit::list(&center, &visitor.caller, filter).await.map_err(|error| visitor.fault(error))?;
    let is_change = |action: &&Action| !action.code().starts_with("read_");
    let mut actions: Vec<&'static str> =
        Action::ALL.iter().filter(is_change).map(|action| action.code()).collect();
    actions.extend(OWN_ACTIONS);
    let older = found.next_cursor.map(|next| {
        let (actor, action) = (encode(&wanted.actor), encode(&wanted.action));
        format!("/audit?actor={actor}&action={action}&cursor={next}")
    });
    let page = Audit {
        p: visitor.page("audit", visitor.front.ui.t("nav-audit")),
        query: wanted,
        actions,
        lines: found.items,
        older: older.unwrap_or_default(),
    };
    Ok(ok(&page))
}
