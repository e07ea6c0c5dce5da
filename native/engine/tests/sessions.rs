//! The life of a session, from the outside.

#![allow(clippy::unwrap_used)]

mod support;

use lacis_engine::control::{Installation, PolicyChange, RefusalCode};
use lacis_engine::drop_reason::DropReason;
use lacis_engine::header::Kind;
use lacis_engine::host::{HostFacts, RecvErrorPolicy};
use lacis_engine::output::Event;
use lacis_engine::path::Path;
use lacis_engine::reports::SampleLimits;
use lacis_engine::reports::snapshot;
use support::*;

fn unconfirmed() -> Installation {
    Installation { confirmed: false, ..installation() }
}

#[test]
fn what_waited_is_sent_in_order_when_a_session_is_installed() {
    let mut host = Host::new();
    for port in 1..=3 {
        host.send(&udp(OWN, PEER, port, 2));
    }
    assert_eq!(host.out.events, [Event::NeedSession { destination: address(PEER) }]);
    host.pass().install(installation()).unwrap();
    let expected: Vec<_> = (1..=3).map(|port| (Kind::Message, udp(OWN, PEER, port, 2))).collect();
    assert_eq!(host.sent_to_peer(), expected);
}

#[test]
fn a_session_that_we_answered_sends_nothing_until_the_peer_has_proved_itself() {
    let mut host = Host::new();
    host.pass().install(unconfirmed()).unwrap();
    host.send(&udp(OWN, PEER, 1, 2));
    assert!(host.out.datagrams.is_empty());
    assert!(host.pass().set_primary(LOCAL_INDEX).is_err());

    let proof = host.sealed(Kind::TestReply, b"");
    host.receive(proof);
    assert!(host.out.events.contains(&Event::Confirmed { local_index: LOCAL_INDEX }));
    assert_eq!(host.sent_to_peer(), [(Kind::Message, udp(OWN, PEER, 1, 2))]);
}

#[test]
fn a_forged_packet_confirms_nothing_and_moves_nothing() {
    let mut host = Host::new();
    host.pass().install(unconfirmed()).unwrap();
    let mut forged = host.sealed(Kind::TestReply, b"");
    forged[20] ^= 1;
    host.receive_from("198.51.100.1:1", forged);
    let found = snapshot(&host.engine).next().unwrap();
    assert!(!found.confirmed && !found.primary);
    assert_eq!(found.path, Some(Path::Direct(path())));
    let genuine = sealed_as(Kind::TestReply, 3, b"");
    host.receive(genuine);
    assert!(snapshot(&host.engine).next().unwrap().confirmed);
}

#[test]
fn the_first_packet_carries_counter_three_and_no_counter_is_used_twice() {
    let mut host = Host::connected();
    for port in 1..=3 {
        host.send(&udp(OWN, PEER, port, 2));
    }
    let counters: Vec<u8> = host.out.datagrams.iter().map(|(_, datagram)| datagram[15]).collect();
    assert_eq!(counters, [3, 4, 5]);
}

#[test]
fn the_path_follows_an_authentic_packet() {
    let mut host = Host::connected();
    let moved = host.sealed(Kind::LightHouse, b"hello");
    host.receive_from("198.51.100.1:9", moved);
    let endpoint = "198.51.100.1:9".parse().unwrap();
    let path = Path::Direct(endpoint);
    assert_eq!(
        host.out.events,
        [
            Event::Roamed { local_index: LOCAL_INDEX, path },
            Event::Message { local_index: LOCAL_INDEX, kind: Kind::LightHouse, body: b"hello".to_vec(), heard: 1 },
        ]
    );
    host.send(&udp(OWN, PEER, 1, 2));
    assert_eq!(host.out.datagrams[0].0, endpoint);
}

#[test]
fn a_test_request_is_answered_with_its_own_body() {
    let mut host = Host::connected();
    let request = host.sealed(Kind::TestRequest, b"ping");
    host.receive(request);
    assert_eq!(host.sent_to_peer(), [(Kind::TestReply, b"ping".to_vec())]);
    assert!(host.out.events.is_empty());
}

#[test]
fn a_path_request_is_answered_there_where_it_came_from_and_moves_nothing() {
    let mut host = Host::connected();
    let request = host.sealed(Kind::PathRequest, &[7; 40]);
    host.receive_from("198.51.100.1:9", request);
    let expected: Vec<_> = vec!["198.51.100.1:9".parse().unwrap()];
    assert_eq!(host.out.datagrams.iter().map(|(to, _)| *to).collect::<Vec<_>>(), expected);
    assert_eq!(host.sent_to_peer(), [(Kind::PathReply, vec![7; 16])]);
    assert!(host.out.events.is_empty());
    assert_eq!(snapshot(&host.engine).next().unwrap().path, Some(Path::Direct(path())));
}

