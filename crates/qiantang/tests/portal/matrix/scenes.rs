//! Centers that are hard to show.

use serde_json::json;
use testkit::{PASSWORD, Site, Tenant, grant, job};

use crate::{
    QIANTANG,
    scene::{SETTINGS, Scene},
};

/// 60 characters each; the English one has a word that can't be broken at a space.
const ZH: &str = "杭州钱塘新区智能制造与数字化工业软件联合研究院股份有限公司人工智能大模型训练与推理服务事业部第三研究所公共服务平台建设运营办公室";
const EN: &str = "Hangzhou Qiantang Intelligent-Manufacturing-Industrial-Software";
const SLUG: &str = "intelligent-manufacturing-software-unit";

fn first(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

/// Long names of everything, large amounts, many rows, and a contract of each kind. The scene, and a job of its tenant.
pub fn hard() -> (Scene, String) {
    let site = Site::new(
        QIANTANG,
        24,
        &format!("name_zh = \"{}\"\nname_en = \"{}\"\n{SETTINGS}", first(ZH, 40), first(EN, 40)),
    );
    let operator = site.operator.clone();
    let names = json!({ "zh": first(ZH, 60), "en": first(EN, 60) });
    site.post("/api/v1/alliances", &operator, &json!({ "slug": SLUG, "name": names, "lending_limit": 64 }));
    for (slug, domain) in [("alpha", "research"), (SLUG, "government")] {
        let new = json!({ "slug": slug, "name_zh": names["zh"], "name_en": names["en"], "domain": domain, "alliance": SLUG });
        site.post("/api/v1/tenants", &operator, &new);
    }
    for role in ["developer", "admin", "finance"] {
        let new = json!({ "login": format!("alpha-{role}"), "name": if role == "admin" { first(ZH, 60) } else { first(EN, 60) },
            "role": role, "password": PASSWORD, "tenant": "alpha" });
        site.post("/api/v1/members", &operator, &new);
    }
    site.publish_price(123_456_789_000);
    let contracts = contracts(&site);
    for (at, number) in contracts.iter().enumerate() {
        let new = json!({ "slug": format!("{}-{at}", first(SLUG, 36)), "name": first(if at.is_multiple_of(2) { ZH } else { EN }, 60),
            "contract": number, "tenant": "alpha" });
        site.post("/api/v1/projects", &operator, &new);
    }
    let contract = site.get("/api/v1/contracts", &operator);
    let contract =
        contract.as_array().expect("contracts").iter().find(|one| one["number"] == contracts[0].as_str());
    let contract = contract.expect("the grant")["id"].as_str().expect("an id").to_owned();
    site.post(
        "/api/v1/projects",
        &operator,
        &json!({ "slug": "work", "name": first(ZH, 60), "contract": contract, "tenant": "alpha" }),
    );
    let alpha = Tenant {
        slug: "alpha".into(),
        developer: site.login("alpha-developer"),
        admin: site.login("alpha-admin"),
        contract,
    };
    let scene = Scene::of(site, alpha);
    let job = jobs(&scene);
    scene.ask_the_twin();
    (scene, job)
}

/// The numbers of a contract of each kind, with large amounts.
fn contracts(site: &Site) -> Vec<String> {
    let operator = &site.operator;
    let large = 987_654_321_000_000_i64;
    let kinds = [
        grant(),
        json!({ "kind": "metered", "credit_limit": large }),
        json!({ "kind": "prepaid", "package": 987_654_321_000_i64, "fee": large }),
        json!({ "kind": "reserved", "cards": 64, "fee": large }),
    ];
    let mut numbers = Vec::new();
    for (at, terms) in kinds.iter().enumerate() {
        let number = format!("HZ-AICC-2026-{}-{at:04}", first(SLUG, 20));
        let queue = json!({ "guaranteed_cards": if at == 3 { 64 } else { 0 }, "borrowing_limit": 1000, "lending_limit": 64,
            "weight": 10, "max_running_cards": if at == 3 { 64 } else { 128 } });
        let new = json!({ "number": number, "terms": terms, "pools": ["ascend-910"], "starts_at": "2020-01-01",
            "ends_at": "2099-01-01", "queue": queue, "tenant": "alpha" });
        let id = site.post("/api/v1/contracts", operator, &new)["id"].as_str().expect("an id").to_owned();
        for action in ["submit", "approve", "activate"] {
            let act = json!({ "action": action, "reason": first(EN, 60) });
            site.post(&format!("/api/v1/contracts/{id}/actions"), operator, &act);
        }
        if at == 1 {
            for paid in 0..12 {
                let amount =
                    json!({ "amount_micro_cny": large, "reference": format!("{} {paid}", first(EN, 50)) });
                site.post(&format!("/api/v1/contracts/{id}/top-up"), operator, &amount);
            }
        }
        numbers.push(number);
    }
    numbers
}

/// Jobs that have ended, run and wait, with long names. The id of one that has failed.
fn jobs(scene: &Scene) -> String {
    let (site, alpha) = (&scene.site, &scene.alpha);
    let named = |at: usize, script: &str| {
        let name = format!("{}-{at}", first(if at.is_multiple_of(2) { ZH } else { EN }, 60));
        let mut spec = job(&name, script);
        spec["project"] = json!("work");
        spec
    };
    let failed = site.submit(alpha, &named(0, "echo one; echo two >&2; exit 3"));
    site.wait_for_end(&alpha.developer, &failed);
    for at in 1..8 {
        let mut spec = named(at, "sleep 600");
        spec["nodes"] = json!(2);
        spec["cards_per_node"] = json!(8);
        site.submit(alpha, &spec);
    }
    for at in 8..30 {
        let mut spec = named(at, "sleep 600");
        spec["nodes"] = json!(4);
        spec["cards_per_node"] = json!(8);
        site.submit(alpha, &spec);
    }
    failed
}
