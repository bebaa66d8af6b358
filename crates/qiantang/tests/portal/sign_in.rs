//! Signing in and out, and what strangers see.

use testkit::{Browser, PASSWORD, Site};

use crate::{
    QIANTANG,
    scene::{SETTINGS, Scene},
};

#[test]
fn who_is_not_signed_in_sees_the_door_alone() {
    let scene = Scene::new();
    let stranger = Browser::new(&scene.site);
    let job = format!("/jobs/{}", scene.failed_job());
    let contract = format!("/contracts/{}", scene.alpha.contract);
    for path in ["/", "/jobs", "/nodes", &job, &contract] {
        let answer = stranger.get(path);
        assert_eq!((answer.status, answer.header("location")), (303, "/sign-in"), "{path}");
    }
    let nowhere = stranger.get("/nonsense");
    assert_eq!(nowhere.status, 404);
    assert!(!nowhere.body.contains("/people"), "no navigation for strangers");
}

#[test]
fn a_session_s_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let answer = Browser::new(&site).post("/sign-in", &[("login", "operator"), ("password", PASSWORD)], &[]);
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}

#[test]
fn a_wrong_password_is_said_and_the_login_stays() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let wrong = Browser::new(&site).post("/sign-in", &[("login", "operator"), ("password", "wrong")], &[]);
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("Wrong login or password") && wrong.body.contains("value=\"operator\""));
}

#[test]
fn another_site_can_not_sign_anybody_in() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let fields = [("login", "operator"), ("password", PASSWORD)];
    let foreign = Browser::new(&site).post("/sign-in", &fields, &[("sec-fetch-site", "cross-site")]);
    assert_eq!(foreign.status, 403);
    assert!(foreign.header("set-cookie").is_empty());
}

#[test]
fn signing_out_ends_the_session() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let browser = Browser::signed_in(&site, "operator");
    assert_eq!(browser.send_form("/sign-out", &[]).status, 303);
    assert_eq!(browser.get("/").status, 303);
}

#[test]
fn a_static_file_is_not_sent_twice() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let browser = Browser::new(&site);
    let styles = browser.get("/static/qiantang.css");
    assert_eq!(styles.status, 200);
    let known = [("if-none-match", styles.header("etag"))];
    let again = browser.send("GET", "/static/qiantang.css", None, &known);
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}
