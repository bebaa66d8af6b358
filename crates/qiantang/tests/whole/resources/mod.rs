//! What runs and waiting jobs take of the center: its disks, its memory, its secrets.

mod disk;
mod memory;
mod secrets;
