//! Text that people write and read.

pub mod email;

use std::{error::Error, fmt, ops::Deref};

use crate::Lang;

/// One line of printable text: 1 to `MAX` characters, without control characters, which would end a row of a
/// table or steer the reader's terminal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<const MAX: usize>(String);

/// Why a text is not a line of at most `most` characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLine {
    pub most: usize,
    pub fault: LineFault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    Empty,
    TooLong { given: usize },
    Unprintable,
}

impl<const MAX: usize> Line<MAX> {
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidLine> {
        let text = text.into();
        match line_fault(&text, text.chars().count(), MAX) {
            Some(fault) => Err(InvalidLine { most: MAX, fault }),
            None => Ok(Self(text)),
        }
    }
}

/// The first fault of a text that measures `given`, in characters or bytes, where 1 to `most` are allowed.
pub(crate) fn line_fault(text: &str, given: usize, most: usize) -> Option<LineFault> {
    if text.is_empty() {
        Some(LineFault::Empty)
    } else if given > most {
        Some(LineFault::TooLong { given })
    } else if text.chars().any(char::is_control) {
        Some(LineFault::Unprintable)
    } else {
        None
    }
}

impl<const MAX: usize> Deref for Line<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Line<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> From<Line<MAX>> for String {
    fn from(line: Line<MAX>) -> Self {
        line.0
    }
}

/// The same in Chinese and in English.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Both {
    pub zh: String,
    pub en: String,
}

/// Chinese first, as everywhere.
pub fn both(zh: impl Into<String>, en: impl Into<String>) -> Both {
    Both { zh: zh.into(), en: en.into() }
}

impl Both {
    pub fn of(text: impl Fn(Lang) -> String) -> Self {
        Self { zh: text(Lang::Zh), en: text(Lang::En) }
    }

    /// What reads the same in both, such as a name.
    pub fn alike(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { zh: text.clone(), en: text }
    }

    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.en.is_empty()
    }
}

/// As the reason for which an option's value is refused. Clap prints English.
impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl Error for Both {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_short_and_printable() {
        for good in ["a", "杭州", " a b ", "12345678"] {
            assert_eq!(Line::<8>::parse(good).as_deref(), Ok(good));
        }
        for (bad, fault) in [
            ("", LineFault::Empty),
            ("123456789", LineFault::TooLong { given: 9 }),
            ("一二三四五六七八九", LineFault::TooLong { given: 9 }),
            ("a\nb", LineFault::Unprintable),
            ("a\u{7}", LineFault::Unprintable),
            ("\u{1b}[31m", LineFault::Unprintable),
            ("a\u{85}b", LineFault::Unprintable),
        ] {
            assert_eq!(Line::<8>::parse(bad), Err(InvalidLine { most: 8, fault }), "{bad:?}");
        }
    }
}
