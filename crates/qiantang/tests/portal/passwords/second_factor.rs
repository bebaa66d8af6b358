//! Signing in with a second factor; setting one up, losing it; tries that fail.

use serde_json::json;
use testkit::{Browser, Device, PASSWORD, Site, enrol, grant};

use crate::{
    QIANTANG,
    scene::{SETTINGS, Scene},
};

const DEVELOPER: [(&str, &str); 2] = [("login", "alpha-developer"), ("password", PASSWORD)];

#[test]
fn one_is_bound_by_its_first_code_and_no_sooner() {
    let scene = Scene::new();
    let (browser, elsewhere) = (scene.browser("alpha-developer"), scene.browser("alpha-developer"));
    let wrong = browser.send_form("/second-factor/begin", &[("old", "wrong")]);
    assert!(wrong.status == 422 && wrong.body.contains("id=\"old-error\""), "{}", wrong.body);
    assert_eq!(browser.send_form("/second-factor/begin", &[("old", PASSWORD)]).status, 303);
    let page = browser.get("/second-factor").body;
    assert!(page.contains("class=\"qr\"") && page.contains("id=\"secret\""), "{page}");
    let mut device = Device::of(&page);
    // Until then it binds nobody.
    let login = json!({ "login": "alpha-developer", "password": PASSWORD });
    assert!(scene.site.post("/api/v1/login", "", &login)["id"].is_string());
    for bad in [device.wrong_code(), String::new(), "not a code".into()] {
        let wrong = browser.send_form("/second-factor/confirm", &[("code", &bad)]);
        assert!(wrong.status == 422 && wrong.body.contains("id=\"code-error\""), "{bad}: {}", wrong.body);
    }
    assert_eq!(browser.send_form("/second-factor/confirm", &[("code", &device.code())]).status, 303);
    let page = browser.get("/second-factor").body;
    assert!(page.contains("recovery-codes") && !page.contains("id=\"secret\""), "{page}");
    assert!(!browser.get("/second-factor").body.contains("recovery-codes\""), "the codes are shown once");
    assert_eq!(elsewhere.get("/").status, 303, "who has shown less is out");
    assert_eq!(browser.send_form("/second-factor/begin", &[("old", PASSWORD)]).status, 409);
    let line =
        scene.site.get("/api/v1/audit?action=enrol_second_factor", &scene.alpha.admin)["items"][0].clone();
    assert_eq!(line["detail"]["login"], "alpha-developer");
    let view = scene.site.get("/api/v1/me/second-factor", &scene.alpha.developer);
    assert!(view["since"].is_string() && view["recovery_codes_left"] == 10, "{view}");
}

#[test]
fn the_code_is_asked_for_on_a_second_page_and_taken_once() {
    let scene = Scene::new();
    let (mut device, recovery) = enrol(&scene.browser("alpha-developer"), PASSWORD);
    let mut browser = Browser::new(&scene.site);
    let fields = [&DEVELOPER[..], &[("next", "/jobs")]].concat();
    let first = browser.post("/sign-in", &fields, &[]);
    assert_eq!((first.status, first.header("location")), (303, "/sign-in/code"));
    let half = first.cookie("half");
    assert!(first.header("set-cookie").contains("HttpOnly"), "{}", first.header("set-cookie"));
    let as_half = [("Cookie", half.as_str())];
    let page = browser.send("GET", "/sign-in/code", None, &as_half);
    assert!(page.status == 200 && page.body.contains("one-time-code"), "{}", page.body);
    // The half is one browser's, and opens nothing by itself.
    assert_eq!(browser.get("/sign-in/code").header("location"), "/sign-in");
    assert_eq!(browser.send("GET", "/jobs", None, &as_half).status, 303);
    let code = |code: &str| browser.post("/sign-in/code", &[("code", code)], &as_half);
    let used = code(&device.last_code());
    assert!(used.status == 422 && used.body.contains("id=\"code-error\""), "{}", used.body);
    let entered = code(&device.code());
    assert_eq!((entered.status, entered.header("location")), (303, "/jobs"), "{}", entered.body);
    assert_eq!(code(&device.last_code()).header("location"), "/sign-in", "the half is over");
    entered.new_session().clone_into(&mut browser.session);
    let page = browser.get("/tokens").body;
    assert!(page.contains("password and code"), "{page}");
    assert!(
        page.contains("Failed tries to sign in as you: 1"),
        "they hear of the code that was wrong: {page}"
    );

    // A recovery code opens once.
    let enter = |code: &str| {
        let stranger = Browser::new(&scene.site);
        let half = stranger.post("/sign-in", &DEVELOPER, &[]).cookie("half");
        stranger.post("/sign-in/code", &[("code", code)], &[("Cookie", &half)])
    };
    assert_eq!(enter(&recovery[3].to_uppercase()).status, 303);
    assert_eq!((enter(&recovery[3]).status, enter(&recovery[4]).status), (422, 303));
    assert!(browser.get("/second-factor").body.contains("Recovery codes left: 8"));
    assert!(browser.get("/tokens").body.contains("password and recovery code"));

    // And so for programs.
    let login = |code: Option<&str>| {
        let body = json!({ "login": "alpha-developer", "password": PASSWORD, "code": code });
        scene.site.ask("POST", "/api/v1/login", "", Some(&body))
    };
    let (status, told) = login(None);
    assert_eq!((status, &told["code"]), (403, &"code_needed".into()), "{told}");
    let (status, told) = login(Some(&device.last_code()));
    assert_eq!((status, &told["errors"][0]["field"]), (422, &"code".into()), "{told}");
    let (status, told) = login(Some(&device.code()));
    assert_eq!(status, 201, "{told}");
    assert!(told["failed_sign_ins"]["tries"].as_i64() >= Some(3), "{told}");
    assert_eq!(told["failed_sign_ins"]["last_from"], "127.0.0.1");
}

