//! A member's own tokens.

use crate::scene::Scene;

#[test]
fn a_token_needs_a_name() {
    let scene = Scene::new();
    let developer = scene.browser("alpha-developer");
    let empty = developer.send_form("/tokens", &[("name", " ")]);
    assert_eq!(empty.status, 422);
    assert!(empty.body.contains("id=\"name-error\""), "{}", empty.body);
}

#[test]
fn a_token_is_shown_once_and_ends_when_it_is_revoked() {
    let scene = Scene::new();
    let site = &scene.site;
    let developer = scene.browser("alpha-developer");
    let made = developer.send_form("/tokens", &[("name", "of the laptop")]);
    assert_eq!((made.status, made.header("location")), (303, "/tokens"));
    let shown = developer.get("/tokens");
    let token =
        shown.body.split("<code>qt_").nth(1).and_then(|rest| rest.split('<').next()).expect("a token");
    let token = format!("qt_{token}");
    let listed = developer.get("/tokens").body;
    assert!(listed.contains("of the laptop") && !listed.contains(&token), "shown once");
    assert_eq!(listed.matches("of the laptop").count(), shown.body.matches("of the laptop").count());
    assert_eq!(site.get("/api/v1/me", &token)["login"], "alpha-developer");
    let row = site.wait_for("its use to be noted", || {
        let rows = site.get("/api/v1/tokens", &token);
        let row = rows.as_array()?.iter().find(|row| row["name"] == "of the laptop")?.clone();
        row["last_used_at"].is_string().then_some(row)
    });
    let revoke = format!("/tokens/{}/revoke", row["id"].as_str().expect("an id"));
    let admin = scene.browser("alpha-admin");
    assert_eq!(admin.send_form(&revoke, &[]).status, 404, "another member's");
    assert_eq!(developer.send_form(&revoke, &[]).status, 303);
    assert_eq!(site.ask("GET", "/api/v1/me", &token, None).0, 401);
    assert!(!developer.get("/tokens").body.contains("of the laptop"));
}
