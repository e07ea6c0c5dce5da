//! Many threads in one engine: what must hold whatever the order.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use lacis_engine::control::{Installation, PolicyChange};
use lacis_engine::drop_reason::DropReason;
use lacis_engine::engine::Worker;
use lacis_engine::header::Kind;
use lacis_engine::output::Event;
use lacis_engine::policy::{Program, Rule};
use lacis_engine::reports::SampleLimits;
use lacis_engine::route::{Gateway, Gateways, Target};
use support::*;

const PACKETS: u64 = 2_000;

#[test]
fn two_senders_never_use_one_counter_twice() {
    let host = Host::connected();
    let engine = &host.engine;
    let counters: Vec<u64> = std::thread::scope(|scope| {
        let sender = |_| {
            scope.spawn(|| {
                let (mut worker, mut out) = (Worker::new(), Recorder::default());
                for _ in 0..PACKETS {
                    engine.at(0, &mut worker, &mut out).outbound(&udp(OWN, PEER, 1, 2));
                }
                out.datagrams.iter().map(|(_, d)| u64::from_be_bytes(d[8..16].try_into().unwrap())).collect::<Vec<_>>()
            })
        };
        let senders: Vec<_> = (0..3).map(sender).collect();
        senders.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(counters.len() as u64, 3 * PACKETS);
    assert_eq!(counters.iter().collect::<HashSet<_>>().len(), counters.len());
}

#[test]
fn a_packet_received_by_two_threads_is_delivered_once() {
    let host = Host::connected();
    let engine = &host.engine;
    let delivered: usize = std::thread::scope(|scope| {
        let receiver = |_| {
            scope.spawn(|| {
                let (mut worker, mut out) = (Worker::new(), Recorder::default());
                for counter in 3..3 + PACKETS {
                    let mut datagram = sealed_as(Kind::Message, counter, &udp(PEER, OWN, 1, 2));
                    engine.at(0, &mut worker, &mut out).inbound(&mut datagram, path());
                }
                out.packets.len()
            })
        };
        let receivers: Vec<_> = (0..3).map(receiver).collect();
        receivers.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(delivered as u64, PACKETS);
}

#[test]
fn no_packet_is_left_waiting_for_a_session_that_is_there() {
    for _ in 0..200 {
        let host = Host::new();
        let engine = &host.engine;
        let installed = AtomicBool::new(false);
        let sent: usize = std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let (mut worker, mut out) = (Worker::new(), Recorder::default());
                let mut packets = 0;
                while !installed.load(Ordering::Acquire) || packets < 20 {
                    engine.at(0, &mut worker, &mut out).outbound(&udp(OWN, PEER, 1, 2));
                    packets += 1;
                    if packets >= 90 {
                        break;
                    }
                }
                (packets, out.datagrams.len())
            });
            let (mut worker, mut out) = (Worker::new(), Recorder::default());
            engine.at(0, &mut worker, &mut out).install(installation()).unwrap();
            installed.store(true, Ordering::Release);
            let (packets, by_sender) = sender.join().unwrap();
            assert_eq!(engine.sample(SampleLimits::default()).parked, 0);
            assert_eq!(by_sender + out.datagrams.len(), packets);
            packets
        });
        assert!(sent >= 20);
    }
}

