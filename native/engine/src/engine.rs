//! The engine: the tables that all threads share, and the way of one packet through them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use crate::active_sessions::SampleLists;
use crate::aead::choice::Libraries;
use crate::awaited::AwaitedIndexes;
use crate::awake_sessions::AwakeSessions;
use crate::capture::{Capture, Seen};
use crate::counters::{DropCounters, InboundCounters, OutboundCounters};
use crate::drop_reason::DropReason;
use crate::flow_memory::Advise;
use crate::flow_table::{FlowMemo, FlowTable};
use crate::fragments::Fragments;
use crate::host::{FLOWS_DEFAULT, HostFacts};
use crate::kept_gateways::KeptGateways;
use crate::limiter::{Bucket, Rate, SourceLimiter};
use crate::lock::{lock, read, write};
use crate::message_limiter::MessageLimiter;
use crate::output::{DropSample, Event, Output};
use crate::packet::{Direction, Tuple};
use crate::park::ParkingLot;
use crate::path::Path;
use crate::policy_table::PolicyTable;
use crate::relay::{Relay, RelayCache, RelayTable};
use crate::relay_quota::RelayQuota;
use crate::route_cache::RouteCache;
use crate::route_table::RouteTable;
use crate::session::Session;
use crate::session_table::{SessionCache, SessionTable};
use crate::silence_queue::SilenceQueue;
use crate::standing::{Acquaintances, Repeats};

const DROP_SAMPLES: Rate = Rate { per_second: 5, burst: 20 };
/// What this host is told about packets of its own.
const REJECTIONS_OUT: Rate = Rate { per_second: 1_000, burst: 1_000 };
const SWEEP_INTERVAL_MS: u64 = 1_000;

/// Everything that the threads of one data plane share. All methods take `&self`: the locks inside are held for one step each,
/// and none is held while an [`Output`] is called.
pub struct Engine {
    pub(crate) libraries: Libraries,
    facts: RwLock<Facts>,
    facts_version: AtomicU64,
    pub(crate) sessions: SessionTable,
    pub(crate) relays: RelayTable,
    pub(crate) policies: RwLock<PolicyTable>,
    pub(crate) flows: FlowTable,
    /// What an operator wants to see.
    pub capture: Capture,
    fragments_in: Mutex<Fragments>,
    fragments_out: Mutex<Fragments>,
    pub(crate) kept_gateways: KeptGateways,
    pub(crate) parked: Mutex<ParkingLot>,
    pub(crate) acquaintances: Mutex<Acquaintances>,
    pub(crate) repeats: Mutex<Repeats>,
    pub(crate) messages_1_in: Mutex<SourceLimiter>,
    pub(crate) messages_2_in: Mutex<SourceLimiter>,
    pub(crate) recv_errors_in: Mutex<SourceLimiter>,
    pub(crate) recv_errors_out: Mutex<SourceLimiter>,
    pub(crate) awaited: Mutex<AwaitedIndexes>,
    pub(crate) messages_in: Mutex<MessageLimiter>,
    pub(crate) relay_quota: Mutex<RelayQuota>,
    pub(crate) silences: SilenceQueue,
    rejections_out: Mutex<Bucket>,
    /// The last one, of packets of IPv6 that are divided here.
    pub(crate) fragment_id: AtomicU32,
    pub(crate) drops: DropCounters,
    pub(crate) outbound: OutboundCounters,
    pub(crate) inbound: InboundCounters,
    drop_samples: Mutex<Bucket>,
    pub(crate) sample_lists: SampleLists,
    /// Sessions that do not rest.
    pub awake: Arc<AwakeSessions>,
    /// Where the next sample goes on.
    pub(crate) sample_from: Mutex<u32>,
    swept_at_ms: AtomicU64,
}

/// What the control plane replaces as a whole, so that no packet sees a mixture.
#[derive(Clone, Default)]
struct Facts {
    host: Arc<HostFacts>,
    routes: Arc<RouteTable>,
}

/// What one thread keeps for itself.
pub struct Worker {
    facts: Facts,
    facts_version: u64,
    sessions: SessionCache,
    hops: SessionCache,
    relays: RelayCache,
    ways: RouteCache,
    flow: FlowMemo,
}

impl Worker {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self {
            facts: Facts::default(),
            facts_version: u64::MAX,
            sessions: SessionCache::new(),
            hops: SessionCache::new(),
            relays: RelayCache::new(),
            ways: RouteCache::new(),
            flow: FlowMemo::default(),
        }
    }

    /// Before the thread waits: lets go of the sessions it remembers, so that a removed one is gone with its keys, and tells
    /// what it has counted.
    pub fn rest(&mut self, engine: &Engine) {
        self.sessions.clear();
        self.hops.clear();
        self.relays.clear();
        engine.flows.settle(&mut self.flow);
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(Libraries::default())
    }
}

impl Engine {
    /// What it seals and opens with.
    pub fn libraries(&self) -> Libraries {
        self.libraries
    }

