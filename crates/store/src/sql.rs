//! Statements, parameters and rows: all that the queries know of a database.
//!
//! A column is an integer of 64 bits, a text, a blob or null, on any database. Statements say `?1`, `?2`, … for their
//! parameters, and the first column that one selects names the row, so that a corrupt one can be told.

use domain::{CardMs, Id, MicroCny, Timestamp};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use serde::de::DeserializeOwned;

use crate::StoreError;

/// A statement and the table that it is about. Made by [`statements!`] alone, so that a test can prepare them all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sql {
    pub(crate) table: &'static str,
    pub(crate) text: &'static str,
}

/// Names the statements of a module, and lists them for the test that prepares them all.
macro_rules! statements {
    ($table:literal; $($name:ident = $text:expr;)*) => {
        $(const $name: $crate::sql::Sql = $crate::sql::Sql { table: $table, text: $text };)*

        #[cfg(test)]
        pub(crate) const STATEMENTS: &[$crate::sql::Sql] = &[$($name),*];
    };
}
pub(crate) use statements;

/// The parameters of a statement, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Param::from($value)),*] };
}
pub(crate) use params;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Param<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

macro_rules! integer_params {
    ($($type:ty: $value:ident => $int:expr),* $(,)?) => {$(
        impl From<$type> for Param<'_> {
            fn from($value: $type) -> Self {
                Self::Int($int)
            }
        }
    )*};
}

integer_params! {
    i64: value => value,
    i32: value => i64::from(value),
    u32: value => i64::from(value),
    u16: value => i64::from(value),
    u8: value => i64::from(value),
    bool: value => i64::from(value),
    Timestamp: value => value.as_micros(),
    CardMs: value => value.0,
    MicroCny: value => value.0,
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Blob(value)
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What a column of a row is read as.
pub(crate) trait Column: Sized {
    /// `None` if the value is not of this kind.
    fn from_value(value: ValueRef<'_>) -> Option<Self>;
}

impl Column for i64 {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(value) => Some(value),
            _ => None,
        }
    }
}

macro_rules! narrow_columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn from_value(value: ValueRef<'_>) -> Option<Self> {
                i64::from_value(value).and_then(|value| value.try_into().ok())
            }
        }
    )*};
}
narrow_columns!(i32, u64, u32, u16, u8);

impl Column for bool {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match i64::from_value(value)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Column for Timestamp {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        i64::from_value(value).map(Self::from_micros)
    }
}

impl Column for CardMs {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        i64::from_value(value).map(Self)
    }
}

impl Column for MicroCny {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        i64::from_value(value).map(Self)
    }
}

impl Column for String {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        value.as_str().ok().map(str::to_owned)
    }
}

impl<const N: usize> Column for [u8; N] {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        value.as_blob().ok()?.try_into().ok()
    }
}

impl<T: Column> Column for Option<T> {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl<'a, K> From<&'a Id<K>> for Param<'a> {
    fn from(id: &'a Id<K>) -> Self {
        Self::Blob(id.as_bytes())
    }
}

impl<K> Column for Id<K> {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        <[u8; 16]>::from_value(value).map(Self::from_bytes)
    }
}

/// A row of a result.
#[derive(Clone, Copy)]
pub(crate) struct Row<'r> {
    pub(crate) table: &'static str,
    pub(crate) row: &'r rusqlite::Row<'r>,
}

impl Row<'_> {
    fn value(&self, index: usize) -> Result<ValueRef<'_>, StoreError> {
        self.row.get_ref(index).map_err(|error| StoreError::of_statement(self.table, &error))
    }

    pub(crate) fn get<T: Column>(&self, index: usize) -> Result<T, StoreError> {
        T::from_value(self.value(index)?).ok_or_else(|| self.bad(index, "has a value of the wrong kind"))
    }

    /// A text or blob where it lies, without a copy.
    pub(crate) fn text(&self, index: usize) -> Result<&str, StoreError> {
        self.value(index)?.as_str().map_err(|_| self.bad(index, "is no text"))
    }

    pub(crate) fn blob(&self, index: usize) -> Result<&[u8], StoreError> {
        self.value(index)?.as_blob().map_err(|_| self.bad(index, "is no blob"))
    }

    /// A text that is a code of the domain.
    pub(crate) fn code<T>(
        &self,
        index: usize,
        from_code: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        from_code(self.text(index)?).ok_or_else(|| self.bad(index, "holds no known code"))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, index: usize) -> Result<T, StoreError> {
        serde_json::from_str(self.text(index)?)
            .map_err(|error| self.bad(index, &format!("is no such JSON: {error}")))
    }

    /// That this row can't be right.
    pub(crate) fn corrupt(&self, problem: impl Into<String>) -> StoreError {
        let id = match self.row.get_ref(0) {
            Ok(ValueRef::Integer(value)) => value.to_string(),
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            Ok(ValueRef::Blob(bytes)) => {
                use std::fmt::Write;
                bytes.iter().take(16).fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}");
                    hex
                })
            }
            _ => "?".to_owned(),
        };
        StoreError::Corrupt { table: self.table, id, problem: problem.into() }
    }

    fn bad(&self, index: usize, problem: &str) -> StoreError {
        let column = self.row.as_ref().column_name(index).unwrap_or("?");
        self.corrupt(format!("column `{column}` {problem}"))
    }
}

/// The JSON of a value that is kept as text.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid { what: error.to_string() })
}
