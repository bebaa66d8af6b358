//! Why a text is not a task file. The reader of YAML says so in English alone, so the text is looked through
//! again.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_norway::{Mapping, Value};

use crate::problem::{KeyKind, Place, SpecProblem, TaskFileFault, field};

/// The keys of a task file, and of its `resources`, each with the kind of its value.
const KEYS: [(&str, KeyKind); 17] = [
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
    ("mail", KeyKind::Mapping),
    ("launch", KeyKind::Text),
];
const MAIL: [(&str, KeyKind); 2] = [("on", KeyKind::Texts), ("to", KeyKind::Text)];
const RESOURCES: [(&str, KeyKind); 5] = [
    ("cards", KeyKind::Count),
    ("cards_per_node", KeyKind::Count),
    ("card_model", KeyKind::Text),
    ("exclusive", KeyKind::Truth),
    ("labels", KeyKind::Texts),
];

/// The problems of a text that the reader refused with `error`.
pub fn of(text: &str, error: &serde_norway::Error) -> Vec<SpecProblem> {
    let at = error.location();
    let line = at.as_ref().and_then(|at| u32::try_from(at.line()).ok()).filter(|line| *line > 0);
    let place = line.map_or(Place::Field(field::FILE), Place::Line);
    let one = |fault: TaskFileFault| vec![SpecProblem::new(place.clone(), fault)];
    if serde_norway::from_str::<IgnoredAny>(text).is_err() {
        return one(TaskFileFault::NotYaml { column: at.map_or(1, |at| at.column()) });
    }
    if let Ok(Keys(Some(key))) = serde_norway::from_str(text) {
        return vec![SpecProblem::new(
            Place::Line(line_of(text, &key, true)),
            TaskFileFault::Repeated { key },
        )];
    }
    let Ok(Value::Mapping(file)) = serde_norway::from_str::<Value>(text) else {
        return one(TaskFileFault::NotAMapping);
    };
    let mut faults = wrong_keys(&file, "", &KEYS);
    for (within, known) in [("resources", &RESOURCES[..]), ("mail", &MAIL)] {
        let nested = file.get(within).and_then(Value::as_mapping);
        faults.extend(
            nested.map(|nested| wrong_keys(nested, &format!("{within}."), known)).unwrap_or_default(),
        );
    }
    let mut problems: Vec<SpecProblem> = faults
        .into_iter()
        .map(|(key, fault)| SpecProblem::new(Place::Line(line_of(text, &key, false)), fault))
        .collect();
    if !file.contains_key("name") {
        problems.push(SpecProblem::new(field::FILE, TaskFileFault::MissingKey { key: "name" }));
    }
    problems.sort_by_key(|problem| problem.place.line());
    if problems.is_empty() {
        one(TaskFileFault::Unreadable { known: KEYS.map(|(key, _)| key).to_vec() })
    } else {
        problems
    }
}

/// The keys that have no value, which YAML takes for nothing.
pub fn empty_values(text: &str) -> Vec<SpecProblem> {
    let Ok(Value::Mapping(file)) = serde_norway::from_str::<Value>(text) else { return Vec::new() };
    let within = |name: &str| file.get(name).and_then(Value::as_mapping).into_iter().flatten();
    let resources = within("resources").map(|(key, value)| ("resources.", key, value));
    let nested = resources.chain(within("mail").map(|(key, value)| ("mail.", key, value)));
    let all = file.iter().map(|(key, value)| ("", key, value)).chain(nested);
    let is_empty = |value: &Value| {
        value.is_null() || value.as_sequence().is_some_and(|list| list.iter().any(Value::is_null))
    };
    all.filter(|(_, _, value)| is_empty(value))
        .map(|(within, key, _)| {
            let key = format!("{within}{}", scalar(key).unwrap_or_default());
            SpecProblem::new(Place::Line(line_of(text, &key, false)), TaskFileFault::EmptyValue { key })
        })
        .collect()
}

