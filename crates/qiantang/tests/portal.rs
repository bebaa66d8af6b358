//! The portal over real HTTP: every page in each language for each role, forms with and without their token, and what
//! one tenant may never see of another.

mod support;

use std::{fmt::Write as _, io::Read as _};

use support::{PASSWORD, Site, Tenant, grant, job};
use ureq::{Agent, http};

const SETTINGS: &str =
    "[limits]\nrequests_per_second = 1000000\nsign_ins_per_minute = 1000000\nbody_kib = 512\n";

/// A browser: it keeps its session, its language, and follows no redirect by itself.
struct Browser {
    agent: Agent,
    url: String,
    session: String,
    lang: &'static str,
}

struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A hidden value of a form on the page.
    fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let rest = self.body.split(&mark).nth(1).unwrap_or_else(|| panic!("no {name} in {}", self.body));
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

impl Browser {
    fn new(site: &Site) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { agent, url: site.url.clone(), session: String::new(), lang: "en" }
    }

    fn signed_in(site: &Site, login: &str) -> Self {
        let mut browser = Self::new(site);
        let answer = browser.post("/sign-in", &[("login", login), ("password", PASSWORD)], &[]);
        assert_eq!(answer.status, 303, "{login}: {}", answer.body);
        let cookie = answer.header("set-cookie").to_owned();
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        cookie
            .split(';')
            .next()
            .and_then(|pair| pair.strip_prefix("session="))
            .expect("a session")
            .clone_into(&mut browser.session);
        browser
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, &[])
    }

    fn post(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, value) in fields {
            let _ = write!(body, "{}{name}=", if body.is_empty() { "" } else { "&" });
            for byte in value.bytes() {
                let _ = write!(body, "%{byte:02X}");
            }
        }
        self.send("POST", path, Some(body), headers)
    }

    fn send(&self, method: &str, path: &str, body: Option<String>, headers: &[(&str, &str)]) -> Answer {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Cookie", format!("session={}; lang={}", self.session, self.lang));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(
                request
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .body(body)
                    .expect("a request"),
            ),
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let response = response.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = String::new();
        response.into_body().into_reader().take(16 << 20).read_to_string(&mut body).expect("text");
        Answer { status, headers, body }
    }

    /// The token of this session's forms.
    fn csrf(&self) -> String {
        self.get("/").hidden("csrf")
    }
}

struct Scene {
    site: Site,
    alpha: Tenant,
    job: String,
}

fn scene() -> Scene {
    let site = Site::new(2, SETTINGS);
    site.publish_price(1_000_000);
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    site.tenant("beta", "enterprise", &grant(), 8);
    let id =
        site.submit(&alpha, &job("secret-of-alpha", "echo the log of alpha; echo '<b>bold</b>'; exit 3"));
    site.wait_for_end(&alpha.developer, &id);
    Scene { site, alpha, job: id }
}

/// What each page answers to the roles: operator, alpha's admin, developer and finance, and beta's admin.
const GOLDEN: &str = "\
/                              200 200 200 200 200
/jobs                          200 200 200 200 200
/jobs?state=active&name=x      200 200 200 200 200
/jobs?state=nonsense           422 422 422 422 422
/jobs/JOB                      200 200 200 200 404
/jobs/JOB?stream=stderr        200 200 200 200 404
/jobs/JOB/log                  200 200 200 200 404
/jobs/nonsense                 404 404 404 404 404
/submit                        403 200 200 403 200
/submit?from=JOB               403 200 200 403 404
/nodes                         200 200 200 200 200
/nodes/NODE                    200 200 200 200 200
/nodes/nonsense                404 404 404 404 404
/contracts                     200 200 200 200 200
/contracts/CONTRACT            200 200 200 200 404
/contracts/CONTRACT/statement  200 200 403 200 404
/statements                    303 303 303 303 303
/capacity                      200 403 403 403 403
/people                        200 200 200 200 200
/audit                         200 200 403 403 200
/nonsense                      404 404 404 404 404
";

