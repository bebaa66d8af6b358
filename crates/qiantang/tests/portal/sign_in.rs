//! Signing in and out, and what strangers see.

use serde_json::json;
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
        let want = if path == "/" { "/welcome".to_owned() } else { format!("/sign-in?next={path}") };
        assert_eq!((answer.status, answer.header("location")), (303, want.as_str()), "{path}");
    }
    let nowhere = stranger.get("/nonsense");
    assert_eq!(nowhere.status, 404);
    assert!(!nowhere.body.contains("/people"), "no navigation for strangers");
}

#[test]
fn signing_in_leads_to_the_page_that_was_asked_for_and_to_no_other_site() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let stranger = Browser::new(&site);
    let asked = stranger.get("/jobs?state=active&name=a%20b");
    assert_eq!(asked.header("location"), "/sign-in?next=/jobs%3Fstate%3Dactive%26name%3Da%2520b");
    let form = stranger.get(asked.header("location"));
    let next = form.hidden("next").replace("&#38;", "&").replace("&amp;", "&");
    let enter = |next: &str| {
        let fields = [("login", "operator"), ("password", PASSWORD), ("next", next)];
        stranger.post("/sign-in", &fields, &[]).header("location").to_owned()
    };
    assert_eq!(enter(&next), "/jobs?state=active&name=a%20b");
    for elsewhere in
        ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/sign-out", ""]
    {
        assert_eq!(enter(elsewhere), "/", "{elsewhere}");
        let page =
            stranger.get(&format!("/sign-in?next={}", elsewhere.replace(':', "%3A").replace('\\', "%5C")));
        assert!(!page.body.contains("name=\"next\""), "{elsewhere}: {}", page.body);
    }
    let wrong = [("login", "operator"), ("password", "wrong"), ("next", "/jobs")];
    assert_eq!(stranger.post("/sign-in", &wrong, &[]).hidden("next"), "/jobs");
    let signed_in = Browser::signed_in(&site, "operator");
    assert_eq!(signed_in.get("/sign-in?next=/nodes").header("location"), "/nodes");
}

