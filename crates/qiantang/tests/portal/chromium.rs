//! Every page in Chromium, in both languages and at two widths. `target/screenshots` keeps the pictures.

use std::path::Path;

use testkit::{Browser, Chromium, Site};

use crate::scene::{PAGES, Scene};

/// A page that is not there.
const NOWHERE: &str = "/nonsense";

#[test]
fn every_page_reads_well_in_a_real_browser() {
    let Some(browser) = Chromium::start() else { return };
    let scene = Scene::new();
    scene.site.publish_price(1_000_000);
    let job = scene.failed_job();
    for (login, others) in [("operator", &[][..]), ("alpha-admin", &["operator"])] {
        browser.set_width(1440);
        browser.sign_in(&scene.site, login);
        let of_login = scene.browser(login);
        let others = others.iter().map(|login| scene.browser(login)).collect::<Vec<_>>();
        for page in PAGES {
            let path = scene.filled(page, &job);
            // What is refused looks the same everywhere: one such page stands for all. What somebody else was shown is not
            // looked at again.
            let is_shown = |browser: &Browser| {
                let answer = browser.get(&path);
                answer.status == 200 && answer.header("content-type").starts_with("text/html")
            };
            let is_refused_here = *page == NOWHERE && others.is_empty();
            if is_refused_here || (is_shown(&of_login) && !others.iter().any(is_shown)) {
                for lang in ["zh", "en"] {
                    for width in [1440, 390] {
                        look(&browser, &scene.site, login, &path, lang, width);
                    }
                }
            }
        }
    }
    submit_by_hand(&browser, &scene.site);
}

pub fn look(browser: &Chromium, site: &Site, login: &str, page: &str, lang: &str, width: u32) {
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
    let errors: Vec<String> = browser.errors().into_iter().filter(|text| !text.contains(NOWHERE)).collect();
    assert_eq!(errors, Vec::<String>::new(), "{what}");
    let name: String = what.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    browser.keep_picture(&folder.join(format!("{name}.png")));
}

/// Types a script, sees its dry run, submits it, and reads its log on its page.
pub fn submit_by_hand(browser: &Chromium, site: &Site) {
    browser.set_width(1440);
    browser.open(&format!("{}/submit?lang=en", site.url));
    browser.script(
        "const area = document.querySelector('textarea[name=script]'); \
         area.value = '#!/bin/sh\\n#SBATCH --job-name=by-hand --gres=npu:1 --time=1\\necho typed in a browser\\n'; \
         area.dispatchEvent(new Event('input', { bubbles: true })); area.dispatchEvent(new Event('change', { bubbles: true }));",
    );
    site.wait_for("the dry run", || {
        let panel = browser.script("return document.querySelector('#dry-run').textContent");
        panel.as_str().is_some_and(|text| text.contains("card-hour")).then_some(())
    });
    browser.script("document.querySelector('textarea[name=script]').form.requestSubmit();");
    site.wait_for("the job's page", || {
        let path = browser.script("return location.pathname");
        path.as_str().is_some_and(|path| path.starts_with("/jobs/job_")).then_some(())
    });
    site.wait_for("its log", || {
        let text = browser.script("return (document.querySelector('.log-body') || {}).textContent || ''");
        text.as_str().is_some_and(|text| text.contains("typed in a browser")).then_some(())
    });
}
