//! Signing in by issuers, and directories that keep people: with real ones, and with one that lies.

mod factors;
mod fake;
mod forged;
mod groups;
mod provider;
mod real;
mod scene;
mod scim;

/// The program under test. Only tests of its own package can name its path.
const QIANTANG: &str = env!("CARGO_BIN_EXE_qiantang");
