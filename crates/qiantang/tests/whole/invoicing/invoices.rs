//! Invoices over the statements of a closed month: requested by a tenant, sent to the tax system and taken back from it as
//! tables, reversed, and never twice.

use domain::{Millis, Month, Zone};
use serde_json::{Value, json};
use testkit::{PASSWORD, Site, Tenant, Terminal};

use crate::QIANTANG;

pub const NUMBER: &str = "25332000000012345678";
const OTHER_NUMBER: &str = "25332000000012345679";
const PATH: &str = "/api/v1/invoices";

/// A center whose month is closed, with a tenant that used cards and one that paid a fee as well.
pub struct Closed {
    pub site: Site,
    pub univ: Tenant,
    pub finance: String,
    /// The one who keeps the center's money.
    pub cashier: String,
    pub month: Month,
    /// A day after the month, by the center's calendar.
    pub today: String,
}

impl Closed {
    /// A center whose tenant `univ` has a metered contract with the use of a job, a package and a grant; its clock is in the
    /// month after, and the month is closed.
    pub fn new() -> Self {
        let settings = "[books]\nseparate_duties = false\ninvoice_rates_bp = [600, 300]\n";
        let mut site = Site::new(QIANTANG, 1, settings);
        // A tenth of a fen a card-millisecond and a little more, so that no sum is a whole number of fen.
        site.publish_price(3_600_000_007);
        let univ = site.tenant("univ", "research", &json!({ "kind": "metered", "credit_limit": 0 }), 8);
        let paid = json!({ "amount_micro_cny": 900_000_000_000_i64, "reference": "icbc-1" });
        site.post(&format!("/api/v1/contracts/{}/top-up", univ.contract), &site.operator, &paid);
        site.post(
            "/api/v1/members",
            &site.operator,
            &json!({ "login": "cashier", "name": "C",
            "role": "center_finance", "password": PASSWORD }),
        );
        let package = json!({ "kind": "prepaid", "package": 360_000_000, "fee": 12_345_678 });
        contract(&site, "univ", "univ-package", &package);
        let grant = json!({ "kind": "grant", "cap": 36_000_000 });
        contract(&site, "univ", "univ-grant", &grant);
        contract(
            &site,
            "univ",
            "univ-reserved",
            &json!({ "kind": "reserved", "cards": 2, "fee": 100_000_001 }),
        );
        for project in ["univ-package", "univ-grant", "univ-reserved"] {
            let new = json!({ "slug": project, "name": project, "contract": id_of(&site, project), "tenant": "univ" });
            site.post("/api/v1/projects", &site.operator, &new);
        }
        for project in ["work", "univ-package", "univ-grant", "univ-reserved"] {
            let spec = json!({ "name": "trains", "project": project, "script": "#!/bin/sh\nsleep 1.3\n", "cards_per_node": 1 });
            let job = site.submit(&univ, &spec);
            site.wait_for_end(&univ.developer, &job);
        }
        let zone = Zone::default();
        let month = zone.month(testkit::now());
        site.stop();
        site.change_settings("separate_duties = false", "separate_duties = true");
        site.clock_ahead = Millis(zone.bounds(month).1.since(testkit::now()).0 + 3_600_000);
        site.start();
        site.wait_for("the month to be closed", || {
            let (status, _) =
                site.ask("POST", &format!("/api/v1/periods/{month}/close"), &site.operator, None);
            (status == 200).then_some(())
        });
        let (finance, cashier) = (site.login("univ-finance"), site.login("cashier"));
        let today = zone.date(testkit::now().plus(site.clock_ahead));
        Self { site, univ, finance, cashier, month, today }
    }

    pub fn statement(&self, contract: &str) -> Value {
        let path =
            format!("/api/v1/contracts/{}/statement?month={}", id_of(&self.site, contract), self.month);
        self.site.get(&path, &self.site.operator)
    }

    pub fn number(&self, contract: &str) -> String {
        self.statement(contract)["number"].as_str().expect("a number").to_owned()
    }

