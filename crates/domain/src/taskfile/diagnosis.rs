//! Why a text is not a task file. The reader of YAML says so in English alone, so the text is looked through
//! again.

use serde::de::IgnoredAny;
use serde_norway::{Mapping, Value};

use crate::problem::{KeyKind, Place, SpecProblem, TaskFileFault, field};

/// The keys of a task file, and of its `resources`, each with the kind of its value.
const KEYS: [(&str, KeyKind); 16] = [
    ("type", KeyKind::Text),
    ("name", KeyKind::Text),
    ("project", KeyKind::Text),
    ("commands", KeyKind::Texts),
    ("script", KeyKind::Text),
    ("args", KeyKind::Texts),
    ("nodes", KeyKind::Count),
    ("max_nodes", KeyKind::Count),
    ("resources", KeyKind::Mapping),
    ("env", KeyKind::Variables),
    ("max_duration", KeyKind::Text),
    ("service_class", KeyKind::Text),
    ("array", KeyKind::Text),
    ("after", KeyKind::Dependencies),
    ("comment", KeyKind::Text),
    ("launch", KeyKind::Text),
];
const RESOURCES: [(&str, KeyKind); 5] = [
    ("cards", KeyKind::Count),
    ("cards_per_node", KeyKind::Count),
    ("card_model", KeyKind::Text),
    ("exclusive", KeyKind::Truth),
    ("labels", KeyKind::Texts),
];

/// The problem of a text that the reader refused with `error`.
pub fn of(text: &str, error: &serde_norway::Error) -> SpecProblem {
    let at = error.location();
    let line = at.as_ref().and_then(|at| u32::try_from(at.line()).ok()).filter(|line| *line > 0);
    let place = line.map_or(Place::Field(field::FILE), Place::Line);
    let is_yaml = serde_norway::from_str::<IgnoredAny>(text).is_ok();
    let fault = match serde_norway::from_str::<Value>(text) {
        Ok(Value::Mapping(file)) => fault(&file),
        Ok(_) => TaskFileFault::NotAMapping,
        // A key stands twice in it.
        Err(_) if is_yaml => unreadable(),
        Err(_) => TaskFileFault::NotYaml { column: at.map_or(1, |at| at.column()) },
    };
    SpecProblem::new(place, fault)
}

fn fault(file: &Mapping) -> TaskFileFault {
    let resources = file.get("resources").and_then(Value::as_mapping);
    let missing = || (!file.contains_key("name")).then_some(TaskFileFault::MissingKey { key: "name" });
    wrong_key(file, "", &KEYS)
        .or_else(|| wrong_key(resources?, "resources.", &RESOURCES))
        .or_else(missing)
        .unwrap_or_else(unreadable)
}

fn unreadable() -> TaskFileFault {
    TaskFileFault::Unreadable { known: KEYS.map(|(key, _)| key).to_vec() }
}

/// The first key that is not known, or whose value is of another kind.
fn wrong_key(map: &Mapping, within: &str, keys: &[(&'static str, KeyKind)]) -> Option<TaskFileFault> {
    map.iter().find_map(|(key, value)| {
        let name = scalar(key).unwrap_or_default();
        let key = format!("{within}{name}");
        match keys.iter().find(|(known, _)| *known == name) {
            None => {
                Some(TaskFileFault::UnknownKey { key, known: keys.iter().map(|(key, _)| *key).collect() })
            }
            Some((_, wanted)) if value.is_null() || fits(value, *wanted) => None,
            Some((_, wanted)) => Some(TaskFileFault::Kind { key, wanted: *wanted }),
        }
    })
}

fn fits(value: &Value, kind: KeyKind) -> bool {
    match kind {
        KeyKind::Text => scalar(value).is_some(),
        KeyKind::Count => value.as_u64().is_some_and(|count| u32::try_from(count).is_ok()),
        KeyKind::Truth => value.is_bool(),
        KeyKind::Texts => are_scalars(value),
        KeyKind::Mapping => value.is_mapping(),
        KeyKind::Variables => match value {
            Value::Mapping(map) => {
                map.iter().all(|(name, value)| [name, value].map(scalar).iter().all(Option::is_some))
            }
            value => are_scalars(value),
        },
        KeyKind::Dependencies => {
            serde_norway::from_value::<Vec<crate::spec::Dependency>>(value.clone()).is_ok()
        }
    }
}

fn are_scalars(value: &Value) -> bool {
    value.as_sequence().is_some_and(|list| list.iter().all(|item| scalar(item).is_some()))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
