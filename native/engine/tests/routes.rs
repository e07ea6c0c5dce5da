//! Where packets go and where they may come from, from the outside.

#![allow(clippy::unwrap_used)]

mod support;

use lacis_engine::control::{Installation, RefusalCode};
use lacis_engine::drop_reason::DropReason;
use lacis_engine::header::Kind;
use lacis_engine::host::HostFacts;
use lacis_engine::output::Event;
use lacis_engine::path::Path;
use lacis_engine::route::{Gateway, Gateways, Target};
use support::*;

const OTHER: &str = "10.0.0.3";

fn gateways(weighted: &[(&str, u16)]) -> Target {
    let gateway = |(text, weight): &(&str, u16)| Gateway { address: address(text), weight: *weight };
    Target::Gateways(Gateways::new(weighted.iter().map(gateway).collect()).unwrap())
}

/// A host with peers in 10.0.0.0/24 and `target` for 192.168.0.0/16.
fn host_with(target: Target) -> Host {
    let host = Host::new();
    let routes = vec![
        route(prefix(OWN, 32), Target::Own),
        route(prefix("10.0.0.0", 24), Target::Peer),
        route(prefix("192.168.0.0", 16), target),
        route(prefix("192.168.9.0", 24), Target::None),
    ];
    host.engine.apply_routes(routes).unwrap();
    host
}

/// A session with another gateway, at an address of its own.
fn other_gateway() -> Installation {
    let path = Some(Path::Direct("192.0.2.3:4242".parse().unwrap()));
    Installation { local_index: 8, path, peer_addresses: vec![address(OTHER)], ..installation() }
}

fn needed(host: &Host) -> Vec<&Event> {
    host.out.events.iter().filter(|event| matches!(event, Event::NeedSession { .. })).collect()
}

#[test]
fn without_routes_nothing_goes_anywhere() {
    let mut host = Host::connected();
    host.engine.apply_routes(vec![]).unwrap();
    host.send(&udp(OWN, PEER, 1, 2));
    let arrived = host.sealed(Kind::Message, &udp(PEER, OWN, 1, 2));
    host.receive(arrived);
    assert_eq!((host.dropped(DropReason::LocalAddress), host.dropped(DropReason::RemoteAddress)), (1, 1));
}

#[test]
fn a_packet_to_a_network_behind_a_gateway_waits_for_the_gateway() {
    let mut host = host_with(gateways(&[(PEER, 1)]));
    host.send(&udp(OWN, "192.168.1.1", 1, 2));
    host.send(&udp(OWN, "192.168.2.2", 1, 2));
    assert_eq!(needed(&host), [&Event::NeedSession { destination: address(PEER) }]);
    host.pass().install(installation()).unwrap();
    let expected = ["192.168.1.1", "192.168.2.2"].map(|to| (Kind::Message, udp(OWN, to, 1, 2)));
    assert_eq!(host.sent_to_peer(), expected);
}

#[test]
fn a_longer_route_to_nowhere_is_nowhere() {
    let mut host = host_with(gateways(&[(PEER, 1)]));
    host.send(&udp(OWN, "192.168.9.1", 1, 2));
    assert_eq!((host.dropped(DropReason::NoRoute), needed(&host).len()), (1, 0));
}

#[test]
fn flows_are_shared_out_and_each_keeps_its_gateway_while_it_has_a_session() {
    let mut host = host_with(gateways(&[(PEER, 1), (OTHER, 1)]));
    host.pass().install(installation()).unwrap();
    host.pass().install(other_gateway()).unwrap();
    let places_of = |host: &mut Host, ports: std::ops::RangeInclusive<u16>| {
        host.out.datagrams.clear();
        for port in ports {
            host.send(&udp(OWN, "192.168.1.1", port, 2));
        }
        host.out.datagrams.iter().map(|(to, _)| to.to_string()).collect::<Vec<_>>()
    };
    let places = |host: &mut Host| places_of(host, 1..=64);
    let both = places(&mut host);
    let to_peer = both.iter().filter(|place| **place == path().to_string()).count();
    assert!((16..=48).contains(&to_peer), "{to_peer} of 64");
    assert_eq!(places(&mut host), both);
    host.pass().remove(LOCAL_INDEX, false).unwrap();
    assert!(places(&mut host).iter().all(|place| place == "192.0.2.3:4242"));
    host.pass().install(installation()).unwrap();
    assert!(places(&mut host).iter().all(|place| place == "192.0.2.3:4242"), "none returns by itself");
    let to_peer = places_of(&mut host, 65..=128).iter().filter(|place| **place == path().to_string()).count();
    assert!((16..=48).contains(&to_peer), "{to_peer} of 64 new ones");
}

