//! What the documents promise is tested: each row of `docs/promises.tsv` has a sentence as it stands in a document, and the
//! tests that fail were it untrue. Each section of a document that people go by has a row.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{assert_none, sources};

const TABLE: &str = "docs/promises.tsv";
/// Documents for those who change the program. They promise nothing to those who use it.
const OF_BUILDERS: &[&str] = &["docs/DEPENDENCIES.md", "docs/adding-a-noun.md", "docs/testing.md"];
/// A document of both kinds: its rows are looked at, and not whether each section has one.
const OF_BOTH: &str = "ARCHITECTURE.md";
/// What stands in the place of tests where a section promises nothing, before the reason.
const NONE: &str = "none: ";
/// A shorter part of a sentence says too little about which one is meant.
const FEWEST_WORDS: usize = 6;

/// A row of the table, split at its tabs.
struct Row<'a> {
    line: usize,
    document: &'a str,
    sentence: &'a str,
    tests: &'a str,
}

/// A heading, and what is under it up to the next one, with single spaces between words.
struct Section {
    heading: String,
    body: String,
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sections(page: &str) -> Vec<Section> {
    let mut found: Vec<(String, String)> = vec![(String::new(), String::new())];
    let mut is_fenced = false;
    for line in page.lines() {
        is_fenced ^= line.trim_start().starts_with("```");
        if line.starts_with('#') && !is_fenced {
            found.push((line.to_owned(), String::new()));
        } else {
            let (_, body) = found.last_mut().expect("there is one");
            body.push_str(line);
            body.push('\n');
        }
    }
    let section = |(heading, body): (String, String)| Section { heading, body: fold(&body) };
    found.into_iter().map(section).filter(|section| !section.body.is_empty()).collect()
}

fn rows<'a>(table: &'a str, faults: &mut Vec<String>) -> Vec<Row<'a>> {
    let mut found = Vec::new();
    for (at, text) in table.lines().enumerate().filter(|(_, text)| !text.starts_with('#')) {
        let line = at + 1;
        match *text.split('\t').collect::<Vec<_>>() {
            [document, sentence, tests] if !tests.is_empty() => {
                found.push(Row { line, document, sentence, tests });
            }
            _ => faults.push(format!("{TABLE}:{line}: write three columns with tabs between them")),
        }
    }
    found
}

/// What is wrong with a test that is named as `path/of/file.rs name`.
fn fault_of_test(named: &str, file: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let Some((path, name)) = named.split_once(' ') else {
        return Some(format!("`{named}` is no test: write its file, a space and its name"));
    };
    let Some(text) = file(path) else { return Some(format!("there is no file {path}")) };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_python = path.strip_suffix(".py").is_some();
    let declared = if is_python { format!("def {name}(") } else { format!("fn {name}(") };
    let is_declared = |line: &&str| line.strip_prefix("async ").unwrap_or(line).starts_with(&declared);
    let Some(at) = lines.iter().position(is_declared) else {
        return Some(format!("{path} has no test {name}"));
    };
    let above = lines[..at].iter().rev();
    let attributes: Vec<&&str> = above
        .take_while(|line| line.starts_with('#') || line.starts_with("//") || line.starts_with('@'))
        .collect();
    let has = |start: &str| attributes.iter().any(|line| line.starts_with(start));
    let is_test = if is_python { name.starts_with("test_") } else { has("#[test]") || has("#[tokio::test") };
    if !is_test {
        return Some(format!("{name} in {path} is no test"));
    }
    let is_left_out = has("#[ignore") || has("#[cfg") || has("@unittest.skip");
    is_left_out.then(|| format!("{name} in {path} does not run with all tests"))
}