    /// Requests an ordinary invoice over these contracts' statements.
    fn ask_for(&self, by: &str, contracts: &[&str]) -> (u16, Value) {
        let statements: Vec<String> = contracts.iter().map(|contract| self.number(contract)).collect();
        let new = json!({ "statements": statements, "kind": "ordinary", "title": "某大学" });
        self.site.ask("POST", PATH, by, Some(&new))
    }

    pub fn request(&self, contracts: &[&str]) -> Value {
        let (status, requested) = self.ask_for(&self.finance, contracts);
        assert_eq!(status, 201, "{requested}");
        requested
    }

    fn act(&self, by: &str, request: &Value, act: &str, body: &Value) -> (u16, Value) {
        let path = format!("{PATH}/{}/{act}", request["request"].as_str().expect("a number"));
        let answer = self.site.ask("POST", &path, by, Some(body));
        assert!(answer.0 < 500, "{}", self.site.log());
        answer
    }

    pub fn issue(&self, request: &Value, number: &str) -> (u16, Value) {
        let body = json!({ "invoice_number": number, "issued_on": self.today });
        self.act(&self.cashier, request, "issue", &body)
    }
}

fn contract(site: &Site, tenant: &str, number: &str, terms: &Value) {
    let new = json!({ "number": number, "terms": terms, "pools": ["ascend-910"], "starts_at": "2020-01-01",
        "ends_at": "2099-01-01", "queue": { "guaranteed_cards": 0, "weight": 1, "max_running_cards": 2 },
        "tenant": tenant });
    let id = site.post("/api/v1/contracts", &site.operator, &new)["id"].as_str().expect("an id").to_owned();
    for action in ["submit", "approve", "activate"] {
        site.post(&format!("/api/v1/contracts/{id}/actions"), &site.operator, &json!({ "action": action }));
    }
}

pub fn id_of(site: &Site, contract: &str) -> String {
    let all = site.get("/api/v1/contracts", &site.operator);
    let found = all.as_array().expect("contracts").iter().find(|one| one["number"] == contract);
    found.expect("the contract")["id"].as_str().expect("an id").to_owned()
}

fn amount(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_else(|| panic!("no {key}: {value}"))
}

fn refused(answer: &(u16, Value), status: u16, part: &str) {
    let (given, body) = answer;
    assert!(*given == status && body.to_string().contains(part), "{given} {body}");
}

