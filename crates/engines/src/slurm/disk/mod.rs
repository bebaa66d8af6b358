//! The engine's files: the records of runs in the center's folder, and the runs' own files in the shared one.

pub(super) mod record;
pub(super) mod shared_folder;
pub(super) mod user;
