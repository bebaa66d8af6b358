//! Directories, by requests as Entra ID and Okta send them, and by a client from `PyPI` that checks conformance.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{grant, job};

use crate::{fake::Fake, scene::Scene};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

struct Directory<'a> {
    scene: &'a Scene,
    token: String,
}

impl<'a> Directory<'a> {
    fn new(scene: &'a Scene, maker: &str, body: &Value) -> Self {
        let made = scene.site.post("/api/v1/scim-tokens", maker, body);
        assert_eq!(made["path"], "/scim/v2");
        Self { scene, token: made["token"].as_str().expect("a token").to_owned() }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.scene.site.ask(method, &format!("/scim/v2{path}"), &self.token, body)
    }

    fn make(&self, name: &str, more: &Value) -> Value {
        let user = crate::fake::merged(json!({ "schemas": [USER], "userName": name }), more);
        let (status, made) = self.ask("POST", "/Users", Some(&user));
        assert_eq!(status, 201, "{made}");
        made
    }

    fn patch(&self, path: &str, operations: &Value) -> (u16, Value) {
        self.ask("PATCH", path, Some(&json!({ "schemas": [PATCH], "Operations": operations })))
    }

    fn found(&self, filter: &str) -> Vec<Value> {
        let filter = filter.replace(' ', "%20").replace('"', "%22").replace('@', "%40");
        let (status, list) = self.ask("GET", &format!("/Users?filter={filter}"), None);
        assert_eq!(status, 200, "{list}");
        list["Resources"].as_array().expect("resources").clone()
    }
}

fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

const MAP: &str =
    "tenant = \"alpha\"\n[[oidc.map]]\nclaim = \"groups\"\nvalue = \"/Lab\"\nrole = \"admin\"\n";

fn scene() -> (Scene, Fake) {
    let fake = Fake::start();
    let scene = Scene::with(|_| fake.settings(MAP));
    (scene, fake)
}

