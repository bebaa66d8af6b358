//! The API's own document.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::Site;

use crate::{QIANTANG, scene::routes};

#[test]
fn the_document_is_whole_and_has_no_dead_references() {
    let site = Site::new(QIANTANG, 1, "");
    let document = site.get("/api/openapi.json", "");
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let found = document.pointer(reference.trim_start_matches('#'));
        assert!(found.is_some(), "{reference} leads nowhere");
    }
    let mut names = BTreeSet::new();
    for (method, path) in routes(&site) {
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(
            operation["summary"].as_str().is_some_and(|text| text.len() > 5),
            "{method} {path} has no summary"
        );
        assert!(operation["tags"][0].is_string(), "{method} {path} has no tag");
        let name = operation["operationId"].as_str().expect("a name").to_owned();
        assert!(names.insert(name), "{method} {path} is named as another");
    }
}

#[test]
fn the_documentation_lists_each_route() {
    let site = Site::new(QIANTANG, 1, "");
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.md"));
    let text = text.expect("the documentation is there");
    let (_, list) = text.split_once("## All routes").expect("it has the list");
    // Between backticks: one or more methods, and a path below /api/v1.
    let listed: BTreeSet<(String, String)> = list
        .split('`')
        .filter_map(|quoted| quoted.rsplit_once(' '))
        .filter(|(_, path)| path.starts_with('/'))
        .flat_map(|(methods, path)| {
            methods.split(' ').map(move |method| (method.to_owned(), format!("/api/v1{path}")))
        })
        .collect();
    let served: BTreeSet<(String, String)> = routes(&site).into_iter().collect();
    let missing: Vec<_> = served.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&served).collect();
    assert!(missing.is_empty() && gone.is_empty(), "docs/api.md lacks {missing:?} and has {gone:?}");
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                references.insert(reference.clone());
            }
            map.values().for_each(|inner| collect(inner, references));
        }
        Value::Array(all) => all.iter().for_each(|inner| collect(inner, references)),
        _ => {}
    }
}