#[test]
fn a_session_is_confirmed_by_one_of_the_threads_that_open_its_first_packets() {
    let mut host = Host::new();
    host.pass().install(Installation { confirmed: false, ..installation() }).unwrap();
    let engine = &host.engine;
    let confirmed: usize = std::thread::scope(|scope| {
        let receiver = |thread: u64| {
            scope.spawn(move || {
                let (mut worker, mut out) = (Worker::new(), Recorder::default());
                let mut datagram = sealed_as(Kind::TestReply, 3 + thread, b"");
                engine.at(0, &mut worker, &mut out).inbound(&mut datagram, path());
                out.events.iter().filter(|event| matches!(event, Event::Confirmed { .. })).count()
            })
        };
        let receivers: Vec<_> = (0..4).map(receiver).collect();
        receivers.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(confirmed, 1);
}

#[test]
fn a_packet_is_judged_and_routed_by_one_whole_or_the_other() {
    let host = Host::connected();
    let engine = &host.engine;
    let program = |policy_id: u32| {
        let fillers = (0..10_000).map(|n| Rule { rule_id: n, ports: 50_000..=50_100, ..any_rule() });
        let last = Rule { rule_id: policy_id + 20_000, ports: 2..=2, ..any_rule() };
        (policy_id, Program { outbound: fillers.chain([last]).collect(), ..Program::default() })
    };
    let change = |policy_id| {
        let bindings = vec![(LOCAL_INDEX, policy_id)];
        engine
            .apply_policies(PolicyChange { programs: vec![program(policy_id)], bindings, raise_epoch: true })
            .unwrap();
        // The network is the peer's own or lies behind the peer.
        let behind = Target::Gateways(Gateways::new(vec![Gateway { address: address(PEER), weight: 1 }]).unwrap());
        let target = if policy_id % 2 == 0 { Target::Peer } else { behind };
        let routes = vec![route(prefix(OWN, 32), Target::Own), route(prefix("10.0.0.0", 24), target)];
        engine.apply_routes(routes).unwrap();
    };
    change(10);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let (mut worker, mut out, mut allowed) = (Worker::new(), Recorder::default(), 0);
            for port in (1..=u16::MAX).cycle() {
                engine.at(0, &mut worker, &mut out).outbound(&udp(OWN, PEER, port, 2));
                engine.at(0, &mut worker, &mut out).outbound(&udp(OWN, PEER, port, 3));
                allowed += 1;
                if is_over.load(Ordering::Acquire) {
                    break;
                }
            }
            (allowed, out.datagrams.len())
        });
        for policy_id in 11..60 {
            change(policy_id);
        }
        is_over.store(true, Ordering::Release);
        let (allowed, sent) = sender.join().unwrap();
        assert_eq!(sent, allowed);
        assert_eq!(host.all_dropped() - host.dropped(DropReason::FlowEvicted), allowed as u64);
    });
    assert_eq!(host.dropped(DropReason::NoMatchingRule), host.all_dropped() - host.dropped(DropReason::FlowEvicted));
}

#[test]
fn silence_is_told_in_the_end_however_sends_answers_and_ticks_fall_together() {
    let host = Host::connected();
    let engine = &host.engine;
    engine.watch_silence(LOCAL_INDEX, 3).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers = [
            scope.spawn(|| {
                let (mut worker, mut out) = (Worker::new(), Recorder::default());
                for now_ms in 0..PACKETS {
                    engine.at(now_ms, &mut worker, &mut out).outbound(&udp(OWN, PEER, 1, 2));
                }
            }),
            scope.spawn(|| {
                let (mut worker, mut out) = (Worker::new(), Recorder::default());
                for counter in 3..3 + PACKETS {
                    let mut answer = sealed_as(Kind::TestReply, counter, b"");
                    engine.at(counter, &mut worker, &mut out).inbound(&mut answer, path());
                }
            }),
        ];
        scope.spawn(|| {
            let (mut worker, mut out) = (Worker::new(), Recorder::default());
            let mut now_ms = 0;
            while !is_over.load(Ordering::Relaxed) {
                engine.at(now_ms, &mut worker, &mut out).tick();
                now_ms += 1;
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let (mut worker, mut out) = (Worker::new(), Recorder::default());
    // What was queued meanwhile and not looked at.
    engine.at(1 << 40, &mut worker, &mut out).tick();
    let mut heard = sealed_as(Kind::TestReply, 4 + PACKETS, b"");
    engine.at(1 << 40, &mut worker, &mut out).inbound(&mut heard, path());
    engine.at(1 << 40, &mut worker, &mut out).outbound(&udp(OWN, PEER, 1, 2));
    assert_eq!(engine.next_urgent_ms(), Some((1 << 40) + 3));
    out.events.clear();
    engine.at((1 << 40) + 3, &mut worker, &mut out).tick();
    assert_eq!(out.events, [Event::Silent { local_index: LOCAL_INDEX, since_ms: 3 }]);
    assert_eq!(engine.next_urgent_ms(), None);
}
