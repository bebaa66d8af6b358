//! A row of a result, and how its columns are read.

use std::fmt;

use domain::code::Code;
use rusqlite::types::ValueRef;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    error::StoreError,
    value::{Column, Value},
};

/// A row of a result. Columns are counted from 0, or from where [`Row::skip`] put the beginning.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    columns: &'r rusqlite::Row<'r>,
    table: &'static str,
    first: usize,
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("table", &self.table).field("first", &self.first).finish_non_exhaustive()
    }
}

impl<'r> Row<'r> {
    pub(super) fn new(table: &'static str, columns: &'r rusqlite::Row<'r>) -> Self {
        Self { columns, table, first: 0 }
    }

    /// The row without its first columns, as if it began behind them.
    #[must_use]
    pub fn skip(self, columns: usize) -> Self {
        Self { first: self.first + columns, ..self }
    }

    pub fn get<T: Column>(self, index: usize) -> Result<T, StoreError> {
        T::from_value(self.value(index)?).ok_or_else(|| self.bad(index, "has a value of the wrong kind"))
    }

    pub fn is_null(self, index: usize) -> Result<bool, StoreError> {
        Ok(self.value(index)? == Value::Null)
    }

    /// A text where it lies, without a copy.
    pub fn text(self, index: usize) -> Result<&'r str, StoreError> {
        match self.value(index)? {
            Value::Text(text) => Ok(text),
            _ => Err(self.bad(index, "is not a text")),
        }
    }

    /// A blob where it lies, without a copy.
    pub fn blob(self, index: usize) -> Result<&'r [u8], StoreError> {
        match self.value(index)? {
            Value::Blob(bytes) => Ok(bytes),
            _ => Err(self.bad(index, "is not a blob")),
        }
    }

    /// An enum that is kept as its code.
    pub fn code<T: Code>(self, index: usize) -> Result<T, StoreError> {
        self.word(index, T::from_code)
    }

    /// A text that only `read` understands.
    pub fn word<T>(self, index: usize, read: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
        read(self.text(index)?).ok_or_else(|| self.bad(index, "holds no known code"))
    }

    /// A value that is kept as JSON.
    pub fn json<T: DeserializeOwned>(self, index: usize) -> Result<T, StoreError> {
        serde_json::from_str(self.text(index)?)
            .map_err(|error| self.bad(index, &format!("holds JSON of another form: {error}")))
    }

    /// An error that says why this row can't be right.
    pub fn corrupt(self, problem: impl Into<String>) -> StoreError {
        let id = match self.columns.get_ref(0) {
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

    /// The value as it is kept.
    pub fn value(self, index: usize) -> Result<Value<'r>, StoreError> {
        let kept = self.columns.get_ref(self.first + index);
        match kept.map_err(|error| StoreError::of_statement(self.table, &[], &error))? {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(value) => Ok(Value::Int(value)),
            ValueRef::Text(text) => {
                str::from_utf8(text).map(Value::Text).map_err(|_| self.bad(index, "is not UTF-8"))
            }
            ValueRef::Blob(bytes) => Ok(Value::Blob(bytes)),
            ValueRef::Real(_) => Err(self.bad(index, "is a floating-point number")),
        }
    }

    fn bad(self, index: usize, problem: &str) -> StoreError {
        let column = self.columns.as_ref().column_name(self.first + index).unwrap_or("?");
        self.corrupt(format!("column `{column}` {problem}"))
    }
}

/// The JSON of a value that is kept as text.
pub fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid { what: error.to_string() })
}
