//! Every page in a real browser, in both languages, at every width, in both themes, with ordinary data, with hard data
//! and with none: nothing is past its panel, nothing is cut off without a word, no page scrolls sideways, no error is
//! logged, and axe finds nothing. `target/screenshots` keeps the pictures.

mod scenes;

use std::path::Path;

use testkit::{Browser, Chromium, Site};

use crate::{
    QIANTANG,
    scene::{PAGES, SETTINGS, Scene},
};

const WIDTHS: [u32; 8] = [390, 768, 1024, 1280, 1366, 1440, 1920, 3840];
/// The width at which a page is asked for, and at which axe looks at it.
const USUAL: u32 = 1280;
/// Widths of which a picture is kept.
const PICTURED: [u32; 3] = [390, 1024, 1440];
/// What an A4 sheet has between its margins.
const PAPER: u32 = 688;
const ASK_PAPER: &str = "const shown = (selector) => [...document.querySelectorAll(selector)].some((element) => element.getClientRects().length); \
    const faults = []; \
    if (!shown('h1, .sheet-title h2')) faults.push('has no title'); \
    if (shown('.rail, .top, nav.pager, form.filters')) faults.push('shows navigation'); \
    for (const element of [document.documentElement, document.body, ...document.querySelectorAll('.shell, .panel, .log, .log-body, .page')]) { \
      const [r, g, b, a = '1'] = getComputedStyle(element).backgroundColor.match(/[0-9.]+/g) || []; \
      if (a !== '0' && Math.min(r, g, b) < 200) faults.push(`${element.className || element.localName} is dark`); \
      if (element.matches('.shell') && getComputedStyle(element).backgroundImage !== 'none') faults.push('the shell has a picture'); \
    } \
    return faults;";
/// A page that is not there.
const NOWHERE: &str = "/nonsense";
/// Pages that show people of a tenant something else than the center's own.
const OTHERWISE_FOR_TENANTS: &[&str] =
    &["/", "/jobs", "/jobs/JOB", "/contracts", "/contracts/CONTRACT", "/people", "/nodes"];

const MEASURE: &str = include_str!("matrix/measure.js");
/// Faults as texts: a rule, element, and what is wrong with it.
const ASK_AXE: &str = "return axe.run(document, { resultTypes: ['violations'] }).then((found) => \
    found.passes.length < 5 ? ['axe looked at nothing'] : found.violations.flatMap((fault) => fault.nodes.slice(0, 3) \
    .map((node) => `${fault.id}: ${node.target.join(' ')}: ${node.failureSummary}`)))";

/// axe-core. Without it nothing is asked of axe.
fn axe() -> Option<String> {
    testkit::tool("axe.min.js").map(|path| std::fs::read_to_string(path).expect("a script"))
}

/// Somebody who looks at pages of a scene.
struct Looking<'a> {
    browser: &'a Chromium,
    site: &'a Site,
    scene: &'static str,
    asks_axe: bool,
    faults: Vec<String>,
}

impl<'a> Looking<'a> {
    fn new(browser: &'a Chromium, site: &'a Site, scene: &'static str) -> Self {
        let axe = axe();
        if let Some(script) = &axe {
            browser.add_script(script);
        }
        browser.allow(NOWHERE);
        Self { browser, site, scene, asks_axe: axe.is_some(), faults: Vec::new() }
    }

    fn look(&mut self, login: &str, page: &str) {
        for lang in ["zh", "en"] {
            self.browser.set_width(USUAL);
            let more = if page.contains('?') { '&' } else { '?' };
            self.browser.open(&format!("{}{page}{more}lang={lang}", self.site.url));
            let what = format!("{} {login} {page} {lang}", self.scene);
            self.page_is_one(&what, lang);
            for is_dark in [false, true] {
                self.browser.set_media(is_dark, false);
                let what = format!("{what} {}", if is_dark { "dark" } else { "light" });
                for width in WIDTHS {
                    self.browser.set_width(width);
                    self.note(&format!("{what} {width}"), &self.browser.script(MEASURE));
                    if (PICTURED.contains(&width) && !is_dark) || width == 1440 {
                        self.keep_picture(&format!("{what} {width}"));
                    }
                }
                self.browser.set_width(USUAL);
                if self.asks_axe {
                    self.note(&format!("{what}: axe"), &self.browser.script(ASK_AXE));
                }
            }
            self.print(&what);
            let errors = self.browser.errors();
            self.faults.extend(errors.into_iter().map(|error| format!("{what}: {error}")));
        }
    }

    /// On paper, from a dark theme: a title, no navigation, no dark, and nothing past its panel.
    fn print(&mut self, what: &str) {
        self.browser.set_width(PAPER);
        self.browser.set_media(true, true);
        let what = format!("{what} print");
        self.note(&what, &self.browser.script(MEASURE));
        self.note(&what, &self.browser.script(ASK_PAPER));
        self.keep_picture(&what);
        self.browser.set_media(false, false);
    }

