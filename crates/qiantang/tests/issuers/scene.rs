//! A center that has issuers, and browsers at it.

use serde_json::Value;
use testkit::{Site, Tenant, grant};
use ureq::{Agent, http};

use crate::QIANTANG;

const SETTINGS: &str = "[limits]\nsign_ins_per_minute = 1000000\n";

pub struct Scene {
    pub site: Site,
    pub alpha: Tenant,
}

impl Scene {
    /// A center with the tenant alpha, and the issuers that `issuers` writes into the settings once the center's address is
    /// known.
    pub fn with(issuers: impl FnOnce(&str) -> String) -> Self {
        let mut site = Site::new(QIANTANG, 1, SETTINGS);
        let alpha = site.tenant("alpha", "research", &grant(), 8);
        site.keep_address();
        let more = format!("[sign_in]\nurl = \"{}\"\n{}", site.url, issuers(&site.url));
        site.stop();
        let text = std::fs::read_to_string(site.settings()).expect("the settings are there");
        std::fs::write(site.settings(), format!("{text}\n{more}")).expect("they are written");
        site.start();
        Self { site, alpha }
    }

    /// The memberships of somebody: the tenants' short names, the role, and whether they may be that.
    pub fn places(&self, login: &str) -> Vec<String> {
        let persons = self.site.get("/api/v1/persons", &self.site.operator);
        let mut persons = persons.as_array().expect("persons").iter();
        let Some(person) = persons.find(|person| person["login"] == login) else { return Vec::new() };
        let all = person["memberships"].as_array().expect("memberships").iter();
        all.map(|one| {
            let place = one["tenant_slug"].as_str().unwrap_or("-");
            let off = if one["is_enabled"] == true { "" } else { " off" };
            format!("{place} {}{off}", one["role"].as_str().expect("a role"))
        })
        .collect()
    }

    /// The events of a kind.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        let page = self.browser_of("operator").get("/events");
        drop(page);
        let audit = self.site.get(&format!("/api/v1/audit?action={kind}&limit=200"), &self.site.operator);
        audit["items"].as_array().expect("lines").clone()
    }

    pub fn browser_of(&self, login: &str) -> testkit::Browser {
        testkit::Browser::signed_in(&self.site, login)
    }
}

/// A browser that keeps its cookies and follows nothing by itself.
pub struct Visitor {
    agent: Agent,
    url: String,
    cookies: Vec<(String, String)>,
}

/// What a browser was answered.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub location: String,
    pub body: String,
}

impl Visitor {
    pub fn new(site: &Site) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        let cookies = vec![("lang".to_owned(), "en".to_owned())];
        Self { agent: config.into(), url: site.url.clone(), cookies }
    }

    pub fn get(&mut self, path: &str) -> Seen {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            http::Request::builder().uri(format!("{}{path}", self.url)).header("cookie", cookies.join("; "));
        let mut answer = self.agent.run(request.body(()).expect("a request")).expect("the center answers");
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().expect("text").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        let location = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
        Seen {
            status: answer.status().as_u16(),
            location: location.to_owned(),
            body: answer.body_mut().read_to_string().expect("text"),
        }
    }

    /// The value of a cookie that the browser has; empty without.
    pub fn cookie(&self, name: &str) -> &str {
        let found = self.cookies.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The session that the browser has.
    pub fn session(&self) -> Option<&str> {
        Some(self.cookie("session")).filter(|value| !value.is_empty())
    }
}
