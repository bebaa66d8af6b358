//! A real browser: Chromium without a window, driven through chromedriver.
//!
//! A page that logs an error fails the test, at the latest as the browser is closed: a test allows the errors that it
//! asks for.

use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use ureq::Agent;

use crate::{
    http::{agent, ask},
    site::{PASSWORD, Site},
};

const ARGS: [&str; 5] =
    ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];

/// The browser and its driver. Both end when the value is dropped.
#[derive(Debug)]
pub struct Chromium {
    driver: Child,
    agent: Agent,
    /// The address of the driver's session.
    session: String,
    /// Parts of errors that the test asks for.
    allowed: RefCell<Vec<String>>,
}

impl Chromium {
    /// `None` where there is no chromedriver; with `CI=true` the test fails then.
    pub fn start() -> Option<Self> {
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
                eprintln!("skipped, no chromedriver: apt-get install chromium chromium-driver");
                return None;
            }
        };
        let mut lines = BufReader::new(driver.stdout.take().expect("the output is piped"));
        let mut port = None;
        while port.is_none() {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).is_ok_and(|read| read > 0), "chromedriver did not start");
            // The first line has the port that was asked for, a later one the port that it got.
            let told = line.split("successfully on port ").nth(1);
            port = told.map(|rest| rest.trim().trim_end_matches('.').to_owned());
        }
        std::thread::spawn(move || drop(lines.read_to_end(&mut Vec::new())));
        let url = format!("http://127.0.0.1:{}", port.expect("a port"));
        let agent = agent();
        let capabilities = json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome",
            "goog:chromeOptions": { "args": ARGS }, "goog:loggingPrefs": { "browser": "ALL" } } } });
        let (status, answer) =
            ask(&agent, &url, "POST", "/session", "", Some(&capabilities), &[]).expect("the driver answers");
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{status} {answer}"));
        let session = format!("{url}/session/{id}");
        Some(Self { driver, agent, session, allowed: RefCell::default() })
    }

    /// Sends the driver a command.
    fn tell(&self, path: &str, body: &Value) -> Value {
        let (status, answer) =
            ask(&self.agent, &self.session, "POST", path, "", Some(body), &[]).expect("the driver answers");
        assert_eq!(status, 200, "{path}: {answer}");
        answer["value"].clone()
    }

    pub fn open(&self, url: &str) {
        self.tell("/url", &json!({ "url": url }));
    }

    /// The value that a script in the page returns.
    pub fn script(&self, script: &str) -> Value {
        self.tell("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Opens a tab beside those that are open, and looks at it. Returns its handle.
    pub fn open_tab(&self) -> String {
        let tab = self.tell("/window/new", &json!({ "type": "tab" }));
        let handle = tab["handle"].as_str().expect("a tab").to_owned();
        self.look_at(&handle);
        handle
    }

    /// Looks at a tab.
    pub fn look_at(&self, handle: &str) {
        self.tell("/window", &json!({ "handle": handle }));
        self.tell("/goog/cdp/execute", &json!({ "cmd": "Page.bringToFront", "params": {} }));
    }

    /// Gives the browser a screen of that width; a narrow one is a phone's.
    pub fn set_width(&self, width: u32) {
        let params = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.command("Emulation.setDeviceMetricsOverride", &params);
    }

    /// Has the system that the browser runs on ask for a light or a dark theme, and shows pages as on the screen or as
    /// they are printed.
    pub fn set_media(&self, is_dark: bool, is_print: bool) {
        let theme = if is_dark { "dark" } else { "light" };
        let params = json!({ "media": if is_print { "print" } else { "" },
            "features": [{ "name": "prefers-color-scheme", "value": theme }] });
        self.command("Emulation.setEmulatedMedia", &params);
    }

    /// Runs a script in each page that is opened from now on, before the page's own.
    pub fn add_script(&self, script: &str) {
        self.command("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
    }

    /// A command of Chromium's own protocol.
    fn command(&self, name: &str, params: &Value) -> Value {
        self.tell("/goog/cdp/execute", &json!({ "cmd": name, "params": params }))
    }

    /// Keeps a picture of the whole page.
    pub fn keep_picture(&self, path: &Path) {
        std::fs::create_dir_all(path.parent().expect("a picture is in a folder")).expect("a folder is made");
        let picture = self.command("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
        let bytes = STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
        std::fs::write(path, bytes).expect("the picture is written");
    }

    /// Signs somebody in by the form, in English.
    pub fn sign_in(&self, site: &Site, login: &str) {
        // A page that keeps itself fresh would ask without the session.
        self.open("about:blank");
        self.sign_out();
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

    /// Forgets who is signed in, as if the session had ended.
    pub fn sign_out(&self) {
        self.command("Network.clearBrowserCookies", &json!({}));
    }

    /// Takes errors with that text for what the test asks for.
    pub fn allow(&self, part: &str) {
        self.allowed.borrow_mut().push(part.to_owned());
    }

    /// The errors that the browser has logged since the last call, but for those that are allowed.
    pub fn errors(&self) -> Vec<String> {
        let entries = self.tell("/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().cloned().unwrap_or_default();
        let severe = entries.into_iter().filter(|entry| entry["level"] == "SEVERE");
        let allowed = self.allowed.borrow();
        let messages = severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned());
        messages.filter(|message| !allowed.iter().any(|part| message.contains(part))).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let errors = if std::thread::panicking() { Vec::new() } else { self.errors() };
        let _ = ask(&self.agent, &self.session, "DELETE", "", "", None, &[]);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        assert!(errors.is_empty(), "the browser logged errors: {errors:#?}");
    }
}