/// All that is wrong with the table. `pages` are the documents by their names; `file` reads a file of the tree.
fn faults(
    table: &str,
    pages: &BTreeMap<String, String>,
    file: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let rows = rows(table, &mut faults);
    let pages: BTreeMap<&str, Vec<Section>> =
        pages.iter().map(|(name, text)| (name.as_str(), sections(text))).collect();
    // By document and heading: whether the section promises something.
    let mut seen: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    let mut sentences = BTreeSet::new();
    for row in &rows {
        let mut fault = |what: String| faults.push(format!("{TABLE}:{}: {what}", row.line));
        let (document, sentence) = (row.document, row.sentence);
        let Some(sections) = pages.get(document) else {
            fault(format!("{document} is no document that promises"));
            continue;
        };
        if !sentences.insert((document, sentence)) {
            fault(format!("\"{sentence}\" has a row already"));
        }
        let promises = !row.tests.starts_with(NONE);
        let of_sentence: Vec<&Section> = if promises {
            sections.iter().filter(|section| section.body.contains(sentence)).collect()
        } else {
            sections.iter().filter(|section| section.heading == sentence).collect()
        };
        match *of_sentence {
            [] => fault(format!("{document} does not say \"{sentence}\" any more")),
            [section] => {
                let before = seen.insert((document, &section.heading), promises);
                if before.is_some_and(|before| before != promises) {
                    fault(format!(
                        "\"{}\" promises something, and is said to promise nothing",
                        section.heading
                    ));
                }
            }
            _ => fault(format!("{document} says \"{sentence}\" in several sections: quote more of it")),
        }
        if promises {
            if sentence.split_whitespace().count() < FEWEST_WORDS {
                fault(format!("\"{sentence}\" is short: quote {FEWEST_WORDS} words or more"));
            }
            row.tests.split("; ").filter_map(|test| fault_of_test(test, &file)).for_each(fault);
        }
    }
    for (name, sections) in pages.iter().filter(|(name, _)| **name != OF_BOTH) {
        for section in sections {
            if !seen.contains_key(&(*name, section.heading.as_str())) {
                let heading = &section.heading;
                faults.push(format!(
                    "{name}: \"{heading}\" has no row in {TABLE}: add its sentences with their tests, or the heading with \
                     \"{NONE}\" and why"
                ));
            }
        }
    }
    faults
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

/// The documents in English, but those for builders.
fn pages() -> BTreeMap<String, String> {
    let in_docs = sources::files(&root().join("docs"));
    let names =
        in_docs.iter().filter_map(|path| path.file_name()?.to_str()).map(|name| format!("docs/{name}"));
    let is_wanted = |name: &String| {
        let english = name.strip_suffix(".md").filter(|name| name.strip_suffix(".zh").is_none());
        english.is_some() && !OF_BUILDERS.contains(&name.as_str())
    };
    let all = names.filter(is_wanted).chain(["README.md".to_owned(), OF_BOTH.to_owned()]);
    all.map(|name| (name.clone(), read(&name).expect("the document is there"))).collect()
}

#[test]
fn what_the_documents_promise_is_tested() {
    let table = read(TABLE).expect("the table is there");
    assert_none(&faults(&table, &pages(), read));
}

/// The names of tests in the last column of a table whose head is `head`.
fn named_in_last_column<'a>(page: &'a str, head: &str) -> Vec<&'a str> {
    let rows = page.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    let last = rows.filter_map(|row| row.trim_end_matches('|').rsplit(" | ").next());
    let words = last.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let is_name = |word: &&str| word.contains('_') && !word.contains(['.', '/', ' ']);
    words.filter(is_name).collect()
}

#[test]
fn the_tests_of_the_invariants_are_there() {
    let page = read(OF_BOTH).expect("the document is there");
    let named = named_in_last_column(&page, "| rule | kept in | fails without it |");
    assert!(named.len() > 30, "the table is not where it was: {named:?}");
    let all: Vec<sources::Source> =
        sources::crates().iter().flat_map(|folder| sources::with_extensions(folder, &["rs"])).collect();
    let is_there = |name: &&str| {
        // One is made by a macro, beside what it is about.
        all.iter().any(|source| source.text.contains(&format!("fn {name}(")))
    };
    let missing = named.into_iter().filter(|name| !is_there(name));
    assert_none(&missing.map(|name| format!("{OF_BOTH}: there is no test {name}")).collect::<Vec<_>>());
}

/// The parts of messages in the first column of the guide's tables about faults: what stands between their gaps.
fn parts_of_messages(page: &str) -> Vec<&str> {
    let heads = ["| message | what to do |", "| what is seen | what to do |"];
    let tables = heads.into_iter().flat_map(|head| {
        let rows = page.lines().skip_while(move |line| *line != head).skip(2);
        rows.take_while(|line| line.starts_with('|'))
    });
    let cells = tables.filter_map(|row| row.split(" | ").next());
    let messages = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let parts = messages.flat_map(|message| message.split(['…', ':'])).map(str::trim);
    parts.filter(|part| part.split_whitespace().count() > 2).collect()
}

