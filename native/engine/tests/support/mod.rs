//! One host, one peer with known keys, and everything that comes out. The examples and the fuzzer's targets have it from here, too.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

pub mod together;

use std::net::{IpAddr, SocketAddr};

use lacis_engine::aead::{Aead, Cipher, KEY_BYTES, Library, SecretKey};
use lacis_engine::control::{Installation, PolicyChange, Refusal};
use lacis_engine::drop_reason::DropReason;
use lacis_engine::engine::{Engine, Pass, Worker};
use lacis_engine::header::{HEADER_BYTES, Header, Kind};
use lacis_engine::host::HostFacts;
use lacis_engine::ip::Prefix;
use lacis_engine::output::{Event, Output};
use lacis_engine::path::{Path, Relayed};
use lacis_engine::policy::{Program, Rule, RuleProtocol};
use lacis_engine::relay::{Relay, Role};
use lacis_engine::reports::SampleLimits;
use lacis_engine::route::{Route, Target};

pub const OWN: &str = "10.0.0.1";
pub const PEER: &str = "10.0.0.2";
pub const LOCAL_INDEX: u32 = 7;
pub const REMOTE_INDEX: u32 = 9;
pub const THIRD_INDEX: u32 = 11;
pub const RELAY_INDEX: u32 = 21;
pub const POLICY: u32 = 1;

/// What came out, in order.
#[derive(Debug, Default)]
pub struct Recorder {
    pub datagrams: Vec<(SocketAddr, Vec<u8>)>,
    pub packets: Vec<Vec<u8>>,
    pub events: Vec<Event>,
    /// How many packets were written when each of the events came.
    pub events_after: Vec<usize>,
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
        self.events_after.push(self.packets.len());
        self.events.push(event);
    }
}

pub struct Host {
    pub engine: Engine,
    pub worker: Worker,
    pub out: Recorder,
    pub now_ms: u64,
    peer_counter: u64,
}

impl Host {
    /// A host that knows its network, with a route to it, and allows everything, without a session.
    pub fn new() -> Self {
        Self::configured(HostFacts { networks: vec![prefix(OWN, 24)], ..HostFacts::default() })
    }

    pub fn configured(facts: HostFacts) -> Self {
        let engine = Engine::default();
        let own = |network: &Prefix| route(whole(network.address()), Target::Own);
        let peers = |network: &Prefix| route(network.without_host_bits(), Target::Peer);
        let routes = facts.networks.iter().map(own).chain(facts.networks.iter().map(peers)).collect();
        engine.apply_routes(routes).unwrap();
        engine.configure(facts, 0);
        let host = Self { engine, worker: Worker::new(), out: Recorder::default(), now_ms: 0, peer_counter: 2 };
        host.allow(vec![any_rule()], vec![any_rule()], false).unwrap();
        host
    }

    /// A host with a confirmed primary session to the peer.
    pub fn connected() -> Self {
        let mut host = Self::new();
        host.pass().install(installation()).unwrap();
        host
    }

    pub fn pass(&mut self) -> Pass<'_, Recorder> {
        self.engine.at(self.now_ms, &mut self.worker, &mut self.out)
    }

    pub fn allow(&self, inbound: Vec<Rule>, outbound: Vec<Rule>, raise_epoch: bool) -> Result<(), Refusal> {
        let programs = vec![(POLICY, Program { inbound, outbound, ..Program::default() })];
        self.engine.apply_policies(PolicyChange { programs, bindings: vec![], raise_epoch })
    }

    pub fn receive(&mut self, mut datagram: Vec<u8>) {
        self.pass().inbound(&mut datagram, path());
    }

    pub fn receive_from(&mut self, source: &str, mut datagram: Vec<u8>) {
        self.pass().inbound(&mut datagram, source.parse().unwrap());
    }

    /// A datagram that the peer sealed under its next counter.
    pub fn sealed(&mut self, kind: Kind, body: &[u8]) -> Vec<u8> {
        self.peer_counter += 1;
        sealed_as(kind, self.peer_counter, body)
    }

    /// A host with sessions with the peer and with a third host, and a relay of this role on the first.
    pub fn relayed(role: Role) -> Self {
        let mut host = Self::connected();
        let peer_addresses = vec![address("10.0.0.3")];
        host.pass().install(Installation { local_index: THIRD_INDEX, peer_addresses, ..installation() }).unwrap();
        let relay = Relay { relay_index: RELAY_INDEX, session: LOCAL_INDEX, remote_index: 1, role };
        host.engine.set_relay(relay).unwrap();
        host
    }

    /// A frame of the peer for a relay, under its next counter.
    pub fn framed(&mut self, relay_index: u32, inner: &[u8]) -> Vec<u8> {
        self.peer_counter += 1;
        framed_as(relay_index, self.peer_counter, inner)
    }

    pub fn send(&mut self, packet: &[u8]) {
        self.pass().outbound(packet);
    }

    /// How often packets were dropped for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        let drops = self.engine.sample(SampleLimits::default()).drops;
        drops.iter().find(|(dropped, _)| *dropped == reason).map_or(0, |(_, count)| *count)
    }

    pub fn all_dropped(&self) -> u64 {
        self.engine.sample(SampleLimits::default()).drops.iter().map(|(_, count)| count).sum()
    }

    /// The bodies of the datagrams that were sent, opened as the peer would, in order.
    pub fn sent_to_peer(&self) -> Vec<(Kind, Vec<u8>)> {
        let aead = Aead::new(Library::default(), Cipher::Aes256Gcm, &key(1)).unwrap();
        let open = |(_, datagram): &(SocketAddr, Vec<u8>)| {
            let header = Header::decode(datagram).unwrap();
            assert_eq!(header.remote_index, REMOTE_INDEX);
            let mut sealed = datagram[HEADER_BYTES..].to_vec();
            let body = aead.open(header.counter, datagram.first_chunk().unwrap(), &mut sealed).unwrap();
            (header.kind, body.to_vec())
        };
        self.out.datagrams.iter().map(open).collect()
    }
}

