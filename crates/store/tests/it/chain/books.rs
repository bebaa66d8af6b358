//! Books to be changed: a center with something in every table, its roots, and how SQL gets past the triggers.

use std::path::{Path, PathBuf};

use domain::{
    AllianceId, AmendmentId, AuditId, CardSet, ContractState, InvoiceId, MemberId, MicroCny, Outcome,
    PriceBookId, RatePerCardHour, ServiceClass, TenantDomain, TenantId, TransferId,
    amendment::Effective,
    contract::ContractAction,
    ledger::{Account, Cause, Posting, Unit},
    price::{Price, PriceBook, Waivers},
    tenant::Alliance,
};
use rusqlite::Connection;
use serde_json::json;
use store::{
    Store, StoreError, Tx,
    amendments::{self, Amendment, AmendmentState},
    audit::{self, AuditRecord},
    chain::{self, Given, Report, SigningKey},
    contracts,
    invoices::{self, Invoice, InvoiceKind, InvoiceLine, InvoiceState},
    jobs, ledger, payments, pools, prices, runs, tenants, usage,
};
use testkit::rows::{Seeded, at, job, meter, open, run, seed, unique};

/// When links are made: long after the rows.
pub const SEALED_S: i64 = 9_000;

pub struct Books {
    pub dir: tempfile::TempDir,
    pub path: PathBuf,
    pub key: SigningKey,
    pub roots: String,
}

pub fn sealed(path: &Path) -> Store {
    let store = open(path);
    store.before_each_commit(|tx| chain::seal_changes(tx, at(SEALED_S)));
    store
}

pub fn audit_line(tx: &Tx, second: i64, action: &str, subject: String) -> Result<(), StoreError> {
    let record = AuditRecord {
        id: AuditId::new(at(second), unique()),
        at: at(second),
        actor: None,
        actor_login: "operator".into(),
        role: None,
        tenant: None,
        action: action.into(),
        subject,
        from_address: String::new(),
        detail: json!({}),
    };
    audit::append(tx, &record)
}

/// A run that took 100 seconds, with all that its end brings.
fn run_job(tx: &Tx, center: &Seeded, book: &PriceBook, second: i64) {
    let party = &center.parties[0];
    let mut job = job(party, "train", at(second));
    job.start_task(false).unwrap();
    jobs::insert_job(tx, &job).unwrap();
    let mut run = run(&job, center.nodes[0], CardSet::only(3), at(second + 1));
    run.price_book = Some(book.id);
    run.rate = book.rate(center.pool, job.spec.service_class, TenantDomain::ALL[0]).unwrap();
    run.state = run.state.start(at(second + 2)).unwrap();
    run.end(at(second + 102), None, Outcome::Succeeded).unwrap();
    runs::insert_run(tx, &run).unwrap();
    meter(tx, &run, at(second + 102)).unwrap();
    let metered = runs::get_run(tx, run.id).unwrap().metered;
    let (tenant, project) = (party.tenant, party.project);
    let used = usage::UseRow { tenant, project, runs: 1, used: metered.used, charged: metered.charged };
    usage::add_use(tx, 19_000, &used).unwrap();
    audit_line(tx, second, "submit_job", job.id.to_string()).unwrap();
}

fn pay(tx: &Tx, center: &Seeded, second: i64, reference: &str) {
    let contract = center.parties[0].contract;
    let posting = Posting {
        key: format!("{contract}/top-up/money/{}", payments::key(reference)),
        unit: Unit::MicroCny,
        debit: Account::Cash,
        credit: Account::Contract(contract),
        amount: 5_000_000,
        cause: Cause::TopUp,
        corrects: None,
    };
    ledger::post(tx, &posting, TransferId::new(at(second), unique()), at(second)).unwrap();
    let payment = payments::Payment {
        reference: payments::key(reference),
        contract,
        given_as: reference.into(),
        purpose: payments::Purpose::Balance,
        bank: String::new(),
        paid_on: String::new(),
        payer: String::new(),
        amount_micro_cny: MicroCny(5_000_000),
        card_ms: domain::CardMs(0),
        booked_at: at(second),
        booked_by: Some(center.parties[0].member),
    };
    payments::insert(tx, &payment).unwrap();
    audit_line(tx, second, "top_up", contract.to_string()).unwrap();
}