#[test]
fn every_page_answers_each_role_in_both_languages_and_keeps_tenants_apart() {
    let Scene { site, alpha, job } = scene();
    let logins = ["operator", "alpha-admin", "alpha-developer", "alpha-finance", "beta-admin"];
    let mut browsers = logins.map(|login| Browser::signed_in(&site, login));
    let nodes = site.get("/api/v1/nodes", &site.operator);
    let node = nodes[0]["name"].as_str().expect("a node's name").to_owned();
    let mut seen = String::new();
    for line in GOLDEN.lines() {
        let name = line.split_whitespace().next().expect("a path");
        let path = name.replace("JOB", &job).replace("CONTRACT", &alpha.contract).replace("NODE", &node);
        let _ = write!(seen, "{name:<30}");
        for (login, browser) in logins.iter().zip(&mut browsers) {
            let mut statuses = Vec::new();
            for (lang, html_lang) in [("en", "<html lang=\"en\""), ("zh", "<html lang=\"zh-CN\"")] {
                browser.lang = lang;
                let answer = browser.get(&path);
                statuses.push(answer.status);
                assert!(answer.status < 500, "{login} {path}: {}", answer.body);
                let is_page = answer.header("content-type").starts_with("text/html");
                if is_page {
                    assert!(answer.body.contains(html_lang), "{login} {lang} {path}");
                    assert_eq!(answer.body.matches("<h1").count(), 1, "{login} {path} has one title");
                    for bad in [" style=\"", "<script>", "onclick=", "javascript:"] {
                        assert!(!answer.body.contains(bad), "{path} has {bad}");
                    }
                }
                let policy = answer.header("content-security-policy");
                assert!(
                    policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
                    "{path}: {policy}"
                );
                assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
                if *login == "beta-admin" {
                    for foreign in ["secret-of-alpha", "alpha-1", "alpha-admin", "alpha-developer"] {
                        assert!(!answer.body.contains(foreign), "{path} shows {foreign} to beta");
                    }
                }
            }
            assert_eq!(statuses[0], statuses[1], "{path}: the language changes nothing");
            let _ = write!(seen, " {}", statuses[0]);
        }
        seen.push('\n');
    }
    let golden: String = GOLDEN.lines().map(|line| line.replace("  ", " ").replace("  ", " ")).collect();
    let told: String = seen.lines().map(|line| line.replace("  ", " ").replace("  ", " ")).collect();
    let squeeze = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeeze(told), squeeze(golden), "as seen:\n{seen}");
    let page = browsers[1].get(&format!("/jobs/{job}"));
    assert!(page.body.contains("the log of alpha"), "the log is in the page");
    assert!(!page.body.contains("<b>bold</b>"), "a log is text");
}

#[test]
fn who_is_not_signed_in_sees_the_door_alone() {
    let Scene { site, alpha, job } = scene();
    let browser = Browser::new(&site);
    for path in ["/", "/jobs", "/nodes", &format!("/jobs/{job}"), &format!("/contracts/{}", alpha.contract)] {
        let answer = browser.get(path);
        assert_eq!((answer.status, answer.header("location")), (303, "/sign-in"), "{path}");
    }
    let nowhere = browser.get("/nonsense");
    assert_eq!(nowhere.status, 404);
    assert!(!nowhere.body.contains("/people"), "no navigation for strangers");
    let wrong = browser.post("/sign-in", &[("login", "alpha-admin"), ("password", "wrong")], &[]);
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("Wrong login or password") && wrong.body.contains("value=\"alpha-admin\""));
    let from_elsewhere = [("sec-fetch-site", "cross-site")];
    let fields = [("login", "alpha-admin"), ("password", PASSWORD)];
    let foreign = browser.post("/sign-in", &fields, &from_elsewhere);
    assert_eq!(foreign.status, 403);
    assert!(foreign.header("set-cookie").is_empty());
    let styles = browser.get("/static/qiantang.css");
    assert_eq!(styles.status, 200);
    let known =
        browser.send("GET", "/static/qiantang.css", None, &[("if-none-match", styles.header("etag"))]);
    assert_eq!((known.status, known.body.as_str()), (304, ""));
}

#[test]
fn forms_need_their_token_and_the_role() {
    let Scene { site, alpha, job } = scene();
    let admin = Browser::signed_in(&site, "alpha-admin");
    let finance = Browser::signed_in(&site, "alpha-finance");
    let developer = Browser::signed_in(&site, "alpha-developer");
    let operator = Browser::signed_in(&site, "operator");
    let node = site.get("/api/v1/nodes", &site.operator)[0]["name"].as_str().expect("a name").to_owned();
    let (cancel, drain) = (format!("/jobs/{job}/cancel"), format!("/nodes/{node}/drain"));
    let act = format!("/contracts/{}/act", alpha.contract);
    for path in [
        &cancel,
        &drain,
        &act,
        "/submit",
        "/submit/dry-run",
        "/people/members",
        "/people/projects",
        "/sign-out",
    ] {
        for csrf in ["", "wrong", &developer.csrf()] {
            let answer = admin.post(path, &[("csrf", csrf), ("script", "#!/bin/sh\ntrue\n")], &[]);
            assert!(matches!(answer.status, 403 | 422), "{path}: {}", answer.status);
        }
    }
    let refused = [
        (&finance, cancel.as_str()),
        (&finance, "/submit"),
        (&finance, "/people/members"),
        (&developer, "/people/projects"),
        (&admin, drain.as_str()),
        (&admin, act.as_str()),
        (&operator, "/submit"),
    ];
    for (browser, path) in refused {
        let csrf = browser.csrf();
        let fields = [
            ("csrf", csrf.as_str()),
            ("reason", "x"),
            ("action", "suspend"),
            ("script", "#!/bin/sh\ntrue\n"),
            ("role", "developer"),
            ("login", "x"),
            ("slug", "x"),
            ("name", "x"),
            ("password", PASSWORD),
        ];
        assert_eq!(browser.post(path, &fields, &[]).status, 403, "{path}");
    }
    // What is not allowed is not offered.
    assert!(!finance.get(&format!("/jobs/{job}")).body.contains("/cancel"));
    assert!(!admin.get(&format!("/nodes/{node}")).body.contains("/drain"));
    let csrf = operator.csrf();
    assert_eq!(operator.post(&drain, &[("csrf", &csrf), ("reason", "new power supply")], &[]).status, 303);
    let page = operator.get(&format!("/nodes/{node}"));
    assert!(page.body.contains("new power supply") && page.body.contains("/resume"));
    let csrf = admin.csrf();
    assert_eq!(admin.post("/sign-out", &[("csrf", &csrf)], &[]).status, 303);
    assert_eq!(admin.get("/").status, 303, "the session is over");
}

