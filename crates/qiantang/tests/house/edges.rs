//! The direction of dependencies between the crates, by their manifests.

use std::collections::BTreeSet;

use crate::{assert_none, sources};

/// Each crate, and the crates of this workspace that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("scheduler", &["domain"]),
    ("store", &["domain"]),
    ("engines", &["domain"]),
    ("twin", &["domain", "scheduler"]),
    ("base", &["domain", "scheduler", "store", "engines"]),
    ("center", &["domain", "scheduler", "store", "engines", "twin", "base"]),
    ("service", &["domain", "store", "base", "center"]),
    ("industry", &["domain", "store", "base", "center"]),
    ("qiantang", &["domain", "store", "engines", "twin", "base", "center", "service", "industry"]),
    ("testkit", &["domain", "store", "engines"]),
];

/// A crate for tests, on which others depend by `[dev-dependencies]` alone.
const FOR_TESTS: &str = "testkit";

/// Crates that stay pure, and all that they may depend on: nothing that brings files, a network, a clock,
/// randomness or async.
const PURE: &[(&str, &[&str])] = &[
    ("domain", &["domain", "encoding_rs", "jiff", "serde", "serde_norway", "thiserror", "utoipa", "uuid"]),
    ("scheduler", &["domain", "rustc-hash", "serde"]),
];

/// The parts of a manifest that matter here.
struct Manifest {
    name: String,
    dependencies: BTreeSet<String>,
    dev_dependencies: BTreeSet<String>,
}

impl Manifest {
    fn parse(text: &str) -> Self {
        let manifest: toml::Table = text.parse().expect("a manifest is TOML");
        // A section may also stand under `[target.….]`.
        let mut tables = vec![&manifest];
        if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
            tables.extend(targets.values().filter_map(toml::Value::as_table));
        }
        let of = |sections: &[&str]| {
            let found = tables.iter().flat_map(|table| {
                sections.iter().filter_map(|section| table.get(*section).and_then(toml::Value::as_table))
            });
            found.flat_map(|section| section.keys().cloned()).collect()
        };
        Self {
            name: manifest["package"]["name"].as_str().expect("a package has a name").to_owned(),
            dependencies: of(&["dependencies", "build-dependencies"]),
            dev_dependencies: of(&["dev-dependencies"]),
        }
    }

    /// The edges that may not be. `names` are the crates of the workspace.
    fn faults(&self, names: &BTreeSet<String>) -> Vec<String> {
        let at = format!("crates/{}/Cargo.toml", self.name);
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == self.name) else {
            return vec![format!("{at}: no line in ALLOWED says what this crate may depend on; add it")];
        };
        let is_allowed = |to: &String| allowed.contains(&to.as_str());
        let mut faults = Vec::new();
        for to in self.dependencies.iter().filter(|to| names.contains(*to) && !is_allowed(to)) {
            let hint = "move what is needed to a crate that both may know";
            faults.push(format!("{at}: {} may not depend on {to}: {hint}", self.name));
        }
        let is_for_tests = |to: &String| to == FOR_TESTS;
        let dev = self.dev_dependencies.iter().filter(|to| names.contains(*to));
        for to in dev.filter(|to| !is_allowed(to) && !is_for_tests(to)) {
            let hint = format!("what tests share belongs in {FOR_TESTS}");
            faults.push(format!("{at}: the tests of {} may not depend on {to}: {hint}", self.name));
        }
        if let Some((_, pure)) = PURE.iter().find(|(name, _)| *name == self.name) {
            for to in self.dependencies.iter().filter(|to| !pure.contains(&to.as_str())) {
                let hint = "give it as an argument what the dependency would fetch";
                faults.push(format!("{at}: {} is pure and may not depend on {to}: {hint}", self.name));
            }
        }
        faults
    }
}

#[test]
fn the_crates_depend_on_each_other_as_drawn() {
    let crates = sources::crates();
    let mut faults = Vec::new();
    let mut manifests = Vec::new();
    for folder in &crates {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a crate has a manifest");
        let manifest = Manifest::parse(&text);
        let folder = folder.file_name().and_then(|name| name.to_str()).expect("a folder has a name");
        if manifest.name != folder {
            faults.push(format!("crates/{folder}/Cargo.toml: the crate is called {}", manifest.name));
        }
        manifests.push(manifest);
    }
    let names: BTreeSet<String> = manifests.iter().map(|manifest| manifest.name.clone()).collect();
    let gone = ALLOWED.iter().filter(|(name, _)| !names.contains(*name));
    faults.extend(gone.map(|(name, _)| format!("edges.rs: there is no crate {name}; remove its line")));
    faults.extend(manifests.iter().flat_map(|manifest| manifest.faults(&names)));
    assert_none(&faults);
}

#[test]
fn what_may_be_is_a_direction() {
    // Whoever may depend on a crate stands below it in the table, so there is no way round.
    for (at, (name, allowed)) in ALLOWED.iter().enumerate() {
        for to in *allowed {
            let is_above = ALLOWED[..at].iter().any(|(above, _)| above == to);
            assert!(is_above, "{name} may depend on {to}, which is not above it");
        }
    }
}

#[test]
fn an_edge_that_is_not_drawn_is_found() {
    let names: BTreeSet<String> = ["domain", "store", "center", "testkit", "odd"].map(str::to_owned).into();
    let faults = |text: &str| Manifest::parse(text).faults(&names).join("\n");
    let store = |more: &str| format!("[package]\nname = \"store\"\n[dependencies]\ndomain = \"1\"\n{more}");
    assert_eq!(faults(&store("serde = \"1\"\n[dev-dependencies]\ntestkit = \"1\"\n")), "");
    assert!(faults(&store("center = \"1\"\n")).contains("store may not depend on center"));
    assert!(faults(&store("testkit = \"1\"\n")).contains("store may not depend on testkit"));
    assert!(faults(&store("[dev-dependencies]\ncenter = \"1\"\n")).contains("tests of store may not"));
    assert!(faults(&store("[target.'cfg(unix)'.dependencies]\ncenter = \"1\"\n")).contains("on center"));
    let pure = "[package]\nname = \"domain\"\n[dependencies]\ntokio = \"1\"\n";
    assert!(faults(pure).contains("domain is pure and may not depend on tokio"));
    assert!(faults("[package]\nname = \"odd\"\n").contains("no line in ALLOWED"));
}
