//! Vouchers from their programme to their last micro-yuan: deducted with each charge, and claimed for a closed month.

use domain::{Millis, Zone};
use serde_json::{Value, json};
use testkit::{Browser, PASSWORD, Site, Tenant, Terminal, job};

use crate::{
    QIANTANG,
    audit::{assert_clean, audit, database},
    books::{SECONDS, number},
    tamper::tampered,
};

/// A center with a firm on a metered contract, and people of every role that vouchers need.
struct Scene {
    site: Site,
    firm: Tenant,
    clerk: String,
    till: String,
    finance: String,
    data: String,
    treasury: String,
}

const PAID: i64 = 900_000_000;

impl Scene {
    fn new() -> Self {
        let site = Site::new(QIANTANG, 1, SECONDS);
        site.publish_price(3_600_000_007);
        let metered = json!({ "kind": "metered", "credit_limit": 0 });
        let firm = site.tenant("firm", "enterprise", &metered, 8);
        let paid = json!({ "amount_micro_cny": PAID, "reference": "icbc-1" });
        site.post(&format!("/api/v1/contracts/{}/top-up", firm.contract), &site.operator, &paid);
        let roles = [
            ("clerk", "contracts"),
            ("till", "center_finance"),
            ("data", "data_bureau"),
            ("treasury", "finance_bureau"),
        ];
        let [clerk, till, data, treasury] = roles.map(|(login, role)| {
            let new = json!({ "login": login, "name": login, "role": role, "password": PASSWORD });
            site.post("/api/v1/members", &site.operator, &new);
            site.login(login)
        });
        let finance = site.login("firm-finance");
        Self { site, firm, clerk, till, finance, data, treasury }
    }

    /// A programme by Hangzhou's rules, with so much in its pot.
    fn programme(&self, slug: &str, mode: &str, pot: i64) {
        let terms = json!({
            "rules": [
                { "when": { "tenant_size": "sme", "year_total_le_micro_cny": 500_000_000_000_i64 }, "rate_bp": 5000 },
                { "when": { "facility_kind": "domestic" }, "rate_bp": 3000 },
                { "rate_bp": 2000 },
            ],
            "cap_per_tenant_micro_cny": 8_000_000_000_000_i64, "domains": ["enterprise"],
        });
        let new = json!({ "slug": slug, "name_zh": "市级算力券", "name_en": "City vouchers",
            "authority": "杭州市数据资源管理局", "level": "city", "year": 2026, "mode": mode,
            "pot_micro_cny": 250_000_000_000_000_i64, "starts_at": "2020-01-01", "ends_at": "2098-01-01",
            "terms": terms });
        self.site.post("/api/v1/vouchers/programmes", &self.site.operator, &new);
        self.fund(slug, pot);
    }

    fn fund(&self, slug: &str, amount: i64) {
        let path = format!("/api/v1/vouchers/programmes/{slug}/fundings");
        let new = json!({ "amount_micro_cny": amount, "reference": format!("{slug}-{amount}") });
        let proposed = self.site.post(&path, &self.till, &new);
        let path = format!("/api/v1/vouchers/fundings/{}/decide", proposed["id"].as_str().expect("an id"));
        let booked = self.site.post(&path, &self.site.operator, &json!({ "book": true }));
        assert_eq!(booked["state"], "booked", "{booked}");
    }

    fn answers(&self, slug: &str, size: &str, yuan: i64) -> Value {
        let contract = self.site.get(&format!("/api/v1/contracts/{}", self.firm.contract), &self.finance);
        json!({ "answers": { "programme": slug, "contract": contract["number"], "usage": "training",
            "tenant_size": size, "amount_yuan": yuan } })
    }

    /// Applies, and has the application approved by both of its steps. Gives the voucher.
    fn voucher(&self, slug: &str, size: &str, yuan: i64) -> Value {
        let answers = self.answers(slug, size, yuan);
        let applied = self.site.post("/api/v1/vouchers/applications", &self.finance, &answers);
        let path = format!("/api/v1/applications/{}/verdicts", applied["number"].as_str().expect("a number"));
        for token in [&self.clerk, &self.site.operator] {
            self.site.post(&path, token, &json!({ "verdict": "approve" }));
        }
        self.site.get("/api/v1/vouchers", &self.finance)["items"][0].clone()
    }

