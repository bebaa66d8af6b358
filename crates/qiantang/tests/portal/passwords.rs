//! A member's own password.

mod second_factor;

use testkit::{Answer, Browser, PASSWORD};

use crate::scene::Scene;

const NEW: &str = "another-long-password";

fn change(browser: &Browser, old: &str, new: &str, again: &str) -> Answer {
    browser.send_form("/tokens/password", &[("old", old), ("new", new), ("again", again)])
}

#[test]
fn a_password_that_can_not_be_is_refused_at_its_field() {
    let scene = Scene::new();
    let browser = scene.browser("alpha-developer");
    for (old, new, again, field) in
        [("wrong", NEW, NEW, "old"), (PASSWORD, NEW, "other", "again"), (PASSWORD, "short", "short", "new")]
    {
        let refused = change(&browser, old, new, again);
        assert_eq!(refused.status, 422, "{field}");
        assert!(refused.body.contains(&format!("id=\"{field}-error\"")), "{field}: {}", refused.body);
        assert!(!refused.body.contains(NEW), "a password is never shown again");
    }
}

#[test]
fn a_new_password_ends_what_the_old_one_opened() {
    let scene = Scene::new();
    let mut browser = scene.browser("alpha-developer");
    let elsewhere = scene.browser("alpha-developer");
    let changed = change(&browser, PASSWORD, NEW, NEW);
    assert_eq!(changed.status, 303, "{}", changed.body);
    let token = &scene.alpha.developer;
    assert_eq!(scene.site.ask("GET", "/api/v1/me", token, None).0, 401, "tokens are revoked");
    assert_eq!((elsewhere.get("/").status, browser.get("/").status), (303, 303), "sessions are over");
    changed.new_session().clone_into(&mut browser.session);
    assert!(browser.get(changed.header("location")).body.contains("The password is changed"));
    let sign_in = |password: &str| {
        let fields = [("login", "alpha-developer"), ("password", password)];
        elsewhere.post("/sign-in", &fields, &[]).status
    };
    assert_eq!((sign_in(PASSWORD), sign_in(NEW)), (401, 303));
}
