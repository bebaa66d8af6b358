//! Pages that act and change by themselves, in Chromium.

use testkit::{Chromium, Site};

use crate::scene::Scene;

#[test]
fn a_script_is_tried_and_submitted_by_hand() {
    let Some(browser) = Chromium::start() else { return };
    let scene = Scene::new();
    scene.site.publish_price(1_000_000);
    browser.sign_in(&scene.site, "alpha-admin");
    submit_by_hand(&browser, &scene.site);
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