#[test]
fn new_recovery_codes_take_a_code_and_the_place_of_the_old_ones() {
    let scene = Scene::new();
    let browser = scene.browser("alpha-developer");
    let (mut device, old) = enrol(&browser, PASSWORD);
    let renew = |code: &str| browser.send_form("/second-factor/renew", &[("code", code)]);
    for bad in [device.wrong_code(), device.last_code()] {
        let refused = renew(&bad);
        assert!(refused.status == 422 && refused.body.contains("id=\"code-error\""), "{}", refused.body);
    }
    assert_eq!(renew(&device.code()).status, 303);
    let page = browser.get("/second-factor").body;
    assert!(page.contains("Recovery codes left: 10") && !page.contains(&old[0]), "{page}");
    assert_eq!(renew(&old[0]).status, 422, "those of before are none");
}

#[test]
fn after_five_wrong_codes_the_password_is_asked_for_anew() {
    let scene = Scene::new();
    enrol(&scene.browser("alpha-developer"), PASSWORD);
    let stranger = Browser::new(&scene.site);
    let half = stranger.post("/sign-in", &DEVELOPER, &[]).cookie("half");
    let tries = (0..5).map(|_| stranger.post("/sign-in/code", &[("code", "x")], &[("Cookie", &half)]).status);
    assert_eq!(tries.collect::<Vec<_>>(), [422, 422, 422, 422, 303]);
    let elsewhere = [("sec-fetch-site", "cross-site"), ("Cookie", half.as_str())];
    assert_eq!(stranger.post("/sign-in/code", &[("code", "x")], &elsewhere).status, 403);
}

#[test]
fn who_must_have_one_does_nothing_else_before() {
    let mut site = Site::new(QIANTANG, 1, &format!("{SETTINGS}[sign_in]\nsecond_factor = \"nobody\"\n"));
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    site.change_settings("second_factor = \"nobody\"", "second_factor = \"center\"");
    site.stop();
    site.start();
    let refused = |token: &str| {
        let (status, told) = site.ask("GET", "/api/v1/jobs", token, None);
        (status, told["code"].as_str().unwrap_or_default().to_owned())
    };
    let needed = (403, "second_factor_needed".to_owned());
    assert_eq!(refused(&site.operator), needed);
    assert_eq!(refused(&alpha.developer).0, 200, "tenants' people need none here");
    let body = json!({ "login": "operator", "password": PASSWORD });
    assert_eq!(site.ask("POST", "/api/v1/login", "", Some(&body)).1["code"], "second_factor_needed");
    let browser = Browser::signed_in(&site, "operator");
    for path in ["/", "/jobs", "/tokens", "/people", "/device", "/events/stream"] {
        let answer = browser.get(path);
        assert_eq!((answer.status, answer.header("location")), (303, "/second-factor"), "{path}");
    }
    let gate = browser.get("/second-factor").body;
    assert!(
        gate.contains("This center asks you for a second factor") && !gate.contains("href=\"/nodes\""),
        "{gate}"
    );
    let sent = browser.send_second_factor_form("/tokens", &[("name", "x")]);
    assert_eq!((sent.status, sent.header("location")), (303, "/second-factor"));
    assert_eq!(browser.send("GET", "/api/v1/jobs", None, &[]).status, 403, "nor by the browser's session");

    let (mut device, _) = enrol(&browser, PASSWORD);
    assert_eq!(browser.get("/").status, 200);
    assert_eq!(refused(&site.operator).0, 200, "the tokens of before go on");
    // One's own goes by password and code, and then another is set up before anything else.
    let remove = |password: &str, code: &str| {
        let fields = [("old", password), ("remove_code", code)];
        browser.send_second_factor_form("/second-factor/remove", &fields)
    };
    assert!(remove("wrong", &device.code()).body.contains("id=\"old-error\""));
    assert!(remove(PASSWORD, &device.wrong_code()).body.contains("id=\"remove_code-error\""));
    assert_eq!(remove(PASSWORD, &device.code()).status, 303);
    assert_eq!(browser.get("/jobs").header("location"), "/second-factor");
    assert_eq!(refused(&site.operator), needed);
}