#[test]
fn a_form_that_was_typed_while_the_session_ended_comes_back() {
    let scene = Scene::new();
    let mut browser = scene.browser("alpha-developer");
    let csrf = browser.csrf();
    let script = "#!/bin/sh\n#SBATCH --gres=npu:1 --time=1\necho '<kept>'\n";
    let fields = [("csrf", csrf.as_str()), ("script", script), ("project", "work"), ("class", "spot")];
    assert_eq!(browser.send_form("/sign-out", &[]).status, 303);
    let refused = browser.post("/submit", &fields, &[]);
    assert_eq!(refused.status, 401);
    assert!(
        refused.body.contains("Your session has ended") && refused.body.contains("#SBATCH --gres=npu:1"),
        "{}",
        refused.body
    );

    let carry = |password| {
        [
            ("login", "alpha-developer"),
            ("password", password),
            ("carried", "/submit"),
            ("carried.script", script),
            ("carried.project", "work"),
            ("carried.class", "spot"),
        ]
    };
    let wrong = browser.post("/sign-in", &carry("wrong"), &[]);
    assert_eq!(wrong.status, 401);
    assert!(
        wrong.body.contains("name=\"carried.script\""),
        "it stays through a wrong password: {}",
        wrong.body
    );
    let entered = browser.post("/sign-in", &carry(PASSWORD), &[]);
    assert_eq!((entered.status, entered.header("location")), (303, "/carried"));
    entered.new_session().clone_into(&mut browser.session);
    let kept = browser.get("/carried");
    assert!(
        kept.body.contains("Back to the form") && kept.body.contains("#SBATCH --gres=npu:1"),
        "{}",
        kept.body
    );
    let form = browser.send_form("/submit/dry-run", &fields[1..]);
    assert!(form.status == 200 && form.body.contains("#SBATCH --gres=npu:1"), "{}", form.body);
    assert_eq!(browser.send_form("/submit", &fields[1..]).status, 303);

    // A page of the session before, and one of another site.
    let stale = browser.post("/submit", &fields, &[("sec-fetch-site", "same-origin")]);
    assert_eq!(stale.status, 403);
    assert!(
        stale.body.contains("#SBATCH --gres=npu:1") && stale.body.contains("nothing was done"),
        "{}",
        stale.body
    );
    let foreign = browser.post("/submit", &fields, &[("sec-fetch-site", "cross-site")]);
    assert!(foreign.status == 403 && !foreign.body.contains("#SBATCH"), "{}", foreign.body);
    let stranger = Browser::new(&scene.site).post("/submit", &fields, &[("sec-fetch-site", "cross-site")]);
    assert_eq!((stranger.status, stranger.header("location")), (303, "/sign-in"));
    // Passwords are never carried.
    let member = [("member_login", "x"), ("member_password", "do-not-show-this")];
    let refused = Browser::new(&scene.site).post("/people/members", &member, &[]);
    assert!(refused.status == 401 && !refused.body.contains("do-not-show-this"), "{}", refused.body);
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

#[test]
fn a_person_goes_on_as_another_of_their_members() {
    let scene = Scene::new();
    let site = &scene.site;
    let mut browser = scene.browser("alpha-developer");
    assert!(!browser.get("/").body.contains("/sign-in/as"), "there is nothing to choose");
    site.tenant("beta", "enterprise", &testkit::grant(), 8);
    let fields = [("known_login", "alpha-developer"), ("known_role", "finance"), ("known_tenant", "beta")];
    let added = scene.browser("operator").send_form("/people/members/known", &fields);
    assert_eq!(added.header("location"), "/people", "{}", added.body);
    let member = |tenant: &str| {
        let all = site.get("/api/v1/members", &site.operator);
        let mut all = all.as_array().expect("members").iter();
        let is_it =
            |one: &&serde_json::Value| one["login"] == "alpha-developer" && one["tenant_slug"] == tenant;
        all.find(is_it).expect("a member")["id"].as_str().expect("an id").to_owned()
    };
    let (alpha, beta) = (member("alpha"), member("beta"));
    let page = browser.get("/").body;
    assert!(page.contains("/sign-in/as") && page.contains(&beta), "{page}");
    assert!(page.contains(&format!("<option value=\"{alpha}\" selected>")), "{page}");

    let old = (browser.session.clone(), browser.csrf());
    let gone = browser.send_form("/sign-in/as", &[("member", &beta)]);
    assert_eq!((gone.status, gone.header("location")), (303, "/"), "{}", gone.body);
    gone.new_session().clone_into(&mut browser.session);
    assert!(browser.get("/").body.contains(&format!("<option value=\"{beta}\" selected>")));
    assert_eq!(browser.get(&format!("/contracts/{}", scene.alpha.contract)).status, 404);
    // What was shown to the one member is not taken from the other.
    let stale = browser.post("/tokens", &[("csrf", &old.1), ("name", "stale")], &[]);
    assert_eq!(stale.status, 403, "{}", stale.body);
    let mut before = Browser::new(site);
    before.session = old.0;
    assert_eq!(before.get("/").status, 303, "the session of before is over");
    // Nobody else's member, and none that is kept out.
    let other = scene.member("alpha-admin");
    assert_eq!(browser.send_form("/sign-in/as", &[("member", &other)]).status, 404);
    let out = json!({ "is_enabled": false });
    site.ask("PATCH", &format!("/api/v1/members/{alpha}"), &scene.alpha.admin, Some(&out));
    assert_eq!(browser.send_form("/sign-in/as", &[("member", &alpha)]).status, 404);
    site.ask(
        "PATCH",
        &format!("/api/v1/members/{alpha}"),
        &scene.alpha.admin,
        Some(&json!({ "is_enabled": true })),
    );

    // The next sign-in is as the one chosen last.
    let next = scene.browser("alpha-developer").get("/").body;
    assert!(next.contains(&format!("<option value=\"{beta}\" selected>")), "{next}");
    // A person who is kept out is out in all places.
    let keep_out = |state| {
        scene
            .browser("operator")
            .send_form(&format!("/people/members/{beta}/person"), &[("is_enabled", state)])
    };
    assert_eq!(keep_out("false").status, 303);
    assert_eq!(browser.get("/").status, 303);
    let shown = scene.browser("operator").get(&format!("/people/members/{alpha}")).body;
    assert!(shown.contains("The center keeps this person out") && shown.contains("beta"), "{shown}");
    assert_eq!(keep_out("true").status, 303);
    assert!(scene.browser("alpha-developer").get("/tokens").body.contains("alpha-developer"));
}

#[test]
fn an_address_is_kept_or_refused_at_its_field() {
    let scene = Scene::new();
    let browser = scene.browser("alpha-developer");
    let wrong = browser.send_form("/tokens/email", &[("email", "nowhere")]);
    assert!(wrong.status == 422 && wrong.body.contains("id=\"email-error\""), "{}", wrong.body);
    let kept = browser.send_form("/tokens/email", &[("email", "lin@alpha.example")]);
    let page = browser.get(kept.header("location")).body;
    assert!(
        page.contains("The e-mail address is saved") && page.contains("value=\"lin@alpha.example\""),
        "{page}"
    );
}

#[test]
fn browsers_are_listed_and_signed_out_from_one_s_own_page() {
    let scene = Scene::new();
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    let fields = [("login", "alpha-developer"), ("password", PASSWORD)];
    let mut elsewhere = Browser::new(&scene.site);
    let entered = elsewhere.post("/sign-in", &fields, &[("user-agent", firefox)]);
    entered.new_session().clone_into(&mut elsewhere.session);
    let browser = scene.browser("alpha-developer");
    let others = scene.browser("alpha-admin");
    let page = browser.get("/tokens").body;
    assert!(page.contains("Firefox 128, Linux") && page.contains("127.0.0.1"), "{page}");
    assert_eq!(page.matches("/tokens/sessions/").count(), 1, "this one is left by signing out");
    let path = page.split("action=\"").find(|rest| rest.starts_with("/tokens/sessions/")).expect("a form");
    let path = path.split('"').next().expect("a path");
    assert_eq!(others.send_form(path, &[]).status, 404, "nobody else's");
    assert_eq!(browser.send_form(path, &[]).status, 303);
    assert_eq!((elsewhere.get("/").status, browser.get("/").status), (303, 200));
    let line = scene.site.get("/api/v1/audit?action=end_session", &scene.alpha.admin)["items"][0].clone();
    assert_eq!(line["actor"], "alpha-developer");
    // Over the API, those of whichever member.
    let listed = scene.site.get("/api/v1/sessions", &scene.alpha.developer);
    let [own] = &**listed.as_array().expect("sessions") else { panic!("{listed}") };
    let one = format!("/api/v1/sessions/{}", own["id"].as_str().expect("an id"));
    assert_eq!(scene.site.ask("DELETE", &one, &scene.alpha.admin, None).0, 404);
    assert_eq!(scene.site.ask("DELETE", &one, &scene.alpha.developer, None).0, 204);
    assert_eq!(browser.get("/").status, 303);
}
