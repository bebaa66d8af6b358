//! A center with a tenant whose people use the portal.

use std::cell::OnceCell;

use serde_json::json;
use testkit::{Browser, PASSWORD, Site, Tenant, grant, job};

use crate::QIANTANG;

pub const SETTINGS: &str = "[limits]\nrequests_per_second = 1000000\nsign_ins_per_minute = 1000000\napplications_per_hour = 1000000\nbody_kib = 512\n[books.payee]\nname = \"钱塘智算有限公司\"\ntax_number = \"91330100799655058B\"\nbank = \"ICBC\"\naccount = \"6222\"\n";

/// The pages of the portal, for the golden matrix and for a real browser.
pub const PAGES: &[&str] = &[
    "/",
    "/jobs",
    "/jobs?state=active&name=x",
    "/jobs?state=active&state=x",
    "/jobs?state=nonsense",
    "/jobs?sort=-cards&from=2026-01-01&class=normal",
    "/jobs/export",
    "/jobs/export?state=nonsense",
    "/jobs/JOB",
    "/jobs/JOB?stream=stderr",
    "/jobs/JOB/log",
    "/jobs/JOB/script",
    "/runs/RUN/evidence",
    "/runs/none/evidence",
    "/jobs/nonsense",
    "/sign-in",
    "/sign-in/code",
    "/second-factor",
    "/device",
    "/device?user_code=bcdf-ghjk",
    "/device?done=allowed",
    "/device?done=nonsense",
    "/welcome",
    "/status",
    "/apply",
    "/apply?domain=research",
    "/apply/TRACKED",
    "/apply/JOINED",
    "/apply/JOINED/account",
    "/apply/none",
    "/applications",
    "/applications?state=open&domain=government&due=7&age=7",
    "/applications?state=nonsense",
    "/applications/TRACKED",
    "/applications/JOINED",
    "/applications/none",
    "/carried",
    "/submit",
    "/submit?from=JOB",
    "/nodes",
    "/nodes?page=1&state=free",
    "/nodes?name=none",
    "/nodes?state=nonsense",
    "/nodes/NODE",
    "/nodes/nonsense",
    "/contracts",
    "/contracts/new",
    "/contracts/CONTRACT",
    "/contracts/CONTRACT?cursor=9",
    "/contracts/CONTRACT/act/suspend",
    "/contracts/CONTRACT/act/approve",
    "/contracts/CONTRACT/act/expire",
    "/contracts/DRAFT/edit",
    "/contracts/CONTRACT/top-up",
    "/contracts/CONTRACT/amend",
    "/contracts/CONTRACT/statement",
    "/contracts/CONTRACT/text",
    "/contracts/SIGNED/text",
    "/contracts/SIGNED/text?version=9",
    "/quotes",
    "/quotes?state=sent",
    "/quotes?state=soon",
    "/quotes/new",
    "/quotes/QUOTED",
    "/quotes/none",
    "/apply/QUOTING/quote",
    "/statements",
    "/corrections",
    "/corrections/new",
    "/vouchers",
    "/vouchers/apply",
    "/vouchers/found",
    "/vouchers/none",
    "/vouchers/programmes",
    "/vouchers/claims",
    "/vouchers/programmes/none",
    "/vouchers/claims/none",
    "/invoices",
    "/invoices?state=issued",
    "/invoices?state=nonsense",
    "/invoices/new",
    "/invoices/new?tenant=alpha",
    "/invoices/export",
    "/invoices/FP-000001",
    "/periods",
    "/periods/MONTH",
    "/periods/MONTH/entries",
    "/periods/2001-01",
    "/periods/soon",
    "/debts",
    "/budgets",
    "/budgets/BUDGET",
    "/budgets/none",
    "/usage",
    "/usage?month=MONTH",
    "/usage?by=job",
    "/usage?month=MONTH&group_by=member&format=csv",
    "/usage?month=soon",
    "/disk",
    "/secrets",
    "/prices",
    "/prices/new",
    "/prices/book/none",
    "/tenants",
    "/tenants/alpha",
    "/tenants/none",
    "/alliances",
    "/alliances/none",
    "/retirement",
    "/capacity",
    "/twin",
    "/twin/1",
    "/twin/1/report",
    "/people",
    "/people/invitations",
    "/people/pending",
    "/people/scim",
    "/sign-in/oidc",
    "/sign-in/oidc/none",
    "/sign-in/oidc/none/callback",
    "/sign-in/onward/none",
    "/notices",
    "/notices?unread=1",
    "/notices?before=nonsense",
    "/notices/wishes",
    "/unsubscribe",
    "/webhooks",
    "/webhooks/WEBHOOK",
    "/webhooks/none",
    "/mails",
    "/forgot",
    "/forgot?sent=1",
    "/reset/none",
    "/join/INVITED",
    "/join/none",
    "/api/docs",
    "/people/members/MEMBER",
    "/people/members/none",
    "/audit",
    "/backups",
    "/audit?actor=center&to=2026-01-01",
    "/audit?tenant=alpha",
    "/audit?from=soon",
    "/events",
    "/events?cursor=3",
    "/events?cursor=soon",
    "/tokens",
    "/nonsense",
];