#[test]
fn a_binding_request_is_answered_on_the_path_of_the_session_and_moves_nothing() {
    let mut host = Host::connected();
    let request = host.sealed(Kind::BindingRequest, &[7; 34]);
    host.receive_from("198.51.100.1:9", request);
    assert_eq!(host.out.datagrams.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [path()]);
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 1];
    assert_eq!(host.sent_to_peer(), [(Kind::BindingReply, [&[7; 16][..], &mapped, &[0, 9]].concat())]);
    assert!(host.out.events.is_empty());
    assert_eq!(snapshot(&host.engine).next().unwrap().path, Some(Path::Direct(path())));
}

#[test]
fn a_session_that_talks_touches_the_queue_of_silences_once_in_its_time() {
    let mut host = Host::connected();
    host.engine.watch_silence(LOCAL_INDEX, 100).unwrap();
    let mut deadlines = vec![];
    for now_ms in 0..1_000 {
        host.now_ms = now_ms;
        host.send(&udp(OWN, PEER, 1, 2));
        let answer = host.sealed(Kind::TestReply, b"");
        host.receive(answer);
        host.pass().tick();
        deadlines.extend(host.engine.next_urgent_ms());
    }
    deadlines.dedup();
    assert!(deadlines.len() <= 11, "{deadlines:?}");
    assert!(!host.out.events.iter().any(|event| matches!(event, Event::Silent { .. })));
}

#[test]
fn a_closed_session_is_gone_at_once() {
    let mut host = Host::connected();
    let close = host.sealed(Kind::CloseTunnel, b"");
    host.receive(close);
    assert_eq!(snapshot(&host.engine).count(), 0);
    assert!(matches!(host.out.events[..], [Event::Message { kind: Kind::CloseTunnel, .. }]));
    host.send(&udp(OWN, PEER, 1, 2));
    assert!(host.out.datagrams.is_empty());
}

#[test]
fn removing_a_session_tells_the_peer_only_when_asked() {
    for (send_close, expected) in [(true, vec![(Kind::CloseTunnel, vec![])]), (false, vec![])] {
        let mut host = Host::connected();
        host.pass().remove(LOCAL_INDEX, send_close).unwrap();
        assert_eq!(host.sent_to_peer(), expected);
        assert_eq!(host.pass().remove(LOCAL_INDEX, false).unwrap_err().code, RefusalCode::UnknownSession);
    }
}

#[test]
fn the_counters_near_their_end_are_told_once_and_then_nothing_is_sent() {
    let mut host = Host::new();
    host.pass().install(Installation { send_counter: (1 << 34) - 2, ..installation() }).unwrap();
    for _ in 0..4 {
        host.send(&udp(OWN, PEER, 1, 2));
    }
    let high = Event::CounterHigh { local_index: LOCAL_INDEX, send_counter: 1 << 34, exhausted: false };
    assert_eq!(host.out.events, [high]);

    let last = u64::MAX - (1 << 40);
    let mut host = Host::new();
    host.pass().install(Installation { send_counter: last - 1, ..installation() }).unwrap();
    for _ in 0..3 {
        host.send(&udp(OWN, PEER, 1, 2));
    }
    assert_eq!(host.out.datagrams.len(), 1);
    assert_eq!(host.dropped(DropReason::CounterExhausted), 2);
    let told = |event: &&Event| matches!(event, Event::CounterHigh { exhausted: true, send_counter, .. } if *send_counter == last);
    assert_eq!(host.out.events.iter().filter(told).count(), 1);
}

