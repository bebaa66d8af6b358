//! A new center, set up in a real browser alone, along the first steps of the overview.

use std::path::Path;

use testkit::{Browser, Chromium, Person, Site};

use crate::QIANTANG;

/// Follows the link of a step that is to be done.
fn take(person: &Person, step: &str) {
    person.open("/");
    let find = format!(
        "const link = [...document.querySelectorAll('#first-steps a')].find(a => a.getAttribute('aria-label').endsWith('{step}')); \
         return link ? link.getAttribute('href') : ''"
    );
    let link = person.text_of(&find);
    assert_ne!(link, "", "the step `{step}` has a link: {}", person.page());
    person.follow(&link);
}

fn steps(person: &Person) -> String {
    person.open("/");
    person.text_of("return (document.querySelector('#first-steps') || {}).textContent || ''")
}

#[test]
fn a_new_center_is_set_up_in_the_browser_alone() {
    let site = Site::new(QIANTANG, 2, crate::scene::SETTINGS);
    let Some(person) = Person::new(&site, "operator", "en") else { return };
    person.sign_in("operator");
    for lang in ["zh", "en"] {
        for width in [1440, 390] {
            look(&person.browser, &site, "operator", "/", lang, width);
        }
    }
    person.browser.set_width(1440);
    let todo = steps(&person);
    for step in ["Tenant", "Contract", "Prices", "Member", "Project"] {
        assert!(todo.contains(step), "{todo}");
    }
    let at = |begin: &str| assert!(person.path().starts_with(begin), "{}: {}", person.path(), person.page());

    take(&person, "Tenant");
    let tenant = [("slug", "univ"), ("name_zh", "大学"), ("name_en", "University"), ("domain", "research")];
    person.send("/tenants", "", &tenant);
    at("/tenants/univ");

    take(&person, "Contract");
    let terms =
        [("number", "HZ-1"), ("tenant", "univ"), ("kind", "metered"), ("credit", "100"), ("most", "16")];
    person.send("/contracts/new", "", &terms);
    at("/contracts/con_");
    for (act, state) in [("submit", "Draft"), ("approve", "Submitted"), ("activate", "Approved")] {
        assert!(steps(&person).contains(state), "the step says how the contract stands: {state}");
        take(&person, "Contract");
        person.follow(&format!("/act/{act}"));
        person.send("/act", "", &[("reason", "first")]);
        at("/contracts/con_");
    }

    take(&person, "Prices");
    person.send("/prices/new", "", &[("name", "2026-H2"), ("rate", "6")]);
    at("/prices/book/");

    take(&person, "Member");
    let member = [
        ("member_tenant", "univ"),
        ("member_login", "lin"),
        ("member_name", "Lin"),
        ("member_role", "developer"),
        ("member_password", testkit::PASSWORD),
    ];
    person.send("/people/members", "", &member);
    at("/people");

    take(&person, "Project");
    let project = [
        ("project_tenant", "univ"),
        ("project_slug", "digits"),
        ("project_name", "Digits"),
        ("project_contract", "HZ-1"),
    ];
    person.send("/people/projects", "", &project);
    at("/people");
    assert_eq!(steps(&person), "", "all is done, and the steps are gone");

    // The member signs in and computes.
    person.browser.sign_in(&site, "lin");
    crate::chromium::submit_by_hand(&person.browser, &site);
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
