//! The ledger: a transfer that is posted twice is posted once, balances are sums, and rows are never changed.

use std::collections::BTreeMap;

use domain::{
    CardMs, CardSet, MicroCny, Outcome, Run, Timestamp,
    ledger::{Account, Cause, Posting, Unit},
    metering::Metered,
    price::Waivers,
};
use proptest::prelude::*;
use store::{
    Store, StoreError,
    db::{params, statements},
    jobs,
    ledger::{self, By, ContractBalance, Line},
    recent, runs, tenants,
};
use testkit::rows::{Seeded, at, job, meter, open, run, seed, transfer_id};

statements! { "ledger_sums";
    FORGET_SUMS = "DELETE FROM ledger_sums";
    FORGET_CHECKPOINT = "UPDATE ledger_checkpoint SET upto_seq = 0";
}

pub fn store() -> (tempfile::TempDir, Store, Seeded) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    let center = seed(&store, 3, 2);
    (dir, store, center)
}

pub fn top_up(key: &str, center: &Seeded, amount: i64) -> Posting {
    Posting {
        key: key.into(),
        unit: Unit::MicroCny,
        debit: Account::Cash,
        credit: Account::Contract(center.parties[0].contract),
        amount,
        cause: Cause::TopUp,
        corrects: None,
    }
}

