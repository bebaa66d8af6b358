//! A transaction, as the queries see it.

use std::{fmt, ops::ControlFlow};

use rusqlite::Connection;

use crate::{
    StoreError,
    sql::{Param, Row, Sql},
};

/// A transaction on one connection, with the connection's prepared statements. Inside [`crate::Store::read`] it is one
/// consistent snapshot; inside [`crate::Store::write`] its changes are kept together or not at all.
pub struct Tx {
    conn: Connection,
}

/// More than there are statements, so that each is prepared once a connection.
const CACHED_STATEMENTS: usize = 256;

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl Tx {
    pub(crate) fn new(conn: Connection) -> Self {
        conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        Self { conn }
    }

    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Begins, ends or marks a transaction.
    pub(crate) fn control(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.conn.prepare_cached(sql)?.raw_execute().map(|_| ())
    }

    /// Runs a statement that gives no rows; says how many rows it changed.
    pub(crate) fn execute(&self, sql: Sql, params: &[Param<'_>]) -> Result<usize, StoreError> {
        let run = || self.conn.prepare_cached(sql.text)?.execute(rusqlite::params_from_iter(params));
        run().map_err(|error| StoreError::of_statement(sql.table, &error))
    }

    /// Hands each row to `take` until it breaks.
    pub(crate) fn each(
        &self,
        sql: Sql,
        params: &[Param<'_>],
        mut take: impl FnMut(Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| StoreError::of_statement(sql.table, &error);
        let mut statement = self.conn.prepare_cached(sql.text).map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if take(Row { table: sql.table, row })?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// All rows.
    pub(crate) fn all<T>(
        &self,
        sql: Sql,
        params: &[Param<'_>],
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
    pub(crate) fn find<T>(
        &self,
        sql: Sql,
        params: &[Param<'_>],
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

    /// The one row of a query that always gives one.
    pub(crate) fn one<T>(
        &self,
        sql: Sql,
        params: &[Param<'_>],
        read: impl FnOnce(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.find(sql, params, read)?.ok_or_else(|| StoreError::Database {
            table: sql.table,
            cause: "a row that is always there is gone".into(),
        })
    }
}