    fn shown(&self, voucher: &Value) -> Value {
        let number = voucher["number"].as_str().expect("a number");
        self.site.get(&format!("/api/v1/vouchers/{number}"), &self.finance)
    }

    fn programme_shown(&self, slug: &str) -> Value {
        self.site.get(&format!("/api/v1/vouchers/programmes/{slug}"), &self.data)
    }

    /// Runs a job to its end. Gives its charge.
    fn charge(&self, secs: &str) -> i64 {
        let mut spec = job("computes", &format!("exec sleep {secs}"));
        spec["cards_per_node"] = json!(2);
        let id = self.site.submit(&self.firm, &spec);
        number(&self.site.wait_for_end(&self.firm.developer, &id), "charge_micro_cny")
    }

    fn balance(&self) -> i64 {
        let contract = self.site.get(&format!("/api/v1/contracts/{}", self.firm.contract), &self.finance);
        number(&contract, "posted_money_balance_micro_cny")
    }

    fn refused(&self, path: &str, token: &str, body: &Value, why: &str) {
        let (status, refused) = self.site.ask("POST", path, token, Some(body));
        assert!(status == 409 && refused["values"]["why"] == why, "{why}: {status} {refused}");
    }
}

/// The sums of a programme's report are its pot.
fn report_adds_up(scene: &Scene, slug: &str) {
    let path = format!("/api/v1/vouchers/programmes/{slug}/report");
    let (status, table) = scene.site.get_text(&path, &scene.treasury);
    assert_eq!(status, 200, "{table}");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let titles = reader.headers().expect("titles").clone();
    let column = |name: &str| titles.iter().position(|title| title == name).expect("a column");
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let sum = |account: &str| -> i64 {
        let of = |row: &csv::StringRecord| row[column("micro_cny")].parse::<i64>().expect("an amount");
        let side = |name: &str| rows.iter().filter(|row| &row[column(name)] == account).map(of).sum::<i64>();
        side("to") - side("from")
    };
    let shown = scene.programme_shown(slug);
    assert_eq!(sum("pot"), number(&shown, "left_micro_cny"), "{table}");
    assert_eq!(sum("voucher"), number(&shown, "committed_micro_cny"), "{table}");
    assert_eq!(-sum("pledged"), number(&shown, "funded_micro_cny"), "{table}");
    let parts = ["left_micro_cny", "committed_micro_cny", "spent_micro_cny"];
    let parts: i64 = parts.iter().map(|part| number(&shown, part)).sum();
    assert_eq!(parts, number(&shown, "funded_micro_cny"), "{shown}");
}

fn books_are_right(scene: &Scene) {
    let check = scene.site.get("/api/v1/ledger/check", &scene.site.operator);
    assert!(check["is_balanced"] == true && check["problems"] == json!([]), "{check}");
    assert_clean(&database(&scene.site));
}

