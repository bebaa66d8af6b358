//! Pages that keep themselves fresh, in a real browser: what changed is put into place and nothing else is touched.

use serde_json::json;
use testkit::{Chromium, Site, job};

use crate::scene::Scene;

/// A script that goes on until its job is cancelled, and says so again and again.
const GOES_ON: &str = "while :; do echo still here; sleep 0.2; done";

/// The rows of the list of jobs that is shown.
fn rows(browser: &Chromium) -> u64 {
    browser.script("return document.querySelectorAll('tr[id^=job-]').length").as_u64().expect("a number")
}

/// Waits until the page says that it is kept fresh.
fn wait_until_live(browser: &Chromium, site: &Site) {
    site.wait_for("the page to be live", || {
        let is_live = browser.script("return !!document.querySelector('[data-as-of].is-live')");
        (is_live == true).then_some(())
    });
}

#[test]
fn focus_selection_and_what_was_typed_stay_when_a_list_changes() {
    let Some(browser) = Chromium::start() else { return };
    let scene = Scene::new();
    let id = scene.failed_job();
    browser.set_width(1440);
    browser.sign_in(&scene.site, "alpha-developer");
    browser.open(&format!("{}/jobs?lang=en", scene.site.url));
    wait_until_live(&browser, &scene.site);
    let script = "const link = document.querySelector('tr[id^=job-] td.lead a'); link.focus(); link.mark = 'mine'; \
                  const words = link.closest('tr').querySelector('.sub'); getSelection().selectAllChildren(words); \
                  document.querySelector('#name').value = 'half a na'; scrollTo(0, 40);";
    browser.script(script);
    let before = rows(&browser);
    scene.site.submit(&scene.alpha, &job("comes-later", "true"));
    scene.site.wait_for("the new job in the list", || (rows(&browser) > before).then_some(()));
    let after = browser.script(
        "return { focus: document.activeElement.getAttribute('href'), mark: document.activeElement.mark, \
         selected: getSelection().toString().trim(), typed: document.querySelector('#name').value }",
    );
    let wanted = json!({ "focus": format!("/jobs/{id}"), "mark": "mine", "selected": "project work",
        "typed": "half a na" });
    assert_eq!(after, wanted);
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn six_tabs_of_running_jobs_are_all_usable() {
    let Some(browser) = Chromium::start() else { return };
    let scene = Scene::new();
    let jobs: Vec<String> =
        (0..6).map(|n| scene.site.submit(&scene.alpha, &job(&format!("long-{n}"), GOES_ON))).collect();
    for job in &jobs {
        scene.site.wait_for_state(&scene.alpha.developer, job, "running");
    }
    browser.set_width(1440);
    browser.sign_in(&scene.site, "alpha-developer");
    let log_is_there = || {
        let text = browser.script("return (document.querySelector('.log-body') || {}).textContent || ''");
        text.as_str().is_some_and(|text| text.matches("still here").count() > 3).then_some(())
    };
    let mut tabs = Vec::new();
    for job in &jobs {
        tabs.push(browser.open_tab());
        browser.open(&format!("{}/jobs/{job}?lang=en", scene.site.url));
        scene.site.wait_for("the log", log_is_there);
    }
    // Back in the first, its log goes on; and the last one's job can be cancelled.
    browser.look_at(&tabs[0]);
    let lines = || browser.script("return document.querySelectorAll('.log-body .ln').length").as_u64();
    let seen = lines();
    scene.site.wait_for("more of the first log", || (lines() > seen).then_some(()));
    browser.look_at(&tabs[5]);
    browser.script(
        "window.confirm = () => true; document.querySelector('form[action$=\"/cancel\"]').requestSubmit();",
    );
    let cancelled = scene.site.wait_for_end(&scene.alpha.developer, &jobs[5]);
    assert_eq!(cancelled["state"], "cancelled");
    scene.site.wait_for("the page to say so", || {
        let head = browser.script("return document.querySelector('#job-head')?.textContent || ''");
        head.as_str().is_some_and(|text| text.contains("Cancelled")).then_some(())
    });
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn a_page_that_nobody_keeps_fresh_says_as_of_when_it_is() {
    let scene = Scene::new();
    let operator = scene.browser("operator");
    for path in [
        "/",
        "/jobs",
        "/nodes",
        "/contracts",
        "/audit",
        "/corrections",
        "/periods",
        "/people",
        "/events",
        "/budgets",
    ] {
        let page = operator.get(path).body;
        assert!(page.contains("data-as-of") && page.contains(">Refresh</a>"), "{path}: {page}");
    }
    // Signed out, it asks for news in vain and is not led to another page.
    let news = testkit::Browser::new(&scene.site).send("GET", "/jobs", None, &[("live-known", "")]);
    assert_eq!((news.status, news.body.as_str()), (401, ""));
}

#[test]
fn a_twin_s_page_ends_by_itself() {
    let Some(browser) = Chromium::start() else { return };
    let scene = Scene::new();
    scene.failed_job();
    browser.set_width(1440);
    browser.sign_in(&scene.site, "operator");
    browser.open(&format!("{}/twin?lang=en", scene.site.url));
    browser.script("document.querySelector('form[action=\"/twin\"]').requestSubmit();");
    scene.site.wait_for("the twin's answer", || {
        let head = browser.script("return document.querySelector('#trial-head')?.textContent || ''");
        head.as_str().is_some_and(|text| text.contains("Open the report")).then_some(())
    });
    let body = browser.script("return document.querySelector('#trial').textContent");
    assert!(body.as_str().is_some_and(|text| text.contains("Mean wait")), "{body}");
    assert_eq!(browser.errors(), Vec::<String>::new());
}