#[test]
fn a_directory_makes_changes_and_finds_its_own_people_alone() {
    let (scene, _fake) = scene();
    let site = &scene.site;
    let beta = site.tenant("beta", "enterprise", &grant(), 8);
    let alpha = Directory::new(&scene, &scene.alpha.admin, &json!({ "name": "Entra", "role": "developer" }));
    let other = Directory::new(&scene, &beta.admin, &json!({ "name": "Okta" }));
    let lin = alpha.make(
        "Lin@alpha.example",
        &json!({ "externalId": "e-1", "displayName": "Lin Li",
        "emails": [{ "value": "lin@alpha.example", "type": "work", "primary": true }], "title": "not kept" }),
    );
    let made_at = lin["meta"]["created"].as_str().expect("an instant");
    assert!(made_at.parse::<domain::Timestamp>().is_ok(), "{made_at}");
    assert_eq!((&lin["active"], &lin["schemas"], lin.get("title")), (&json!(true), &json!([USER]), None));
    assert_eq!(scene.places("Lin@alpha.example"), ["alpha developer"]);
    // Found by each of the names, in whatever case where case means nothing.
    for filter in [
        "userName eq \"lin@ALPHA.example\"",
        "externalId eq \"e-1\"",
        "emails.value eq \"lin@alpha.example\"",
        "displayName eq \"lin li\"",
    ] {
        assert_eq!(alpha.found(filter).len(), 1, "{filter}");
        assert_eq!(other.found(filter).len(), 0, "{filter}");
    }
    assert_eq!(alpha.found("externalId eq \"E-1\"").len(), 0);
    let (status, refused) = alpha.ask("GET", "/Users?filter=title%20eq%20%22x%22", None);
    assert_eq!(
        (status, &refused["scimType"], &refused["status"]),
        (400, &json!("invalidFilter"), &json!("400"))
    );
    assert_eq!(refused["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    // No other directory's, and none of the center's own people.
    let path = format!("/Users/{}", id(&lin));
    for (method, body) in [("GET", None), ("DELETE", None), ("PUT", Some(json!({ "userName": "x" })))] {
        assert_eq!(other.ask(method, &path, body.as_ref()).0, 404, "{method}");
    }
    assert_eq!(other.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }])).0, 404);
    let operator = other.make("operator", &json!({}));
    assert_eq!(scene.places("operator"), ["- operator"], "nothing to do with the operator");
    assert_eq!(id(&other.found("userName eq \"operator\"")[0]), id(&operator));
    // Twice is once.
    let (status, twice) =
        alpha.ask("POST", "/Users", Some(&json!({ "schemas": [USER], "userName": "LIN@alpha.example" })));
    assert_eq!((status, &twice["scimType"]), (409, &json!("uniqueness")), "{twice}");
    // Pages.
    for name in ["b", "c"] {
        alpha.make(name, &json!({}));
    }
    let (_, list) = alpha.ask("GET", "/Users?startIndex=2&count=1&attributes=userName", None);
    assert_eq!(
        (&list["totalResults"], &list["startIndex"], &list["itemsPerPage"]),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!(list["Resources"][0].as_object().map(serde_json::Map::len), Some(3), "{list}");
    assert_eq!(alpha.ask("GET", "/Users?count=0", None).1["totalResults"], 3);
    assert_eq!(alpha.ask("GET", "/Users?count=some", None).0, 400);
    // A new name, and what a PUT leaves out is gone, but whoever is out stays out.
    alpha.patch(&path, &json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    let (_, put) = alpha.ask("PUT", &path, Some(&json!({ "schemas": [USER], "userName": "lin2" })));
    assert_eq!(
        (&put["userName"], &put["active"], put.get("displayName")),
        (&json!("lin2"), &json!(false), None),
        "{put}"
    );
    // Without its token nothing is told.
    for token in ["", "qt_scim_wrong", &*site.operator] {
        assert_eq!(site.ask("GET", "/scim/v2/Users", token, None).0, 401);
    }
    let tokens = site.get("/api/v1/scim-tokens", &scene.alpha.admin);
    assert_eq!(tokens.as_array().map(Vec::len), Some(1), "{tokens}");
    assert!(!tokens.to_string().contains(&alpha.token));
    let token = format!("/api/v1/scim-tokens/{}", id(&tokens[0]));
    assert_eq!(site.ask("DELETE", &token, &beta.admin, None).0, 404);
    assert_eq!(site.ask("DELETE", &token, &scene.alpha.developer, None).0, 403);
    assert_eq!(site.ask("DELETE", &token, &scene.alpha.admin, None).0, 204);
    assert_eq!(alpha.ask("GET", "/Users", None).0, 401);
}

#[test]
fn whoever_is_not_active_is_out_of_this_tenant_and_their_jobs_go_on() {
    let (scene, fake) = scene();
    let site = &scene.site;
    let beta = site.tenant("beta", "enterprise", &grant(), 8);
    let alpha = Directory::new(&scene, &scene.alpha.admin, &json!({ "name": "Okta" }));
    // Somebody who is a member already, by hand, and of another tenant too.
    let known = json!({ "login": "alpha-developer", "role": "developer", "tenant": "beta" });
    site.post("/api/v1/members", &site.operator, &known);
    let mine = alpha.make("alpha-developer", &json!({}));
    assert_eq!(scene.places("alpha-developer"), ["alpha developer", "beta developer"]);
    let job = site.submit(&scene.alpha, &job("goes-on", "sleep 60"));
    site.wait_for_state(&scene.alpha.admin, &job, "running");
    let browser = scene.browser_of("alpha-developer");
    let (of_beta, refused) = site.ask(
        "POST",
        "/api/v1/login",
        "",
        Some(&json!({ "login": "alpha-developer", "password": testkit::PASSWORD, "tenant": "beta" })),
    );
    assert!((200..300).contains(&of_beta), "{refused}");
    let token_at_beta = refused["token"].as_str().expect("a token").to_owned();
    let path = format!("/Users/{}", id(&mine));
    let (status, out) = alpha.patch(&path, &json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    assert_eq!((status, &out["active"]), (200, &json!(false)), "{out}");
    assert_eq!(scene.places("alpha-developer"), ["alpha developer off", "beta developer"]);
    assert_eq!(site.ask("GET", "/api/v1/me", &scene.alpha.developer, None).0, 401, "tokens end");
    assert_eq!(browser.get("/").status, 303, "sessions end");
    assert_eq!(site.ask("GET", "/api/v1/me", &token_at_beta, None).0, 200, "those of the other tenant go on");
    let state = site.get(&format!("/api/v1/jobs/{job}"), &scene.alpha.admin);
    assert_eq!(state["state"], "running", "{state}");
    assert!(scene.browser_of("alpha-admin").get("/events").body.contains("is a member no longer"));
    drop(beta);
    // A group gives a role by the map, once they are back; leaving it takes the role.
    let (_, back) = alpha.patch(&path, &json!([{ "op": "replace", "value": { "active": true } }]));
    assert_eq!(back["active"], true);
    let lab = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "lab", "members": [{ "value": id(&mine) }] });
    let (status, group) = alpha.ask("POST", "/Groups", Some(&lab));
    assert_eq!(status, 201, "{group}");
    assert_eq!(scene.places("alpha-developer"), ["alpha admin", "beta developer"]);
    assert_eq!(alpha.ask("GET", &path, None).1["groups"][0]["display"], "lab");
    let of_group = format!("/Groups/{}", id(&group));
    assert_eq!(
        alpha
            .patch(
                &of_group,
                &json!([{ "op": "Remove", "path": "members", "value": [{ "value": id(&mine) }] }])
            )
            .0,
        200
    );
    assert_eq!(scene.places("alpha-developer"), ["alpha admin off", "beta developer"]);
    let wrong = json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }]);
    assert_eq!(alpha.patch(&of_group, &wrong).1["scimType"], "invalidValue");
    assert_eq!(
        alpha
            .patch(&of_group, &json!([{ "op": "add", "path": "members", "value": [{ "value": id(&mine) }] }]))
            .0,
        200
    );
    // What the group is called decides.
    assert_eq!(
        alpha.patch(&of_group, &json!([{ "op": "replace", "value": { "displayName": "others" } }])).0,
        200
    );
    assert_eq!(scene.places("alpha-developer"), ["alpha admin off", "beta developer"]);
    assert_eq!(alpha.ask("DELETE", &of_group, None).0, 204);
    assert_eq!(alpha.ask("DELETE", &path, None).0, 204);
    assert_eq!(alpha.ask("GET", &path, None).0, 404);
    // An issuer's groups let nobody in whom the directory has out.
    let _ = fake.sign_in_with(site, "stranger", &json!({ "groups": ["lab"] }));
    assert_eq!(scene.places("alpha-developer"), ["alpha admin off", "beta developer"]);
}

