//! Packets that the device hands over in one piece come out as they would one by one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use lacis_engine::control::Installation;
use lacis_engine::drop_reason::DropReason;
use lacis_engine::flow::Foreseen;
use lacis_engine::path::{Path, Relayed};
use lacis_engine::reports::SampleLimits;
use lacis_engine::segments::Segments;
use support::*;

const COUNT: usize = 6;
const COUNTER_HIGH: u64 = 1 << 34;
const COUNTER_LAST: u64 = u64::MAX - (1 << 40);
const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;

/// Packets that know how many of them are alike.
struct Pieces {
    packets: Vec<Vec<u8>>,
    alike: usize,
}

impl Segments for Pieces {
    fn count(&self) -> usize {
        self.packets.len()
    }

    fn alike(&self) -> usize {
        self.alike
    }

    fn length(&self, number: usize) -> usize {
        self.packets[number].len()
    }

    fn write(&self, number: usize, into: &mut [u8]) -> bool {
        into.copy_from_slice(&self.packets[number]);
        true
    }

    fn packet(&mut self, number: usize) -> &[u8] {
        &self.packets[number]
    }
}

/// Segments of one connection, the last of them shorter and with other flags.
fn segments(from: &str, to: &str, flags: u8, last_flags: u8) -> Pieces {
    let segment = |number: usize| {
        let is_last = number + 1 == COUNT;
        let header = [0, 80, 0, 90, 0, 0, 0, number as u8, 0, 0, 0, 1, 0x50, if is_last { last_flags } else { flags }];
        let payload = vec![number as u8; if is_last { 10 } else { 1_200 }];
        ipv4(from, to, 6, &[&header[..], &[1, 0, 0, 0, 0, 0], &payload].concat())
    };
    let is_end = last_flags & FIN != 0;
    Pieces { packets: (0..COUNT).map(segment).collect(), alike: COUNT - usize::from(is_end) }
}

fn connection() -> Pieces {
    segments(OWN, PEER, ACK, ACK)
}

/// The same twice, with and without a memory of the flow: together, and one by one.
fn check(host: impl Fn() -> Host, pieces: impl Fn() -> Pieces) -> Host {
    let (mut together, mut alone) = (host(), host());
    for now_ms in [0, 0, 5] {
        (together.now_ms, alone.now_ms) = (now_ms, now_ms);
        together.pass().outbound_all(&mut pieces(), Foreseen::default());
        pieces().packets.iter().for_each(|packet| alone.send(packet));
        assert_eq!(together.out.datagrams, alone.out.datagrams);
        assert_eq!(together.out.packets, alone.out.packets);
        assert_eq!(together.out.events, alone.out.events);
        let sample = |host: &mut Host| {
            let limits = SampleLimits { sessions: 9, rules: 9, relays: 9 };
            host.pass().list_flows();
            (host.pass().sample(limits), std::mem::take(&mut host.out.events))
        };
        assert_eq!(sample(&mut together), sample(&mut alone));
    }
    together
}

fn installed(change: fn(&mut Installation)) -> Host {
    let mut host = Host::new();
    let mut installation = installation();
    change(&mut installation);
    host.pass().install(installation).unwrap();
    host
}

#[test]
fn each_is_sealed_under_a_counter_of_its_own_in_order() {
    let host = check(Host::connected, connection);
    let expected: Vec<_> = (0..3).flat_map(|_| connection().packets).collect();
    assert_eq!(host.sent_to_peer().into_iter().map(|(_, body)| body).collect::<Vec<_>>(), expected);
    let counters = host.out.datagrams.iter().map(|(_, datagram)| datagram[15]);
    assert!(counters.eq(3..3 + 3 * COUNT as u8));
}

#[test]
fn the_end_of_a_connection_is_judged_for_itself() {
    check(Host::connected, || segments(OWN, PEER, ACK, ACK | FIN));
    check(Host::connected, || segments(OWN, PEER, SYN, SYN));
    check(Host::connected, || segments(OWN, PEER, SYN | FIN, 4));
}

#[test]
fn what_finds_no_way_is_dropped_or_waits_one_by_one() {
    assert_eq!(check(Host::new, connection).out.datagrams, []);
    let refusing = || {
        let host = Host::connected();
        host.allow(vec![], vec![], true).unwrap();
        host
    };
    assert_eq!(check(refusing, connection).dropped(DropReason::NoMatchingRule), 3 * COUNT as u64);
    let foreign = || segments("10.0.0.9", PEER, ACK, ACK);
    assert_eq!(check(Host::connected, foreign).dropped(DropReason::LocalAddress), 3 * COUNT as u64);
    let unrouted = || segments(OWN, "10.9.0.1", ACK, ACK);
    assert_eq!(check(Host::connected, unrouted).dropped(DropReason::NoRoute), 3 * COUNT as u64);
    let nowhere = || installed(|installation| installation.path = None);
    assert_eq!(check(nowhere, connection).dropped(DropReason::NoPath), 3 * COUNT as u64);
}

#[test]
fn what_is_longer_than_the_way_carries_is_divided_or_refused() {
    let narrow = |mtu: u32| {
        move || {
            let host = Host::connected();
            host.engine.set_path_mtu(LOCAL_INDEX, mtu, 700).unwrap();
            host
        }
    };
    check(narrow(1_300), connection);
    let host = check(narrow(1_239), connection);
    assert_eq!(host.dropped(DropReason::TooBig), 3 * (COUNT as u64 - 1));
}

#[test]
fn a_relayed_session_wraps_each() {
    let relayed = || {
        let mut host = Host::connected();
        let path = Some(Path::Relayed(Relayed { session: LOCAL_INDEX, relay_index: 5 }));
        let peer_addresses = vec![address("10.0.0.3")];
        host.pass().install(Installation { local_index: THIRD_INDEX, path, peer_addresses, ..installation() }).unwrap();
        host
    };
    let host = check(relayed, || segments(OWN, "10.0.0.3", ACK, ACK));
    assert_eq!(host.out.datagrams.len(), 3 * COUNT);
}

#[test]
fn the_mark_for_a_new_handshake_and_the_end_of_the_counters_are_told_where_they_are() {
    for before in 0..3 * COUNT as u64 + 2 {
        for end in [COUNTER_HIGH, COUNTER_LAST] {
            let host = || {
                let mut host = Host::new();
                host.pass().install(Installation { send_counter: end - before, ..installation() }).unwrap();
                host
            };
            check(host, connection);
        }
    }
}