#[test]
fn a_gateway_without_weight_is_used_only_while_no_other_one_has_a_session() {
    let mut host = host_with(gateways(&[(PEER, 1), (OTHER, 0)]));
    host.pass().install(other_gateway()).unwrap();
    host.send(&udp(OWN, "192.168.1.1", 1, 2));
    assert_eq!(host.out.datagrams.last().unwrap().0.to_string(), "192.0.2.3:4242");
    host.pass().install(installation()).unwrap();
    host.send(&udp(OWN, "192.168.1.1", 1, 2));
    assert_eq!(host.out.datagrams.last().unwrap().0.to_string(), "192.0.2.3:4242", "a flow keeps its gateway");
    host.send(&udp(OWN, "192.168.1.1", 2, 2));
    assert_eq!(host.out.datagrams.last().unwrap().0, path());
}

#[test]
fn what_lies_behind_a_peer_may_send_and_nobody_speaks_for_us_or_for_another_peer() {
    let mut host = host_with(gateways(&[(PEER, 1)]));
    let allowed_prefixes = vec![prefix("192.168.1.0", 24), prefix("10.0.0.0", 24)];
    host.pass().install(Installation { allowed_prefixes, ..installation() }).unwrap();
    let mut accepts = |from: &str| {
        let before = host.out.packets.len();
        let datagram = host.sealed(Kind::Message, &udp(from, OWN, 1, 2));
        host.receive(datagram);
        host.out.packets.len() > before
    };
    assert!(accepts("192.168.1.1") && accepts(PEER));
    assert!(!accepts("192.168.2.1") && !accepts(OTHER) && !accepts(OWN));
    assert_eq!(host.dropped(DropReason::RemoteAddress), 3);
}

#[test]
fn what_lies_behind_this_host_is_own_in_both_directions() {
    let mut host = host_with(Target::Own);
    host.pass().install(installation()).unwrap();
    host.send(&udp("192.168.1.1", PEER, 1, 2));
    assert_eq!(host.sent_to_peer(), [(Kind::Message, udp("192.168.1.1", PEER, 1, 2))]);
    let arrived = host.sealed(Kind::Message, &udp(PEER, "192.168.1.1", 2, 1));
    host.receive(arrived);
    assert_eq!(host.out.packets.len(), 1);
    host.send(&udp(OWN, "192.168.1.1", 1, 2));
    assert_eq!(host.dropped(DropReason::OwnAddress), 1);
}

#[test]
fn routes_that_are_refused_leave_those_in_force() {
    let mut host = host_with(gateways(&[(PEER, 1)]));
    let twice = vec![route(prefix("10.0.0.0", 8), Target::Own); 2];
    for bad in [twice, vec![route(prefix("10.0.0.1", 8), Target::Own)]] {
        assert_eq!(host.engine.apply_routes(bad).unwrap_err().code, RefusalCode::BadRequest);
    }
    host.pass().install(installation()).unwrap();
    host.send(&udp(OWN, "192.168.1.1", 1, 2));
    assert_eq!(host.out.datagrams.len(), 1);
}

#[test]
fn what_is_released_after_a_change_of_routes_goes_where_the_new_ones_lead() {
    let mut host = host_with(gateways(&[(PEER, 1)]));
    host.send(&udp(OWN, "192.168.1.1", 1, 2));
    host.engine.apply_routes(vec![route(prefix(OWN, 32), Target::Own)]).unwrap();
    host.pass().install(installation()).unwrap();
    assert_eq!((host.out.datagrams.len(), host.dropped(DropReason::NoRoute)), (0, 1));
}

#[test]
fn before_anything_is_configured_there_is_no_route() {
    let mut host = Host::configured(HostFacts::default());
    host.send(&udp(OWN, PEER, 1, 2));
    assert_eq!(host.dropped(DropReason::LocalAddress), 1);
}