#[test]
fn who_was_made_by_the_directory_is_known_at_the_first_sign_in() {
    let (scene, fake) = scene();
    let site = &scene.site;
    let alpha = Directory::new(&scene, &scene.alpha.admin, &json!({ "name": "Okta", "role": "finance" }));
    alpha.make("mei", &json!({ "externalId": "sub-of-mei" }));
    let (_, seen) = fake.sign_in_with(site, "sub-of-mei", &json!({ "groups": [] }));
    assert_eq!(seen.status, 303, "{}", seen.body);
    assert_eq!((scene.places("mei"), scene.places("sub-of-mei")), (vec!["alpha finance".to_owned()], vec![]));
    // Nobody becomes somebody who was here before.
    alpha.make("alpha-admin", &json!({ "externalId": "sub-of-admin" }));
    let (_, seen) = fake.sign_in_with(site, "sub-of-admin", &json!({ "groups": [] }));
    assert_eq!(seen.status, 403, "{}", seen.body);
    assert_eq!(scene.places("alpha-admin"), ["alpha admin"]);
}

#[test]
fn the_last_operator_stays_whatever_the_center_s_directory_says() {
    let (scene, _fake) = scene();
    let site = &scene.site;
    assert_eq!(
        site.ask(
            "POST",
            "/api/v1/scim-tokens",
            &scene.alpha.admin,
            Some(&json!({ "name": "x", "role": "operator" }))
        )
        .0,
        422
    );
    let center = Directory::new(&scene, &site.operator, &json!({ "name": "City" }));
    let operator = center.make("operator", &json!({}));
    let (status, _) = center.patch(
        &format!("/Users/{}", id(&operator)),
        &json!([{ "op": "replace", "path": "active", "value": false }]),
    );
    assert_eq!((status, scene.places("operator")), (200, vec!["- operator".to_owned()]));
    assert!(scene.browser_of("operator").get("/events").body.contains("The last operator stays one"));
}

#[test]
fn a_client_from_pypi_finds_no_fault() {
    let Some(python) = testkit::python_tool("python") else { return };
    let (scene, _fake) = scene();
    let alpha = Directory::new(&scene, &scene.alpha.admin, &json!({ "name": "tester", "role": "developer" }));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tools/scim/check.py");
    let run = Command::new(python)
        .arg(script)
        .arg(format!("{}/scim/v2", scene.site.url))
        .arg(&alpha.token)
        .output();
    let run = run.expect("it runs");
    let told = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{told}");
    assert!(told.contains("checks passed"), "{told}");
}
