//! All that is wrong with the form of a JSON body, where its reader stops at the first fault: each fault is
//! mended, and the rest is read on.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::{problem::WrongPlace, strict::Strict};

/// The most faults that are told.
const MOST: usize = 64;

/// All faults, and the body with a filler in each wrong place, if it can be read then.
pub fn faults<T: DeserializeOwned>(mut body: Value) -> (Vec<WrongPlace>, Option<T>) {
    let mut faults: Vec<WrongPlace> = Vec::new();
    while faults.len() < MOST {
        let (path, told) = match serde_path_to_error::deserialize(Strict(&body)) {
            Ok(read) => return (faults, Some(read)),
            Err(error) => (error.path().clone(), error.inner().to_string()),
        };
        let place = place(&path, &told);
        let field = shown(&place);
        if faults.iter().any(|fault| fault.field == field) {
            break;
        }
        let hint = "GET /api/openapi.json says how the body looks".to_owned();
        faults.push(WrongPlace { field, problem: told.clone(), hint, text: None });
        if !mend::<T>(&mut body, &place, &told) {
            break;
        }
    }
    (faults, None)
}

/// A step into a body.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Where the fault is. What is missing is not on the path.
fn place(path: &Path, told: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect();
    if told.starts_with("missing field") {
        steps.extend(quoted(told).map(|name| Step::Key(name.to_owned())));
    }
    steps
}

fn shown(place: &[Step]) -> String {
    let words: Vec<String> = place
        .iter()
        .map(|step| match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        })
        .collect();
    if words.is_empty() { "body".to_owned() } else { words.join(".") }
}

/// The first word in backticks.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// Puts something in the wrong place with which the reader gets further.
fn mend<T: DeserializeOwned>(body: &mut Value, place: &[Step], told: &str) -> bool {
    if told.starts_with("unknown field") {
        return remove(body, place);
    }
    let word = told.split_once("expected").and_then(|(_, rest)| quoted(rest)).unwrap_or_default();
    let fillers = [
        Value::Null,
        Value::from(""),
        Value::from(1),
        Value::from(false),
        Value::Array(Vec::new()),
        Value::Object(serde_json::Map::new()),
        Value::from(word),
    ];
    for filler in fillers {
        let mut tried = body.clone();
        if !put(&mut tried, place, filler) {
            return false;
        }
        let gets_further = match serde_path_to_error::deserialize::<_, T>(Strict(&tried)) {
            Ok(_) => true,
            Err(error) => self::place(error.path(), &error.inner().to_string()) != place,
        };
        if gets_further {
            *body = tried;
            return true;
        }
    }
    false
}

fn at<'a>(body: &'a mut Value, place: &[Step]) -> Option<&'a mut Value> {
    place.iter().try_fold(body, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

fn put(body: &mut Value, place: &[Step], filler: Value) -> bool {
    let Some((last, before)) = place.split_last() else {
        *body = filler;
        return true;
    };
    match (at(body, before), last) {
        (Some(Value::Object(map)), Step::Key(key)) => {
            map.insert(key.clone(), filler);
            true
        }
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items[*index] = filler;
            true
        }
        _ => false,
    }
}

fn remove(body: &mut Value, place: &[Step]) -> bool {
    let Some((Step::Key(key), before)) = place.split_last() else { return false };
    at(body, before).and_then(Value::as_object_mut).is_some_and(|map| map.remove(key).is_some())
}

#[cfg(test)]
mod tests {
    use domain::JobSpec;
    use serde_json::json;

    #[test]
    fn five_faults_are_five() {
        let body = json!({
            "script": 7, "nodez": 2, "nodes": "two", "service_class": "gold",
            "array": { "ranges": [{ "first": 0, "last": "x" }] }
        });
        let (faults, read) = super::faults::<JobSpec>(body);
        let mut fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["array.ranges.0.last", "name", "nodes", "nodez", "script", "service_class"]);
        assert!(read.is_some());
        assert_eq!(super::faults::<JobSpec>(json!(7)).0[0].field, "body");
        let good = json!({ "name": "a", "script": "#!/bin/sh" });
        assert!(super::faults::<JobSpec>(good).0.is_empty());
    }
}
