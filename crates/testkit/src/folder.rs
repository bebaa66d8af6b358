//! Folders of tests.

use std::os::unix::fs::PermissionsExt as _;

/// A folder that the users of other tenants' runs can enter. It goes when the value is dropped.
pub fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("qt-").tempdir_in("/tmp").expect("a folder is made");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode is set");
    folder
}

/// All files below a folder, sorted.
pub fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<std::path::PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect();
    all.sort();
    all
}
