//! Every reason of the closed list, once, from the outside.

#![allow(clippy::unwrap_used)]

mod support;

use lacis_engine::control::Installation;
use lacis_engine::drop_reason::DropReason;
use lacis_engine::header::Kind;
use lacis_engine::host::HostFacts;
use lacis_engine::relay::Role;
use lacis_engine::reports::SampleLimits;
use support::*;

/// Runs a scene that must drop exactly one packet, for exactly this reason.
fn drops_once(reason: DropReason, mut host: Host, scene: impl FnOnce(&mut Host)) {
    scene(&mut host);
    assert_eq!((host.dropped(reason), host.all_dropped()), (1, 1), "{}", reason.name());
}

fn header(kind: u8, subtype: u8, index: u32, counter: u64) -> Vec<u8> {
    let index = index.to_be_bytes();
    let mut bytes = vec![0x10 | kind, subtype, 0, 0, index[0], index[1], index[2], index[3]];
    bytes.extend_from_slice(&counter.to_be_bytes());
    bytes
}

#[test]
fn datagrams_that_are_none() {
    drops_once(DropReason::Punch, Host::new(), |host| host.receive(vec![1]));
    drops_once(DropReason::ShortHeader, Host::new(), |host| host.receive(vec![0x10; 15]));
    drops_once(DropReason::BadVersion, Host::new(), |host| host.receive(vec![0x20; 16]));
    drops_once(DropReason::UnknownType, Host::new(), |host| host.receive(vec![0x17; 16]));
    drops_once(DropReason::Oversized, Host::new(), |host| host.receive([header(1, 0, 1, 1), vec![0; 9_000]].concat()));
}

#[test]
fn datagrams_out_of_the_overlay_itself() {
    drops_once(DropReason::OverlaySource, Host::new(), |host| host.receive_from("10.0.0.9:1", header(1, 0, 1, 1)));
}

#[test]
fn handshakes_that_cannot_be_or_are_too_many() {
    for (index, counter, body) in [(0, 1, 0), (1, 1, 9), (0, 2, 9), (1, 3, 9)] {
        let datagram = [header(0, 0, index, counter), vec![0; body]].concat();
        drops_once(DropReason::BadHandshake, Host::new(), |host| host.receive(datagram));
    }
    drops_once(DropReason::HandshakeLimited, Host::new(), |host| {
        for _ in 0..41 {
            host.receive([header(0, 0, 0, 1), vec![0; 9]].concat());
        }
        assert_eq!(
            host.out
                .events
                .iter()
                .filter(|event| matches!(event, lacis_engine::output::Event::Datagram { .. }))
                .count(),
            40
        );
    });
}

#[test]
fn recv_errors_that_cannot_be_or_are_too_many() {
    drops_once(DropReason::BadRecvError, Host::new(), |host| host.receive([header(2, 0, 1, 0), vec![0]].concat()));
    drops_once(DropReason::RecvErrorLimited, Host::new(), |host| {
        for _ in 0..11 {
            host.receive(header(2, 0, 1, 0));
        }
    });
}

#[test]
fn datagrams_of_no_session() {
    drops_once(DropReason::UnknownIndex, Host::connected(), |host| host.receive(header(1, 0, 8, 3)));
}

#[test]
fn frames_of_no_relay_or_past_what_one_may_bring() {
    drops_once(DropReason::UnknownRelay, Host::connected(), |host| host.receive(header(1, 1, LOCAL_INDEX, 3)));
    let end = Role::End(address("10.0.0.3"));
    drops_once(DropReason::RelayMismatch, Host::relayed(end), |host| {
        host.receive(framed_as(RELAY_INDEX, 3, &header(2, 0, 1, 0)))
    });
    drops_once(DropReason::RelayLimited, Host::relayed(forward()), |host| {
        let facts = HostFacts { networks: vec![prefix(OWN, 24)], relay_peer_kilobytes: 1, ..HostFacts::default() };
        host.engine.configure(facts, 0);
        for counter in [3, 4] {
            host.receive(framed_as(RELAY_INDEX, counter, &[0; 8_969]));
        }
    });
}

#[test]
fn datagrams_that_are_not_authentic_or_not_new() {
    drops_once(DropReason::ShortPacket, Host::connected(), |host| {
        host.receive([header(1, 0, LOCAL_INDEX, 3), vec![0; 15]].concat())
    });
    drops_once(DropReason::Replayed, Host::connected(), |host| {
        let datagram = host.sealed(Kind::LightHouse, b"x");
        host.receive(datagram.clone());
        host.receive(datagram);
    });
    drops_once(DropReason::NotAuthentic, Host::connected(), |host| {
        let mut datagram = host.sealed(Kind::Message, b"x");
        datagram[16] ^= 1;
        host.receive(datagram);
        assert!(host.engine.sample(SampleLimits { sessions: 9, ..SampleLimits::default() }).activity.is_empty());
    });
}

