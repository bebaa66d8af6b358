//! Tokens that are not right, and answers that belong to no sign-in.

use serde_json::{Value, json};

use crate::{
    fake::{Fake, Key, Way, merged},
    scene::{Scene, Visitor},
};

const MAP: &str =
    "[[oidc.map]]\nclaim = \"groups\"\nvalue = \"dev\"\nrole = \"developer\"\ntenant = \"alpha\"\n";

fn scene() -> (Scene, Fake) {
    let fake = Fake::start();
    let scene = Scene::with(|_| fake.settings(MAP));
    (scene, fake)
}

fn dev() -> Value {
    json!({ "groups": ["dev"] })
}

type Make<'a> = Box<dyn FnOnce(&Fake, Value) -> String + 'a>;

#[test]
fn an_id_token_that_is_not_right_signs_nobody_in() {
    let (scene, fake) = scene();
    let site = &scene.site;
    let now = testkit::now().as_micros() / 1_000_000;
    let (visitor, seen) = fake.sign_in_with(site, "lin", &dev());
    assert_eq!((seen.status, &*seen.location), (303, "/"), "{}", seen.body);
    assert!(visitor.session().is_some());

    let stranger = Key::new("stranger");
    let claims = |more: Value| move |fake: &Fake, claims: Value| fake.key.token(&merged(claims, &more));
    let wrong: Vec<(&str, Make<'_>)> = vec![
        ("another issuer made", Box::new(claims(json!({ "iss": "https://evil.example" })))),
        ("another issuer made", Box::new(claims(json!({ "iss": format!("{}/", fake.url) })))),
        ("meant for another program", Box::new(claims(json!({ "aud": "another" })))),
        ("meant for another program", Box::new(claims(json!({ "aud": ["qiantang", "another"] })))),
        ("meant for another program", Box::new(claims(json!({ "azp": "another" })))),
        ("belongs to another sign-in", Box::new(claims(json!({ "nonce": "another" })))),
        ("belongs to another sign-in", Box::new(claims(json!({ "nonce": null })))),
        ("out of date", Box::new(claims(json!({ "exp": now - 120 })))),
        ("out of date", Box::new(claims(json!({ "iat": now + 600 })))),
        ("out of date", Box::new(claims(json!({ "iat": now - 7200, "exp": now + 600 })))),
        ("did not sign", Box::new(claims(json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" })))),
        ("a key that it does not publish", Box::new(|_, claims| stranger.token(&claims))),
        (
            "did not sign",
            Box::new(|_, claims| {
                // By a stranger, under the issuer's own name for its key.
                stranger.sign(&json!({ "alg": "ES256", "kid": "first" }), &claims)
            }),
        ),
        (
            "did not sign",
            Box::new(|fake, claims| {
                let token = fake.key.sign(&json!({ "alg": "none" }), &claims);
                format!("{}.", token.rsplit_once('.').expect("a token").0)
            }),
        ),
        (
            "did not sign",
            Box::new(|fake, claims| fake.key.sign(&json!({ "alg": "HS256", "kid": "first" }), &claims)),
        ),
        ("can&#39;t be read", Box::new(|_, _| "no.token.at-all".to_owned())),
        ("can&#39;t be read", Box::new(claims(json!({ "sub": null })))),
    ];
    for (at, (told, make)) in wrong.into_iter().enumerate() {
        let (visitor, seen) = fake.sign_in(site, "lin", make);
        assert_eq!(seen.status, 409, "{at} {told}: {}", seen.body);
        assert!(
            seen.body.contains("Fake sent what") || seen.body.contains("Fake signed by"),
            "{at}: {}",
            seen.body
        );
        assert!(seen.body.contains(told), "{at} {told}: {}", seen.body);
        assert_eq!(visitor.session(), None, "{at} {told}");
    }
    assert_eq!(scene.places("lin"), ["alpha developer"]);
    // Within the minute that clocks may differ, and with others among those it is for, it is right.
    for more in [json!({ "exp": now - 20 }), json!({ "aud": ["qiantang", "x"], "azp": "qiantang" })] {
        let (_, seen) = fake.sign_in_with(site, "lin", &more);
        assert_eq!(seen.status, 303, "{more}: {}", seen.body);
    }
}

#[test]
fn an_answer_is_taken_once_from_the_browser_that_began() {
    let (scene, fake) = scene();
    let site = &scene.site;
    let mut visitor = Visitor::new(site);
    let way = Way::begin(&mut visitor, "?next=%2Fjobs");
    assert!(way.asked.contains("code_challenge_method=S256"), "{}", way.asked);
    assert!(way.asked.starts_with(&format!("{}/auth?", fake.url)), "{}", way.asked);
    let token = fake.key.token(&merged(fake.claims("lin", &way.nonce), &dev()));
    fake.gives(token.clone());
    let stale = |seen: crate::scene::Seen, why: &str| {
        assert_eq!(seen.status, 409, "{why}: {}", seen.body);
        assert!(seen.body.contains("too late, twice, or in another browser"), "{why}: {}", seen.body);
    };
    // Another browser has the address, and loses the sign-in for both.
    let mut other = Visitor::new(site);
    stale(other.get(&way.back(&fake.url)), "another browser");
    stale(visitor.get(&way.back(&fake.url)), "after another browser");
    // Its own browser, once; and the ID token does for no other sign-in.
    let way = Way::begin(&mut visitor, "?next=%2Fjobs");
    fake.gives(fake.key.token(&merged(fake.claims("lin", &way.nonce), &dev())));
    let seen = visitor.get(&way.back(&fake.url));
    assert_eq!((seen.status, &*seen.location), (303, "/jobs"), "{}", seen.body);
    stale(visitor.get(&way.back(&fake.url)), "the second time");
    let mut visitor = Visitor::new(site);
    let way = Way::begin(&mut visitor, "");
    fake.gives(token);
    let seen = visitor.get(&way.back(&fake.url));
    assert!(seen.status == 409 && seen.body.contains("another sign-in"), "{}", seen.body);
    // The issuer says that it names itself, so that an answer without that, or of another, is none.
    for iss in ["https://evil.example", ""] {
        let way = Way::begin(&mut visitor, "");
        fake.gives(fake.key.token(&merged(fake.claims("lin", &way.nonce), &dev())));
        let path = if iss.is_empty() { way.back("").replace("&iss=", "") } else { way.back(iss) };
        let seen = visitor.get(&path);
        assert!(seen.status == 409 && seen.body.contains("another issuer"), "{iss}: {}", seen.body);
    }
    let way = Way::begin(&mut visitor, "");
    let seen = visitor.get(&format!("{}&error=access_denied", way.back(&fake.url)));
    assert!(seen.status == 409 && seen.body.contains("did not sign you in"), "{}", seen.body);
    assert_eq!(visitor.session(), None);
    // No page elsewhere is gone on to.
    let way = Way::begin(&mut visitor, "?next=%2F%2Fevil.example");
    fake.gives(fake.key.token(&merged(fake.claims("lin", &way.nonce), &dev())));
    assert_eq!(visitor.get(&way.back(&fake.url)).location, "/");
    assert_eq!(Visitor::new(site).get("/sign-in/oidc/none").status, 404);
}

#[test]
fn keys_that_change_are_read_anew_and_not_by_whoever_makes_up_names() {
    let (scene, fake) = scene();
    let site = &scene.site;
    assert_eq!(fake.sign_in_with(site, "lin", &dev()).1.status, 303);
    let asked = fake.asked("/keys");
    // A new key under a new name.
    let second = Key::new("second");
    fake.publish(&[&second]);
    let (_, seen) = fake.sign_in(site, "lin", |_, claims| second.token(&merged(claims, &dev())));
    assert_eq!(seen.status, 303, "{}", seen.body);
    assert_eq!(fake.asked("/keys"), asked + 1);
    // The one before is none any more; names that are made up cost the issuer nothing for a while.
    for name in ["x", "y", "z"] {
        let made_up = Key::new(name);
        let (_, seen) = fake.sign_in(site, "lin", |_, claims| made_up.token(&claims));
        assert!(seen.status == 409 && seen.body.contains("does not publish"), "{}", seen.body);
    }
    assert_eq!(fake.asked("/keys"), asked + 1);
}

fn end(scene: &Scene, token: &str) -> u16 {
    let agent = testkit::agent();
    let url = format!("{}/sign-in/oidc/fake/logout", scene.site.url);
    agent.post(url).send_form([("logout_token", token)]).expect("the center answers").status().as_u16()
}

#[test]
fn a_logout_token_ends_the_sessions_that_it_names_once() {
    const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
    let (scene, fake) = scene();
    let site = &scene.site;
    let sign_in = |sid: &str| fake.sign_in_with(site, "lin", &merged(dev(), &json!({ "sid": sid }))).0;
    let is_in = |visitor: &mut Visitor| visitor.get("/").status == 200;
    let now = testkit::now().as_micros() / 1_000_000;
    let claims = |jti: &str, more: Value| {
        let right = json!({ "iss": fake.url, "aud": "qiantang", "iat": now, "exp": now + 120, "jti": jti,
            "sid": "one", "sub": "lin", "events": { EVENT: {} } });
        merged(right, &more)
    };
    let head = |typ: &str| json!({ "alg": "ES256", "kid": "first", "typ": typ });
    let (mut one, mut two) = (sign_in("one"), sign_in("two"));
    assert!(is_in(&mut one) && is_in(&mut two));
    let stranger = Key::new("first");
    for (why, token) in [
        ("issuer", fake.key.token(&claims("a", json!({ "iss": "https://evil.example" })))),
        ("audience", fake.key.token(&claims("b", json!({ "aud": "another" })))),
        ("no event", fake.key.token(&claims("c", json!({ "events": { "other": {} } })))),
        ("nonce", fake.key.token(&claims("d", json!({ "nonce": "x" })))),
        ("old", fake.key.token(&claims("e", json!({ "iat": now - 7200, "exp": now - 7000 })))),
        ("nobody", fake.key.token(&claims("f", json!({ "sid": null, "sub": null })))),
        ("no name of its own", fake.key.token(&claims("", json!({})))),
        ("a stranger's", stranger.token(&claims("g", json!({})))),
        (
            "unsigned",
            format!(
                "{}.",
                fake.key
                    .sign(&json!({ "alg": "none" }), &claims("h", json!({})))
                    .rsplit_once('.')
                    .expect("a token")
                    .0
            ),
        ),
        ("an access token", fake.key.sign(&head("at+jwt"), &claims("i", json!({})))),
        ("no token", "x".to_owned()),
    ] {
        assert_eq!(end(&scene, &token), 400, "{why}");
    }
    assert!(is_in(&mut one) && is_in(&mut two), "nothing of these ended a session");
    let token = fake.key.sign(&head("logout+jwt"), &claims("once", json!({})));
    assert_eq!(end(&scene, &token), 200);
    assert!(!is_in(&mut one) && is_in(&mut two), "the session that it names alone");
    assert_eq!(end(&scene, &token), 400, "once");
    // Without a session it is all of the subject's; those of others go on.
    let mut mei = fake.sign_in_with(site, "mei", &dev()).0;
    assert_eq!(end(&scene, &fake.key.token(&claims("all", json!({ "sid": null })))), 200);
    assert!(!is_in(&mut two) && is_in(&mut mei));
    assert_eq!(scene.events("end_sessions_by_issuer").len(), 2);
}
