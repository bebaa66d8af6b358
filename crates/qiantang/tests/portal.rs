//! The portal over real HTTP: every page in each language for each role, forms with and without their token, and what
//! one tenant may never see of another.

mod support;

use std::{fmt::Write as _, io::Read as _};

use serde_json::{Value, json};
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
        let mut headers = headers.to_vec();
        if body.is_some() {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        self.send_as(method, path, body, &headers)
    }

    /// [`Self::send`] with no header but these.
    fn send_as(&self, method: &str, path: &str, body: Option<String>, headers: &[(&str, &str)]) -> Answer {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Cookie", format!("session={}; lang={}", self.session, self.lang));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body).expect("a request")),
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
/jobs?state=active&state=x      400 400 400 400 400
/contracts                     200 200 200 200 200
/contracts/new                 200 200 403 403 200
/contracts/CONTRACT            200 200 200 200 404
/contracts/CONTRACT?cursor=9   200 200 200 200 404
/contracts/CONTRACT/act/suspend 200 403 403 403 404
/contracts/CONTRACT/act/approve 409 403 403 403 404
/contracts/CONTRACT/act/expire 404 404 404 404 404
/contracts/CONTRACT/top-up     409 403 403 403 404
/contracts/CONTRACT/statement  200 200 403 200 404
/statements                    303 303 303 303 303
/capacity                      200 403 403 403 403
/twin                          200 403 403 403 403
/twin/1                        404 403 403 403 403
/twin/1/report                 404 403 403 403 403
/people                        200 200 200 200 200
/audit                         200 200 403 403 200
/audit?actor=center&to=2026-01-01 200 200 403 403 200
/audit?tenant=alpha            200 200 403 403 404
/audit?from=soon               422 422 422 422 422
/tokens                        200 200 200 200 200
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

/// Something in each field, so that a form that is refused lacks nothing but its token.
const FILLED: &[(&str, &str)] = &[
    ("script", "#!/bin/sh\ntrue\n"),
    ("project", "work"),
    ("reason", "x"),
    ("action", "suspend"),
    ("labels", "nvme"),
    ("from", "2099-05-20T08:00"),
    ("until", "2099-05-20T12:00"),
    ("m-role", "developer"),
    ("m-login", "x"),
    ("m-name", "x"),
    ("m-password", PASSWORD),
    ("is_enabled", "false"),
    ("p-slug", "x"),
    ("p-name", "x"),
    ("contract", ""),
    ("amount", "1"),
    ("reference", "x"),
    ("step", "book"),
    ("name", "x"),
    ("old", PASSWORD),
    ("new", "another-long-password"),
    ("again", "another-long-password"),
    ("login", "alpha-admin"),
    ("password", PASSWORD),
    ("number", "HZ-9"),
    ("kind", "metered"),
    ("credit", "100"),
    ("pool", "ascend-910"),
    ("starts", "2026-01-01"),
    ("ends", "2099-01-01"),
    ("guaranteed", "0"),
    ("most", "8"),
    ("weight", "1"),
    ("days", "30"),
    ("policy", "fcfs"),
    ("nodes", "4"),
    ("cards", "8"),
    ("demand", "150"),
    ("repair", "4"),
];

#[test]
fn a_form_without_its_session_s_token_changes_nothing() {
    let Scene { site, alpha, .. } = scene();
    let id_of = |list: &str| {
        let list = site.get(&format!("/api/v1/{list}"), &site.operator);
        list[0]["id"].as_str().expect("an id").to_owned()
    };
    let job = site.submit(&alpha, &job("goes-on", "sleep 60"));
    let node = site.get("/api/v1/nodes", &site.operator)[0]["name"].as_str().expect("a name").to_owned();
    let (member, project, token) = (id_of("members"), id_of("projects"), id_of("tokens"));
    let of_one = [
        ("/jobs/{id}", &job),
        ("/nodes/{name}", &node),
        ("/contracts/{id}", &alpha.contract),
        ("/people/members/{id}", &member),
        ("/people/projects/{id}", &project),
        ("/tokens/{id}", &token),
    ];
    let admin = Browser::signed_in(&site, "alpha-admin");
    let operator = Browser::signed_in(&site, "operator");
    let others = Browser::signed_in(&site, "alpha-developer").csrf();
    let twin = operator.get("/twin").body;
    let state = || {
        let jobs = site.get("/api/v1/jobs", &site.operator);
        let jobs = jobs["items"].as_array().expect("jobs").iter().map(|job| job["state"].to_string());
        (site.get("/api/v1/audit?limit=200", &site.operator), jobs.collect::<Vec<_>>())
    };
    site.wait_for_state(&alpha.developer, &job, "running");
    let before = state();
    let forms = center::portal::forms();
    assert!(forms.len() > 20, "{forms:?}");
    for form in forms {
        let known = of_one.iter().find(|(path, _)| form.starts_with(path));
        let path = known.map_or_else(
            || form.to_owned(),
            |(path, id)| form.replace(&path[path.find('{').expect("a part")..], id),
        );
        assert!(!path.contains('{'), "say what {form} is sent for");
        for browser in [&admin, &operator] {
            for csrf in ["", "wrong", &others] {
                let mut fields = vec![("csrf", csrf)];
                fields.extend_from_slice(FILLED);
                let answer = browser.post(&path, &fields, &[("sec-fetch-site", "cross-site")]);
                assert_eq!(answer.status, 403, "{path}");
                assert!(answer.body.contains("did not come from a page of yours"), "{path}: {}", answer.body);
            }
            let stranger = Browser::new(&site).post(&path, FILLED, &[("sec-fetch-site", "cross-site")]);
            let want = if form == "/sign-in" { (403, "") } else { (303, "/sign-in") };
            assert_eq!((stranger.status, stranger.header("location")), want, "{path}");
        }
    }
    assert_eq!(state(), before);
    assert_eq!(operator.get("/twin").body, twin);
    assert_eq!((admin.get("/").status, operator.get("/").status), (200, 200), "nobody was signed out");
}

#[test]
fn a_node_s_form_comes_back_with_what_was_typed() {
    let site = Site::new(1, SETTINGS);
    let mut operator = Browser::signed_in(&site, "operator");
    let csrf = operator.csrf();
    let node = site.get("/api/v1/nodes", &site.operator)[0].clone();
    let page = format!("/nodes/{}", node["name"].as_str().expect("a name"));
    let long = "why ".repeat(60);
    let right = [("from", "2099-05-20T08:00"), ("until", "2099-05-20T12:00"), ("reason", "new fans")];
    let cases = [
        ("maintenance", [("from", "20 May"), right[1], right[2]], "from"),
        ("maintenance", [right[0], ("until", "soon"), right[2]], "until"),
        ("maintenance", [right[0], ("until", "2099-05-20T07:00"), right[2]], "until"),
        ("maintenance", [right[0], right[1], ("reason", long.trim())], "why"),
        ("drain", [("reason", long.trim()), right[0], right[1]], "reason"),
        ("labels", [("labels", "nvme, <ib>"), right[0], right[1]], "label-list"),
    ];
    for lang in ["en", "zh"] {
        operator.lang = lang;
        for (form, fields, at) in &cases {
            let mut sent = vec![("csrf", csrf.as_str())];
            sent.extend_from_slice(fields);
            let refused = operator.post(&format!("{page}/{form}"), &sent, &[]);
            assert_eq!(refused.status, 422, "{form} {at}");
            assert!(refused.body.contains(&format!("id=\"{at}-error\"")), "{form} {at}: {}", refused.body);
            assert!(refused.body.matches("class=\"error\"").count() == 1, "{form} {at}: {}", refused.body);
            let typed = fields.iter().take(if *form == "maintenance" { 3 } else { 1 });
            for (_, value) in typed {
                let kept = value.replace('<', "&#60;").replace('>', "&#62;");
                assert!(refused.body.contains(&format!("value=\"{kept}\"")), "{form} {at}: {}", refused.body);
            }
        }
    }
    assert_eq!(site.get(&format!("/api/v1{page}"), &site.operator), node, "nothing was changed");
}

#[test]
fn forms_need_the_role() {
    let Scene { site, alpha, job } = scene();
    let admin = Browser::signed_in(&site, "alpha-admin");
    let finance = Browser::signed_in(&site, "alpha-finance");
    let developer = Browser::signed_in(&site, "alpha-developer");
    let operator = Browser::signed_in(&site, "operator");
    let node = site.get("/api/v1/nodes", &site.operator)[0]["name"].as_str().expect("a name").to_owned();
    let (cancel, drain) = (format!("/jobs/{job}/cancel"), format!("/nodes/{node}/drain"));
    let (labels, maintenance) = (format!("/nodes/{node}/labels"), format!("/nodes/{node}/maintenance"));
    let act = format!("/contracts/{}/act", alpha.contract);
    let top_up = format!("/contracts/{}/top-up", alpha.contract);
    let refused = [
        (&finance, cancel.as_str()),
        (&finance, "/submit"),
        (&finance, "/people/members"),
        (&developer, "/people/projects"),
        (&admin, drain.as_str()),
        (&admin, labels.as_str()),
        (&admin, "/twin"),
        (&admin, maintenance.as_str()),
        (&admin, act.as_str()),
        (&admin, top_up.as_str()),
        (&developer, "/contracts/new"),
        (&operator, "/submit"),
    ];
    for (browser, path) in refused {
        let csrf = browser.csrf();
        let mut fields = vec![("csrf", csrf.as_str())];
        fields.extend_from_slice(FILLED);
        assert_eq!(browser.post(path, &fields, &[]).status, 403, "{path}");
    }
    // What is not allowed is not offered.
    assert!(!finance.get(&format!("/jobs/{job}")).body.contains("/cancel"));
    assert!(!admin.get(&format!("/nodes/{node}")).body.contains("/drain"));
    let csrf = operator.csrf();
    assert_eq!(operator.post(&drain, &[("csrf", &csrf), ("reason", "new power supply")], &[]).status, 303);
    let page = operator.get(&format!("/nodes/{node}"));
    assert!(page.body.contains("new power supply") && page.body.contains("/resume"));
    // What was typed is the center's own time, which is UTC+8.
    let fields = [
        ("csrf", csrf.as_str()),
        ("from", "2099-05-20T08:00"),
        ("until", "2099-05-20T12:00"),
        ("reason", "fans"),
    ];
    assert_eq!(operator.post(&maintenance, &fields, &[]).status, 303);
    assert_eq!(operator.post(&labels, &[("csrf", &csrf), ("labels", "nvme，ib-400 nvme")], &[]).status, 303);
    let seen = site.get(&format!("/api/v1/nodes/{node}"), &site.operator);
    assert_eq!(seen["maintenance"]["from"], "2099-05-20T00:00:00.000Z");
    assert_eq!(seen["labels"], json!(["ib-400", "nvme"]));
    assert!(operator.get(&format!("/nodes/{node}")).body.contains("2099-05-20 08:00:00"));
    assert_eq!(operator.post(&format!("{maintenance}/cancel"), &[("csrf", &csrf)], &[]).status, 303);
    assert_eq!(site.get(&format!("/api/v1/nodes/{node}"), &site.operator)["maintenance"], Value::Null);
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
    for (lang, said) in [
        ("zh", "第 3 行 --nodes：“0”不是 1 以上的整数；请写节点数，如 2"),
        ("en", "line 3: --nodes: `0` is not a number of at least 1; write a number of nodes, such as 2"),
    ] {
        developer.lang = lang;
        let refused = developer.post("/submit", &[("csrf", &csrf), ("key", &key), ("script", bad)], &[]);
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains("#SBATCH --gres=npu:3"), "what was typed is kept");
        assert!(!refused.body.contains("</textarea><b>"), "and stays text");
        assert!(
            refused.body.contains(said),
            "the line, the option and the value are named: {}",
            refused.body
        );
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

#[test]
fn a_contract_is_drawn_up_decided_and_paid_in_by_hand() {
    let Scene { site, .. } = scene();
    let mut operator = Browser::signed_in(&site, "operator");
    let csrf = operator.csrf();
    let send = |browser: &Browser, path: &str, fields: &[(&str, &str)]| {
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        browser.post(path, &all, &[])
    };
    let mut draft = vec![
        ("number", "HZ-9"),
        ("tenant", "alpha"),
        ("kind", "metered"),
        ("credit", "100"),
        ("pool", "ascend-910"),
        ("starts", "2026-01-01"),
        ("ends", "2026-01-01"),
        ("guaranteed", "9"),
        ("most", "8"),
        ("weight", "none"),
        ("borrowing", ""),
        ("lending", ""),
    ];
    for (lang, said) in [("en", "give a day after the first"), ("zh", "要晚于开始的那一天")] {
        operator.lang = lang;
        let refused = send(&operator, "/contracts/new", &draft);
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains(said), "said at its field: {}", refused.body);
        assert_eq!(refused.body.matches("class=\"error\"").count(), 3, "{}", refused.body);
        for kept in ["value=\"HZ-9\"", "value=\"none\"", "value=\"100\""] {
            assert!(refused.body.contains(kept), "what was typed is kept: {kept}");
        }
    }
    operator.lang = "en";
    draft[6] = ("ends", "2099-01-01");
    draft[7] = ("guaranteed", "4");
    draft[9] = ("weight", "2");
    let made = send(&operator, "/contracts/new", &draft);
    assert_eq!(made.status, 303, "{}", made.body);
    let page = made.header("location").to_owned();
    let twice = send(&operator, "/contracts/new", &draft);
    assert_eq!(twice.status, 409);
    assert!(twice.body.contains("id=\"number-error\""), "the number is taken: {}", twice.body);
    let shown = operator.get(&page).body;
    assert!(shown.contains("Draft") && shown.contains("Not active yet") && shown.contains("/act/submit"));
    for action in ["submit", "approve", "activate"] {
        let look = operator.get(&format!("{page}/act/{action}"));
        assert_eq!(look.status, 200, "{}", look.body);
        let done = send(&operator, &format!("{page}/act"), &[("action", action), ("reason", "")]);
        assert_eq!(done.status, 303, "{action}: {}", done.body);
    }
    let top_up = format!("{page}/top-up");
    let wrong = send(&operator, &top_up, &[("amount", "much"), ("reference", ""), ("step", "book")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("value=\"much\"") && wrong.body.contains("id=\"reference-error\""));
    let payment = [("amount", "1,000"), ("reference", "bank 1")];
    let review = send(&operator, &top_up, &payment);
    assert_eq!(review.status, 200, "{}", review.body);
    assert!(review.body.contains("¥ 1,000.00") && review.body.contains("value=\"book\""), "{}", review.body);
    let id = page.trim_start_matches("/contracts/");
    let contract = || site.get(&format!("/api/v1/contracts/{id}"), &site.operator);
    assert_eq!(contract()["money_balance_micro_cny"], 0, "looking books nothing");
    for _ in 0..2 {
        let booked = send(&operator, &top_up, &[payment[0], payment[1], ("step", "book")]);
        assert_eq!(booked.status, 303, "{}", booked.body);
    }
    assert_eq!(contract()["money_balance_micro_cny"], 1_000_000_000, "one reference is booked once");
    let other = send(&operator, &top_up, &[("amount", "2"), payment[1], ("step", "book")]);
    assert_eq!(other.status, 409);
    assert!(other.body.contains("id=\"reference-error\""), "{}", other.body);
    for n in 0..25 {
        let reference = format!("more {n}");
        let body = serde_json::json!({ "amount_micro_cny": 1_000_000 + n, "reference": reference });
        site.post(&format!("/api/v1/contracts/{id}/top-up"), &site.operator, &body);
    }
    let first = operator.get(&page);
    let next =
        first.body.split("?cursor=").nth(1).and_then(|rest| rest.split('#').next()).expect("older ones");
    let second = operator.get(&format!("{page}?cursor={next}"));
    assert!(!first.body.contains("¥ 1,000.00</span></td>"), "the newest come first");
    assert!(second.body.contains("¥ 1,000.00</span></td>"), "{}", second.body);
    assert!(!second.body.contains("rel=\"next\""), "these are the last");
    let bare = send(&operator, &format!("{page}/act"), &[("action", "suspend"), ("reason", " ")]);
    assert_eq!(bare.status, 422);
    assert!(bare.body.contains("say why"), "{}", bare.body);
    let reason = "an audit of <b>its</b> use";
    assert_eq!(
        send(&operator, &format!("{page}/act"), &[("action", "suspend"), ("reason", reason)]).status,
        303
    );
    let shown = operator.get(&page).body;
    assert!(shown.contains("an audit of &#60;b&#62;its"), "{shown}");
    let log = operator.get("/audit?tenant=alpha&action=decide_contract&actor=operator").body;
    assert!(log.contains("an audit of") && log.contains(&format!("href=\"{page}\"")), "{log}");
    assert!(!operator.get("/audit?tenant=beta&action=decide_contract").body.contains("an audit of"));
    // The tenant's administrator may draw up one for the tenant itself, and hand it in, and no more.
    let admin = Browser::signed_in(&site, "alpha-admin");
    let csrf = admin.csrf();
    let mut own: Vec<(&str, &str)> = draft.iter().copied().filter(|(name, _)| *name != "tenant").collect();
    own[0] = ("number", "HZ-10");
    own.push(("csrf", &csrf));
    let made = admin.post("/contracts/new", &own, &[]);
    assert_eq!(made.status, 303, "{}", made.body);
    let page = made.header("location").to_owned();
    let act = |action: &str| {
        admin
            .post(&format!("{page}/act"), &[("csrf", &csrf), ("action", action), ("reason", "x")], &[])
            .status
    };
    assert_eq!((act("approve"), act("submit"), act("approve")), (403, 303, 403));
}

#[test]
fn a_token_is_shown_once_and_ends_when_it_is_revoked() {
    let Scene { site, .. } = scene();
    let developer = Browser::signed_in(&site, "alpha-developer");
    let csrf = developer.csrf();
    let empty = developer.post("/tokens", &[("csrf", &csrf), ("name", " ")], &[]);
    assert_eq!(empty.status, 422);
    assert!(empty.body.contains("id=\"name-error\""), "{}", empty.body);
    let made = developer.post("/tokens", &[("csrf", &csrf), ("name", "of the laptop")], &[]);
    assert_eq!(made.status, 201);
    let token = made.body.split("<code>qt_").nth(1).and_then(|rest| rest.split('<').next()).expect("a token");
    let token = format!("qt_{token}");
    let listed = developer.get("/tokens").body;
    assert!(listed.contains("of the laptop") && !listed.contains(&token), "shown once");
    assert_eq!(site.get("/api/v1/me", &token)["login"], "alpha-developer");
    let rows = || site.get("/api/v1/tokens", &token);
    let row = site.wait_for("its use to be noted", || {
        let row = rows().as_array()?.iter().find(|row| row["name"] == "of the laptop")?.clone();
        row["last_used_at"].is_string().then_some(row)
    });
    let id = row["id"].as_str().expect("an id");
    let admin = Browser::signed_in(&site, "alpha-admin");
    let foreign = admin.post(&format!("/tokens/{id}/revoke"), &[("csrf", &admin.csrf())], &[]);
    assert_eq!(foreign.status, 404, "another member's");
    assert_eq!(developer.post(&format!("/tokens/{id}/revoke"), &[("csrf", &csrf)], &[]).status, 303);
    assert_eq!(site.ask("GET", "/api/v1/me", &token, None).0, 401);
    assert!(!developer.get("/tokens").body.contains("of the laptop"));
}

#[test]
fn what_can_not_be_read_is_a_page_in_the_reader_s_language() {
    let Scene { site, .. } = scene();
    let mut admin = Browser::signed_in(&site, "alpha-admin");
    let csrf = admin.csrf();
    let members = site.get("/api/v1/members", &site.operator);
    let finance = members
        .as_array()
        .and_then(|all| all.iter().find(|m| m["login"] == "alpha-finance"))
        .expect("finance");
    let member = format!("/people/members/{}", finance["id"].as_str().expect("an id"));
    // Above what a form may have, far above it, and in three pieces more than that.
    let huge = |kib: usize| format!("csrf={csrf}&script={}", "x".repeat(kib * 1024));
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let json = ("Content-Type", "application/json");
    let cases = [
        ("/submit", form, huge(513), 413),
        ("/submit", form, huge(3000), 413),
        ("/submit", json, "{}".into(), 415),
        ("/tokens", ("X-Nothing", "at all"), String::new(), 415),
        (member.as_str(), form, format!("csrf={csrf}&is_enabled=perhaps"), 400),
        ("/people/members/%FF", form, format!("csrf={csrf}&is_enabled=true"), 404),
    ];
    for lang in ["zh", "en"] {
        admin.lang = lang;
        for (path, header, body, want) in &cases {
            let answer = admin.send_as("POST", path, Some(body.clone()), &[*header]);
            assert_eq!(answer.status, *want, "{path} {want}: {}", answer.body);
            assert!(answer.header("content-type").starts_with("text/html"), "{path} {want}");
            let said = answer.body.split("class=\"fault\"").nth(1).expect("what is wrong");
            if lang == "zh" {
                for english in ["Failed", "failed", "request body", "provided", "Expected", "the form"] {
                    assert!(!said.contains(english), "{path} {want} says `{english}` in Chinese: {said}");
                }
            }
        }
    }
    let kept = site.get("/api/v1/members", &site.operator).to_string();
    assert!(!kept.contains("\"is_enabled\":false"), "{kept}");
    // Refusals of what was asked are told in Chinese alone.
    admin.lang = "zh";
    for script in
        ["#!/bin/sh\n#SBATCH --gres=tpu:1 --time=soon nonsense\n", "name: [\n", "name: x\nnodes: none\n"]
    {
        let refused = admin.post("/submit", &[("csrf", &csrf), ("script", script)], &[]);
        assert_eq!(refused.status, 422);
        let said =
            refused.body.split("role=\"alert\"").nth(1).and_then(|rest| rest.split("</section>").next());
        let said = said.expect("what is wrong");
        for english in [" is ", " not ", "write ", "ask for", "expected", "missing", "line "] {
            assert!(!said.contains(english), "`{english}` in {said}");
        }
    }
    let twice = [
        ("csrf", csrf.as_str()),
        ("m-login", "alpha-finance"),
        ("m-name", "x"),
        ("m-role", "finance"),
        ("m-password", PASSWORD),
    ];
    let refused = admin.post("/people/members", &twice, &[]);
    assert_eq!(refused.status, 409);
    assert!(
        refused.body.contains("id=\"m-login-error\"") && refused.body.contains("已经存在"),
        "{}",
        refused.body
    );
}

#[test]
fn a_new_password_ends_what_the_old_one_opened() {
    let Scene { site, alpha, .. } = scene();
    let mut browser = Browser::signed_in(&site, "alpha-developer");
    let elsewhere = Browser::signed_in(&site, "alpha-developer");
    let csrf = browser.csrf();
    let change = |browser: &Browser, old: &str, new: &str, again: &str| {
        let fields = [("csrf", csrf.as_str()), ("old", old), ("new", new), ("again", again)];
        browser.post("/tokens/password", &fields, &[])
    };
    let new = "another-long-password";
    for (old, fresh, again, at) in
        [("wrong", new, new, "old"), (PASSWORD, new, "other", "again"), (PASSWORD, "short", "short", "new")]
    {
        let refused = change(&browser, old, fresh, again);
        assert_eq!(refused.status, 422, "{at}");
        assert!(refused.body.contains(&format!("id=\"{at}-error\"")), "{at}: {}", refused.body);
        assert!(!refused.body.contains(new), "a password is never shown again");
    }
    let changed = change(&browser, PASSWORD, new, new);
    assert_eq!(changed.status, 303, "{}", changed.body);
    assert_eq!(site.ask("GET", "/api/v1/me", &alpha.developer, None).0, 401, "tokens are revoked");
    assert_eq!((elsewhere.get("/").status, browser.get("/").status), (303, 303), "sessions are over");
    let cookie =
        changed.header("set-cookie").split(';').next().and_then(|pair| pair.strip_prefix("session="));
    cookie.expect("a session").clone_into(&mut browser.session);
    assert!(browser.get(changed.header("location")).body.contains("The password is changed"));
    assert_eq!(
        elsewhere.post("/sign-in", &[("login", "alpha-developer"), ("password", PASSWORD)], &[]).status,
        401
    );
    assert_eq!(
        elsewhere.post("/sign-in", &[("login", "alpha-developer"), ("password", new)], &[]).status,
        303
    );
}

#[test]
fn an_operator_asks_the_twin_what_if() {
    let Scene { site, .. } = scene();
    let mut operator = Browser::signed_in(&site, "operator");
    operator.lang = "en";
    let csrf = operator.csrf();
    let ask = |more: &[(&'static str, &'static str)]| {
        let mut fields = vec![
            ("csrf", csrf.as_str()),
            ("days", "30"),
            ("policy", "fcfs"),
            ("nodes", "4"),
            ("cards", "8"),
            ("demand", "150"),
            ("mtbf", ""),
            ("repair", "4"),
        ];
        for (name, value) in more {
            fields.retain(|(known, _)| known != name);
            fields.push((name, value));
        }
        operator.post("/twin", &fields, &[])
    };
    assert!(operator.get("/twin").body.contains("Nothing was asked yet"));
    for (name, bad) in [("nodes", "0"), ("demand", "much"), ("policy", "luck"), ("mtbf", "-1"), ("days", "")]
    {
        let answer = ask(&[(name, bad)]);
        assert_eq!(answer.status, 422, "{name}");
        assert!(answer.body.contains("value=\"150\"") || name == "demand", "what was typed stays: {name}");
    }
    let asked = ask(&[]);
    assert_eq!((asked.status, asked.header("location")), (303, "/twin/1"));
    let page = site.wait_for("the twin's answer", || {
        let page = operator.get("/twin/1");
        (!page.body.contains("Replaying")).then_some(page)
    });
    for part in ["4 nodes × 8 cards", "demand 150 %", "Mean wait", "/twin/1/report"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let report = operator.get("/twin/1/report");
    assert_eq!(
        (report.status, report.header("content-security-policy")),
        (200, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    );
    assert!(
        report.body.contains("now · fair-share+easy") && report.body.contains("then · fcfs"),
        "{}",
        report.body
    );
    assert_eq!(ask(&[("mtbf", "100")]).header("location"), "/twin/2");
    assert!(operator.get("/twin").body.contains("/twin/2"));
    // So little is asked for that no job is left: nothing is better for that.
    site.wait_for("the second answer", || {
        (!operator.get("/twin/2").body.contains("Replaying")).then_some(())
    });
    assert_eq!(ask(&[("demand", "1")]).header("location"), "/twin/3");
    let page = site.wait_for("an answer about no jobs", || {
        let page = operator.get("/twin/3");
        (!page.body.contains("Replaying")).then_some(page)
    });
    for wrong in ["is-good", "is-bad", ">-0"] {
        assert!(!page.body.contains(wrong), "{wrong}: {}", page.body);
    }
}