/// The first contract's terms become its first version, and an amendment of its weight the second.
fn amend(tx: &Tx, center: &Seeded) -> Result<(), StoreError> {
    let party = &center.parties[0];
    amendments::insert_first_version(tx, party.contract, at(3))?;
    let contract = contracts::get_contract(tx, party.contract)?;
    let drawn_up = Amendment {
        id: AmendmentId::new(at(4), unique()),
        contract: contract.id,
        effective: Effective::Now,
        kind: contract.kind,
        ends_at: contract.ends_at,
        queue: domain::QueueTerms { weight: 9, ..contract.queue },
        reason: "more weight".into(),
        state: AmendmentState::Proposed,
        drawn_by: party.member,
        drawn_at: at(4),
        decided_by: None,
        decided_at: None,
        from_at: None,
        note: String::new(),
    };
    amendments::insert(tx, &drawn_up)?;
    let (decided_by, decided_at) = (Some(party.member), Some(at(5)));
    let approved = Amendment {
        state: AmendmentState::Approved,
        decided_by,
        decided_at,
        from_at: decided_at,
        ..drawn_up
    };
    assert!(amendments::decide(tx, &approved)?);
    assert_eq!(amendments::list_coming(tx)?, std::slice::from_ref(&approved));
    amendments::put_in_force(tx, &approved)?;
    assert_eq!(contracts::get_contract(tx, contract.id)?.queue.weight, 9);
    let versions = amendments::list_versions(tx, contract.id)?;
    assert_eq!(
        versions.iter().map(|one| (one.number, one.from_at)).collect::<Vec<_>>(),
        [(1, at(3)), (2, at(5))]
    );
    Ok(())
}

pub fn seal(store: &Store) {
    loop {
        let Some(prepared) = store.read(|tx| chain::prepare(tx, 3)).unwrap() else { return };
        store.write(move |tx| chain::append(tx, prepared, at(SEALED_S))).unwrap();
    }
}

pub fn give_root(store: &Store, key: &SigningKey, occasion: &'static str) -> String {
    let root = store.read(|tx| chain::next_root(tx, at(SEALED_S), occasion)).unwrap().unwrap();
    let text = root.0.text();
    let signature = Some(chain::hex(&key.sign(text.as_bytes())));
    let line = chain::RootLine { root: text, key: Some(key.public().to_string()), signature };
    let line = serde_json::to_string(&line).unwrap();
    let kept = line.clone();
    assert!(store.write(move |tx| chain::insert_root(tx, &root, &kept)).unwrap());
    line + "\n"
}

/// A center with something in every table, sealed, with two roots.
pub fn books() -> Books {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("center.db");
    let key = SigningKey::of([9; 32]);
    let store = sealed(&path);
    let center = seed(&store, 2, 2);
    let (tenant, member) = (center.parties[0].tenant, center.parties[0].member);
    let rate = RatePerCardHour(MicroCny::from_yuan(6));
    let (pool, class, domain) = (center.pool, ServiceClass::ALL[0], TenantDomain::ALL[0]);
    let prices = ServiceClass::ALL.map(|class| Price { pool, class, domain, rate }).to_vec();
    assert_eq!(prices[0].class, class);
    let (id, name) = (PriceBookId::new(at(0), unique()), "2022".to_owned());
    let book = PriceBook { id, name, effective_from: at(0), prices, waivers: Waivers::default() };
    let of_write = (center.clone(), book.clone());
    store
        .write(move |tx| {
            let (center, book) = of_write;
            prices::insert_price_book(tx, &book)?;
            let name = || "智算联盟".to_owned();
            let (id, lending_limit) = (AllianceId::new(at(0), unique()), Some(4));
            let slug = "compute".to_owned();
            tenants::insert_alliance(
                tx,
                &Alliance { id, slug, name_zh: name(), name_en: name(), lending_limit },
            )?;
            let (contract, member) = (center.parties[0].contract, Some(center.parties[0].member));
            let steps = [
                (ContractAction::Approve, ContractState::Submitted, ContractState::Approved),
                (ContractAction::Activate, ContractState::Approved, ContractState::Active),
            ];
            for (action, from, to) in steps {
                let (at, reason) = (at(3), String::new());
                let event =
                    contracts::ContractEvent { contract, at, actor: member, action, reason, from, to };
                contracts::insert_contract_event(tx, &event)?;
            }
            amend(tx, &center)?;
            pay(tx, &center, 20, "ICBC-1");
            run_job(tx, &center, &book, 30);
            run_job(tx, &center, &book, 40);
            let drained = domain::NodeState::Drained { reason: "fans".into() };
            pools::set_node_state(tx, center.nodes[1], &drained, at(500), "fans")?;
            pools::set_node_state(tx, center.nodes[1], &domain::NodeState::Up, at(600), "")?;
            Ok::<_, StoreError>(())
        })
        .unwrap();
    seal(&store);
    let mut roots = give_root(&store, &key, "day 2022-05-20");
    store
        .write(move |tx| {
            run_job(tx, &center, &book, 700);
            run_job(tx, &center, &book, 800);
            pay(tx, &center, 900, "ICBC-2");
            Ok::<_, StoreError>(())
        })
        .unwrap();
    drop(store);
    // A closed month with a statement, as the center's noun for them keeps it.
    let conn = Connection::open(&path).unwrap();
    let body = r#"{"closing":1,"kind":"metered","lines":[{"cause":"use","micro_cny":-1060000}]}"#;
    conn.execute_batch("INSERT INTO periods SELECT '2022-05', 0, 9, 10, id FROM members LIMIT 1").unwrap();
    let statement =
        "INSERT INTO statements SELECT 'S-1', '2022-05', id, ?1, ?2 FROM contracts ORDER BY id LIMIT 1";
    conn.execute(statement, rusqlite::params![body, chain::sha256(body.as_bytes())]).unwrap();
    drop(conn);
    let store = sealed(&path);
    store.write(move |tx| invoice(tx, tenant, member)).unwrap();
    // A statement is in one invoice at most.
    let twice = store.write(move |tx| invoice(tx, tenant, member));
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    seal(&store);
    roots += &give_root(&store, &key, "month 2022-05");
    Books { dir, path, key, roots }
}

