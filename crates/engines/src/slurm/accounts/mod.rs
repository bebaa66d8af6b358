//! Accounts, limits and pauses in Slurm itself: [`steps`] decides which changes bring Slurm in line with the
//! contracts, and [`Sacctmgr`] looks and carries them out.
//!
//! Each customer has an account, and below it one for each project. Everything that the center makes carries
//! its mark: the description is [`MARK`] and the id of the tenant or project that it was made for. An account
//! with any other description is not the center's and is never changed.

mod decide;
mod found;
mod mark;
mod sacctmgr;
mod step;
#[cfg(test)]
mod tests;
mod tree;

pub use decide::steps;
pub use found::{Association, Found, FoundQos, Standing};
pub use mark::MARK;
pub use sacctmgr::{Sacctmgr, own_user};
pub use step::{Conflict, Limit, Step};
pub use tree::{Customer, Limits, ProjectAccount, Tree};
