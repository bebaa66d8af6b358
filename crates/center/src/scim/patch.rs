//! PATCH: operations on a resource as JSON, in the shapes that directories send them.
//!
//! Entra ID sends `"op": "Replace"`, `"active": "False"` and paths with dots as the keys of a value without a path; Okta sends
//! a value without a path; members are removed by a path with a filter, or by a value.

use serde_json::{Map, Value, json};

use super::wire::{Fault, GROUP, PATCH, USER};

/// The attributes that can be changed, as they are written, and the parts of those that have any.
pub struct Shape(pub &'static [(&'static str, Kind)]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    YesNo,
    /// An object of texts.
    Parts,
    /// A list of objects, which are told apart by `value`.
    List,
}

pub const OF_USER: Shape = Shape(&[
    ("userName", Kind::Text),
    ("externalId", Kind::Text),
    ("name", Kind::Parts),
    ("displayName", Kind::Text),
    ("emails", Kind::List),
    ("active", Kind::YesNo),
]);
pub const OF_GROUP: Shape =
    Shape(&[("displayName", Kind::Text), ("externalId", Kind::Text), ("members", Kind::List)]);

/// The most operations of a request.
const MOST_OPERATIONS: usize = 1000;

/// A path: an attribute, perhaps those of its elements that have a part with a value, perhaps a part.
#[derive(Debug, PartialEq, Eq)]
struct Path {
    attribute: &'static str,
    kind: Kind,
    only: Option<(String, Value)>,
    part: Option<String>,
}

