//! Why runs and jobs ended as they did: codes with values. Both languages are made from them, in [`en`] and [`zh`] and
//! nowhere else. Those that an outcome alone does not tell are kept.

mod code;
mod en;
#[doc(hidden)]
pub mod samples;
mod system;
#[cfg(test)]
mod tests;
mod zh;

use crate::{Lang, Zone};

pub use code::{Interruption, JobCause, JobEnd, NotStarted, RunEnd, SlurmPart, Step};
pub use system::SystemError;

impl RunEnd {
    /// One sentence with the values, without a stop; instants by the clock of `zone`.
    pub fn text(&self, lang: Lang, zone: &Zone) -> String {
        match lang {
            Lang::Zh => zh::run_end(self, zone),
            Lang::En => en::run_end(self, zone),
        }
    }
}

impl NotStarted {
    /// The reason alone, without that it did not start.
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => zh::not_started(self),
            Lang::En => en::not_started(self),
        }
    }
}

impl Interruption {
    pub fn text(&self, lang: Lang, zone: &Zone) -> String {
        match lang {
            Lang::Zh => zh::interruption(self, zone),
            Lang::En => en::interruption(self, zone),
        }
    }
}

impl JobEnd {
    /// One sentence with the values, without a stop; instants by the clock of `zone`.
    pub fn text(&self, lang: Lang, zone: &Zone) -> String {
        match lang {
            Lang::Zh => zh::job_end(self, zone),
            Lang::En => en::job_end(self, zone),
        }
    }
}