#[test]
fn a_voucher_pays_its_share_of_each_charge_to_the_last_micro_yuan() {
    let mut scene = Scene::new();
    scene.programme("hz", "deduct", 400_000_000);
    let quote = |yuan: i64| {
        let answers = scene.answers("hz", "sme", yuan);
        scene.site.post("/api/v1/vouchers/quote", &scene.finance, &answers)
    };
    // The cliff is shown to whoever stands before it.
    let (before, after) = (quote(500_000), quote(500_001));
    assert_eq!((number(&before, "rate_bp"), number(&after, "rate_bp")), (5000, 3000));
    assert_eq!(before["cliff"]["year_total_micro_cny"], 500_000_000_000_i64, "{before}");
    assert!(after["cliff"].is_null() && before["would_wait"] == true, "{after}");

    let voucher = scene.voucher("hz", "large", 1000);
    assert_eq!(voucher["state"], "active", "{voucher}");
    // What was asked for is no place in the center, which alone is quoted.
    let applied =
        scene.site.get("/api/v1/applications?kind=voucher", &scene.clerk)["items"][0]["number"].clone();
    let line = json!({ "pool": "ascend-910", "service_class": "normal", "cards": 1, "card_ms": 1000 });
    let quote = json!({ "application": applied, "kind": "grant", "lines": [line], "starts_at": "2020-01-01",
        "ends_at": "2099-01-01" });
    assert_eq!(scene.site.ask("POST", "/api/v1/quotes", &scene.clerk, Some(&quote)).0, 404);
    assert_eq!((number(&voucher, "face_micro_cny"), number(&voucher, "rate_bp")), (300_000_000, 3000));
    assert_eq!(number(&scene.programme_shown("hz"), "left_micro_cny"), 100_000_000);
    scene.refused(
        "/api/v1/vouchers/applications",
        &scene.finance,
        &scene.answers("hz", "large", 1),
        "contract_taken",
    );

    let first = scene.charge("1.2");
    assert!(first > 1_000_000, "{first}");
    assert_eq!(number(&scene.shown(&voucher), "used_micro_cny"), first * 3 / 10);
    assert_eq!(scene.balance(), PAID - first + first * 3 / 10);
    // It is killed while a run goes on, and goes on itself.
    let mut spec = job("goes-on", "exec sleep 4");
    spec["cards_per_node"] = json!(2);
    let id = scene.site.submit(&scene.firm, &spec);
    scene.site.wait_for_state(&scene.firm.developer, &id, "running");
    scene.site.kill();
    scene.site.start();
    let second = number(&scene.site.wait_for_end(&scene.firm.developer, &id), "charge_micro_cny");
    let all = first + second;
    assert_eq!(number(&scene.shown(&voucher), "used_micro_cny"), all * 3 / 10);
    assert_eq!(scene.balance(), PAID - all + all * 3 / 10);

    // What is given back of a charge takes its share back.
    let run = scene.site.get(&format!("/api/v1/jobs/{id}/runs"), &scene.finance)["items"][0]["id"].clone();
    let contract = scene.site.get(&format!("/api/v1/contracts/{}", scene.firm.contract), &scene.finance);
    let note = json!({ "kind": "credit_note", "contract": contract["number"], "amount_micro_cny": second / 2,
        "corrects": run, "reason": "a fan failed" });
    let proposed = scene.site.post("/api/v1/corrections", &scene.till, &note);
    let path = format!("/api/v1/corrections/{}/decide", proposed["id"].as_str().expect("an id"));
    scene.site.post(&path, &scene.site.operator, &json!({ "book": true }));
    let left = all - second / 2;
    assert_eq!(number(&scene.shown(&voucher), "used_micro_cny"), left * 3 / 10);
    assert_eq!(scene.balance(), PAID - left + left * 3 / 10);

    // Statements have it as lines of their own, which add up.
    let month = Zone::default().month(testkit::now());
    let path = format!("/api/v1/contracts/{}/statement?month={month}", scene.firm.contract);
    let statement = scene.site.get(&path, &scene.finance);
    let line = |cause: &str| -> i64 {
        let lines = statement["lines"].as_array().expect("lines").iter();
        lines.filter(|line| line["cause"] == cause).map(|line| number(line, "micro_cny")).sum()
    };
    assert_eq!(line("redemption") + line("redemption_reversal"), left * 3 / 10, "{statement}");
    let (_, table) = scene.site.get_text(&format!("{path}&format=csv"), &scene.finance);
    assert!(table.contains("line,redemption,") && table.contains("line,redemption_reversal,"), "{table}");
    let browser = Browser::signed_in(&scene.site, "firm-finance");
    let page = browser.get(&format!("/contracts/{}/statement?month={month}", scene.firm.contract)).body;
    assert!(page.contains("Paid by a voucher") && page.contains("Taken back by a voucher"), "{page}");
    report_adds_up(&scene, "hz");
    books_are_right(&scene);

    // What is left goes back, and what was paid stays.
    let path = format!("/api/v1/vouchers/{}/revoke", voucher["number"].as_str().expect("a number"));
    let revoked = scene.site.post(&path, &scene.clerk, &json!({ "reason": "related parties" }));
    assert!(revoked["state"] == "revoked" && number(&revoked, "left_micro_cny") == 0, "{revoked}");
    let third = scene.charge("0.3");
    assert_eq!(scene.balance(), PAID - left - third + left * 3 / 10);
    report_adds_up(&scene, "hz");
    books_are_right(&scene);

    let copy = scene.site.backups().join("vouchers.db");
    scene.site.post("/api/v1/backup", &scene.site.operator, &json!({ "path": copy }));
    for (name, sql, wanted) in TAMPERINGS {
        let (code, told) = audit(&tampered(&copy, name, sql));
        assert!(code == 1 && told.contains(wanted), "{name}: {wanted:?} is not in {told}");
    }
}

