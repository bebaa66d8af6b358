//! Mail: what waits to be sent ([`outbox`]), its words ([`letter`]), links that are signed ([`link`]), and the relay
//! ([`relay`]). [`turn`] is what the loop does.

pub mod letter;
pub mod link;
pub mod outbox;
pub mod relay;
pub mod turn;
