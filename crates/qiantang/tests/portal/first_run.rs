//! A new center, set up in a real browser alone, along the first steps of the overview.

use std::path::Path;

use testkit::{Browser, Chromium, Site};

use crate::QIANTANG;

/// The browser at the center.
struct At<'a> {
    browser: &'a Chromium,
    site: &'a Site,
}

impl At<'_> {
    fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.site.url));
    }

    /// Waits for another page, whole, at such an address.
    fn wait_for(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        self.site.wait_for(what, || {
            let look = "return !window.isOld && document.readyState === 'complete' ? location.pathname : ''";
            let path = self.browser.script(look);
            path.as_str().filter(|path| !path.is_empty() && is_there(path)).map(|_| ())
        });
    }

    /// Follows the link of a step that is to be done.
    fn take(&self, step: &str) {
        self.open("/");
        let find = format!(
            "const link = [...document.querySelectorAll('#first-steps a')].find(a => a.getAttribute('aria-label').endsWith('{step}')); \
             if (!link) return document.querySelector('main').textContent; window.isOld = true; link.click(); return ''"
        );
        let left = self.browser.script(&find);
        assert_eq!(left, "", "the step `{step}` has a link");
        self.wait_for("the page of the step", |path| path != "/");
    }

    /// Fills fields of the form that goes to `action` and sends it; waits until `is_there` of the new address.
    fn send(&self, action: &str, fields: &[(&str, &str)], is_there: impl Fn(&str) -> bool) {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("['{name}', '{value}']")).collect();
        let fill = format!(
            "window.isOld = true; const form = document.querySelector('form[action$=\"{action}\"]'); \
             if (!form) return 'there is no form {action} at ' + location.pathname; \
             for (const [name, value] of [{}]) {{ const fields = [...form.querySelectorAll(`[name=\"${{name}}\"], [name^=\"${{name}}/\"]`)]; \
               if (fields.length === 0) return 'there is no field ' + name; \
               for (const field of fields) {{ if (field.type === 'radio') field.checked = field.value === value; else field.value = value; }} }} \
             form.requestSubmit(); return ''",
            fields.join(", ")
        );
        assert_eq!(self.browser.script(&fill), "");
        self.wait_for(&format!("what comes of {action}"), is_there);
    }

    fn steps(&self) -> String {
        self.open("/?lang=en");
        let steps =
            self.browser.script("return (document.querySelector('#first-steps') || {}).textContent || ''");
        steps.as_str().expect("a text").to_owned()
    }
}

#[test]
fn a_new_center_is_set_up_in_the_browser_alone() {
    let Some(browser) = Chromium::start() else { return };
    let site = Site::new(QIANTANG, 2, crate::scene::SETTINGS);
    browser.set_width(1440);
    browser.sign_in(&site, "operator");
    let at = At { browser: &browser, site: &site };
    for lang in ["zh", "en"] {
        for width in [1440, 390] {
            look(&browser, &site, "operator", "/", lang, width);
        }
    }
    browser.set_width(1440);
    let steps = at.steps();
    for step in ["Tenant", "Contract", "Prices", "Member", "Project"] {
        assert!(steps.contains(step), "{steps}");
    }

    at.take("Tenant");
    let tenant = [("slug", "univ"), ("name_zh", "大学"), ("name_en", "University"), ("domain", "research")];
    at.send("/tenants", &tenant, |path| path == "/tenants/univ");

    at.take("Contract");
    let terms =
        [("number", "HZ-1"), ("tenant", "univ"), ("kind", "metered"), ("credit", "100"), ("most", "16")];
    at.send("/contracts/new", &terms, |path| path.starts_with("/contracts/con_"));
    for (act, state) in [("submit", "Draft"), ("approve", "Submitted"), ("activate", "Approved")] {
        assert!(at.steps().contains(state), "the step says how the contract stands: {state}");
        at.take("Contract");
        let link = format!(
            "const link = document.querySelector('a[href$=\"/act/{act}\"]'); window.isOld = true; if (link) link.click(); return !!link"
        );
        assert_eq!(browser.script(&link), true, "{act}");
        at.wait_for("the page of the act", |path| path.contains("/act/"));
        at.send("/act", &[("reason", "first")], |path| {
            path.starts_with("/contracts/con_") && !path.contains("/act")
        });
    }

    at.take("Prices");
    at.send("/prices/new", &[("name", "2026-H2"), ("rate", "6")], |path| path.starts_with("/prices/book/"));

    at.take("Member");
    let member = [
        ("member_tenant", "univ"),
        ("member_login", "lin"),
        ("member_name", "Lin"),
        ("member_role", "developer"),
        ("member_password", testkit::PASSWORD),
    ];
    at.send("/people/members", &member, |path| path == "/people");

    at.take("Project");
    let project = [
        ("project_tenant", "univ"),
        ("project_slug", "digits"),
        ("project_name", "Digits"),
        ("project_contract", "HZ-1"),
    ];
    at.send("/people/projects", &project, |path| path == "/people");
    assert_eq!(at.steps(), "", "all is done, and the steps are gone");

    // The member signs in and computes.
    browser.sign_in(&site, "lin");
    crate::chromium::submit_by_hand(&browser, &site);
}

