//! Versions of contracts: those that books of before get, and the faults that the proof of the ledger finds by them.

use std::path::Path;

use domain::{
    AmendmentId, CardMs, CardSet, Contract, MicroCny, Outcome, PriceBookId, RatePerCardHour,
    amendment::Effective,
    contract::ContractKind,
    ledger::{Account, Cause, Posting, Unit},
    price::{PriceBook, Waivers},
};
use rusqlite::Connection;
use store::{
    StoreError, Tx,
    amendments::{self, Amendment, AmendmentState},
    contracts, jobs, ledger, prices, runs,
};
use testkit::rows::{Party, Seeded, at, contract, job, meter, run, transfer_id, unique};

use crate::ledger::store;

/// A contract of a party that became active at second 100.
fn active(tx: &Tx, center: &Seeded, kind: ContractKind) -> Result<Contract, StoreError> {
    let tenant = center.parties[0].tenant;
    let contract = Contract { kind, ends_at: at(1100), ..contract(tenant, "R-1", center.pool) };
    contracts::insert_contract(tx, &contract)?;
    amendments::insert_first_version(tx, contract.id, at(100))?;
    Ok(contract)
}

/// Puts an amendment to this kind in force at `second`.
fn amend(
    tx: &Tx,
    party: &Party,
    contract: &Contract,
    kind: ContractKind,
    second: i64,
) -> Result<(), StoreError> {
    let drawn_up = Amendment {
        id: AmendmentId::new(at(second), unique()),
        contract: contract.id,
        effective: Effective::Now,
        kind,
        ends_at: contract.ends_at,
        queue: contract.queue,
        reason: "more".into(),
        state: AmendmentState::Proposed,
        drawn_by: party.member,
        drawn_at: at(second),
        decided_by: None,
        decided_at: None,
        from_at: None,
        note: String::new(),
    };
    amendments::insert(tx, &drawn_up)?;
    let (state, from_at) = (AmendmentState::Approved, Some(at(second)));
    let approved =
        Amendment { state, decided_by: Some(party.member), decided_at: from_at, from_at, ..drawn_up };
    assert!(amendments::decide(tx, &approved)? && !amendments::decide(tx, &approved)?);
    amendments::put_in_force(tx, &approved)
}

