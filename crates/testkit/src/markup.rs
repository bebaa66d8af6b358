//! Reads a page as strictly as nobody else does: what a browser would mend in silence is a mistake here.

use std::collections::{BTreeMap, BTreeSet};

/// Elements without content.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "path", "source"];

/// Attributes whose text a page shows to its readers or has read out.
const SPOKEN: [&str; 5] = ["alt", "aria-label", "data-label", "placeholder", "title"];

/// A page that was read.
#[derive(Debug, Default)]
pub struct Read {
    /// Each piece of text between tags, and each attribute that is read out.
    pub said: Vec<String>,
    ids: BTreeSet<String>,
    /// Ids that something on the page points to.
    wanted: BTreeSet<String>,
}

/// Reads a whole page or a part of one.
pub fn read(html: &str) -> Result<Read, String> {
    let mut read = Read::default();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        read.say(&text(&rest[..at])?);
        let inside = &rest[at + 1..];
        if let Some(closing) = inside.strip_prefix('/') {
            let (name, after) = closing.split_once('>').ok_or("a closing tag is not closed")?;
            let last = open.pop();
            if last != Some(name) {
                return Err(format!("</{name}> closes {last:?}, in {open:?}"));
            }
            rest = after;
            continue;
        }
        if let Some(after) = inside.strip_prefix("!doctype html>") {
            rest = after;
            continue;
        }
        if let Some(comment) = inside.strip_prefix("!--") {
            rest = comment.split_once("-->").ok_or("a comment is not closed")?.1;
            continue;
        }
        let (tag, after) = split_tag(inside)?;
        let (tag, is_closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split_whitespace().next().unwrap_or_default();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return Err(format!("<{name} is no element"));
        }
        read.take_attributes(name, attributes(&tag[name.len()..])?)?;
        if !is_closed && !VOID.contains(&name) {
            open.push(name);
        }
        rest = after;
    }
    read.say(&text(rest)?);
    if let Some(twice) = read.said.iter().find(|said| has_unit_twice(said)) {
        return Err(format!("an amount has its unit twice: {twice}"));
    }
    if !open.is_empty() {
        return Err(format!("never closed: {open:?}"));
    }
    let missing: Vec<&String> = read.wanted.difference(&read.ids).collect();
    if missing.is_empty() { Ok(read) } else { Err(format!("no element has the id {missing:?}")) }
}

/// Up to the `>` that ends a tag: one in an attribute's value does not.
fn split_tag(inside: &str) -> Result<(&str, &str), String> {
    let mut is_quoted: Option<char> = None;
    for (at, c) in inside.char_indices() {
        match (is_quoted, c) {
            (None, '"' | '\'') => is_quoted = Some(c),
            (Some(quote), c) if quote == c => is_quoted = None,
            (None, '>') => return Ok((&inside[..at], &inside[at + 1..])),
            (None, '<') => break,
            _ => {}
        }
    }
    Err(format!("a tag is not closed: <{}", inside.chars().take(60).collect::<String>()))
}

/// Names with their values, each name once.
fn attributes(mut rest: &str) -> Result<BTreeMap<&str, String>, String> {
    let mut found = BTreeMap::new();
    loop {
        let trimmed = rest.trim_start();
        if trimmed.is_empty() {
            return Ok(found);
        }
        if trimmed.len() == rest.len() {
            return Err(format!("no space before {trimmed}"));
        }
        let end = trimmed.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(trimmed.len());
        let (name, after) = trimmed.split_at(end);
        let value;
        (value, rest) = match after.strip_prefix('=') {
            Some(value) => {
                let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
                let quote = quote.ok_or_else(|| format!("{name} has no quotes"))?;
                value[1..].split_once(quote).ok_or_else(|| format!("{name} is not closed"))?
            }
            None => ("", after),
        };
        if found.insert(name, text(value)?).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
}

/// Text with its entities resolved. An ampersand that begins none is a mistake.
fn text(raw: &str) -> Result<String, String> {
    let mut parts = raw.split('&');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, after) = part.split_once(';').ok_or_else(|| format!("a bare & before {part}"))?;
        text.push(match entity {
            "amp" | "#38" => '&',
            "lt" | "#60" => '<',
            "gt" | "#62" => '>',
            "quot" | "#34" => '"',
            "#39" => '\'',
            other => return Err(format!("&{other}; is not known")),
        });
        text.push_str(after);
    }
    Ok(text)
}

impl Read {
    fn say(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.said.push(text.trim().to_owned());
        }
    }

    fn take_attributes(&mut self, element: &str, all: BTreeMap<&str, String>) -> Result<(), String> {
        for (name, value) in all {
            match name {
                "id" if !self.ids.insert(value.clone()) => return Err(format!("two elements are {value}")),
                "for" | "aria-labelledby" => drop(self.wanted.insert(value)),
                "href" if value.starts_with('#') && element == "a" => {
                    self.wanted.insert(value[1..].to_owned());
                }
                name if SPOKEN.contains(&name) => self.say(&value),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether an amount that begins with its sign has a word for the same unit behind it.
fn has_unit_twice(said: &str) -> bool {
    said.split('¥').skip(1).any(|amount| {
        let is_of_number = |c: char| c.is_ascii_digit() || ".,-".contains(c) || c.is_whitespace();
        let behind = amount.trim_start_matches(is_of_number);
        behind.len() < amount.len() && ["yuan", "CNY", "元"].iter().any(|unit| behind.starts_with(unit))
    })
}

#[test]
fn mistakes_are_found() {
    for (wrong, said) in [
        ("<p>at most ¥ 500,000.00 yuan</p>", "unit twice"),
        ("<p>上限 ¥500 元。</p>", "unit twice"),
        ("<p>", "never closed"),
        ("<p><b></p></b>", "</p> closes Some(\"b\")"),
        ("<p class=x>", "no quotes"),
        ("<p class=\"x\"id=\"y\"></p>", "no space"),
        ("<p class=\"x\" class=\"y\"></p>", "twice"),
        ("<p", "not closed"),
        ("a & b", "bare &"),
        ("<a href=\"#x\"></a>", "no element has the id"),
        ("<i id=\"x\"></i><i id=\"x\"></i>", "two elements"),
    ] {
        let error = read(wrong).expect_err(wrong);
        assert!(error.contains(said), "{wrong}: {error}");
    }
    let page =
        read("<p title=\"a &lt; b\">c &#38; d<br>e</p><svg><use href=\"x\"/></svg>").expect("it is right");
    assert_eq!(page.said, ["a < b", "c & d", "e"]);
}
