//! The way to Slurm: one port, by Slurm's commands or by its REST service.

pub(super) mod commands;
pub(super) mod job;
pub(super) mod node;
pub(super) mod notation;
pub(super) mod open;
pub(super) mod port;
pub(super) mod refusal;
pub(super) mod rest;
