//! Where there are so many flows that their memory is fetched ahead, packets mean what they mean one by one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use lacis_engine::control::Installation;
use lacis_engine::drop_reason::DropReason;
use lacis_engine::flow::Foreseen;
use lacis_engine::header::Kind;
use lacis_engine::reports::SampleLimits;
use lacis_engine::segments::Single;
use support::together::check;
use support::*;

/// More than stay at hand.
const FLOWS: u16 = 5_000;
/// More than are opened before the first of them is judged.
const RUN: u16 = 40;

fn crowded() -> Host {
    let mut host = Host::connected();
    (0..FLOWS).for_each(|port| host.send(&udp(OWN, PEER, port, 9)));
    host.out = Recorder::default();
    host
}

/// The peer's packet of one of those flows.
fn answer(port: u16) -> Vec<u8> {
    udp(PEER, OWN, 9, port)
}

#[test]
fn each_of_a_run_is_written_in_its_order() {
    let host = check(crowded, |host| (0..RUN).map(|port| host.sealed(Kind::Message, &answer(port * 7))).collect());
    assert_eq!(host.out.packets, (0..RUN).map(|port| answer(port * 7)).collect::<Vec<_>>());
}

#[test]
fn what_is_no_message_or_not_authentic_or_comes_twice_is_told_where_it_stands() {
    let datagrams = |host: &mut Host| {
        let mut all: Vec<Vec<u8>> = (0..RUN).map(|port| host.sealed(Kind::Message, &answer(port))).collect();
        all[3] = host.sealed(Kind::TestRequest, &answer(0));
        all[5][20] ^= 1;
        all[8] = all[7].clone();
        all[11] = host.sealed(Kind::Message, &udp("10.0.0.3", OWN, 9, 1));
        all[13] = host.sealed(Kind::Message, &[0; 28]);
        all[17][4..8].copy_from_slice(&99u32.to_be_bytes());
        all[19][0] = 0;
        all
    };
    let host = check(crowded, datagrams);
    for reason in [DropReason::NotAuthentic, DropReason::Replayed, DropReason::RemoteAddress, DropReason::BadPacket] {
        assert_eq!(host.dropped(reason), 1, "{reason:?}");
    }
    assert_eq!((host.dropped(DropReason::UnknownIndex), host.dropped(DropReason::BadVersion)), (1, 1));
}

#[test]
fn nothing_of_a_session_is_let_in_behind_its_end() {
    let datagrams = |host: &mut Host| {
        let mut all: Vec<Vec<u8>> = (0..RUN).map(|port| host.sealed(Kind::Message, &answer(port))).collect();
        all[20] = host.sealed(Kind::CloseTunnel, &answer(0));
        all
    };
    let host = check(crowded, datagrams);
    assert_eq!((host.out.packets.len(), host.dropped(DropReason::UnknownIndex)), (20, u64::from(RUN) - 21));
}

#[test]
fn packets_of_two_sessions_that_take_turns_are_judged_by_their_own() {
    let with_third = || {
        let mut host = crowded();
        let peer_addresses = vec![address("10.0.0.3")];
        host.pass().install(Installation { local_index: THIRD_INDEX, peer_addresses, ..installation() }).unwrap();
        host
    };
    let datagrams = |host: &mut Host| {
        let sealed = |port: u16| {
            if port.is_multiple_of(3) {
                return sealed_to(THIRD_INDEX, Kind::Message, u64::from(port) + 3, &udp("10.0.0.3", OWN, 9, port));
            }
            host.sealed(Kind::Message, &answer(port))
        };
        (0..RUN).map(sealed).collect()
    };
    let host = check(with_third, datagrams);
    assert_eq!(host.out.packets.len(), usize::from(RUN));
}

#[test]
fn the_first_packet_of_a_peer_releases_what_waits_for_it_behind_what_it_brings() {
    let waiting = || {
        let mut host = crowded();
        host.send(&udp(OWN, "10.0.0.3", 1, 9));
        let (local_index, peer_addresses) = (THIRD_INDEX, vec![address("10.0.0.3")]);
        host.pass().install(Installation { local_index, peer_addresses, confirmed: false, ..installation() }).unwrap();
        host.out = Recorder::default();
        host
    };
    let datagrams = |_: &mut Host| {
        let sealed =
            |port: u16| sealed_to(THIRD_INDEX, Kind::Message, u64::from(port) + 3, &udp("10.0.0.3", OWN, 9, port));
        (0..RUN).map(sealed).collect()
    };
    let host = check(waiting, datagrams);
    assert_eq!((host.out.packets.len(), host.out.datagrams.len()), (usize::from(RUN), 1));
}

#[test]
fn what_this_host_sends_finds_its_flow_wherever_it_was_foreseen() {
    let (mut foreseen, mut plain) = (crowded(), crowded());
    for port in (0..FLOWS + 100).step_by(50) {
        let packet = udp(OWN, PEER, port, 9);
        let known = foreseen.pass().foresee_outbound(&packet);
        assert!(known.is_known());
        foreseen.pass().approach_flow(known);
        foreseen.pass().outbound_all(&mut Single(&packet), known);
        plain.send(&packet);
    }
    assert_eq!(foreseen.out.datagrams, plain.out.datagrams);
    let flows = |host: &Host| host.engine.sample(SampleLimits::default()).flows;
    assert_eq!((flows(&foreseen), flows(&foreseen)), (flows(&plain), u64::from(FLOWS) + 2));
}

#[test]
fn nothing_is_asked_for_ahead_of_few_flows_or_of_what_is_no_packet() {
    let mut few = Host::connected();
    few.send(&udp(OWN, PEER, 1, 9));
    assert!(!few.pass().foresee_outbound(&udp(OWN, PEER, 1, 9)).is_known());
    assert_eq!(crowded().pass().foresee_outbound(&[0x45]), Foreseen::default());
}
