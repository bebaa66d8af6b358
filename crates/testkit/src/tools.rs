//! Programs from `PyPI` and files from npm that `./test` fetches once, into a folder of their own.

use std::{
    env,
    path::{Path, PathBuf},
};

/// A program of those in `tests/tools/requirements.txt`. `None` where `./test` did not install it; with `CI=true` the test
/// fails then.
pub fn python_tool(name: &str) -> Option<PathBuf> {
    tool(&format!("python/bin/{name}"))
}

/// A file of that folder, likewise.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = folder().join(name);
    if path.is_file() {
        return Some(path);
    }
    assert!(env::var("CI").as_deref() != Ok("true"), "no {}: ./test installs it", path.display());
    eprintln!("skipped, no {}: ./test installs it", path.display());
    None
}

/// The folder that `./test` keeps its tools in.
fn folder() -> PathBuf {
    let given = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| home.join(".cache")));
    given("QIANTANG_TEST_TOOLS")
        .or_else(|| cache().map(|cache| cache.join("qiantang-tests")))
        .unwrap_or_else(|| Path::new("/var/cache/qiantang-tests").to_owned())
}
