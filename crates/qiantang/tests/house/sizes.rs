//! Nothing is too long to read: files, functions, folders, lines of templates.

use crate::{assert_none, scan, sources};

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 120;
const MAX_FOLDER_FILES: usize = 25;
const MAX_TEMPLATE_COLUMNS: usize = 140;

fn long_file(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > MAX_FILE_LINES).then(|| {
        format!("{path}:{lines}: {lines} lines, {MAX_FILE_LINES} at most: split it by what it is about")
    })
}

fn long_functions(path: &str, text: &str) -> Vec<String> {
    let functions = scan::functions(text).into_iter();
    let long = functions.filter(|function| function.lines() > MAX_FUNCTION_LINES);
    long.map(|function| {
        format!(
            "{path}:{}: fn {} has {} lines, {MAX_FUNCTION_LINES} at most: give its steps names",
            function.first_line,
            function.name,
            function.lines()
        )
    })
    .collect()
}

fn long_lines(path: &str, text: &str) -> Vec<String> {
    let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.chars().count()));
    let long = lines.filter(|(_, columns)| *columns > MAX_TEMPLATE_COLUMNS);
    long.map(|(number, columns)| {
        format!("{path}:{number}: {columns} columns, {MAX_TEMPLATE_COLUMNS} at most: one element a line")
    })
    .collect()
}

#[test]
fn no_file_is_too_long() {
    let files = sources::crates()
        .into_iter()
        .flat_map(|folder| sources::with_extensions(&folder, &["rs", "ftl", "css"]));
    let faults: Vec<_> = files.filter_map(|file| long_file(&file.path, &file.text)).collect();
    assert_none(&faults);
}

#[test]
fn no_function_is_too_long() {
    let files = sources::crates().into_iter().flat_map(|folder| sources::with_extensions(&folder, &["rs"]));
    let faults: Vec<_> = files.flat_map(|file| long_functions(&file.path, &file.text)).collect();
    assert_none(&faults);
}

#[test]
fn no_folder_is_too_full() {
    let folders = sources::crates().into_iter().flat_map(|folder| sources::folders(&folder));
    let fault = |folder: std::path::PathBuf| {
        let count = sources::files(&folder).len();
        (count > MAX_FOLDER_FILES).then(|| {
            let path = sources::told(&folder);
            format!(
                "{path}: {count} files, {MAX_FOLDER_FILES} at most: put what belongs together in a folder"
            )
        })
    };
    let faults: Vec<_> = folders.filter_map(fault).collect();
    assert_none(&faults);
}

#[test]
fn no_line_of_a_template_is_too_long() {
    let files = sources::crates().into_iter().flat_map(|folder| sources::with_extensions(&folder, &["html"]));
    let faults: Vec<_> = files.flat_map(|file| long_lines(&file.path, &file.text)).collect();
    assert_none(&faults);
}

#[test]
fn what_is_too_long_is_found_where_it_is() {
    let text = "//! A file.\n\n".to_owned() + &"const A: u8 = 1;\n".repeat(500);
    let fault = long_file("crates/a/src/b.rs", &text).expect("it is too long");
    assert!(fault.starts_with("crates/a/src/b.rs:502: 502 lines, 500 at most"), "{fault}");
    assert_eq!(long_file("b.rs", &"x\n".repeat(500)), None);

    let body = "    let a = 1;\n".repeat(119);
    let text = format!("fn short() {{}}\n\nimpl A {{\n/// Doc.\nfn long<T>()\nwhere T: B {{\n{body}}}\n}}\n");
    let faults = long_functions("b.rs", &text);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("b.rs:5: fn long has 122 lines, 120 at most"), "{faults:?}");

    let text = format!("<p>\n{}\n{}\n", "钱".repeat(140), "x".repeat(141));
    let faults = long_lines("a.html", &text);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("a.html:3: 141 columns"), "{faults:?}");
}
