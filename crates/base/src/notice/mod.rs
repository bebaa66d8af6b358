//! Notices 通知: what happens in the center reaches the people whom it concerns. No noun is here, only the engine.
//!
//! The events are the outbox. They are committed with the change that they tell of and are never removed, so nothing else is
//! written on that way. [`fan_out`] reads them behind a durable cursor and makes of each, once, what is to go out: notices in
//! inboxes, items of mails, deliveries to endpoints. These are rows of their own, which are tried until they are through.

pub mod endpoint;
pub mod fan_out;
pub mod inbox;
pub mod mail;
pub mod manners;
pub mod rows;
pub mod said;
pub mod settings;
pub mod topic;
pub mod vault;

#[cfg(test)]
mod tests;
