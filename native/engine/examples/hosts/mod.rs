//! Two hosts in one process, with a session between them.

#[path = "../../tests/support/mod.rs"]
mod support;

use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use lacis_engine::aead::choice::Libraries;
use lacis_engine::control::{Installation, PolicyChange};
use lacis_engine::engine::{Engine, Worker};
use lacis_engine::flow::Foreseen;
use lacis_engine::host::{FLOWS_MAX, HostFacts};
use lacis_engine::ip::Prefix;
use lacis_engine::output::{Event, Output};
use lacis_engine::path::Path;
use lacis_engine::policy::{Program, Rule, RuleProtocol};
use lacis_engine::reports::SampleLimits;
use lacis_engine::route::{Route, Target};
use lacis_engine::segments::Single;

const ADDRESSES: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2))];
/// The first byte of the addresses of hosts that say nothing.
const OTHERS: u8 = 11;

/// What is sent.
#[derive(Clone, Copy)]
pub struct Packets {
    /// The length of each.
    pub bytes: usize,
    /// Flows that they are drawn from.
    pub flows: u32,
}

/// Two hosts.
pub struct Pair {
    sender: Host,
    receiver: Host,
    drawn: u64,
}

struct Host {
    engine: Engine,
    worker: Worker,
    out: Wire,
}

/// What has been sent: datagrams of one length, as they lie in the buffers of a socket that cuts and joins them.
#[derive(Default)]
struct Wire {
    bytes: Vec<u8>,
    datagram_bytes: usize,
}

impl Output for Wire {
    fn datagram(&mut self, _to: SocketAddr, length: usize, fill: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let start = self.bytes.len();
        self.bytes.resize(start + length, 0);
        self.datagram_bytes = length;
        self.bytes.get_mut(start..).is_some_and(fill)
    }

    fn packet(&mut self, _packet: &[u8]) {}

    fn event(&mut self, _event: Event) {}
}

impl Pair {
    /// Each host with so many sessions, one of them with the other host, and these rules.
    pub fn new(tunnels: u32, rules: Vec<Rule>) -> Self {
        let [one, two] = ADDRESSES;
        let receiver = Host::new((two, one), (2, 1), tunnels, rules.clone());
        Self { sender: Host::new((one, two), (1, 2), tunnels, rules), receiver, drawn: 1 }
    }

    /// A packet of each flow passes.
    pub fn open(&mut self, packets: &Packets) {
        for flow in 0..packets.flows {
            self.send(&[packet(flow, packets.bytes)]);
            self.receive();
        }
    }

    /// Packets of flows at random.
    pub fn draw(&mut self, packets: &Packets, count: usize) -> Vec<Vec<u8>> {
        let mut next = || {
            // xorshift64: fast, and no order that a cache could guess.
            self.drawn ^= self.drawn << 13;
            self.drawn ^= self.drawn >> 7;
            self.drawn ^= self.drawn << 17;
            (self.drawn % u64::from(packets.flows)) as u32
        };
        (0..count).map(|_| packet(next(), packets.bytes)).collect()
    }

    /// Packets leave the device of one host, as a data plane reads them: while one is on its way, it knows of the next two.
    pub fn send(&mut self, packets: &[Vec<u8>]) {
        let Host { engine, worker, out } = &mut self.sender;
        out.bytes.clear();
        let mut pass = engine.at(0, worker, out);
        let mut foreseen = [Foreseen::default(); 3];
        for number in 0..packets.len() + 2 {
            if let Some(packet) = packets.get(number) {
                foreseen[number % 3] = pass.foresee_outbound(packet);
            }
            if number > 0 && number <= packets.len() {
                pass.approach_flow(foreseen[(number - 1) % 3]);
            }
            if let Some(packet) = number.checked_sub(2).and_then(|number| packets.get(number)) {
                pass.outbound_all(&mut Single(packet), foreseen[(number - 2) % 3]);
            }
        }
    }

