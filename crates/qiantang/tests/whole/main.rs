//! Whole centers by the real program: people's ways through them, what binds, what kills them.

mod account;
mod alliances;
mod audit;
mod books;
mod contracts;
mod corrections;
mod crash;
mod demo;
mod invoicing;
mod isolation;
mod jobs;
mod journey;
mod money;
mod notices;
mod onboarding;
mod operating;
mod paper;
mod paying;
mod periods;
mod placing;
mod readme;
mod resources;
mod retirement;
mod scripts;
mod shipping;
mod sign_in;
mod tamper;
mod time_zone;
mod told;
mod twin;
mod vouchers;

/// The program under test. Only tests of its own package can name its path.
const QIANTANG: &str = env!("CARGO_BIN_EXE_qiantang");