    /// An engine without sessions, that seals and opens with these.
    pub fn new(libraries: Libraries) -> Self {
        Self::in_memory(libraries, |_| {})
    }

    /// The same, which says what memory it is going to use from end to end.
    pub fn in_memory(libraries: Libraries, advise: Advise) -> Self {
        Self {
            libraries,
            facts: RwLock::default(),
            facts_version: AtomicU64::new(0),
            sessions: SessionTable::default(),
            relays: RelayTable::default(),
            policies: RwLock::default(),
            flows: FlowTable::new(FLOWS_DEFAULT, advise),
            capture: Capture::default(),
            fragments_in: Mutex::new(Fragments::new()),
            fragments_out: Mutex::new(Fragments::new()),
            kept_gateways: KeptGateways::new(),
            parked: Mutex::new(ParkingLot::new()),
            acquaintances: Mutex::new(Acquaintances::new()),
            repeats: Mutex::new(Repeats::new()),
            messages_1_in: Mutex::new(SourceLimiter::message_1()),
            messages_2_in: Mutex::new(SourceLimiter::message_2()),
            recv_errors_in: Mutex::new(SourceLimiter::recv_error()),
            recv_errors_out: Mutex::new(SourceLimiter::recv_error()),
            awaited: Mutex::new(AwaitedIndexes::new()),
            messages_in: Mutex::new(MessageLimiter::new()),
            relay_quota: Mutex::new(RelayQuota::new()),
            silences: SilenceQueue::default(),
            rejections_out: Mutex::new(Bucket::full(REJECTIONS_OUT, 0)),
            fragment_id: AtomicU32::new(0),
            drops: DropCounters::new(),
            outbound: OutboundCounters::default(),
            inbound: InboundCounters::default(),
            drop_samples: Mutex::new(Bucket::full(DROP_SAMPLES, 0)),
            sample_lists: SampleLists::default(),
            awake: Arc::default(),
            sample_from: Mutex::new(0),
            swept_at_ms: AtomicU64::new(0),
        }
    }

    /// The engine at one instant, for one thread: what is done through it goes to `out`. `now_ms` is monotonic.
    pub fn at<'a, O: Output>(&'a self, now_ms: u64, worker: &'a mut Worker, out: &'a mut O) -> Pass<'a, O> {
        let version = self.facts_version.load(Ordering::Acquire);
        if worker.facts_version != version {
            worker.facts = read(&self.facts).clone();
            worker.facts_version = version;
            worker.ways.clear();
        }
        let Worker { facts: Facts { host, routes }, sessions, hops, relays, ways, flow, .. } = worker;
        Pass { sessions, relays, step: Step { engine: self, host, routes, hops, ways, flow, now_ms, out } }
    }

    /// Counts drops that happened outside: a device or a socket that refused.
    pub fn count_drops(&self, reason: DropReason, amount: u64) {
        self.drops.add(reason, amount);
    }

    /// What was told found no room on its way: of what is counted one by one, so much is missing.
    pub fn unheard(&self, event: &Event) {
        match event {
            Event::FlowRecords(records) => self.flows.log.unheard(records),
            Event::Captured(captured) => self.capture.unheard(captured),
            _ => {}
        }
    }

    /// When [`Pass::tick`] has something to do next, at the latest: at an instant, or within a second from `now_ms` on.
    pub fn next_tick_ms(&self, now_ms: u64) -> Option<u64> {
        let is_waited_for =
            || lock(&self.parked).deadline_ms().is_some() || lock(&self.awaited).deadline_ms().is_some();
        let is_regular = || is_waited_for() || self.flows.len() > 0;
        if self.awake.is_behind(now_ms) {
            return Some(now_ms);
        }
        match self.next_urgent_ms() {
            Some(due_ms) if due_ms <= now_ms + SWEEP_INTERVAL_MS => Some(due_ms),
            urgent_ms => is_regular().then_some(now_ms + SWEEP_INTERVAL_MS).or(urgent_ms),
        }
    }

    /// When the next session will have been silent for too long, or flows are to be told of. Cheaper than [`Engine::next_tick_ms`].
    pub fn next_urgent_ms(&self) -> Option<u64> {
        let told_ms = self.flows.log.due_ms().into_iter().chain(self.capture.due_ms());
        self.silences.deadline_ms().into_iter().chain(told_ms).min()
    }

    /// The routes in force.
    pub fn routes(&self) -> Arc<RouteTable> {
        Arc::clone(&read(&self.facts).routes)
    }

    /// The relays that are set, by ascending index.
    pub fn relays(&self) -> Vec<Relay> {
        self.relays.all()
    }

    /// The session is over, and so are the relays that it is a hop of.
    pub(crate) fn forget(&self, local_index: u32) {
        if let Some(session) = self.sessions.remove(local_index) {
            self.relays.forget(&session);
            self.silences.forget(&session);
        }
    }

    /// Whether this host is told of one more packet of its own that was rejected.
    pub(crate) fn admits_rejection(&self, now_ms: u64) -> bool {
        lock(&self.rejections_out).take(REJECTIONS_OUT, now_ms)
    }

    /// The divided packets that go this way.
    pub(crate) fn fragments(&self, direction: Direction) -> &Mutex<Fragments> {
        match direction {
            Direction::Inbound => &self.fragments_in,
            Direction::Outbound => &self.fragments_out,
        }
    }

    pub(crate) fn replace_host(&self, host: HostFacts, now_ms: u64) {
        self.flows.log.switch(host.record_flows);
        let evicted = self.flows.set_limit(host.flow_limit, now_ms);
        self.drops.add(DropReason::FlowEvicted, evicted as u64);
        write(&self.facts).host = Arc::new(host);
        self.facts_version.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn replace_routes(&self, routes: RouteTable) {
        write(&self.facts).routes = Arc::new(routes);
        self.facts_version.fetch_add(1, Ordering::Release);
    }
}

