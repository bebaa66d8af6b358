//! The mark by which the center knows what it made in Slurm.

/// The beginning of the description of everything that the center makes in Slurm.
pub const MARK: &str = "qiantang:";

/// The id in a description, if the center wrote it.
pub(super) fn mark_of(description: &str) -> Option<&str> {
    description.strip_prefix(MARK)
}