/// A change in a copy: its name, its SQL, and a part of the difference that the audit program must tell.
const TAMPERINGS: [(&str, &str, &str); 6] = [
    ("share", "UPDATE vouchers SET rate_bp = 3001", "the rule of a voucher, and its share: "),
    ("face", "UPDATE vouchers SET face_micro_cny = face_micro_cny + 1", "the face of a voucher: "),
    ("funding", "UPDATE fundings SET amount_micro_cny = 7", "the entry of money for a pot: "),
    (
        "redemption",
        "UPDATE transfers SET amount = amount + 1 WHERE seq = (SELECT min(seq) FROM transfers WHERE cause = 'redemption')",
        "what a voucher has paid after a charge: ",
    ),
    (
        "base",
        "UPDATE voucher_bases SET base_micro_cny = base_micro_cny + 1",
        "of a voucher in voucher_bases: ",
    ),
    (
        "pot",
        "UPDATE transfers SET amount = amount - 399999999 WHERE cause = 'funding'",
        "what an entry leaves in a pot or on a voucher: ",
    ),
];

#[test]
fn a_pot_that_is_empty_has_a_line_and_is_never_below_zero() {
    let scene = Scene::new();
    scene.programme("hz", "deduct", 100_000_000);
    let waits = scene.voucher("hz", "large", 1000);
    assert!(waits["state"] == "waiting" && waits["place"] == 1, "{waits}");
    scene.charge("0.2");
    assert_eq!(number(&scene.shown(&waits), "used_micro_cny"), 0);
    assert_eq!(number(&scene.programme_shown("hz"), "left_micro_cny"), 100_000_000);
    scene.fund("hz", 250_000_000);
    let active = scene.shown(&waits);
    assert_eq!(active["state"], "active", "{active}");
    assert_eq!(number(&scene.programme_shown("hz"), "left_micro_cny"), 50_000_000);
    // Two people, and no more than was announced.
    let path = "/api/v1/vouchers/programmes/hz/fundings";
    let too_much = json!({ "amount_micro_cny": 250_000_000_000_000_i64, "reference": "much" });
    scene.refused(path, &scene.till, &too_much, "pot_is_full");
    let again = json!({ "amount_micro_cny": 1, "reference": " HZ-250000000" });
    assert_eq!(scene.site.ask("POST", path, &scene.till, Some(&again)).0, 409, "a reference is booked once");
    report_adds_up(&scene, "hz");
    books_are_right(&scene);
    let terminal = Terminal::signed_in(&scene.site, "firm-finance");
    for (command, told) in [
        (vec!["vouchers"], "V-"),
        (vec!["vouchers", "programmes"], "350"),
        (vec!["vouchers", "claims"], "No claims"),
        (vec!["vouchers", "report", "hz"], "issue"),
    ] {
        let said = terminal.ok(&command);
        assert!(said.contains(told), "{command:?}: {said}");
    }
}

