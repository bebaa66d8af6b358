//! The portal in a real browser: Chromium, driven by chromedriver. Every page in both languages at both widths; what a
//! person would see is kept as pictures in `target/screenshots`.

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use support::{PASSWORD, Site, ask, grant, job};
use ureq::Agent;

/// A browser, and the driver that it listens to.
struct Browser {
    driver: Child,
    agent: Agent,
    session: String,
}

impl Browser {
    /// `None` where there is no chromedriver, which is a failure under CI.
    fn start() -> Option<Self> {
        let started = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) => {
                assert!(std::env::var("CI").as_deref() != Ok("true"), "no chromedriver: {error}");
                eprintln!(
                    "no chromedriver, so no browser is tried: apt-get install chromium chromium-driver"
                );
                return None;
            }
        };
        let mut lines = BufReader::new(driver.stdout.take().expect("its output"));
        let mut port = None;
        while port.is_none() {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).is_ok_and(|read| read > 0), "chromedriver did not start");
            // The first line says what was asked for, a later one what it got.
            let told = line.split("successfully on port ").nth(1);
            port = told.map(|rest| rest.trim().trim_end_matches('.').to_owned());
        }
        std::thread::spawn(move || drop(lines.read_to_end(&mut Vec::new())));
        let url = format!("http://127.0.0.1:{}", port.expect("a port"));
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome",
            "goog:chromeOptions": { "args": args }, "goog:loggingPrefs": { "browser": "ALL" } } } });
        let (status, answer) =
            ask(&agent, &url, "POST", "/session", "", Some(&wanted), &[]).expect("an answer");
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{status} {answer}"));
        let session = format!("{url}/session/{id}");
        Some(Self { driver, agent, session })
    }

    fn tell(&self, path: &str, body: &Value) -> Value {
        let (status, answer) =
            ask(&self.agent, &self.session, "POST", path, "", Some(body), &[]).expect("the driver answers");
        assert_eq!(status, 200, "{path}: {answer}");
        answer["value"].clone()
    }

    fn open(&self, url: &str) {
        self.tell("/url", &json!({ "url": url }));
    }

    fn script(&self, script: &str) -> Value {
        self.tell("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// A screen of that width, as a phone's where it is small.
    fn width(&self, width: u32) {
        let params = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.tell(
            "/goog/cdp/execute",
            &json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": params }),
        );
    }

    fn keep_picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        let params = json!({ "cmd": "Page.captureScreenshot", "params": { "captureBeyondViewport": true } });
        let picture = self.tell("/goog/cdp/execute", &params);
        let bytes = STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
        std::fs::write(folder.join(format!("{name}.png")), bytes).expect("it is kept");
    }

    fn sign_in(&self, site: &Site, login: &str) {
        self.tell("/goog/cdp/execute", &json!({ "cmd": "Network.clearBrowserCookies", "params": {} }));
        self.open(&format!("{}/sign-in?lang=en", site.url));
        let fill = format!(
            "document.querySelector('#login').value = '{login}'; document.querySelector('#password').value = \
             '{PASSWORD}'; document.querySelector('form[action=\"/sign-in\"]').requestSubmit();"
        );
        self.script(&fill);
        site.wait_for("the overview", || {
            let path = self.script("return location.pathname");
            (path == "/").then_some(())
        });
    }

    /// What the page complained of.
    fn complaints(&self) -> Vec<String> {
        let entries = self.tell("/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().cloned().unwrap_or_default();
        let bad = entries.into_iter().filter(|entry| entry["level"] == "SEVERE");
        bad.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = ask(&self.agent, &self.session, "DELETE", "", "", None, &[]);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[test]
fn every_page_reads_well_in_a_real_browser() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::new(4, "");
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
    let of_operator = ["/capacity", "/people", "/audit", "/no-such-page"];
    let of_developer = ["/submit"];
    for (login, own) in [("operator", &of_operator[..]), ("univ-developer", &of_developer[..])] {
        browser.width(1440);
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

fn look(browser: &Browser, site: &Site, login: &str, page: &str, lang: &str, width: u32) {
    browser.width(width);
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
    let complaints: Vec<String> =
        browser.complaints().into_iter().filter(|text| !text.contains("no-such-page")).collect();
    assert_eq!(complaints, Vec::<String>::new(), "{what}");
    let name: String = what.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    browser.keep_picture(&name);
}

/// Types a script, sees its dry run, submits it, and reads its log on its page.
fn submit_by_hand(browser: &Browser, site: &Site) {
    browser.width(1440);
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
