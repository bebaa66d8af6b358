//! Problems: places in a request, script or task file that are wrong. A problem is a code with values; both
//! languages are made from it, in [`en`] and [`zh`] and nowhere else.

mod code;
mod en;
pub mod field;
mod invoice;
mod place;
mod quote;
mod shown;
mod sign_in;
mod taskfile;
#[cfg(test)]
mod tests;
mod zh;

use std::fmt;

use crate::Lang;
use shown::{Words, shown};

pub(crate) use code::out_of_range;
pub use code::{ContractFault, Form, JobFault, NotHere, OptionFault, Quantity, Things, ValueFault, Wrong};
pub use field::Field;
pub use invoice::InvoiceFault;
pub use place::{Place, SpecProblem};
pub use quote::QuoteFault;
pub use sign_in::SignInFault;
pub use taskfile::{KeyKind, TaskFileFault};

impl SpecProblem {
    pub fn new(place: impl Into<Place>, wrong: impl Into<Wrong>) -> Self {
        Self { place: place.into(), wrong: wrong.into() }
    }

    /// The whole problem in one line: the place, what is wrong there, and what to write instead.
    pub fn text(&self, lang: Lang) -> String {
        let joint = match lang {
            Lang::Zh => "：",
            Lang::En => ": ",
        };
        format!("{}{joint}{}", self.place.text(lang), self.wrong.text(lang))
    }
}

impl fmt::Display for SpecProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Lang::En))
    }
}

impl Place {
    /// The place of an option; `line` is 0 where the option was given beside the script.
    pub(crate) fn option(line: u32, option: &str) -> Self {
        match line {
            0 => Self::Option(option.to_owned()),
            line => Self::OptionAt(line, option.to_owned()),
        }
    }

    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Field(field), Lang::En) => field.code.to_owned(),
            (Self::Field(field), Lang::Zh) => field.zh.to_owned(),
            (Self::Line(line), Lang::En) => format!("line {line}"),
            (Self::Line(line), Lang::Zh) => format!("第 {line} 行"),
            (Self::OptionAt(line, option), Lang::En) => format!("line {line}: {}", shown(option)),
            (Self::OptionAt(line, option), Lang::Zh) => format!("第 {line} 行 {}", shown(option)),
            (Self::Option(option), _) => shown(option),
        }
    }
}

impl Wrong {
    pub fn unknown(given: &str, known: &[&'static str]) -> Self {
        Self::Unknown { given: given.to_owned(), known: known.to_vec() }
    }

    /// The fault, in words.
    pub fn problem(&self, lang: Lang) -> String {
        self.words(lang).0
    }

    /// Advice on how to write or do it right.
    pub fn hint(&self, lang: Lang) -> String {
        self.words(lang).1
    }

    /// Both, for a reader who sees the place.
    pub fn text(&self, lang: Lang) -> String {
        let (problem, hint) = self.words(lang);
        let joint = match lang {
            Lang::Zh => "；",
            Lang::En => "; ",
        };
        format!("{problem}{joint}{hint}")
    }

    fn words(&self, lang: Lang) -> Words {
        match lang {
            Lang::Zh => zh::words(self),
            Lang::En => en::words(self),
        }
    }
}
