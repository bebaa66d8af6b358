//! The result of a check by an engine's doctor.

/// One thing that the doctor checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub ok: bool,
    /// What the doctor found.
    pub detail: String,
    /// What to do about it; empty if nothing.
    pub hint: String,
}
