//! Things whose fields are columns of the same names.

use super::{error::StoreError, row::Row, sql::Sql, tx::Tx};

/// A thing that is kept as a row. [`rows!`](crate::rows) writes it down.
pub trait Record: Sized {
    /// Reads the columns from the first on, in the order of [`rows!`](crate::rows).
    fn read(row: Row<'_>) -> Result<Self, StoreError>;

    /// Inserts it by a statement whose parameters are all columns in that order.
    fn insert(&self, tx: &Tx, sql: Sql) -> Result<(), StoreError>;
}

/// Says once which fields of a thing are kept, as columns of the same names: as they are, `as code` or `as
/// json`. It makes the thing a [`Record`](crate::db::Record), and gives a macro with the columns for
/// statements:
///
/// ```
/// # use store::db::{Record, rows, statements};
/// # pub struct Pool { pub id: domain::PoolId, pub name: String, pub model: domain::CardModel }
/// rows! { pool: Pool = id, name, model as json }
///
/// const COLUMNS: &str = pool!(columns);
/// const OF_JOINED: &str = pool!(columns of "p");
/// const INSERT: &str = pool!(insert into "pools");
///
/// assert_eq!(COLUMNS, "id, name, model");
/// assert_eq!(OF_JOINED, "p.id, p.name, p.model");
/// assert_eq!(INSERT, "INSERT INTO pools (id, name, model) VALUES (?, ?, ?)");
/// ```
#[macro_export]
macro_rules! rows {
    ($name:ident: $type:ty = $($field:ident $(as $form:ident)?),+ $(,)?) => {
        $crate::rows!(@columns ($) $name $($field)+);

        impl $crate::db::Record for $type {
            fn read(row: $crate::db::Row<'_>) -> Result<Self, $crate::db::StoreError> {
                let mut columns = 0;
                let mut next = || {
                    columns += 1;
                    columns - 1
                };
                Ok(Self { $($field: $crate::rows!(@read row, next() $(, $form)?)),+ })
            }

            fn insert(&self, tx: &$crate::db::Tx, sql: $crate::db::Sql) -> Result<(), $crate::db::StoreError> {
                $(let $field = $crate::rows!(@keep &self.$field $(, $form)?);)+
                tx.execute(sql, &[$($crate::rows!(@value $field $(, $form)?)),+])
            }
        }
    };

    (@read $row:ident, $index:expr) => { $row.get($index)? };
    (@read $row:ident, $index:expr, code) => { $row.code($index)? };
    (@read $row:ident, $index:expr, json) => { $row.json($index)? };

    (@keep $value:expr) => { $value };
    (@keep $value:expr, code) => { $value.code() };
    (@keep $value:expr, json) => { $crate::db::json($value)? };

    (@value $value:ident) => { $crate::db::Param::value($value) };
    (@value $value:ident, code) => { $crate::db::Param::value($value) };
    (@value $value:ident, json) => { $crate::db::Param::value(&$value) };

    (@mark $field:ident) => { ", ?" };

    // `$d` is a dollar sign, for the parameters of the macro that this makes.
    (@columns ($d:tt) $name:ident $first:ident $($field:ident)*) => {
        macro_rules! $name {
            (columns) => {
                concat!(stringify!($first) $(, ", ", stringify!($field))*)
            };
            (columns of $d of:literal) => {
                concat!($d of, ".", stringify!($first) $(, ", ", $d of, ".", stringify!($field))*)
            };
            (insert into $d table:literal) => {
                concat!(
                    "INSERT INTO ", $d table, " (", stringify!($first) $(, ", ", stringify!($field))*, ") VALUES (?",
                    $($crate::rows!(@mark $field),)* ")"
                )
            };
        }
    };
}