    /// Each page has a language, a title and a main part. Names of controls are axe's to find.
    fn page_is_one(&mut self, what: &str, lang: &str) {
        let seen = self.browser.script(
            "return { lang: document.documentElement.lang, main: !!document.querySelector('main'), \
             heading: (document.querySelector('h1') || {}).textContent || '' }",
        );
        let is_one = seen["lang"] == if lang == "zh" { "zh-CN" } else { "en" }
            && seen["main"] == true
            && seen["heading"].as_str().is_some_and(|text| !text.trim().is_empty());
        if !is_one {
            self.faults.push(format!("{what}: {seen}"));
        }
    }

    fn note(&mut self, what: &str, faults: &serde_json::Value) {
        let faults = faults.as_array().unwrap_or_else(|| panic!("{what}: {faults}"));
        self.faults
            .extend(faults.iter().map(|fault| format!("{what}: {}", fault.as_str().unwrap_or_default())));
    }

    fn keep_picture(&self, what: &str) {
        let name: String = what.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        self.browser.keep_picture(&folder.join(format!("{name}.png")));
    }

    /// Everything that `login` is shown of these pages.
    fn look_at_all(&mut self, login: &str, pages: &[String]) {
        self.browser.set_width(USUAL);
        self.browser.sign_in(self.site, login);
        let of_login = Browser::signed_in(self.site, login);
        let is_shown = |page: &String| {
            let answer = of_login.get(page);
            answer.status == 200 && answer.header("content-type").starts_with("text/html")
        };
        // What is refused looks the same everywhere: one such page stands for all.
        for page in pages.iter().filter(|page| *page == NOWHERE || is_shown(page)) {
            self.look(login, page);
        }
    }

    fn finish(self) {
        let count = self.faults.len();
        assert!(self.faults.is_empty(), "{count} faults:\n{}", self.faults.join("\n"));
    }
}

/// The pages of a list that are not among those that an operator is shown, with those that look otherwise.
fn of_tenants(scene: &Scene, job: &str) -> Vec<String> {
    let operator = scene.browser("operator");
    let is_of_tenants = |page: &&&str| {
        OTHERWISE_FOR_TENANTS.contains(*page) || operator.get(&scene.filled(page, job)).status == 403
    };
    PAGES.iter().filter(is_of_tenants).map(|page| scene.filled(page, job)).collect()
}

#[test]
fn every_page_holds_ordinary_data() {
    let Some(browser) = Chromium::start() else { return };
    let scene = Scene::new();
    scene.site.publish_price(1_000_000);
    let job = scene.failed_job();
    scene.ask_the_twin();
    let mut looking = Looking::new(&browser, &scene.site, "ordinary");
    looking.look("nobody", "/sign-in");
    let pages: Vec<String> = PAGES.iter().map(|page| scene.filled(page, &job)).collect();
    looking.look_at_all("operator", &pages);
    looking.look_at_all("alpha-admin", &of_tenants(&scene, &job));
    looking.finish();
}

#[test]
fn every_page_holds_hard_data() {
    let Some(browser) = Chromium::start() else { return };
    let (scene, job) = scenes::hard();
    let mut looking = Looking::new(&browser, &scene.site, "hard");
    let pages: Vec<String> = PAGES.iter().map(|page| scene.filled(page, &job)).collect();
    looking.look_at_all("operator", &pages);
    looking.look_at_all("alpha-admin", &of_tenants(&scene, &job));
    looking.finish();
}

#[test]
fn every_page_of_an_empty_center_reads_well() {
    let Some(browser) = Chromium::start() else { return };
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let mut looking = Looking::new(&browser, &site, "empty");
    let is_of_all = |page: &&&str| !page.chars().any(|c| c.is_ascii_uppercase());
    let pages: Vec<String> = PAGES.iter().filter(is_of_all).map(|page| (*page).to_owned()).collect();
    looking.look_at_all("operator", &pages);
    looking.finish();
}

/// Each page that the portal has is looked at: a new one has to be named in the list.
#[test]
fn every_page_is_in_the_list() {
    let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let is_of = |route: &str, page: &str| {
        let page = segments(page.split('?').next().unwrap_or_default());
        let route = segments(route);
        route.len() == page.len()
            && route.iter().zip(&page).all(|(part, given)| part == given || part.starts_with('{'))
    };
    let routes = center::portal::pages(qiantang::PLATFORMS);
    assert!(routes.len() > 30, "{routes:?}");
    // A stream has no end. Like lines of a log, and files that an applicant sent, it is a part of a page that is in the list.
    let is_part =
        |route: &str| ["/stream", "/part", "/attachments/{which}"].iter().any(|end| route.ends_with(end));
    let missing: Vec<_> = routes
        .into_iter()
        .filter(|route| !is_part(route) && !PAGES.iter().any(|page| is_of(route, page)))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "name an address of each in PAGES");
}
