//! A text in both languages.

use std::{error::Error, fmt};

use crate::Lang;

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
