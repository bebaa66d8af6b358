//! A center with two tenants that have work.

use std::io::Read as _;

use serde_json::{Value, json};
use testkit::{Site, Tenant, agent, grant, job};
use ureq::http;

use crate::QIANTANG;

const SETTINGS: &str = "[limits]\nsign_ins_per_minute = 1000000\nbody_kib = 256\n";

/// The center, with the ids of everything that the first tenant has.
pub struct Scene {
    pub site: Site,
    pub alpha: Tenant,
    pub beta: Tenant,
    pub job: String,
    /// The run of the job.
    run: String,
    token: String,
    amendment: String,
    /// The number of an application that waits for its review.
    application: String,
    pub member: String,
    person: String,
    invitation: String,
    webhook: String,
    pub delivery: String,
    pub project: String,
}

/// A route: method and path as the document writes them.
pub type Route = (String, String);

/// All routes of the API, by its own document.
pub fn routes(site: &Site) -> Vec<Route> {
    let document = site.get("/api/openapi.json", "");
    let paths = document["paths"].as_object().expect("paths").iter();
    let methods = |(path, methods): (&String, &Value)| {
        let names = methods.as_object().expect("methods").keys().map(|method| method.to_uppercase());
        names.map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.flat_map(methods).collect()
}

/// An answer as it came. The text of an event stream is not read.
pub struct RawAnswer {
    pub status: u16,
    pub content_type: String,
    pub text: String,
}

/// A new webhook of the caller's tenant, which nothing gets to.
pub fn webhook(site: &Site, admin: &str) -> String {
    let new = json!({ "name": "secret-of-alpha", "kind": "webhook", "url": "https://hooks.invalid/",
        "events": ["job_ended"] });
    let made = site.post("/api/v1/webhooks", admin, &new);
    made["webhook"]["id"].as_str().expect("an id").to_owned()
}

/// A center of one node, with a tenant.
pub fn alpha_alone() -> (Site, Tenant) {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    (site, alpha)
}

impl Scene {
    pub fn new() -> Self {
        let (site, alpha) = alpha_alone();
        site.publish_price(1_000_000);
        let beta = site.tenant("beta", "enterprise", &grant(), 8);
        let id = site.submit(&alpha, &job("secret-of-alpha", "echo the log of alpha; echo secret > note"));
        site.wait_for_end(&alpha.developer, &id);
        let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &alpha.developer);
        let run = runs["items"][0]["id"].as_str().expect("a run").to_owned();
        let spare = site.post("/api/v1/tokens", &alpha.developer, &json!({ "name": "to be revoked" }));
        let members = site.get("/api/v1/members", &alpha.admin);
        let finance =
            members.as_array().expect("members").iter().find(|m| m["role"] == "finance").expect("finance");
        let projects = site.get("/api/v1/projects", &alpha.admin);
        let text = |value: &Value| value.as_str().expect("an id").to_owned();
        let amendment = json!({ "reason": "later", "ends_at": "2098-01-01" });
        let path = format!("/api/v1/contracts/{}/amendments", alpha.contract);
        let amendment = text(&site.post(&path, &alpha.admin, &amendment)["id"]);
        let application = testkit::apply(&site, "government", "office").0;
        let (token, member, project) = (text(&spare["id"]), text(&finance["id"]), text(&projects[0]["id"]));
        let person = text(&finance["person"]);
        let new = json!({ "email": "lin@alpha.example", "role": "finance" });
        let invitation = text(&site.post("/api/v1/invitations", &alpha.admin, &new)["invitation"]["id"]);
        let webhook = webhook(&site, &alpha.admin);
        let tried = site.post(&format!("/api/v1/webhooks/{webhook}/test"), &alpha.admin, &json!({}));
        Self {
            delivery: text(&tried["id"]),
            webhook,
            alpha,
            beta,
            job: id,
            run,
            token,
            amendment,
            application,
            member,
            person,
            invitation,
            project,
            site,
        }
    }

    pub fn routes(&self) -> Vec<Route> {
        routes(&self.site)
    }

    /// The id of a budget of the first tenant's project. One that somebody took away is made anew.
    fn budget(&self) -> String {
        let token = &self.alpha.admin;
        let all = self.site.get("/api/v1/budgets", token);
        let mut all = all.as_array().expect("budgets").iter();
        let known = all.find(|one| one["whose"] == "project").map(|one| one["id"].clone());
        let project = self.site.get("/api/v1/projects", token)[0]["slug"].clone();
        let new = json!({ "whose": "project", "name": project, "span": "month", "unit": "card_ms",
            "amount": 3_600_000, "hard_stop": false });
        let id = known.unwrap_or_else(|| self.site.post("/api/v1/budgets", token, &new)["id"].clone());
        id.as_str().expect("an id").to_owned()
    }

    /// A route's path with the first tenant's ids in it.
    pub fn filled(&self, path: &str) -> String {
        let budget = path.starts_with("/api/v1/budgets/").then(|| self.budget());
        let id = match path {
            path if path.starts_with("/api/v1/budgets/") => budget.as_ref().expect("it was looked for"),
            path if path.starts_with("/api/v1/jobs/") => &self.job,
            path if path.starts_with("/api/v1/runs/") => &self.run,
            path if path.starts_with("/api/v1/tokens/") => &self.token,
            path if path.starts_with("/api/v1/amendments/") => &self.amendment,
            path if path.starts_with("/api/v1/members/") => &self.member,
            path if path.starts_with("/api/v1/invitations/") => &self.invitation,
            path if path.starts_with("/api/v1/webhooks/") => &self.webhook,
            path if path.starts_with("/api/v1/persons/") => &self.person,
            path if path.starts_with("/api/v1/projects/") => &self.project,
            _ => &self.alpha.contract,
        };
        let query = if path.ends_with("/transfers") {
            format!("?contract={}", self.alpha.contract)
        } else if path.ends_with("/search") {
            "?q=x".to_owned()
        } else if path.contains("/focus/") {
            "?month={month}".to_owned()
        } else if path == "/api/v1/runs" {
            format!("?id={}", &self.run[self.run.len() - 8..])
        } else {
            String::new()
        };
        let month = domain::Zone::default().month(testkit::now()).to_string();
        (path.to_owned() + &query)
            .replace("{month}", &month)
            .replace("{request}", "FP-000001")
            .replace("{id}", id)
            .replace("{name}", "npu-")
            .replace("{slug}", "alpha")
            .replace("{number}", &self.application)
            .replace("{token}", "none")
    }

    /// Sends any body to a path.
    pub fn send(&self, method: &str, path: &str, token: &str, kind: &str, body: &[u8]) -> RawAnswer {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.site.url));
        if !token.is_empty() {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = if method == "GET" || method == "DELETE" {
            agent().run(request.body(()).expect("a request"))
        } else {
            agent().run(request.header("Content-Type", kind).body(body).expect("a request"))
        };
        let response = match response {
            Ok(response) => response,
            // The center may refuse a body that is too long, or that the route does not take, before it has
            // read all of it, and then hang up. Whether its answer gets through before that is up to the
            // network.
            Err(ureq::Error::Io(error)) if body.len() > 200 * 1024 => {
                let problem = json!({ "detail": error.to_string(), "code": "hung_up", "hint": "send less" });
                return RawAnswer {
                    status: 413,
                    content_type: "application/problem+json".into(),
                    text: problem.to_string(),
                };
            }
            Err(error) => panic!("{method} {path}: {error}"),
        };
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        if !content_type.starts_with("text/event-stream") {
            let read = response.into_body().into_reader().take(64 << 20).read_to_end(&mut bytes);
            read.expect("the answer is read");
        }
        RawAnswer { status, content_type, text: String::from_utf8_lossy(&bytes).into_owned() }
    }
}
