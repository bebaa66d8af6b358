//! A device that makes codes of a second factor.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use totp_rs::{Builder, Secret, Totp};

use crate::browser::Browser;

const STEP_S: u64 = 30;

/// Makes codes of one secret.
#[derive(Debug)]
pub struct Device {
    codes: Totp,
    last: u64,
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

impl Device {
    /// As somebody types a secret from the page.
    pub fn of(page: &str) -> Self {
        let secret =
            page.split("id=\"secret\">").nth(1).and_then(|rest| rest.split('<').next()).expect("a secret");
        let secret = Secret::try_from_base32(secret).expect("base 32");
        let codes = Builder::new().with_secret(secret).build().expect("160 bits");
        Self { codes, last: 0 }
    }

    /// A code that was not used and that a center takes now: three are there at any time.
    pub fn code(&mut self) -> String {
        let deadline = Instant::now() + Duration::from_secs(2 * STEP_S);
        loop {
            let now = now_s();
            let step = (self.last + 1).max(now / STEP_S - 1);
            // One that would be too old in a moment is none.
            let is_late = step < now / STEP_S && now % STEP_S > STEP_S - 4;
            if step <= now / STEP_S + 1 && !is_late {
                self.last = step;
                return self.codes.generate(step * STEP_S).to_string();
            }
            assert!(Instant::now() < deadline, "time goes on");
            std::thread::yield_now();
        }
    }

    /// The last code once more.
    pub fn last_code(&self) -> String {
        self.codes.generate(self.last * STEP_S).to_string()
    }

    /// A code that is none of now.
    pub fn wrong_code(&self) -> String {
        self.codes.generate(12345).to_string()
    }
}

/// Sets up a second factor for whoever is signed in: the device, and the recovery codes.
pub fn enrol(browser: &Browser, password: &str) -> (Device, Vec<String>) {
    let begun = browser.send_second_factor_form("/second-factor/begin", &[("old", password)]);
    assert_eq!(begun.status, 303, "{}", begun.body);
    let mut device = Device::of(&browser.get("/second-factor").body);
    let bound = browser.send_second_factor_form("/second-factor/confirm", &[("code", &device.code())]);
    assert_eq!(bound.status, 303, "{}", bound.body);
    let page = browser.get("/second-factor").body;
    let list = page.split("class=\"recovery-codes\"").nth(1).and_then(|rest| rest.split("</ol>").next());
    let codes = list.expect("the codes are shown").split("<code>").skip(1);
    let codes: Vec<String> = codes.filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect();
    assert_eq!(codes.len(), 10, "{page}");
    (device, codes)
}
