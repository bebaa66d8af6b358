//! Who may call which route.

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};
use testkit::{PASSWORD, assert_golden, grant, job};

use crate::scene::{Route, Scene, webhook};

/// A valid body for a route, so that the caller alone decides about the answer. `None` where the route takes
/// none.
fn body(scene: &Scene, method: &str, path: &str, who: &str) -> Option<Value> {
    let queue = json!({ "guaranteed_cards": 0, "weight": 1, "max_running_cards": 8, "borrowing_limit": null,
        "lending_limit": null });
    Some(match (method, path.trim_start_matches("/api/v1")) {
        ("POST", "/login") => json!({ "login": "alpha-admin", "password": PASSWORD }),
        ("POST", "/tokens") => json!({ "name": who }),
        ("POST", "/tenants") => json!({ "slug": format!("of-{who}"), "name_zh": "新", "name_en": "New",
            "domain": "research" }),
        ("PATCH", "/tenants/{slug}") => json!({ "legal_name": "某大学" }),
        ("POST", "/alliances") => {
            json!({ "slug": format!("of-{who}"), "name": { "zh": "新", "en": "New" } })
        }
        ("POST", "/members") => json!({ "login": format!("by-{who}"), "name": "New", "role": "developer",
            "password": PASSWORD, "tenant": "alpha" }),
        ("POST", "/budgets") => json!({ "whose": "member", "name": "alpha-developer", "tenant": "alpha",
            "span": "month", "unit": "card_ms", "amount": 1_000_000, "hard_stop": false }),
        ("PATCH", "/budgets/{id}") => json!({ "hard_stop": false }),
        ("POST", "/invitations") => {
            json!({ "email": format!("{who}@univ.example"), "role": "developer", "tenant": "alpha" })
        }
        ("POST", "/join") => {
            json!({ "token": "none", "login": format!("joins-{who}"), "name": "J", "password": PASSWORD })
        }
        ("PATCH", "/me") => json!({ "email": format!("{who}@univ.example") }),
        ("PATCH", "/persons/{id}") => json!({ "name": "Same" }),
        ("PATCH", "/members/{id}") => json!({ "is_enabled": true }),
        ("POST", "/projects") => json!({ "slug": format!("by-{who}"), "name": "New", "tenant": "alpha" }),
        ("PATCH", "/projects/{id}") => json!({ "contract": scene.alpha.contract }),
        ("POST", "/jobs" | "/jobs/dry-run") => job("matrix", "true"),
        ("POST", "/jobs/cancel") => json!({ "which": { "name": "no such job" } }),
        (
            "POST",
            "/ledger/roots" | "/nodes/{name}/drain" | "/nodes/{name}/retire" | "/pools/{name}/retire",
        ) => {
            json!({ "reason": "matrix" })
        }
        ("PUT", "/nodes/{name}/labels") => json!({ "labels": ["matrix"] }),
        ("PUT", "/nodes/{name}/maintenance") => {
            json!({ "from": "2099-01-01", "until": "2099-01-02", "reason": "matrix" })
        }
        ("PATCH", "/alliances/{slug}") => json!({ "name": { "zh": "新", "en": "New" } }),
        ("PUT", "/alliances/{slug}/lending") => json!({ "lending_limit": 4 }),
        ("POST", "/contracts") => {
            json!({ "number": format!("by-{who}"), "terms": grant(), "pools": ["ascend-910"],
            "starts_at": "2026-01-01", "ends_at": "2027-01-01", "queue": queue, "tenant": "alpha" })
        }
        ("PATCH", "/contracts/{id}") => json!({ "number": "matrix" }),
        ("POST", "/contracts/{id}/actions") => json!({ "action": "approve", "reason": "matrix" }),
        ("POST", "/contracts/{id}/amendments") => json!({ "reason": "matrix", "cards": 1 }),
        ("POST", "/amendments/{id}/decide") => json!({ "approve": false, "note": "matrix" }),
        ("POST", "/contracts/{id}/top-up") => json!({ "amount_micro_cny": 1, "reference": who }),
        ("POST", "/corrections") => json!({ "kind": "reversal", "contract": scene.alpha.contract,
            "amount_micro_cny": 1, "corrects": who, "reason": "matrix" }),
        ("POST", "/corrections/{id}/decide" | "/vouchers/fundings/{id}/decide") => json!({ "book": true }),
        ("POST", "/invoices") => json!({ "statements": ["2001-01-0001"], "kind": "ordinary" }),
        ("POST", "/invoices/import") => json!({ "table": "request,number,issued_on,amount\n" }),
        ("POST", "/invoices/{request}/issue") => {
            json!({ "invoice_number": "25332000000012345678", "issued_on": "2026-01-01" })
        }
        ("POST", "/invoices/{request}/refuse") => json!({ "reason": "matrix" }),
        ("POST", "/invoices/{request}/reverse") => json!({ "red_number": "25332000000012345678",
            "confirmation": "1", "reversed_on": "2026-01-01", "reason": "matrix" }),
        ("POST", "/price-books") => json!({ "name": who, "prices": [{ "pool": "ascend-910",
            "service_class": "spot", "domain": "research", "rate_micro_cny_per_card_hour": 1 }] }),
        ("POST", "/periods/{month}/close" | "/contracts/{id}/renew") => json!({}),
        ("PUT", "/secrets") => json!({ "name": "MATRIX", "scope": "person", "value": "x" }),
        ("POST", "/vouchers/programmes") => json!({ "slug": format!("of-{who}"), "name_zh": "市级算力券",
            "name_en": "City vouchers", "authority": "the city", "level": "city", "year": 2026, "mode": "deduct",
            "pot_micro_cny": 1_000_000, "starts_at": "2020-01-01", "ends_at": "2099-01-01",
            "terms": { "rules": [{ "rate_bp": 3000 }] } }),
        ("POST", "/vouchers/programmes/{slug}/fundings") => {
            json!({ "amount_micro_cny": 1, "reference": who })
        }
        ("POST", "/vouchers/quote" | "/vouchers/applications") => json!({ "answers": {} }),
        ("POST", "/vouchers/claims") => json!({ "voucher": "none", "month": "2026-01", "invoice_no": "1",
            "payment_proof": "1", "is_unrelated": false }),
        ("POST", path) if path.starts_with("/vouchers/") => json!({ "reason": "matrix" }),
        ("POST", "/applications/{number}/verdicts") => json!({ "verdict": "approve" }),
        ("POST", "/quotes") => json!({ "tenant": "alpha", "kind": "grant", "starts_at": "2026-01-01",
            "ends_at": "2099-01-01", "lines": [{ "pool": "ascend-910", "service_class": "normal", "cards": 1 }] }),
        ("POST", "/contracts/{id}/signatures") => {
            json!({ "version": 1, "sha256": "", "password": PASSWORD })
        }
        ("POST", "/pending-persons/{id}") => json!({ "role": "developer", "tenant": "alpha" }),
        ("POST", "/scim-tokens") => json!({ "name": who, "tenant": "alpha" }),
        ("POST", "/notices/read" | "/webhooks/{id}/rotate" | "/webhooks/{id}/test") => json!({}),
        ("PATCH", "/notices/wishes") => json!({ "manners": {} }),
        ("POST", "/webhooks") => json!({ "name": who, "kind": "webhook", "url": "https://hooks.invalid/",
            "events": ["job_ended"], "tenant": "alpha" }),
        ("PATCH", "/webhooks/{id}") => json!({ "name": "secret-of-alpha" }),
        ("POST", "/webhooks/{id}/replay") => json!({ "delivery": scene.delivery }),
        ("POST", "/mails/test") => json!({ "email": "lin@univ.example" }),
        ("POST", "/backup") => json!({ "path": format!("backup-{who}") }),
        _ => return None,
    })
}

