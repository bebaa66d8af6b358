//! Invitations by a link.

use serde_json::{Value, json};
use testkit::{PASSWORD, Site, grant};

use crate::{QIANTANG, scene::alpha_alone};

fn invite(site: &Site, token: &str, role: &str) -> (String, String) {
    let made =
        site.post("/api/v1/invitations", token, &json!({ "email": "lin@alpha.example", "role": role }));
    let link = made["path"].as_str().and_then(|path| path.strip_prefix("/join/")).expect("a link");
    (made["invitation"]["id"].as_str().expect("an id").to_owned(), link.to_owned())
}

fn join(site: &Site, link: &str, login: &str, name: Option<&str>) -> (u16, Value) {
    let body = json!({ "token": link, "login": login, "password": PASSWORD, "name": name });
    site.ask("POST", "/api/v1/join", "", Some(&body))
}

fn states(site: &Site, token: &str) -> Vec<Value> {
    let all = site.get("/api/v1/invitations", token);
    all.as_array().expect("invitations").iter().map(|one| one["state"].clone()).collect()
}

#[test]
fn whoever_has_the_link_becomes_a_member_once() {
    let (site, alpha) = alpha_alone();
    let beta = site.tenant("beta", "enterprise", &grant(), 8);
    let (_, link) = invite(&site, &alpha.admin, "finance");
    let shown = site.get(&format!("/api/v1/join/{link}"), "");
    assert_eq!((&shown["role"], &shown["email"]), (&"finance".into(), &"lin@alpha.example".into()));
    assert_eq!(shown["tenant"]["en"], "alpha");
    assert!(
        !site.get("/api/v1/invitations", &alpha.admin).to_string().contains(&link),
        "the link is told once"
    );

    // Somebody new. What can't be leaves the link as it is.
    for (login, name) in [("l n", "Lin"), ("lin", ""), ("alpha-admin", "Lin")] {
        assert!(matches!(join(&site, &link, login, Some(name)).0, 409 | 422), "{login}");
    }
    let (status, joined) = join(&site, &link, "lin", Some("Lin"));
    assert_eq!((status, &joined["role"], &joined["tenant_slug"]), (201, &"finance".into(), &"alpha".into()));
    assert_eq!(joined["keeps_account"], true, "no administrator ever knew the password");
    assert_eq!(site.get("/api/v1/me", &site.login("lin"))["email"], "lin@alpha.example");
    let (status, told) = join(&site, &link, "lin2", Some("Lin"));
    assert_eq!((status, &told["code"]), (409, &"invitation_over".into()), "{told}");
    assert_eq!(site.ask("GET", &format!("/api/v1/join/{link}"), "", None).0, 409);
    assert_eq!(states(&site, &alpha.admin), ["taken"]);

    // Somebody who is there, of another tenant: whoever invites learns nothing of that before they come.
    let (_, link) = invite(&site, &alpha.admin, "developer");
    let told = site.get("/api/v1/invitations", &alpha.admin).to_string();
    assert!(!told.contains("beta"), "{told}");
    let wrong = json!({ "token": link, "login": "beta-developer", "password": "wrong, and long" });
    assert_eq!(site.ask("POST", "/api/v1/join", "", Some(&wrong)).0, 401);
    let (status, joined) = join(&site, &link, "beta-developer", None);
    assert_eq!((status, &joined["tenant_slug"]), (201, &"alpha".into()), "{joined}");
    assert_eq!(site.get("/api/v1/me", &beta.developer)["memberships"].as_array().map(Vec::len), Some(2));
    let (_, link) = invite(&site, &alpha.admin, "developer");
    let (status, told) = join(&site, &link, "beta-developer", None);
    assert_eq!((status, &told["code"]), (409, &"already_there".into()), "{told}");
    assert_eq!(states(&site, &alpha.admin)[0], "open", "it is still there for somebody else");

    // The log and the events have it.
    let lines = site.get("/api/v1/audit?action=join_by_invitation", &alpha.admin);
    let logins = lines["items"].as_array().expect("lines").iter().map(|line| line["detail"]["login"].clone());
    assert_eq!(logins.collect::<Vec<_>>(), ["beta-developer", "lin"]);
    let invited =
        site.get("/api/v1/audit?action=invite_member", &alpha.admin)["items"].as_array().map(Vec::len);
    assert_eq!(invited, Some(3));
}

