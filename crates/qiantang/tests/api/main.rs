//! The API over real HTTP. Tests go over all routes that its own document lists.

mod authorization;
mod bad_input;
mod contract;
mod document;
mod filters;
mod guide;
mod invitations;
mod keys;
mod names;
mod pages;
mod persons;
mod policies;
mod roles;
mod scene;
mod tenants;

/// The program under test. Only tests of its own package can name its path.
const QIANTANG: &str = env!("CARGO_BIN_EXE_qiantang");
