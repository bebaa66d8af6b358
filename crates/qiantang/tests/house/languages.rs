//! The manuals say the same in both languages: each has the same outline, and what is no prose stands in both.

use std::{fs, path::Path};

use crate::assert_none;

/// The manuals that are kept in both languages, by their names without `.md` and `.zh.md`, from the root of the project.
const IN_BOTH: &[&str] = &["README", "docs/applicants", "docs/operators", "docs/tenants"];

/// The part of a page under one heading: what both languages must have alike.
#[derive(Debug, Default)]
struct Section {
    heading: String,
    level: usize,
    line: usize,
    /// What [`code`] keeps of each line of code.
    code: Vec<String>,
    /// The names of code in the first column of each row of its tables.
    rows: Vec<Vec<String>>,
    items: usize,
}

fn page(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between backticks, without words in other letters than ASCII, in alphabetical order.
fn names(cell: &str) -> Vec<String> {
    let names = cell.split('`').skip(1).step_by(2);
    let mut names: Vec<_> = names.filter(|name| name.is_ascii()).map(str::to_owned).collect();
    names.sort();
    names
}

/// The command and the options of a line that calls a program, or the key of a setting. Names of people, reasons and
/// comments are in the language of the page.
fn code(line: &str) -> Option<String> {
    let line = line.split(" #").next().unwrap_or_default().trim();
    let words: Vec<&str> = line.split_whitespace().collect();
    match *words.as_slice() {
        ["qiantang" | "cargo" | "curl" | "promtool" | "systemctl" | "dpkg", ..] => {
            let at_first = words.iter().take(3).take_while(|word| word.is_ascii());
            let options = words.iter().skip(3).filter(|word| word.starts_with("--"));
            Some(at_first.chain(options).copied().collect::<Vec<_>>().join(" "))
        }
        [key, "=", ..] => Some(key.to_owned()),
        _ => None,
    }
}

fn sections(text: &str) -> Vec<Section> {
    let mut found = vec![Section::default()];
    let mut is_fenced = false;
    for (at, line) in text.lines().enumerate() {
        let section = found.last_mut().expect("there is one");
        if line.starts_with("```") {
            is_fenced = !is_fenced;
        } else if is_fenced || line.starts_with("    ") {
            section.code.extend(code(line));
        } else if line.starts_with('#') {
            let level = line.len() - line.trim_start_matches('#').len();
            found.push(Section { heading: line.to_owned(), level, line: at + 1, ..Section::default() });
        } else if let Some(row) = line.strip_prefix('|') {
            section.rows.push(names(row.split(" |").next().unwrap_or_default()));
        } else if line.starts_with("- ") {
            section.items += 1;
        }
    }
    found
}

/// Where two pages differ, in words of the page in Chinese.
fn differences(name: &str, english: &str, chinese: &str) -> Vec<String> {
    let (english, chinese) = (sections(english), sections(chinese));
    let mut faults = Vec::new();
    for (one, other) in english.iter().zip(&chinese) {
        let mut fault = |what: String| {
            let (line, heading) = (other.line, &other.heading);
            faults.push(format!("{name}.zh.md:{line}: {heading}, beside {}: {what}", one.heading));
        };
        if one.level != other.level {
            fault("the outline differs from here on".to_owned());
            return faults;
        }
        if one.items != other.items {
            fault(format!("{} items of a list in place of {}", other.items, one.items));
        }
        if one.code != other.code {
            let lacks = one.code.iter().find(|line| !other.code.contains(line));
            let more = other.code.iter().find(|line| !one.code.contains(line));
            fault(format!("the code differs: lacks {lacks:?}, has {more:?}"));
        }
        if one.rows != other.rows {
            let at = one.rows.iter().zip(&other.rows).position(|(one, other)| one != other);
            let rows = (one.rows.len(), other.rows.len());
            let row = at.map(|at| (&one.rows[at], &other.rows[at]));
            fault(format!("a table differs: {rows:?} rows, {row:?}"));
        }
    }
    if english.len() != chinese.len() {
        faults.push(format!("{name}.zh.md: {} headings in place of {}", chinese.len(), english.len()));
    }
    faults
}

#[test]
fn manuals_say_the_same_in_both_languages() {
    let differ =
        |name: &&str| differences(name, &page(&format!("{name}.md")), &page(&format!("{name}.zh.md")));
    let faults: Vec<String> = IN_BOTH.iter().flat_map(differ).collect();
    assert_none(&faults);
}

#[test]
fn what_one_language_lacks_is_found() {
    let english = "# A\n\n| `a` | b |\n| `c` | d |\n\n    qiantang run it  # now\n\n## B\n\n- one\n- two\n";
    let chinese =
        "# 甲\n\n| `a` | 乙 |\n| `c` | 丁 |\n\n    qiantang run it  # 现在\n\n## 乙\n\n- 一\n- 二\n";
    assert!(differences("a", english, chinese).is_empty());
    for (from, to) in [
        ("| `c` | 丁 |\n", ""),
        ("`c`", "`e`"),
        ("run it", "run"),
        ("## 乙", "### 乙"),
        ("- 二\n", ""),
        ("## 乙\n", ""),
    ] {
        assert_ne!(differences("a", english, &chinese.replace(from, to)), Vec::<String>::new(), "{from}");
    }
}
