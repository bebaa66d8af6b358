//! Public compute service 公共算力服务平台: how organisations come to the center, what is asked of it and decided, and what reaches
//! the people whom it concerns.

pub mod application;
pub mod focus;
pub mod invoice;
pub mod mail;
pub mod notice;
pub mod onboarding;
mod percent;
pub mod quote;
pub mod reset;
pub mod status;
pub mod voucher;
pub mod webhook;

use base::noun::Platform;
use center::center::Center;

pub const PLATFORM: Platform<Center> = Platform {
    name: "service",
    nouns: &[
        application::NOUN,
        onboarding::NOUN,
        quote::NOUN,
        status::NOUN,
        voucher::NOUN,
        invoice::NOUN,
        focus::NOUN,
        notice::NOUN,
        webhook::NOUN,
        mail::NOUN,
        reset::NOUN,
    ],
};
