//! Locks, taken one way throughout this crate.
//!
//! A thread that panics while it holds a lock may leave behind half a change. The others then stop as well:
//! the next center takes up the runs from their records.

use std::{
    sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

const INTACT: &str = "no thread panicked while it held this lock";

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect(INTACT)
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().expect(INTACT)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().expect(INTACT)
}

/// Waits until another thread calls.
pub(crate) fn wait<'a, T>(call: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    call.wait(guard).expect(INTACT)
}

/// Waits until another thread calls, or the time is over.
pub(crate) fn wait_for<'a, T>(
    call: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Duration,
) -> MutexGuard<'a, T> {
    call.wait_timeout(guard, timeout).expect(INTACT).0
}
