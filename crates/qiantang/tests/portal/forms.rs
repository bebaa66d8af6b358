//! Forms need the token of their session, and the role.

use testkit::PASSWORD;

use crate::scene::Scene;

#[test]
fn a_form_needs_the_token_of_its_session() {
    let scene = Scene::new();
    let (admin, developer) = (scene.browser("alpha-admin"), scene.browser("alpha-developer"));
    let (node, contract) = (scene.node(), &scene.alpha.contract);
    for path in [
        &*format!("/jobs/{}/cancel", scene.failed_job()),
        &format!("/nodes/{node}/drain"),
        &format!("/nodes/{node}/labels"),
        &format!("/nodes/{node}/maintenance"),
        &format!("/contracts/{contract}/act"),
        "/submit",
        "/submit/dry-run",
        "/twin",
        "/people/members",
        "/people/projects",
        "/contracts/new",
        "/tokens",
        "/tokens/password",
        "/sign-out",
    ] {
        for csrf in ["", "wrong", &developer.csrf()] {
            let answer = admin.post(path, &[("csrf", csrf), ("script", "#!/bin/sh\ntrue\n")], &[]);
            assert!(matches!(answer.status, 403 | 422), "{path}: {}", answer.status);
        }
    }
}

#[test]
fn a_form_needs_the_role() {
    let scene = Scene::new();
    let (operator, admin) = (scene.browser("operator"), scene.browser("alpha-admin"));
    let (developer, finance) = (scene.browser("alpha-developer"), scene.browser("alpha-finance"));
    let (node, contract) = (scene.node(), &scene.alpha.contract);
    for (browser, path) in [
        (&finance, &*format!("/jobs/{}/cancel", scene.failed_job())),
        (&finance, "/submit"),
        (&finance, "/people/members"),
        (&developer, "/people/projects"),
        (&developer, "/contracts/new"),
        (&admin, &format!("/nodes/{node}/drain")),
        (&admin, &format!("/nodes/{node}/labels")),
        (&admin, &format!("/nodes/{node}/maintenance")),
        (&admin, "/twin"),
        (&admin, &format!("/contracts/{contract}/act")),
        (&admin, &format!("/contracts/{contract}/top-up")),
        (&operator, "/submit"),
    ] {
        let csrf = browser.csrf();
        // Every field that one of these forms needs, so that the role alone is missing.
        let fields = [
            ("csrf", csrf.as_str()),
            ("reason", "x"),
            ("action", "suspend"),
            ("script", "#!/bin/sh\ntrue\n"),
            ("m-role", "developer"),
            ("m-login", "x"),
            ("m-name", "x"),
            ("m-password", PASSWORD),
            ("p-slug", "x"),
            ("p-name", "x"),
            ("amount", "1"),
            ("reference", "x"),
        ];
        assert_eq!(browser.post(path, &fields, &[]).status, 403, "{path}");
    }
}

#[test]
fn what_is_not_allowed_is_not_offered() {
    let scene = Scene::new();
    let (admin, finance) = (scene.browser("alpha-admin"), scene.browser("alpha-finance"));
    assert!(!finance.get(&format!("/jobs/{}", scene.failed_job())).body.contains("/cancel"));
    assert!(!admin.get(&format!("/nodes/{}", scene.node())).body.contains("/drain"));
}
