//! The loop of issuers, which reads what they tell of themselves before somebody waits for it, and says which of them can't
//! be reached. Nobody else's sign-in waits for that.

use std::time::{Duration, Instant};

use crate::{center::Center, wakers::ISSUERS};

/// Between two looks.
pub const EVERY: Duration = Duration::from_mins(5);
/// Between two looks while one of them can't be reached.
const SOONER: Duration = Duration::from_secs(30);

pub fn run(center: &Center) {
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        let mut is_fine = true;
        for issuer in center.issuers.all() {
            if center.compute.wakers.is_stopping() {
                return;
            }
            let read = issuer.read();
            if let Some(fault) = issuer.failure().or_else(|| read.err()) {
                is_fine = false;
                let name = &issuer.settings.name;
                tracing::warn!(name, %fault, "an issuer can't be reached: whoever signs in by it has to wait");
                center.loops.failed(ISSUERS, &format!("{name}: {fault}"));
            }
        }
        center.loops.turned(ISSUERS, begun.elapsed());
        center.compute.wakers.pause(if is_fine { EVERY } else { SOONER });
    }
}
