//! Programs that sign in by a browser: the real command, and a person who lets it in.

use serde_json::Value;
use testkit::{Browser, Site, Terminal, grant};

use crate::QIANTANG;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[test]
fn a_command_signs_in_once_somebody_has_looked_who_asks_and_lets_it_in() {
    let site = Site::new(QIANTANG, 1, "");
    site.tenant("univ", "research", &grant(), 8);
    site.tenant("corp", "enterprise", &grant(), 8);
    let operator = Terminal::signed_in(&site, "operator");
    operator.ok(&["members", "add", "univ-developer", "--role", "finance", "--tenant", "corp"]);
    let browser = Browser::signed_in(&site, "univ-developer");
    let terminal = Terminal::at(&site);
    let waits = terminal.begin_login();
    assert!(waits.said.contains(&format!("{}/device", site.url)), "{}", waits.said);

    // The address fills the code in, and does nothing.
    let address = format!("/device?user_code={}", waits.code);
    let stranger = Browser::new(&site).get(&address);
    let next = format!("/sign-in?next=/device%3Fuser_code%3D{}", waits.code);
    assert_eq!((stranger.status, stranger.header("location")), (303, &*next));
    let page = browser.get(&address).body;
    assert!(
        page.contains(&format!("value=\"{}\"", waits.code)) && !page.contains("/device/answer"),
        "{page}"
    );
    let asks = browser.send_form("/device", &[("user_code", &waits.code.to_lowercase())]).body;
    for part in
        ["Qiantang command line", "127.0.0.1", "/device/answer", "Go on only if you have just started"]
    {
        assert!(asks.contains(part), "{part}: {asks}");
    }
    // As whom is the person's to say: one of their own places.
    let places: Vec<&str> =
        asks.split("<option value=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let words: Vec<bool> = ["corp", "univ"].map(|slug| asks.to_lowercase().contains(slug)).into();
    assert!(words == [true, true], "{asks}");
    let members = site.get("/api/v1/members?", &site.operator);
    let of_corp = members.as_array().expect("members").iter();
    let of_corp =
        of_corp.clone().find(|member| member["login"] == "univ-developer" && member["tenant_slug"] == "corp");
    let of_corp = of_corp.expect("the member")["id"].as_str().expect("an id").to_owned();
    assert!(places.contains(&&*of_corp), "{places:?}");
    let others = site.get("/api/v1/me", &site.operator)["id"].as_str().expect("an id").to_owned();
    let allow = |member: &str| {
        let fields = [("user_code", &*waits.code), ("member", member), ("answer", "allow")];
        browser.send_form("/device/answer", &fields)
    };
    assert_eq!(allow(&others).status, 404, "nobody else's place");
    let foreign = [("user_code", &*waits.code), ("member", &*of_corp), ("answer", "allow")];
    assert_eq!(browser.post("/device/answer", &foreign, &[]).status, 403, "no page of the center's own");
    let allowed = allow(&of_corp);
    assert_eq!(
        (allowed.status, allowed.header("location")),
        (303, "/device?done=allowed"),
        "{}",
        allowed.body
    );
    assert_eq!(allow(&of_corp).status, 422, "it is answered once");

    let (code, out) = waits.end();
    assert_eq!(code, 0, "{out}");
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (&told["member"]["login"], &told["member"]["tenant_slug"]),
        (&"univ-developer".into(), &"corp".into())
    );
    assert_eq!(terminal.json(&["whoami"])["member"]["tenant_slug"], "corp");
    let tokens = terminal.json(&["tokens"]);
    assert!(tokens[0]["name"].as_str().expect("a name").ends_with("(device)"), "{tokens}");
    assert_eq!(terminal.json(&["logout"])["is_token_ended"], true);
    let line = site.get("/api/v1/audit?action=answer_device", &site.operator)["items"][0].clone();
    assert_eq!((&line["actor"], &line["detail"]["is_allowed"]), (&"univ-developer".into(), &true.into()));
}

#[test]
fn a_command_that_is_refused_gets_nothing() {
    let site = Site::new(QIANTANG, 1, "");
    let browser = Browser::signed_in(&site, "operator");
    let terminal = Terminal::at(&site);
    let waits = terminal.begin_login();
    let fields = [("user_code", &*waits.code), ("answer", "deny")];
    assert_eq!(browser.send_form("/device/answer", &fields).header("location"), "/device?done=denied");
    let (code, out) = waits.end();
    assert_eq!(code, 4, "{out}");
    assert_eq!(terminal.run(&["whoami"]).0, 4, "nothing is kept");
    let wrong = browser.send_form("/device", &[("user_code", "BCDF-GHJK")]);
    assert!(wrong.status == 422 && wrong.body.contains("id=\"user_code-error\""), "{}", wrong.body);
}

#[test]
fn the_protocol_is_that_of_the_standards() {
    let site = Site::new(QIANTANG, 1, "");
    let program = Browser::new(&site);
    let post = |path: &str, fields: &[(&str, &str)]| {
        let answer = program.post(path, fields, &[]);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}: {}", answer.body);
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        (answer.status, body)
    };
    let told: Value =
        serde_json::from_str(&program.get("/.well-known/oauth-authorization-server").body).expect("JSON");
    assert_eq!(told["issuer"], site.url.as_str());
    let at = |name: &str| {
        told[name].as_str().and_then(|at| at.strip_prefix(&site.url)).expect("a path").to_owned()
    };
    let (authorize, token) = (at("device_authorization_endpoint"), at("token_endpoint"));
    assert_eq!((&*authorize, &*token), ("/oauth/device_authorization", "/oauth/token"));
    assert_eq!(told["grant_types_supported"][0], GRANT);

    let error = |path: &str, fields: &[(&str, &str)]| {
        let (status, body) = post(path, fields);
        (status, body["error"].as_str().unwrap_or_default().to_owned())
    };
    let is = |code: &str| (400, code.to_owned());
    assert_eq!(error(&authorize, &[]), is("invalid_client"));
    assert_eq!(error(&authorize, &[("client_id", "another")]), is("invalid_client"));
    assert_eq!(
        error(&authorize, &[("client_id", "qiantang"), ("client_id", "qiantang")]),
        is("invalid_request")
    );
    let json = program.send("POST", &authorize, Some("{}".into()), &[("Content-Type", "application/json")]);
    assert!(json.status == 400 && json.body.contains("invalid_request"), "{}", json.body);
    let (status, asked) = post(&authorize, &[("client_id", "qiantang"), ("scope", "whatever")]);
    assert_eq!((status, &asked["interval"], &asked["expires_in"]), (200, &5.into(), &600.into()), "{asked}");
    let (code, page) =
        (asked["user_code"].as_str().expect("text"), asked["verification_uri"].as_str().expect("text"));
    assert_eq!(asked["verification_uri_complete"], format!("{page}?user_code={code}"));
    let device = asked["device_code"].as_str().expect("text");
    let poll = |grant: &str, device: &str| {
        error(&token, &[("grant_type", grant), ("client_id", "qiantang"), ("device_code", device)])
    };
    assert_eq!(poll("password", device), is("unsupported_grant_type"));
    assert_eq!(poll(GRANT, "made up"), is("invalid_grant"));
    assert_eq!(poll(GRANT, device), is("authorization_pending"));
    assert_eq!(poll(GRANT, device), is("slow_down"), "five seconds are between two");
    // Not too many from one address.
    let ask = |_| program.post(&authorize, &[("client_id", "qiantang")], &[]).status;
    let more: Vec<u16> = (0..12).map(ask).collect();
    assert_eq!(more.last(), Some(&429));
}
