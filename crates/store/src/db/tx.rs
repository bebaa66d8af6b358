//! A transaction, as the queries see it.

use std::{cell::Cell, fmt, ops::ControlFlow};

use domain::{Id, id::Kind};
use rusqlite::{
    Connection,
    types::{ToSql, ToSqlOutput, ValueRef},
};

use super::{
    error::StoreError,
    row::Row,
    sql::Sql,
    value::{Param, Value},
};

/// A transaction on one connection, with the connection's prepared statements. Inside [`crate::Store::read`]
/// it is one consistent snapshot; inside [`crate::Store::write`] its changes are kept together or not at all.
pub struct Tx {
    conn: Connection,
    /// A statement found no room on the disk.
    found_disk_full: Cell<bool>,
}

/// More than there are statements, so that each is prepared once for a connection.
const CACHED_STATEMENTS: usize = 1024;

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl Tx {
    pub(super) fn new(conn: Connection) -> Self {
        conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        Self { conn, found_disk_full: Cell::new(false) }
    }

    /// Whether a statement found no room on the disk since this was asked last.
    pub(super) fn take_disk_full(&self) -> bool {
        self.found_disk_full.take()
    }

    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Begins, ends or marks a transaction.
    pub(super) fn control(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.conn.prepare_cached(sql)?.raw_execute().map(|_| ())
    }

    pub(super) fn prepare(&self, sql: Sql) -> Result<(), StoreError> {
        self.conn.prepare(sql.text).map(|_| ()).map_err(|error| self.failed(sql, &error))
    }

    /// Runs a statement that gives no rows.
    pub fn execute(&self, sql: Sql, params: &[Value<'_>]) -> Result<(), StoreError> {
        self.changed(sql, params).map(|_| ())
    }

    /// Runs a statement that gives no rows; says how many rows it changed.
    pub fn changed(&self, sql: Sql, params: &[Value<'_>]) -> Result<usize, StoreError> {
        let run = || self.conn.prepare_cached(sql.text)?.execute(rusqlite::params_from_iter(params));
        run().map_err(|error| self.failed(sql, &error))
    }

    /// Runs a statement that changes the row of `id`, which is one of its parameters.
    /// [`StoreError::NotFound`] if there is no such row.
    pub fn update<K: Kind>(&self, sql: Sql, id: &Id<K>, params: &[Value<'_>]) -> Result<(), StoreError> {
        match self.changed(sql, params)? {
            0 => Err(StoreError::not_found(id)),
            _ => Ok(()),
        }
    }

    /// Hands each row to `take` until it breaks.
    pub fn each(
        &self,
        sql: Sql,
        params: &[Value<'_>],
        mut take: impl FnMut(Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| self.failed(sql, &error);
        let mut statement = self.conn.prepare_cached(sql.text).map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if take(Row::new(sql.table, row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// As [`Self::each`], for a statement on `table` that is put together while the program runs.
    pub fn each_of(
        &self,
        table: &'static str,
        text: &str,
        params: &[Value<'_>],
        mut take: impl FnMut(Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| StoreError::of_statement(table, &[], &error);
        let mut statement = self.conn.prepare_cached(text).map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if take(Row::new(table, row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// All rows.
    pub fn all<T>(
        &self,
        sql: Sql,
        params: &[Value<'_>],
        mut read: impl FnMut(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.each(sql, params, |row| {
            all.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// The first row, if there is one.
    pub fn find<T>(
        &self,
        sql: Sql,
        params: &[Value<'_>],
        read: impl FnOnce(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (mut found, mut read) = (None, Some(read));
        self.each(sql, params, |row| {
            if let Some(read) = read.take() {
                found = Some(read(row)?);
            }
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The row of `id`, which is the statement's one parameter. [`StoreError::NotFound`] if there is no such
    /// row.
    pub fn get<K: Kind, T>(
        &self,
        sql: Sql,
        id: &Id<K>,
        read: impl FnOnce(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.find(sql, &[id.value()], read)?.ok_or_else(|| StoreError::not_found(id))
    }

    /// The one row of a query that always gives one.
    pub fn one<T>(
        &self,
        sql: Sql,
        params: &[Value<'_>],
        read: impl FnOnce(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.find(sql, params, read)?.ok_or_else(|| StoreError::Database {
            table: sql.table,
            cause: "a row that is always there is gone".into(),
        })
    }

    fn failed(&self, sql: Sql, error: &rusqlite::Error) -> StoreError {
        let error = StoreError::of_statement(sql.table, sql.unique, error);
        if matches!(error, StoreError::DiskFull { .. }) {
            self.found_disk_full.set(true);
        }
        error
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
        }))
    }
}
