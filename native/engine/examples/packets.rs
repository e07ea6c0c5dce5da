//! Nanoseconds that one packet of a bulk transfer takes on its way out and in, without the kernel: `cargo run --release --example packets`.
//! With `RUSTFLAGS="--cfg lacis_null_cipher"` it is what is left without the cipher.

#[path = "../tests/support/mod.rs"]
mod support;

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use lacis_engine::aead::KEY_BYTES;
use lacis_engine::control::{Installation, PolicyChange};
use lacis_engine::engine::{Engine, Worker};
use lacis_engine::flow::Foreseen;
use lacis_engine::header::OVERHEAD_BYTES;
use lacis_engine::host::HostFacts;
use lacis_engine::ip::Prefix;
use lacis_engine::output::{Event, Output};
use lacis_engine::policy::Program;
use lacis_engine::route::{Route, Target};
use lacis_engine::segments::Segments;
use support::{LOCAL_INDEX, any_rule, installation, path};

const ROUNDS: u32 = 400;
/// As many as one send of the kernel takes.
const PACKETS: usize = 48;
const PACKET_BYTES: usize = 1_300;
const DATAGRAM_BYTES: usize = PACKET_BYTES + OVERHEAD_BYTES;
const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

fn main() {
    let (client, server) = (host(CLIENT, SERVER, 1), host(SERVER, CLIENT, 2));
    let mut packet = vec![0x45, 0, 5, 20, 0, 0, 0x40, 0, 64, 6, 0, 0];
    packet.extend([CLIENT, SERVER].concat());
    packet.extend([0, 80, 0, 90, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 16, 1, 0, 0, 0, 0, 0]);
    packet.resize(PACKET_BYTES, 7);
    let mut workers = (Worker::new(), Worker::new());
    let (mut alone, mut together, mut inward) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        alone = alone.min(timed(|| {
            let mut wire = Wire::default();
            for _ in 0..PACKETS {
                client.at(0, &mut workers.0, &mut wire).outbound(&packet);
            }
        }));
        let mut wire = Wire::default();
        together = together.min(timed(|| {
            client.at(0, &mut workers.0, &mut wire).outbound_all(&mut Copies(&packet), Foreseen::default());
        }));
        inward = inward.min(timed(|| {
            let mut device = Wire::default();
            server.at(0, &mut workers.1, &mut device).inbound_all(&mut wire.bytes, DATAGRAM_BYTES, path());
            assert_eq!(device.packets, PACKETS);
        }));
    }
    println!(
        "out one by one {alone:.0} ns, out together {together:.0} ns, in {inward:.0} ns, each for a packet of {PACKET_BYTES} bytes"
    );
}

/// The same packet, as often as a superpacket has segments.
struct Copies<'a>(&'a [u8]);

impl Segments for Copies<'_> {
    fn count(&self) -> usize {
        PACKETS
    }

    fn alike(&self) -> usize {
        PACKETS
    }

    fn length(&self, _number: usize) -> usize {
        self.0.len()
    }

    fn write(&self, _number: usize, into: &mut [u8]) -> bool {
        into.copy_from_slice(self.0);
        true
    }

    fn packet(&mut self, _number: usize) -> &[u8] {
        self.0
    }
}

/// Room for everything that is sent; what comes is counted.
struct Wire {
    bytes: Vec<u8>,
    filled: usize,
    packets: usize,
}

impl Default for Wire {
    fn default() -> Self {
        Self { bytes: vec![1; PACKETS * DATAGRAM_BYTES], filled: 0, packets: 0 }
    }
}

impl Output for Wire {
    fn datagram(&mut self, _to: SocketAddr, length: usize, fill: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let slot = self.bytes.get_mut(self.filled..self.filled + length);
        self.filled += length;
        slot.is_some_and(fill)
    }

    fn packet(&mut self, _packet: &[u8]) {
        self.packets += 1;
    }

    fn event(&mut self, _event: Event) {}
}

/// A host with a session with another.
fn host(own: [u8; 4], peer: [u8; 4], send_key: u8) -> Engine {
    let engine = Engine::default();
    let (own, peer) = (IpAddr::from(own), IpAddr::from(peer));
    let to = |address, target| Prefix::new(address, 32).map(|prefix| Route { prefix, target });
    let routes = [to(own, Target::Own), to(peer, Target::Peer)].into_iter().flatten().collect();
    assert!(engine.apply_routes(routes).is_ok());
    engine.configure(HostFacts { networks: Prefix::new(own, 24).into_iter().collect(), ..HostFacts::default() }, 0);
    let program = Program { inbound: vec![any_rule()], outbound: vec![any_rule()], ..Program::default() };
    let change = PolicyChange { programs: vec![(1, program)], bindings: vec![], raise_epoch: false };
    assert!(engine.apply_policies(change).is_ok());
    let installation = Installation {
        remote_index: LOCAL_INDEX,
        send_key: [send_key; KEY_BYTES].into(),
        receive_key: [3 - send_key; KEY_BYTES].into(),
        peer_addresses: vec![peer],
        ..installation()
    };
    let mut nothing = Wire::default();
    assert!(engine.at(0, &mut Worker::new(), &mut nothing).install(installation).is_ok());
    engine
}

/// Nanoseconds for each packet of a round.
fn timed(round: impl FnOnce()) -> f64 {
    let start = Instant::now();
    round();
    start.elapsed().as_secs_f64() * 1e9 / PACKETS as f64
}
