//! Who comes, and which places their groups give and take.

use serde_json::{Value, json};

use crate::{
    fake::{Fake, Way, merged},
    scene::{Scene, Visitor},
};

const MAP: &str = "[[oidc.map]]\nclaim = \"groups\"\nvalue = \"/ai-center/Ops\"\nrole = \"operator\"\n\
    [[oidc.map]]\nclaim = \"groups\"\nvalue = \"lab\"\nrole = \"admin\"\ntenant = \"alpha\"\n\
    [[oidc.map]]\nclaim = \"groups\"\nvalue = \"dev\"\nrole = \"developer\"\ntenant = \"alpha\"\n";

fn scene() -> (Scene, Fake) {
    let fake = Fake::start();
    let scene = Scene::with(|_| fake.settings(MAP));
    (scene, fake)
}

fn groups(all: &[&str]) -> Value {
    json!({ "groups": all })
}

#[test]
fn groups_give_and_take_with_each_sign_in() {
    let (scene, fake) = scene();
    let site = &scene.site;
    let sign_in = |claims: &Value| fake.sign_in_with(site, "lin", claims).1;
    assert_eq!(sign_in(&groups(&["/lab", "AI-center/ops"])).status, 303);
    assert_eq!(scene.places("lin"), ["- operator", "alpha admin"]);
    assert_eq!(sign_in(&groups(&["dev"])).status, 303);
    assert_eq!(scene.places("lin"), ["- operator off", "alpha developer"]);
    // An absent claim takes nothing, and is told; an empty one takes all that was given.
    assert_eq!(sign_in(&json!({})).status, 303);
    assert_eq!(scene.places("lin"), ["- operator off", "alpha developer"]);
    let issuers = site.get("/api/v1/issuers", &site.operator);
    assert_eq!(issuers[0]["absent_claims"], "groups");
    assert!(scene.browser_of("operator").get("/events").body.contains("without its groups"));
    let token = {
        // A token of that membership ends with it.
        let (visitor, _) = fake.sign_in_with(site, "lin", &groups(&["dev"]));
        visitor.session().expect("a session").to_owned()
    };
    let seen = sign_in(&groups(&[]));
    assert_eq!(seen.status, 403, "{}", seen.body);
    assert!(seen.body.contains("no place here yet") && seen.body.contains("lin"), "{}", seen.body);
    assert_eq!(scene.places("lin"), ["- operator off", "alpha developer off"]);
    let mut browser = testkit::Browser::new(site);
    browser.session = token;
    assert_eq!(browser.get("/").status, 303, "sessions of what was taken are over");
    // Back in the group.
    assert_eq!(sign_in(&groups(&["lab"])).status, 303);
    assert_eq!(scene.places("lin"), ["- operator off", "alpha admin"]);
    let lines = scene.events("give_role_by_issuer");
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(
        lines.iter().all(|line| line["actor"] == "center" && line["detail"]["login"] == "lin"),
        "{lines:?}"
    );
}

#[test]
fn what_was_given_by_hand_stays() {
    let (scene, fake) = scene();
    let site = &scene.site;
    let sign_in = |claims: &Value| fake.sign_in_with(site, "lin", claims).1.status;
    assert_eq!(sign_in(&groups(&["dev"])), 303);
    let member = |login: &str| {
        let members = site.get("/api/v1/members", &site.operator);
        members
            .as_array()
            .expect("members")
            .iter()
            .find(|one| one["login"] == login)
            .expect("a member")
            .clone()
    };
    assert_eq!(member("lin")["given_by"], "oidc:fake");
    assert!(scene.browser_of("alpha-admin").get("/people").body.contains("<span class=\"sub\">Fake</span>"));
    // Another role by hand, and the groups have no more to say.
    let path = format!("/api/v1/members/{}", member("lin")["id"].as_str().expect("an id"));
    let set = |body: Value| site.ask("PATCH", &path, &scene.alpha.admin, Some(&body)).0;
    assert_eq!(set(json!({ "role": "developer" })), 200);
    assert_eq!(member("lin")["given_by"], "oidc:fake", "the same role is no change");
    assert_eq!(set(json!({ "role": "finance" })), 200);
    assert_eq!(member("lin")["given_by"], Value::Null);
    assert_eq!((sign_in(&groups(&["lab"])), sign_in(&groups(&[]))), (303, 303));
    assert_eq!(scene.places("lin"), ["alpha finance"]);
    // Whoever was kept out by hand stays out.
    assert_eq!(set(json!({ "is_enabled": false })), 200);
    assert_eq!(sign_in(&groups(&["lab"])), 403);
    assert_eq!(scene.places("lin"), ["alpha finance off"]);
}

