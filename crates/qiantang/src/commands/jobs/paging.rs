//! Lists of which people ask for so many, from as many pages as it takes.

use serde_json::Value;

use crate::{
    context::{Context, query},
    errors::Failure,
    output::list,
};

/// The most that the center tells at once.
const MOST_AT_ONCE: u32 = 200;

/// The beginning of a list, or what follows a place in it.
pub struct Found {
    pub items: Vec<Value>,
    pub next_cursor: Option<String>,
    /// How many there are in all, as the first page says.
    pub total: Value,
}

/// Asks for `most` things of a list: one page may be short where what matches is rare.
pub fn so_many(
    context: &Context,
    path: &str,
    filters: &[(&str, Option<String>)],
    most: u32,
    mut cursor: Option<String>,
) -> Result<Found, Failure> {
    let (mut items, mut total) = (Vec::new(), Value::Null);
    loop {
        let room = most.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
        let mut filters = filters.to_vec();
        filters.push(("limit", Some(room.min(MOST_AT_ONCE).to_string())));
        filters.push(("cursor", cursor));
        filters.push(("total", total.is_null().then(|| "true".to_owned())));
        let mut answer = context.client.get(&format!("{path}{}", query(&filters)))?;
        items.extend_from_slice(list(&answer["items"])?);
        if total.is_null() {
            total = answer["total"].take();
        }
        let next_cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if next_cursor.is_none() || items.len() >= most as usize {
            return Ok(Found { items, next_cursor, total });
        }
        cursor = next_cursor;
    }
}