/// One thread's use of the engine at one instant.
pub struct Pass<'a, O: Output> {
    pub(crate) sessions: &'a mut SessionCache,
    pub(crate) relays: &'a mut RelayCache,
    pub(crate) step: Step<'a, O>,
}

/// The part of a pass that does not find sessions but is told one, so that a session found in the cache can be used without
/// counting a reference to it.
pub(crate) struct Step<'a, O: Output> {
    pub(crate) engine: &'a Engine,
    pub(crate) host: &'a HostFacts,
    pub(crate) routes: &'a RouteTable,
    /// Sessions with relays: those that a relayed path leads through.
    pub(crate) hops: &'a mut SessionCache,
    pub(crate) ways: &'a mut RouteCache,
    pub(crate) flow: &'a mut FlowMemo,
    pub(crate) now_ms: u64,
    pub(crate) out: &'a mut O,
}

impl<O: Output> Pass<'_, O> {
    /// Does what time alone causes: parked packets expire, silences and flows are told, once a second some of the flows are looked
    /// at, and sessions that nobody has used for a second are let rest. To be called when [`Engine::next_tick_ms`] says.
    pub fn tick(&mut self) {
        let Step { engine, now_ms, .. } = self.step;
        let expired = lock(&engine.parked).expire(now_ms);
        engine.drops.add(DropReason::ParkedExpired, expired as u64);
        let expired = lock(&engine.awaited).expire(now_ms);
        engine.drops.add(DropReason::UnknownIndex, expired as u64);
        for (local_index, since_ms) in engine.silences.take_silent(now_ms, |index| engine.sessions.by_index(index)) {
            self.step.out.event(Event::Silent { local_index, since_ms });
        }
        if now_ms.saturating_sub(engine.swept_at_ms.load(Ordering::Relaxed)) >= SWEEP_INTERVAL_MS {
            engine.swept_at_ms.store(now_ms, Ordering::Relaxed);
            engine.flows.settle(self.step.flow);
            engine.flows.sweep(now_ms, &self.step.host.flow_timeouts);
        }
        engine.awake.look(now_ms, |local_index, used| engine.sessions.by_index(local_index)?.rest_unless_used(used));
        if let Some(records) = engine.flows.log.take_due(now_ms) {
            self.step.out.event(Event::FlowRecords(records));
        }
        if let Some(captured) = engine.capture.take_due(now_ms) {
            self.step.out.event(Event::Captured(captured));
        }
    }
}

impl<O: Output> Step<'_, O> {
    /// Counts a drop and, now and then, tells of it.
    pub(crate) fn drop(&mut self, sample: DropSample) {
        let Engine { drops, outbound, .. } = self.engine;
        drops.add(sample.reason, 1);
        match sample.reason {
            DropReason::NoMatchingRule if !sample.inbound => outbound.no_matching_rule.add(1),
            DropReason::LocalAddress if !sample.inbound => outbound.local_address.add(1),
            _ => {}
        }
        if let Some(tuple) = sample.tuple.filter(|_| sample.reason.ends_flow()) {
            let peer = || Some(self.engine.sessions.by_index(sample.local_index)?.peer());
            self.engine.flows.log.refused(&sample, tuple, peer, self.now_ms);
        }
        if sample.reason.is_sampled() && lock(&self.engine.drop_samples).take(DROP_SAMPLES, self.now_ms) {
            self.out.event(Event::Dropped(sample));
        }
    }

    /// A packet has come to its verdict: whoever looks at packets sees it.
    #[inline]
    pub(crate) fn capture(
        &self,
        packet: (&Tuple, &[u8]),
        direction: Direction,
        at: Option<&Session>,
        refused: Option<DropReason>,
    ) {
        if self.engine.capture.is_on() {
            let ((tuple, bytes), local_index) = (packet, at.map_or(0, |session| session.local_index));
            self.engine.capture.offer(Seen { tuple, direction, bytes, refused, local_index }, self.now_ms);
        }
    }

    /// Drops a datagram that met no session.
    pub(crate) fn drop_from(&mut self, source: SocketAddr, reason: DropReason) {
        self.drop(DropSample { origin: Some(Path::Direct(source)), ..DropSample::new(reason, true) });
    }
}
