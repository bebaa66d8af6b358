//! Whatever may not be there has a word in both languages: the English one is its code, the Chinese one stands in a table.

use std::collections::BTreeSet;

use base::{api::problem::Problem, error::AppError};

use crate::{assert_none, sources};

/// The word that is said of a thing without one.
const NO_WORD: &str = "此项内容";

/// The words between quotes that follow these beginnings, at once or as the second of two arguments.
fn words(text: &str) -> BTreeSet<&str> {
    let is_word = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
    let first = text.split("not_found(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
    let ids = text.split("params::id").skip(1).filter_map(|rest| {
        let call = rest.split(')').next()?;
        call.split_once(", \"").map(|(_, word)| word)
    });
    first.chain(ids).filter_map(|rest| rest.split('"').next()).filter(is_word).collect()
}

#[test]
fn everything_that_may_not_be_there_has_a_word_in_both_languages() {
    let mut all = BTreeSet::new();
    let files: Vec<_> =
        sources::crates().iter().flat_map(|folder| sources::with_extensions(folder, &["rs"])).collect();
    for file in &files {
        if !file.path.contains("/tests/") {
            all.extend(words(&file.text));
        }
    }
    for known in ["budget", "programme", "voucher", "run"] {
        assert!(all.contains(known), "{known} is not found in the sources: {all:?}");
    }
    let chinese = |noun: &'static str| {
        let problem = Problem::from(&AppError::not_found(noun, "x"));
        problem.text.expect("it is told in both").zh
    };
    let bare = all.iter().filter(|noun| chinese(String::from(**noun).leak()).contains(NO_WORD));
    assert_none(&bare.map(|noun| format!("`{noun}` has no word in Chinese")).collect::<Vec<_>>());
    assert!(chinese("no such thing").contains(NO_WORD), "or this looks for the wrong word");
}
