//! Pages that act and change by themselves, in Chromium.

use testkit::{Chromium, PASSWORD, Site, job};

use crate::scene::{PAGES, Scene};

/// The pages that change by themselves, each of a kind that a test here or in `live` watches.
const LIVE: &[&str] = &["/", "/jobs", "/jobs/JOB", "/nodes", "/events", "/twin", "/twin/1"];

#[test]
fn every_page_that_changes_by_itself_is_watched() {
    let scene = Scene::new();
    let job = scene.site.submit(&scene.alpha, &job("goes-on", "sleep 60"));
    scene.site.wait_for_state(&scene.alpha.developer, &job, "running");
    let operator = scene.browser("operator");
    let is_live = |page: &&&str| {
        let body = operator.get(&scene.filled(page, &job)).body;
        [" data-fresh", "hx-trigger=\"every"].iter().any(|mark| body.contains(mark))
    };
    let live: Vec<_> = PAGES.iter().filter(|page| !page.contains('?')).filter(is_live).collect();
    assert!(live.len() >= 2, "{live:?}");
    for page in live {
        assert!(LIVE.contains(page), "{page} changes by itself: watch it in a browser, and name it in LIVE");
    }
}

#[test]
fn the_overview_and_a_job_s_page_show_what_happens() {
    // The center outlives the browser, to which its end would be an error.
    let scene = Scene::new();
    let Some(browser) = Chromium::start() else { return };
    let site = &scene.site;
    browser.sign_in(site, "operator");
    browser.script("window.isTheSamePage = true;");
    let flag = site.folder.path().join("flag");
    let wait = format!("while [ ! -e {} ]; do sleep 0.1; done", flag.display());
    let job = site.submit(&scene.alpha, &job("shows-up", &wait));
    let reads = |selector: &str, part: &str| {
        let text = browser
            .script(&format!("return (document.querySelector('{selector}') || {{}}).textContent || ''"));
        text.as_str().is_some_and(|text| text.contains(part)).then_some(())
    };
    site.wait_for("the job on the overview", || reads("#live", "shows-up"));
    assert_eq!(browser.script("return window.isTheSamePage"), true);

    site.wait_for_state(&scene.alpha.developer, &job, "running");
    browser.open(&format!("{}/jobs/{job}", site.url));
    browser.script("window.isTheSamePage = true;");
    site.wait_for("that it runs", || reads("#job-head", "Running"));
    site.post(&format!("/api/v1/jobs/{job}/cancel"), &scene.alpha.developer, &serde_json::json!({}));
    site.wait_for("its end", || reads("#job-head", "Cancelled"));
    assert_eq!(browser.script("return window.isTheSamePage"), true);
}

/// The twin is asked more and more until a browser sees it at work; then its page ends by itself.
#[test]
fn the_twin_s_pages_end_by_themselves() {
    // The center outlives the browser, to which its end would be an error.
    let scene = Scene::new();
    let Some(browser) = Chromium::start() else { return };
    scene.failed_job();
    browser.sign_in(&scene.site, "operator");
    let ask = |demand: u32| {
        browser.open(&format!("{}/twin", scene.site.url));
        browser.script(&format!(
            "const form = document.querySelector('form[action=\"/twin\"]'); const set = (name, value) => \
             form.elements.namedItem(name).value = value; set('nodes', 100000); set('demand', {demand}); set('mtbf', 1); form.requestSubmit();"
        ));
        scene.site.wait_for("the answer's page", || {
            browser.script("return /^\\/twin\\/[0-9]+$/.test(location.pathname) && document.readyState === 'complete'").as_bool()?.then_some(())
        });
        browser
            .script("window.isTheSamePage = true; return document.querySelector('#trial').textContent")
            .to_string()
            .contains("Replaying")
    };
    let was_seen_at_work = [100, 1000, 10_000, 10_000].into_iter().any(ask);
    assert!(was_seen_at_work, "the twin was done before a browser could look");
    let is_over = || {
        let text = browser.script(
            "return document.querySelector('#trial').textContent + document.querySelector('h1').textContent",
        );
        (!text.to_string().contains("Replaying") && text.to_string().contains("Succeeded")).then_some(())
    };
    scene.site.wait_for("the end of the twin's page", is_over);
    assert_eq!(browser.script("return window.isTheSamePage"), true, "without loading it anew");
    assert_eq!(browser.script("return !!document.querySelector('a[href$=\"/report\"]')"), true);
}

