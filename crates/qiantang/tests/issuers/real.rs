//! Two real providers, and a real browser that goes through their pages.

use serde_json::{Value, json};
use testkit::{Chromium, Site};

use crate::{provider::Provider, scene::Scene};

fn settings(provider: &Provider, name: &str, secret: &std::path::Path, more: &str) -> String {
    format!(
        "[[oidc]]\nname = \"{name}\"\nissuer = \"{}\"\nclient_id = \"qiantang\"\nclient_secret_file = \"{}\"\n\
         label_zh = \"{name}\"\nlabel_en = \"Org {name}\"\nemail_domains = [\"{name}.example\"]\n{more}\n",
        provider.url,
        secret.display()
    )
}

/// Goes through the pages of whichever provider is shown, as `login`, until a page of the center is there. Gives its path.
pub fn through(chromium: &Chromium, site: &Site, login: &str) -> String {
    let step = format!(
        "if (document.readyState !== 'complete') return null;
         if (location.origin === '{}') {{
           return location.pathname.startsWith('/sign-in/onward') || location.pathname === '/sign-in/oidc'
             ? null : location.pathname;
         }}
         const form = document.querySelector('form');
         if (form && !form.dataset.sent) {{
           form.dataset.sent = 'yes';
           for (const name of ['login', 'password']) {{
             const field = form.querySelector(`[name=${{name}}]`);
             if (field) field.value = '{login}';
           }}
           const yes = document.querySelector('button[name=logout]');
           if (yes) yes.click(); else form.submit();
         }}
         return null;",
        site.url
    );
    site.wait_for("a page of the center", || chromium.script(&step).as_str().map(str::to_owned))
}

fn sign_in(chromium: &Chromium, site: &Site, issuer: &str, login: &str) -> String {
    chromium.open(&format!("{}/sign-in?lang=en", site.url));
    let click = format!("document.querySelector('a[href^=\"/sign-in/oidc/{issuer}\"]').click();");
    chromium.script(&click);
    through(chromium, site, login)
}

fn body(chromium: &Chromium) -> String {
    chromium.script("return document.body.innerText").as_str().unwrap_or_default().to_owned()
}

