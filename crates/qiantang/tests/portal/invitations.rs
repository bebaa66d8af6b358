//! Invitations in a browser: the link is shown once, and leads whoever has it to a membership.

use testkit::{Answer, Browser, PASSWORD};

use crate::scene::Scene;

/// Makes an invitation on the page. Gives the path of its link.
fn invite(admin: &Browser) -> String {
    let made =
        admin.send_form("/people/invitations", &[("email", "lin@alpha.example"), ("role", "developer")]);
    assert_eq!(made.header("location"), "/people/invitations", "{}", made.body);
    let page = admin.get("/people/invitations").body;
    let rest = page.split_once("/join/").expect("the link is shown").1;
    assert!(!admin.get("/people/invitations").body.contains("/join/"), "once");
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter));
    format!("/join/{}", &rest[..end.expect("an end")])
}

fn new<'a>(login: &'a str, password: &'a str) -> [(&'static str, &'a str); 3] {
    [("new_login", login), ("new_name", "Lin"), ("new_password", password)]
}

/// The browser after an answer that began a session.
fn entered(scene: &Scene, answer: &Answer) -> Browser {
    assert_eq!((answer.status, answer.header("location")), (303, "/"), "{}", answer.body);
    let mut browser = Browser::new(&scene.site);
    answer.new_session().clone_into(&mut browser.session);
    browser
}

#[test]
fn a_link_leads_to_a_login_and_a_membership() {
    let scene = Scene::new();
    let admin = scene.browser("alpha-admin");
    let wrong = admin.send_form("/people/invitations", &[("email", "lin"), ("role", "developer")]);
    assert!(wrong.status == 422 && wrong.body.contains("id=\"email-error\""), "{}", wrong.body);
    let link = invite(&admin);
    let stranger = Browser::new(&scene.site);
    let page = stranger.get(&link).body;
    assert!(page.contains("lin@alpha.example") && page.contains("alpha") && !page.contains("/own"), "{page}");
    let refused = stranger.post(&format!("{link}/new"), &new("lin", "short"), &[]);
    assert!(refused.status == 422 && refused.body.contains("id=\"new_password-error\""), "{}", refused.body);
    let refused = stranger.post(&format!("{link}/new"), &new("alpha-admin", PASSWORD), &[]);
    assert!(refused.status == 409 && refused.body.contains("id=\"new_login-error\""), "{}", refused.body);
    let foreign =
        stranger.post(&format!("{link}/new"), &new("lin", PASSWORD), &[("sec-fetch-site", "cross-site")]);
    assert_eq!(foreign.status, 403);
    let lin = entered(&scene, &stranger.post(&format!("{link}/new"), &new("lin", PASSWORD), &[]));
    assert!(lin.get("/tokens").body.contains("lin@alpha.example"));
    let over = stranger.get(&link);
    assert!(over.status == 409 && over.body.contains("opens nothing any more"), "{}", over.body);
    assert!(admin.get("/events").body.contains("became a member"));
    assert!(admin.get("/people/invitations").body.contains("taken"));
}

#[test]
fn who_has_a_login_joins_by_it() {
    let scene = Scene::new();
    scene.site.tenant("beta", "enterprise", &testkit::grant(), 8);
    let admin = scene.browser("alpha-admin");
    // By the password, in a browser where nobody is signed in.
    let link = invite(&admin);
    let stranger = Browser::new(&scene.site);
    let known = |password| [("login", "beta-finance"), ("password", password)];
    let wrong = stranger.post(&format!("{link}/known"), &known("wrong"), &[]);
    assert!(wrong.status == 401 && wrong.body.contains("value=\"beta-finance\""), "{}", wrong.body);
    let joined = entered(&scene, &stranger.post(&format!("{link}/known"), &known(PASSWORD), &[]));
    assert!(joined.get("/").body.contains("/sign-in/as"), "they may be two");
    // By being signed in.
    let link = invite(&admin);
    let developer = scene.browser("beta-developer");
    assert!(developer.get(&link).body.contains("Join as beta-developer"));
    let there = entered(&scene, &developer.send_form(&format!("{link}/own"), &[]));
    assert_eq!(there.get(&format!("/contracts/{}", scene.alpha.contract)).status, 200, "as alpha's member");
    assert_eq!(developer.get("/").status, 303, "and no longer as beta's");
    // Who is there already is told so, and the link stays.
    let link = invite(&admin);
    let refused = admin.send_form(&format!("{link}/own"), &[]);
    assert!(refused.status == 409 && refused.body.contains(&link), "{}", refused.body);

    // Taken back.
    let page = admin.get("/people/invitations").body;
    let path = page.split("action=\"").find(|rest| rest.contains("/take-back\"")).expect("a form");
    let path = path.split('"').next().expect("a path");
    assert_eq!(admin.send_form(path, &[]).status, 303);
    assert_eq!(stranger.get(&link).status, 409);
    assert_eq!(scene.browser("alpha-developer").get("/people/invitations").status, 403);
}
