//! The platforms that this program is made of: the center itself, and what stands on it.

use base::noun::{Platform, nouns};
use center::center::Center;

/// One center, four platforms.
pub const PLATFORMS: &[Platform<Center>] = &[center::PLATFORM, service::PLATFORM, industry::PLATFORM];

/// Takes in the texts of all nouns. Nothing is said in either language before.
pub fn load_texts() {
    base::page::texts::load(nouns(PLATFORMS).flat_map(|noun| noun.texts).copied());
}
