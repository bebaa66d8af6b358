//! Golden files: what a test has seen, compared with what was accepted before.

use std::path::Path;

/// Compares with the file's text. `UPDATE_GOLDEN=1` writes the file anew, for a person to look at the
/// difference.
pub fn assert_golden(path: &Path, seen: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, seen).expect("the golden file is written");
    }
    let accepted = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        seen == accepted,
        "{} differs from what was seen; UPDATE_GOLDEN=1 writes it anew. Seen:\n{seen}",
        path.display()
    );
}