#[test]
fn an_unknown_index_is_answered_as_far_as_the_policy_and_the_limit_allow() {
    let answers = |policy, source: &str, tries| {
        let mut host = Host::configured(HostFacts {
            networks: vec![prefix(OWN, 24)],
            send_recv_error: policy,
            ..HostFacts::default()
        });
        for _ in 0..tries {
            host.receive_from(source, vec![0x11, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0, 0, 0, 0, 9]);
        }
        host.out.datagrams.into_iter().map(|(_, datagram)| datagram).collect::<Vec<_>>()
    };
    let answer = vec![0x12, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(answers(RecvErrorPolicy::Always, "192.0.2.1:1", 1), [answer]);
    assert_eq!(answers(RecvErrorPolicy::Always, "192.0.2.1:1", 50).len(), 10);
    assert_eq!(answers(RecvErrorPolicy::Never, "192.168.0.1:1", 1).len(), 0);
    assert_eq!(answers(RecvErrorPolicy::Private, "192.168.0.1:1", 1).len(), 1);
    assert_eq!(answers(RecvErrorPolicy::Private, "192.0.2.1:1", 1).len(), 0);
}

#[test]
fn an_index_that_a_message_2_has_just_named_draws_no_recv_error() {
    let mut host = Host::configured(HostFacts { send_recv_error: RecvErrorPolicy::Always, ..HostFacts::default() });
    let data = || vec![0x11, 0, 0, 0, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 3];
    host.receive([vec![0x10, 0, 0, 0, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 2], vec![0; 80]].concat());
    host.receive(data());
    assert_eq!(host.out.datagrams.len(), 0);
    host.now_ms += 1_000;
    host.receive(data());
    assert_eq!(host.out.datagrams.len(), 1);
}

#[test]
fn a_new_policy_judges_old_flows_again_in_their_own_direction() {
    let mut host = Host::connected();
    host.send(&udp(OWN, PEER, 1, 2));
    host.allow(vec![], vec![any_rule()], true).unwrap();
    let reply = host.sealed(Kind::Message, &udp(PEER, OWN, 2, 1));
    host.receive(reply);
    assert_eq!(host.out.packets.len(), 1);
    host.allow(vec![any_rule()], vec![], true).unwrap();
    let reply = host.sealed(Kind::Message, &udp(PEER, OWN, 2, 1));
    host.receive(reply);
    assert_eq!((host.out.packets.len(), host.dropped(DropReason::NoMatchingRule)), (1, 1));
}

#[test]
fn installations_that_cannot_be_meant_are_refused() {
    let refused = |change: fn(&mut Installation)| {
        let mut host = Host::connected();
        let mut new = Installation { local_index: 8, ..installation() };
        change(&mut new);
        host.pass().install(new).unwrap_err().code
    };
    assert_eq!(refused(|new| new.local_index = 0), RefusalCode::BadRequest);
    assert_eq!(refused(|new| new.remote_index = 0), RefusalCode::BadRequest);
    assert_eq!(refused(|new| new.local_index = LOCAL_INDEX), RefusalCode::BadRequest);
    assert_eq!(refused(|new| new.peer_addresses.clear()), RefusalCode::BadRequest);
    assert_eq!(refused(|new| new.memo = vec![0; (64 << 10) + 1]), RefusalCode::BadRequest);
    assert_eq!(refused(|new| new.policy_id = 99), RefusalCode::UnknownPolicy);
}

#[test]
fn policies_are_applied_whole_or_not_at_all() {
    let host = Host::connected();
    let change = PolicyChange { programs: vec![], bindings: vec![(LOCAL_INDEX, 99)], raise_epoch: true };
    assert_eq!(host.engine.apply_policies(change).unwrap_err().code, RefusalCode::UnknownPolicy);
    let gone = PolicyChange { programs: vec![], bindings: vec![(99, POLICY)], raise_epoch: true };
    assert!(host.engine.apply_policies(gone).is_ok());
}

#[test]
fn a_sample_tells_of_each_active_session_once_and_goes_on_where_it_stopped() {
    let mut host = Host::new();
    for local_index in 1..=5 {
        host.pass().install(Installation { local_index, ..installation() }).unwrap();
        host.pass().seal_and_send(local_index, Kind::LightHouse, b"x", None).unwrap();
    }
    let indices = |host: &Host| {
        let sample = host.engine.sample(SampleLimits { sessions: 3, ..SampleLimits::default() });
        (sample.activity.iter().map(|activity| activity.local_index).collect::<Vec<_>>(), sample.more)
    };
    assert_eq!(indices(&host), (vec![1, 2, 3], true));
    assert_eq!(indices(&host), (vec![4, 5], false));
    assert_eq!(indices(&host), (vec![], false));
}

#[test]
fn drops_are_told_a_few_times_and_counted_always() {
    let mut host = Host::new();
    for _ in 0..100 {
        host.send(&[]);
    }
    assert_eq!((host.out.events.len(), host.dropped(DropReason::BadPacket)), (20, 100));
    host.now_ms = 1_000;
    for _ in 0..100 {
        host.send(&[]);
    }
    assert_eq!(host.out.events.len(), 25);
}
