//! What the first packet of a flow costs under a program of 10,000 rules, and what it costs to apply one:
//! `cargo run --release --example rules`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use lacis_engine::control::PolicyChange;
use lacis_engine::engine::{Engine, Worker};
use lacis_engine::ip::Prefix;
use lacis_engine::output::{Event, Output};
use lacis_engine::policy::{Program, Rule};
use lacis_engine::route::Target;
use support::{OWN, PEER, address, any_rule, installation, route, whole};

const RULES: u16 = 10_000;
const FLOWS: u16 = 10_000;

fn main() {
    let port = |n: u16| Rule { ports: n..=n, ..any(n) };
    let range = |n: u16| Rule { ports: n..=n + 1, ..any(n) };
    let network = |n: u16| {
        let [b, c] = (n + 1).to_be_bytes();
        Rule { remote: Prefix::new(IpAddr::from([10, b, c, 0]), 24).into_iter().collect(), ..any(n) }
    };
    measure("one rule", vec![any(0)]);
    measure("10,000 rules of one port each, the packet's among the last", (0..RULES).map(port).collect());
    measure("10,000 rules of two ports each, the packet's among the last", (0..RULES).map(range).collect());
    measure("10,000 rules of one network each, and one that allows", (0..RULES).map(network).chain([any(0)]).collect());
}

fn any(rule_id: u16) -> Rule {
    Rule { rule_id: rule_id.into(), ..any_rule() }
}

fn measure(name: &str, rules: Vec<Rule>) {
    let engine = Engine::default();
    let routes = [(OWN, Target::Own), (PEER, Target::Peer)].map(|(host, target)| route(whole(address(host)), target));
    let start = Instant::now();
    let programs = vec![(1, Program { outbound: rules, ..Program::default() })];
    let applied = engine.apply_policies(PolicyChange { programs, bindings: vec![], raise_epoch: true });
    let apply_ms = start.elapsed().as_secs_f64() * 1e3;
    let (mut worker, mut out) = (Worker::new(), Nowhere(vec![]));
    let ready = applied.and_then(|()| engine.apply_routes(routes.to_vec()));
    let ready = ready.and_then(|()| engine.at(0, &mut worker, &mut out).install(installation()));
    if let Err(refusal) = ready {
        return println!("{}", refusal.message);
    }
    let start = Instant::now();
    for flow in 0..FLOWS {
        engine.at(0, &mut worker, &mut out).outbound(&packet(flow));
    }
    let each = start.elapsed().as_secs_f64() * 1e9 / f64::from(FLOWS);
    println!("{name}: {each:.0} ns for the first packet of a flow, applied in {apply_ms:.2} ms");
}

/// 28 bytes of UDP to port 9999 of the peer.
fn packet(source_port: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet.extend_from_slice(&source_port.to_be_bytes());
    packet.extend_from_slice(&[0x27, 0x0f, 0, 8, 0, 0]);
    packet
}

struct Nowhere(Vec<u8>);

impl Output for Nowhere {
    fn datagram(&mut self, _to: SocketAddr, length: usize, fill: impl FnOnce(&mut [u8]) -> bool) -> bool {
        self.0.resize(length, 0);
        fill(&mut self.0)
    }

    fn packet(&mut self, _packet: &[u8]) {}

    fn event(&mut self, _event: Event) {}
}
