//! A Rust file's `use` lines, paths and modules, and the lengths of its functions.
//!
//! The file is taken apart into tokens, so that comments and texts are never taken for code.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The names of a path, as written: `crate`, `app`, `jobs`.
pub type Names = Vec<String>;

/// A name that a `use` line brings into a module.
#[derive(Debug)]
pub struct Import {
    /// The inline modules around the line, from the file's own module on.
    pub module: Names,
    pub path: Names,
    /// Its name here; `None` where the line brings in all names of a module.
    pub name: Option<String>,
    /// Whether others may use the name by this module.
    pub is_public: bool,
    pub line: usize,
}

/// A path in code.
#[derive(Debug)]
pub struct Mention {
    pub module: Names,
    pub path: Names,
    pub line: usize,
}

/// A module that the file has inside of it or declares.
#[derive(Debug)]
pub struct Declared {
    pub module: Names,
    pub name: String,
    /// Whether it is for tests only, and so counts for nothing.
    pub is_for_tests: bool,
}

/// One file, without the parts that are for tests only.
#[derive(Debug, Default)]
pub struct Scan {
    pub imports: Vec<Import>,
    pub mentions: Vec<Mention>,
    pub modules: Vec<Declared>,
    /// The names that the modules of the file define.
    pub items: Vec<(Names, String)>,
}

/// A function, with the lines of its `fn` and of its closing brace.
#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub first_line: usize,
    last_line: usize,
}

impl Function {
    pub fn lines(&self) -> usize {
        self.last_line - self.first_line + 1
    }
}

fn tokens(text: &str) -> Vec<TokenTree> {
    let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{error} in {text}"));
    stream.into_iter().collect()
}

