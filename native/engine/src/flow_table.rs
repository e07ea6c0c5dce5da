//! Flows the firewall has allowed (SEMANTICS.md section 4.3), for all threads at once.
//!
//! ```text
//! FlowMemo   a thread's own: a run of packets of one flow takes no lock
//! shards     which flow a key has, and all about it: a lock each, and the hash of the key says which
//! order      which flow goes next: one lock, for opening and forgetting; a flow that is used says so in its shard
//! log        what is told of flows: one lock, for opening, forgetting and refusing
//! ```
//!
//! A thread that holds the lock of a shard may take that of the order or of the log, never the other way round, and never those of two shards.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::flow::{FlowEnd, FlowPacket, FlowPlace, FlowView, Foreseen, Judged, Traffic};
use crate::flow_entry::Flow;
use crate::flow_log::FlowLog;
use crate::flow_memory::{Advise, FlowMemory};
use crate::flow_order::FlowOrder;
use crate::flow_shard::FlowShard;
use crate::host::FlowTimeouts;
use crate::packet::{Direction, Tuple};
use crate::policy::RefusalAction;
use crate::policy_table::{Asked, Verdict};
use crate::rule_tally::RuleTally;
use crate::sync::{AtomicU32, AtomicU64, KeyedState, Mutex, MutexGuard, Ordering, lock};
use crate::tcp_end::is_turning;

/// Parts of the table: two threads rarely need the same one.
const SHARDS: u32 = 64;
/// From so many flows on their memory is worth being asked for ahead: fewer stay in the processor's second cache. What fuzzers try has fewer, and goes that way, too.
const FAR_FROM: usize = if cfg!(fuzzing) { 1 } else { 4_096 };
/// Places looked at in one sweep: bounds the time it takes.
const SWEEP_PLACES: usize = 4_096;

/// The table. Keys carry addresses as a peer sees them, so a flow outlives the session it began in.
pub struct FlowTable {
    memory: FlowMemory,
    shards: Box<[Shard]>,
    order: Mutex<FlowOrder>,
    /// What the control plane is told.
    pub log: FlowLog,
    hasher: KeyedState,
    epoch: AtomicU32,
    /// Where the next sweep goes on.
    sweep_from: Mutex<FlowPlace>,
    /// How many flows there are, nearly.
    count: AtomicUsize,
    /// Changes with everything that can make a [`FlowMemo`] wrong: a flow goes, a connection begins or ends, the epoch rises.
    version: AtomicU64,
}

/// In cache lines of its own.
#[repr(align(128))]
struct Shard(Mutex<FlowShard>);

/// What one thread remembers of the flow it saw last, so that a run of packets takes a lock once.
#[derive(Default)]
pub struct FlowMemo {
    last: Option<Remembered>,
}

struct Remembered {
    tuple: Tuple,
    policy_id: u32,
    version: u64,
    at_ms: u64,
    /// Where it lies, unless it is gone.
    slot: u32,
    /// What was let through without the lock, and is not in the table yet.
    uncounted: Traffic,
}

impl FlowTable {
    /// An empty table for so many flows, which tells what memory it is going to use.
    pub fn new(limit: usize, advise: Advise) -> Self {
        Self::in_parts(limit, SHARDS, advise)
    }

    fn in_parts(limit: usize, parts: u32, advise: Advise) -> Self {
        Self {
            memory: FlowMemory::new(advise),
            shards: (0..parts).map(|number| Shard(Mutex::new(FlowShard::new(number, parts)))).collect(),
            order: Mutex::new(FlowOrder::new(limit)),
            log: FlowLog::default(),
            hasher: KeyedState::default(),
            epoch: AtomicU32::new(0),
            sweep_from: Mutex::new(FlowPlace::default()),
            count: AtomicUsize::new(0),
            version: AtomicU64::new(1),
        }
    }

    /// From now on there are at most so many flows. Returns how many had to go.
    pub fn set_limit(&self, limit: usize, now_ms: u64) -> usize {
        lock(&self.order).set_limit(limit);
        std::iter::from_fn(|| self.make_room(now_ms).then_some(())).count()
    }

