//! The mark by which the center knows what it made in Slurm.

/// What the description of everything begins with that the center makes in Slurm.
pub const MARK: &str = "qiantang:";

/// The id in a description, if it is of the center's making.
pub(super) fn mark_of(description: &str) -> Option<&str> {
    description.strip_prefix(MARK)
}
