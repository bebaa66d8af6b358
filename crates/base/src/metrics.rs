//! Counters for Prometheus: the registry, and the counter of what everything is asked over.

use std::collections::HashSet;

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

    /// The same in the format that came before OpenMetrics, which `curl | promtool check metrics` reads: a counter is called
    /// by one name everywhere.
    pub fn render_plain(&self) -> String {
        as_plain(&self.render())
    }
}

fn as_plain(open: &str) -> String {
    let counters: HashSet<&str> =
        open.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut plain = String::with_capacity(open.len());
    for line in open.lines().filter(|line| *line != "# EOF") {
        let of_counter = ["# HELP ", "# TYPE "].into_iter().find_map(|head| {
            let (name, rest) = line.strip_prefix(head)?.split_once(' ')?;
            counters.contains(name).then(|| format!("{head}{name}_total {rest}"))
        });
        plain.push_str(of_counter.as_deref().unwrap_or(line));
        plain.push('\n');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_format_calls_a_counter_by_one_name() {
        let open =
            "# HELP a Things.\n# TYPE a counter\na_total 1\n# HELP b Others.\n# TYPE b gauge\nb 2\n# EOF\n";
        let plain = "# HELP a_total Things.\n# TYPE a_total counter\na_total 1\n# HELP b Others.\n# TYPE b gauge\nb 2\n";
        assert_eq!(as_plain(open), plain);
    }
}
