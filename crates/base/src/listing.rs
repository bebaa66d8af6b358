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
    /// How many there are on all pages; only where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
}

/// How many items a list has in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Total {
    pub count: u64,
    /// The count stopped at a bound: there are at least so many.
    pub and_more: bool,
}

impl Total {
    /// Of a count that was asked for up to one more than `most`.
    pub fn up_to(most: u32, count: u64) -> Self {
        let most = u64::from(most);
        Self { count: count.min(most), and_more: count > most }
    }
}

impl<T> Listing<T> {
    /// Cuts a list that was asked for with one item more than `limit`.
    pub fn cut(mut items: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> String) -> Self {
        let limit = limit as usize;
        if items.len() <= limit {
            return Self { items, next_cursor: None, total: None };
        }
        items.truncate(limit);
        let next_cursor = items.last().map(cursor);
        Self { items, next_cursor, total: None }
    }

    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Listing<U> {
        let Self { items, next_cursor, total } = self;
        Listing { items: items.into_iter().map(change).collect(), next_cursor, total }
    }
}
