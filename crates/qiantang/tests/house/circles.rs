//! No circles of files: whoever reads a file reads only files that do not need it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    assert_none,
    modules::{Crate, Need},
    sources::{self, Source},
};

/// The files that each file needs, with the first line that needs them.
type Graph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Need>>;

fn graph(needs: &[Need]) -> Graph<'_> {
    let mut graph = Graph::new();
    for need in needs {
        graph.entry(&need.from).or_default().entry(&need.to).or_insert(need);
    }
    graph
}

/// The shortest way from a file back to itself.
fn way_back<'a>(graph: &Graph<'a>, start: &str) -> Option<Vec<&'a Need>> {
    let mut reached_by: BTreeMap<&str, &Need> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for (to, need) in graph.get(at).into_iter().flatten() {
            if reached_by.contains_key(to) {
                continue;
            }
            reached_by.insert(to, need);
            if *to != start {
                queue.push_back(to);
                continue;
            }
            let mut way = vec![*need];
            while way[way.len() - 1].from != start {
                way.push(reached_by[way[way.len() - 1].from.as_str()]);
            }
            way.reverse();
            return Some(way);
        }
    }
    None
}

/// All files that are reached from a file.
fn reach<'a>(graph: &Graph<'a>, start: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for to in graph.get(at).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(*to) {
                open.push(to);
            }
        }
    }
    found
}

/// The circles of a crate, each told with its files and a shortest way round.
pub fn circles(sources: &[Source]) -> Vec<String> {
    let needs = Crate::new(sources).needs();
    let graph = graph(&needs);
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|file| (*file, reach(&graph, file))).collect();
    let is_between = |a: &str, b: &str| {
        let goes = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
        goes(a, b) && goes(b, a)
    };
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut faults = Vec::new();
    for file in graph.keys().filter(|file| is_between(file, file)) {
        if told.contains(file) {
            continue;
        }
        let files: Vec<&str> = graph.keys().filter(|other| is_between(file, other)).copied().collect();
        told.extend(&files);
        let shortest = files.iter().filter_map(|file| way_back(&graph, file)).min_by_key(Vec::len);
        faults.push(tell(&graph, &files, &shortest.expect("each file of a circle has a way back")));
    }
    faults
}

/// A circle with its files, a shortest way round, and all that its files need of each other.
fn tell(graph: &Graph<'_>, files: &[&str], way: &[&Need]) -> String {
    let mut told = vec![format!(
        "a circle of {} files: move what one needs of the other to a third file, or hand it in. A shortest way round:",
        files.len()
    )];
    let line = |need: &Need| format!("    {}:{}: `{}` is in {}", need.from, need.line, need.by, need.to);
    told.extend(way.iter().map(|need| line(need)));
    if files.len() > way.len() {
        told.push("  and all needs in it:".to_owned());
        let within = files.iter().flat_map(|file| graph[file].values());
        told.extend(within.filter(|need| files.contains(&need.to.as_str())).map(|need| line(need)));
    }
    told.join("\n")
}

/// The circles of a package. Its library and its program are crates with roots of their own.
fn circles_of_package(sources: Vec<Source>) -> BTreeSet<String> {
    let is_root = |source: &Source, root: &str| source.path.ends_with(&format!("src/{root}"));
    if !["lib.rs", "main.rs"].iter().all(|root| sources.iter().any(|source| is_root(source, root))) {
        return circles(&sources).into_iter().collect();
    }
    let (programs, mut others): (Vec<Source>, Vec<Source>) =
        sources.into_iter().partition(|source| is_root(source, "main.rs"));
    let mut found: BTreeSet<String> = circles(&others).into_iter().collect();
    others.retain(|source| !is_root(source, "lib.rs"));
    others.extend(programs);
    found.extend(circles(&others));
    found
}

#[test]
fn no_circles() {
    let of_crate = |folder: std::path::PathBuf| {
        circles_of_package(sources::with_extensions(&folder.join("src"), &["rs"]))
    };
    let faults: Vec<String> = sources::crates().into_iter().flat_map(of_crate).collect();
    assert_none(&faults);
}

#[test]
fn a_library_and_its_program_have_roots_of_their_own() {
    let source = |path: &str, text: &str| Source { path: format!("src/{path}"), text: text.into() };
    let found = circles_of_package(vec![
        source("lib.rs", "pub mod a;\npub struct Table;\n"),
        source("a.rs", "use crate::Table;\npub struct A;\n"),
        source("main.rs", "mod b;\nuse package::a::A;\nuse b::B;\nstruct Table;\n"),
        source("b.rs", "pub struct B;\n"),
    ]);
    assert_eq!(found, BTreeSet::new());
}
