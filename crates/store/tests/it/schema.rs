//! The schema file has the whole schema as the migrations make it.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};
use testkit::rows::open;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/sqlite.sql");

const HEAD: &str = "\
-- The whole schema. It is written from the migrations, which are what counts; change it by a new one.
--
-- Ids are 16-byte UUIDs of version 7, so their order is the order of creation. Instants are microseconds UTC, use is
-- card-milliseconds, money is micro-CNY. Codes are those of the domain's `code()`.
";

#[test]
fn the_schema_file_is_what_the_migrations_make() {
    let made = schema(&migrations());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(FILE, &made).unwrap();
    }
    let kept = fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        made == kept,
        "{FILE} differs: UPDATE_GOLDEN=1 cargo test -p store --test it schema writes it anew"
    );
}

/// The schema of a new database: each table with the comments of the migrations, its indexes and its
/// triggers; and the views.
fn schema(migrations: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("center.db");
    drop(open(&path));
    let conn = rusqlite::Connection::open(&path).unwrap();
    let mut statement = conn
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        .unwrap();
    let objects: Vec<(String, String, String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .map(Result::unwrap)
        .filter(|(_, name, ..)| name != "refinery_schema_history")
        .collect();
    let mut text = HEAD.to_owned();
    for (_, table, _, sql) in objects.iter().filter(|(kind, ..)| kind == "table") {
        text.push('\n');
        text.push_str(&comment_on(migrations, &format!("CREATE TABLE {table} "), ""));
        text.push_str(&with_added_columns(migrations, table, sql));
        text.push_str(";\n");
        for kind in ["index", "trigger"] {
            for (.., sql) in objects.iter().filter(|(of, _, on, _)| of == kind && on == table) {
                writeln!(text, "{sql};").unwrap();
            }
        }
    }
    for (_, name, _, sql) in objects.iter().filter(|(kind, ..)| kind == "view") {
        text.push('\n');
        text.push_str(&comment_on(migrations, &format!("CREATE VIEW {name} "), ""));
        writeln!(text, "{sql};").unwrap();
    }
    text
}

/// The statement that makes a table, with a line for each column that a later migration added: the database
/// keeps these in one line behind the others.
fn with_added_columns(migrations: &str, table: &str, sql: &str) -> String {
    let (made, end) = sql.rsplit_once(')').unwrap();
    let Some((made, added)) = made.rsplit_once("\n, ") else { return sql.to_owned() };
    let mut text = made.to_owned();
    let mut depth = 0;
    let columns = added.split(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    });
    for column in columns.map(str::trim) {
        // The comma goes before the comment on the line before.
        let last_line = text.rfind('\n').map_or(0, |at| at + 1);
        let comma_at = text[last_line..].find(" --").map_or(text.len(), |at| last_line + at);
        text.insert(comma_at, ',');
        let addition = format!("ALTER TABLE {table} ADD COLUMN {column};");
        write!(text, "\n{}    {column}", comment_on(migrations, &addition, "    ")).unwrap();
    }
    format!("{text}\n){end}")
}

/// The lines of comment that stand above a statement of the migrations.
fn comment_on(migrations: &str, statement: &str, indent: &str) -> String {
    let lines: Vec<&str> = migrations.lines().collect();
    let Some(at) = lines.iter().position(|line| line.starts_with(statement)) else { return String::new() };
    let begin = lines[..at].iter().rposition(|line| !line.starts_with("--")).map_or(0, |before| before + 1);
    lines[begin..at].iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{indent}{line}").unwrap();
        text
    })
}

/// The text of all migrations, in their order.
fn migrations() -> String {
    migration_files().iter().map(|(_, path)| fs::read_to_string(path).unwrap()).collect()
}

/// All migrations with their versions, in their order; some are in folders by what they are about.
pub fn migration_files() -> Vec<(u32, PathBuf)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            let version = name.trim_start_matches('V').split_once("__").unwrap().0.parse().unwrap();
            files.push((version, path));
        }
    }
    files.sort();
    files
}
