//! The words by which pages tell what a role may do, beside what each route answers it.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::Browser;

use crate::{authorization::matrix, scene::Scene};

/// The right that a route needs; `None`: everybody who is signed in has it.
fn needed(method: &str, path: &str) -> Option<&'static str> {
    Some(match (method, path.trim_start_matches("/api/v1")) {
        // Secrets are for those who hand in the jobs that get them.
        ("POST", "/jobs" | "/jobs/dry-run" | "/jobs/script") | (_, "/secrets" | "/secrets/{name}") => {
            "submit"
        }
        ("POST", "/jobs/cancel" | "/jobs/{id}/cancel") => "stop",
        ("GET", path) if path.starts_with("/jobs/{id}/logs") => "see_content",
        ("GET", path) if path.starts_with("/jobs") || path == "/runs" => "see_work",
        ("GET", "/overview" | "/events") => "see_work",
        ("GET", "/contracts/{id}/statement" | "/runs/{id}/evidence" | "/debts" | "/ledger/transfers") => {
            "see_money"
        }
        // What of a disk the tenant's runs may take.
        ("GET", "/disk") => "see_account",
        ("GET", path) if path.starts_with("/invoices") || path.starts_with("/focus") => "see_money",
        ("POST", "/invoices" | "/invoices/{request}/withdraw") => "ask_invoices",
        ("GET", "/audit") => "see_audit",
        (
            "GET",
            "/capacity-balance" | "/history" | "/loops" | "/ledger/check" | "/ledger/roots"
            | "/slurm/accounts" | "/retirement" | "/backups" | "/corrections" | "/corrections/{id}",
        ) => "see_center",
        ("GET", path)
            if path == "/persons" || path.starts_with("/periods") || path.starts_with("/applications") =>
        {
            "see_center"
        }
        ("GET", path)
            if ["/contracts", "/amendments", "/members", "/projects", "/usage", "/tenants"]
                .iter()
                .any(|noun| path.starts_with(noun)) =>
        {
            "see_account"
        }
        (
            "POST",
            "/contracts" | "/contracts/{id}/amendments" | "/contracts/{id}/texts" | "/contracts/{id}/renew",
        )
        | ("PATCH", "/contracts/{id}") => "draw_up",
        ("GET", path) if path.starts_with("/quotes") => "see_money",
        ("POST", "/quotes/{number}/accept") => "accept",
        ("POST", "/contracts/{id}/signatures") => "sign",
        ("POST", path) if path.starts_with("/quotes") => "keep_contracts",
        (_, path) if path.starts_with("/vouchers") => return of_vouchers(method, path),
        (
            "POST",
            "/contracts/{id}/actions"
            | "/amendments/{id}/decide"
            | "/applications/{number}/verdicts"
            | "/applications/{number}/link",
        ) => "keep_contracts",
        (
            "POST",
            "/contracts/{id}/top-up"
            | "/corrections"
            | "/corrections/{id}/decide"
            | "/periods/{month}/close"
            | "/invoices/import"
            | "/invoices/{request}/issue"
            | "/invoices/{request}/refuse"
            | "/invoices/{request}/reverse",
        ) => "keep_money",
        ("POST" | "PATCH", path) if path.starts_with("/members") || path.starts_with("/projects") => {
            "administer"
        }
        ("GET", path)
            if [
                "/me",
                "/tokens",
                "/sessions",
                "/alliances",
                "/nodes",
                "/pools",
                "/price-books",
                "/roles",
                "/status",
            ]
            .iter()
            .any(|noun| path.starts_with(noun)) =>
        {
            return None;
        }
        ("GET", path) if path.starts_with("/budgets") => "see_account",
        ("POST" | "PATCH" | "DELETE", path) if path.starts_with("/budgets") => "keep_budgets",
        ("GET", path) if path.starts_with("/mails") => "run_center",
        (_, path) if path.starts_with("/notices") => return None,
        ("GET", path) if path.starts_with("/webhooks") => "see_audit",
        ("POST" | "PATCH" | "DELETE", path) if path.starts_with("/webhooks") => "administer",
        ("GET", "/invitations" | "/scim-tokens") => "see_audit",
        ("GET", "/issuers") => "see_center",
        ("GET", "/pending-persons") => "administer",
        ("POST" | "DELETE", path)
            if ["/invitations", "/scim-tokens", "/pending-persons"]
                .iter()
                .any(|noun| path.starts_with(noun)) =>
        {
            "administer"
        }
        ("GET" | "POST", path) if path.starts_with("/join") => return None,
        ("POST", "/login" | "/tokens")
        | ("PATCH", "/me")
        | ("DELETE", "/tokens/{id}" | "/sessions/{id}" | "/me/identities/{id}") => {
            return None;
        }
        // All else changes the center.
        ("POST" | "PUT" | "PATCH" | "DELETE", _) => "run_center",
        _ => panic!("say which right {method} {path} needs"),
    })
}

