//! Counters for Prometheus: the registry, and the counter of what everything is asked over.

use parking_lot::{Mutex, MutexGuard};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabel {
    pub status: u16,
}

#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    pub requests: Family<RequestLabel, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::default();
        let mut registry = Registry::with_prefix("qiantang");
        registry.register("http_requests", "Requests answered, by status", requests.clone());
        Self { registry: Mutex::new(registry), requests }
    }
}

impl Metrics {
    /// The registry, for whoever has counters of its own.
    pub fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock()
    }

    /// Everything as Prometheus reads it.
    pub fn render(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry.lock())
            .expect("a string takes any text");
        text
    }
}
