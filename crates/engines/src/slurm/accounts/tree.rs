//! The wanted state of Slurm's accounts.

use domain::{CardMs, Millis};

/// The accounts, limits and pauses that the contracts call for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The account below which all others are.
    pub root: String,
    /// The QOS that takes no jobs.
    pub pause_qos: String,
    /// How long the center itself lets runs go on after the end of a balance.
    pub grace: Millis,
    pub customers: Vec<Customer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The tenant's id.
    pub id: String,
    pub account: String,
    pub is_paused: bool,
    /// `None` leaves the limits as they are.
    pub limits: Option<Limits>,
    /// The users of Slurm who may submit to each of the projects.
    pub users: Vec<String>,
    pub projects: Vec<ProjectAccount>,
}

/// The limits of all of a customer's contracts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `None` where nothing runs out.
    pub left: Option<CardMs>,
    pub max_running_cards: u32,
    /// The customer's weight in Slurm's fair share.
    pub shares: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectAccount {
    /// The project's id.
    pub id: String,
    pub account: String,
    pub is_paused: bool,
}