#[test]
fn the_last_operator_stays_one() {
    let (scene, fake) = scene();
    let site = &scene.site;
    let sign_in = |claims: &Value| fake.sign_in_with(site, "lin", claims).1.status;
    assert_eq!(sign_in(&groups(&["ai-center/ops"])), 303);
    // The one that was there goes; lin is the last.
    let persons = site.get("/api/v1/persons", &site.operator);
    let first =
        persons.as_array().expect("persons").iter().find(|one| one["login"] == "operator").expect("one");
    let out = format!("/api/v1/persons/{}", first["id"].as_str().expect("an id"));
    let (visitor, seen) = fake.sign_in_with(site, "lin", &groups(&["ai-center/ops"]));
    assert_eq!(seen.status, 303);
    let mut browser = testkit::Browser::new(site);
    browser.session = visitor.session().expect("a session").to_owned();
    let made = browser.send_form("/tokens", &[("name", "x")]);
    assert_eq!(made.status, 303);
    let page = browser.get("/tokens").body;
    let token = page.split_once("<code>qt_").expect("a token").1.split('<').next().expect("its end");
    let token = format!("qt_{token}");
    assert_eq!(site.ask("PATCH", &out, &token, Some(&json!({ "is_enabled": false }))).0, 200);
    assert_eq!(sign_in(&groups(&[])), 303, "still an operator");
    assert!(browser.get("/events").body.contains("The last operator stays one"));
    assert_eq!(site.ask("PATCH", &out, &token, Some(&json!({ "is_enabled": true }))).0, 200);
    assert_eq!(sign_in(&groups(&[])), 403, "no longer the last");
}

#[test]
fn who_came_is_known_by_issuer_and_subject_and_gets_a_place() {
    let (scene, fake) = scene();
    let site = &scene.site;
    // Neither the address nor the login of somebody who is there makes one of them.
    let claims =
        json!({ "preferred_username": "operator", "email": "alpha-admin@alpha.example", "groups": [] });
    let (_, seen) = fake.sign_in_with(site, "stranger", &claims);
    assert_eq!(seen.status, 403, "{}", seen.body);
    assert!(seen.body.contains("operator-2"), "{}", seen.body);
    let pending = site.get("/api/v1/pending-persons", &site.operator);
    assert_eq!((&pending[0]["login"], pending.as_array().map(Vec::len)), (&json!("operator-2"), Some(1)));
    assert_eq!(site.get("/api/v1/pending-persons", &scene.alpha.admin), json!([]), "no issuer of alpha's");
    // A place by an operator.
    let person = pending[0]["id"].as_str().expect("an id").to_owned();
    let give = |token: &str, body: Value| {
        site.ask("POST", &format!("/api/v1/pending-persons/{person}"), token, Some(&body)).0
    };
    assert_eq!(give(&scene.alpha.admin, json!({ "role": "developer" })), 404);
    assert_eq!(give(&scene.alpha.developer, json!({ "role": "developer" })), 403);
    assert_eq!(give(&site.operator, json!({ "role": "operator", "tenant": "alpha" })), 422);
    let operator = scene.browser_of("operator");
    let page = operator.get("/people/pending").body;
    assert!(page.contains("operator-2") && page.contains("alpha-admin@alpha.example"), "{page}");
    let fields = [("person", &*person), ("role", "developer"), ("tenant", "alpha")];
    let given = operator.send_form("/people/pending", &fields);
    assert_eq!(given.status, 303, "{}", given.body);
    assert_eq!(operator.send_form("/people/pending", &fields).status, 404, "once");
    assert_eq!(scene.places("operator-2"), ["alpha developer"]);
    let (visitor, seen) = fake.sign_in_with(site, "stranger", &claims);
    assert_eq!(seen.status, 303, "{}", seen.body);
    // They have no password, and are told so; the account page shows the sign-in.
    let (status, told) = site.ask(
        "POST",
        "/api/v1/login",
        "",
        Some(&json!({ "login": "operator-2", "password": "whatever it is" })),
    );
    assert_eq!((status, &told["code"]), (409, &json!("no_password")), "{told}");
    let mut browser = testkit::Browser::new(site);
    browser.session = visitor.session().expect("a session").to_owned();
    let page = browser.get("/tokens").body;
    assert!(page.contains("by Fake · gold · pwd · otp"), "{page}");
    // The only way in stays.
    let path = page
        .split("action=\"")
        .find(|rest| rest.contains("/unlink\""))
        .and_then(|rest| rest.split('"').next());
    assert_eq!(browser.send_form(path.expect("a form"), &[]).status, 409);
}

#[test]
fn an_invitation_carries_through_the_sign_in_by_an_issuer() {
    let (scene, fake) = scene();
    let site = &scene.site;
    let new = json!({ "email": "lin@alpha.example", "role": "finance" });
    let made = site.post("/api/v1/invitations", &scene.alpha.admin, &new);
    let link = made["path"].as_str().expect("a link");
    let mut visitor = Visitor::new(site);
    let way = format!("/sign-in/oidc/fake?join={}", link.trim_start_matches("/join/"));
    assert!(visitor.get(link).body.contains(&way));
    let way = Way::begin(&mut visitor, &way["/sign-in/oidc/fake".len()..]);
    fake.gives(fake.key.token(&fake.claims("lin", &way.nonce)));
    let seen = visitor.get(&way.back(&fake.url));
    assert_eq!((seen.status, &*seen.location), (303, "/"), "{}", seen.body);
    assert_eq!(scene.places("lin"), ["alpha finance"]);
    assert_eq!(visitor.get(link).status, 409, "the link is used up");
}

