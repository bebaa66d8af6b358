//! Somebody in a browser, as far as HTTP goes: no scripts are run.

use std::{fmt::Write as _, io::Read as _};

use ureq::{Agent, http};

use crate::site::{PASSWORD, Site};

/// Keeps its session and its language, and follows no redirect by itself.
#[derive(Debug)]
pub struct Browser {
    agent: Agent,
    url: String,
    /// The session's cookie.
    pub session: String,
    pub lang: &'static str,
}

/// An answer of the portal.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: http::HeaderMap,
    pub body: String,
}

impl Answer {
    /// A header's text, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The cookie of that name, as a browser sends it back.
    pub fn cookie(&self, name: &str) -> String {
        let all = self.cookies();
        let set = all.iter().find(|set| set.starts_with(&format!("{name}=")));
        set.and_then(|set| set.split(';').next()).unwrap_or_else(|| panic!("no {name} in {all:?}")).to_owned()
    }

    /// All cookies that it sets, each with what goes with it.
    pub fn cookies(&self) -> Vec<String> {
        let all = self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        all.map(str::to_owned).collect()
    }

    /// A hidden value of a form on the page.
    pub fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let rest = self.body.split(&mark).nth(1).unwrap_or_else(|| panic!("no {name} in {}", self.body));
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    /// The cookie of a session that the answer begins.
    pub fn new_session(&self) -> &str {
        let pair = self.header("set-cookie").split(';').next();
        pair.and_then(|pair| pair.strip_prefix("session=")).expect("the answer begins a session")
    }
}

impl Browser {
    pub fn new(site: &Site) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let config = match site.ca() {
            Some(ca) => config.tls_config(crate::http::tls(&std::fs::read(ca).expect("the file is there"))),
            None => config,
        };
        let agent = config.build().into();
        Self { agent, url: site.url.clone(), session: String::new(), lang: "en" }
    }

    pub fn signed_in(site: &Site, login: &str) -> Self {
        let mut browser = Self::new(site);
        let answer = browser.post("/sign-in", &[("login", login), ("password", PASSWORD)], &[]);
        assert_eq!(answer.status, 303, "{login}: {}", answer.body);
        answer.new_session().clone_into(&mut browser.session);
        browser
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, &[])
    }

    /// The bytes of a page as they go over the wire to a browser that takes them compressed.
    pub fn compressed(&self, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut request = http::Request::builder()
            .uri(format!("{}{path}", self.url))
            .header("Accept-Encoding", "gzip")
            .header("Cookie", format!("session={}; lang={}", self.session, self.lang));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.agent.run(request.body(()).expect("a request")).expect("the center answers");
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let mut bytes = Vec::new();
        response
            .into_body()
            .into_reader()
            .take(16 << 20)
            .read_to_end(&mut bytes)
            .expect("the answer is read");
        bytes
    }

    /// Sends a form of this session, with its token.
    pub fn send_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf();
        self.post(path, &[&[("csrf", csrf.as_str())], fields].concat(), &[])
    }

    /// [`Self::send_form`] for somebody who may see the page of their second factor alone.
    pub fn send_second_factor_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.get("/second-factor").hidden("csrf");
        self.post(path, &[&[("csrf", csrf.as_str())], fields].concat(), &[])
    }

    /// Sends these fields as a form.
    pub fn post(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, value) in fields {
            let _ = write!(body, "{}{name}=", if body.is_empty() { "" } else { "&" });
            for byte in value.bytes() {
                let _ = write!(body, "%{byte:02X}");
            }
        }
        let mut headers = headers.to_vec();
        headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        self.send("POST", path, Some(body), &headers)
    }

    /// Sends any body with these headers and the cookies.
    pub fn send(&self, method: &str, path: &str, body: Option<String>, headers: &[(&str, &str)]) -> Answer {
        self.send_bytes(method, path, body.unwrap_or_default(), headers)
    }

    /// [`Self::send`], of a body that is no text.
    pub fn send_bytes(
        &self,
        method: &str,
        path: &str,
        body: impl AsRef<[u8]>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Cookie", format!("session={}; lang={}", self.session, self.lang));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body.as_ref() {
            [] => self.agent.run(request.body(()).expect("a request")),
            body => self.agent.run(request.body(body).expect("a request")),
        };
        let response = response.expect("the center answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = String::new();
        let read = response.into_body().into_reader().take(16 << 20).read_to_string(&mut body);
        read.expect("the answer is text");
        Answer { status, headers, body }
    }

    /// The token of this session's forms.
    pub fn csrf(&self) -> String {
        self.get("/").hidden("csrf")
    }
}