#[test]
fn a_script_is_tried_mended_and_submitted_once() {
    let Scene { site, alpha, .. } = scene();
    let mut developer = Browser::signed_in(&site, "alpha-developer");
    let page = developer.get("/submit");
    let (csrf, key) = (page.hidden("csrf"), page.hidden("key"));
    let good =
        "#!/bin/sh\r\n#SBATCH --job-name=from-the-portal\r\n#SBATCH --mem=1G\r\necho it & echo runs\r\n";
    let htmx = [("hx-request", "true")];
    let tried =
        developer.post("/submit/dry-run", &[("csrf", &csrf), ("script", good), ("project", "work")], &htmx);
    assert_eq!(tried.status, 200);
    assert!(
        tried.body.starts_with("<section class=\"panel dry-run\" id=\"dry-run\""),
        "a part of a page: {}",
        tried.body
    );
    assert!(tried.body.contains("--mem") && tried.body.contains("is ignored"), "{}", tried.body);
    let bad = "#!/bin/sh\n#SBATCH --gres=npu:3\n#SBATCH --nodes=0\necho '</textarea><b>'\n";
    for lang in ["zh", "en"] {
        developer.lang = lang;
        let refused = developer.post("/submit", &[("csrf", &csrf), ("key", &key), ("script", bad)], &[]);
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains("#SBATCH --gres=npu:3"), "what was typed is kept");
        assert!(!refused.body.contains("</textarea><b>"), "and stays text");
        assert!(refused.body.contains("--nodes"), "the option is named");
    }
    let page = developer.get("/submit");
    let (csrf, key) = (page.hidden("csrf"), page.hidden("key"));
    let fields =
        [("csrf", csrf.as_str()), ("key", &key), ("script", good), ("project", "work"), ("class", "spot")];
    let first = developer.post("/submit", &fields, &[]);
    let again = developer.post("/submit", &fields, &[]);
    assert_eq!((first.status, again.status), (303, 303), "{}", first.body);
    assert_eq!(first.header("location"), again.header("location"), "sending it twice is sending it once");
    let id = first.header("location").trim_start_matches("/jobs/").to_owned();
    let done = site.wait_for_end(&alpha.developer, &id);
    assert_eq!((done["state"].as_str(), done["service_class"].as_str()), (Some("succeeded"), Some("spot")));
    assert!(developer.get(&format!("/jobs/{id}")).body.contains("from-the-portal"));
    // The stream of a log that is over tells it all and ends.
    let stream = developer.get(&format!("/jobs/{id}/log/stream?stream=stdout"));
    assert!(stream.body.contains("event: stdout") && stream.body.contains("data: runs"), "{}", stream.body);
    assert!(stream.body.contains("event: end"), "{}", stream.body);
}

#[test]
fn the_language_is_kept_by_the_switch_and_asked_of_the_browser() {
    let site = Site::new(1, SETTINGS);
    let browser = Browser::signed_in(&site, "operator");
    let switched = browser.get("/jobs?lang=zh&state=active");
    assert_eq!((switched.status, switched.header("location")), (303, "/jobs?state=active"));
    assert!(switched.header("set-cookie").starts_with("lang=zh;"), "{}", switched.header("set-cookie"));
    let elsewhere = browser.get("//evil.example/?lang=zh");
    assert!(!elsewhere.header("location").starts_with("//"), "{}", elsewhere.header("location"));
    let ask = |accept: &str| {
        let request = http::Request::get(format!("{}/sign-in", site.url)).header("Accept-Language", accept);
        let agent = Agent::new_with_defaults();
        let response = agent.run(request.body(()).expect("a request")).expect("an answer");
        let mut text = String::new();
        response.into_body().into_reader().read_to_string(&mut text).expect("text");
        text
    };
    assert!(ask("en-GB,en;q=0.9").contains("<html lang=\"en\""));
    assert!(ask("zh-TW").contains("<html lang=\"zh-CN\""));
    assert!(ask("fr").contains("<html lang=\"zh-CN\""), "Chinese where nothing else is asked for");
}
