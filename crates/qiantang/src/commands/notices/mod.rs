//! What reaches people: the inbox, the center's mail, endpoints that events are posted to.

mod inbox;
mod mail;
mod webhooks;

pub use inbox::Notices;
pub use mail::Mail;
pub use webhooks::Webhooks;
