//! What is to be in Slurm.

use domain::{CardMs, Millis};

/// What is to be in Slurm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The account below which all others are.
    pub root: String,
    /// The QOS that takes no jobs.
    pub pause_qos: String,
    /// How long after the end of a balance the center itself lets runs go on.
    pub grace: Millis,
    pub customers: Vec<Customer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The tenant's id.
    pub id: String,
    pub account: String,
    pub is_paused: bool,
    /// `None`: they stay as they are.
    pub limits: Option<Limits>,
    /// Slurm's users that may submit to each of the projects.
    pub users: Vec<String>,
    pub projects: Vec<ProjectAccount>,
}

/// What a customer's contracts allow together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `None`: nothing runs out.
    pub left: Option<CardMs>,
    pub max_running_cards: u32,
    /// What Slurm's fair share weighs the customer by.
    pub shares: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectAccount {
    /// The project's id.
    pub id: String,
    pub account: String,
    pub is_paused: bool,
}
