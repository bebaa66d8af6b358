//! The forms on a node's page.

use serde_json::{Value, json};
use testkit::{Browser, Site};

use crate::{QIANTANG, scene::SETTINGS};

/// The operator before a node's page.
struct AtNode {
    site: Site,
    operator: Browser,
    csrf: String,
    page: String,
}

impl AtNode {
    fn new() -> Self {
        let site = Site::new(QIANTANG, 1, SETTINGS);
        let operator = Browser::signed_in(&site, "operator");
        let csrf = operator.csrf();
        let page = format!("/nodes/{}", site.nodes()[0]["name"].as_str().expect("a name"));
        Self { site, operator, csrf, page }
    }

    fn send(&self, form: &str, fields: &[(&str, &str)]) -> u16 {
        let fields = [&[("csrf", self.csrf.as_str())], fields].concat();
        self.operator.post(&format!("{}/{form}", self.page), &fields, &[]).status
    }

    fn shown(&self) -> String {
        self.operator.get(&self.page).body
    }

    fn kept(&self) -> Value {
        self.site.get(&format!("/api/v1{}", self.page), &self.site.operator)
    }
}

#[test]
fn a_node_is_drained_with_a_reason() {
    let at = AtNode::new();
    assert_eq!(at.send("drain", &[("reason", "new power supply")]), 303);
    let shown = at.shown();
    assert!(shown.contains("new power supply") && shown.contains("/resume"), "{shown}");
}

#[test]
fn maintenance_is_typed_in_the_center_s_own_time() {
    let at = AtNode::new();
    // The center's time is UTC+8.
    let fields = [("from", "2099-05-20T08:00"), ("until", "2099-05-20T12:00"), ("reason", "fans")];
    assert_eq!(at.send("maintenance", &fields), 303);
    assert_eq!(at.kept()["maintenance"]["from"], "2099-05-20T00:00:00.000Z");
    assert!(at.shown().contains("2099-05-20 08:00:00"));
    assert_eq!(at.send("maintenance/cancel", &[]), 303);
    assert_eq!(at.kept()["maintenance"], Value::Null);
}

#[test]
fn labels_are_parted_by_spaces_and_commas_of_both_languages() {
    let at = AtNode::new();
    assert_eq!(at.send("labels", &[("labels", "nvme，ib-400 nvme")]), 303);
    assert_eq!(at.kept()["labels"], json!(["ib-400", "nvme"]));
}
