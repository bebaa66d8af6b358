//! Coming in: what is kept in memory of sign-ins that are half done, browsers that are known again, and the cookies of a
//! browser that has come in.

pub mod browser;
pub mod door;
pub mod state;
