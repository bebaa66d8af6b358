//! Signing in by issuers, and directories that keep people: with real ones, and with one that lies. `way` goes the whole way of the
//! public compute service with them.

mod factors;
mod fake;
mod forged;
mod groups;
mod provider;
mod real;
mod scene;
mod scim;
mod way;

/// The program under test. Only tests of its own package can name its path.
const QIANTANG: &str = env!("CARGO_BIN_EXE_qiantang");
