//! Sessions that nobody uses keep their keys and nothing that was made of them.

#![allow(clippy::unwrap_used)]

mod support;

use lacis_engine::control::Installation;
use lacis_engine::drop_reason::DropReason;
use lacis_engine::flow::Foreseen;
use lacis_engine::header::Kind;
use lacis_engine::segments::Segments;
use support::*;

/// So many seconds go by, and nothing happens.
fn wait(host: &mut Host, seconds: u64) {
    for _ in 0..seconds {
        host.now_ms += 1_000;
        host.pass().tick();
    }
}

/// A host whose session rests.
fn rested(mut host: Host) -> Host {
    wait(&mut host, 2);
    assert_eq!(host.engine.awake.count(), 0);
    host
}

#[test]
fn a_session_rests_once_nobody_has_used_it_from_one_look_to_the_next() {
    let mut host = Host::connected();
    wait(&mut host, 1);
    assert_eq!(host.engine.awake.count(), 1);
    wait(&mut host, 1);
    assert_eq!(host.engine.awake.count(), 0);
}

#[test]
fn a_session_in_use_does_not_rest() {
    let mut sends = Host::connected();
    let mut receives = Host::connected();
    for port in 1..9 {
        sends.send(&udp(OWN, PEER, port, 2));
        let message = receives.sealed(Kind::TestReply, b"");
        receives.receive(message);
        wait(&mut sends, 1);
        wait(&mut receives, 1);
        assert_eq!([sends.engine.awake.count(), receives.engine.awake.count()], [1, 1]);
    }
    wait(&mut sends, 1);
    wait(&mut receives, 1);
    assert_eq!([sends.engine.awake.count(), receives.engine.awake.count()], [0, 0]);
}

#[test]
fn a_session_that_rested_goes_on_under_its_next_counter() {
    let mut host = rested(Host::connected());
    host.send(&udp(OWN, PEER, 1, 2));
    let mut host = rested(host);
    host.send(&udp(OWN, PEER, 2, 2));
    assert_eq!(host.sent_to_peer(), [1, 2].map(|port| (Kind::Message, udp(OWN, PEER, port, 2))));
    let counters: Vec<u8> = host.out.datagrams.iter().filter_map(|(_, datagram)| datagram.get(15).copied()).collect();
    assert_eq!(counters, [3, 4]);
}

#[test]
fn a_session_that_rested_takes_in_what_is_new_and_nothing_twice() {
    let mut host = Host::connected();
    let first = host.sealed(Kind::Message, &udp(PEER, OWN, 1, 2));
    host.receive(first.clone());
    let mut host = rested(host);
    host.receive(first);
    assert_eq!(host.dropped(DropReason::Replayed), 1);
    let second = host.sealed(Kind::Message, &udp(PEER, OWN, 3, 2));
    host.receive(second);
    assert_eq!(host.out.packets, [udp(PEER, OWN, 1, 2), udp(PEER, OWN, 3, 2)]);
}

#[test]
fn what_is_forged_changes_nothing_about_a_session_that_rests() {
    let mut host = rested(Host::connected());
    let mut forged = host.sealed(Kind::TestReply, b"");
    *forged.last_mut().unwrap() ^= 1;
    for _ in 0..9 {
        host.receive(forged.clone());
    }
    assert_eq!(host.dropped(DropReason::NotAuthentic), 9);
    rested(host);
}

#[test]
fn packets_in_one_piece_wake_a_session_and_follow_each_other() {
    let mut host = rested(Host::connected());
    host.pass().outbound_all(&mut Three(udp(OWN, PEER, 1, 2)), Foreseen::default());
    assert_eq!(host.sent_to_peer(), [1; 3].map(|port| (Kind::Message, udp(OWN, PEER, port, 2))));
}

#[test]
fn a_relay_takes_frames_of_one_session_that_rested_and_sends_them_on_by_another() {
    let host = Host::relayed(forward());
    assert_eq!(host.engine.awake.count(), 2);
    let mut host = rested(host);
    let frame = host.framed(RELAY_INDEX, b"a datagram of somebody else's");
    host.receive(frame);
    assert_eq!((host.out.datagrams.len(), host.all_dropped()), (1, 0));
    assert_eq!(host.engine.awake.count(), 2);
}

#[test]
fn a_session_that_is_over_is_not_looked_at_any_more() {
    let mut host = Host::connected();
    host.pass().remove(LOCAL_INDEX, true).unwrap();
    wait(&mut host, 1);
    assert_eq!(host.engine.awake.count(), 0);
}

#[test]
fn of_very_many_sessions_each_look_takes_some_and_all_of_them_rest() {
    let mut host = Host::new();
    for local_index in 1..=1_000 {
        host.pass().install(Installation { local_index, remote_index: local_index, ..installation() }).unwrap();
    }
    assert_eq!(host.engine.next_tick_ms(host.now_ms), Some(host.now_ms));
    let mut left = vec![host.engine.awake.count()];
    while host.engine.awake.count() > 0 && left.len() < 100 {
        host.pass().tick();
        left.push(host.engine.awake.count());
        host.now_ms += 100;
    }
    let most = left.windows(2).map(|pair| pair[0] - pair[1]).max().unwrap();
    assert!((1..=128).contains(&most), "{left:?}");
    assert_eq!(left.last(), Some(&0));
}

#[test]
fn sessions_that_wake_behind_others_whose_turn_has_not_come_are_waited_for_without_a_tick() {
    let mut host = Host::new();
    for local_index in 1..=400 {
        host.pass().install(Installation { local_index, remote_index: local_index, ..installation() }).unwrap();
        if local_index == 100 {
            host.pass().tick();
        }
    }
    assert_eq!(host.engine.next_tick_ms(host.now_ms), None);
    host.now_ms += 1_000;
    assert_eq!(host.engine.next_tick_ms(host.now_ms), Some(host.now_ms));
}

/// Three times the same packet, as one read of the device stands for.
struct Three(Vec<u8>);

impl Segments for Three {
    fn count(&self) -> usize {
        3
    }

    fn alike(&self) -> usize {
        3
    }

    fn length(&self, _number: usize) -> usize {
        self.0.len()
    }

    fn write(&self, _number: usize, into: &mut [u8]) -> bool {
        into.copy_from_slice(&self.0);
        true
    }

    fn packet(&mut self, _number: usize) -> &[u8] {
        &self.0
    }
}
