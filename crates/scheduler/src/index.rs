//! Lengths as indices of 32 bits, which keep what the planner knows small.

/// A length as a rank or an index. The limits of the domain keep lengths far below 2^32.
pub(crate) fn index(len: usize) -> u32 {
    u32::try_from(len).expect("a center has fewer than 2^32 of anything")
}