#[test]
fn a_member_s_role_and_password_are_changed_on_their_page() {
    let scene = crate::scene::Scene::new();
    let (admin, operator) = (scene.browser("alpha-admin"), scene.browser("operator"));
    let page = format!("/people/members/{}", scene.member("alpha-developer"));
    let changed = admin.send_form(&format!("{page}/change"), &[("name", "Li Na"), ("role", "finance")]);
    assert_eq!(changed.status, 303, "{}", changed.body);
    let shown = admin.get(&page).body;
    assert!(shown.contains("Li Na") && shown.contains("Finance"), "{shown}");
    // The rights are the new ones at once, for the sign-in that is there.
    assert_eq!(scene.site.ask("GET", "/api/v1/debts", &scene.alpha.developer, None).0, 200);
    let elsewhere = admin.send_form(&format!("{page}/change"), &[("name", "Li Na"), ("role", "operator")]);
    assert!(elsewhere.status == 422 && elsewhere.body.contains("role-error"), "{}", elsewhere.body);

    let short = admin.send_form(&format!("{page}/password"), &[("new", "short")]);
    assert!(short.status == 422 && short.body.contains("new-error"), "{}", short.body);
    let set = admin.send_form(&format!("{page}/password"), &[("new", "another-long-password")]);
    assert_eq!(set.status, 303, "{}", set.body);
    assert!(admin.get(set.header("location")).body.contains("The password is set"));
    assert_eq!(scene.site.ask("GET", "/api/v1/me", &scene.alpha.developer, None).0, 401, "tokens end");
    let enter = |password: &str| {
        let fields = [("login", "alpha-developer"), ("password", password)];
        Browser::new(&scene.site).post("/sign-in", &fields, &[]).status
    };
    assert_eq!((enter(testkit::PASSWORD), enter("another-long-password")), (401, 303));

    // Nobody changes their own role.
    let own = format!("/people/members/{}", scene.member("operator"));
    let refused = operator.send_form(&format!("{own}/change"), &[("name", "operator"), ("role", "auditor")]);
    assert!(
        refused.status == 409 && refused.body.contains("your own role"),
        "{} {}",
        refused.status,
        refused.body
    );
    let path = scene.site.data().join("database/center.db");
    assert!(path.exists());
    assert_eq!(scene.site.get("/api/v1/ledger/check", &scene.site.operator)["is_balanced"], true);
}

#[test]
fn a_tenant_is_renamed_and_joins_an_alliance() {
    let scene = crate::scene::Scene::new();
    let operator = scene.browser("operator");
    let vision = [("slug", "vision"), ("name_zh", "视觉"), ("name_en", "Vision"), ("lends", "")];
    operator.send_form("/alliances", &vision);
    let names = [("name_zh", "阿尔法"), ("name_en", "Alpha University"), ("alliance", "vision")];
    let changed = operator.send_form("/tenants/alpha/names", &names);
    assert_eq!(changed.status, 303, "{}", changed.body);
    let shown = operator.get("/tenants/alpha").body;
    assert!(
        shown.contains("Alpha University") && shown.contains("<option value=\"vision\" selected"),
        "{shown}"
    );
    assert!(operator.get("/alliances/vision").body.contains("alpha"));
    let other = [("name_zh", "视觉产业"), ("name_en", "Vision Industry")];
    assert_eq!(operator.send_form("/alliances/vision/names", &other).status, 303);
    assert!(operator.get("/alliances/vision").body.contains("Vision Industry"));
    let nameless =
        operator.send_form("/tenants/alpha/names", &[("name_zh", ""), ("name_en", "A"), ("alliance", "")]);
    assert!(nameless.status == 422 && nameless.body.contains("name_zh-error"), "{}", nameless.body);
}

