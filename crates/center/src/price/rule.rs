//! Who may do what with price books, and their limits.

use base::{auth::Action, detail::Detail};

use crate::actions::NAME;

/// Prices are public within the center.
pub const READ: Action = Action::new("read_price", "read_public");
pub const MANAGE: Action = Action::new("manage_price", "run_center").keeps(&[NAME, Detail::count("prices")]);

/// The most prices of one book.
pub const MOST_PRICES: usize = 1000;
