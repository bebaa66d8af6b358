//! A center with a tenant whose people use the portal.

use testkit::{Browser, Site, Tenant, grant, job};

use crate::QIANTANG;

pub const SETTINGS: &str =
    "[limits]\nrequests_per_second = 1000000\nsign_ins_per_minute = 1000000\nbody_kib = 512\n";

pub struct Scene {
    pub site: Site,
    pub alpha: Tenant,
}

impl Scene {
    pub fn new() -> Self {
        let site = Site::new(QIANTANG, 2, SETTINGS);
        let alpha = site.tenant("alpha", "research", &grant(), 8);
        Self { site, alpha }
    }

    /// The id of a job of alpha that has failed.
    pub fn failed_job(&self) -> String {
        let script = "echo the log of alpha; echo '<b>bold</b>'; exit 3";
        let job = self.site.submit(&self.alpha, &job("secret-of-alpha", script));
        self.site.wait_for_end(&self.alpha.developer, &job);
        job
    }

    /// A browser in English in which somebody has signed in.
    pub fn browser(&self, login: &str) -> Browser {
        Browser::signed_in(&self.site, login)
    }

    pub fn node(&self) -> String {
        self.site.nodes()[0]["name"].as_str().expect("a node's name").to_owned()
    }
}
