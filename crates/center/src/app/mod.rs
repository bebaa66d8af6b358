//! The center's operations, a file for each noun. Each function goes the same way: authorize, load, decide,
//! commit, and only then the effects.

pub mod audit_log;
pub mod capacity;
pub mod contracts;
pub mod csv;
pub mod direct;
pub mod events;
pub mod hall;
pub mod jobs;
pub mod logs;
pub mod members;
pub mod nodes;
pub mod ops;
pub mod overview;
pub mod projects;
pub mod roots;
pub mod runs;
pub mod sign_in;
pub mod slurm_accounts;
pub mod statements;
pub mod transfers;
pub mod twin;
pub mod verdict;
