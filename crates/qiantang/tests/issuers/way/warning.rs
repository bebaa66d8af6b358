//! A budget warns before the money ends: by mail, by a webhook that is signed, and in the inbox.

use serde_json::json;

use super::{center::Center, joining::People, signing::Contract};

/// The budget of the project in yuan, half of which one job uses up.
const YUAN: &str = "0.10";
const PROJECT: &str = "speech";

/// The secret by which events are signed.
pub struct Hook {
    pub secret: String,
}

/// The tenant's administrator makes a project and a webhook, and its finance a budget.
pub fn prepare(center: &Center, people: &People, contract: &Contract) -> Hook {
    let People { admin, mei, .. } = people;
    admin.open("/people");
    let project =
        [("project_slug", PROJECT), ("project_name", "Speech"), ("project_contract", &*contract.number)];
    admin.send("/people/projects", "", &project);
    admin.reads(&[PROJECT]);
    mei.open("/budgets");
    let budget = [
        ("whose", "project:speech"),
        ("span", "month"),
        ("unit", "micro_cny"),
        ("amount", YUAN),
        ("alerts", "50, 100"),
        ("hard_stop", "no"),
    ];
    mei.send("/budgets", "", &budget);
    admin.open("/webhooks");
    let address = format!("http://127.0.0.1:{}/hook", center.receiver.port);
    let hook = [
        ("name", "finance"),
        ("kind", "webhook"),
        ("url", &*address),
        ("lang", "zh"),
        ("events", "budget_alert"),
    ];
    admin.send("/webhooks", "", &hook);
    let secret = admin.text_of("return document.querySelector('.secret code').textContent");
    assert!(secret.starts_with("whsec_"), "{}", admin.page());
    center.receiver.knows(&[&secret]);
    Hook { secret }
}

/// After a job that used up more than half of it.
pub fn play(center: &Center, people: &People, hook: &Hook) {
    // The mail leads to the budget.
    let mail = center.mail("mei@qianwan.example", PROJECT);
    people.mei.open(&center.link(&mail, "/budgets/"));
    people.mei.reads(&[PROJECT, "50 %"]);
    let posted = center.site.wait_for("the event", || center.posted("budget.alert"));
    assert_eq!(posted["by"], json!([hook.secret]), "the official verifier takes it: {posted}");
    assert_eq!(posted["body"]["data"]["name"], PROJECT, "{posted}");
    people.admin.open("/notices");
    people.admin.reads(&[PROJECT, "50 %"]);
    people.admin.follow("/budgets/");
}