#[test]
fn inner_packets_that_are_not_from_the_peer_to_us_or_not_allowed() {
    let scene = |packet: Vec<u8>| {
        move |host: &mut Host| {
            let datagram = host.sealed(Kind::Message, &packet);
            host.receive(datagram);
            assert!(host.out.packets.is_empty());
        }
    };
    let part = |flags: u8, offset: u8| {
        let mut part = ipv4(PEER, OWN, 17, &[0, 1, 0, 2, 0, 8, 0, 0]);
        (part[6], part[7]) = (flags, offset);
        part
    };
    drops_once(DropReason::BadPacket, Host::connected(), scene(vec![0x45; 19]));
    drops_once(DropReason::BadFragment, Host::connected(), scene(part(0x1f, 0xff)));
    drops_once(DropReason::RemoteAddress, Host::connected(), scene(udp("10.0.0.3", OWN, 1, 2)));
    drops_once(DropReason::LocalAddress, Host::connected(), scene(udp(PEER, "10.0.0.3", 1, 2)));
    let strict = Host::connected();
    strict.allow(vec![], vec![any_rule()], true).unwrap();
    drops_once(DropReason::NoMatchingRule, strict, scene(udp(PEER, OWN, 1, 2)));
    let strict = Host::connected();
    strict.allow(vec![], vec![any_rule()], true).unwrap();
    drops_once(DropReason::Fragment, strict, scene(part(0x20, 1)));
    drops_once(DropReason::FragmentOverlap, Host::connected(), |host| {
        for _ in 0..2 {
            let datagram = host.sealed(Kind::Message, &part(0x20, 0));
            host.receive(datagram);
        }
        assert_eq!(host.out.packets.len(), 1);
    });
    drops_once(DropReason::FragmentLimited, Host::connected(), |host| {
        for n in 0..65u8 {
            let datagram = host.sealed(Kind::Message, &part(0x20, n * 2));
            host.receive(datagram);
        }
    });
}

#[test]
fn a_peer_s_address_outside_our_networks_is_not_the_peer() {
    let mut host = Host::new();
    host.pass().install(Installation { peer_addresses: vec![address("172.16.0.2")], ..installation() }).unwrap();
    drops_once(DropReason::RemoteAddress, host, |host| {
        let datagram = host.sealed(Kind::Message, &udp("172.16.0.2", OWN, 1, 2));
        host.receive(datagram);
    });
}

#[test]
fn packets_from_the_device_that_go_nowhere() {
    let facts = HostFacts {
        networks: vec![prefix(OWN, 24)],
        drop_multicast: true,
        drop_local_broadcast: true,
        ..HostFacts::default()
    };
    let scene = |to: &'static str| move |host: &mut Host| host.send(&udp(OWN, to, 1, 2));
    drops_once(DropReason::Multicast, Host::configured(facts.clone()), scene("224.0.0.1"));
    drops_once(DropReason::Broadcast, Host::configured(facts), scene("10.0.0.255"));
    drops_once(DropReason::OwnAddress, Host::new(), scene(OWN));
    drops_once(DropReason::NoRoute, Host::new(), scene("10.0.1.1"));
    drops_once(DropReason::LocalAddress, Host::new(), |host| host.send(&udp("10.0.0.9", PEER, 1, 2)));
    drops_once(DropReason::Oversized, Host::new(), |host| host.send(&ipv4(OWN, PEER, 99, &[0; 8_950])));
    drops_once(DropReason::BadPacket, Host::new(), |host| host.send(&[]));
}

#[test]
fn packets_that_a_session_cannot_carry() {
    let session = |change: fn(&mut Installation)| {
        let mut host = Host::new();
        let mut new = installation();
        change(&mut new);
        host.pass().install(new).unwrap();
        host
    };
    let scene = |host: &mut Host| host.send(&udp(OWN, PEER, 1, 2));
    drops_once(DropReason::NoPath, session(|new| new.path = None), scene);
    drops_once(DropReason::CounterExhausted, session(|new| new.send_counter = u64::MAX - (1 << 40)), scene);
    let strict = Host::connected();
    strict.allow(vec![any_rule()], vec![], true).unwrap();
    drops_once(DropReason::NoMatchingRule, strict, scene);
}

#[test]
fn packets_that_wait_in_vain() {
    drops_once(DropReason::ParkedFull, Host::new(), |host| {
        for _ in 0..101 {
            host.send(&udp(OWN, PEER, 1, 2));
        }
    });
    drops_once(DropReason::ParkedExpired, Host::new(), |host| {
        host.send(&udp(OWN, PEER, 1, 2));
        host.now_ms = 9_999;
        host.pass().tick();
        assert_eq!(host.all_dropped(), 0);
        host.now_ms = 10_000;
        host.pass().tick();
        assert!(host.engine.next_tick_ms(0).is_none());
    });
    drops_once(DropReason::ParkedDropped, Host::new(), |host| {
        host.send(&udp(OWN, PEER, 1, 2));
        host.pass().drop_parked(address(PEER));
    });
}

#[test]
fn a_host_without_a_device_keeps_only_echo_requests() {
    let facts = HostFacts { networks: vec![prefix(OWN, 24)], answer_echo: true, ..HostFacts::default() };
    let mut host = Host::configured(facts);
    host.pass().install(installation()).unwrap();
    drops_once(DropReason::NoDevice, host, |host| {
        let echo = host.sealed(Kind::Message, &ipv4(PEER, OWN, 1, &[8, 0, 0xf7, 0xfd, 0, 1, 0, 1]));
        host.receive(echo);
        let other = host.sealed(Kind::Message, &udp(PEER, OWN, 1, 2));
        host.receive(other);
        let sent = host.sent_to_peer();
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].0, sent[0].1[20]), (Kind::Message, 0));
    });
}

#[test]
fn one_flow_more_than_fits_evicts_another_without_losing_a_packet() {
    drops_once(DropReason::FlowEvicted, Host::connected(), |host| {
        for port in 0..=u16::MAX {
            host.send(&udp(OWN, PEER, port, 2));
        }
        host.send(&udp(OWN, PEER, 0, 3));
        assert_eq!(host.out.datagrams.len(), 65_537);
    });
}
