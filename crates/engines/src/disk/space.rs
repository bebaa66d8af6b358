//! The room on a file system.

use std::{io, path::Path};

/// The room on a file system, as those see it who are not root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    pub size_bytes: u64,
    pub free_bytes: u64,
    /// How many files there may be; 0 where the file system has no such limit.
    pub files: u64,
    pub free_files: u64,
    /// The device: two folders with the same one share its room.
    pub device: u64,
}

impl Space {
    /// The room on the file system of `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        let told = rustix::fs::statvfs(path)?;
        Ok(Self {
            size_bytes: told.f_blocks.saturating_mul(told.f_frsize),
            free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
            files: told.f_files,
            free_files: told.f_favail,
            device: rustix::fs::stat(path)?.st_dev,
        })
    }
}
