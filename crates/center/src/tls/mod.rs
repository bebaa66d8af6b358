//! HTTPS of the center's own: a certificate that is read again when its files change, TLS on the center's port with HTTP/2,
//! and the way from plain HTTP.

mod listener;
mod pair;
mod redirect;
pub mod renew;

pub use listener::{Peer, TlsListener, as_over_tcp};
pub use pair::{Pair, PairError, read};
pub use redirect::redirect;
pub use renew::Current;
