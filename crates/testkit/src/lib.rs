//! Shared by the tests and benches of several crates: folders, a Slurm cluster, an engine, rows of a small
//! center, and a whole center with the terminals and browsers of the people who use it.
//!
//! Other crates depend on it by `[dev-dependencies]` alone, each with the features that its tests need.

#[cfg(any(feature = "site", feature = "rows", feature = "engine"))]
mod clock;
mod cluster;
mod dice;
#[cfg(feature = "engine")]
pub mod engine;
mod figures;
mod folder;
mod golden;
pub mod markup;
#[cfg(feature = "rows")]
pub mod rows;

#[cfg(feature = "site")]
mod applicant;
#[cfg(feature = "site")]
mod browser;
#[cfg(feature = "site")]
mod chromium;
#[cfg(feature = "site")]
mod codes;
#[cfg(feature = "site")]
mod helpers;
#[cfg(feature = "site")]
mod http;
#[cfg(feature = "site")]
pub mod load;
#[cfg(feature = "site")]
mod person;
#[cfg(feature = "site")]
mod site;
#[cfg(feature = "site")]
mod terminal;
mod tools;

#[cfg(any(feature = "site", feature = "rows", feature = "engine"))]
pub use clock::now;
pub use cluster::Cluster;
pub use dice::Dice;
pub use figures::{median, per_second};
pub use folder::{files_below, open_folder};
pub use golden::assert_golden;

#[cfg(feature = "site")]
pub use applicant::{apply, credit_code, join_form};
#[cfg(feature = "site")]
pub use browser::{Answer, Browser};
#[cfg(feature = "site")]
pub use chromium::Chromium;
#[cfg(feature = "site")]
pub use codes::{Device, enrol};
#[cfg(feature = "site")]
pub use helpers::{Receiver, Relay, free_port};
#[cfg(feature = "site")]
pub use http::{agent, ask};
#[cfg(feature = "site")]
pub use person::Person;
#[cfg(feature = "site")]
pub use site::{
    PASSWORD, PATIENCE, Site,
    jobs::job,
    tenants::{Tenant, grant, quote},
};
#[cfg(feature = "site")]
pub use terminal::{Login, Terminal};
pub use tools::{python_tool, tool};