#[test]
fn more_than_its_term_is_not_earned() {
    let (_dir, store, center) = store();
    store
        .write(move |tx| {
            let reserved = |fee: i64| ContractKind::Reserved { cards: 2, fee: MicroCny(fee) };
            let contract = active(tx, &center, reserved(1000))?;
            let post = |key: &str, amount: i64, second: i64| {
                let (unit, debit, credit) =
                    (Unit::MicroCny, Account::Contract(contract.id), Account::TermRevenue);
                let (key, cause, corrects) = (key.to_owned(), Cause::Term, None);
                let posting = Posting { key, unit, debit, credit, amount, cause, corrects };
                ledger::post(tx, &posting, transfer_id(at(second)), at(second))
            };
            // A thousandth a second from second 100 on; with the amendment of second 600 three thousandths.
            post("a", 400, 500)?;
            amend(tx, &center.parties[0], &contract, reserved(2000), 600)?;
            assert_eq!(contracts::get_contract(tx, contract.id)?.kind, reserved(2000));
            let course = contracts::course(tx, &contracts::get_contract(tx, contract.id)?)?.unwrap();
            let earned = [50, 100, 500, 600, 700, 1100].map(|second| course.earned_by(at(second)).0);
            assert_eq!(earned, [0, 0, 400, 500, 800, 2000]);
            post("b", 400, 700)?;
            assert!(ledger::verify(tx)?.is_right());
            post("c", 1, 700)?;
            let report = ledger::verify(tx)?;
            assert!(!report.terms_agree && !report.is_right(), "{:?}", report.faults);
            assert!(report.faults[0].to_string().contains("CNY 0.000801 of the fee"), "{:?}", report.faults);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn a_run_has_the_rate_of_the_version_at_its_plan() {
    let (_dir, store, center) = store();
    store
        .write(move |tx| {
            let package = |hours: i64, yuan: i64| {
                let (package, fee) = (CardMs::from_card_hours(hours), MicroCny::from_yuan(yuan));
                ContractKind::Prepaid { package, fee }
            };
            let contract = active(tx, &center, package(10, 100))?;
            let (id, name) = (PriceBookId::new(at(0), unique()), "2022".to_owned());
            let (prices, waivers) = (Vec::new(), Waivers::default());
            let book = PriceBook { id, name, effective_from: at(0), prices, waivers };
            prices::insert_price_book(tx, &book)?;
            let party = Party { contract: contract.id, ..center.parties[0].clone() };
            amend(tx, &party, &contract, package(20, 400), 600)?;
            let now = contracts::get_contract(tx, contract.id)?;
            assert_eq!(amendments::kind_at(tx, &now, at(599))?, package(10, 100));
            assert_eq!(amendments::kind_at(tx, &now, at(600))?, package(20, 400));
            assert_eq!(
                amendments::kind_at(tx, &now, at(1))?,
                package(10, 100),
                "before the first, the first"
            );
            let planned = |second: i64, yuan: i64| {
                let mut job = job(&party, "train", at(second));
                job.start_task(false).unwrap();
                jobs::insert_job(tx, &job)?;
                let mut run = run(&job, center.nodes[0], CardSet::only(3), at(second));
                run.price_book = Some(book.id);
                run.rate = RatePerCardHour(MicroCny::from_yuan(yuan));
                run.state = run.state.start(at(second)).unwrap();
                run.end(at(second + 10), None, Outcome::Succeeded).unwrap();
                runs::insert_run(tx, &run)?;
                meter(tx, &run, at(second + 10))
            };
            planned(500, 10)?;
            planned(700, 20)?;
            assert!(ledger::verify(tx)?.is_right());
            planned(800, 10)?;
            let report = ledger::verify(tx)?;
            assert!(!report.rates_agree, "the rate of before: {:?}", report.faults);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn contracts_of_before_have_a_version_from_their_activation_or_from_what_they_earned() {
    let files = crate::schema::migration_files();
    let conn = Connection::open_in_memory().unwrap();
    let run = |path: &Path| conn.execute_batch(&std::fs::read_to_string(path).unwrap()).unwrap();
    files.iter().filter(|(version, _)| *version < 14).for_each(|(_, path)| run(path));
    conn.execute_batch(
        "PRAGMA foreign_keys = off;
         INSERT INTO contracts (id, tenant, number, kind, pools, starts_at, ends_at, queue, state, created_at) VALUES
             (CAST(zeroblob(15) || x'01' AS BLOB), zeroblob(16), 'earned', 'k1', '[]', 100, 900, 'q1', 'active', 50),
             (CAST(zeroblob(15) || x'02' AS BLOB), zeroblob(16), 'late', 'k2', '[]', 200, 900, 'q2', 'expired', 50),
             (CAST(zeroblob(15) || x'03' AS BLOB), zeroblob(16), 'draft', 'k3', '[]', 300, 900, 'q3', 'draft', 50);
         INSERT INTO contract_events (contract, at, action, reason, from_state, to_state)
             SELECT id, 500, 'activate', '', 'approved', 'active' FROM contracts WHERE state <> 'draft';
         INSERT INTO transfers (id, key, at, unit, debit, debit_contract, credit, amount, cause)
             SELECT zeroblob(16), 'term', 1, 'micro_cny', 'contract', id, 'term_revenue', 5, 'term'
             FROM contracts WHERE number = 'earned';
         DELETE FROM unsealed_changes;",
    )
    .unwrap();
    files.iter().filter(|(version, _)| *version == 14).for_each(|(_, path)| run(path));
    let mut versions =
        conn.prepare("SELECT number, from_at, kind, queue FROM contract_versions ORDER BY contract").unwrap();
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found: Vec<(i64, i64, String, String)> =
        versions.query_map([], read).unwrap().map(Result::unwrap).collect();
    let version = |from: i64, kind: &str, queue: &str| (1, from, kind.to_owned(), queue.to_owned());
    assert_eq!(found, [version(100, "k1", "q1"), version(500, "k2", "q2")]);
    let unsealed: i64 =
        conn.query_row("SELECT COUNT(*) FROM unsealed_changes", [], |row| row.get(0)).unwrap();
    assert_eq!(unsealed, 2, "they are sealed with the next change");
}
