//! Rows of a table with a title line, in any order of columns.

use std::borrow::Cow;

/// The places of the `N` columns that a reader wants among the fields of a row.
#[derive(Clone, Debug)]
pub struct Columns<const N: usize> {
    /// For each field of a row, the index of the wanted column that it belongs to.
    wanted: Vec<Option<usize>>,
    separator: u8,
    quotes: bool,
}

const EMPTY: &[u8] = &[];

/// The fields of a row in the order of the wanted columns; empty where the table has no such column.
pub type TableRow<'a, const N: usize> = [Cow<'a, [u8]>; N];

impl<const N: usize> Columns<N> {
    /// Reads the title line. Upper and lower case are equal in titles; of two equal titles the first counts.
    pub fn of(titles: &[u8], names: &[&str; N], separator: u8, quotes: bool) -> Self {
        let mut taken = [false; N];
        let find = |title: Cow<'_, [u8]>| {
            let title = title.trim_ascii();
            let at = names.iter().position(|name| title.eq_ignore_ascii_case(name.as_bytes()))?;
            (!std::mem::replace(&mut taken[at], true)).then_some(at)
        };
        let wanted = Fields { rest: Some(titles), separator, quotes }.map(find).collect();
        Self { wanted, separator, quotes }
    }

    /// Whether the table has the column.
    pub fn has(&self, column: usize) -> bool {
        self.wanted.contains(&Some(column))
    }

    /// How many fields a row has.
    pub fn count(&self) -> usize {
        self.wanted.len()
    }

    /// The fields of a row; the number of fields where it differs from [`Self::count`].
    pub fn row<'a>(&self, line: &'a [u8]) -> Result<TableRow<'a, N>, usize> {
        let mut row = [const { Cow::Borrowed(EMPTY) }; N];
        let mut found = 0;
        for field in (Fields { rest: Some(line), separator: self.separator, quotes: self.quotes }) {
            if let Some(&Some(column)) = self.wanted.get(found) {
                row[column] = field;
            }
            found += 1;
        }
        if found == self.wanted.len() { Ok(row) } else { Err(found) }
    }
}

/// The fields of a line one after the other, without blanks around those that have no quotes.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
    quotes: bool,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Cow<'a, [u8]>> {
        let rest = self.rest?;
        if self.quotes && rest.first() == Some(&b'"') {
            return Some(self.quoted(&rest[1..]));
        }
        let end = rest.iter().position(|byte| *byte == self.separator);
        self.rest = end.map(|end| &rest[end + 1..]);
        Some(Cow::Borrowed(rest[..end.unwrap_or(rest.len())].trim_ascii()))
    }
}

impl<'a> Fields<'a> {
    /// A field after its opening quote. Two quotes inside are one; text between the closing quote and the
    /// separator is left out.
    fn quoted(&mut self, inside: &'a [u8]) -> Cow<'a, [u8]> {
        let mut text = Vec::new();
        let mut at = 0;
        while let Some(&byte) = inside.get(at) {
            if byte != b'"' {
                text.push(byte);
                at += 1;
            } else if inside.get(at + 1) == Some(&b'"') {
                text.push(b'"');
                at += 2;
            } else {
                break;
            }
        }
        let after = &inside[at.min(inside.len())..];
        self.rest = after.iter().position(|byte| *byte == self.separator).map(|end| &after[end + 1..]);
        Cow::Owned(text)
    }
}

/// A name as a field, in quotes where it needs them to be read back the same. Line breaks become blanks.
pub fn quoted(name: &str) -> Cow<'_, str> {
    let odd = |c: char| c == ',' || c == '"' || c == '#' || c.is_control();
    if !name.contains(odd) && name.trim_ascii() == name {
        return Cow::Borrowed(name);
    }
    let inside: String = name.chars().map(|c| if c == '\n' || c == '\r' { ' ' } else { c }).collect();
    Cow::Owned(format!("\"{}\"", inside.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(titles: &str) -> Columns<2> {
        Columns::of(titles.as_bytes(), &["b", "a"], b',', true)
    }

    #[test]
    fn columns_are_found_by_title() {
        let table = columns("A, x ,B,a");
        let row = table.row(b"1,2, 3 ,4").unwrap();
        assert_eq!((&*row[0], &*row[1]), (&b"3"[..], &b"1"[..]));
        assert_eq!(table.row(b"1,2,3"), Err(3));
        assert_eq!(table.row(b"1,2,3,4,5"), Err(5));
        assert!(table.has(0) && !columns("a").has(0));
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(first in "[^\r\n]{0,12}", second in "[^\r\n]{0,12}") {
            let line = format!("{},{}", quoted(&first), quoted(&second));
            let row = columns("b,a").row(line.as_bytes()).map(|row| row.map(Cow::into_owned));
            prop_assert_eq!(row, Ok([first.into_bytes(), second.into_bytes()]));
        }

        #[test]
        fn no_bytes_panic(titles: Vec<u8>, line: Vec<u8>) {
            let table = Columns::of(&titles, &["b", "a"], b',', true);
            let _ = table.row(&line);
        }
    }
}
