//! One host with two peers, a relay and everything that comes out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use lacis_engine::aead::{Aead, Cipher, KEY_BYTES, Library};
use lacis_engine::control::{Installation, PolicyChange};
use lacis_engine::engine::{Engine, Pass, Worker};
use lacis_engine::header::{HEADER_BYTES, Header, Kind};
use lacis_engine::host::HostFacts;
use lacis_engine::ip::Prefix;
use lacis_engine::output::{Event, Output};
use lacis_engine::path::{Path, Relayed};
use lacis_engine::policy::{Program, Rule, RuleProtocol};
use lacis_engine::relay::{Relay, Role};
use lacis_engine::route::{Route, Target};

pub const OWN: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), v6(1)];
/// The peer whose keys the bytes have.
pub const PEER: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), v6(2)];
const THIRD: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3)), v6(3)];
pub const LOCAL_INDEX: u32 = 7;
const THIRD_INDEX: u32 = 11;
/// Of a relay that ends here, and of one that goes on to the third host.
pub const RELAYS: [u32; 2] = [21, 22];
const POLICY: u32 = 1;
const RECEIVE_KEY: [u8; KEY_BYTES] = [2; KEY_BYTES];

const fn v6(last: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last))
}

pub fn peer_s_place() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 4_242))
}

/// What came out.
#[derive(Default)]
pub struct Recorder {
    pub datagrams: Vec<(SocketAddr, Vec<u8>)>,
    pub packets: Vec<Vec<u8>>,
    pub events: Vec<Event>,
}

impl Output for Recorder {
    fn datagram(&mut self, to: SocketAddr, length: usize, fill: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let mut datagram = vec![0; length];
        let filled = fill(&mut datagram);
        if filled {
            self.datagrams.push((to, datagram));
        }
        filled
    }

    fn packet(&mut self, packet: &[u8]) {
        self.packets.push(packet.to_vec());
    }

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }
}

pub struct World {
    pub engine: Engine,
    pub out: Recorder,
    pub now_ms: u64,
    worker: Worker,
    seals: Aead,
    counter: u64,
}

impl World {
    pub fn new() -> Self {
        let engine = Engine::default();
        let whole = |address: IpAddr| Prefix::new(address, if address.is_ipv4() { 32 } else { 128 }).expect("a prefix");
        let route = |target: Target| move |address| Route { prefix: whole(address), target: target.clone() };
        let peers = PEER.into_iter().chain(THIRD).map(route(Target::Peer));
        let routes = OWN.into_iter().map(route(Target::Own)).chain(peers).collect();
        engine.apply_routes(routes).expect("routes");
        let networks = OWN.map(|own| Prefix::new(own, if own.is_ipv4() { 24 } else { 64 }).expect("a network"));
        engine.configure(HostFacts { networks: networks.to_vec(), ..HostFacts::default() });
        let seals = Aead::new(Library::default(), Cipher::Aes256Gcm, &RECEIVE_KEY.into()).expect("a key");
        let mut world = Self { engine, out: Recorder::default(), now_ms: 0, worker: Worker::new(), seals, counter: 2 };
        world.judge_by(vec![any_rule()], vec![any_rule()]);
        for (local_index, peer) in [(LOCAL_INDEX, PEER), (THIRD_INDEX, THIRD)] {
            world.pass().install(session(local_index, peer)).unwrap_or_else(|refused| panic!("{}", refused.message));
        }
        let forward = Role::Forward(Relayed { session: THIRD_INDEX, relay_index: 5 });
        for (relay_index, role) in RELAYS.into_iter().zip([Role::End(THIRD[0]), forward]) {
            let relay = Relay { relay_index, session: LOCAL_INDEX, remote_index: 1, role };
            world.engine.set_relay(relay).unwrap_or_else(|refused| panic!("{}", refused.message));
        }
        world
    }

    /// These rules, asked anew for every flow.
    pub fn judge_by(&self, inbound: Vec<Rule>, outbound: Vec<Rule>) {
        let programs = vec![(POLICY, Program { inbound, outbound, ..Program::default() })];
        let change = PolicyChange { programs, bindings: vec![], raise_epoch: true };
        self.engine.apply_policies(change).unwrap_or_else(|refused| panic!("{}", refused.message));
    }

    pub fn pass(&mut self) -> Pass<'_, Recorder> {
        self.engine.at(self.now_ms, &mut self.worker, &mut self.out)
    }

    /// What the peer would send: authentic, whatever is in it.
    pub fn sealed(&mut self, kind: Kind, body: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let header = Header { kind, remote_index: LOCAL_INDEX, counter: self.counter }.encode();
        let mut datagram = [&header[..], body].concat();
        let tag = self.seals.seal(self.counter, &header, &mut datagram[HEADER_BYTES..]).expect("sealed");
        datagram.extend_from_slice(&tag);
        datagram
    }

    /// An authentic frame for a relay.
    pub fn framed(&mut self, relay_index: u32, inner: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let header = Header { kind: Kind::Relay, remote_index: relay_index, counter: self.counter }.encode();
        let mut frame = [&header[..], inner].concat();
        let tag = self.seals.tag(self.counter, &frame).expect("a tag");
        frame.extend_from_slice(&tag);
        frame
    }
}

fn session(local_index: u32, peer: [IpAddr; 2]) -> Installation {
    Installation {
        local_index,
        remote_index: local_index + 1,
        cipher: Cipher::Aes256Gcm,
        send_key: [1; KEY_BYTES].into(),
        receive_key: RECEIVE_KEY.into(),
        send_counter: 2,
        receive_floor: 2,
        path: Some(Path::Direct(peer_s_place())),
        peer_addresses: peer.to_vec(),
        allowed_prefixes: vec![],
        policy_id: POLICY,
        confirmed: true,
        primary: true,
        memo: vec![],
    }
}

pub fn any_rule() -> Rule {
    Rule {
        rule_id: 0,
        protocol: RuleProtocol::Any,
        ports: 0..=u16::MAX,
        remote: vec![],
        local: vec![],
        is_for_rests: false,
        icmp_types: vec![],
    }
}
