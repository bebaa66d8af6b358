//! Jobs in a center, and the nodes that they run on.

use domain::job::has_ended;
use serde_json::{Value, json};

use super::{Site, tenants::Tenant};

/// A job that runs `script` on one card.
pub fn job(name: &str, script: &str) -> Value {
    json!({ "name": name, "script": format!("#!/bin/sh\n{script}\n"), "time_limit_ms": 60_000 })
}

impl Site {
    /// Submits a job as the tenant's developer. Returns its id.
    pub fn submit(&self, tenant: &Tenant, spec: &Value) -> String {
        self.post("/api/v1/jobs", &tenant.developer, spec)["id"].as_str().expect("an id").to_owned()
    }

    /// The job as it is once it is over.
    pub fn wait_for_end(&self, token: &str, id: &str) -> Value {
        self.wait_for(&format!("the end of {id}"), || {
            let job = self.get(&format!("/api/v1/jobs/{id}"), token);
            job["state"].as_str().is_some_and(has_ended).then_some(job)
        })
    }

    /// The job as it is once it is in that state.
    pub fn wait_for_state(&self, token: &str, id: &str, state: &str) -> Value {
        self.wait_for(&format!("{id} to be {state}"), || {
            let job = self.get(&format!("/api/v1/jobs/{id}"), token);
            (job["state"] == state).then_some(job)
        })
    }

    /// The standard output of a job's run so far.
    pub fn stdout(&self, token: &str, id: &str) -> String {
        self.get(&format!("/api/v1/jobs/{id}/logs"), token)["data"].as_str().unwrap_or_default().to_owned()
    }

    pub fn nodes(&self) -> Vec<Value> {
        self.get("/api/v1/nodes", &self.operator).as_array().cloned().unwrap_or_default()
    }

    /// Waits until the center on a [`crate::Cluster`] has its four nodes and all are up.
    pub fn wait_for_slurm_nodes(&self) {
        self.wait_for("Slurm's nodes", || {
            let nodes = self.nodes();
            (nodes.len() == 4 && nodes.iter().all(|node| node["state"] == "up")).then_some(())
        });
    }
}
