//! Packets behind one of their flow go its way without a look of their own, and mean what they mean one by one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use lacis_engine::capture::Filter;
use lacis_engine::drop_reason::DropReason;
use lacis_engine::header::Kind;
use lacis_engine::host::HostFacts;
use lacis_engine::packet::{TCP, UDP};
use support::together::check;
use support::*;

/// More than are opened before the first of them is judged.
const RUN: u16 = 40;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// A segment of the peer's connection to a port of this host. All are equally long.
fn segment(number: u16, port: u16, flags: u8) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    let header =
        [[0, 80], port.to_be_bytes(), [0, 0], [high, low], [0, 0], [0, 1], [0x50, flags], [1, 0], [0, 0], [0, 0]];
    ipv4(PEER, OWN, TCP, &[&header.concat()[..], &[low; 100]].concat())
}

fn sealed(host: &mut Host, packets: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    packets.into_iter().map(|packet| host.sealed(Kind::Message, &packet)).collect()
}

/// A connection is opened by this host; from there on nothing but what belongs to it is let in.
fn connected() -> Host {
    let mut host = Host::connected();
    host.allow(vec![], vec![any_rule()], false).unwrap();
    let mut opening = segment(0, 90, SYN);
    opening[12..20].rotate_left(4);
    opening[20..24].rotate_left(2);
    host.send(&opening);
    host.out = Recorder::default();
    host
}

#[test]
fn segments_of_a_connection_are_let_in_in_their_order_and_counted() {
    let flags = |number| if number + 1 == RUN { ACK | PSH } else { ACK };
    let segments = || (0..RUN).map(|number| segment(number, 90, flags(number)));
    let host = check(connected, |host| sealed(host, segments()));
    assert_eq!(host.out.packets, segments().collect::<Vec<_>>());
}

#[test]
fn what_belongs_to_another_flow_is_judged_for_itself() {
    let host = check(connected, |host| {
        let port = |number| if number % 8 == 5 { 91 } else { 90 };
        sealed(host, (0..RUN).map(|number| segment(number, port(number), ACK)))
    });
    assert_eq!((host.out.packets.len(), host.dropped(DropReason::NoMatchingRule)), (35, 5));
}

#[test]
fn the_end_of_a_connection_is_seen_wherever_it_stands_in_a_run() {
    for (at, flags) in [(0, ACK | FIN), (1, ACK | FIN), (17, RST), (18, SYN), (RUN - 1, ACK | FIN)] {
        let flags = |number| if number == at { flags } else { ACK };
        check(connected, |host| sealed(host, (0..RUN).map(|number| segment(number, 90, flags(number)))));
    }
}

#[test]
fn parts_and_packets_with_something_behind_them_are_looked_at_one_by_one() {
    let changed = |number: u16| {
        let mut packet = segment(number, 90, ACK);
        match number % 10 {
            // More fragments; a later fragment; shorter than what came; longer; no packet; from somebody else.
            3 => packet[6] = 0x20,
            4 => packet[7] = 10,
            5 => packet[3] -= 8,
            6 => packet[3] += 8,
            7 => packet[0] = 0x95,
            8 => packet[15] += 1,
            _ => {}
        }
        packet
    };
    let host = check(connected, |host| sealed(host, (0..RUN).map(changed)));
    assert!(host.out.packets.len() >= usize::from(RUN) / 2 && host.all_dropped() > 0);
    let cut = host.out.packets.iter().filter(|packet| packet.len() == 132).count();
    assert_eq!(cut, usize::from(RUN) / 10);
}

#[test]
fn datagrams_of_udp_that_no_rule_allows_stay_out_each_by_its_name() {
    let closed = || {
        let host = Host::connected();
        host.allow(vec![], vec![any_rule()], false).unwrap();
        host
    };
    let datagram =
        |number: u16| ipv4(PEER, OWN, UDP, &[&[0, 9, 0, 9, 0, 108, 0, 0][..], &[number as u8; 100]].concat());
    let host = check(closed, |host| sealed(host, (0..RUN).map(datagram)));
    assert_eq!((host.out.packets.len(), host.dropped(DropReason::NoMatchingRule)), (0, u64::from(RUN)));
    let host = check(Host::connected, |host| sealed(host, (0..RUN).map(datagram)));
    assert_eq!(host.out.packets.len(), usize::from(RUN));
}

#[test]
fn a_host_that_answers_in_place_of_a_device_answers_each() {
    let answering = || {
        let networks = vec![prefix(OWN, 24)];
        let mut host = Host::configured(HostFacts { networks, answer_echo: true, ..HostFacts::default() });
        host.pass().install(installation()).unwrap();
        host
    };
    let echo = |number: u16| {
        let checksum = !(0x0801 + number);
        ipv4(PEER, OWN, 1, &[[8, 0], checksum.to_be_bytes(), [0, 1], number.to_be_bytes()].concat())
    };
    let host = check(answering, |host| sealed(host, (0..RUN).map(echo)));
    assert_eq!((host.out.packets.len(), host.out.datagrams.len()), (0, usize::from(RUN)));
}

#[test]
fn each_packet_is_captured() {
    let mut host = connected();
    host.engine.capture.start(Filter::default(), 40);
    let datagrams = sealed(&mut host, (0..RUN).map(|number| segment(number, 90, ACK)));
    host.pass().inbound_all(&mut datagrams.concat(), datagrams[0].len(), path());
    host.now_ms += 10_000;
    host.pass().tick();
    let told = format!("{:?}", host.out.events);
    assert_eq!((told.matches("CapturedPacket").count(), host.out.packets.len()), (RUN.into(), RUN.into()));
}
