//! Tenants of a center, their people, contracts and prices.

use serde_json::{Value, json};

use super::{PASSWORD, Site};

/// A tenant with a contract, a project `work`, and people.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub slug: String,
    /// The token of its developer, whose login is `<slug>-developer`.
    pub developer: String,
    /// The token of its administrator, whose login is `<slug>-admin`.
    pub admin: String,
    /// The id of its contract, whose number is `<slug>-1`.
    pub contract: String,
}

/// Terms of a grant without a cap.
pub fn grant() -> Value {
    json!({ "kind": "grant", "cap": null })
}

/// A quote of a grant that was sent to a tenant. Its number.
pub fn quote(site: &Site, tenant: &str) -> String {
    let line = json!({ "pool": "ascend-910", "service_class": "normal", "cards": 8, "card_ms": 3_600_000 });
    let new = json!({ "tenant": tenant, "kind": "grant", "lines": [line], "starts_at": "2020-01-01",
        "ends_at": "2099-01-01" });
    let made = site.post("/api/v1/quotes", &site.operator, &new);
    let number = made["number"].as_str().expect("a number").to_owned();
    site.post(&format!("/api/v1/quotes/{number}/send"), &site.operator, &json!({}));
    number
}

impl Site {
    /// Signs somebody in. Returns their token.
    pub fn login(&self, login: &str) -> String {
        let body = json!({ "login": login, "password": PASSWORD });
        let answer = self.post("/api/v1/login", "", &body);
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// A tenant with an active contract of `terms`, a project `work`, a developer, an administrator and a
    /// finance person.
    pub fn tenant(&self, slug: &str, domain: &str, terms: &Value, max_running_cards: u32) -> Tenant {
        let queue = json!({ "guaranteed_cards": 0, "borrowing_limit": null, "lending_limit": null, "weight": 1,
            "max_running_cards": max_running_cards });
        self.tenant_in(slug, domain, terms, &queue, None)
    }

    /// A tenant of research with a grant of any size in that pool.
    pub fn tenant_in_pool(&self, slug: &str, pool: &str) -> Tenant {
        let queue = json!({ "guaranteed_cards": 0, "borrowing_limit": null, "lending_limit": null, "weight": 1,
            "max_running_cards": 16 });
        self.tenant_of(slug, "research", &grant(), &queue, None, pool)
    }

    /// Such a tenant with these terms of its queue, in an alliance or none.
    pub fn tenant_in(
        &self,
        slug: &str,
        domain: &str,
        terms: &Value,
        queue: &Value,
        alliance: Option<&str>,
    ) -> Tenant {
        self.tenant_of(slug, domain, terms, queue, alliance, "ascend-910")
    }

    fn tenant_of(
        &self,
        slug: &str,
        domain: &str,
        terms: &Value,
        queue: &Value,
        alliance: Option<&str>,
        pool: &str,
    ) -> Tenant {
        let operator = &self.operator;
        let new =
            json!({ "slug": slug, "name_zh": slug, "name_en": slug, "domain": domain, "alliance": alliance });
        self.post("/api/v1/tenants", operator, &new);
        for role in ["developer", "admin", "finance"] {
            let login = format!("{slug}-{role}");
            let new =
                json!({ "login": login, "name": login, "role": role, "password": PASSWORD, "tenant": slug });
            self.post("/api/v1/members", operator, &new);
        }
        let new = json!({ "number": format!("{slug}-1"), "terms": terms, "pools": [pool],
            "starts_at": "2020-01-01", "ends_at": "2099-01-01", "queue": queue, "tenant": slug });
        let contract =
            self.post("/api/v1/contracts", operator, &new)["id"].as_str().expect("an id").to_owned();
        for action in ["submit", "approve", "activate"] {
            let path = format!("/api/v1/contracts/{contract}/actions");
            self.post(&path, operator, &json!({ "action": action, "reason": "test" }));
        }
        let new = json!({ "slug": "work", "name": "Work", "contract": contract, "tenant": slug });
        self.post("/api/v1/projects", operator, &new);
        let developer = self.login(&format!("{slug}-developer"));
        let admin = self.login(&format!("{slug}-admin"));
        Tenant { slug: slug.to_owned(), developer, admin, contract }
    }

    /// Publishes one price for all work; metered contracts need one.
    pub fn publish_price(&self, micro_cny_per_card_hour: i64) {
        let mut prices = Vec::new();
        for class in ["urgent", "normal", "spot"] {
            for domain in ["research", "enterprise", "government"] {
                prices.push(json!({ "pool": "ascend-910", "service_class": class, "domain": domain,
                    "rate_micro_cny_per_card_hour": micro_cny_per_card_hour }));
            }
        }
        self.post("/api/v1/price-books", &self.operator, &json!({ "name": "test", "prices": prices }));
    }
}
