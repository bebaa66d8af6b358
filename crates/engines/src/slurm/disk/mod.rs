//! What the engine keeps on disk: the records of runs in the center's folder, and the runs' files in the shared one.

pub(super) mod record;
pub(super) mod shared_folder;
pub(super) mod user;