#[test]
fn an_invoice_goes_to_the_tax_system_and_comes_back() {
    let closed = Closed::new();
    let Closed { site, finance, cashier, today, .. } = &closed;
    let charge = amount(&closed.statement("univ-1"), "charge_micro_cny");
    assert!(charge > 1_000_000 && charge % 10_000 != 0, "{charge}");
    // What may be invoiced: use of the metered contract and fees, and nothing of the grant.
    let open = site.get(&format!("{PATH}/statements"), finance);
    let told: Vec<(&str, i64)> = open
        .as_array()
        .expect("statements")
        .iter()
        .map(|one| (one["contract"].as_str().expect("a number"), amount(one, "billed_micro_cny")))
        .collect();
    let mut want = [("univ-1", charge), ("univ-package", 12_345_678), ("univ-reserved", 100_000_001)];
    want.sort_by_key(|(contract, _)| std::cmp::Reverse(closed.number(contract)));
    assert_eq!(told, want, "{open}");

    let requested = closed.request(&["univ-1", "univ-package"]);
    let billed = charge + 12_345_678;
    assert_eq!(amount(&requested, "billed_micro_cny"), billed);
    let fen = (billed + 5_000) / 10_000;
    assert_eq!(amount(&requested, "amount_micro_cny"), fen * 10_000, "half a fen up: {requested}");
    assert_eq!(amount(&requested, "rounding_micro_cny"), fen * 10_000 - billed);
    assert_eq!(amount(&requested, "tax_micro_cny"), (2 * fen * 600 + 10_600) / 21_200 * 10_000);
    assert_eq!(
        amount(&requested, "net_micro_cny") + amount(&requested, "tax_micro_cny"),
        amount(&requested, "amount_micro_cny")
    );
    // A statement is in one invoice at most.
    refused(&closed.ask_for(finance, &["univ-1"]), 409, "already_invoiced");
    refused(&closed.ask_for(finance, &["univ-grant"]), 422, "at least one fen");

    // The table of the finance office, and the numbers of the tax system.
    let second = closed.request(&["univ-reserved"]);
    let terminal = Terminal::signed_in(site, "cashier");
    let table = terminal.ok(&["invoices", "export"]);
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 2, "{table}");
    let yuan = format!("{}.{:02}", fen / 100, fen % 100);
    assert_eq!((&rows[0][0], &rows[0][4], &rows[0][7]), ("FP-000001", "某大学", yuan.as_str()));
    let head = "request,number,issued_on,amount";
    let wrong = format!(
        "{head}\nFP-000001,{NUMBER},{today},{yuan}\nFP-000002,{OTHER_NUMBER},{today},99.99\nFP-000009,{NUMBER},{today},1\n"
    );
    let (code, _, told) = terminal.run(&["invoices", "import", &terminal.file("wrong.csv", &wrong)]);
    assert!(code != 0 && told.contains("line 3") && told.contains("line 4"), "{told}");
    let state = |request: &Value| {
        let path = format!("{PATH}/{}", request["request"].as_str().expect("a number"));
        site.get(&path, finance)["state"].as_str().expect("a state").to_owned()
    };
    assert_eq!(
        (state(&requested), state(&second)),
        ("requested".into(), "requested".into()),
        "all or nothing"
    );
    let right = format!("{head}\r\nFP-000001,'{NUMBER},{today},{yuan}\r\n");
    let file = terminal.file("right.csv", &right);
    assert!(terminal.ok(&["invoices", "import", &file]).contains("1 issued"));
    assert!(terminal.ok(&["invoices", "import", &file]).contains("0 issued; 1 rows"), "the same again");
    let other = terminal.file("other.csv", &right.replace(NUMBER, OTHER_NUMBER));
    let (code, _, told) = terminal.run(&["invoices", "import", &other]);
    assert!(code != 0 && told.contains(NUMBER), "{told}");
    let issued = site.get(&format!("{PATH}/FP-000001"), finance);
    assert_eq!(
        (&issued["state"], &issued["number"], &issued["issued_on"]),
        (&json!("issued"), &json!(NUMBER), &json!(today))
    );
    assert_eq!(issued["decided_by"], Value::Null, "people of the center are told to the center");
    let cashiers = site.get(&format!("{PATH}/FP-000001"), cashier);
    assert_eq!(cashiers["decided_by"], "cashier");

    // The tenant reads in its log what the center did, also where it did many at once.
    let log = site.get("/api/v1/audit?limit=50", &closed.univ.admin);
    assert!(
        log["items"].as_array().expect("lines").iter().any(|line| line["action"] == "issue_invoice"),
        "{log}"
    );

    // It is over: only a red-letter invoice takes it back, and frees its statements.
    refused(&closed.act(finance, &requested, "withdraw", &json!({})), 409, "invoice_state");
    refused(&closed.issue(&second, NUMBER), 422, "FP-000001");
    let red = json!({ "red_number": OTHER_NUMBER, "confirmation": "3301-7", "reversed_on": today, "reason": "another title" });
    refused(&closed.act(finance, &requested, "reverse", &red), 403, "reverse_invoice");
    let (status, reversed) = closed.act(cashier, &requested, "reverse", &red);
    assert_eq!(
        (status, &reversed["state"], &reversed["red_number"]),
        (200, &json!("reversed"), &json!(OTHER_NUMBER))
    );
    assert_eq!(closed.request(&["univ-1"])["request"], "FP-000003");
    let ledger = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!(ledger["problems"], json!([]), "{ledger}");
}

#[test]
fn what_is_asked_for_at_once_is_invoiced_once() {
    let closed = Closed::new();
    let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let ask = || closed.ask_for(&closed.finance, &["univ-1"]);
        let all: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        all.into_iter().map(|one| one.join().expect("it answers")).collect()
    });
    let count = |status: u16| answers.iter().filter(|(given, _)| *given == status).count();
    assert_eq!((count(201), count(409)), (1, 7), "{answers:?}");
    let listed = closed.site.get(PATH, &closed.finance);
    assert_eq!(listed["total"]["count"], 1, "{listed}");
}

