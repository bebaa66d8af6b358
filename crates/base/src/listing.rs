//! A part of a long list, and how to get the next.

/// The most items on a page of a list.
pub const MAX_PAGE: u32 = 200;
/// Items on a page where the caller names no number.
pub const DEFAULT_PAGE: u32 = 50;

/// A page of a list, and what to ask for to get the next.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Listing<T> {
    pub items: Vec<T>,
    /// `null` on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Listing<T> {
    /// Cuts a list that was asked for with one item more than `limit`.
    pub fn cut(mut items: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> String) -> Self {
        let limit = limit as usize;
        if items.len() <= limit {
            return Self { items, next_cursor: None };
        }
        items.truncate(limit);
        let next_cursor = items.last().map(cursor);
        Self { items, next_cursor }
    }

    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Listing<U> {
        Listing { items: self.items.into_iter().map(change).collect(), next_cursor: self.next_cursor }
    }
}
