//! Text as words of the shell.

/// `text` in single quotes, as bash reads it back. sbatch takes no script with the line ends of DOS, so a
/// carriage return is written as an escape.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''").replace('\r', "'$'\\r''"))
}

/// `text` as one word on one line, even if it has several lines.
pub(crate) fn quoted_in_line(text: &str) -> String {
    format!("$'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quoted_text_is_one_word(text in "[^\0]{0,20}") {
            let out = std::process::Command::new("/bin/bash")
                .args(["-c", &format!("printf %s {}", quoted(&text))]).output().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&out.stdout), text);
        }
    }
}
