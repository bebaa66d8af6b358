//! Public compute service 公共算力服务平台: how organisations come to the center, and what is asked of it and decided.

pub mod application;
pub mod focus;
pub mod invoice;
pub mod onboarding;
pub mod voucher;

use base::noun::Platform;
use center::center::Center;

pub const PLATFORM: Platform<Center> = Platform {
    name: "service",
    nouns: &[application::NOUN, onboarding::NOUN, voucher::NOUN, invoice::NOUN, focus::NOUN],
};
