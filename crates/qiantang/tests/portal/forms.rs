//! Forms need the token of their session, and the role.

use serde_json::json;
use testkit::{Browser, PASSWORD, job};

use crate::scene::Scene;

/// A value for every field of every form, so that a refused form lacks nothing but its token or the role.
const FILLED: &[(&str, &str)] = &[
    ("script", "#!/bin/sh\ntrue\n"),
    ("project", "work"),
    ("reason", "x"),
    ("action", "suspend"),
    ("labels", "nvme"),
    ("legal_name", "x"),
    ("from", "2099-05-20T08:00"),
    ("until", "2099-05-20T12:00"),
    ("member_role", "developer"),
    ("member_login", "x"),
    ("member_name", "x"),
    ("member_password", PASSWORD),
    ("is_enabled", "false"),
    ("known_login", "alpha-admin"),
    ("known_role", "developer"),
    ("known_tenant", "alpha"),
    ("member", "none"),
    ("email", "lin@univ.example"),
    ("role", "developer"),
    ("tenant", "alpha"),
    ("new_login", "lin"),
    ("new_name", "Lin"),
    ("new_password", PASSWORD),
    ("project_slug", "x"),
    ("project_name", "x"),
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
    ("effective", "now"),
    ("decision", "approve"),
    ("verdict", "conflict"),
    ("version", "1"),
    ("sha256", "x"),
    ("act", "withdraw"),
    ("cards-1", "8"),
    ("pool-1", "ascend-910"),
    ("class-1", "normal"),
    ("issuer", "none"),
    ("person", "none"),
    ("code", "123456"),
    ("remove_code", "123456"),
    ("user_code", "BCDF-GHJK"),
    ("answer", "deny"),
    ("url", "https://hooks.invalid/"),
    ("events", "job_ended"),
];

/// The paths that all forms of the portal are sent to, for things that are there. `job` is the id of a job.
fn paths(scene: &Scene, job: &str) -> Vec<(&'static str, String)> {
    scene.invite();
    let token = json!({ "name": "directory", "tenant": "alpha" });
    scene.site.post("/api/v1/scim-tokens", &scene.site.operator, &token);
    let id_of = |list: &str| {
        let list = scene.site.get(&format!("/api/v1/{list}"), &scene.site.operator);
        list[0]["id"].as_str().expect("an id").to_owned()
    };
    let alliance = json!({ "slug": "vision", "name": { "zh": "视觉", "en": "Vision" } });
    scene.site.post("/api/v1/alliances", &scene.site.operator, &alliance);
    let paying = json!({ "number": "to-correct", "terms": { "kind": "metered", "credit_limit": 0 },
        "pools": ["ascend-910"], "starts_at": "2020-01-01", "ends_at": "2099-01-01", "tenant": "alpha",
        "queue": { "weight": 1, "guaranteed_cards": 0, "max_running_cards": 8 } });
    let operator = &scene.site.operator;
    let paying =
        scene.site.post("/api/v1/contracts", operator, &paying)["id"].as_str().expect("an id").to_owned();
    for action in ["submit", "approve", "activate"] {
        let path = format!("/api/v1/contracts/{paying}/actions");
        scene.site.post(&path, operator, &json!({ "action": action }));
    }
    let paid = json!({ "amount_micro_cny": 5, "reference": "wrong" });
    scene.site.post(&format!("/api/v1/contracts/{paying}/top-up"), operator, &paid);
    let wrong = json!({ "kind": "reversal", "contract": "to-correct", "amount_micro_cny": 5, "corrects": "wrong",
        "reason": "typed twice" });
    let correction =
        scene.site.post("/api/v1/corrections", operator, &wrong)["id"].as_str().expect("an id").to_owned();
    let amendment = json!({ "reason": "more", "credit_limit_micro_cny": 7 });
    let path = format!("/api/v1/contracts/{paying}/amendments");
    let amendment = scene.site.post(&path, operator, &amendment)["id"].as_str().expect("an id").to_owned();
    let invitation = id_of("invitations");
    let of_one = [
        ("/people/invitations/{id}", invitation),
        ("/join/{token}", "none".to_owned()),
        ("/amendments/{id}", amendment),
        ("/budgets/{id}", scene.budget()),
        ("/alliances/{slug}", "vision".to_owned()),
        ("/corrections/{id}", correction),
        ("/invoices/{request}", "FP-000001".to_owned()),
        ("/jobs/{id}", job.to_owned()),
        ("/periods/{month}", domain::Zone::default().month(testkit::now()).to_string()),
        ("/nodes/{name}", scene.node()),
        ("/pools/{name}", "ascend-910".to_owned()),
        ("/tenants/{slug}", "alpha".to_owned()),
        ("/quotes/{number}", scene.quote().to_owned()),
        ("/contracts/{id}", scene.alpha.contract.clone()),
        ("/people/members/{id}", id_of("members")),
        ("/people/projects/{id}", id_of("projects")),
        ("/tokens/{id}", id_of("tokens")),
        ("/vouchers/programmes/{slug}", "none".to_owned()),
        ("/vouchers/claims/{number}", "none".to_owned()),
        ("/vouchers/{number}", "none".to_owned()),
        ("/applications/{number}", scene.application().to_owned()),
        ("/apply/{number}", scene.application().to_owned()),
        ("/tokens/sessions/{id}", "none".to_owned()),
        ("/tokens/identities/{id}", "none".to_owned()),
        ("/people/scim/{id}", id_of("scim-tokens")),
        ("/notices/{id}", "none".to_owned()),
        ("/mails/{id}", "none".to_owned()),
        ("/webhooks/{id}", scene.webhook()),
        ("/reset/{token}", "none".to_owned()),
    ];
    let forms = center::portal::forms(qiantang::PLATFORMS);
    assert!(forms.len() > 20, "{forms:?}");
    let filled = |form: &'static str| {
        let known = of_one.iter().find(|(path, _)| form.starts_with(path));
        let path = known.map_or_else(
            || form.to_owned(),
            |(path, id)| form.replace(&path[path.find('{').expect("a part")..], id),
        );
        assert!(!path.contains('{'), "say what {form} is sent for");
        (form, path)
    };
    forms.into_iter().map(filled).collect()
}

