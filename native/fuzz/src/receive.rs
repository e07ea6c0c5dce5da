//! Datagrams from strangers and from a peer, packets of this host, and time, in any order.

use std::net::SocketAddr;

use arbitrary::{Arbitrary, Unstructured};
use lacis_engine::header::Kind;
use lacis_engine::packet::InnerPacket;

use crate::support::{Host, LOCAL_INDEX, path};
use crate::world::{OWN, PEER, RELAYS, world};

const STEPS_MAX: usize = 32;

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Stranger {
        bytes: &'a [u8],
        host: u8,
        port: u16,
    },
    /// With a header that leads somewhere.
    Known {
        kind: u8,
        subtype: u8,
        counter: u64,
        bytes: &'a [u8],
    },
    Peer {
        kind: u8,
        body: &'a [u8],
    },
    Frame {
        to_end: bool,
        inner: &'a [u8],
    },
    Own {
        packet: &'a [u8],
    },
    Narrow {
        mtu: u16,
    },
    Wait {
        ms: u16,
    },
    /// A packet that is whole, from and to anybody nearby.
    Inner {
        source: u8,
        destination: u8,
        payload: [u8; 8],
    },
}

/// Whatever comes: what this host is given is a packet of the peer for this host, and what is not the peer's is not given to it.
pub fn check(bytes: &[u8]) {
    let mut world = world();
    let mut input = Unstructured::new(bytes);
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        let Ok(step) = Step::arbitrary(&mut input) else { break };
        take(&mut world, step);
        for packet in world.out.packets.drain(..) {
            let inner = InnerPacket::parse(&packet).expect("what a host is given is a packet");
            assert_eq!(inner.length, packet.len(), "with something behind it");
            assert!(PEER.contains(&inner.source) && OWN.contains(&inner.destination), "{inner:?} is not from the peer");
        }
        for (_, datagram) in world.out.datagrams.drain(..) {
            assert!(datagram.len() >= 16, "a datagram without a header");
        }
        world.out.events.clear();
    }
    world.now_ms += 60_000;
    world.pass().tick();
}

fn take(world: &mut Host, step: Step<'_>) {
    match step {
        Step::Stranger { bytes, host, port } => {
            let source = SocketAddr::from(([192, 0, 2, host], port));
            world.pass().inbound(&mut bytes.to_vec(), source);
            assert!(world.out.packets.is_empty(), "a stranger's packet was let in");
        }
        Step::Known { kind, subtype, counter, bytes } => {
            let header = [&[0x10 | kind & 0xf, subtype, 0, 0][..], &LOCAL_INDEX.to_be_bytes(), &counter.to_be_bytes()];
            let mut datagram = [&header.concat(), bytes].concat();
            world.pass().inbound(&mut datagram, path());
            assert!(world.out.packets.is_empty(), "a packet that is not authentic was let in");
        }
        Step::Peer { kind, body } => {
            const KINDS: [Kind; 8] = [
                Kind::Message,
                Kind::Message,
                Kind::TestRequest,
                Kind::PathRequest,
                Kind::PathReply,
                Kind::BindingRequest,
                Kind::BindingReply,
                Kind::LightHouse,
            ];
            let kind = KINDS[usize::from(kind) % KINDS.len()];
            let mut datagram = world.sealed(kind, body);
            world.pass().inbound(&mut datagram, path());
        }
        Step::Frame { to_end, inner } => {
            let mut frame = world.framed(RELAYS[usize::from(!to_end)], inner);
            world.pass().inbound(&mut frame, path());
        }
        Step::Own { packet } => world.pass().outbound(packet),
        Step::Narrow { mtu } => {
            // One that no path has is refused.
            let _ = world.engine.set_path_mtu(LOCAL_INDEX, mtu.into(), 0);
        }
        Step::Inner { source, destination, payload } => {
            let [source, destination] = [source, destination].map(|last| last % 4);
            let headers = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, source, 10, 0, 0, destination];
            let mut datagram = world.sealed(Kind::Message, &[&headers[..], &payload].concat());
            world.pass().inbound(&mut datagram, path());
        }
        Step::Wait { ms } => {
            world.now_ms += u64::from(ms);
            world.pass().tick();
        }
    }
}
