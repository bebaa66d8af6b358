//! One person, several memberships.

use serde_json::{Value, json};
use testkit::{PASSWORD, Site};

use crate::scene::{Scene, alpha_alone};

/// Signs somebody in, as the member of a place where one is said.
fn login(site: &Site, login: &str, password: &str, tenant: Option<&str>) -> (u16, Value) {
    let body = json!({ "login": login, "password": password, "tenant": tenant });
    site.ask("POST", "/api/v1/login", "", Some(&body))
}

fn token(answer: &(u16, Value)) -> String {
    assert_eq!(answer.0, 201, "{}", answer.1);
    answer.1["token"].as_str().expect("a token").to_owned()
}

/// The member of that login in a place.
fn member(site: &Site, login: &str, tenant: Option<&str>) -> Value {
    let all = site.get("/api/v1/members", &site.operator);
    let found = all.as_array().expect("members").iter();
    let mut found = found.filter(|one| one["login"] == login && one["tenant_slug"].as_str() == tenant);
    found.next().expect("a member").clone()
}

fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_person_in_several_places_has_one_login_and_says_as_whom_they_come() {
    let scene = Scene::new();
    let site = &scene.site;
    let at_beta = json!({ "login": "alpha-developer", "role": "finance", "tenant": "beta" });
    // Only the center's operators know who there is.
    let told = site.ask("POST", "/api/v1/members", &scene.beta.admin, Some(&at_beta));
    assert_eq!((told.0, &told.1["code"]), (403, &"forbidden".into()), "{}", told.1);
    site.post("/api/v1/members", &site.operator, &at_beta);
    let again = site.ask("POST", "/api/v1/members", &site.operator, Some(&at_beta));
    assert_eq!((again.0, &again.1["code"]), (409, &"already_there".into()), "{}", again.1);
    let nobody = json!({ "login": "nobody", "role": "finance", "tenant": "beta" });
    assert_eq!(site.ask("POST", "/api/v1/members", &site.operator, Some(&nobody)).0, 422);

    let (status, told) = login(site, "alpha-developer", PASSWORD, None);
    assert_eq!((status, &told["code"]), (409, &"choose_tenant".into()), "{told}");
    assert_eq!(told["values"]["tenants"], json!(["alpha", "beta"]));
    assert_eq!(login(site, "alpha-developer", "wrong, and long", None).0, 401, "before it is told");
    assert_eq!(login(site, "alpha-developer", PASSWORD, Some("-")).0, 422);
    let beta = token(&login(site, "alpha-developer", PASSWORD, Some("beta")));
    let alpha = token(&login(site, "alpha-developer", PASSWORD, Some("alpha")));

    let me = site.get("/api/v1/me", &beta);
    assert_eq!((&me["tenant_slug"], &me["role"]), (&"beta".into(), &"finance".into()));
    let places = me["memberships"].as_array().expect("memberships").iter();
    let places: Vec<_> = places.map(|place| (place["tenant_slug"].clone(), place["role"].clone())).collect();
    assert_eq!(places, [("alpha".into(), "developer".into()), ("beta".into(), "finance".into())]);
    // A token is of one member.
    let jobs = |token: &str| site.get("/api/v1/jobs", token)["items"].as_array().expect("jobs").len();
    assert_eq!((jobs(&alpha), jobs(&beta)), (1, 0));
    assert_eq!(site.ask("POST", "/api/v1/jobs", &beta, Some(&testkit::job("x", "true"))).0, 403);
    // No tenant sees what else its members are.
    let seen = site.get("/api/v1/members", &scene.alpha.admin).to_string();
    assert!(seen.contains("alpha-developer") && !seen.contains("beta"), "{seen}");
    let persons = site.ask("GET", "/api/v1/persons", &scene.alpha.admin, None);
    assert_eq!(persons.0, 403);

    // Lists by login find what is meant.
    let by = |query: &str, token: &str| {
        site.ask("GET", &format!("/api/v1/jobs?member=alpha-developer{query}"), token, None)
    };
    assert_eq!(by("", &scene.alpha.admin).1["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(by("", &site.operator).0, 422, "of which tenant?");
    assert_eq!(by("&tenant=alpha", &site.operator).1["items"].as_array().map(Vec::len), Some(1));
    let made = |token: &str| site.post("/api/v1/tokens", token, &json!({ "name": "mark" }));
    made(&alpha);
    made(&beta);
    let lines = site.get("/api/v1/audit?actor=alpha-developer&action=new_token", &site.operator);
    let lines = lines["items"].as_array().expect("lines").iter();
    let marks = lines.filter(|line| line["detail"]["name"] == "mark").map(|line| line["role"].clone());
    assert_eq!(marks.collect::<Vec<_>>(), ["finance", "developer"], "those of both members");
}

#[test]
fn who_is_in_several_places_keeps_their_account_themself() {
    let scene = Scene::new();
    let site = &scene.site;
    let patch = |who: &Value, token: &str, body: Value| {
        site.ask("PATCH", &format!("/api/v1/members/{}", id(who)), token, Some(&body))
    };
    let of_alpha = member(site, "alpha-finance", Some("alpha"));
    assert_eq!(of_alpha["keeps_account"], false);
    assert_eq!(patch(&of_alpha, &scene.alpha.admin, json!({ "password": PASSWORD, "name": "Fin" })).0, 200);
    let new = json!({ "login": "alpha-finance", "role": "developer", "tenant": "beta" });
    site.post("/api/v1/members", &site.operator, &new);
    let of_alpha = member(site, "alpha-finance", Some("alpha"));
    let of_beta = member(site, "alpha-finance", Some("beta"));
    assert_eq!((&of_alpha["keeps_account"], &of_beta["keeps_account"]), (&true.into(), &true.into()));
    for (who, admin) in [(&of_alpha, &scene.alpha.admin), (&of_beta, &scene.beta.admin)] {
        for body in [json!({ "password": "taken over by them" }), json!({ "name": "Other" })] {
            let (status, told) = patch(who, admin, body);
            assert_eq!((status, &told["code"]), (409, &"persons_own".into()), "{told}");
        }
        // Their role and place stay the tenant's.
        assert_eq!(patch(who, admin, json!({ "role": "finance", "name": "Fin" })).0, 200, "the same name");
    }
    assert_eq!(patch(&of_alpha, &scene.beta.admin, json!({ "role": "admin" })).0, 404);
    let own = token(&login(site, "alpha-finance", PASSWORD, Some("beta")));
    for body in [
        json!({ "password": "my own, and long" }),
        json!({ "password": "my own, and long", "old_password": "x" }),
    ] {
        let (status, told) = patch(&of_beta, &own, body);
        assert_eq!((status, &told["errors"][0]["field"]), (422, &"old_password".into()), "{told}");
    }
    assert_eq!(
        patch(&of_beta, &own, json!({ "password": "my own, and long", "old_password": PASSWORD })).0,
        200
    );
    assert_eq!(site.ask("GET", "/api/v1/me", &own, None).0, 401, "it ends what the old one opened");
    let (status, _) = login(site, "alpha-finance", "my own, and long", Some("alpha"));
    assert_eq!(status, 201, "one password for all places");

    // A tenant keeps its member out, and the person goes on elsewhere.
    let there = token(&login(site, "alpha-finance", "my own, and long", Some("beta")));
    assert_eq!(patch(&of_alpha, &scene.alpha.admin, json!({ "is_enabled": false })).0, 200);
    assert_eq!(site.ask("GET", "/api/v1/me", &there, None).0, 200);
    let (status, told) = login(site, "alpha-finance", "my own, and long", None);
    assert_eq!((status, &told["member"]["tenant_slug"]), (201, &"beta".into()), "{told}");
}

#[test]
fn a_person_who_is_kept_out_is_kept_out_everywhere() {
    let scene = Scene::new();
    let site = &scene.site;
    let new = json!({ "login": "alpha-developer", "role": "developer", "tenant": "beta" });
    site.post("/api/v1/members", &site.operator, &new);
    let beta = token(&login(site, "alpha-developer", PASSWORD, Some("beta")));
    let persons = site.get("/api/v1/persons", &site.operator);
    let mut persons = persons.as_array().expect("persons").iter();
    let person = persons.find(|person| person["login"] == "alpha-developer").expect("the person");
    assert_eq!(person["memberships"].as_array().map(Vec::len), Some(2));
    let path = format!("/api/v1/persons/{}", id(person));
    let change = |token: &str, body: Value| site.ask("PATCH", &path, token, Some(&body));
    assert_eq!(change(&scene.alpha.admin, json!({ "is_enabled": false })).0, 403);
    assert_eq!(change(&site.operator, json!({ "is_enabled": false })).1["is_enabled"], false);
    for token in [&beta, &scene.alpha.developer] {
        assert_eq!(site.ask("GET", "/api/v1/me", token, None).0, 401);
    }
    assert_eq!(login(site, "alpha-developer", PASSWORD, Some("alpha")).0, 401);
    let of_alpha = member(site, "alpha-developer", Some("alpha"));
    let enable = |token: &str| {
        let path = format!("/api/v1/members/{}", id(&of_alpha));
        site.ask("PATCH", &path, token, Some(&json!({ "is_enabled": true })))
    };
    let (status, told) = enable(&scene.alpha.admin);
    assert_eq!((status, &told["code"]), (409, &"person_is_out".into()), "{told}");
    assert_eq!(change(&site.operator, json!({ "is_enabled": true, "email": "dev@alpha.example" })).0, 200);
    assert_eq!(site.ask("GET", "/api/v1/me", &beta, None).0, 401, "what ended has ended");
    let alpha = token(&login(site, "alpha-developer", PASSWORD, Some("alpha")));
    assert_eq!(site.get("/api/v1/me", &alpha)["email"], "dev@alpha.example");
    let mine = |email: &str| site.ask("PATCH", "/api/v1/me", &alpha, Some(&json!({ "email": email })));
    assert_eq!(mine("lin@alpha.example").1["email"], "lin@alpha.example");
    assert_eq!(mine("lin").0, 422);
    assert_eq!(mine("").1["email"], "");

    let operator = member(site, "operator", None);
    let own = format!("/api/v1/persons/{}", operator["person"].as_str().expect("a person"));
    let (status, told) = site.ask("PATCH", &own, &site.operator, Some(&json!({ "is_enabled": false })));
    assert_eq!((status, &told["code"]), (409, &"own_account".into()), "{told}");
}

#[test]
fn two_operators_never_lock_each_other_out() {
    let (site, _) = alpha_alone();
    let new = json!({ "login": "second", "name": "Second", "role": "operator", "password": PASSWORD });
    site.post("/api/v1/members", &site.operator, &new);
    let ids = ["operator", "second"].map(|login| id(&member(&site, login, None)));
    let site = &site;
    for round in 0..8 {
        let tokens = ["operator", "second"].map(|who| token(&login(site, who, PASSWORD, None)));
        std::thread::scope(|scope| {
            for (token, other) in [(&tokens[0], &ids[1]), (&tokens[1], &ids[0])] {
                let path = format!("/api/v1/members/{other}");
                scope.spawn(move || {
                    let body = if round % 2 == 0 {
                        json!({ "is_enabled": false })
                    } else {
                        json!({ "role": "auditor" })
                    };
                    let (status, told) = site.ask("PATCH", &path, token, Some(&body));
                    assert!(matches!(status, 200 | 401 | 403 | 409), "{status} {told}");
                });
            }
        });
        let back = json!({ "is_enabled": true, "role": "operator" });
        let mut may = tokens.iter().filter(|token| {
            let both = ids
                .iter()
                .map(|id| site.ask("PATCH", &format!("/api/v1/members/{id}"), token, Some(&back)).0);
            // One's own line as it is changes nothing, and is no fault.
            both.collect::<Vec<_>>() == [200, 200]
        });
        assert!(may.next().is_some(), "round {round}: nobody can run the center");
    }
}
