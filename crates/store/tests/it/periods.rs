//! Closed months: nothing is posted into them, and their statements keep their bytes.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    ledger::{Account, Unit},
};
use proptest::prelude::*;
use store::{StoreError, ledger as books, periods};
use testkit::rows::{Seeded, at, transfer_id};

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// However the entries of an interval are read, the opening balances and the entries are the closing balances.
    #[test]
    fn an_interval_s_entries_lead_from_balance_to_balance(
        posted in prop::collection::vec((0_i64..100, 1_i64..1000, 0_u8..4), 1..40),
        bounds in (0_i64..100, 0_i64..100),
        at_once in 1_u32..7,
    ) {
        let (_dir, store, center) = store();
        let (from, until) = (at(bounds.0.min(bounds.1)), at(bounds.0.max(bounds.1)));
        let count = posted.len();
        let (span, moves, entries, kept) = store.write(move |tx| {
            for (place, (second, amount, kind)) in posted.into_iter().enumerate() {
                let mut posting = top_up(&format!("key-{place}"), &center, amount);
                match kind {
                    0 => posting.unit = Unit::CardMs,
                    1 => std::mem::swap(&mut posting.debit, &mut posting.credit),
                    2 => posting.credit = Account::Receivable,
                    _ => {}
                }
                books::post(tx, &posting, transfer_id(at(second)), at(second))?;
            }
            let span = books::Span { from, until, upto: books::last_seq(tx)? };
            // What is posted after the bound was named is not seen.
            books::post(tx, &top_up("late", &center, 1), transfer_id(from), from)?;
            let (mut entries, mut after) = (Vec::new(), 0);
            while let Some(more) = Some(books::entries_between(tx, &span, after, at_once)?).filter(|more| !more.is_empty()) {
                after = more.last().map_or(after, |(row, _)| row.seq);
                entries.extend(more);
            }
            let whole = books::Span { until: Timestamp::from_micros(i64::MAX), upto: i64::MAX, ..span };
            let kept: Vec<(i64, i64)> = books::account_moves(tx, &whole)?
                .into_iter()
                .map(|moves| Ok((moves.closing(), books::balance(tx, moves.account, moves.unit)?)))
                .collect::<Result<_, StoreError>>()?;
            Ok::<_, StoreError>((span, books::account_moves(tx, &span)?, entries, kept))
        }).unwrap();
        prop_assert_eq!(span.upto, i64::try_from(count).unwrap());
        prop_assert!(kept.iter().all(|(summed, kept)| summed == kept), "{kept:?}");
        let mut sums: BTreeMap<(Account, Unit), (i64, i64)> = BTreeMap::new();
        for (row, _) in &entries {
            let entry = &row.transfer;
            prop_assert!(entry.at >= from && entry.at < until && row.seq <= span.upto);
            sums.entry((entry.debit, entry.unit)).or_default().0 += entry.amount;
            sums.entry((entry.credit, entry.unit)).or_default().1 += entry.amount;
        }
        for moves in &moves {
            let (debits, credits) = sums.remove(&(moves.account, moves.unit)).unwrap_or_default();
            prop_assert_eq!((moves.debits, moves.credits), (debits, credits));
            prop_assert_eq!(moves.opening + credits - debits, moves.closing());
        }
        prop_assert!(sums.is_empty(), "{sums:?}");
    }
}