    /// Whether flows lie where looking one up takes longer than the rest of a packet's way: whoever has several packets should ask for their flows
    /// ([`Self::foresee`], then [`Self::approach`]) before the first of them is judged.
    #[inline]
    pub fn is_far(&self) -> bool {
        self.count.load(std::sync::atomic::Ordering::Relaxed) >= FAR_FROM
    }

    /// Has the memory fetched that says where a flow lies.
    pub fn foresee(&self, tuple: &Tuple) -> Foreseen {
        let hash = self.hasher.hash_one(tuple);
        if let Some(Shard(shard)) = self.shard_of_hash(hash) {
            lock(shard).prefetch_place(hash);
        }
        Foreseen(Some(hash))
    }

    /// Has the flow itself fetched.
    pub fn approach(&self, Foreseen(hash): Foreseen) {
        if let Some(hash) = hash
            && let Some(Shard(shard)) = self.shard_of_hash(hash)
        {
            lock(shard).prefetch_flow(hash);
        }
    }

    /// Judges a packet, and counts it when it is allowed. `ask` asks the session's program about a direction: for a new flow and,
    /// once per epoch and program, for an old one.
    #[inline]
    pub fn judge(
        &self,
        memo: &mut FlowMemo,
        packet: &FlowPacket<'_>,
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> Judged {
        if self.passes(memo, packet) { Judged::Allowed } else { self.judge_locked(memo, packet, ask) }
    }

    /// Whether packets are allowed because the last one of this thread was of the same flow. They are counted then.
    #[inline]
    pub fn passes(&self, memo: &mut FlowMemo, packet: &FlowPacket<'_>) -> bool {
        let version = self.version.load(Ordering::Acquire);
        let last = memo.last.as_mut().filter(|last| last.holds_for(packet, version));
        last.map(|last| last.uncounted.add(packet)).is_some()
    }

    fn judge_locked(
        &self,
        memo: &mut FlowMemo,
        packet: &FlowPacket<'_>,
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> Judged {
        let FlowPacket { tuple, direction, policy_id, now_ms, timeouts, .. } = *packet;
        self.settle(memo);
        // Before anything is looked at: what changes from here on is not what was seen.
        let version = self.version.load(Ordering::Acquire);
        let hash = packet.foreseen.0.unwrap_or_else(|| self.hasher.hash_one(tuple));
        let Some(Shard(shard)) = self.shard_of_hash(hash) else { return Judged::Refused(RefusalAction::Drop) };
        let mut flows = lock(shard);
        // Before a program is asked: whoever raises the epoch has put the new programs in place.
        let epoch = self.epoch.load(Ordering::Acquire);
        let mut past = None;
        if let Some((slot, flow)) = flows.find(hash, tuple) {
            if !flow.is_expired(now_ms, timeouts) && !flow.precedes(packet) {
                if let Err(action) = flow.judge_again((epoch, policy_id), ask) {
                    return Judged::Refused(action);
                }
                flow.passed(packet);
                memo.remember(packet, version, slot, flow.is_over());
                // What is remembered lets packets through without a look at what ends connections.
                if is_turning(packet.tcp_flags) {
                    self.version.fetch_add(1, Ordering::Release);
                }
                return Judged::Allowed;
            }
            past = Some(slot);
        }
        let allowed = match ask(direction, Asked::ToOpen) {
            Verdict::Allowed(tally) => tally,
            // What is over stays then, too: no packet that is refused takes a flow from those that are not.
            Verdict::Refused(action) => return Judged::Refused(action),
        };
        if let Some(past) = past {
            self.remove(&mut flows, past, FlowEnd::Expired, now_ms);
        }
        self.log.begun(packet, allowed.by);
        let flow = Flow::opened(packet, epoch, allowed);
        let is_over = flow.is_over();
        let slot = flows.insert(hash, tuple, flow, &self.memory);
        memo.remember(packet, version, slot, is_over);
        self.count(lock(&self.order), |order| order.add(slot, (packet.peer, direction)));
        drop(flows);
        if self.make_room(now_ms) { Judged::AllowedByEviction } else { Judged::Allowed }
    }

    /// Forgets a flow if there is one too many: of the largest share the one that was opened longest ago and not used since, unless that would
    /// take long to find.
    fn make_room(&self, now_ms: u64) -> bool {
        let mut spared = 0;
        loop {
            let Some(slot) = lock(&self.order).excess() else { return false };
            let Some(Shard(shard)) = self.shard_of(slot) else { return false };
            let mut flows = lock(shard);
            let mut order = lock(&self.order);
            if order.excess() != Some(slot) {
                // Another thread has made room meanwhile, or spared this one.
                continue;
            }
            if flows.at(slot).is_some_and(Flow::take_used) && order.spare(slot, spared) {
                spared += 1;
                continue;
            }
            drop(order);
            self.remove(&mut flows, slot, FlowEnd::Evicted, now_ms);
            return true;
        }
    }

    /// Takes in a flow of another process, unless there is one. `peer`: see [`FlowPacket::peer`].
    pub fn take_over(&self, told: &FlowView, peer: IpAddr, allowed: Arc<RuleTally>, now_ms: u64) {
        let hash = self.hasher.hash_one(told.tuple);
        let Some(Shard(shard)) = self.shard_of_hash(hash) else { return };
        let mut flows = lock(shard);
        if flows.find(hash, &told.tuple).is_some() {
            return;
        }
        let epoch = self.epoch.load(Ordering::Acquire);
        let slot = flows.insert(hash, &told.tuple, Flow::taken_over(told, epoch, allowed, now_ms), &self.memory);
        self.count(lock(&self.order), |order| order.add(slot, (peer, told.opened_by)));
        drop(flows);
        self.make_room(now_ms);
    }

    /// Whether there is a flow that is still allowed. Nothing passes: it is neither counted nor does it prolong the flow.
    pub fn knows(
        &self,
        tuple: &Tuple,
        policy_id: u32,
        (now_ms, timeouts): (u64, &FlowTimeouts),
        ask: impl Fn(Direction, Asked) -> Verdict,
    ) -> bool {
        let hash = self.hasher.hash_one(tuple);
        let Some(Shard(shard)) = self.shard_of_hash(hash) else { return false };
        let mut flows = lock(shard);
        let epoch = self.epoch.load(Ordering::Acquire);
        flows.find(hash, tuple).is_some_and(|(_, flow)| {
            !flow.is_expired(now_ms, timeouts) && flow.judge_again((epoch, policy_id), ask).is_ok()
        })
    }

    /// Puts into the table what a thread has counted without its lock. What was counted for a flow that is gone is gone with it, unless another one of its key has come to
    /// lie there.
    pub fn settle(&self, memo: &mut FlowMemo) {
        let Some(last) = memo.last.as_mut().filter(|last| last.has_uncounted()) else { return };
        let uncounted = std::mem::take(&mut last.uncounted);
        if let Some(Shard(shard)) = self.shard_of(last.slot)
            && let Some(flow) = lock(shard).find_at(last.slot, &last.tuple)
        {
            flow.add_traffic(&uncounted);
        }
    }

    /// From now on every flow is judged again, in its original direction, on its next packet.
    pub fn raise_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Forgets expired flows among the next few, so that it comes round to all of them.
    pub fn sweep(&self, now_ms: u64, timeouts: &FlowTimeouts) {
        let mut from = lock(&self.sweep_from);
        let mut left = SWEEP_PLACES;
        while left > 0 {
            let Some(Shard(shard)) = self.shards.get(from.shard) else {
                *from = FlowPlace::default();
                return;
            };
            let mut flows = lock(shard);
            let (page, next) = flows.page(from.slot, left);
            let expired = page.filter(|(.., flow)| flow.is_expired(now_ms, timeouts));
            for slot in expired.map(|(slot, ..)| slot).collect::<Vec<_>>() {
                self.remove(&mut flows, slot, FlowEnd::Expired, now_ms);
            }
            left -= left.min(flows.places() - from.slot);
            *from = from.followed_by(next);
        }
    }

    /// Flows remembered now.
    pub fn len(&self) -> usize {
        lock(&self.order).len()
    }

    /// Some of the flows that have not expired, from a place on, and the place to go on from. No shard is held for more than `count`
    /// flows at a time.
    pub fn page(
        &self,
        from: FlowPlace,
        count: usize,
        now_ms: u64,
        timeouts: &FlowTimeouts,
    ) -> (Vec<FlowView>, Option<FlowPlace>) {
        let (mut views, mut at) = (vec![], from);
        while let Some(Shard(shard)) = self.shards.get(at.shard) {
            if views.len() >= count {
                return (views, Some(at));
            }
            let flows = lock(shard);
            let (page, next) = flows.page(at.slot, count - views.len());
            let alive = page.filter(|(.., flow)| !flow.is_expired(now_ms, timeouts));
            views.extend(alive.map(|(_, tuple, flow)| flow.view(tuple, now_ms)));
            at = at.followed_by(next);
        }
        (views, None)
    }

    /// All flows that have not expired, at most `count` at a time.
    pub fn portions<'a>(
        &'a self,
        count: usize,
        now_ms: u64,
        timeouts: &'a FlowTimeouts,
    ) -> impl Iterator<Item = Vec<FlowView>> + use<'a> {
        let mut from = Some(FlowPlace::default());
        std::iter::from_fn(move || {
            let (flows, next) = self.page(from.take()?, count, now_ms, timeouts);
            from = next;
            Some(flows)
        })
    }

