//! Jobs that these tests have in common.

mod following;
mod logs;
mod tasks;

use serde_json::{Value, json};
use testkit::{Site, Tenant, job};

/// A job on one node that runs until it is cancelled.
pub fn until_told(name: &str, cards: u32) -> Value {
    let script = "while [ ! -e go ]; do sleep 0.05; done";
    with(&job(name, script), &json!({ "cards_per_node": cards }))
}

/// A specification with other values in some fields.
pub fn with(spec: &Value, changes: &Value) -> Value {
    let mut spec = spec.clone();
    for (key, value) in changes.as_object().expect("an object") {
        spec[key] = value.clone();
    }
    spec
}

pub fn cancel(site: &Site, tenant: &Tenant, id: &str) {
    site.post(&format!("/api/v1/jobs/{id}/cancel"), &tenant.developer, &json!({}));
    site.wait_for_end(&tenant.developer, id);
}

/// Waits until a job's verdict is that it waits for this limit.
pub fn waits_for(site: &Site, tenant: &Tenant, id: &str, limit: &str) {
    site.wait_for(&format!("{id} to wait for {limit}"), || {
        // A job that no plan has looked at yet has no verdict.
        let path = format!("/api/v1/jobs/{id}/why");
        let (status, why) = site.ask("GET", &path, &tenant.developer, None);
        (status == 200 && why["code"] == limit).then_some(())
    });
}
