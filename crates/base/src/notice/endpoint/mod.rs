//! Endpoints elsewhere that events are posted to: webhooks, by Standard Webhooks 1.0, and the bots of three chats.

pub mod deliver;
mod guard;
pub mod post;
pub mod rows;
pub mod rule;
pub mod sign;
pub mod write;

pub use guard::{Guarded, is_public};
