//! A notice in words.

use domain::Lang;
use serde_json::Value;

use super::topic::Topic;
use crate::{events::Kind, page::texts};

/// The topic of that code, among all kinds of events.
pub fn topic(kinds: &[Kind], code: &str) -> Option<&'static Topic> {
    kinds.iter().flat_map(|kind| kind.topics()).find(|topic| topic.code == code)
}

/// All topics, in the order of their kinds.
pub fn topics(kinds: &[Kind]) -> impl Iterator<Item = &'static Topic> {
    kinds.iter().flat_map(|kind| kind.topics())
}

/// What a notice says. One of a topic that is no more says its code.
pub fn line(kinds: &[Kind], lang: Lang, code: &str, data: &Value) -> String {
    match topic(kinds, code) {
        Some(topic) => of_topic(topic, lang, data),
        None => code.to_owned(),
    }
}

/// What an event of a topic says.
pub fn of_topic(topic: &Topic, lang: Lang, data: &Value) -> String {
    let args = args(topic.words, lang, data);
    texts::text(lang, &topic.key(), &pairs(&args))
}

/// What an event says that a program or a group of people follows: by its first topic, or by its kind and the name of what
/// it is about.
pub fn event(kinds: &[Kind], lang: Lang, code: &str, data: &Value) -> String {
    let kind = kinds.iter().find(|kind| kind.code() == code);
    let fits = kind.and_then(|kind| kind.topics().iter().find(|topic| (topic.when)(data)));
    if let Some(topic) = fits {
        return of_topic(topic, lang, data);
    }
    let word = texts::find(lang, &format!("event-{}", code.replace('_', "-")), &[]);
    let word = word.unwrap_or_else(|| code.to_owned());
    let name = ["name", "number", "node", "login", "month", "job"];
    match name.into_iter().find_map(|key| data.get(key).and_then(Value::as_str)) {
        Some(name) if lang == Lang::Zh => format!("{word}：{name}"),
        Some(name) => format!("{word}: {name}"),
        None => word,
    }
}

/// The values of an event's data as texts take them; codes as words.
pub fn args(words: &[(&str, &str)], lang: Lang, data: &Value) -> Vec<(String, String)> {
    let all = data.as_object().into_iter().flatten();
    let text = |key: &str, value: &Value| match value {
        Value::String(text) => {
            let family = words.iter().find(|(name, _)| *name == key).map(|(_, family)| family);
            let word = |family| texts::find(lang, &format!("{family}-{}", text.replace('_', "-")), &[]);
            let exact = |family| texts::find(lang, &format!("{family}-{text}"), &[]);
            Some(
                family
                    .and_then(|family| exact(family).or_else(|| word(family)))
                    .unwrap_or_else(|| text.clone()),
            )
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    all.filter_map(|(key, value)| Some((key.replace('_', "-"), text(key, value)?))).collect()
}

/// Values as the texts take them.
pub fn pairs(args: &[(String, String)]) -> Vec<(&str, &str)> {
    args.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