/// The line of a key, such as `nodes` or `env.A`; the second of its name where there is one and it is wanted.
pub fn line_of(text: &str, key: &str, is_second: bool) -> u32 {
    let (parent, name) = key.split_once('.').map_or((None, key), |(parent, name)| (Some(parent), name));
    let is_key = |line: &str, name: &str| {
        let bare = line.trim_start().trim_start_matches("- ").trim_start().trim_start_matches(['"', '\'']);
        bare.strip_prefix(name).is_some_and(|rest| {
            rest.is_empty()
                || rest.trim_start_matches(['"', '\'', ' ']).starts_with([':', '='])
                || rest.trim().is_empty()
        })
    };
    let is_top = |line: &str| !line.starts_with([' ', '-', '#']) && !line.trim().is_empty();
    let lines = || (1..).zip(text.lines());
    let top = |name: &str| {
        lines().filter(|(_, line)| is_top(line) && is_key(line, name)).map(|(at, _)| at).collect()
    };
    let (of_parent, found): (u32, Vec<u32>) = match parent {
        None => (0, top(name)),
        Some(parent) => {
            let first: Vec<u32> = top(parent);
            let start = first.first().copied().unwrap_or(0);
            let within = lines().filter(|(at, _)| *at > start).take_while(|(_, line)| !is_top(line));
            (start, within.filter(|(_, line)| is_key(line, name)).map(|(at, _)| at).collect())
        }
    };
    let second = found.get(1).filter(|_| is_second);
    second.or(found.first()).copied().unwrap_or(of_parent).max(1)
}

/// The first key that stands twice: of the file, or of a mapping in it.
struct Keys(Option<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;

        impl<'de> Visitor<'de> for Walk {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let (mut seen, mut twice) = (BTreeSet::new(), None);
                while let Some(key) = map.next_key::<String>()? {
                    let Keys(inner) = map.next_value()?;
                    twice = twice.or(inner.map(|inner| format!("{key}.{inner}")));
                    if !seen.insert(key.clone()) {
                        twice = twice.or(Some(key));
                    }
                }
                Ok(Keys(twice))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys, A::Error> {
                let mut twice = None;
                while let Some(Keys(inner)) = list.next_element()? {
                    twice = twice.or(inner);
                }
                Ok(Keys(twice))
            }

            fn visit_str<E>(self, _: &str) -> Result<Keys, E> {
                Ok(Keys(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Keys, E> {
                Ok(Keys(None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Keys, E> {
                Ok(Keys(None))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Keys, E> {
                Ok(Keys(None))
            }
            fn visit_i128<E>(self, _: i128) -> Result<Keys, E> {
                Ok(Keys(None))
            }
            fn visit_u128<E>(self, _: u128) -> Result<Keys, E> {
                Ok(Keys(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Keys, E> {
                Ok(Keys(None))
            }
            fn visit_unit<E>(self) -> Result<Keys, E> {
                Ok(Keys(None))
            }
        }

        deserializer.deserialize_any(Walk)
    }
}

/// The keys that are not known, or whose value is of another kind.
fn wrong_keys(map: &Mapping, within: &str, keys: &[(&'static str, KeyKind)]) -> Vec<(String, TaskFileFault)> {
    let wrong = map.iter().filter_map(|(key, value)| {
        let name = scalar(key).unwrap_or_default();
        let key = format!("{within}{name}");
        let fault = match keys.iter().find(|(known, _)| *known == name) {
            None => {
                let known = keys.iter().map(|(key, _)| *key).collect();
                TaskFileFault::UnknownKey { key: key.clone(), known }
            }
            Some(_) if value.is_null() => TaskFileFault::EmptyValue { key: key.clone() },
            Some((_, wanted)) if fits(value, *wanted) => return None,
            Some((_, wanted)) => TaskFileFault::Kind { key: key.clone(), wanted: *wanted },
        };
        Some((key, fault))
    });
    wrong.collect()
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
