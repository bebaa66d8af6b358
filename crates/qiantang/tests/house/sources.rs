//! The files of the source tree.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file of the tree. Its path begins with `crates/`.
#[derive(Debug)]
pub struct Source {
    pub path: String,
    pub text: String,
}

/// The folder of all crates.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crates are in a folder").to_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The folders of the crates.
pub fn crates() -> Vec<PathBuf> {
    let crates: Vec<_> =
        entries(&root()).into_iter().filter(|path| path.join("Cargo.toml").is_file()).collect();
    assert!(crates.len() > 5, "the crates are not where they were: {crates:?}");
    crates
}

/// A path as it is told: from `crates/` on.
pub fn told(path: &Path) -> String {
    let inner = path.strip_prefix(root()).expect("the path is in the tree");
    format!("crates/{}", inner.to_str().expect("the path is text"))
}

/// All folders below `folder` and itself, but those of files that others have written.
pub fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for path in entries(folder).into_iter().filter(|path| path.is_dir()) {
        let is_ours = !["target", "vendor"].iter().any(|name| path.ends_with(name));
        if is_ours {
            found.extend(folders(&path));
        }
    }
    found
}

/// The files of a folder itself.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_file()).collect()
}

/// The files below `folder` that have one of these extensions.
pub fn with_extensions(folder: &Path, extensions: &[&str]) -> Vec<Source> {
    let is_wanted = |path: &PathBuf| {
        path.extension().and_then(|name| name.to_str()).is_some_and(|name| extensions.contains(&name))
    };
    let paths = folders(folder).into_iter().flat_map(|folder| files(&folder)).filter(is_wanted);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Source { path: told(&path), text }
    };
    paths.map(read).collect()
}
