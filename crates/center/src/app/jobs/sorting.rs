//! Jobs in another order than that of their submission.

use domain::{JobId, JobStatus, Timestamp, problem::field};
use store::{
    StoreError, Tx,
    jobs::{self, JobFilter, JobPage, JobRow},
};

use base::{error::AppError, params};

/// The most jobs that are sorted: those that match are read for each page.
pub const MOST_SORTED: usize = 10_000;
/// Jobs that are read at once.
const AT_ONCE: u32 = 1000;

domain::codes! {
    /// The columns that jobs are sorted by.
    pub enum Column {
        Submitted = "submitted",
        Name = "name",
        State = "state",
        Cards = "cards",
        Duration = "duration",
        Charge = "charge",
    }
}

/// An order: a column, from its least to its most, or with `-` before it the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub column: Column,
    pub is_downward: bool,
}

/// The order in which jobs are kept: newest first.
pub const NEWEST: Order = Order { column: Column::Submitted, is_downward: true };

impl Order {
    /// The order that a request names; the newest first where it names none.
    pub fn read(text: Option<&str>) -> Result<Self, AppError> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(NEWEST) };
        let (name, is_downward) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let known = Column::ALL.map(Column::code);
        let column = params::word(field::SORT, name, Column::from_code, &known)?;
        Ok(Self { column, is_downward })
    }

    /// As a request names it.
    pub fn text(self) -> String {
        format!("{}{}", if self.is_downward { "-" } else { "" }, self.column.code())
    }

    fn cmp(self, a: &JobRow, b: &JobRow, now: Timestamp) -> std::cmp::Ordering {
        let upward = match self.column {
            Column::Submitted => a.submitted_at.cmp(&b.submitted_at),
            Column::Name => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
            Column::State => place(a.state.status()).cmp(&place(b.state.status())),
            Column::Cards => cards(a).cmp(&cards(b)),
            Column::Duration => duration(a, now).cmp(&duration(b, now)),
            Column::Charge => a.charge_micro_cny.cmp(&b.charge_micro_cny),
        };
        let ordered = if self.is_downward { upward.reverse() } else { upward };
        // Those that are equal stand newest first.
        ordered.then_with(|| b.id.cmp(&a.id))
    }
}

fn place(state: JobStatus) -> usize {
    JobStatus::ALL.iter().position(|known| *known == state).unwrap_or(JobStatus::ALL.len())
}

fn cards(row: &JobRow) -> u64 {
    u64::from(row.nodes) * u64::from(row.cards_per_node)
}

/// How long it has run; `None`, which is less than any, where it has not begun.
fn duration(row: &JobRow, now: Timestamp) -> Option<i64> {
    row.started_at.map(|from| row.ended_at.unwrap_or(now).since(from).0)
}

/// A page of the jobs that match, behind `after`: `limit` of them.
///
/// Cost: linear in the jobs that match, up to [`MOST_SORTED`].
pub fn page(
    tx: &Tx,
    filter: &JobFilter,
    order: Order,
    now: Timestamp,
    after: Option<JobId>,
    limit: u32,
) -> Result<JobPage, StoreError> {
    if order == NEWEST {
        return jobs::page_jobs(tx, filter, after, limit);
    }
    let (mut rows, mut behind) = (Vec::new(), None);
    loop {
        let page = jobs::page_jobs(tx, filter, behind, AT_ONCE)?;
        rows.extend(page.rows);
        behind = page.next;
        if behind.is_none() || rows.len() >= MOST_SORTED {
            break;
        }
    }
    rows.sort_by(|a, b| order.cmp(a, b, now));
    // A job that matches no longer still says where its page ended.
    let begin = match after.map(|after| jobs::get_row(tx, after)).transpose()? {
        Some(last) => rows.partition_point(|row| order.cmp(row, &last, now).is_le()),
        None => 0,
    };
    let end = rows.len().min(begin + limit as usize);
    let next = (end < rows.len()).then(|| rows[end - 1].id);
    let rows = rows.drain(begin..end).collect();
    Ok(JobPage { rows, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_reads_as_it_is_written() {
        for text in ["name", "-charge", "submitted"] {
            assert_eq!(Order::read(Some(text)).unwrap().text(), text);
        }
        assert_eq!(Order::read(None).unwrap(), NEWEST);
        assert_eq!(Order::read(Some("-submitted")).unwrap(), NEWEST);
        for wrong in ["-", "--name", "price", "Name"] {
            assert!(Order::read(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
