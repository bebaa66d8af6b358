//! The store, on real databases.

mod amendments;
mod chain;
mod durability;
mod jobs;
mod ledger;
mod opening;
mod people;
mod periods;
mod rows;
mod runs;
mod schema;
mod settings;
mod writer;
