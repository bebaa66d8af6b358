//! The local engine, with real processes.

mod isolation;
mod lifecycle;
mod logs;
mod outside;
mod restart;
mod surroundings;

/// The engine's host. Only tests of its own package can name its path.
const HOST: &str = env!("CARGO_BIN_EXE_engine-host");
