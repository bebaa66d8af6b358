//! The settings beside the guides: each key stands there with its default, and what is given as an example is taken.

use std::collections::BTreeSet;

use super::Settings;

const OPERATORS: &str = include_str!("../../../../docs/operators.md");
const SLURM: &str = include_str!("../../../../docs/slurm.md");
const BOOKS: &str = include_str!("../../../../docs/books.md");
const README: &str = include_str!("../../../../README.md");

/// The tables of the settings.
const OF_CENTER: &[&str] = &[
    "http", "backup", "approval", "engine", "jobs", "billing", "books", "limits", "disk", "secrets",
    "sign_in", "oidc", "notices", "mail", "quotes", "signing", "pools",
];
/// Beside its own keys this takes a table for each kind of application, so that it can't tell which keys it knows.
const APPROVAL: &str = "approval.";
const ISSUER: &str = "[sign_in]\nurl = \"https://a.example\"\n[[oidc]]\nname = \"a\"\nissuer = \"https://b.example\"\n\
    client_id = \"c\"\nlabel_zh = \"d\"\nlabel_en = \"e\"\n";
const LINE: &str = "[[oidc.map]]\nclaim = \"f\"\nvalue = \"g\"\nrole = \"operator\"\n";
const POOL: &str = "[[pools]]\nname = \"a\"\ncard_model = \"ascend-910\"\n";
const NODE: &str = "[[pools.nodes]]\nname = \"n\"\ncards = 8\n";

/// A table of a guide: where it stands, the text before a line with one of its keys, and what stands before the key.
struct Table {
    guide: &'static str,
    mark: &'static str,
    before: String,
    path: &'static str,
    /// The tables of settings in this one, which have tables of their own in the guides.
    inner: &'static [&'static str],
}

fn table(guide: &'static str, mark: &'static str, path: &'static str) -> Table {
    Table { guide, mark, before: String::new(), path, inner: &[] }
}

fn tables() -> Vec<Table> {
    vec![
        Table { inner: OF_CENTER, ..table(OPERATORS, "### Top level", "") },
        Table { inner: &["slurm", "outside"], ..table(OPERATORS, "### `[engine]`", "engine.") },
        table(OPERATORS, "| `[engine.outside]` |", "engine.outside."),
        table(OPERATORS, "### `[jobs]`", "jobs."),
        table(OPERATORS, "### `[billing]`", "billing."),
        table(OPERATORS, "### `[books]`", "books."),
        table(OPERATORS, "### `[http.tls]`", "http.tls."),
        table(OPERATORS, "### `[backup]`", "backup."),
        table(OPERATORS, "### `[limits]`", "limits."),
        table(OPERATORS, "### `[sign_in]`", "sign_in."),
        table(OPERATORS, "### `[quotes]`", "quotes."),
        table(OPERATORS, "### `[signing]`", "signing."),
        Table { before: ISSUER.to_owned(), ..table(OPERATORS, "### `[[oidc]]`", "") },
        Table { before: ISSUER.to_owned() + LINE, ..table(OPERATORS, "A line of `[[oidc.map]]`:", "") },
        table(OPERATORS, "### `[notices]`", "notices."),
        table(OPERATORS, "### `[mail]`", "mail."),
        table(OPERATORS, "### `[approval]`", APPROVAL),
        table(OPERATORS, "### `[disk]`", "disk."),
        table(OPERATORS, "### `[secrets]`", "secrets."),
        Table { before: POOL.to_owned(), ..table(OPERATORS, "### `[[pools]]`", "") },
        Table { before: POOL.to_owned() + NODE, ..table(OPERATORS, "A group of nodes:", "") },
        Table { inner: &["accounts"], ..table(SLURM, "## `[engine.slurm]`", "engine.slurm.") },
        table(SLURM, "[engine.slurm.accounts]", "engine.slurm.accounts."),
    ]
}

