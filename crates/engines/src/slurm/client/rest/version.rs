//! The version of slurmrestd's interface.
//!
//! A release of Slurm serves three or four versions beside each other, and names them in its OpenAPI
//! document.

use std::fmt;

use serde_json::Value;

/// The paths of the services' OpenAPI documents.
pub(super) const DOCUMENTS: [&str; 3] = ["/openapi/v3", "/openapi.json", "/openapi"];

/// A version, written `v0.0.<number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub u32);

/// The versions that are spoken here, with all between them.
pub(super) const OLDEST: Version = Version(37);
pub(super) const NEWEST: Version = Version(45);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v0.0.{}", self.0)
    }
}

/// The abilities of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// The newest version that both sides speak.
    pub version: Version,
    /// All versions of the service.
    pub has: Vec<Version>,
    /// One call can cancel many jobs.
    pub cancels_many: bool,
}

impl Service {
    /// Reads the OpenAPI document. The error names the versions that the service has instead.
    pub(super) fn of(document: &Value) -> Result<Self, String> {
        let paths = document["paths"].as_object();
        let paths = || paths.into_iter().flatten();
        let jobs_of = |path: &str| {
            let version = path.trim_end_matches('/').strip_prefix("/slurm/v0.0.")?.strip_suffix("/jobs")?;
            version.parse().ok().map(Version)
        };
        let mut has: Vec<Version> = paths().filter_map(|(path, _)| jobs_of(path)).collect();
        has.sort_unstable();
        has.dedup();
        let spoken = has.iter().filter(|version| (OLDEST..=NEWEST).contains(version)).max();
        let Some(&version) = spoken else {
            let found = if has.is_empty() { "no known version".to_owned() } else { listed(&has) };
            return Err(format!("it has {found} of its interface; {OLDEST} to {NEWEST} are spoken here"));
        };
        let cancels_many =
            paths().any(|(path, methods)| jobs_of(path) == Some(version) && !methods["delete"].is_null());
        Ok(Self { version, has, cancels_many })
    }

    /// In words for people: `v0.0.41 of its interface (it has v0.0.40, v0.0.41)`.
    pub(super) fn describe(&self) -> String {
        format!("{} of its interface (it has {})", self.version, listed(&self.has))
    }
}

fn listed(versions: &[Version]) -> String {
    versions.iter().map(Version::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_newest_version_that_both_speak_is_taken() {
        let document = |paths: &[&str]| {
            let of = |path: &&str| ((*path).to_owned(), json!({ "get": {}, "delete": {} }));
            json!({ "paths": paths.iter().map(of).collect::<serde_json::Map<_, _>>() })
        };
        for (paths, want) in [
            (&["/slurm/v0.0.36/jobs", "/slurm/v0.0.38/jobs", "/slurm/v0.0.37/jobs"][..], Some(38)),
            // The paths of later versions end in a slash.
            (&["/slurm/v0.0.40/jobs/", "/slurm/v0.0.42/jobs/", "/slurm/v0.0.41/jobs/"], Some(42)),
            (&["/slurm/v0.0.45/jobs/", "/slurm/v0.0.46/jobs/", "/slurm/v0.0.9999/jobs/"], Some(45)),
            (&["/slurm/v0.0.46/jobs/", "/slurmdb/v0.0.42/jobs/", "/slurm/v0.0.41/jobs/state/"], None),
            (&[], None),
        ] {
            let found = Service::of(&document(paths));
            assert_eq!(found.as_ref().ok().map(|service| service.version.0), want, "{found:?}");
        }
        let service = Service::of(&document(&["/slurm/v0.0.41/jobs/", "/slurm/v0.0.40/jobs/"])).unwrap();
        assert_eq!(service.describe(), "v0.0.41 of its interface (it has v0.0.40, v0.0.41)");
        let why = Service::of(&document(&["/slurm/v0.0.99/jobs/"])).unwrap_err();
        assert_eq!(why, "it has v0.0.99 of its interface; v0.0.37 to v0.0.45 are spoken here");
    }

    #[test]
    fn many_are_cancelled_at_once_where_the_version_spoken_can() {
        let old = json!({ "paths": {
            "/slurm/v0.0.39/jobs/": { "get": {} },
            "/slurm/v0.0.38/jobs": { "get": {}, "delete": {} },
        }});
        assert!(!Service::of(&old).unwrap().cancels_many);
        let new = json!({ "paths": { "/slurm/v0.0.41/jobs/": { "get": {}, "delete": {} } } });
        assert!(Service::of(&new).unwrap().cancels_many);
    }
}
