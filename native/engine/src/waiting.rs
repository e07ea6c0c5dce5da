//! What waits for something that is about to come, by what it waits for: bounded in every direction, and never for long.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// How much may wait, and for how long.
#[derive(Clone, Copy)]
pub struct WaitingLimits {
    /// Under one key.
    pub per_key: usize,
    /// Keys at one time.
    pub keys: usize,
    /// Under all keys together.
    pub total: usize,
    /// How long the first under a key may wait; the others leave with it.
    pub lifetime_ms: u64,
}

/// Waiting things by key, oldest key first to expire.
pub struct Waiting<K, V> {
    limits: WaitingLimits,
    queues: HashMap<K, Queue<V>>,
    /// Expiry and arrival of each queue: the order in which they leave.
    expiries: BTreeMap<(u64, u64), K>,
    len: usize,
    arrivals: u64,
}

struct Queue<V> {
    held: Vec<V>,
    expiry: (u64, u64),
}

impl<K: Copy + Eq + Hash, V> Waiting<K, V> {
    /// Nothing waits.
    pub fn new(limits: WaitingLimits) -> Self {
        Self { limits, queues: HashMap::new(), expiries: BTreeMap::new(), len: 0, arrivals: 0 }
    }

    /// Lets one more wait. False when one of the limits is reached; `value` is not called then.
    pub fn hold(&mut self, key: K, now_ms: u64, value: impl FnOnce() -> V) -> bool {
        if self.len >= self.limits.total {
            return false;
        }
        if let Some(queue) = self.queues.get_mut(&key) {
            if queue.held.len() >= self.limits.per_key {
                return false;
            }
            queue.held.push(value());
        } else {
            if self.queues.len() >= self.limits.keys {
                return false;
            }
            self.arrivals += 1;
            let expiry = (now_ms.saturating_add(self.limits.lifetime_ms), self.arrivals);
            self.expiries.insert(expiry, key);
            self.queues.insert(key, Queue { held: vec![value()], expiry });
        }
        self.len += 1;
        true
    }

    /// Takes out everything that waits under `key`, in the order of arrival.
    pub fn take(&mut self, key: K) -> Vec<V> {
        let Some(queue) = self.queues.remove(&key) else { return vec![] };
        self.expiries.remove(&queue.expiry);
        self.len -= queue.held.len();
        queue.held
    }

    /// Takes out everything whose time is over, and returns how much that was.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        let before = self.len;
        while let Some((&(expires_ms, _), &key)) = self.expiries.first_key_value() {
            if expires_ms > now_ms {
                break;
            }
            self.take(key);
        }
        before - self.len
    }

    /// When the next expire.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.expiries.first_key_value().map(|((expires_ms, _), _)| *expires_ms)
    }

    /// How many wait now.
    pub fn len(&self) -> usize {
        self.len
    }
}