#[test]
fn an_account_is_bound_by_its_own_person_alone() {
    let (mut scene, fake) = scene();
    let site = &scene.site;
    let mut mine = Visitor::new(site);
    let browser = scene.browser_of("alpha-developer");
    // From the page of the account, with its token, over a page of the center's own.
    let sent = browser.send_form("/tokens/identities/link", &[("issuer", "fake")]);
    assert_eq!(sent.status, 303, "{}", sent.body);
    let onward = browser.get(sent.header("location"));
    assert_eq!(onward.status, 200, "{}", onward.body);
    let to = onward.header("refresh").strip_prefix("0;url=").expect("it goes on").to_owned();
    assert!(to.starts_with(&fake.url) && to.contains("prompt=login"), "{to}");
    let of = |name: &str| {
        to.split(['?', '&'])
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")))
            .expect("it is there")
            .to_owned()
    };
    let way = Way { state: of("state"), nonce: of("nonce"), asked: to.clone() };
    fake.gives(
        fake.key.token(&merged(fake.claims("lin", &way.nonce), &json!({ "email": "lin@fake.example" }))),
    );
    let cookie = sent.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    // Somebody else who has the address and the cookie, but not the session, binds nothing.
    let back = |session: &str| {
        let headers = [("cookie", format!("{cookie}; session={session}; lang=en"))];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let mut request = agent.get(format!("{}{}", site.url, way.back(&fake.url)));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.call().expect("the center answers").status().as_u16()
    };
    assert_eq!(back(""), 409);
    let identities = |token: &str| site.get("/api/v1/me/identities", token);
    assert_eq!(identities(&scene.alpha.developer), json!([]));
    let sent = browser.send_form("/tokens/identities/link", &[("issuer", "fake")]);
    let to = browser.get(sent.header("location")).header("refresh").to_owned();
    let of = |name: &str| {
        to.split(['?', '&'])
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")))
            .expect("it is there")
            .to_owned()
    };
    let way = Way { state: of("state"), nonce: of("nonce"), asked: String::new() };
    let cookie = sent.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    fake.gives(
        fake.key.token(&merged(fake.claims("lin", &way.nonce), &json!({ "email": "lin@fake.example" }))),
    );
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let answer = agent
        .get(format!("{}{}", site.url, way.back(&fake.url)))
        .header("cookie", format!("{cookie}; session={}", browser.session))
        .call()
        .expect("the center answers");
    assert_eq!(answer.headers()["location"], "/tokens?changed=identity#identities");
    assert_eq!(identities(&scene.alpha.developer)[0]["subject"], "lin");
    // From now on it is a way in, to the same person.
    let way = Way::begin(&mut mine, "");
    fake.gives(fake.key.token(&fake.claims("lin", &way.nonce)));
    assert_eq!(mine.get(&way.back(&fake.url)).status, 303);
    assert_eq!(scene.places("lin"), Vec::<String>::new(), "nobody new");
    assert!(mine.get("/tokens").body.contains("alpha-developer"));
    // Loosed, it is none, and the session that it began is over.
    let id = identities(&scene.alpha.developer)[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(site.ask("DELETE", &format!("/api/v1/me/identities/{id}"), &scene.alpha.admin, None).0, 404);
    assert_eq!(
        site.ask("DELETE", &format!("/api/v1/me/identities/{id}"), &scene.alpha.developer, None).0,
        204
    );
    assert_eq!(mine.get("/tokens").status, 303);
    // A browser that was left open binds nothing.
    let session = browser.session.clone();
    scene.site.stop();
    scene.site.clock_ahead = domain::Millis::from_secs(16 * 60);
    scene.site.start();
    let mut browser = testkit::Browser::new(&scene.site);
    browser.session = session;
    let late = browser.send_form("/tokens/identities/link", &[("issuer", "fake")]);
    assert!(late.status == 409 && late.body.contains("more than 15 minutes ago"), "{}", late.body);
}

#[test]
fn what_the_token_lacks_is_on_the_page_about_its_own_subject() {
    let fake = Fake::start();
    fake.has_page(Some(json!({ "sub": "lin", "groups": ["dev"], "name": "Lin of the page" })));
    let scene = Scene::with(|_| fake.settings(MAP));
    let (_, seen) = fake.sign_in_with(&scene.site, "lin", &json!({}));
    assert_eq!(seen.status, 303, "{}", seen.body);
    assert_eq!(scene.places("lin"), ["alpha developer"]);
    // A page about somebody else says nothing of this one.
    let (_, seen) = fake.sign_in_with(&scene.site, "mei", &json!({}));
    assert_eq!((seen.status, scene.places("mei")), (403, Vec::new()), "{}", seen.body);
    // The token's own claims come first.
    let (_, seen) = fake.sign_in_with(&scene.site, "lin", &groups(&[]));
    assert_eq!(
        (seen.status, scene.places("lin")),
        (403, vec!["alpha developer off".to_owned()]),
        "{}",
        seen.body
    );
}
