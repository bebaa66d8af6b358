//! The result of a check by an engine's doctor.

use domain::Both;

/// One thing that the doctor checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub ok: bool,
    /// The finding.
    pub detail: Both,
    /// The remedy; empty if none is needed.
    pub hint: Both,
}