#[test]
fn an_invitation_is_worth_no_more_than_the_right_of_who_made_it() {
    let (site, alpha) = alpha_alone();
    let beta = site.tenant("beta", "enterprise", &grant(), 8);
    let ask = |method: &str, path: &str, token: &str, body: Option<Value>| {
        site.ask(method, path, token, body.as_ref())
    };
    let new =
        |role: &str, tenant: Option<&str>| json!({ "email": "a@b.example", "role": role, "tenant": tenant });
    let post = |token: &str, body: Value| ask("POST", "/api/v1/invitations", token, Some(body)).0;
    assert_eq!(post(&alpha.developer, new("developer", None)), 403);
    assert_eq!(post(&alpha.admin, new("operator", None)), 422, "no role of the center's");
    assert_eq!(post(&alpha.admin, new("developer", Some("beta"))), 404, "no other tenant's");
    assert_eq!(post(&site.operator, new("auditor", None)), 201);
    assert_eq!(post(&alpha.admin, json!({ "email": "", "role": "finance" })), 422);

    // Taken back, by the tenant alone whose it is.
    let (id, link) = invite(&site, &alpha.admin, "admin");
    let path = format!("/api/v1/invitations/{id}");
    assert_eq!(ask("DELETE", &path, &beta.admin, None).0, 404);
    assert_eq!(ask("DELETE", &path, &alpha.developer, None).0, 403);
    assert_eq!(ask("DELETE", &path, &alpha.admin, None).0, 204);
    assert_eq!(ask("DELETE", &path, &alpha.admin, None).0, 404, "once");
    assert_eq!(join(&site, &link, "late", Some("Late")).1["code"], "invitation_over");
    assert_eq!(states(&site, &alpha.admin), ["revoked"], "the center's own is not the tenant's to see");

    // Whoever may not invite any more has invited nobody.
    let (_, link) = invite(&site, &alpha.admin, "admin");
    let members = site.get("/api/v1/members", &site.operator);
    let mut members = members.as_array().expect("members").iter();
    let admin = members.find(|member| member["login"] == "alpha-admin").expect("the administrator");
    let member = format!("/api/v1/members/{}", admin["id"].as_str().expect("an id"));
    assert_eq!(ask("PATCH", &member, &site.operator, Some(json!({ "role": "developer" }))).0, 200);
    assert_eq!(join(&site, &link, "back", Some("Back")).1["code"], "invitation_over");
    assert_eq!(
        ask("PATCH", &member, &site.operator, Some(json!({ "role": "admin", "is_enabled": false }))).0,
        200
    );
    assert_eq!(join(&site, &link, "back", Some("Back")).1["code"], "invitation_over");
    assert_eq!(ask("PATCH", &member, &site.operator, Some(json!({ "is_enabled": true }))).0, 200);
    assert_eq!(join(&site, &link, "back", Some("Back")).0, 201);
}

#[test]
fn a_link_expires() {
    let settings = "[limits]\nsign_ins_per_minute = 1000000\n[sign_in]\ninvitation_days = 2\n";
    let mut site = Site::new(QIANTANG, 1, settings);
    let alpha = site.tenant("alpha", "research", &grant(), 8);
    let new = json!({ "email": "lin@alpha.example", "role": "developer" });
    let answer = site.post("/api/v1/invitations", &alpha.admin, &new);
    let (made, path) = (&answer["invitation"], answer["path"].as_str().expect("a link"));
    let at =
        |key: &str| made[key].as_str().expect("an instant").parse::<domain::Timestamp>().expect("an instant");
    assert_eq!(at("expires_at").since(at("created_at")), domain::Millis::from_hours(48));
    site.stop();
    site.clock_ahead = domain::Millis::from_hours(49);
    site.start();
    let (status, refused) = join(&site, path.trim_start_matches("/join/"), "late", Some("Late"));
    assert_eq!((status, &refused["code"]), (409, &json!("invitation_over")), "{refused}");
}

#[test]
fn of_two_who_have_the_link_one_becomes_a_member() {
    let (site, alpha) = alpha_alone();
    let (_, link) = invite(&site, &alpha.admin, "developer");
    let (site, link) = (&site, &link);
    let joined: Vec<u16> = std::thread::scope(|scope| {
        let both = ["one", "two"].map(|login| scope.spawn(move || join(site, link, login, Some("Name")).0));
        both.map(|thread| thread.join().expect("it ends")).into()
    });
    let mut sorted = joined.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [201, 409], "{joined:?}");
}
