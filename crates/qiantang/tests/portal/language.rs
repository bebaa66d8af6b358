//! The language of pages.

use std::io::Read as _;

use testkit::{Browser, Site};
use ureq::{Agent, http};

use crate::{QIANTANG, scene::SETTINGS};

#[test]
fn the_language_is_kept_by_the_switch_and_asked_of_the_browser() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let browser = Browser::signed_in(&site, "operator");
    let switched = browser.get("/jobs?lang=zh&state=active");
    assert_eq!((switched.status, switched.header("location")), (303, "/jobs?state=active"));
    assert!(switched.header("set-cookie").starts_with("lang=zh;"), "{}", switched.header("set-cookie"));
    let elsewhere = browser.get("//evil.example/?lang=zh");
    assert!(!elsewhere.header("location").starts_with("//"), "{}", elsewhere.header("location"));

    let ask = |accept: &str| {
        let request = http::Request::get(format!("{}/sign-in", site.url)).header("Accept-Language", accept);
        let agent = Agent::new_with_defaults();
        let response = agent.run(request.body(()).expect("a request")).expect("the center answers");
        let mut text = String::new();
        response.into_body().into_reader().read_to_string(&mut text).expect("the answer is text");
        text
    };
    assert!(ask("en-GB,en;q=0.9").contains("<html lang=\"en\""));
    assert!(ask("zh-TW").contains("<html lang=\"zh-CN\""));
    assert!(ask("fr").contains("<html lang=\"zh-CN\""), "Chinese where nothing else is asked for");
}