pub struct Scene {
    pub site: Site,
    pub alpha: Tenant,
    /// Numbers and secrets of two applications: one that waits for its review, and one of which a tenant came.
    applications: OnceCell<[(String, String); 2]>,
    /// The number of a quote that was sent to alpha, and that of one for the application that waits.
    quotes: OnceCell<[String; 2]>,
    /// The id of a contract of alpha's that has a text.
    signed: OnceCell<String>,
}

impl Scene {
    pub fn new() -> Self {
        let site = Site::new(QIANTANG, 2, SETTINGS);
        let alpha = site.tenant("alpha", "research", &grant(), 8);
        Self::of(site, alpha)
    }

    pub fn of(site: Site, alpha: Tenant) -> Self {
        Self { site, alpha, applications: OnceCell::new(), quotes: OnceCell::new(), signed: OnceCell::new() }
    }

    /// The id of a job of alpha that has failed.
    pub fn failed_job(&self) -> String {
        let script = "echo the log of alpha; echo '<b>bold</b>'; exit 3";
        let job = self.site.submit(&self.alpha, &job("secret-of-alpha", script));
        self.site.wait_for_end(&self.alpha.developer, &job);
        job
    }

    /// Has an operator ask the twin a question, and waits for the answer.
    pub fn ask_the_twin(&self) {
        let operator = self.browser("operator");
        let asked = [
            ("days", "30"),
            ("policy", "fcfs"),
            ("nodes", "4"),
            ("cards", "8"),
            ("demand", "150"),
            ("repair", "4"),
        ];
        assert_eq!(operator.send_form("/twin", &asked).header("location"), "/twin/1");
        self.site
            .wait_for("the twin's answer", || (operator.get("/twin/1/report").status == 200).then_some(()));
    }

    /// A browser in English in which somebody has signed in.
    pub fn browser(&self, login: &str) -> Browser {
        Browser::signed_in(&self.site, login)
    }

    pub fn node(&self) -> String {
        self.site.nodes()[0]["name"].as_str().expect("a node's name").to_owned()
    }

    /// The id of a member.
    pub fn member(&self, login: &str) -> String {
        let members = self.site.get("/api/v1/members", &self.site.operator);
        let mut all = members.as_array().expect("members").iter();
        let found = all.find(|member| member["login"] == login).expect("a member");
        found["id"].as_str().expect("an id").to_owned()
    }

    /// A page's path with a job, a contract of alpha and a node in it.
    pub fn filled(&self, page: &str, job: &str) -> String {
        let month = domain::Zone::default().month(testkit::now()).to_string();
        let page = page.replace("MONTH", &month);
        let page = if page.contains("MEMBER") {
            page.replace("MEMBER", &self.member("alpha-developer"))
        } else {
            page
        };
        let page = if page.contains("RUN") {
            let runs = self.site.get(&format!("/api/v1/jobs/{job}/runs"), &self.site.operator);
            page.replace("RUN", runs["items"][0]["id"].as_str().expect("a run"))
        } else {
            page
        };
        let page = if page.contains("QUOTED") { page.replace("QUOTED", self.quote()) } else { page };
        let page = if page.contains("SIGNED") { page.replace("SIGNED", self.signed()) } else { page };
        let page = if page.contains("QUOTING") {
            let (number, secret) = &self.applications()[0];
            let quote = &self.quotes()[1];
            page.replace("QUOTING/quote", &format!("{number}/quote?secret={secret}&quote={quote}"))
        } else {
            page
        };
        let page = if page.contains("TRACKED") || page.contains("JOINED") {
            self.of_applications(&page)
        } else {
            page
        };
        let page = if page.contains("WEBHOOK") { page.replace("WEBHOOK", &self.webhook()) } else { page };
        let page = if page.contains("INVITED") { page.replace("INVITED", &self.invite()) } else { page };
        let page = if page.contains("BUDGET") { page.replace("BUDGET", &self.budget()) } else { page };
        let page = if page.contains("DRAFT") { page.replace("DRAFT", &self.draft()) } else { page };
        page.replace("JOB", job).replace("CONTRACT", &self.alpha.contract).replace("NODE", &self.node())
    }

    /// The number of an application that waits for its review.
    pub fn application(&self) -> &str {
        &self.applications()[0].0
    }

    /// The number of a quote that was sent to alpha.
    pub fn quote(&self) -> &str {
        &self.quotes()[0]
    }

    fn quotes(&self) -> &[String; 2] {
        self.quotes.get_or_init(|| {
            let site = &self.site;
            if site.get("/api/v1/price-books", &site.operator).as_array().is_some_and(Vec::is_empty) {
                site.publish_price(1_000_000);
            }
            let line = json!({ "pool": "ascend-910", "service_class": "normal", "cards": 8, "card_ms": 3_600_000,
                "discount_bp": 500 });
            let new = json!({ "application": self.application(), "kind": "prepaid", "lines": [line],
                "starts_at": "2020-01-01", "ends_at": "2099-01-01", "note": "as talked about" });
            let made = site.post("/api/v1/quotes", &site.operator, &new);
            let number = made["number"].as_str().expect("a number").to_owned();
            site.post(&format!("/api/v1/quotes/{number}/send"), &site.operator, &json!({}));
            [testkit::quote(site, "alpha"), number]
        })
    }

