//! The disks that runs write to: how much is free, how much folders hold, and room that is kept back.

mod held;
mod reserve;
mod space;

pub use held::{Held, held_beneath};
pub(crate) use held::{unlinked_bytes, written_bytes};
pub use reserve::Reserve;
pub use space::Space;
