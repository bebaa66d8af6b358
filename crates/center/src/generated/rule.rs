//! What is generated, and how readers are told.

use base::page::words::Ui;
use domain::Timestamp;

/// The generated past of a center.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratedPast {
    pub from: Timestamp,
    /// From here on things happened.
    pub until: Timestamp,
    /// The seed of the dice that it was thrown with.
    pub seed: u32,
}

impl GeneratedPast {
    /// Whether what was asked for then never happened.
    pub fn holds(&self, at: Timestamp) -> bool {
        at < self.until
    }

    /// What readers have to know of it.
    pub fn told(&self, ui: Ui) -> String {
        let day = |at| ui.zone.local(at).date().to_string();
        ui.t2("generated-past", day(self.from), day(self.until))
    }
}