/// `yes` where the caller may, else the status.
fn verdict(scene: &Scene, method: &str, path: &str, who: &str, token: &str) -> String {
    let (kind, body) = if path.ends_with("/jobs/script") {
        ("text/plain", "#!/bin/sh\ntrue\n".to_owned())
    } else {
        let body = body(scene, method, path, who).map(|body| body.to_string());
        ("application/json", body.unwrap_or_default())
    };
    // What is removed is another each time.
    let filled = match (method, path) {
        ("DELETE", "/api/v1/webhooks/{id}") => {
            format!("/api/v1/webhooks/{}", webhook(&scene.site, &scene.alpha.admin))
        }
        _ => scene.filled(path),
    };
    let answer = scene.send(method, &filled, token, kind, body.as_bytes());
    match answer.status {
        // A request that is refused for its content has passed the check of its caller.
        200..300 | 409 | 422 => "yes".to_owned(),
        400..500 => answer.status.to_string(),
        status => panic!("{method} {path} by {who}: {status} {}", answer.text),
    }
}

/// Who asks, and what each is answered.
pub type Verdicts = Vec<(&'static str, String)>;

/// The verdicts of all routes, by route.
pub fn matrix(scene: &Scene) -> Vec<(Route, Verdicts)> {
    for role in ["auditor", "contracts", "center_finance", "data_bureau", "finance_bureau"] {
        let new = json!({ "login": role, "name": "A", "role": role, "password": PASSWORD });
        scene.site.post("/api/v1/members", &scene.site.operator, &new);
    }
    let callers = [
        ("nobody", String::new()),
        ("operator", scene.site.operator.clone()),
        ("auditor", scene.site.login("auditor")),
        ("contracts", scene.site.login("contracts")),
        ("money", scene.site.login("center_finance")),
        ("data", scene.site.login("data_bureau")),
        ("treasury", scene.site.login("finance_bureau")),
        ("admin", scene.alpha.admin.clone()),
        ("developer", scene.alpha.developer.clone()),
        ("finance", scene.site.login("alpha-finance")),
        ("stranger", scene.beta.admin.clone()),
    ];
    let of_route = |(method, path): Route| {
        let verdicts = callers.iter().map(|(who, token)| (*who, verdict(scene, &method, &path, who, token)));
        let verdicts = verdicts.collect();
        ((method, path), verdicts)
    };
    scene.routes().into_iter().map(of_route).collect()
}

#[test]
fn every_route_answers_each_role_as_the_golden_matrix_says() {
    let scene = Scene::new();
    let matrix = matrix(&scene);
    let mut head = format!("{:<46}", "route");
    for (who, _) in &matrix[0].1 {
        let _ = write!(head, " {who:<9}");
    }
    let mut rows: Vec<String> = Vec::new();
    for ((method, path), verdicts) in matrix {
        let mut row = format!("{:<46}", format!("{method} {path}"));
        for (_, verdict) in verdicts {
            let _ = write!(row, " {verdict:<9}");
        }
        rows.push(row.trim_end().to_owned());
    }
    rows.sort();
    let seen = format!("{}\n{}\n", head.trim_end(), rows.join("\n"));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/authorization.txt");
    assert_golden(&golden, &seen);
}
