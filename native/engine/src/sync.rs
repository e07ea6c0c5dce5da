//! Locks and atomics of what several threads use at once. A model checker takes their place when the crate is built for it (`--cfg loom`,
//! `npm run test:models`): then every order in which threads can meet is tried.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};

/// Takes a lock, whatever became of who held it; see [`crate::lock`].
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What hashes keys that others choose: with a key of its own in each table, so that nobody can aim at a place in it.
#[cfg(not(loom))]
pub(crate) type KeyedState = std::hash::RandomState;
/// The same in every run of a model.
#[cfg(loom)]
pub(crate) type KeyedState = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;