#[test]
fn an_operator_removes_that_of_somebody_else_and_nobody_their_own() {
    let scene = Scene::new();
    let browser = scene.browser("alpha-developer");
    enrol(&browser, PASSWORD);
    let member = scene.member("alpha-developer");
    let operator = scene.browser("operator");
    let page = operator.get(&format!("/people/members/{member}")).body;
    let form = format!("/people/members/{member}/second-factor");
    assert!(page.contains(&form), "{page}");
    assert!(!scene.browser("alpha-admin").get(&format!("/people/members/{member}")).body.contains(&form));
    assert_eq!(scene.browser("alpha-admin").send_form(&form, &[]).status, 403);
    assert_eq!(operator.send_form(&form, &[]).status, 303);
    assert_eq!(operator.send_form(&form, &[]).status, 409, "there is none any more");
    assert_eq!(browser.get("/").status, 303, "whoever has the device is out");
    assert_eq!(scene.site.ask("GET", "/api/v1/me", &scene.alpha.developer, None).0, 401);
    assert_eq!(Browser::new(&scene.site).post("/sign-in", &DEVELOPER, &[]).header("location"), "/");
    let line =
        scene.site.get("/api/v1/audit?action=drop_second_factor", &scene.site.operator)["items"][0].clone();
    assert_eq!((&line["actor"], &line["detail"]["login"]), (&"operator".into(), &"alpha-developer".into()));
    let own =
        scene.site.get("/api/v1/me", &scene.site.operator)["person"].as_str().expect("an id").to_owned();
    enrol(&operator, PASSWORD);
    let path = format!("/api/v1/persons/{own}/second-factor");
    let (status, told) = scene.site.ask("DELETE", &path, &scene.site.operator, None);
    assert_eq!((status, &told["code"]), (409, &"own_account".into()), "{told}");
}

#[test]
fn a_link_is_taken_with_the_code_as_well() {
    let scene = Scene::new();
    scene.site.tenant("beta", "enterprise", &grant(), 8);
    let (mut device, _) = enrol(&scene.browser("beta-developer"), PASSWORD);
    let link = scene.invite();
    let fields = [("login", "beta-developer"), ("password", PASSWORD)];
    let join = |code: &str| {
        let fields = [&fields[..], &[("code", code)]].concat();
        Browser::new(&scene.site).post(&format!("/join/{link}/known"), &fields, &[])
    };
    let asked = join("");
    assert!(asked.status == 403 && asked.body.contains("id=\"code\""), "{}", asked.body);
    let wrong = join(&device.wrong_code());
    assert!(wrong.status == 422 && wrong.body.contains("id=\"code-error\""), "{}", wrong.body);
    let joined = join(&device.code());
    assert_eq!((joined.status, joined.header("location")), (303, "/"), "{}", joined.body);
}

#[test]
fn tries_that_failed_are_told_at_the_next_sign_in_until_they_are_seen() {
    let scene = Scene::new();
    let stranger = Browser::new(&scene.site);
    for _ in 0..2 {
        let wrong = [("login", "alpha-developer"), ("password", "wrong, and long")];
        assert_eq!(stranger.post("/sign-in", &wrong, &[]).status, 401);
    }
    let told = "Failed tries to sign in as you: 2, since";
    let browser = scene.site.wait_for("the tries are noted", || {
        let browser = scene.browser("alpha-developer");
        browser.get("/").body.contains(told).then_some(browser)
    });
    assert!(browser.get("/jobs").body.contains("from 127.0.0.1"));
    assert!(!scene.browser("alpha-admin").get("/").body.contains("Failed tries"), "nobody else's");
    assert_eq!(browser.send_form("/sign-in/failures/seen", &[]).status, 303);
    assert!(!browser.get("/jobs").body.contains("Failed tries"));
}

#[test]
fn nobody_locks_a_person_out_of_their_own_browser() {
    let site = Site::new(QIANTANG, 1, "[limits]\nsign_ins_per_minute = 4\n");
    let fields = [("login", "operator"), ("password", PASSWORD)];
    let stranger = Browser::new(&site);
    let entered = stranger.send(
        "POST",
        "/sign-in",
        Some(format!("login=operator&password={PASSWORD}")),
        &[("Content-Type", "application/x-www-form-urlencoded")],
    );
    let known =
        entered.cookies().into_iter().find(|cookie| cookie.starts_with("known=")).expect("it is known");
    assert!(known.contains("HttpOnly") && known.contains("SameSite=Lax"), "{known}");
    let known = known.split(';').next().expect("a value").to_owned();
    let wrong = [("login", "operator"), ("password", "wrong, and long")];
    let guesses: Vec<u16> = (0..8).map(|_| stranger.post("/sign-in", &wrong, &[]).status).collect();
    assert_eq!(guesses.last(), Some(&429), "from the same address");
    assert_eq!(stranger.post("/sign-in", &fields, &[]).status, 429, "whoever it is");
    assert_eq!(
        stranger.post("/sign-in", &fields, &[("Cookie", &known)]).status,
        303,
        "but for their own browser"
    );
    let made_up = format!("{known}x");
    assert_eq!(stranger.post("/sign-in", &fields, &[("Cookie", &made_up)]).status, 429);
}
