//! Industry aggregation 产业聚合发展平台: alliances of tenants, and what they share and lend.

pub mod alliance;

use base::noun::Platform;
use center::center::Center;

pub const PLATFORM: Platform<Center> = Platform { name: "industry", nouns: &[alliance::NOUN] };
