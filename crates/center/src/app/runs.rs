//! Runs: starting those that were planned, handing them to the engine, taking in how they went, and stopping them.

pub mod launching;
pub mod news;
pub mod restored;
pub mod starting;
pub mod stopping;
