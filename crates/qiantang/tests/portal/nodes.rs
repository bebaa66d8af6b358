//! The forms on a node's page.

use serde_json::{Value, json};
use testkit::{Answer, Browser, Site};

use crate::{QIANTANG, scene::SETTINGS};

/// The operator before a node's page.
struct AtNode {
    site: Site,
    operator: Browser,
    page: String,
}

impl AtNode {
    fn new() -> Self {
        let site = Site::new(QIANTANG, 1, SETTINGS);
        let operator = Browser::signed_in(&site, "operator");
        let page = format!("/nodes/{}", site.nodes()[0]["name"].as_str().expect("a name"));
        Self { site, operator, page }
    }

    fn send(&self, form: &str, fields: &[(&str, &str)]) -> Answer {
        self.operator.send_form(&format!("{}/{form}", self.page), fields)
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
    assert_eq!(at.send("drain", &[("reason", "new power supply")]).status, 303);
    let shown = at.shown();
    assert!(shown.contains("new power supply") && shown.contains("/resume"), "{shown}");
    assert_eq!(at.kept()["free_cards"], 0, "a node that is out has no free cards");
    let list = at.operator.get("/nodes").body;
    let column = list.split("data-label=\"Reason, maintenance\"").nth(1).expect("a column");
    assert!(column.trim_start_matches('>').trim_start().starts_with("new power supply"), "{column}");
}

#[test]
fn maintenance_is_typed_in_the_center_s_own_time() {
    let at = AtNode::new();
    // The center's time is UTC+8.
    let fields = [("from", "2099-05-20T08:00"), ("until", "2099-05-20T12:00"), ("reason", "fans")];
    assert_eq!(at.send("maintenance", &fields).status, 303);
    assert_eq!(at.kept()["maintenance"]["from"], "2099-05-20T00:00:00.000Z");
    assert!(at.shown().contains("2099-05-20 08:00:00"));
    // The list says so before it begins, and finds it.
    let list = at.operator.get("/nodes?state=maintenance").body;
    assert!(list.contains("title=\"2099-05-20 08:00:00\"") && list.contains("· fans"), "{list}");
    assert_eq!(at.send("maintenance/cancel", &[]).status, 303);
    assert_eq!(at.kept()["maintenance"], Value::Null);
}

#[test]
fn labels_are_parted_by_spaces_and_commas_of_both_languages() {
    let at = AtNode::new();
    assert_eq!(at.send("labels", &[("labels", "nvme，ib-400 nvme")]).status, 303);
    assert_eq!(at.kept()["labels"], json!(["ib-400", "nvme"]));
}

#[test]
fn a_node_s_form_comes_back_with_what_was_typed() {
    let mut at = AtNode::new();
    let before = at.kept();
    let long = "why ".repeat(60);
    let (from, until) = (("from", "2099-05-20T08:00"), ("until", "2099-05-20T12:00"));
    let reason = ("reason", "new fans");
    let cases = [
        ("maintenance", vec![("from", "20 May"), until, reason], "from"),
        ("maintenance", vec![from, ("until", "soon"), reason], "until"),
        ("maintenance", vec![from, ("until", "2099-05-20T07:00"), reason], "until"),
        ("maintenance", vec![from, until, ("reason", long.trim())], "why"),
        ("drain", vec![("reason", long.trim())], "reason"),
        ("labels", vec![("labels", "nvme, <ib>")], "label-list"),
    ];
    for lang in ["en", "zh"] {
        at.operator.lang = lang;
        for (form, fields, field) in &cases {
            let refused = at.send(form, fields);
            let (what, body) = (format!("{form} {field}"), &refused.body);
            assert_eq!(refused.status, 422, "{what}");
            assert!(body.contains(&format!("id=\"{field}-error\"")), "{what}: {body}");
            assert_eq!(body.matches("class=\"error\"").count(), 1, "{what}: {body}");
            for (_, value) in fields {
                let kept = value.replace('<', "&#60;").replace('>', "&#62;");
                assert!(body.contains(&format!("value=\"{kept}\"")), "{what}: {body}");
            }
        }
    }
    assert_eq!(at.kept(), before, "nothing was changed");
}