/// A session that ends while somebody types: the page says so and stays, and the script is submitted in the end.
#[test]
fn a_script_outlives_its_session() {
    // The center outlives the browser, to which its end would be an error.
    let scene = Scene::new();
    let Some(browser) = Chromium::start() else { return };
    let site = &scene.site;
    browser.sign_in(site, "alpha-admin");
    browser.open(&format!("{}/submit?lang=en", site.url));
    browser.sign_out();
    // The dry run of what is typed is refused.
    browser.allow("401");
    type_a_script(&browser);
    site.wait_for("that the page says so", || {
        browser
            .script("return document.querySelector('#session-over').hidden === false")
            .as_bool()?
            .then_some(())
    });
    assert_eq!(browser.script("return document.querySelector('#session-over a').target"), "_blank");
    browser.script("document.querySelector('textarea[name=script]').form.requestSubmit();");
    let is_there = |selector: &str| {
        browser.script(&format!("return !!document.querySelector('{selector}')")).as_bool()?.then_some(())
    };
    site.wait_for("the form for signing in", || is_there("form[action=\"/sign-in\"] #password"));
    browser.script(&format!(
        "document.querySelector('#login').value = 'alpha-admin'; document.querySelector('#password').value = '{PASSWORD}'; \
         document.querySelector('form[action=\"/sign-in\"]').requestSubmit();"
    ));
    site.wait_for("the way back", || is_there("button[formaction=\"/submit/dry-run\"].is-main"));
    browser.script("document.querySelector('button[formaction=\"/submit/dry-run\"]').click();");
    site.wait_for("the script in its form", || {
        let script =
            browser.script("return (document.querySelector('textarea[name=script]') || {}).value || ''");
        script.as_str().is_some_and(|script| script.contains("typed in a browser")).then_some(())
    });
    browser.script("document.querySelector('textarea[name=script]').form.requestSubmit();");
    site.wait_for("the job's page", || {
        let path = browser.script("return location.pathname");
        path.as_str().is_some_and(|path| path.starts_with("/jobs/job_")).then_some(())
    });
}

/// Settings are written into the script, and read from it.
#[test]
fn the_settings_and_the_script_say_the_same() {
    // The center outlives the browser, to which its end would be an error.
    let scene = Scene::new();
    let Some(browser) = Chromium::start() else { return };
    browser.sign_in(&scene.site, "alpha-admin");
    browser.open(&format!("{}/submit?lang=en", scene.site.url));
    let change = |field: &str, value: &str, event: &str| {
        browser.script(&format!(
            "const field = document.querySelector('[name={field}]'); field.value = `{value}`; \
             field.dispatchEvent(new Event('{event}', {{ bubbles: true }}));"
        ));
    };
    let wait = |field: &str, part: &str| {
        scene.site.wait_for(&format!("{field} with {part}"), || {
            let value = browser
                .script(&format!("return (document.querySelector('[name={field}]') || {{}}).value || ''"));
            value.as_str().is_some_and(|value| value.contains(part)).then_some(())
        });
    };
    change("script", "#!/bin/sh\n#SBATCH --gres=npu:4 --qos=normal -t 90\ntrue\n", "input");
    wait("cards", "4");
    wait("time", "01:30:00");
    change("class", "spot", "change");
    wait("script", "#SBATCH --qos=spot");
    change("nodes", "2", "change");
    wait("script", "#SBATCH --nodes=2");
    change("script", "#!/bin/sh\n#SBATCH --gres=npu:8 --qos=urgent\ntrue\n", "input");
    wait("class", "urgent");
    wait("cards", "8");
    wait("nodes", "1");
}

#[test]
fn an_operation_of_the_api_is_tried_out_on_its_page() {
    // The center outlives the browser, to which its end would be an error.
    let scene = Scene::new();
    let Some(browser) = Chromium::start() else { return };
    browser.open(&format!("{}/api/docs?lang=zh", scene.site.url));
    let token = &scene.alpha.developer;
    browser.script(&format!("document.querySelector('#token').value = '{token}'"));
    browser.script(
        "document.querySelector('details[data-path=\"/api/v1/jobs/{id}\"][data-method=get] summary').click()",
    );
    let is_there = |selector: &str| {
        browser.script(&format!("return !!document.querySelector('{selector}')")).as_bool()?.then_some(())
    };
    scene.site.wait_for("its form", || is_there("details[open] input[required]"));
    browser.script("document.querySelector('details[data-path=\"/api/v1/me\"] summary').click()");
    scene.site.wait_for("another form", || is_there("details[data-path=\"/api/v1/me\"] form"));
    browser.script("document.querySelector('details[data-path=\"/api/v1/me\"] form').requestSubmit()");
    scene.site.wait_for("the answer", || {
        let said = browser
            .script("return document.querySelector('details[data-path=\"/api/v1/me\"] .answer').textContent");
        said.as_str().is_some_and(|said| said.contains("alpha-developer")).then_some(())
    });
}

fn type_a_script(browser: &Chromium) {
    browser.script(
        "const area = document.querySelector('textarea[name=script]'); \
         area.value = '#!/bin/sh\\n#SBATCH --job-name=by-hand --gres=npu:1 --time=1\\necho typed in a browser\\n'; \
         area.dispatchEvent(new Event('input', { bubbles: true })); area.dispatchEvent(new Event('change', { bubbles: true }));",
    );
}

#[test]
fn a_script_is_tried_and_submitted_by_hand() {
    // The center outlives the browser, to which its end would be an error.
    let scene = Scene::new();
    let Some(browser) = Chromium::start() else { return };
    scene.site.publish_price(1_000_000);
    browser.sign_in(&scene.site, "alpha-admin");
    submit_by_hand(&browser, &scene.site);
}

/// Types a script, sees its dry run, submits it, and reads its log on its page.
pub fn submit_by_hand(browser: &Chromium, site: &Site) {
    browser.set_width(1440);
    browser.open(&format!("{}/submit?lang=en", site.url));
    type_a_script(browser);
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