#[test]
fn people_sign_in_through_the_pages_of_two_providers() {
    let Some(chromium) = Chromium::start() else { return };
    // The pages of a provider, and the center's own refusals, are not what is tested here.
    for part in ["127.0.0.1", "fonts.googleapis.com", "403", "409"] {
        chromium.allow(part);
    }
    let (mut univ, mut city) = (None, None);
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a secret of the client\n").expect("it is written");
    let ops = json!({ "lin": ["/ai-center/ops"] });
    let mut is_there = true;
    let scene = Scene::with(|url| {
        univ = Provider::start("univ", url, "RS256", true, &ops);
        city = Provider::start("city", url, "ES256", false, &json!({ "mei": ["Lab"] }));
        let (Some(univ), Some(city)) = (&univ, &city) else {
            is_there = false;
            return String::new();
        };
        let map = "[[oidc.map]]\nclaim = \"groups\"\nvalue = \"ai-center/ops\"\nrole = \"operator\"\n";
        let of_alpha = "tenant = \"alpha\"\n[oidc.auto_join]\nrole = \"developer\"\nemail_domains = [\"city.example\"]\n\
            [[oidc.map]]\nclaim = \"groups\"\nvalue = \"lab\"\nrole = \"admin\"\n";
        settings(univ, "univ", &secret, map) + &settings(city, "city", &secret, of_alpha)
    });
    if !is_there {
        return;
    }
    let (mut univ, _city) = (univ.expect("one"), city.expect("the other"));
    let url = scene.site.url.clone();

    // By the button; its groups are in the ID token.
    assert_eq!(sign_in(&chromium, &scene.site, "univ", "lin"), "/");
    assert_eq!(scene.places("lin"), ["- operator"]);
    chromium.open(&format!("{url}/tokens"));
    assert!(body(&chromium).contains("by Org univ"), "{}", body(&chromium));

    // Signing out here signs out there, by the provider's own page, which leads back.
    chromium.script("document.querySelector('form[action=\"/sign-out\"]').requestSubmit();");
    assert_eq!(through(&chromium, &scene.site, "lin"), "/sign-in");
    chromium.script("document.querySelector('a[href^=\"/sign-in/oidc/univ\"]').click();");
    scene.site.wait_for("the provider asks again who it is", || {
        let asks =
            chromium.script("return !!document.querySelector('input[name=password]') && location.origin");
        asks.as_str().filter(|origin| *origin == univ.url).map(|_| ())
    });

    // A group that is taken away takes its role; whoever has none left is told so.
    univ.set_groups(&json!({ "lin": [] }));
    assert_eq!(through(&chromium, &scene.site, "lin"), "/sign-in/oidc/univ/callback");
    assert!(body(&chromium).contains("You have no place here yet"), "{}", body(&chromium));
    assert_eq!(scene.places("lin"), ["- operator off"]);

    // By the address, over the center's own page; its groups are on the page about a subject.
    chromium.open(&format!("{url}/sign-in?lang=en"));
    let fill = "document.querySelector('#email').value = 'mei@city.example';
        document.querySelector('form[action=\"/sign-in/oidc\"]').requestSubmit();";
    chromium.script(fill);
    assert_eq!(through(&chromium, &scene.site, "mei"), "/", "{}", body(&chromium));
    assert_eq!(scene.places("mei"), ["alpha admin"]);
    chromium.open(&format!("{url}/people"));
    assert!(body(&chromium).contains("mei of city"), "{}", body(&chromium));
    // Somebody without groups joins by the rule, in another session there.
    chromium.script("document.querySelector('form[action=\"/sign-out\"]').requestSubmit();");
    assert_eq!(through(&chromium, &scene.site, "mei"), "/sign-in");
    assert_eq!(sign_in(&chromium, &scene.site, "city", "tao"), "/");
    assert_eq!(scene.places("tao"), ["alpha developer"]);
    // An address that no issuer is for.
    chromium.sign_out();
    chromium.open(&format!("{url}/sign-in/oidc?email=lin%40nowhere.example"));
    assert!(body(&chromium).contains("No organisation"), "{}", body(&chromium));

    // The provider starts anew with another key, and forgets its sessions.
    univ.set_groups(&ops);
    univ.start_anew();
    assert_eq!(sign_in(&chromium, &scene.site, "univ", "lin"), "/", "{}", body(&chromium));
    assert_eq!(scene.places("lin"), ["- operator"]);

    // Its session ends at the provider, which tells the center behind the browser's back.
    chromium.open(&format!("{}/session/end", univ.url));
    chromium.script("document.querySelector('button[name=logout]').click();");
    scene.site.wait_for("the session to end here", || {
        chromium.open(&format!("{url}/tokens"));
        let path = chromium.script("return location.pathname");
        (path == "/sign-in").then_some(())
    });
    let ended = scene.site.get("/api/v1/audit?action=end_sessions_by_issuer", &scene.site.operator);
    assert_eq!(ended["items"][0]["detail"]["issuer"], "univ", "{ended}");
}

#[test]
fn a_provider_that_is_away_keeps_nobody_else_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a secret of the client\n").expect("it is written");
    let mut away = String::new();
    let mut scene = Scene::with(|url| {
        let Some(univ) = Provider::start("univ", url, "EdDSA", true, &Value::Null) else {
            return String::new();
        };
        let settings = settings(&univ, "univ", &secret, "");
        away = univ.stop();
        settings
    });
    if away.is_empty() {
        return;
    }
    // The center started without it, and says so.
    let issuers = scene.site.get("/api/v1/issuers?check=true", &scene.site.operator);
    assert!(issuers[0]["error"].as_str().is_some_and(|error| error.contains(&away)), "{issuers}");
    assert_eq!(issuers[0]["keys"], Value::Null);
    assert_eq!(scene.browser_of("operator").get("/").status, 200);
    let page = testkit::Browser::new(&scene.site).get("/sign-in/oidc/univ");
    assert!(
        page.status == 409 && page.body.contains("Org univ does not answer as it should"),
        "{}",
        page.body
    );
    let loops = scene.site.get("/api/v1/loops", &scene.site.operator);
    let told =
        loops.as_array().expect("loops").iter().find(|one| one["name"] == "issuers").expect("the loop");
    assert_eq!(told["state"], "failing", "{told}");
    // A restart does not wait for it either.
    scene.site.stop();
    assert!(scene.site.start() < std::time::Duration::from_mins(1));
}
