//! The list of corrections, page by page.

use serde_json::json;

use crate::scene::Scene;

#[test]
fn all_corrections_are_reached_and_counted() {
    let scene = Scene::new();
    let (site, operator) = (&scene.site, &scene.site.operator);
    let terms = json!({ "number": "M-1", "terms": { "kind": "metered", "credit_limit": 0 }, "pools": ["ascend-910"],
        "starts_at": "2020-01-01", "ends_at": "2099-01-01", "tenant": "alpha",
        "queue": { "weight": 1, "guaranteed_cards": 0, "max_running_cards": 8 } });
    let contract = site.post("/api/v1/contracts", operator, &terms)["id"].as_str().expect("an id").to_owned();
    for action in ["submit", "approve", "activate"] {
        site.post(&format!("/api/v1/contracts/{contract}/actions"), operator, &json!({ "action": action }));
    }
    for n in 0..53 {
        let paid = json!({ "amount_micro_cny": 5, "reference": format!("wrong-{n}") });
        site.post(&format!("/api/v1/contracts/{contract}/top-up"), operator, &paid);
        let wrong = json!({ "kind": "reversal", "contract": "M-1", "amount_micro_cny": 5,
            "corrects": format!("wrong-{n}"), "reason": "typed twice" });
        site.post("/api/v1/corrections", operator, &wrong);
    }
    let browser = scene.browser("operator");
    let page = browser.get("/corrections").body;
    assert!(page.contains("50 of 53") && page.contains("wrong-52") && !page.contains("wrong-2<"), "{page}");
    let older = page
        .split("href=\"/corrections?cursor=")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("more");
    let page = browser.get(&format!("/corrections?cursor={older}")).body;
    assert!(
        page.contains("3 of 53") && page.contains("wrong-2<") && page.contains("href=\"/corrections\""),
        "{page}"
    );
    // The audit log and the entries say how many there are, too.
    assert!(browser.get("/audit?action=propose_correction").body.contains("50 of 53"));
    assert!(browser.get(&format!("/contracts/{contract}")).body.contains(" of 53"));
}