impl Shape {
    fn find(&self, name: &str) -> Option<(&'static str, Kind)> {
        self.0.iter().copied().find(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn path(&self, text: &str) -> Option<Path> {
        let lower = text.to_lowercase();
        let of_schema = [USER, GROUP].into_iter().find_map(|schema| {
            lower.starts_with(&format!("{}:", schema.to_lowercase())).then(|| &text[schema.len() + 1..])
        });
        let text = of_schema.unwrap_or(text);
        let (name, rest) = text.find(['.', '[']).map_or((text, ""), |at| text.split_at(at));
        let (attribute, kind) = self.find(name)?;
        let (only, rest) = match rest.strip_prefix('[') {
            Some(inside) => {
                let (inside, rest) = inside.split_once(']')?;
                let (part, rest_of) = inside.trim().split_once(' ')?;
                let (operator, value) = rest_of.trim_start().split_once(' ')?;
                let value: Value = serde_json::from_str(value.trim()).ok()?;
                (operator.eq_ignore_ascii_case("eq") && kind == Kind::List).then_some(())?;
                (Some((part.to_owned(), value)), rest)
            }
            None => (None, rest),
        };
        let part = match rest.strip_prefix('.') {
            Some(part) if !part.is_empty() && matches!(kind, Kind::Parts | Kind::List) => {
                Some(part.to_owned())
            }
            None if rest.is_empty() => None,
            _ => return None,
        };
        Some(Path { attribute, kind, only, part })
    }

    /// Those attributes of a resource that can be changed, as they are written; others are left out.
    pub fn read(&self, resource: &Value) -> Result<Map<String, Value>, Fault> {
        let all = resource.as_object().ok_or_else(|| Fault::bad("invalidSyntax", "the body is no object"))?;
        let mut known = Map::new();
        for (name, value) in all {
            if let Some((name, kind)) = self.find(name)
                && !value.is_null()
            {
                known.insert(name.to_owned(), checked(name, kind, value.clone())?);
            }
        }
        Ok(known)
    }

    /// A resource after these operations.
    pub fn patched(&self, resource: Map<String, Value>, body: &Value) -> Result<Map<String, Value>, Fault> {
        let syntax = |detail: &str| Fault::bad("invalidSyntax", detail);
        let schemas = find(body, "schemas").and_then(Value::as_array);
        if !schemas.is_some_and(|all| all.iter().any(|schema| schema == PATCH)) {
            return Err(syntax("`schemas` is not that of a PatchOp"));
        }
        let operations = find(body, "Operations").and_then(Value::as_array);
        let operations = operations.ok_or_else(|| syntax("`Operations` is no list"))?;
        if operations.is_empty() || operations.len() > MOST_OPERATIONS {
            return Err(syntax("`Operations` has 1 to 1,000 of them"));
        }
        let mut resource = resource;
        for operation in operations {
            let op = find(operation, "op").and_then(Value::as_str).unwrap_or_default().to_lowercase();
            let value = find(operation, "value").cloned().unwrap_or_default();
            if !matches!(&*op, "add" | "replace" | "remove") {
                return Err(syntax("`op` is add, replace or remove"));
            }
            match find(operation, "path").and_then(Value::as_str) {
                Some(text) => {
                    let path = self.path(text).ok_or_else(|| {
                        Fault::bad("invalidPath", format!("{text:?} is no path to what can be changed"))
                    })?;
                    act(&mut resource, &op, &path, value)?;
                }
                None if op == "remove" => return Err(Fault::bad("noTarget", "`remove` needs a `path`")),
                None => {
                    let all = value
                        .as_object()
                        .ok_or_else(|| Fault::value("`value` without `path` is an object"))?;
                    for (key, value) in all {
                        // What is not kept is not refused here, as in a whole resource.
                        if let Some(path) = self.path(key) {
                            act(&mut resource, &op, &path, value.clone())?;
                        }
                    }
                }
            }
        }
        Ok(resource)
    }
}

/// A field by its name, in whatever case.
fn find<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let all = object.as_object()?;
    all.get(name)
        .or_else(|| all.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// A value of the kind that an attribute has.
fn checked(name: &str, kind: Kind, value: Value) -> Result<Value, Fault> {
    let wrong = |want: &str| Fault::value(format!("`{name}` is {want}"));
    match (kind, value) {
        (Kind::Text, Value::String(text)) if text.chars().count() <= 256 => Ok(Value::String(text)),
        (Kind::Text, _) => Err(wrong("a text of up to 256 characters")),
        (Kind::YesNo, Value::Bool(value)) => Ok(Value::Bool(value)),
        (Kind::YesNo, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        (Kind::YesNo, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        (Kind::YesNo, _) => Err(wrong("true or false")),
        (Kind::Parts, Value::Object(all)) => {
            let is_fine = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() <= 256);
            let all: Map<_, _> = all.into_iter().filter(|(_, value)| !value.is_null()).collect();
            if all.values().all(is_fine) { Ok(Value::Object(all)) } else { Err(wrong("an object of texts")) }
        }
        (Kind::Parts, _) => Err(wrong("an object of texts")),
        (Kind::List, value) => {
            let all = match value {
                Value::Array(all) => all,
                one @ Value::Object(_) => vec![one],
                _ => return Err(wrong("a list of objects")),
            };
            let has_value = |one: &Value| one.get("value").is_some_and(Value::is_string);
            if all.iter().all(has_value) {
                Ok(Value::Array(all))
            } else {
                Err(wrong("a list of objects with `value`"))
            }
        }
    }
}

fn act(resource: &mut Map<String, Value>, op: &str, path: &Path, value: Value) -> Result<(), Fault> {
    match (path.kind, op) {
        (Kind::List, _) => act_on_list(resource, op, path, value),
        // It has a value in any case, and whoever is out is not let in by its being gone.
        (Kind::YesNo, "remove") => {
            Err(Fault::bad("mutability", format!("`{}` can't be removed", path.attribute)))
        }
        (_, "remove") => {
            match (&path.part, resource.get_mut(path.attribute)) {
                (Some(part), Some(Value::Object(parts))) => drop(parts.remove(part)),
                (Some(_), _) => {}
                (None, _) => drop(resource.remove(path.attribute)),
            }
            Ok(())
        }
        (Kind::Parts, _) => {
            let new = match &path.part {
                Some(part) => json!({ part: value }),
                None => value,
            };
            let Value::Object(new) = checked(path.attribute, Kind::Parts, new)? else { return Ok(()) };
            let old = resource.entry(path.attribute).or_insert_with(|| json!({}));
            if let Value::Object(old) = old {
                if op == "replace" && path.part.is_none() {
                    old.clear();
                }
                old.extend(new);
            }
            Ok(())
        }
        _ => {
            let value = checked(path.attribute, path.kind, value)?;
            resource.insert(path.attribute.to_owned(), value);
            Ok(())
        }
    }
}

fn act_on_list(resource: &mut Map<String, Value>, op: &str, path: &Path, value: Value) -> Result<(), Fault> {
    let old = resource.entry(path.attribute).or_insert_with(|| json!([]));
    let Value::Array(old) = old else { return Ok(()) };
    let fits = |one: &Value| path.only.as_ref().is_none_or(|(part, wanted)| find(one, part) == Some(wanted));
    let is_value = |one: &Value, other: &Value| one.get("value") == other.get("value");
    match (op, &path.part) {
        ("remove", Some(part)) => {
            for one in old.iter_mut().filter(|one| fits(one)) {
                one.as_object_mut().map(|one| one.remove(part));
            }
            old.retain(|one| one.get("value").is_some());
        }
        ("remove", None) if path.only.is_none() && !value.is_null() => {
            let Value::Array(gone) = checked(path.attribute, Kind::List, value)? else { return Ok(()) };
            old.retain(|one| !gone.iter().any(|gone| is_value(one, gone)));
        }
        ("remove", None) => old.retain(|one| !fits(one)),
        (_, Some(part)) => {
            let mut is_there = false;
            for one in old.iter_mut().filter(|one| fits(one)) {
                one[part] = value.clone();
                is_there = true;
            }
            if !is_there {
                // One that is not there yet is made with what it was looked for by.
                let mut one = json!({ part: value });
                if let Some((of, wanted)) = &path.only {
                    one[of] = wanted.clone();
                }
                old.push(one);
            }
            let all = Value::Array(std::mem::take(old));
            let Value::Array(all) = checked(path.attribute, Kind::List, all)? else { return Ok(()) };
            *old = all;
        }
        (_, None) => {
            let Value::Array(new) = checked(path.attribute, Kind::List, value)? else { return Ok(()) };
            if op == "replace" {
                old.retain(|one| path.only.is_some() && !fits(one));
            }
            for one in new {
                old.retain(|known| !is_value(known, &one));
                old.push(one);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(shape: &Shape, before: &Value, operations: &Value) -> Result<Value, Fault> {
        let before = before.as_object().expect("an object").clone();
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        shape.patched(before, &body).map(Value::Object)
    }

    #[test]
    fn directories_are_understood_as_they_write() {
        let lin =
            json!({ "userName": "lin", "active": true, "emails": [{ "value": "a@b", "type": "work" }] });
        for (why, operations) in [
            ("Entra ID", json!([{ "op": "Replace", "path": "active", "value": "False" }])),
            ("Okta", json!([{ "op": "replace", "value": { "active": false } }])),
            (
                "by its schema",
                json!([{ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false }]),
            ),
            ("add", json!([{ "op": "add", "value": { "ACTIVE": "false", "title": "x" } }])),
        ] {
            let after = patched(&OF_USER, &lin, &operations).expect(why);
            assert_eq!((&after["active"], &after["userName"]), (&json!(false), &json!("lin")), "{why}");
        }
        let after = patched(
            &OF_USER,
            &lin,
            &json!([
                { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "c@d" },
                { "op": "Add", "path": "emails[type eq \"home\"].value", "value": "e@f" },
                { "op": "Add", "path": "name.givenName", "value": "Lin" },
                { "op": "Add", "value": { "name.familyName": "Li", "displayName": "Lin Li" } },
            ]),
        )
        .expect("they are understood");
        assert_eq!(
            after["emails"],
            json!([{ "value": "c@d", "type": "work" }, { "value": "e@f", "type": "home" }])
        );
        assert_eq!(
            (&after["name"], &after["displayName"]),
            (&json!({ "givenName": "Lin", "familyName": "Li" }), &json!("Lin Li"))
        );
        let after = patched(
            &OF_USER,
            &after,
            &json!([
                { "op": "remove", "path": "name.givenName" }, { "op": "remove", "path": "displayName" },
                { "op": "remove", "path": "emails[value eq \"e@f\"]" },
            ]),
        )
        .expect("they are understood");
        assert_eq!((&after["name"], after.get("displayName")), (&json!({ "familyName": "Li" }), None));
        assert_eq!(after["emails"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn members_come_and_go() {
        let group = json!({ "displayName": "lab", "members": [{ "value": "1" }, { "value": "2" }] });
        let members = |operations: Value| {
            let after = patched(&OF_GROUP, &group, &operations).expect("it is understood");
            let all = after["members"].as_array().expect("members").iter();
            all.map(|one| one["value"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            members(
                json!([{ "op": "Add", "path": "members", "value": [{ "value": "3" }, { "value": "1" }] }])
            ),
            ["2", "3", "1"]
        );
        assert_eq!(
            members(json!([{ "op": "Remove", "path": "members", "value": [{ "value": "1" }] }])),
            ["2"]
        );
        assert_eq!(members(json!([{ "op": "remove", "path": "members[value eq \"2\"]" }])), ["1"]);
        assert_eq!(
            members(json!([{ "op": "replace", "path": "members", "value": [{ "value": "9" }] }])),
            ["9"]
        );
        assert_eq!(members(json!([{ "op": "replace", "value": { "members": [] } }])), Vec::<String>::new());
        assert_eq!(members(json!([{ "op": "remove", "path": "members" }])), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let lin = || json!({ "userName": "lin", "active": true });
        for (kind, operations) in [
            ("invalidSyntax", json!([])),
            ("invalidSyntax", json!([{ "op": "move", "path": "active" }])),
            ("invalidSyntax", json!({})),
            ("invalidPath", json!([{ "op": "replace", "path": "title", "value": "x" }])),
            ("invalidPath", json!([{ "op": "replace", "path": "userName.first", "value": "x" }])),
            (
                "invalidPath",
                json!([{ "op": "replace", "path": "emails[type ne \"work\"].value", "value": "x" }]),
            ),
            ("invalidPath", json!([{ "op": "replace", "path": "active[value eq true]", "value": true }])),
            ("noTarget", json!([{ "op": "remove" }])),
            ("mutability", json!([{ "op": "remove", "path": "active" }])),
            ("invalidValue", json!([{ "op": "replace", "path": "active", "value": "perhaps" }])),
            ("invalidValue", json!([{ "op": "replace", "path": "userName", "value": 7 }])),
            ("invalidValue", json!([{ "op": "replace", "path": "emails", "value": "a@b" }])),
            ("invalidValue", json!([{ "op": "add", "value": "x" }])),
        ] {
            let refused = patched(&OF_USER, &lin(), &operations).expect_err("it is refused");
            assert_eq!(refused.kind, Some(kind), "{operations}: {}", refused.detail);
        }
        let body = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
        assert!(OF_USER.patched(Map::new(), &body).is_err(), "no schema");
    }
}
