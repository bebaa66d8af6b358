//! Jobs and runs by some digits of their ids, as people copy them from a list: the first, which tell the time, or the last,
//! by which they know them.

use std::ops::ControlFlow;

use domain::{Id, JobId, RunId, TenantId};

use crate::chain::{from_hex, hex};
use crate::db::{Param as _, Sql, StoreError, Tx, Value, params, statements};

macro_rules! tail {
    () => {
        "(hex(substr(id, 16, 1)) || hex(substr(id, 15, 1)) || hex(substr(id, 14, 1)) || hex(substr(id, 13, 1)))"
    };
}

statements! { "jobs";
    JOBS_FROM = "SELECT id, tenant FROM jobs WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC";
    JOBS_OF_TENANT_FROM = "SELECT id, tenant FROM jobs WHERE tenant = ?3 AND id BETWEEN ?1 AND ?2 ORDER BY id DESC";
    JOBS_TO = concat!("SELECT id, tenant FROM jobs WHERE ", tail!(), " BETWEEN ?1 AND ?2");
    RUNS_FROM = "SELECT id, tenant FROM runs WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC";
    RUNS_TO = concat!("SELECT id, tenant FROM runs WHERE ", tail!(), " BETWEEN ?1 AND ?2");
}

/// The fewest digits that are looked for: fewer fit too many.
pub const FEWEST: usize = 4;
/// The most rows that are looked at, other tenants' among them: what lies behind them is not found.
const MOST_LOOKED_AT: usize = 20_000;

/// A tenant's jobs, or all, whose ids begin or end with these digits of a hexadecimal number; `most` of them.
pub fn find_jobs(
    tx: &Tx,
    tenant: Option<TenantId>,
    digits: &str,
    most: usize,
) -> Result<Vec<JobId>, StoreError> {
    let from = if tenant.is_some() { JOBS_OF_TENANT_FROM } else { JOBS_FROM };
    find(tx, (from, tenant.is_some()), JOBS_TO, tenant, digits, most)
}

/// As [`find_jobs`], runs.
pub fn find_runs(
    tx: &Tx,
    tenant: Option<TenantId>,
    digits: &str,
    most: usize,
) -> Result<Vec<RunId>, StoreError> {
    find(tx, (RUNS_FROM, false), RUNS_TO, tenant, digits, most)
}

fn find<K>(
    tx: &Tx,
    (from, is_of_tenant): (Sql, bool),
    to: Sql,
    tenant: Option<TenantId>,
    digits: &str,
    most: usize,
) -> Result<Vec<Id<K>>, StoreError> {
    let digits = digits.to_ascii_lowercase();
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_hex || !(FEWEST..=32).contains(&digits.len()) {
        return Ok(Vec::new());
    }
    let mut found: Vec<Id<K>> = Vec::new();
    let mut take = |sql: Sql, bound: &[Value<'_>]| {
        let mut looked_at = 0;
        tx.each(sql, bound, |row| {
            let (id, owner): (Id<K>, TenantId) = (row.get(0)?, row.get(1)?);
            looked_at += 1;
            let hex = hex(id.as_bytes());
            let is_it = hex.starts_with(&digits) || hex.ends_with(&digits);
            if is_it && tenant.is_none_or(|own| own == owner) && !found.contains(&id) {
                found.push(id);
            }
            let is_done = found.len() >= most || looked_at >= MOST_LOOKED_AT;
            Ok(if is_done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    };
    // The last digits first: those are what lists show.
    let pairs: String = pairs_from_the_end(&digits);
    let beyond = format!("{pairs}G");
    take(to, params![&pairs, &beyond])?;
    let (first, last) = (filled(&digits, '0'), filled(&digits, 'f'));
    let mut bound = vec![Value::Blob(&first), Value::Blob(&last)];
    if let Some(tenant) = tenant.as_ref().filter(|_| is_of_tenant) {
        bound.push(tenant.value());
    }
    take(from, &bound)?;
    found.truncate(most);
    Ok(found)
}

/// The last four pairs of digits, as far as they are whole, the last pair first, as the index has them.
fn pairs_from_the_end(digits: &str) -> String {
    let pairs = digits.as_bytes().rchunks_exact(2).take(4);
    pairs.flat_map(|pair| pair.iter().map(|digit| digit.to_ascii_uppercase() as char)).collect()
}

/// The bytes of an id that begins with these digits, the others being `digit`.
fn filled(digits: &str, digit: char) -> [u8; 16] {
    let whole: String = digits.chars().chain(std::iter::repeat(digit)).take(32).collect();
    from_hex(&whole).expect("32 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_bounds() {
        assert_eq!(pairs_from_the_end("0123456789ab"), "AB896745");
        assert_eq!(pairs_from_the_end("fedcb"), "CBED");
        assert_eq!(filled("0a1", '0')[..3], [0x0a, 0x10, 0]);
        assert_eq!(filled("0a1", 'f')[..3], [0x0a, 0x1f, 0xff]);
    }
}
