//! The scanner on made-up trees.

use crate::{circles::circles, modules::Crate, sources::Source};

/// The files of a crate, with their texts.
fn tree(files: &[(&str, &str)]) -> Vec<Source> {
    let source = |(path, text): &(&str, &str)| Source { path: format!("src/{path}"), text: (*text).into() };
    files.iter().map(source).collect()
}

/// The needs as `from -> to`, without `src/`.
fn needs(files: &[(&str, &str)]) -> Vec<String> {
    let short = |path: &str| path.trim_start_matches("src/").to_owned();
    let needs = Crate::new(&tree(files)).needs().into_iter();
    let mut told: Vec<String> =
        needs.map(|need| format!("{} -> {}", short(&need.from), short(&need.to))).collect();
    told.sort();
    told.dedup();
    told
}

const LIB: &str = "mod a;\nmod b;\nmod c;\n";

#[test]
fn a_circle_of_two_is_found_with_its_lines() {
    let found = circles(&tree(&[
        ("lib.rs", LIB),
        ("a.rs", "\nuse crate::b::B;\npub struct A(B);\n"),
        ("b.rs", "pub struct B;\n\n\nfn f(a: super::a::A) {}\n"),
        ("c.rs", "use crate::a::A;\n"),
    ]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("a circle of 2 files"), "{}", found[0]);
    assert!(found[0].contains("src/a.rs:2: `crate::b::B` is in src/b.rs"), "{}", found[0]);
    assert!(found[0].contains("src/b.rs:4: `super::a::A` is in src/a.rs"), "{}", found[0]);
    assert!(!found[0].contains("c.rs"), "{}", found[0]);
}

#[test]
fn a_circle_of_three_is_one_circle() {
    let found = circles(&tree(&[
        ("lib.rs", LIB),
        ("a.rs", "use crate::{b::{self, B}};\nfn f() { b::g() }\n"),
        ("b.rs", "pub struct B; pub fn g() -> crate::c::C { crate::c::C }\n"),
        ("c.rs", "use super::a::f; pub struct C;\n"),
    ]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("a circle of 3 files"), "{}", found[0]);
}

#[test]
fn comments_texts_and_tests_are_no_needs() {
    let found = needs(&[
        ("lib.rs", LIB),
        ("a.rs", "use crate::b::B;\npub struct A(B);\n"),
        (
            "b.rs",
            "//! Such as this:\n//! ```\n//! use crate::a::A;\n//! ```\n\
             /// use crate::a::A;\npub struct B; // crate::a::A\n/* use crate::a::A; */\n\
             const TEXT: &str = \"use crate::a::A;\"; const RAW: &str = r#\"\nuse crate::a::A;\n\"#;\n\
             #[cfg(test)]\nuse crate::a::A;\n\
             #[cfg(all(test, unix))]\nmod tests {\n use crate::a::A;\n}\n\
             #[cfg(test)]\nmod more;\n",
        ),
        ("b/more.rs", "use crate::a::A;\n"),
        ("b/more/still.rs", "use crate::a::A;\n"),
        ("c.rs", ""),
    ]);
    assert_eq!(found, ["a.rs -> b.rs"]);
}

#[test]
fn code_that_is_not_for_tests_alone_counts() {
    let found = needs(&[
        ("lib.rs", LIB),
        ("a.rs", "pub struct A;\npub struct B;\n"),
        ("b.rs", "#[cfg(not(test))]\nuse crate::a::A;\n#[cfg(test)]\nfn f() {}\n"),
        ("c.rs", "#[cfg(test)]\nuse crate::b::f;\nmacro_rules! m { () => { $crate::a::B } }\n"),
    ]);
    assert_eq!(found, ["b.rs -> a.rs", "c.rs -> a.rs"]);
}

#[test]
fn folders_are_modules() {
    let files = [
        ("lib.rs", "mod app;\nmod store;\n"),
        ("app/mod.rs", "mod jobs;\npub mod runs;\n"),
        ("app/jobs.rs", "mod listing;\nuse super::runs::Run;\nuse self::listing::List;\n"),
        ("app/jobs/listing.rs", "use super::super::runs::Run;\npub struct List(crate::store::Row);\n"),
        ("app/runs.rs", "pub struct Run;\n"),
        ("store.rs", "pub mod inner { pub struct Deep(super::super::app::runs::Run); }\npub struct Row;\n"),
    ];
    assert_eq!(
        needs(&files),
        [
            "app/jobs.rs -> app/jobs/listing.rs",
            "app/jobs.rs -> app/runs.rs",
            "app/jobs/listing.rs -> app/runs.rs",
            "app/jobs/listing.rs -> store.rs",
            "store.rs -> app/runs.rs",
        ]
    );
    assert_eq!(circles(&tree(&files)), [""; 0]);
}

#[test]
fn a_parent_that_declares_its_modules_and_hands_on_their_names_needs_none_of_them() {
    let files = [
        ("lib.rs", "mod id;\nmod time;\npub use id::{Id, Kind as Sort};\npub use time::*;\n"),
        ("id.rs", "use crate::Timestamp;\npub struct Id(Timestamp);\npub enum Kind {}\n"),
        ("time.rs", "pub struct Timestamp;\nfn of(kind: crate::Sort) {}\n"),
    ];
    // By the names that `lib.rs` hands on, the files need each other, and not `lib.rs`.
    assert_eq!(needs(&files), ["id.rs -> time.rs", "time.rs -> id.rs"]);
}

#[test]
fn a_parent_and_a_child_that_need_each_other_are_a_circle() {
    let found = circles(&tree(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "mod part;\nuse part::Part;\npub struct A(Part);\n"),
        ("a/part.rs", "use super::A;\npub struct Part;\n"),
        ("b.rs", "mod part;\npub struct B;\nfn f() { part::g() }\n"),
        ("b/part.rs", "pub fn g() -> super::B { super::B }\n"),
    ]));
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn names_of_other_crates_are_no_needs() {
    let found = needs(&[
        ("lib.rs", "pub use domain::time;\nmod a;\nmod b;\n"),
        (
            "a.rs",
            "use ::b::B;\nuse store::b;\nfn f(x: Vec<u8>) { b::get(); x.b::<u8>(); std::b::get(); crate::time::now() }\n",
        ),
        (
            "b.rs",
            "pub(in crate::a) struct B;\nfn f() -> impl Iterator<Item = u8> + use<> { [].into_iter() }\n",
        ),
    ]);
    assert_eq!(found, [""; 0]);
}