    fn remove(&self, flows: &mut FlowShard, slot: u32, end: FlowEnd, now_ms: u64) {
        let flow = flows.remove(slot, &self.hasher);
        let (peer, _) = self.count(lock(&self.order), |order| order.remove(slot));
        self.version.fetch_add(1, Ordering::Release);
        if let Some((tuple, flow)) = flow {
            self.log.ended((tuple, &flow), peer, if flow.is_over() { FlowEnd::Closed } else { end }, now_ms);
        }
    }

    /// Changes the order, and notes how many flows it has then.
    fn count<T>(&self, mut order: MutexGuard<'_, FlowOrder>, change: impl FnOnce(&mut FlowOrder) -> T) -> T {
        let changed = change(&mut order);
        self.count.store(order.len(), std::sync::atomic::Ordering::Relaxed);
        changed
    }

    /// Bits of the hash that say nothing about the place within a shard.
    fn shard_of_hash(&self, hash: u64) -> Option<&Shard> {
        self.shards.get((hash >> 40) as usize % self.shards.len())
    }

    fn shard_of(&self, slot: u32) -> Option<&Shard> {
        self.shards.get(slot as usize % self.shards.len())
    }
}

impl FlowMemo {
    /// A flow that has let a packet pass.
    fn remember(&mut self, packet: &FlowPacket<'_>, version: u64, slot: u32, is_over: bool) {
        let is_steady = !is_turning(packet.tcp_flags) && !is_over;
        self.last = is_steady.then(|| Remembered {
            tuple: *packet.tuple,
            policy_id: packet.policy_id,
            version,
            at_ms: packet.now_ms,
            slot,
            uncounted: Traffic::default(),
        });
    }
}

impl Remembered {
    fn has_uncounted(&self) -> bool {
        self.uncounted.received_packets | self.uncounted.sent_packets != 0
    }

    #[inline]
    fn holds_for(&self, packet: &FlowPacket<'_>, version: u64) -> bool {
        self.version == version
            && self.at_ms == packet.now_ms
            && !is_turning(packet.tcp_flags)
            && self.policy_id == packet.policy_id
            && self.tuple == *packet.tuple
    }
}

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
