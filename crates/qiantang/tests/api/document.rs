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
    for (method, path) in routes(&site) {
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(
            operation["summary"].as_str().is_some_and(|text| text.len() > 5),
            "{method} {path} has no summary"
        );
        assert!(operation["tags"][0].is_string(), "{method} {path} has no tag");
    }
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
