//! The modules of a crate, and which file another file needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    scan::{Import, Names, Scan, scan},
    sources::Source,
};

/// So many names in a row that only lead to other names lead round.
const MAX_STEPS: usize = 32;

/// A line of a file that needs another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub from: String,
    pub line: usize,
    pub to: String,
    /// The path as it is written there.
    pub by: String,
}

#[derive(Debug, Default)]
struct Module {
    file: usize,
    /// The paths that names brought in stand for, seen from this module.
    aliases: BTreeMap<String, Names>,
    /// The paths of modules of which all names are brought in, seen from this module.
    globs: Vec<Names>,
    items: BTreeSet<String>,
}

/// The end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Something that is defined in this file.
    Item(usize),
    /// A whole module, which has this file.
    Module(usize),
    /// Something of another crate.
    Outside,
}

/// The sources of a crate, without the parts that are for tests only.
#[derive(Debug)]
pub struct Crate {
    files: Vec<(String, Names, Scan)>,
    modules: BTreeMap<Names, Module>,
}

/// The module of a file, by its path within `src`.
fn module_of(path: &str) -> Names {
    let mut names: Names = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let is_root = names.len() == 1 && ["lib", "main"].contains(&names[0].as_str());
    if is_root || names.last().is_some_and(|last| last == "mod") {
        names.pop();
    }
    names
}

impl Crate {
    /// The crate with these files, all of them from one `src`.
    pub fn new(sources: &[Source]) -> Self {
        let scans = sources.iter().filter_map(|source| {
            let (_, inner) = source.path.rsplit_once("src/").unwrap_or(("", &source.path));
            // Each program in `bin` is a crate of one file.
            let is_program = inner.starts_with("bin/");
            (!is_program).then(|| (source.path.clone(), module_of(inner), scan(&source.text)))
        });
        let mut files: Vec<_> = scans.collect();
        let for_tests: BTreeSet<Names> = files
            .iter()
            .flat_map(|(_, module, scan)| {
                let declared = scan.modules.iter().filter(|declared| declared.is_for_tests);
                declared.map(move |declared| child(&join(module, &declared.module), &declared.name))
            })
            .collect();
        files.retain(|(_, module, _)| !(1..=module.len()).any(|end| for_tests.contains(&module[..end])));
        let mut known = Self { files, modules: BTreeMap::new() };
        known.learn();
        known
    }

    /// Fills in the modules.
    fn learn(&mut self) {
        for (file, (_, module, scan)) in self.files.iter().enumerate() {
            self.modules.entry(module.clone()).or_default().file = file;
            for declared in scan.modules.iter().filter(|declared| !declared.is_for_tests) {
                // A module that has a file of its own gets that file in its turn.
                let inner = child(&join(module, &declared.module), &declared.name);
                if !self.files.iter().any(|(_, module, _)| *module == inner) {
                    self.modules.entry(inner).or_default().file = file;
                }
            }
            for (inner, item) in &scan.items {
                self.modules.entry(join(module, inner)).or_default().items.insert(item.clone());
            }
            for import in &scan.imports {
                let known = self.modules.entry(join(module, &import.module)).or_default();
                match &import.name {
                    Some(name) => drop(known.aliases.insert(name.clone(), import.path.clone())),
                    None => known.globs.push(import.path.clone()),
                }
            }
        }
    }

    /// Finds the end of a path that stands in a module.
    fn find(&self, module: &[String], path: &[String], steps: usize) -> Option<Found> {
        if steps > MAX_STEPS {
            return None;
        }
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(&[], rest, steps),
            "self" => self.walk(module, rest, steps),
            "super" => self.walk_up(module, rest, steps),
            _ => {
                let at = self.modules.get(module)?;
                let is_alias_of_itself = at.aliases.get(first).is_some_and(|alias| alias[0] == *first);
                let is_module = self.modules.contains_key(&child(module, first));
                if is_module || at.aliases.contains_key(first) && !is_alias_of_itself {
                    self.walk(module, path, steps)
                } else {
                    Some(Found::Outside)
                }
            }
        }
    }

    fn walk_up(&self, module: &[String], rest: &[String], steps: usize) -> Option<Found> {
        let (_, parent) = module.split_last()?;
        match rest.split_first() {
            Some((next, rest)) if next == "super" => self.walk_up(parent, rest, steps),
            _ => self.walk(parent, rest, steps),
        }
    }

    /// Finds the end of a path whose first name is one of a module's own.
    fn walk(&self, module: &[String], path: &[String], steps: usize) -> Option<Found> {
        let at = self.modules.get(module)?;
        let Some((name, rest)) = path.split_first() else { return Some(Found::Module(at.file)) };
        let inner = child(module, name);
        if self.modules.contains_key(&inner) {
            return self.walk(&inner, rest, steps);
        }
        if at.items.contains(name) {
            return Some(Found::Item(at.file));
        }
        if let Some(alias) = at.aliases.get(name) {
            return self.find(module, &join(alias, rest), steps + 1);
        }
        for glob in &at.globs {
            let in_glob = self.find(module, &child(glob, name), steps + 1);
            if let Some(Found::Item(file)) = in_glob
                && file != at.file
                && self.has(file, name)
            {
                return in_glob;
            }
        }
        // A macro made it there.
        Some(Found::Item(at.file))
    }

    /// Whether a file defines something of that name.
    fn has(&self, file: usize, name: &str) -> bool {
        self.files[file].2.items.iter().any(|(_, item)| item == name)
    }

    /// All lines that need another file.
    pub fn needs(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        for (file, (_, module, scan)) in self.files.iter().enumerate() {
            for import in &scan.imports {
                let at = join(module, &import.module);
                if !self.is_of_its_own(&at, import) {
                    self.add(&mut needs, file, (&at, &import.path), import.line, import.name.is_none());
                }
            }
            for mention in &scan.mentions {
                let at = join(module, &mention.module);
                self.add(&mut needs, file, (&at, &mention.path), mention.line, false);
            }
        }
        needs
    }

    /// Whether a line only hands on names of the module's own children.
    fn is_of_its_own(&self, module: &[String], import: &Import) -> bool {
        let first = import.path.iter().find(|name| *name != "self");
        import.is_public && first.is_some_and(|first| self.modules.contains_key(&child(module, first)))
    }

    fn add(
        &self,
        needs: &mut Vec<Need>,
        file: usize,
        (at, path): (&[String], &[String]),
        line: usize,
        is_glob: bool,
    ) {
        let to = match self.find(at, path, 0) {
            Some(Found::Item(to)) => to,
            // A module alone is only a way to names, which are found where they are mentioned.
            Some(Found::Module(to)) if is_glob => to,
            _ => return,
        };
        if to != file {
            let (from, to) = (self.files[file].0.clone(), self.files[to].0.clone());
            needs.push(Need { from, line, to, by: path.join("::") });
        }
    }
}

fn join(before: &[String], behind: &[String]) -> Names {
    [before, behind].concat()
}

/// The path of a module inside of another.
fn child(module: &[String], name: &str) -> Names {
    join(module, &[name.to_owned()])
}