/// Two invoices over the statement: one that was refused, and one that stands.
fn invoice(tx: &Tx, tenant: TenantId, by: MemberId) -> Result<(), StoreError> {
    let billed = MicroCny(1_060_000);
    let mut requested = Invoice {
        id: InvoiceId::new(at(3_000), unique()),
        serial: invoices::next_serial(tx)?,
        tenant,
        kind: InvoiceKind::Ordinary,
        title: "某大学".into(),
        tax_number: String::new(),
        rate_bp: 600,
        email: String::new(),
        note: String::new(),
        billed_micro_cny: billed,
        amount_fen: 106,
        tax_fen: 6,
        state: InvoiceState::Requested,
        requested_by: by,
        requested_at: at(3_000),
        decided_by: None,
        decided_at: None,
        number: String::new(),
        issued_on: String::new(),
        reason: String::new(),
        reversed_by: None,
        reversed_at: None,
        red_number: String::new(),
        confirmation: String::new(),
        reversed_on: String::new(),
    };
    let line = |invoice: &Invoice| InvoiceLine {
        invoice: invoice.id,
        place: 1,
        statement: "S-1".into(),
        billed_micro_cny: billed,
        is_live: true,
    };
    invoices::insert(tx, &requested, &[line(&requested)])?;
    let refused = Invoice {
        state: InvoiceState::Refused,
        decided_by: Some(by),
        decided_at: Some(at(3_001)),
        reason: "a typing error".into(),
        ..requested.clone()
    };
    assert!(invoices::decide(tx, &refused)? && !invoices::decide(tx, &refused)?);
    (requested.id, requested.serial) = (InvoiceId::new(at(3_002), unique()), invoices::next_serial(tx)?);
    invoices::insert(tx, &requested, &[line(&requested)])
}

impl Books {
    pub fn copy(&self, name: &str) -> PathBuf {
        let copy = self.dir.path().join(format!("{name}.db"));
        let store = open(&self.path);
        store.backup(&copy).unwrap();
        copy
    }

    pub fn verify(&self, path: &Path) -> Report {
        let tx = store::db::open_copy(path).unwrap();
        chain::verify(&tx, Given { file: Some(&self.roots), key: Some(self.key.public()) }).unwrap()
    }

    /// The report on a copy that somebody has written to who knows of the triggers.
    pub fn found(&self, name: &str, sql: &str) -> Report {
        let copy = self.copy(name);
        tamper(&copy, sql);
        self.verify(&copy)
    }
}

/// Runs SQL as if no trigger were there, and leaves no trace of that.
pub fn tamper(path: &Path, sql: &str) {
    let conn = Connection::open(path).unwrap();
    let triggers: Vec<(String, String)> = {
        let mut all = conn.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").unwrap();
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    for (name, _) in &triggers {
        conn.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    conn.execute_batch(&format!("PRAGMA foreign_keys = off; {sql}")).unwrap();
    for (_, sql) in &triggers {
        conn.execute_batch(sql).unwrap();
    }
}