pub fn sealed_as(kind: Kind, counter: u64, body: &[u8]) -> Vec<u8> {
    sealed_to(LOCAL_INDEX, kind, counter, body)
}

/// The same for another session with the keys of [`installation`].
pub fn sealed_to(local_index: u32, kind: Kind, counter: u64, body: &[u8]) -> Vec<u8> {
    let header = Header { kind, remote_index: local_index, counter }.encode();
    let aead = Aead::new(Library::default(), Cipher::Aes256Gcm, &key(2)).unwrap();
    let mut datagram = [&header[..], body].concat();
    let tag = aead.seal(counter, &header, &mut datagram[HEADER_BYTES..]).unwrap();
    datagram.extend_from_slice(&tag);
    datagram
}

pub fn framed_as(relay_index: u32, counter: u64, inner: &[u8]) -> Vec<u8> {
    let header = Header { kind: Kind::Relay, remote_index: relay_index, counter }.encode();
    let mut frame = [&header[..], inner].concat();
    let tag = Aead::new(Library::default(), Cipher::Aes256Gcm, &key(2)).unwrap().tag(counter, &frame).unwrap();
    frame.extend_from_slice(&tag);
    frame
}

pub fn forward() -> Role {
    Role::Forward(Relayed { session: THIRD_INDEX, relay_index: 5 })
}

pub fn installation() -> Installation {
    Installation {
        local_index: LOCAL_INDEX,
        remote_index: REMOTE_INDEX,
        cipher: Cipher::Aes256Gcm,
        send_key: key(1),
        receive_key: key(2),
        send_counter: 2,
        receive_floor: 2,
        path: Some(Path::Direct(path())),
        peer_addresses: vec![address(PEER)],
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

pub fn path() -> SocketAddr {
    "192.0.2.2:4242".parse().unwrap()
}

pub fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn prefix(text: &str, bits: u32) -> Prefix {
    Prefix::new(address(text), bits).unwrap()
}

/// Only this address.
pub fn whole(address: IpAddr) -> Prefix {
    Prefix::new(address, if address.is_ipv4() { 32 } else { 128 }).unwrap()
}

pub fn route(prefix: Prefix, target: Target) -> Route {
    Route { prefix, target }
}

pub fn udp(from: &str, to: &str, source_port: u16, destination_port: u16) -> Vec<u8> {
    let ports = [source_port.to_be_bytes(), destination_port.to_be_bytes(), [0, 8], [0, 0]].concat();
    ipv4(from, to, 17, &ports)
}

pub fn ipv4(from: &str, to: &str, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet.extend_from_slice(&octets(from));
    packet.extend_from_slice(&octets(to));
    let sum: u32 = packet.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let checksum = !(((sum & 0xffff) + (sum >> 16)) as u16);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

fn octets(text: &str) -> [u8; 4] {
    text.parse::<std::net::Ipv4Addr>().unwrap().octets()
}

fn key(byte: u8) -> SecretKey {
    [byte; KEY_BYTES].into()
}
