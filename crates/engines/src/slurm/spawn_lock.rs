//! Keeps the start of processes apart from the writing of scripts.
//!
//! A new process has all open files of this one until it has become another program, and a file that is open
//! for writing somewhere can't be executed. So a script could be busy when its run begins.

use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::sync;

/// Held for writing while a process is started, for reading while a script is written.
static LOCK: RwLock<()> = RwLock::new(());

/// Hold the guard while you start a process.
pub(super) fn while_starting() -> RwLockWriteGuard<'static, ()> {
    sync::write(&LOCK)
}

/// Hold the guard while you have a script open for writing.
pub(super) fn while_writing() -> RwLockReadGuard<'static, ()> {
    sync::read(&LOCK)
}
