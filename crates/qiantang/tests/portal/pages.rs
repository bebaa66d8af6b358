//! Every page for each role, in both languages.

use std::{fmt::Write as _, path::Path};

use testkit::{Answer, assert_golden, grant};

use crate::scene::{PAGES, Scene};

/// Each icon that a page has is drawn, once.
const ICONS: &str = include_str!("../../../base/static/icons.svg");

/// Checks the rules for every answer.
fn check(what: &str, answer: &Answer, html_lang: &str) {
    assert!(answer.status < 500, "{what}: {}", answer.body);
    if answer.header("content-type").starts_with("text/html") {
        assert!(answer.body.contains(html_lang), "{what} is in another language");
        assert_eq!(answer.body.matches("<h1").count(), 1, "{what} has one title");
        for icon in answer.body.split("icons.svg#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert_eq!(ICONS.matches(&format!("id=\"{icon}\"")).count(), 1, "{what}: icon {icon}");
        }
        for bad in [" style=\"", "<script>", "onclick=", "javascript:"] {
            assert!(!answer.body.contains(bad), "{what} has {bad}");
        }
    }
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
        "{what}: {policy}"
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
}

#[test]
fn every_page_answers_each_role_in_both_languages_and_keeps_tenants_apart() {
    let scene = Scene::new();
    scene.site.publish_price(1_000_000);
    scene.site.tenant("beta", "enterprise", &grant(), 8);
    let job = scene.failed_job();
    let logins = ["operator", "alpha-admin", "alpha-developer", "alpha-finance", "beta-admin"];
    let mut browsers = logins.map(|login| scene.browser(login));
    let mut seen = format!("{:<34} {}\n", "page", logins.join(" "));
    for name in PAGES {
        let path = scene.filled(name, &job);
        let mut row = format!("{name:<34}");
        for (login, browser) in logins.iter().zip(&mut browsers) {
            let mut statuses = Vec::new();
            for (lang, html_lang) in [("en", "<html lang=\"en\""), ("zh", "<html lang=\"zh-CN\"")] {
                browser.lang = lang;
                let answer = browser.get(&path);
                statuses.push(answer.status);
                check(&format!("{path} for {login} in {lang}"), &answer, html_lang);
                if *login == "beta-admin" {
                    for foreign in ["secret-of-alpha", "alpha-1", "alpha-admin", "alpha-developer"] {
                        assert!(!answer.body.contains(foreign), "{path} shows {foreign} to beta");
                    }
                }
            }
            assert_eq!(statuses[0], statuses[1], "{path}: the language changes nothing");
            let _ = write!(row, " {:<width$}", statuses[0], width = login.len());
        }
        let _ = writeln!(seen, "{}", row.trim_end());
    }
    assert_golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pages.txt"), &seen);
}

#[test]
fn a_job_s_log_is_in_its_page_as_text() {
    let scene = Scene::new();
    let page = scene.browser("alpha-admin").get(&format!("/jobs/{}", scene.failed_job()));
    assert!(page.body.contains("the log of alpha"), "{}", page.body);
    assert!(!page.body.contains("<b>bold</b>"), "{}", page.body);
}
