//! Second factors of people whom an issuer signs in.

use serde_json::{Value, json};
use testkit::{Browser, PASSWORD, enrol};

use crate::{
    fake::{Fake, Way, merged},
    scene::{Scene, Visitor},
};

const MAP: &str = "[[oidc.map]]\nclaim = \"groups\"\nvalue = \"ops\"\nrole = \"operator\"\n";

/// A center that demands second factors of its own people, some of whom come by an issuer.
fn scene() -> (Scene, Fake) {
    let fake = Fake::start();
    let issuer = fake.settings(&format!("second_factor_acr = [\"two\"]\n{MAP}"));
    let scene = Scene::with(|_| format!("second_factor = \"center\"\n{issuer}"));
    (scene, fake)
}

fn came(amr: &[&str], acr: &str) -> Value {
    json!({ "groups": ["ops"], "amr": amr, "acr": acr })
}

/// Signs in, and gives where that leads and the browser with its session.
fn sign_in(scene: &Scene, fake: &Fake, more: &Value) -> (Visitor, String, Browser) {
    let mut visitor = Visitor::new(&scene.site);
    let way = Way::begin(&mut visitor, "?next=%2Ftokens");
    fake.gives(fake.key.token(&merged(fake.claims("boss", &way.nonce), more)));
    let seen = visitor.get(&way.back(&fake.url));
    assert_eq!(seen.status, 303, "{}", seen.body);
    let mut browser = Browser::new(&scene.site);
    visitor.session().unwrap_or_default().clone_into(&mut browser.session);
    (visitor, seen.location, browser)
}

#[test]
fn the_center_asks_for_its_own_code_where_the_issuer_says_nothing_of_one() {
    let (scene, fake) = scene();
    for (more, way) in [
        (came(&["pwd", "otp"], "gold"), "organisation, with its second factor"),
        (came(&["hwk"], "gold"), "organisation, with its second factor"),
        (came(&["pwd"], "two"), "organisation, with its second factor"),
    ] {
        let (_, to, browser) = sign_in(&scene, &fake, &more);
        assert_eq!(to, "/tokens");
        let page = browser.get("/tokens");
        assert!(page.status == 200 && page.body.contains(way), "{more}: {}", page.body);
    }
    // Whoever has shown one factor alone sets up another first.
    let plain = came(&["pwd"], "gold");
    let (_, to, browser) = sign_in(&scene, &fake, &plain);
    assert_eq!(to, "/tokens");
    let page = browser.get("/tokens");
    assert_eq!((page.status, page.header("location")), (303, "/second-factor"));
    let (mut device, _) = enrol(&browser, PASSWORD);
    assert_eq!(browser.get("/tokens").status, 200);

    // From now on its code is asked for, and nothing is open before.
    let (visitor, to, browser) = sign_in(&scene, &fake, &plain);
    assert_eq!((&*to, visitor.session()), ("/sign-in/code", None));
    let half = format!("half={}", visitor.cookie("half"));
    let as_half = [("Cookie", half.as_str())];
    assert_eq!(browser.send("GET", "/tokens", None, &as_half).status, 303);
    let wrong = browser.post("/sign-in/code", &[("code", &device.wrong_code())], &as_half);
    assert!(wrong.status == 422 && wrong.body.contains("id=\"code-error\""), "{}", wrong.body);
    let right = browser.post("/sign-in/code", &[("code", &device.code())], &as_half);
    assert_eq!((right.status, right.header("location")), (303, "/tokens"), "{}", right.body);
    let mut browser = Browser::new(&scene.site);
    right.new_session().clone_into(&mut browser.session);
    let page = browser.get("/tokens").body;
    assert!(page.contains("organisation and code") && page.contains("· gold"), "{page}");
    // The issuer's own is as good as that one.
    let (_, to, browser) = sign_in(&scene, &fake, &came(&["mfa"], "gold"));
    assert_eq!((&*to, browser.get("/tokens").status), ("/tokens", 200));
}
