//! What the control plane can learn of the engine.

use std::net::IpAddr;
use std::ops::Deref;

use crate::drop_reason::DropReason;
use crate::engine::{Engine, Pass};
use crate::ip::Prefix;
use crate::lock::{lock, read};
use crate::output::{Event, Output};
use crate::path::Path;
use crate::session::Activity;

pub use crate::policy_table::RuleCount;
pub use crate::relay::RelayActivity;
pub use crate::rule_tally::RuleTotals;

/// How much of what is told of each in one sample.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct SampleLimits {
    pub sessions: usize,
    pub rules: usize,
    pub relays: usize,
}

/// Flows in one report: bounds the time the flows are held, and the report.
pub const REPORTED_FLOWS_MAX: usize = 1_024;

/// What happened, for the control plane's liveness and metrics.
#[derive(Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Sample {
    pub activity: Vec<Activity>,
    /// What rules have allowed, of those that have allowed anything since they were told of.
    pub rules: Vec<RuleCount>,
    /// What came through relays, of those that something came through since they were told of.
    pub relays: Vec<RelayActivity>,
    /// There was more of one of these than was asked for.
    pub more: bool,
    pub drops: Vec<(DropReason, u64)>,
    pub tun_read_packets: u64,
    pub tun_written_packets: u64,
    pub udp_received_datagrams: u64,
    pub udp_sent_datagrams: u64,
    pub flows: u64,
    pub parked: u64,
    pub test_requests_answered: u64,
    pub kept_answers_given: u64,
    pub recv_errors_sent: u64,
    pub parked_released: u64,
    pub packets_lost: u64,
    pub packets_duplicate: u64,
    pub outbound_no_matching_rule: u64,
    pub outbound_local_address: u64,
}

/// One session as a new control plane finds it.
#[allow(missing_docs)]
pub struct SessionSnapshot {
    pub local_index: u32,
    pub remote_index: u32,
    pub path: Option<Path>,
    pub peer_addresses: Vec<IpAddr>,
    pub allowed_prefixes: Vec<Prefix>,
    pub confirmed: bool,
    pub primary: bool,
    pub send_counter: u64,
    pub memo: Vec<u8>,
}

/// All sessions that there are now, by ascending index, each as it is when its turn comes and left out when it is gone by then. Nothing
/// is held in between: neither a lock nor anybody's keys.
pub fn snapshot(engine: impl Deref<Target = Engine>) -> impl Iterator<Item = SessionSnapshot> {
    engine.sessions.indexes().into_iter().filter_map(move |local_index| {
        let session = engine.sessions.by_index(local_index)?;
        Some(SessionSnapshot {
            local_index,
            remote_index: session.remote_index,
            path: session.path(),
            peer_addresses: session.peer_addresses.to_vec(),
            allowed_prefixes: session.allowed_prefixes.to_vec(),
            confirmed: session.is_confirmed(),
            primary: engine.sessions.is_primary(&session),
            send_counter: session.counter().last(),
            memo: session.memo().to_vec(),
        })
    })
}

impl Engine {
    /// Activity of sessions and relays and what rules have allowed since they were last asked, within these limits, and the counters.
    pub fn sample(&self, limits: SampleLimits) -> Sample {
        let (activity, more_sessions) = self.take_activity(limits.sessions);
        let (rules, more_rules) = read(&self.policies).take_counts(limits.rules);
        let (relays, more_relays) = self.relays.take_activity(limits.relays);
        Sample {
            activity,
            rules,
            relays,
            more: more_sessions || more_rules || more_relays,
            drops: self.drops.iter().filter(|(_, count)| *count > 0).collect(),
            tun_read_packets: self.outbound.tun_read.get(),
            tun_written_packets: self.inbound.tun_written.get(),
            udp_received_datagrams: self.inbound.udp_received.get(),
            udp_sent_datagrams: self.outbound.udp_sent.get(),
            flows: self.flows.len() as u64,
            parked: lock(&self.parked).len() as u64,
            test_requests_answered: self.inbound.test_requests.get(),
            kept_answers_given: self.inbound.kept_answers.get(),
            recv_errors_sent: self.inbound.recv_errors.get(),
            parked_released: self.outbound.parked_released.get(),
            packets_lost: self.inbound.lost.get(),
            packets_duplicate: self.inbound.duplicate.get(),
            outbound_no_matching_rule: self.outbound.no_matching_rule.get(),
            outbound_local_address: self.outbound.local_address.get(),
        }
    }

    fn take_activity(&self, limit: usize) -> (Vec<Activity>, bool) {
        let mut from = lock(&self.sample_from);
        let (taken, next) = self.sample_lists.used.take(*from, limit);
        *from = next.unwrap_or(0);
        let sessions = taken.into_iter().filter_map(|local_index| self.sessions.by_index(local_index));
        (sessions.filter_map(|session| session.take_activity()).collect(), next.is_some())
    }
}

impl<O: Output> Pass<'_, O> {
    /// Tells of flows and of the moves that were held back, and returns [`Engine::sample`].
    pub fn sample(&mut self, limits: SampleLimits) -> Sample {
        self.tell_of_flows();
        let step = &mut self.step;
        step.engine.flows.settle(step.flow);
        let (moved, _) = step.engine.sample_lists.moved.take(0, usize::MAX);
        for session in moved.into_iter().filter_map(|local_index| step.engine.sessions.by_index(local_index)) {
            if let Some(path) = session.take_untold_path(step.now_ms) {
                step.out.event(Event::Roamed { local_index: session.local_index, path });
            }
        }
        step.engine.sample(limits)
    }

    /// What was noted of flows is told now: whoever asks wakes the control plane anyhow, and hears of everything before the answer.
    fn tell_of_flows(&mut self) {
        let step = &mut self.step;
        if let Some(records) = step.engine.flows.log.take_all(step.now_ms) {
            step.out.event(Event::FlowRecords(records));
        }
    }

    /// Tells of every flow, in as many events as it takes.
    pub fn list_flows(&mut self) {
        self.tell_of_flows();
        let step = &mut self.step;
        step.engine.flows.settle(step.flow);
        for flows in step.engine.flows.portions(REPORTED_FLOWS_MAX, step.now_ms, &step.host.flow_timeouts) {
            if !flows.is_empty() {
                step.out.event(Event::Flows(flows));
            }
        }
    }
}
