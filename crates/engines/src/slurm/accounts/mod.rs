//! Accounts, limits and pauses in Slurm itself: [`steps`] decides what brings Slurm in line with the contracts, [`Sacctmgr`]
//! looks and carries out.
//!
//! Each customer has an account, and below it one for each project. What the center makes carries its mark: the description
//! is [`MARK`] and the id of what it was made for. Whatever has another description is not the center's and is never
//! changed.

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