fn inner(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn ident(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

fn is_path_mark(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

pub fn functions(text: &str) -> Vec<Function> {
    let mut found = Vec::new();
    find_functions(&tokens(text), &mut found);
    found
}

fn find_functions(tokens: &[TokenTree], found: &mut Vec<Function>) {
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            find_functions(&inner(group), found);
        }
        let Some(name) = ident(tokens.get(at + 1)).filter(|_| is_ident(Some(token), "fn")) else { continue };
        let is_end =
            |token: &&TokenTree| is_punct(Some(token), ';') || group(Some(token), Delimiter::Brace).is_some();
        if let Some(TokenTree::Group(body)) = tokens[at..].iter().find(is_end) {
            let last_line = body.span_close().end().line;
            found.push(Function { name, first_line: line(token), last_line });
        }
    }
}

pub fn scan(text: &str) -> Scan {
    let mut scan = Scan::default();
    scan.read(&tokens(text), &[], true);
    scan
}

impl Scan {
    /// Reads tokens of a module. `is_top` where they are items of the module itself, and not inside of one.
    fn read(&mut self, tokens: &[TokenTree], module: &[String], is_top: bool) {
        let mut at = 0;
        while at < tokens.len() {
            at = self.read_at(tokens, at, module, is_top);
        }
    }

    /// Reads one thing that begins at a token. Returns where the next begins.
    fn read_at(&mut self, tokens: &[TokenTree], at: usize, module: &[String], is_top: bool) -> usize {
        let token = &tokens[at];
        if let Some(attribute) = attribute(tokens, at) {
            if is_for_tests(attribute) {
                return self.skip_item(tokens, at, module);
            }
            self.read(&inner(attribute), module, false);
            return at + 2;
        }
        if let TokenTree::Group(group) = token {
            self.read(&inner(group), module, false);
            return at + 1;
        }
        let Some(name) = ident(Some(token)) else { return at + 1 };
        match name.as_str() {
            // `pub(in crate::app)` says who may see, and needs nothing of it.
            "pub" if group(tokens.get(at + 1), Delimiter::Parenthesis).is_some() => {
                let is_seen_by = |token: Option<&TokenTree>| {
                    ["crate", "super", "self", "in"].iter().any(|word| is_ident(token, word))
                };
                let group = group(tokens.get(at + 1), Delimiter::Parenthesis).expect("it was just there");
                if is_seen_by(inner(group).first()) { at + 2 } else { at + 1 }
            }
            // Not `impl Iterator + use<'a>`, which brings in nothing.
            "use" if !is_punct(tokens.get(at + 1), '<') => self.read_use(tokens, at, module),
            "mod" if ident(tokens.get(at + 1)).is_some() => self.read_module(tokens, at, module, is_top),
            "struct" | "enum" | "union" | "trait" | "type" | "const" | "static" | "fn" => {
                if let Some(item) = ident(tokens.get(at + 1)).filter(|_| is_top) {
                    self.items.push((module.to_vec(), item));
                }
                at + 1
            }
            "macro_rules" if is_punct(tokens.get(at + 1), '!') => {
                if let Some(item) = ident(tokens.get(at + 2)) {
                    self.items.push((module.to_vec(), item));
                }
                at + 3
            }
            _ => self.read_path(tokens, at, module),
        }
    }

    fn read_use(&mut self, tokens: &[TokenTree], at: usize, module: &[String]) -> usize {
        let end = tokens[at..].iter().position(|token| is_punct(Some(token), ';')).map(|more| at + more);
        let Some(end) = end else { return at + 1 };
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let is_public = is_ident(before, "pub") || group(before, Delimiter::Parenthesis).is_some();
        self.read_tree(&tokens[at + 1..end], &[], module, is_public);
        end + 1
    }

    /// Reads a tree of `use`: `app::{jobs, runs as all_runs}`.
    fn read_tree(&mut self, tree: &[TokenTree], before: &[String], module: &[String], is_public: bool) {
        let mut path = before.to_vec();
        let mut at = 0;
        // A path from outside of the crate: `::std::fmt`.
        if is_path_mark(tree, 0) {
            return;
        }
        while let Some(token) = tree.get(at) {
            if let Some(name) = ident(Some(token)) {
                if name == "as" {
                    break;
                }
                path.push(name);
                at += 1;
            } else if is_path_mark(tree, at) {
                at += 2;
            } else if let Some(group) = group(Some(token), Delimiter::Brace) {
                let inner = inner(group);
                for part in inner.split(|token| is_punct(Some(token), ',')).filter(|part| !part.is_empty()) {
                    self.read_tree(part, &path, module, is_public);
                }
                return;
            } else {
                break;
            }
        }
        let Some(first) = tree.first() else { return };
        let is_glob = is_punct(tree.get(at), '*');
        let alias = ident(tree.get(at + 1)).filter(|_| is_ident(tree.get(at), "as"));
        // `use app::{self, jobs}` brings in `app`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = if is_glob { None } else { alias.or_else(|| path.last().cloned()) };
        self.imports.push(Import { module: module.to_vec(), path, name, is_public, line: line(first) });
    }

    fn read_module(&mut self, tokens: &[TokenTree], at: usize, module: &[String], is_top: bool) -> usize {
        let name = ident(tokens.get(at + 1)).expect("a module has a name");
        let body = group(tokens.get(at + 2), Delimiter::Brace);
        if is_top && (body.is_some() || is_punct(tokens.get(at + 2), ';')) {
            self.modules.push(Declared { module: module.to_vec(), name: name.clone(), is_for_tests: false });
        }
        if let Some(body) = body {
            self.read(&inner(body), &[module, &[name]].concat(), is_top);
        }
        at + 3
    }

    /// Reads a path such as `jobs::submit`. A name alone needs no other file.
    fn read_path(&mut self, tokens: &[TokenTree], at: usize, module: &[String]) -> usize {
        let is_continued = at >= 2 && is_path_mark(tokens, at - 2);
        let is_member = at >= 1 && is_punct(tokens.get(at - 1), '.');
        let mut path: Names = ident(tokens.get(at)).into_iter().collect();
        let mut end = at + 1;
        while is_path_mark(tokens, end) {
            let Some(name) = ident(tokens.get(end + 2)) else { break };
            path.push(name);
            end += 3;
        }
        if path.len() > 1 && !is_continued && !is_member {
            self.mentions.push(Mention { module: module.to_vec(), path, line: line(&tokens[at]) });
        }
        end
    }

    /// Skips an item that is for tests only. Returns where the next begins.
    fn skip_item(&mut self, tokens: &[TokenTree], at: usize, module: &[String]) -> usize {
        let mut at = at;
        while attribute(tokens, at).is_some() {
            at += 2;
        }
        let item = at;
        let mut is_use = false;
        while let Some(token) = tokens.get(at) {
            is_use |= is_ident(Some(token), "use");
            // A visibility may stand before `mod`.
            if is_ident(Some(token), "mod")
                && at - item < 3
                && let Some(name) = ident(tokens.get(at + 1))
            {
                self.modules.push(Declared { module: module.to_vec(), name, is_for_tests: true });
            }
            at += 1;
            let is_body = group(Some(token), Delimiter::Brace).is_some() && !is_use;
            if is_body || is_punct(Some(token), ';') {
                break;
            }
        }
        at
    }
}

/// The attribute that begins at a token.
fn attribute(tokens: &[TokenTree], at: usize) -> Option<&Group> {
    group(tokens.get(at + 1), Delimiter::Bracket).filter(|_| is_punct(tokens.get(at), '#'))
}

/// Whether an attribute is `cfg(test)`, or more that holds in tests only.
fn is_for_tests(attribute: &Group) -> bool {
    let tokens = inner(attribute);
    let condition = group(tokens.get(1), Delimiter::Parenthesis).filter(|_| is_ident(tokens.first(), "cfg"));
    condition.is_some_and(|condition| needs_test(&inner(condition)))
}

/// `test`, or `all(…)` of which one is `test`.
fn needs_test(condition: &[TokenTree]) -> bool {
    let all = group(condition.get(1), Delimiter::Parenthesis).filter(|_| is_ident(condition.first(), "all"));
    match all {
        Some(all) => inner(all).split(|token| is_punct(Some(token), ',')).any(needs_test),
        None => condition.len() == 1 && is_ident(condition.first(), "test"),
    }
}