#[test]
fn a_closed_month_is_claimed_verified_audited_paid_and_recovered() {
    let mut scene = Scene::new();
    scene.programme("hz", "reimburse", 400_000_000);
    let voucher = scene.voucher("hz", "large", 1000);
    // The month ends a few seconds after the center is started.
    scene.site.stop();
    let (zone, now) = (Zone::default(), testkit::now());
    let month = zone.month(now);
    scene.site.clock_ahead = Millis(zone.bounds(month).1.since(now).0 - 8_000);
    scene.site.start();
    let charge = scene.charge("0.8");
    assert_eq!(scene.balance(), PAID - charge, "the tenant pays first");
    let claim = json!({ "voucher": voucher["number"], "month": month.to_string(), "invoice_no": "INV-7",
        "payment_proof": "ICBC-1", "is_unrelated": true });
    scene.refused("/api/v1/vouchers/claims", &scene.finance, &claim, "month_not_closed");
    scene.site.wait_for("the closing", || {
        let path = format!("/api/v1/periods/{month}/close");
        (scene.site.ask("POST", &path, &scene.till, None).0 == 200).then_some(())
    });
    let mut undeclared = claim.clone();
    undeclared["is_unrelated"] = json!(false);
    scene.refused("/api/v1/vouchers/claims", &scene.finance, &undeclared, "not_declared");
    let drawn = scene.site.post("/api/v1/vouchers/claims", &scene.finance, &claim);
    let amount = number(&drawn, "amount_micro_cny");
    assert_eq!((number(&drawn, "eligible_micro_cny"), amount), (charge, charge * 3 / 10), "{drawn}");
    let used = &drawn["evidence"]["used"][0];
    assert_eq!(number(used, "mpflops_hours"), number(used, "card_ms") * 256 / 3_600_000, "{drawn}");
    scene.refused("/api/v1/vouchers/claims", &scene.finance, &claim, "month_claimed");

    let path = |step: &str| {
        format!("/api/v1/vouchers/claims/{}/{step}", drawn["number"].as_str().expect("a number"))
    };
    let none = json!({});
    let ask = |step: &str, token: &str, body: &Value| scene.site.ask("POST", &path(step), token, Some(body));
    // Each step is for one role, and has its turn.
    let everybody = [&scene.finance, &scene.till, &scene.data, &scene.treasury, &scene.site.operator];
    let steps = [("submit", 0), ("verify", 1), ("audit", 2), ("pay", 3)];
    let body = json!({ "reference": "FIN-2026-9" });
    for (step, whose) in steps {
        for (at, token) in everybody.iter().enumerate() {
            // An operator keeps the center's money, too.
            let may = at == whose || (step == "verify" && at == 4);
            if !may {
                assert_eq!(ask(step, token, &body).0, 403, "{step} by {at}");
            }
        }
        for (later, by) in steps.iter().filter(|(other, _)| *other != step) {
            scene.refused(&path(later), everybody[*by], &body, "step_out_of_turn");
        }
        if step == "pay" {
            assert_eq!(ask(step, everybody[whose], &none).0, 422, "it needs a reference");
        }
        let (status, moved) = ask(step, everybody[whose], &body);
        assert_eq!(status, 200, "{moved}");
    }
    let paid = scene.shown(&voucher);
    assert_eq!((number(&paid, "used_micro_cny"), number(&paid, "held_micro_cny")), (amount, 0), "{paid}");
    assert_eq!(scene.balance(), PAID - charge, "money never passes the contract");
    report_adds_up(&scene, "hz");
    books_are_right(&scene);
    let page = Browser::signed_in(&scene.site, "treasury");
    assert_eq!(page.get("/").header("location"), "/vouchers");
    let claim_page = page.get(&format!("/vouchers/claims/{}", drawn["number"].as_str().expect("a number")));
    assert!(
        claim_page.body.contains("FIN-2026-9") && claim_page.body.contains("Recover"),
        "{}",
        claim_page.body
    );

    assert_eq!(ask("recover", &scene.treasury, &none).0, 422, "it needs a reason");
    let (status, back) = ask("recover", &scene.treasury, &json!({ "reason": "false invoice" }));
    assert!(status == 200 && back["state"] == "recovered", "{back}");
    let shown = scene.programme_shown("hz");
    assert_eq!(number(&shown, "spent_micro_cny"), 0, "{shown}");
    assert_eq!(number(&shown, "left_micro_cny"), 100_000_000 + amount, "{shown}");
    // It may be claimed anew, and rejected by whoever has its step.
    let again = scene.site.post("/api/v1/vouchers/claims", &scene.finance, &claim);
    let path = |step: &str| {
        format!("/api/v1/vouchers/claims/{}/{step}", again["number"].as_str().expect("a number"))
    };
    scene.site.post(&path("submit"), &scene.finance, &none);
    let no = json!({ "reason": "not again" });
    assert_eq!(scene.site.ask("POST", &path("reject"), &scene.data, Some(&no)).0, 403);
    let rejected = scene.site.post(&path("reject"), &scene.till, &no);
    assert_eq!(rejected["state"], "rejected", "{rejected}");
    report_adds_up(&scene, "hz");
    books_are_right(&scene);
}