#[test]
fn the_center_decides_and_another_person_issues() {
    let closed = Closed::new();
    let Closed { site, finance, cashier, .. } = &closed;
    let first = closed.request(&["univ-1"]);
    refused(&closed.act(finance, &first, "refuse", &json!({ "reason": "x" })), 403, "refuse_invoice");
    refused(&closed.act(cashier, &first, "refuse", &json!({ "reason": "" })), 422, "reason");
    let (status, told) = closed.act(cashier, &first, "refuse", &json!({ "reason": "no title of yours" }));
    assert_eq!(
        (status, &told["state"], &told["reason"]),
        (200, &json!("refused"), &json!("no title of yours"))
    );
    // Its statement is free again.
    let second = closed.request(&["univ-1"]);
    refused(&closed.act(cashier, &second, "withdraw", &json!({})), 403, "withdraw_invoice");
    let (status, told) = closed.act(finance, &second, "withdraw", &json!({}));
    assert_eq!((status, &told["state"]), (200, &json!("withdrawn")));
    // Nobody issues what they requested, as the operator may who asks for a tenant.
    let (status, third) = closed.ask_for(&site.operator, &["univ-1"]);
    assert_eq!(status, 201, "{third}");
    let body = json!({ "invoice_number": NUMBER, "issued_on": closed.today });
    refused(&closed.act(&site.operator, &third, "issue", &body), 409, "same_person");
    for (number, day) in
        [("12", closed.today.as_str()), (NUMBER, "soon"), (NUMBER, "2099-01-01"), (NUMBER, "")]
    {
        let body = json!({ "invoice_number": number, "issued_on": day });
        refused(&closed.act(cashier, &third, "issue", &body), 422, "invalid");
    }
    let (status, told) = closed.issue(&third, NUMBER);
    assert_eq!((status, &told["number"]), (200, &json!(NUMBER)), "{told}");
    // What is asked for wrongly.
    let new = |more: &Value| {
        let mut new =
            json!({ "statements": [closed.number("univ-package")], "kind": "ordinary", "title": "某大学" });
        for (key, value) in more.as_object().expect("fields") {
            new[key] = value.clone();
        }
        site.ask("POST", PATH, finance, Some(&new))
    };
    for (more, part) in [
        (json!({ "kind": "special" }), "special invoice names it"),
        (json!({ "kind": "special", "tax_number": "91330100799655058C" }), "tax_number"),
        (json!({ "rate_bp": 1300 }), "600, 300"),
        (json!({ "title": "" }), "title"),
        (json!({ "email": "nobody" }), "email"),
        (json!({ "statements": [] }), "name at least one"),
        (json!({ "statements": ["2001-01-0001"] }), "2001-01-0001"),
        (json!({ "statements": [closed.number("univ-package"), closed.number("univ-package")] }), "twice"),
    ] {
        refused(&new(&more), 422, part);
    }
    let special = json!({ "kind": "special", "tax_number": "91330100799655058b", "rate_bp": 300 });
    let (status, told) = new(&special);
    assert_eq!(
        (status, &told["tax_number"], &told["rate_bp"]),
        (201, &json!("91330100799655058B"), &json!(300))
    );
    // Developers and other tenants see none of it.
    assert_eq!(site.ask("GET", PATH, &closed.univ.developer, None).0, 403);
    let new = json!({ "slug": "firm", "name_zh": "firm", "name_en": "firm", "domain": "enterprise" });
    site.post("/api/v1/tenants", &site.operator, &new);
    let new = json!({ "login": "firm-finance", "name": "F", "role": "finance", "password": PASSWORD, "tenant": "firm" });
    site.post("/api/v1/members", &site.operator, &new);
    let stranger = site.login("firm-finance");
    assert_eq!(site.ask("GET", &format!("{PATH}/FP-000001"), &stranger, None).0, 404);
    refused(&closed.ask_for(&stranger, &["univ-reserved"]), 422, "none of that name");
}
