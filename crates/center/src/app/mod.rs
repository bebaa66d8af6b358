//! What can be asked of the center, a file a noun. Each function goes the same way: authorize, load, decide, commit, and
//! only then the effects.

pub mod audit;
pub mod backup;
pub mod capacity;
pub mod contracts;
pub mod direct;
pub mod hall;
pub mod jobs;
pub mod logs;
pub mod lookup;
pub mod members;
pub mod nodes;
pub mod overview;
pub mod prices;
pub mod projects;
pub mod runs;
pub mod sign_in;
pub mod slurm_accounts;
pub mod statements;
pub mod tenants;
pub mod twin;
pub mod usage;
pub mod views;

/// The most items on a page of a list.
pub const MAX_PAGE: u32 = 200;
/// Items on a page where the caller names no number.
pub const DEFAULT_PAGE: u32 = 50;

/// A page of a list, and what to ask for to get the next.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// `null` on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
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

    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next_cursor: self.next_cursor }
    }
}
