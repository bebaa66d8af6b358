//! A center with many nodes and many waiting jobs: its pages stay small, and so does what an event costs a viewer.

use std::time::Instant;

use serde_json::{Value, json};
use testkit::{Browser, Chromium, Site, Tenant, grant, job};

use crate::{QIANTANG, scene::SETTINGS};

const NODES: u32 = 600;
const JOBS: usize = 5000;
/// The most of a page over the wire.
const MOST_BYTES: usize = 60 * 1024;
const MOST_ELEMENTS: u64 = 2000;
/// The most that an event costs somebody who looks at a page, with the request.
const MOST_EVENT_BYTES: usize = 5 * 1024;

/// The lists, whole, in parts and in other orders.
const PAGES: &[&str] = &[
    "/",
    "/jobs",
    "/jobs?state=queued&sort=-cards",
    "/jobs?name=wait-1&class=normal",
    "/nodes",
    "/nodes?page=2",
    "/nodes?state=free",
];

/// Submits many jobs that ask for a whole node each; most of them wait.
fn submit_many(site: &Site, tenant: &Tenant) {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for n in (thread..JOBS).step_by(8) {
                    let mut spec = job(&format!("wait-{n}"), "sleep 600");
                    spec["cards_per_node"] = json!(8);
                    spec["time_limit_ms"] = json!(3_600_000);
                    site.submit(tenant, &spec);
                }
            });
        }
    });
}

/// The fingerprints in a page that a browser has.
fn known(page: &str) -> String {
    let marks = page.split("data-part=\"").skip(1).filter_map(|rest| rest.split('"').next());
    marks.collect::<Vec<_>>().join(",")
}

fn elements(page: &str) -> u64 {
    page.split('<').skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase())).count() as u64
}

#[test]
fn thousands_of_jobs_and_hundreds_of_nodes_make_small_pages() {
    let site = Site::new(QIANTANG, NODES, SETTINGS);
    let alpha = site.tenant("alpha", "research", &grant(), 64);
    submit_many(&site, &alpha);
    let overview = || site.get("/api/v1/overview", &site.operator);
    site.wait_for("the first runs", || (overview()["running_cards"] == 64).then_some(()));
    let (operator, developer) =
        (Browser::signed_in(&site, "operator"), Browser::signed_in(&site, "alpha-developer"));
    for (who, browser) in [("operator", &operator), ("developer", &developer)] {
        for path in PAGES {
            let whole = browser.get(path);
            assert_eq!(
                (whole.status, whole.header("vary").contains("accept-encoding")),
                (200, true),
                "{who} {path}"
            );
            let began = Instant::now();
            let bytes = browser.compressed(path, &[]).len();
            let (took, elements) = (began.elapsed(), elements(&whole.body));
            println!("{who} {path}: {bytes} bytes, {elements} elements, {} ms", took.as_millis());
            assert!(
                bytes < MOST_BYTES && elements < MOST_ELEMENTS,
                "{who} {path}: {bytes} bytes, {elements} elements"
            );
        }
    }
    it_tells_what_is_next_and_why(&operator, &overview());
    an_event_costs_little(&site, &alpha, &operator);
    all_is_there_in_a_real_browser(&site);
}

/// The first page has the next to start, the reason of all that wait, and how many there are.
fn it_tells_what_is_next_and_why(operator: &Browser, overview: &Value) {
    let waiting = &overview["waiting"];
    assert_eq!(waiting["jobs"], JOBS as u64 - 8);
    let told =
        waiting["reasons"].as_array().expect("reasons").iter().filter_map(|reason| reason["jobs"].as_u64());
    assert_eq!(told.sum::<u64>(), JOBS as u64 - 8);
    let forecasts: Vec<&str> = waiting["next"]
        .as_array()
        .expect("jobs")
        .iter()
        .map(|job| job["verdict"]["forecast_start"].as_str().expect("a forecast"))
        .collect();
    assert!(forecasts.len() == 10 && forecasts.is_sorted(), "{forecasts:?}");
    let page = operator.get("/").body;
    for part in
        ["10 of 4,992", "Next to start", "contract&#39;s card limit", "href=\"/jobs?state=queued\"", "8 of 8"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(operator.get("/jobs?state=queued").body.contains("50 of 4,992"));
}

/// What a page that is open is sent after a run ended and the next began, and after a node was drained.
fn an_event_costs_little(site: &Site, alpha: &Tenant, operator: &Browser) {
    let pages = ["/", "/jobs?state=running", "/jobs?state=queued", "/nodes", "/nodes?page=1"];
    let had: Vec<String> = pages.iter().map(|path| known(&operator.get(path).body)).collect();
    let running = site.get("/api/v1/jobs?state=running", &alpha.developer)["items"][0]["id"].clone();
    let running = running.as_str().expect("a running job");
    site.post(&format!("/api/v1/jobs/{running}/cancel"), &alpha.developer, &Value::Null);
    site.wait_for("the next run", || {
        let jobs = site.get("/api/v1/jobs?state=running", &alpha.developer);
        let is_next = |job: &Value| job["id"] != running;
        let items = jobs["items"].as_array().expect("jobs");
        (items.len() == 8 && items.iter().all(is_next)).then_some(())
    });
    site.post("/api/v1/nodes/npu-300/drain", &site.operator, &json!({ "reason": "fans" }));
    let mut changed = 0;
    for (path, had) in pages.iter().zip(had) {
        let bytes = operator.compressed(path, &[("live-known", &had)]).len() + had.len();
        println!("news of {path}: {bytes} bytes");
        assert!(bytes < MOST_EVENT_BYTES, "{path}: {bytes} bytes");
        let news = operator.send("GET", path, None, &[("live-known", &had)]);
        assert!(!news.body.contains("<!doctype"), "{path} is sent whole");
        changed += usize::from(news.body.contains("data-part="));
        // With what it was sent, little is left but what changes by the second.
        let has = known(&operator.get(path).body);
        let rest = operator.compressed(path, &[("live-known", &has)]).len();
        assert!(rest < MOST_EVENT_BYTES / 2, "{path}: {rest} bytes");
    }
    assert!(changed >= 4, "an event changed {changed} pages");
    let drained = operator.get("/nodes?state=drained").body;
    assert!(
        drained.contains("npu-300") && drained.contains("fans") && drained.contains("1 of 1 nodes"),
        "{drained}"
    );
}

fn all_is_there_in_a_real_browser(site: &Site) {
    let Some(browser) = Chromium::start() else { return };
    browser.set_width(1440);
    browser.sign_in(site, "operator");
    for path in ["/", "/jobs", "/nodes"] {
        browser.open(&format!("{}{path}?lang=en", site.url));
        site.wait_for("the page to be live", || {
            let is_live = browser.script("return !!document.querySelector('[data-as-of].is-live')");
            (is_live == true).then_some(())
        });
        let seen = browser.script(
            "return { elements: document.querySelectorAll('*').length, high: document.documentElement.scrollHeight, \
             same: document.querySelectorAll('[data-same]').length }",
        );
        assert!(
            seen["elements"].as_u64() < Some(MOST_ELEMENTS) && seen["high"].as_u64() < Some(6000),
            "{path}: {seen}"
        );
        assert_eq!(seen["same"], 0, "{path} has parts that were never there");
    }
    assert_eq!(browser.errors(), Vec::<String>::new());
}
