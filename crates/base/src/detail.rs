//! Details of a change: what the audit log keeps besides who, when and of which thing, and how each is read.

use domain::code::Code;

/// A field of what is kept of a change. Its word in both languages is the text `detail-<key>`, with dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Detail {
    pub key: &'static str,
    pub reads: Reads,
}

/// The kind of a detail's value, by which people are told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reads {
    /// A text or several; a number that counts nothing.
    Text,
    YesNo,
    Count,
    /// Micro-CNY.
    Money,
    /// Card-milliseconds.
    CardTime,
    Millis,
    /// RFC 3339.
    Instant,
    /// A code, whose word is the text `<family>-<code>`.
    Word {
        family: &'static str,
        codes: &'static [&'static str],
    },
    /// An object of such fields.
    Fields(&'static [Detail]),
}

impl Detail {
    pub const fn new(key: &'static str, reads: Reads) -> Self {
        Self { key, reads }
    }

    pub const fn text(key: &'static str) -> Self {
        Self::new(key, Reads::Text)
    }

    pub const fn count(key: &'static str) -> Self {
        Self::new(key, Reads::Count)
    }

    pub const fn yes_no(key: &'static str) -> Self {
        Self::new(key, Reads::YesNo)
    }

    /// A code of `T`, whose words are of this family.
    pub const fn word<T: Code>(key: &'static str, family: &'static str) -> Self {
        Self::new(key, Reads::Word { family, codes: T::CODES })
    }

    /// The key of its word.
    pub fn text_key(self) -> String {
        format!("detail-{}", self.key.replace('_', "-"))
    }

    /// All texts that it needs: its own word, and those of its values.
    pub fn texts(self) -> Vec<String> {
        let mut texts = vec![self.text_key()];
        match self.reads {
            Reads::Word { family, codes } => {
                texts.extend(codes.iter().map(|code| format!("{family}-{code}")));
            }
            Reads::Fields(fields) => texts.extend(fields.iter().flat_map(|field| field.texts())),
            _ => {}
        }
        texts
    }
}
