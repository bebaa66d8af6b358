//! Budgets in a browser: set, seen with their bars, changed and taken away.

use crate::scene::Scene;
use testkit::job;

#[test]
fn a_budget_is_set_seen_changed_and_taken_away() {
    let scene = Scene::new();
    let used = scene.site.submit(&scene.alpha, &job("uses-cards", "sleep 0.3"));
    scene.site.wait_for_end(&scene.alpha.developer, &used);
    let (admin, developer) = (scene.browser("alpha-admin"), scene.browser("alpha-developer"));
    assert!(admin.get("/budgets").body.contains("No budgets yet"));
    let project = scene.site.get("/api/v1/projects", &scene.alpha.admin)[0]["slug"].clone();
    let project = project.as_str().expect("a name").to_owned();
    let whose = format!("project:{project}");
    let sent = |amount: &str, alerts: &str| {
        let fields = [
            ("whose", &*whose),
            ("span", "month"),
            ("from", ""),
            ("unit", "card_ms"),
            ("amount", amount),
            ("alerts", alerts),
            ("hard_stop", "no"),
        ];
        admin.send_form("/budgets", &fields)
    };
    // What is wrong is said beside its field, with what was typed.
    let refused = sent("much", "50, many");
    assert_eq!(refused.status, 422);
    for want in ["id=\"amount-error\"", "id=\"alerts-error\"", "value=\"much\"", "value=\"50, many\""] {
        assert!(refused.body.contains(want), "no {want}: {}", refused.body);
    }
    let beyond = sent("2", "50, 101");
    assert!(beyond.status == 422 && beyond.body.contains("id=\"alerts-error\""), "{}", beyond.body);

    let made = sent("0.00005", "10，100");
    let page = made.header("location").to_owned();
    assert!(page.starts_with("/budgets/bud_"), "{}", made.body);
    let shown = admin.get(&page).body;
    for want in [
        &*format!("Budget of {project}"),
        "Tell only",
        "It is used up. It stops nothing.",
        "x1=\"10%\" x2=\"10%\"",
        "class=\"b-low\"",
        &format!("href=\"/jobs/{used}\""),
    ] {
        assert!(shown.contains(want), "no {want}: {shown}");
    }
    let again = sent("1", "50");
    assert!(
        again.status == 409 && again.body.contains("class=\"notice is-bad\""),
        "one a span: {}",
        again.body
    );
    // A developer sees it, and has no form for it.
    let seen = developer.get(&page).body;
    assert!(seen.contains(&format!("Budget of {project}")) && !seen.contains("Take it away"), "{seen}");
    assert!(developer.get("/").body.contains("href=\"/budgets\">All budgets"), "the overview has it");
    assert_eq!(scene.browser("operator").get(&page).status, 200);

    let change =
        |amount: &str| admin.send_form(&page, &[("amount", amount), ("alerts", "90"), ("hard_stop", "yes")]);
    let refused = change("-1");
    assert!(refused.status == 422 && refused.body.contains("id=\"amount-error\""), "{}", refused.body);
    assert_eq!(change("5").header("location"), page);
    let shown = admin.get(&page).body;
    assert!(shown.contains("Runs end, none starts") && !shown.contains("It is used up"), "{shown}");
    assert_eq!(admin.send_form(&format!("{page}/end"), &[]).header("location"), "/budgets");
    assert_eq!(admin.get(&page).status, 404);
}