    /// What was sent last arrives at the socket of the other.
    pub fn receive(&mut self) {
        let Host { engine, worker, out } = &mut self.receiver;
        let Wire { bytes, datagram_bytes } = &mut self.sender.out;
        engine.at(0, worker, out).inbound_all(bytes, *datagram_bytes, underlay(1));
    }

    /// Flows that both remember.
    pub fn flows(&self) -> u64 {
        let count = |host: &Host| host.engine.sample(SampleLimits::default()).flows;
        count(&self.sender).min(count(&self.receiver))
    }
}

impl Host {
    fn new((own, peer): (IpAddr, IpAddr), (local, remote): (u32, u32), tunnels: u32, rules: Vec<Rule>) -> Self {
        let mut host = Self {
            engine: Engine::in_memory(Libraries::default(), wish_huge_pages),
            worker: Worker::new(),
            out: Wire::default(),
        };
        host.engine.configure(HostFacts { flow_limit: FLOWS_MAX, ..HostFacts::default() }, 0);
        let route = |address, bits, target| Some(Route { prefix: Prefix::new(address, bits)?, target });
        let routes = [route(own, 32, Target::Own), route(IpAddr::from([8, 0, 0, 0]), 5, Target::Peer)];
        let _ = host.engine.apply_routes(routes.into_iter().flatten().collect());
        let program = Program { inbound: rules.clone(), outbound: rules, ..Program::default() };
        let change = PolicyChange { programs: vec![(1, program)], bindings: vec![], raise_epoch: true };
        let _ = host.engine.apply_policies(change);
        host.install(local, remote, peer);
        for other in 3..tunnels + 2 {
            let [_, b, c, d] = other.to_be_bytes();
            // Indexes are as far apart as those that control planes draw.
            host.install(other.wrapping_mul(0x9e37_79b1), other, IpAddr::from([OTHERS, b, c, d]));
        }
        host
    }

    fn install(&mut self, local_index: u32, remote_index: u32, peer: IpAddr) {
        let keys = [local_index.min(remote_index) as u8; 32];
        let installation = Installation {
            local_index,
            remote_index,
            send_key: keys.into(),
            receive_key: keys.into(),
            path: Some(Path::Direct(underlay(remote_index))),
            peer_addresses: vec![peer],
            ..support::installation()
        };
        let _ = self.engine.at(0, &mut self.worker, &mut self.out).install(installation);
    }
}

/// A rule that allows everything.
pub fn any_rule(rule_id: u32) -> Rule {
    Rule { rule_id, ..support::any_rule() }
}

/// A rule about one port, which no packet here has.
pub fn port_rule(rule_id: u32) -> Rule {
    Rule { ports: rule_id as u16..=rule_id as u16, protocol: RuleProtocol::Tcp, ..any_rule(rule_id) }
}

/// As the data plane does it.
fn wish_huge_pages(memory: &mut [MaybeUninit<u8>]) {
    // SAFETY: the memory is that long and ours alone. MADV_HUGEPAGE changes nothing of what lies there.
    unsafe { libc::madvise(memory.as_mut_ptr().cast(), memory.len(), libc::MADV_HUGEPAGE) };
}

fn underlay(host: u32) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host as u8], 4242))
}

/// UDP; the ports say the flow.
fn packet(flow: u32, bytes: usize) -> Vec<u8> {
    let mut packet = vec![0; bytes.max(28)];
    let [high, low] = (packet.len() as u16).to_be_bytes();
    let [udp_high, udp_low] = (packet.len() as u16 - 20).to_be_bytes();
    let [a, b, c, d] = flow.wrapping_add(0x0400_0400).to_be_bytes();
    let head =
        [0x45, 0, high, low, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, a, b, c, d, udp_high, udp_low, 0, 0];
    if let Some(start) = packet.first_chunk_mut() {
        *start = head;
    }
    packet
}
