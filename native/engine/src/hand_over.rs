//! What a newer data plane of the same host takes over (SEMANTICS.md section 16), in the words of the commands that made it.

use std::sync::Arc;

use crate::control::Installation;
use crate::engine::{Engine, Pass};
use crate::flow::FlowView;
use crate::lock::read;
use crate::output::Output;
use crate::policy::Program;
use crate::policy_table::{Asked, Verdict};
use crate::reports::REPORTED_FLOWS_MAX;
use crate::session::Session;

/// One session with everything that was ever said about it.
pub struct HandedSession {
    /// As if it were installed now: it sends on under its next counter, and takes nothing in twice.
    pub installation: Installation,
    /// See [`Engine::set_path_mtu`].
    pub path_mtu: (u32, u32),
    /// See [`Engine::watch_silence`].
    pub silence_ms: u32,
}

impl Engine {
    /// The programs in force, by id.
    pub fn programs(&self) -> Vec<(u32, Program)> {
        read(&self.policies).programs().collect()
    }

    /// All sessions, by ascending index. Nobody may send on any of them between this and the end of the process.
    pub fn handed_sessions(&self) -> impl Iterator<Item = HandedSession> {
        self.sessions.all().into_iter().map(|session| HandedSession {
            installation: installation(&session, self.sessions.is_primary(&session)),
            path_mtu: session.mtu.limits(),
            silence_ms: session.seldom.silence.after_ms(),
        })
    }

    /// Takes in a flow that another process had, if its program still allows it.
    pub fn take_over_flow(&self, told: &FlowView, now_ms: u64) {
        let verdict = read(&self.policies).judge(told.by.policy_id, told.opened_by, &told.tuple, Asked::Again);
        if let Verdict::Allowed(tally) = verdict {
            let remote = told.tuple.remote_address;
            // What lies behind a gateway has a share of its own until it is opened anew.
            let peer = self.sessions.primary(remote).map_or(remote, |session| session.peer());
            self.flows.take_over(told, peer, tally, now_ms);
        }
    }
}

impl<O: Output> Pass<'_, O> {
    /// Every flow, in portions.
    pub fn handed_flows(&mut self) -> impl Iterator<Item = Vec<FlowView>> {
        let step = &mut self.step;
        step.engine.flows.settle(step.flow);
        step.engine.flows.portions(REPORTED_FLOWS_MAX, step.now_ms, &step.host.flow_timeouts)
    }
}

fn installation(session: &Arc<Session>, primary: bool) -> Installation {
    let keys = session.keys();
    Installation {
        local_index: session.local_index,
        remote_index: session.remote_index,
        cipher: keys.cipher,
        send_key: keys.send.clone(),
        receive_key: keys.receive.clone(),
        send_counter: session.counter().last(),
        receive_floor: session.highest_received(),
        path: session.path(),
        peer_addresses: session.peer_addresses.to_vec(),
        allowed_prefixes: session.allowed_prefixes.to_vec(),
        policy_id: session.policy_id(),
        confirmed: session.is_confirmed(),
        primary,
        memo: session.memo().to_vec(),
    }
}
