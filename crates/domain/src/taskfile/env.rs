//! The variables of a task file, each value as the text that was written: `3.10` is no number.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::diagnosis::line_of;
use crate::{
    limits::is_env_name,
    problem::{OptionFault, Place, SpecProblem, TaskFileFault, Wrong},
};

/// Variables in the order in which they stand.
#[derive(Debug, Default)]
pub struct Env(Vec<Entry>);

#[derive(Debug)]
enum Entry {
    /// A name; its value unless that is left out.
    Pair(String, Option<String>),
    /// An item of a list.
    Line(String),
}

impl<'de> Deserialize<'de> for Env {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Env;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with values, or a list of NAME=VALUE")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Env, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Option<String>>()? {
                    entries.push(Entry::Pair(name, value));
                }
                Ok(Env(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Env, A::Error> {
                let mut entries = Vec::new();
                while let Some(line) = list.next_element::<String>()? {
                    entries.push(Entry::Line(line));
                }
                Ok(Env(entries))
            }

            fn visit_unit<E>(self) -> Result<Env, E> {
                Ok(Env::default())
            }
        }

        deserializer.deserialize_any(Entries)
    }
}

impl Env {
    /// The variables; else all that is wrong with them, each with its line in `text`.
    pub fn variables(self, text: &str) -> Result<BTreeMap<String, String>, Vec<SpecProblem>> {
        let (mut variables, mut problems) = (BTreeMap::new(), Vec::new());
        for entry in self.0 {
            let (name, value) = match &entry {
                Entry::Pair(name, value) => (name.as_str(), value.as_deref()),
                Entry::Line(line) => {
                    line.split_once('=').map_or((line.as_str(), None), |(name, value)| (name, Some(value)))
                }
            };
            let key = format!("env.{name}");
            let is_twice = variables.contains_key(name);
            let wrong: Wrong = match (&entry, value) {
                _ if !is_env_name(name) => OptionFault::VariableName { name: name.to_owned() }.into(),
                (Entry::Pair(..), None) => TaskFileFault::EmptyValue { key: key.clone() }.into(),
                (Entry::Line(_), None) => OptionFault::NoVariableValue { name: name.to_owned() }.into(),
                _ if is_twice => TaskFileFault::Repeated { key: key.clone() }.into(),
                (_, Some(value)) => {
                    variables.insert(name.to_owned(), value.to_owned());
                    continue;
                }
            };
            problems.push(SpecProblem::new(Place::Line(line_of(text, &key, is_twice)), wrong));
        }
        if problems.is_empty() { Ok(variables) } else { Err(problems) }
    }
}