impl Table {
    /// The first two cells of each row: keys, and their defaults.
    fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let from = self.guide.find(&format!("\n{}", self.mark)).expect("the table is where it was");
        let lines = self.guide[from + 1..].lines().skip_while(|line| !line.starts_with('|')).skip(2);
        let rows = lines.take_while(|line| line.starts_with("| "));
        rows.map(|row| {
            let mut cells = row[2..].split(" | ");
            (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
        })
    }

    /// What becomes of a line with this key and value.
    fn parse(&self, key: &str, value: &str) -> Result<String, String> {
        let text = format!("{}{}{key} = {value}\n", self.before, self.path);
        parse(&text)
    }
}

fn parse(text: &str) -> Result<String, String> {
    let settings = Settings::parse("the guide", text, std::iter::empty());
    settings.map(|settings| format!("{settings:?}")).map_err(|error| error.to_string())
}

fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The values that a cell gives, where it gives nothing else: `4096`, or `3600000` with the hours behind it.
fn values(cell: &str) -> Vec<&str> {
    let cell = cell.split(" (").next().unwrap_or_default();
    let others: String = cell.split('`').step_by(2).collect();
    if others.trim_matches([' ', ',']).is_empty() { quoted(cell) } else { Vec::new() }
}

#[test]
fn the_guide_has_each_setting_with_its_default() {
    let mut count = 0;
    for table in tables() {
        let mut documented: BTreeSet<&str> = table.inner.iter().copied().collect();
        for (keys, defaults) in table.rows() {
            let (keys, defaults) = (quoted(keys), values(defaults));
            for (at, key) in keys.iter().enumerate() {
                documented.insert(key.split('.').next().unwrap_or_default());
                let odd = table.parse(key, "1979-05-27").expect_err("no setting is a date");
                assert!(!odd.contains("unknown field"), "{}{key}: {odd}", table.path);
                let Some(default) = defaults.get(at) else { continue };
                // A text may stand without its quotes.
                let said = table.parse(key, default).or_else(|_| table.parse(key, &format!("\"{default}\"")));
                assert_eq!(
                    said,
                    parse(&table.before),
                    "{}{key} is {default} where it is left out",
                    table.path
                );
                count += 1;
            }
        }
        if table.path == APPROVAL {
            continue;
        }
        let told = table.parse("no_such_key", "1").expect_err("it is not known");
        let (_, known) = told.split_once("expected ").unwrap_or_else(|| panic!("{told}"));
        assert_eq!(quoted(known).into_iter().collect::<BTreeSet<_>>(), documented, "{}", table.mark);
    }
    assert!(count > 50, "{count} defaults were compared");
}

#[test]
fn what_the_guides_show_as_settings_is_taken() {
    let blocks =
        [OPERATORS, SLURM, BOOKS, README].into_iter().flat_map(|guide| guide.split("```toml\n").skip(1));
    let mut count = 0;
    for block in blocks.filter_map(|rest| rest.split("```").next()) {
        let used = if block.contains("kind = \"slurm\"") { "slurm" } else { "local" };
        parse(block).unwrap_or_else(|error| panic!("{used}: {error}\n{block}"));
        count += 1;
    }
    assert!(count >= 6, "{count} examples were found");
}

#[test]
fn the_guide_has_the_settings_by_which_the_center_counts() {
    let (_, rest) = OPERATORS.split_once("The settings by which the center counts (").expect("the sentence");
    let named = quoted(rest.split(')').next().unwrap_or_default());
    let kept = Settings::default().of_books().map(|(key, _)| key);
    let is_named = |key: &str| {
        named.iter().any(|name| name.strip_suffix('*').map_or(*name == key, |start| key.starts_with(start)))
    };
    assert!(kept.iter().all(|key| is_named(key)), "{kept:?} {named:?}");
    for name in named {
        let start = name.trim_end_matches('*');
        assert!(kept.iter().any(|key| key.starts_with(start)), "{name} is none of them");
        // A star stands for all keys of a table.
        let own = kept.iter().filter(|key| key.starts_with(start)).count();
        assert!(!name.ends_with('*') || (start == "books.payee." && own == 4), "{name}");
    }
}
