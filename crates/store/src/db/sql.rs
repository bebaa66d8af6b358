//! Statements. They say `?1`, `?2`, … or `?` for their parameters. The first column that one selects names
//! the row, so that a message can say which row is corrupt.

use super::error::Unique;

/// A statement with the table that it is about. [`statements!`](crate::statements) makes them, and has a test
/// prepare each.
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    pub(super) text: &'static str,
    pub(super) table: &'static str,
    pub(super) unique: Unique,
}

impl Sql {
    #[doc(hidden)]
    pub const fn new(table: &'static str, unique: Unique, text: &'static str) -> Self {
        Self { text, table, unique }
    }
}

/// Names the statements of a file and makes a test that prepares them all. `unique` says what a message calls
/// a row that is there already, by the columns that make it the same: `"projects.tenant, projects.slug"`.
#[macro_export]
macro_rules! statements {
    ($table:literal $(, unique: { $($columns:literal: $what:literal),+ $(,)? })?; $($name:ident = $text:expr;)+) => {
        const UNIQUE: &[(&str, &str)] = &[$($(($columns, $what)),+)?];
        $(const $name: $crate::db::Sql = $crate::db::Sql::new($table, UNIQUE, $text);)+

        #[cfg(test)]
        #[test]
        fn every_statement_is_prepared() {
            $crate::db::prepare(&[$($name),+]).unwrap();
        }
    };
}
