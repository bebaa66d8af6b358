//! The center's port, held while the center is down.
//!
//! A job that binds the port of a center that is down gets the next operator's password. So the listening
//! sockets belong to a small process, the keeper, which outlives the center: it gives them back to the next
//! center, and tells callers meanwhile that there is none. It ends when there is neither a center nor a run:
//! then nobody is there who could take the port.
//!
//! A port has two families, and `localhost` may mean either. The center listens at the address of its
//! settings only; at the others where callers may look for it the port is taken and nobody listens, see
//! [`bind`].
//!
//! ```text
//! center ── sequenced packets, with the sockets ──> keeper (one a data folder)
//! ```

mod bind;
mod held;
pub mod keeper;
mod wire;

pub use held::HeldPort;
pub use keeper::are_runs_alive;