#[test]
fn posting_twice_is_posting_once() {
    let (_dir, store, center) = store();
    store
        .write(move |tx| {
            let posting = top_up("a", &center, 5);
            assert!(ledger::post(tx, &posting, transfer_id(at(1)), at(1))?);
            assert!(!ledger::post(tx, &posting, transfer_id(at(2)), at(2))?);
            for other in [
                Posting { amount: 6, ..posting.clone() },
                Posting { unit: Unit::CardMs, ..posting.clone() },
                Posting { debit: Account::Capacity, ..posting.clone() },
                Posting { credit: Account::Revenue, ..posting.clone() },
                Posting { cause: Cause::Fee, ..posting.clone() },
            ] {
                let error = ledger::post(tx, &other, transfer_id(at(3)), at(3)).unwrap_err();
                assert!(matches!(error, StoreError::Conflict { .. }), "{other:?}: {error}");
            }
            for bad in [
                Posting { key: "b".into(), amount: 0, ..posting.clone() },
                Posting { key: "b".into(), amount: -1, ..posting.clone() },
                Posting { key: "b".into(), debit: posting.credit, ..posting.clone() },
            ] {
                assert!(matches!(
                    ledger::post(tx, &bad, transfer_id(at(3)), at(3)),
                    Err(StoreError::Invalid { .. })
                ));
            }
            assert_eq!(ledger::balance(tx, posting.credit, Unit::MicroCny)?, 5);
            assert_eq!(ledger::balance(tx, posting.debit, Unit::MicroCny)?, -5);
            assert_eq!(ledger::balance(tx, posting.credit, Unit::CardMs)?, 0);
            let rows = ledger::list_transfers(tx, None, 0, 10)?;
            assert_eq!(rows.len(), 1);
            assert_eq!((rows[0].transfer.key.as_str(), rows[0].transfer.at, rows[0].seq), ("a", at(1), 1));
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

fn accounts(center: &Seeded) -> Vec<Account> {
    let mut accounts = vec![Account::Cash, Account::Revenue, Account::Capacity, Account::Delivered];
    accounts.extend(center.parties.iter().map(|party| Account::Contract(party.contract)));
    accounts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_is_posted_the_opening_and_the_lines_are_the_closing(
        posts in prop::collection::vec((0_usize..7, 1_usize..7, 1_i64..1_000_000_000, any::<bool>(), 0_i64..100, 0_usize..3), 0..300),
        from in 0_i64..100, length in 0_i64..100,
    ) {
        let (_dir, store, center) = store();
        let all = accounts(&center);
        let parties: Vec<_> = center.parties.iter().map(|party| party.contract).collect();
        store.write(move |tx| {
            for (n, (debit, by, amount, is_money, secs, cause)) in posts.into_iter().enumerate() {
                let (debit, credit) = (all[debit], all[(debit + by) % 7]);
                let unit = if is_money { Unit::MicroCny } else { Unit::CardMs };
                let cause = [Cause::Fee, Cause::TopUp, Cause::Package][cause];
                let corrects = (secs % 7 == 0).then(|| "2026-11".parse().unwrap());
                let posting = Posting { key: format!("k{n}"), unit, debit, credit, amount, cause, corrects };
                ledger::post(tx, &posting, transfer_id(at(secs)), at(secs))?;
            }
            Ok::<_, StoreError>(())
        }).unwrap();
        for contract in parties {
            for by in [By::Project, By::Job] {
                let (lines, before, after) = store.read(move |tx| {
                    let balance = |secs| {
                        let [used, money] = [Unit::CardMs, Unit::MicroCny]
                            .map(|unit| recent::balance_at(tx, contract, unit, at(secs)));
                        Ok::<_, StoreError>((used?, money?))
                    };
                    let lines = ledger::lines_between(tx, contract, at(from), at(from + length), by)?;
                    Ok::<_, StoreError>((lines, balance(from)?, balance(from + length)?))
                }).unwrap();
                let moved = lines.iter().fold(before, |(used, money), line| (used + line.used.0, money + line.amount.0));
                prop_assert_eq!(moved, after);
            }
        }
    }

    #[test]
    fn whatever_is_posted_balances_are_sums_and_totals_agree(
        posts in prop::collection::vec((0_usize..7, 1_usize..7, 1_i64..1_000_000_000, any::<bool>(), 0_u16..900), 0..900),
    ) {
        let (_dir, store, center) = store();
        let all = accounts(&center);
        let mut sums: BTreeMap<(Account, Unit), i64> = BTreeMap::new();
        let mut seen = std::collections::HashSet::new();
        let mut postings = Vec::new();
        for (debit, by, amount, is_money, key) in posts {
            let (debit, credit) = (all[debit], all[(debit + by) % 7]);
            let unit = if is_money { Unit::MicroCny } else { Unit::CardMs };
            postings.push(Posting { key: format!("k{key}"), unit, debit, credit, amount, cause: Cause::Fee, corrects: None });
            if seen.insert(key) {
                *sums.entry((debit, unit)).or_default() -= amount;
                *sums.entry((credit, unit)).or_default() += amount;
            }
        }
        store.write(move |tx| {
            for posting in &postings {
                match ledger::post(tx, posting, transfer_id(at(0)), at(0)) {
                    Ok(_) | Err(StoreError::Conflict { .. }) => {}
                    Err(other) => return Err(other),
                }
            }
            let check = || -> Result<(), StoreError> {
                for account in &all {
                    for unit in [Unit::CardMs, Unit::MicroCny] {
                        let wanted = sums.get(&(*account, unit)).copied().unwrap_or(0);
                        assert_eq!(ledger::balance(tx, *account, unit)?, wanted);
                    }
                }
                for (contract, balance) in ledger::balances_of_contracts(tx)? {
                    let of = |unit| sums.get(&(Account::Contract(contract), unit)).copied().unwrap_or(0);
                    let wanted = ContractBalance { use_balance: CardMs(of(Unit::CardMs)), money_balance: MicroCny(of(Unit::MicroCny)) };
                    assert_eq!(balance, wanted);
                }
                let report = ledger::verify(tx)?;
                assert!(report.is_right(), "{report:?}");
                assert_eq!(report.transfers, seen.len() as u64);
                Ok(())
            };
            check()?;
            tx.execute(FORGET_SUMS, params![])?;
            tx.execute(FORGET_CHECKPOINT, params![])?;
            check()
        }).unwrap();
    }
}

/// Keeps a run from its start to its end, metered at each tick and at the end.
fn live(
    tx: &store::Tx,
    run: &Run,
    start: i64,
    ticks: &[i64],
    end: i64,
    outcome: Outcome,
) -> Result<(), StoreError> {
    runs::insert_run(tx, run)?;
    let mut run = run.clone();
    run.state = run.state.start(at(start)).unwrap();
    runs::update_run_state(tx, &run)?;
    for tick in ticks {
        meter(tx, &run, at(*tick))?;
    }
    run.end(at(end), None, outcome).unwrap();
    runs::update_run_state(tx, &run)?;
    meter(tx, &run, at(end))
}

#[test]
fn a_statement_is_what_was_posted_in_its_time() {
    let (_dir, store, center) = store();
    store
        .write(move |tx| {
            let party = &center.parties[0];
            let (first, second) = (job(party, "first", at(0)), job(party, "second", at(1)));
            let stranger = job(&center.parties[1], "stranger", at(1));
            for job in [&first, &second, &stranger] {
                jobs::insert_job(tx, job)?;
            }
            let cards = CardSet::first(2);
            live(tx, &run(&first, center.nodes[0], cards, at(0)), 0, &[60, 120], 3600, Outcome::Succeeded)?;
            live(tx, &run(&second, center.nodes[0], cards, at(0)), 10, &[100], 200, Outcome::Lost)?;
            live(tx, &run(&stranger, center.nodes[1], cards, at(0)), 10, &[], 100, Outcome::Succeeded)?;
            ledger::post(tx, &top_up("in", &center, 1_000_000), transfer_id(at(5)), at(5))?;

            let of = |from: i64, until: i64, by| {
                let all = ledger::lines_between(tx, party.contract, at(from), at(until), by)?;
                let told = all.into_iter().map(|Line { cause, group, used, amount, .. }| {
                    let name = group.map(|group| {
                        let job = group.job.map_or("all".to_owned(), |(_, name)| name);
                        format!("{} {}", group.project, job)
                    });
                    (cause, name.unwrap_or_default(), used.0, amount.0)
                });
                Ok::<_, StoreError>(told.collect::<Vec<_>>())
            };
            let line = |cause: &str, name: &str, used: i64, charged: i64| {
                (cause.to_owned(), name.to_owned(), used, charged)
            };
            let hour = 12_000_000;
            let (one, two) = (format!("main {}", first.spec.name), format!("main {}", second.spec.name));
            let paid = line("top_up", "", 0, 1_000_000);
            assert_eq!(
                of(0, 121, By::Job)?,
                [
                    paid.clone(),
                    line("use", &one, -240_000, -hour / 15),
                    line("use", &two, -180_000, -hour / 20)
                ]
            );
            // A use that is given back counts in the part in which that happens.
            let late = of(121, 9999, By::Job)?;
            assert!(
                late.contains(&line("use", &one, -7_200_000 + 240_000, -2 * hour + hour / 15)),
                "{late:?}"
            );
            let of_second = of(0, 9999, By::Job)?.into_iter().filter(|line| line.1 == two);
            let left = of_second.fold((0, 0), |(used, charged), line| (used + line.2, charged + line.3));
            assert_eq!(left, (0, 0));
            let by_project = of(0, 121, By::Project)?;
            assert_eq!(by_project, [paid, line("use", "main all", -420_000, -hour / 15 - hour / 20)]);
            let ended = ledger::ended_runs(tx, Some(party.contract), at(0), at(9999), By::Project)?;
            assert_eq!(ended.iter().map(|ended| ended.runs).collect::<Vec<_>>(), [2]);
            assert_eq!(ledger::ended_runs(tx, None, at(0), at(9999), By::Job)?.len(), 3);
            assert!(ledger::ended_runs(tx, None, at(0), at(50), By::Job)?.is_empty());

            let row = jobs::get_row(tx, first.id)?;
            assert_eq!((row.used_card_ms, row.charge_micro_cny), (CardMs(7_200_000), MicroCny(2 * hour)));
            for now in [0, 1, 60, 61, 121, 9999] {
                let of = |unit| recent::balance_at(tx, party.contract, unit, at(now));
                let lines = ledger::lines_between(tx, party.contract, at(0), at(now), By::Job)?;
                assert_eq!(of(Unit::CardMs)?, lines.iter().map(|line| line.used.0).sum::<i64>());
                assert_eq!(of(Unit::MicroCny)?, lines.iter().map(|line| line.amount.0).sum::<i64>());
            }

            let of_contract = Some(party.contract);
            let listed = ledger::list_transfers(tx, of_contract, 0, 100)?;
            assert_eq!(listed.len(), 13, "6 of the first, 6 of the second, the top-up");
            let mut paged = Vec::new();
            while paged.len() < listed.len() {
                let after = paged.last().map_or(0, |row: &ledger::TransferRow| row.seq);
                paged.extend(ledger::list_transfers(tx, of_contract, after, 3)?);
            }
            assert_eq!(paged, listed);
            let mut newest: Vec<ledger::TransferRow> = Vec::new();
            while newest.len() < listed.len() {
                let before = newest.last().map(|row| row.seq);
                newest.extend(recent::transfers_before(tx, Some(party.contract), before, 3)?);
            }
            newest.reverse();
            assert_eq!(newest, listed, "the same, the other way round");
            let all = recent::transfers_before(tx, None, None, 100)?;
            assert!(all.is_sorted_by(|a, b| a.seq > b.seq) && all.len() >= listed.len());
            let run = runs::list_runs(tx, second.id, None, 1)?[0].run.id;
            assert_eq!(recent::job_of_run(tx, run)?.map(|(job, _)| job), Some(second.id));
            let of_run = listed.iter().filter(|row| row.transfer.cause.run() == Some(&run));
            assert_eq!(of_run.count(), 6);
            let report = ledger::verify(tx)?;
            assert!(report.is_right(), "{report:?}");
            assert_eq!(report.posted_card_ms, CardMs(7_200_000 + 180_000));
            assert_eq!(report.runs, 3);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

/// The check of a store with one run that was metered rightly, after `spoil` did what no code of the center
/// does.
fn spoiled(spoil: impl FnOnce(&rusqlite::Connection, Run)) -> ledger::LedgerReport {
    let (dir, store, center) = store();
    let job = job(&center.parties[0], "j", at(0));
    let mut run = run(&job, center.nodes[0], CardSet::first(1), at(0));
    let kept = run.clone();
    store
        .write(move |tx| {
            jobs::insert_job(tx, &job)?;
            live(tx, &kept, 0, &[], 100, Outcome::Succeeded)?;
            // So many transfers that sums are carried forward.
            for n in 0..300 {
                ledger::post(tx, &top_up(&format!("{n}"), &center, 1), transfer_id(at(0)), at(0))?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert!(store.read(ledger::verify).unwrap().is_right());
    run.state = run.state.start(at(0)).unwrap();
    let conn = rusqlite::Connection::open(dir.path().join("center.db")).unwrap();
    spoil(&conn, run);
    store.read(ledger::verify).unwrap()
}

#[test]
fn a_check_finds_every_kind_of_fault() {
    let report = spoiled(|conn, _| {
        conn.execute(
            "UPDATE ledger_sums SET debits = debits + 1 WHERE account = 'cash' OR account = 'contract'",
            [],
        )
        .unwrap();
    });
    assert!(!report.sums_agree && report.runs_agree && !report.faults.is_empty(), "{report:?}");
    let report = spoiled(|conn, _| {
        conn.execute("UPDATE runs SET used_card_ms = used_card_ms + 1", []).unwrap();
    });
    assert!(!report.runs_agree && report.sums_agree, "{report:?}");
    let report = spoiled(|conn, _| {
        conn.execute("UPDATE runs SET ended_at = ended_at + 5000000", []).unwrap();
    });
    assert!(!report.runs_agree && !report.is_right(), "{report:?}");
    let report = spoiled(|conn, _| {
        let longer = "UPDATE runs SET ended_at = ended_at + 5000000, charged_until = charged_until + 5000000";
        conn.execute(longer, []).unwrap();
    });
    assert!(!report.runs_agree && !report.occupancy_agrees && !report.is_right(), "{report:?}");
    let report = spoiled(|conn, _| {
        conn.execute("DROP TRIGGER transfers_never_go", []).unwrap();
        conn.execute("DELETE FROM transfers WHERE unit = 'micro_cny'", []).unwrap();
    });
    assert!(!report.runs_agree && !report.sums_agree && report.occupancy_agrees, "{report:?}");
}

#[test]
fn what_is_written_once_is_never_changed() {
    let (dir, store, center) = store();
    let contract = center.parties[0].contract;
    store
        .write(move |tx| {
            ledger::post(tx, &top_up("a", &center, 5), transfer_id(at(1)), at(1))?;
            let member = tenants::get_member(tx, center.parties[0].member)?;
            store::audit::append(
                tx,
                &store::audit::AuditRecord {
                    id: domain::AuditId::new(at(0), [0; 10]),
                    at: at(0),
                    actor: Some(member.id),
                    actor_login: member.login,
                    role: Some(member.role),
                    tenant: member.tenant,
                    action: "a".into(),
                    subject: "s".into(),
                    from_address: String::new(),
                    detail: serde_json::Value::Null,
                },
            )?;
            store::contracts::insert_contract_event(
                tx,
                &store::contracts::ContractEvent {
                    contract,
                    at: at(0),
                    actor: None,
                    action: domain::contract::ContractAction::Expire,
                    reason: String::new(),
                    from: domain::ContractState::Active,
                    to: domain::ContractState::Expired,
                },
            )?;
            store::prices::insert_price_book(
                tx,
                &domain::price::PriceBook {
                    id: domain::PriceBookId::new(at(0), [0; 10]),
                    name: "p".into(),
                    effective_from: at(0),
                    prices: vec![],
                    waivers: Waivers::default(),
                },
            )
        })
        .unwrap();
    let conn = rusqlite::Connection::open(dir.path().join("center.db")).unwrap();
    for (table, column) in [
        ("transfers", "amount"),
        ("audit", "subject"),
        ("contract_events", "reason"),
        ("price_books", "prices"),
    ] {
        for sql in [format!("UPDATE {table} SET {column} = {column}"), format!("DELETE FROM {table}")] {
            let error = conn.execute(&sql, []).unwrap_err().to_string();
            assert!(error.contains("append-only") || error.contains("never"), "{sql}: {error}");
        }
        let rows: i64 =
            conn.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1, "{table}");
    }
}

#[test]
fn a_transfer_needs_its_run_and_its_contract() {
    let (_dir, store, center) = store();
    let ghost = domain::RunId::new(at(0), [9; 10]);
    store
        .write(move |tx| {
            let posting = Posting { cause: Cause::Use(ghost), ..top_up("a", &center, 1) };
            let refused = ledger::post(tx, &posting, transfer_id(at(0)), at(0));
            assert_eq!(refused, Err(StoreError::BrokenReference { table: "transfers" }));
            let nobody = Account::Contract(domain::ContractId::new(at(0), [9; 10]));
            let posting = Posting { credit: nobody, ..top_up("a", &center, 1) };
            let refused = ledger::post(tx, &posting, transfer_id(at(0)), at(0));
            assert_eq!(refused, Err(StoreError::BrokenReference { table: "transfers" }));
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn metering_twice_posts_once() {
    let (_dir, store, center) = store();
    store
        .write(move |tx| {
            let job = job(&center.parties[0], "j", at(0));
            jobs::insert_job(tx, &job)?;
            let run = run(&job, center.nodes[0], CardSet::first(1), at(0));
            live(tx, &run, 0, &[60, 60, 60], 90, Outcome::Succeeded)?;
            let kept = runs::get_run(tx, run.id)?;
            meter(tx, &kept.run, Timestamp::from_secs(i64::MAX / 2_000_000))?;
            assert_eq!(kept.metered, Metered { used: CardMs(90_000), charged: MicroCny(300_000) });
            assert_eq!(ledger::list_transfers(tx, None, 0, 100)?.len(), 4);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}
