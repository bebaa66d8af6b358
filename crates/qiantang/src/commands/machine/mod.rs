//! Keeping the machine of a center: backups, disks, checks.

mod backup;
mod disk;
mod doctor;
mod restore;
mod status;

pub use backup::Backup;
pub use disk::Disk;
pub use doctor::Doctor;
pub use restore::Restore;
pub use status::Status;
