//! A certified provider, npm's `oidc-provider`, in a process of its own.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

pub struct Provider {
    process: Child,
    settings: Value,
    pub url: String,
}

impl Provider {
    /// `None` where `./test` did not install it; with `CI=true` the test fails then.
    pub fn start(name: &str, center: &str, alg: &str, in_token: bool, groups: &Value) -> Option<Self> {
        let settings = json!({ "port": 0, "name": name, "center": center, "client": name, "alg": alg,
            "inToken": in_token, "groups": groups });
        Self::with(settings)
    }

    fn with(mut settings: Value) -> Option<Self> {
        let package = testkit::tool("oidc/node_modules/oidc-provider/package.json")?;
        let folder = package.ancestors().nth(3).expect("a folder").to_owned();
        // Beside what it imports; whole or not at all, as other tests may read it now.
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tools/oidc/issuer.mjs");
        let copy = folder.join(format!("issuer-{}.tmp", std::process::id()));
        std::fs::copy(own, &copy).expect("the script is copied");
        let script = folder.join("issuer.mjs");
        std::fs::rename(copy, &script).expect("it is put in place");
        let mut process = Command::new("node")
            .arg(script)
            .arg(settings.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let mut out = BufReader::new(process.stdout.take().expect("the output is piped"));
        let mut url = String::new();
        out.read_line(&mut url).expect("it says where it listens");
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        std::thread::spawn(move || drop(out.read_to_end(&mut Vec::new())));
        let port: u16 = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        settings["port"] = json!(port);
        Some(Self { process, settings, url })
    }

    pub fn set_groups(&self, groups: &Value) {
        let (status, _) =
            testkit::ask(&testkit::agent(), &self.url, "POST", "/test/groups", "", Some(groups), &[])
                .expect("it answers");
        assert_eq!(status, 200);
    }

    fn end(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }

    /// Ends it, and starts it at the same address with another key.
    pub fn start_anew(&mut self) {
        self.end();
        let again = Self::with(self.settings.clone()).expect("it was there before");
        *self = again;
    }

    pub fn stop(mut self) -> String {
        self.end();
        std::mem::take(&mut self.url)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.end();
    }
}
