//! Closed months: nothing is posted into them, and their statements keep their bytes.

use domain::Timestamp;
use store::{StoreError, ledger as books, periods};
use testkit::rows::{Seeded, transfer_id};

use crate::ledger::{store, top_up};

/// A closed month of UTC.
fn november(center: &Seeded) -> periods::Period {
    let month = "2026-11".parse().unwrap();
    let (from, until) = domain::Zone::utc().bounds(month);
    periods::Period { month, from, until, closed_at: until, closed_by: center.parties[0].member }
}

#[test]
fn nothing_is_posted_into_a_closed_month() {
    let (_dir, store, center) = store();
    store
        .write(move |tx| {
            let closed = november(&center);
            let last = Timestamp::from_micros(closed.until.as_micros() - 1);
            let before = top_up("before", &center, 5);
            assert!(books::post(tx, &before, transfer_id(last), last)?);
            periods::close(tx, &closed)?;
            assert!(matches!(periods::close(tx, &closed), Err(StoreError::Conflict { .. })));
            assert_eq!(periods::open_from(tx)?, closed.until);
            for at in [closed.from, last, Timestamp::from_secs(1)] {
                let refused = books::post(tx, &top_up("late", &center, 5), transfer_id(at), at).unwrap_err();
                assert!(
                    refused.to_string().contains("the month 2026-11 of the books is closed"),
                    "{refused}"
                );
                // What is there is there: posting twice is posting once.
                assert!(!books::post(tx, &before, transfer_id(at), at)?);
            }
            assert!(books::post(tx, &top_up("late", &center, 5), transfer_id(last), closed.until)?);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn a_frozen_statement_keeps_its_bytes() {
    let (_dir, store, center) = store();
    store
        .write(move |tx| {
            let closed = november(&center);
            periods::close(tx, &closed)?;
            let statement = periods::Frozen {
                number: "2026-11-0001".into(),
                month: closed.month,
                contract: center.parties[0].contract,
                body: "{}".into(),
                sha256: [7; 32],
            };
            periods::freeze(tx, &statement)?;
            assert_eq!(
                periods::find_statement(tx, statement.contract, closed.month)?,
                Some(statement.clone())
            );
            assert_eq!(periods::find_statement(tx, statement.contract, closed.month.next())?, None);
            assert_eq!(periods::list_statements(tx, closed.month)?.len(), 1);
            let again = periods::Frozen { number: "2026-11-0002".into(), ..statement };
            assert!(matches!(periods::freeze(tx, &again), Err(StoreError::Conflict { .. })));
            Ok::<_, StoreError>(())
        })
        .unwrap();
}