#[test]
fn a_form_without_its_session_s_token_changes_nothing() {
    let scene = Scene::new();
    let site = &scene.site;
    let job = site.submit(&scene.alpha, &job("goes-on", "sleep 60"));
    site.wait_for_state(&scene.alpha.developer, &job, "running");
    let (admin, operator) = (scene.browser("alpha-admin"), scene.browser("operator"));
    let others = scene.browser("alpha-developer").csrf();
    let paths = paths(&scene, &job);
    let state = || {
        let jobs = site.get("/api/v1/jobs", &site.operator);
        let jobs = jobs["items"].as_array().expect("jobs").iter().map(|job| job["state"].to_string());
        let audit = site.get("/api/v1/audit?limit=200", &site.operator);
        let is_unasked = operator.get("/twin").body.contains("Nothing was asked yet");
        (audit, jobs.collect::<Vec<_>>(), is_unasked)
    };
    let before = state();
    let elsewhere = [("sec-fetch-site", "cross-site")];
    for (form, path) in &paths {
        // Mail programs have no session and no page: what this one does is said by the signature in its address.
        if *form == "/unsubscribe" {
            continue;
        }
        for browser in [&admin, &operator] {
            for csrf in ["", "wrong", &others] {
                let fields = [&[("csrf", csrf)], FILLED].concat();
                let answer = browser.post(path, &fields, &elsewhere);
                assert_eq!(answer.status, 403, "{path}");
                assert!(answer.body.contains("did not come from a page of yours"), "{path}: {}", answer.body);
            }
        }
        let stranger = Browser::new(site).post(path, FILLED, &elsewhere);
        let is_for_strangers = [
            "/sign-in",
            "/sign-in/code",
            "/join/{token}/new",
            "/join/{token}/known",
            "/forgot",
            "/reset/{token}",
        ]
        .contains(form)
            || form.starts_with("/apply");
        let want = if is_for_strangers { (403, "") } else { (303, "/sign-in") };
        assert_eq!((stranger.status, stranger.header("location")), want, "{path}");
    }
    assert_eq!(state(), before);
    assert_eq!((admin.get("/").status, operator.get("/").status), (200, 200), "nobody was signed out");
}