#[test]
fn a_node_is_retired_and_brought_back_on_its_pages() {
    let scene = crate::scene::Scene::new();
    let operator = scene.browser("operator");
    let node = scene.node();
    assert!(operator.get(&format!("/nodes/{node}")).body.contains("/retire"));
    let removed = operator.send_form(&format!("/nodes/{node}/retire"), &[("reason", "sold <on>")]);
    assert_eq!((removed.status, removed.header("location")), (303, "/retirement"), "{}", removed.body);
    let shown = operator.get("/retirement").body;
    assert!(shown.contains("sold &#60;on&#62;") && shown.contains("/bring-back"), "{shown}");
    assert_eq!(operator.get(&format!("/nodes/{node}")).header("location"), "/retirement#retired");
    assert_eq!(operator.send_form(&format!("/nodes/{node}/bring-back"), &[]).status, 303);
    assert_eq!(operator.get(&format!("/nodes/{node}")).status, 200);
    let pool = operator.send_form("/pools/ascend-910/retire", &[("reason", "")]);
    assert_eq!(pool.status, 303, "{}", pool.body);
    assert!(scene.site.nodes().is_empty());
    let refused = operator.send_form(&format!("/nodes/{node}/bring-back"), &[]);
    assert!(refused.status == 409 && refused.body.contains("The pool is retired"), "{}", refused.body);
}

#[test]
fn where_duties_are_separate_the_first_steps_ask_for_a_second_person() {
    let settings = format!(
        "{}[books]\nseparate_duties = true\n[[pools]]\nname = \"a\"\ncard_model = \"ascend-910\"\n\
         nodes = [{{ name = \"n\", cards = 8, virtual = true }}]\n",
        crate::scene::SETTINGS
    );
    let site = Site::with_settings(QIANTANG, &settings);
    let operator = Browser::signed_in(&site, "operator");
    assert!(operator.get("/").body.contains("A second person"));
    let clerk = [
        ("member_tenant", ""),
        ("member_login", "clerk"),
        ("member_name", "Clerk"),
        ("member_role", "contracts"),
        ("member_password", testkit::PASSWORD),
    ];
    let added = operator.send_form("/people/members", &clerk);
    assert_eq!(added.status, 303, "{}", added.body);
    let steps = operator.get("/").body;
    assert!(steps.contains("id=\"first-steps\"") && !steps.contains("A second person"), "{steps}");
    // Nobody else is to take them.
    assert!(!Browser::signed_in(&site, "clerk").get("/").body.contains("id=\"first-steps\""));
}

/// Opens a page and keeps a picture of it: it is whole, in its language, without errors.
fn look(browser: &Chromium, site: &Site, login: &str, page: &str, lang: &str, width: u32) {
    browser.set_width(width);
    let more = if page.contains('?') { '&' } else { '?' };
    browser.open(&format!("{}{page}{more}lang={lang}", site.url));
    let what = format!("{login} {page} {lang} {width}");
    let seen = browser.script(
        "return { lang: document.documentElement.lang, title: document.title, \
         heading: (document.querySelector('h1') || {}).textContent || '', main: !!document.querySelector('main'), \
         wide: document.documentElement.scrollWidth - window.innerWidth, \
         unnamed: [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea')] \
           .filter(e => e.ariaHidden !== 'true' && !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length || e.title)).length }",
    );
    assert_eq!(seen["lang"], if lang == "zh" { "zh-CN" } else { "en" }, "{what}");
    assert!(seen["wide"].as_i64() <= Some(0), "{what} scrolls sideways: {seen}");
    assert!(
        seen["main"] == true && seen["heading"].as_str().is_some_and(|text| !text.trim().is_empty()),
        "{what}: {seen}"
    );
    assert_eq!(seen["unnamed"], 0, "{what} has controls without a name");
    assert_eq!(browser.errors(), Vec::<String>::new(), "{what}");
    let name: String = what.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    browser.keep_picture(&folder.join(format!("{name}.png")));
}
