//! Every page in Chromium, in both languages and at two widths. `target/screenshots` keeps the pictures.

use std::path::Path;

use testkit::{Chromium, Site, grant, job};

use crate::QIANTANG;

#[test]
fn every_page_reads_well_in_a_real_browser() {
    let Some(browser) = Chromium::start() else { return };
    let site = Site::new(QIANTANG, 4, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let id = site.submit(&tenant, &job("shown", "echo accuracy 0.93"));
    site.wait_for_end(&tenant.developer, &id);
    let of_all = [
        "/",
        "/jobs",
        &format!("/jobs/{id}"),
        "/nodes",
        "/contracts",
        &format!("/contracts/{}", tenant.contract),
    ];
    let of_operator = [
        "/capacity",
        "/prices",
        "/prices/new",
        "/alliances",
        "/tenants",
        "/people",
        "/audit",
        "/no-such-page",
    ];
    let of_developer = ["/submit"];
    for (login, own) in [("operator", &of_operator[..]), ("univ-developer", &of_developer[..])] {
        browser.set_width(1440);
        browser.sign_in(&site, login);
        for page in of_all.iter().chain(own) {
            for lang in ["zh", "en"] {
                for width in [1440, 390] {
                    look(&browser, &site, login, page, lang, width);
                }
            }
        }
    }
    submit_by_hand(&browser, &site);
}

fn look(browser: &Chromium, site: &Site, login: &str, page: &str, lang: &str, width: u32) {
    browser.set_width(width);
    browser.open(&format!("{}{page}?lang={lang}", site.url));
    let what = format!("{login} {page} {lang} {width}");
    let seen = browser.script(
        "return { lang: document.documentElement.lang, title: document.title, \
         heading: (document.querySelector('h1') || {}).textContent || '', main: !!document.querySelector('main'), \
         wide: document.documentElement.scrollWidth - window.innerWidth, \
         unnamed: [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea')] \
           .filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length || e.title)).length }",
    );
    assert_eq!(seen["lang"], if lang == "zh" { "zh-CN" } else { "en" }, "{what}");
    assert!(seen["wide"].as_i64() <= Some(0), "{what} scrolls sideways: {seen}");
    assert!(
        seen["main"] == true && seen["heading"].as_str().is_some_and(|text| !text.trim().is_empty()),
        "{what}: {seen}"
    );
    assert_eq!(seen["unnamed"], 0, "{what} has controls without a name");
    let errors: Vec<String> =
        browser.errors().into_iter().filter(|text| !text.contains("no-such-page")).collect();
    assert_eq!(errors, Vec::<String>::new(), "{what}");
    let name: String = what.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    browser.keep_picture(&folder.join(format!("{name}.png")));
}

/// Types a script, sees its dry run, submits it, and reads its log on its page.
fn submit_by_hand(browser: &Chromium, site: &Site) {
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
