//! The house rules of the source tree: which crate may know which, no circles of files, and nothing too long
//! to read. What the documents promise is tested, and stands in both languages.
//!
//! These tests read the sources and the documents. Each failure names the file, the line, the figure, and what to do.

mod circles;
mod edges;
mod languages;
mod made_up;
mod modules;
mod promises;
mod scan;
mod sizes;
mod sources;
mod things;

/// Fails with all faults at once.
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "{} to mend:\n{}\n", faults.len(), faults.join("\n"));
}