/// The same for vouchers.
fn of_vouchers(method: &str, path: &str) -> Option<&'static str> {
    Some(match (method, path) {
        ("GET", "/vouchers/programmes" | "/vouchers/programmes/{slug}") => return None,
        // Whoever has the next step of a claim may reject it: that is looked at with the claim.
        ("GET", _) | ("POST", "/vouchers/claims/{number}/reject") => "see_vouchers",
        (
            "POST",
            "/vouchers/quote"
            | "/vouchers/applications"
            | "/vouchers/claims"
            | "/vouchers/claims/{number}/submit",
        ) => "claim_vouchers",
        ("POST", "/vouchers/claims/{number}/audit") => "audit_claims",
        ("POST", "/vouchers/claims/{number}/pay" | "/vouchers/claims/{number}/recover") => "pay_claims",
        ("POST", "/vouchers/{number}/revoke") => "keep_contracts",
        (
            "POST",
            "/vouchers/programmes/{slug}/fundings"
            | "/vouchers/fundings/{id}/decide"
            | "/vouchers/claims/{number}/verify",
        ) => "keep_money",
        // A programme is founded by those who run the center.
        ("POST", "/vouchers/programmes") => "run_center",
        _ => panic!("say which right {method} {path} needs"),
    })
}

#[test]
fn the_page_s_words_of_each_role_are_what_the_routes_answer() {
    let scene = Scene::new();
    let answer = scene.site.get("/api/v1/roles", &scene.site.operator);
    let rights_of = |role: &str| -> BTreeSet<String> {
        let mut roles = answer.as_array().expect("roles").iter();
        let found = roles.find(|known| known["role"] == role).expect("a role");
        let rights = found["rights"].as_array().expect("rights").iter();
        rights.map(|right| right.as_str().expect("a word").to_owned()).collect()
    };
    // The page has the same in words.
    let page = Browser::signed_in(&scene.site, "operator").get("/people").body;
    qiantang::load_texts();
    let word = |key: String| base::page::texts::text(domain::Lang::En, &key, &[]);
    let all: Vec<String> = center::role::rule::Right::ALL.map(|right| right.code().to_owned()).into();
    let table = page.split("id=\"roles\"").nth(1).expect("the table of roles");
    for role in domain::Role::ALL.map(domain::Role::code) {
        let row = table.split(&format!("<b>{}</b>", word(format!("role-{role}")))).nth(1).expect("its row");
        let row = row.split("</tr>").next().expect("it ends");
        let told: BTreeSet<String> = all
            .iter()
            .filter(|right| row.contains(&format!("<li>{}</li>", word(format!("right-{right}")))))
            .cloned()
            .collect();
        assert_eq!(told, rights_of(role), "{role}");
    }
    // And the routes go by it.
    let roles = [
        ("operator", "operator"),
        ("auditor", "auditor"),
        ("contracts", "contracts"),
        ("money", "center_finance"),
        ("data", "data_bureau"),
        ("treasury", "finance_bureau"),
        ("admin", "admin"),
        ("developer", "developer"),
        ("finance", "finance"),
    ];
    let mut seen = BTreeSet::new();
    for (route, verdicts) in matrix(&scene) {
        let needed = needed(&route.0, &route.1);
        seen.extend(needed);
        for (who, role) in roles {
            let verdict =
                verdicts.iter().find(|(known, _)| *known == who).map(|(_, verdict)| verdict.as_str());
            let is_allowed = verdict.expect("a verdict") != "403";
            let has = needed.is_none_or(|right| rights_of(role).contains(right));
            assert_eq!(is_allowed, has, "{role} {} {}: {verdict:?}, needs {needed:?}", route.0, route.1);
        }
    }
    assert_eq!(seen.len(), all.len(), "each right is needed somewhere: {seen:?}");
}

#[test]
fn finance_sees_costs_and_neither_scripts_nor_logs() {
    let scene = Scene::new();
    let finance = scene.site.login("alpha-finance");
    let job = |token: &str| scene.site.get(&format!("/api/v1/jobs/{}", scene.job), token);
    let (theirs, own) = (job(&finance), job(&scene.alpha.developer));
    assert!(
        own["spec"]["script"].as_str().is_some_and(|script| script.contains("the log of alpha")),
        "{own}"
    );
    assert_eq!(theirs["spec"]["script"], Value::from(""), "{theirs}");
    assert_eq!(theirs["charge_micro_cny"], own["charge_micro_cny"]);
    let page = Browser::signed_in(&scene.site, "alpha-finance").get(&format!("/jobs/{}", scene.job));
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("the log of alpha"), "{}", page.body);
    for path in ["logs", "logs/stream"] {
        let (status, _) = scene.site.get_text(&format!("/api/v1/jobs/{}/{path}", scene.job), &finance);
        assert_eq!(status, 403, "{path}");
    }
}

#[test]
fn a_new_member_s_form_begins_with_the_least_rights() {
    let scene = Scene::new();
    let page = Browser::signed_in(&scene.site, "operator").get("/people").body;
    let tenants = page.split("name=\"member_tenant\"").nth(1).and_then(|rest| rest.split("</select>").next());
    assert!(tenants.expect("the field").contains("<option value=\"alpha\" selected"), "{page}");
    for (login, least) in [("operator", "developer"), ("alpha-admin", "developer")] {
        let page = Browser::signed_in(&scene.site, login).get("/people").body;
        let roles = page.split("name=\"member_role\"").nth(1).expect("the field");
        let first = roles.split("<option value=\"").nth(1).and_then(|rest| rest.split('"').next());
        assert!(
            !roles.split("</select>").next().expect("it ends").contains("selected"),
            "the first one is taken"
        );
        assert_eq!(first, Some(least), "{login}");
    }
}
