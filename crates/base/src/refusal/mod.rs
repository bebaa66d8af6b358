//! Refusals: why something that was understood can't be done as things stand. A refusal is a code with values; both
//! languages are made from it, in [`en`] and [`zh`] and nowhere else.

mod application;
mod attachment;
mod code;
mod en;
mod paper;
#[doc(hidden)]
pub mod samples;
mod sign_in;
#[cfg(test)]
mod tests;
mod voucher;
mod zh;

use domain::Lang;

pub use code::{ChangedPrice, Decided, Did, IssuerFault, Refused, Wanted};
pub use paper::Paper;
pub use voucher::VoucherRefusal;

impl Refused {
    /// The fault with its values, without a stop.
    pub fn text(&self, lang: Lang) -> String {
        self.words(lang).0
    }

    /// Advice on what to do.
    pub fn hint(&self, lang: Lang) -> String {
        self.words(lang).1
    }

    fn words(&self, lang: Lang) -> (String, String) {
        if let Self::Voucher { why, rule } = self {
            return why.words(lang, *rule);
        }
        if let Self::Attachment { name, why } = self {
            return attachment::words(*why, name, lang);
        }
        match lang {
            Lang::Zh => zh::words(self),
            Lang::En => en::words(self),
        }
    }
}