/// A page that is the answer to a form would do it again when it is loaded again: what changes something answers with the
/// way to a page. A form that is tried out or refused may be answered with itself.
#[test]
fn a_form_that_changes_something_leads_to_a_page() {
    let scene = Scene::new();
    let site = &scene.site;
    let job = site.submit(&scene.alpha, &job("goes-on", "sleep 60"));
    site.wait_for_state(&scene.alpha.developer, &job, "running");
    let changes = || site.get("/api/v1/audit?limit=200", &site.operator)["items"].as_array().map(Vec::len);
    let mut led = 0;
    for (form, path) in paths(&scene, &job) {
        for login in ["alpha-admin", "operator"] {
            // Some of these forms end sessions.
            let browser = scene.browser(login);
            let is_of_member = form.starts_with("/people/members/");
            if is_of_member || ["/tokens/password", "/sign-in", "/tokens/{id}/revoke"].contains(&form) {
                continue;
            }
            let before = changes();
            // Nobody is locked out, whose session would end.
            let filled: Vec<_> = [("is_enabled", "true")].into_iter().chain(FILLED.iter().copied()).collect();
            let answer = browser.send_form(&path, &filled);
            let is_page = answer.status != 303 && answer.header("content-type").starts_with("text/html");
            assert!(!is_page || changes() == before, "{login} {path}: {} {}", answer.status, answer.body);
            led += usize::from(answer.status == 303);
        }
    }
    assert!(led > 12, "{led} forms were taken");
}

#[test]
fn a_form_needs_the_role() {
    let scene = Scene::new();
    let (operator, admin) = (scene.browser("operator"), scene.browser("alpha-admin"));
    let (developer, finance) = (scene.browser("alpha-developer"), scene.browser("alpha-finance"));
    let (node, contract) = (scene.node(), &scene.alpha.contract);
    let member = scene.member("alpha-finance");
    for (browser, path) in [
        (&finance, &*format!("/jobs/{}/cancel", scene.failed_job())),
        (&finance, "/submit"),
        (&finance, "/people/members"),
        (&developer, "/people/projects"),
        (&developer, "/contracts/new"),
        (&admin, &format!("/nodes/{node}/drain")),
        (&admin, &format!("/nodes/{node}/labels")),
        (&admin, &format!("/nodes/{node}/retire")),
        (&admin, &format!("/nodes/{node}/remove")),
        (&admin, &format!("/nodes/{node}/bring-back")),
        (&admin, "/pools/ascend-910/retire"),
        (&admin, "/tenants/alpha/names"),
        (&developer, &format!("/people/members/{member}/change")),
        (&developer, &format!("/people/members/{member}/password")),
        (&admin, &format!("/nodes/{node}/maintenance")),
        (&admin, &format!("/people/members/{member}/second-factor")),
        (&admin, "/periods/2026-01/close"),
        (&admin, "/twin"),
        (&admin, &format!("/contracts/{contract}/act")),
        (&admin, &format!("/contracts/{contract}/top-up")),
        (&developer, &format!("/contracts/{contract}/edit")),
        (&developer, &format!("/contracts/{contract}/amend")),
        (&operator, "/submit"),
    ] {
        assert_eq!(browser.send_form(path, FILLED).status, 403, "{path}");
    }
}

#[test]
fn what_is_not_allowed_is_not_offered() {
    let scene = Scene::new();
    let (admin, finance) = (scene.browser("alpha-admin"), scene.browser("alpha-finance"));
    assert!(!finance.get(&format!("/jobs/{}", scene.failed_job())).body.contains("/cancel"));
    assert!(!admin.get(&format!("/nodes/{}", scene.node())).body.contains("/drain"));
}