#[test]
fn the_messages_that_the_guide_explains_are_those_of_the_program() {
    let page = read("docs/operators.md").expect("the guide is there");
    let parts = parts_of_messages(&page);
    assert!(parts.len() > 25, "the tables are not where they were: {parts:?}");
    let of_program = |folder: &PathBuf| sources::with_extensions(&folder.join("src"), &["rs"]);
    // A text that goes on in the next line of a source is one text.
    let text = |source: sources::Source| fold(&source.text.replace("\\\n", " "));
    let all: Vec<String> = sources::crates().iter().flat_map(of_program).map(text).collect();
    let missing = parts.iter().filter(|part| !all.iter().any(|text| text.contains(**part)));
    assert_none(
        &missing.map(|part| format!("docs/operators.md: no message says \"{part}\"")).collect::<Vec<_>>(),
    );
    let made_up = "| message | what to do |\n|---|---|\n| `failed to read the … file: no such thing here` | `look for it` |\n";
    assert_eq!(parts_of_messages(made_up), ["failed to read the", "no such thing here"]);
}

const PAGE: &str = "# A\n\nA run that ends is told to all who\nwait for it. Nothing else is told.\n\n## B\n\n\
                    ```sh\n# no heading\n```\n\n| `key` | how many of them there may be |\n\n## C\n\nWhat words mean.\n";
const TESTS: &str = "#[test]\nfn it_is_told() {}\n\n/// Why.\n#[test]\n#[ignore = \"long\"]\nfn it_is_left_out() {}\n\n\
                     fn no_test() {}\n\n#[tokio::test]\n#[allow(x)]\nasync fn it_waits() {}\n";
const ROWS: &str = "# document, sentence, tests\n\
                    a.md\tA run that ends is told to all who wait for it.\tt.rs it_is_told; t.rs it_waits\n\
                    a.md\t| `key` | how many of them there may be |\tt.py test_counts\n\
                    a.md\t## C\tnone: it says what words mean\n";

/// The faults of a table about [`PAGE`].
fn made_up(table: &str) -> Vec<String> {
    let pages = BTreeMap::from([("a.md".to_owned(), PAGE.to_owned())]);
    faults(table, &pages, |path| match path {
        "t.rs" => Some(TESTS.to_owned()),
        "t.py" => Some("class A:\n    def test_counts(self):\n\n    def helper(self):\n".to_owned()),
        _ => None,
    })
}

#[test]
fn what_is_not_so_in_a_table_of_promises_is_found() {
    assert_eq!(made_up(ROWS), Vec::<String>::new());
    for (from, to, told) in [
        ("is told to all", "was told to all", ":2: a.md does not say"),
        ("a.md\tA run", "b.md\tA run", ":2: b.md is no document"),
        (
            "A run that ends is told to all who wait for it.",
            "A run that ends is",
            ":2: \"A run that ends is\" is short",
        ),
        ("A run that ends is told to all who wait for it.", "a", "in several sections"),
        ("t.rs it_is_told", "u.rs it_is_told", ":2: there is no file u.rs"),
        ("it_waits", "it_wait", ":2: t.rs has no test it_wait"),
        ("it_waits", "no_test", ":2: no_test in t.rs is no test"),
        ("it_waits", "it_is_left_out", ":2: it_is_left_out in t.rs does not run"),
        ("t.rs it_waits", "it_waits", ":2: `it_waits` is no test"),
        ("test_counts", "helper", ":3: helper in t.py is no test"),
        ("\tt.py test_counts", "", ":3: write three columns"),
        ("a.md\t## C\tnone: it says what words mean\n", "", "a.md: \"## C\" has no row"),
        ("## C\tnone", "## D\tnone", ":4: a.md does not say \"## D\""),
        ("## C\tnone", "## B\tnone", ":4: \"## B\" promises something"),
        (
            "a.md\t## C",
            "a.md\tA run that ends is told to all who wait for it.\tt.rs it_is_told\na.md\t## C",
            ":4: \"A run",
        ),
    ] {
        let found = made_up(&ROWS.replacen(from, to, 1));
        assert!(found.iter().any(|fault| fault.contains(told)), "{told}: {found:#?}");
    }
    let page = "| a | b |\n| rule | kept in | fails without it |\n|---|---|---|\n| `x_y` | `z_z` | `it_is` in `a_b.rs` |\n\nno";
    assert_eq!(named_in_last_column(page, "| rule | kept in | fails without it |"), ["it_is"]);
}