    /// The id of a contract of alpha's that has a text, which one side has signed.
    fn signed(&self) -> &str {
        self.signed.get_or_init(|| {
            let (site, operator) = (&self.site, &self.site.operator);
            let names = json!({ "legal_name": "某某大学", "tax_number": testkit::credit_code("alpha") });
            assert_eq!(site.ask("PATCH", "/api/v1/tenants/alpha", operator, Some(&names)).0, 200);
            let queue = json!({ "weight": 1, "guaranteed_cards": 0, "max_running_cards": 8 });
            let new = json!({ "number": "with-a-text", "terms": grant(), "pools": ["ascend-910"], "queue": queue,
                "starts_at": "2020-01-01", "ends_at": "2099-01-01", "tenant": "alpha" });
            let id = site.post("/api/v1/contracts", operator, &new)["id"].as_str().expect("an id").to_owned();
            let path = format!("/api/v1/contracts/{id}");
            let text = site.post(&format!("{path}/texts"), operator, &json!({}));
            for action in ["submit", "approve"] {
                site.post(&format!("{path}/actions"), operator, &json!({ "action": action }));
            }
            let sign = json!({ "version": text["version"], "sha256": text["sha256"], "password": PASSWORD });
            site.post(&format!("{path}/signatures"), operator, &sign);
            id
        })
    }

    fn applications(&self) -> &[(String, String); 2] {
        self.applications.get_or_init(|| {
            let waits = testkit::apply(&self.site, "government", "office");
            let joined = testkit::apply(&self.site, "research", "institute");
            let clerk =
                json!({ "login": "clerk", "name": "Clerk", "role": "contracts", "password": PASSWORD });
            self.site.post("/api/v1/members", &self.site.operator, &clerk);
            let path = format!("/api/v1/applications/{}/verdicts", joined.0);
            self.site.post(&path, &self.site.login("clerk"), &json!({ "verdict": "approve" }));
            [waits, joined]
        })
    }

    /// A page of an application, for its applicant or for the desk.
    fn of_applications(&self, page: &str) -> String {
        let [waits, joined] = self.applications();
        let is_desk = page.starts_with("/applications");
        let secret = |of: &(String, String), more: &str| {
            if is_desk { of.0.clone() } else { format!("{}{more}?secret={}", of.0, of.1) }
        };
        page.replace("TRACKED", &secret(waits, ""))
            .replace("JOINED/account", &secret(joined, "/account"))
            .replace("JOINED", &secret(joined, ""))
    }

    /// The id of a webhook of alpha's, which nothing gets to.
    pub fn webhook(&self) -> String {
        let known = self.site.get("/api/v1/webhooks", &self.alpha.admin);
        if let Some(id) = known[0]["id"].as_str() {
            return id.to_owned();
        }
        let new = json!({ "name": "Billing", "kind": "webhook", "url": "https://hooks.invalid/path?key=1",
            "events": ["job_ended"] });
        let made = self.site.post("/api/v1/webhooks", &self.alpha.admin, &new);
        made["webhook"]["id"].as_str().expect("an id").to_owned()
    }

    /// The last part of the link of an invitation to alpha.
    pub fn invite(&self) -> String {
        let new = json!({ "email": "lin@alpha.example", "role": "developer" });
        let made = self.site.post("/api/v1/invitations", &self.alpha.admin, &new);
        made["path"].as_str().and_then(|path| path.strip_prefix("/join/")).expect("a link").to_owned()
    }

    /// The id of a budget of alpha's project.
    pub fn budget(&self) -> String {
        let token = &self.alpha.admin;
        let known = self.site.get("/api/v1/budgets", token)[0]["id"].clone();
        let id = if known.is_null() {
            let project = self.site.get("/api/v1/projects", token)[0]["slug"].clone();
            let new = json!({ "whose": "project", "name": project, "span": "month", "unit": "card_ms",
                "amount": 3_600_000, "hard_stop": false });
            self.site.post("/api/v1/budgets", token, &new)["id"].clone()
        } else {
            known
        };
        id.as_str().expect("an id").to_owned()
    }

    /// The id of a contract of alpha's that is a draft.
    fn draft(&self) -> String {
        let operator = &self.site.operator;
        let contracts = self.site.get("/api/v1/contracts", operator);
        let known =
            contracts.as_array().expect("contracts").iter().find(|one| one["state"] == "draft").cloned();
        let draft = known.unwrap_or_else(|| {
            let queue = json!({ "weight": 1, "guaranteed_cards": 0, "max_running_cards": 8 });
            let new = json!({ "number": "a-draft", "terms": grant(), "pools": ["ascend-910"], "queue": queue,
                "starts_at": "2020-01-01", "ends_at": "2099-01-01", "tenant": "alpha" });
            self.site.post("/api/v1/contracts", operator, &new)
        });
        draft["id"].as_str().expect("an id").to_owned()
    }
}
