//! The direction of dependencies between the crates: any edge that is not drawn here fails.

use std::{collections::BTreeSet, path::Path};

/// From, to.
const EDGES: &[(&str, &str)] = &[
    ("scheduler", "domain"),
    ("store", "domain"),
    ("engines", "domain"),
    ("center", "domain"),
    ("center", "scheduler"),
    ("center", "store"),
    ("center", "engines"),
    ("center", "twin"),
    ("qiantang", "center"),
    ("qiantang", "domain"),
    ("qiantang", "engines"),
    ("qiantang", "store"),
    ("qiantang", "twin"),
    ("twin", "domain"),
    ("twin", "scheduler"),
];

/// Crates that must stay pure: no file, no network, no clock, no randomness, no async comes with these.
const PURE: &[(&str, &[&str])] = &[
    ("domain", &["domain", "jiff", "serde", "serde_norway", "thiserror", "utoipa", "uuid"]),
    ("scheduler", &["domain", "rustc-hash", "serde"]),
];

fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    ["dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|section| manifest.get(section)?.as_table())
        .flat_map(|table| table.keys().cloned())
        .collect()
}

#[test]
fn the_crates_depend_on_each_other_as_drawn() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of crates");
    let mut names = BTreeSet::new();
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(crates).expect("the crates") {
        let folder = entry.expect("an entry").path();
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        let manifest: toml::Table = text.parse().expect("valid TOML");
        let name = manifest["package"]["name"].as_str().expect("a name").to_owned();
        assert_eq!(
            Some(name.as_str()),
            folder.file_name().and_then(|n| n.to_str()),
            "folder and crate differ"
        );
        let needed = dependencies(&manifest);
        if let Some((_, allowed)) = PURE.iter().find(|(pure, _)| *pure == name) {
            let extra: Vec<_> = needed.iter().filter(|need| !allowed.contains(&need.as_str())).collect();
            assert!(extra.is_empty(), "{name} is pure and may not depend on {extra:?}");
        }
        found.extend(needed.into_iter().map(|to| (name.clone(), to)));
        names.insert(name);
    }
    let inner: BTreeSet<_> = found.into_iter().filter(|(_, to)| names.contains(to)).collect();
    let drawn: BTreeSet<_> = EDGES.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    assert_eq!(inner, drawn, "left: what the manifests say, right: what is drawn");
}
