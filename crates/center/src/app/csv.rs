//! Tables by RFC 4180.

/// The end of a row.
pub const END: &str = "\r\n";

/// A row of fields that need no quotes any more.
pub fn row(fields: &[String]) -> String {
    fields.join(",") + END
}

/// The characters with which a spreadsheet begins a formula.
const FORMULAS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// A CSV field. One that a spreadsheet would take for a formula gets an apostrophe before it.
pub fn quoted(text: &str) -> String {
    let guard = if text.starts_with(FORMULAS) { "'" } else { "" };
    if text.contains(['"', ',', '\n', '\r']) || !guard.is_empty() {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_never_a_formula() {
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("＝1"), "\"'＝1\"");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("west-lake"), "west-lake");
    }
}
