//! Which rule allowed what, and how much, from the outside.

#![allow(clippy::unwrap_used)]

mod support;

use lacis_engine::control::PolicyChange;
use lacis_engine::drop_reason::DropReason;
use lacis_engine::flow::Traffic;
use lacis_engine::header::Kind;
use lacis_engine::host::{FlowTimeouts, HostFacts};
use lacis_engine::output::Event;
use lacis_engine::packet::Direction;
use lacis_engine::policy::{AllowedBy, Program, RefusalAction, Rule};
use lacis_engine::reports::RuleCount;
use lacis_engine::reports::SampleLimits;
use support::*;

fn rule(rule_id: u32) -> Rule {
    Rule { rule_id, ..any_rule() }
}

fn counts(host: &Host) -> Vec<(u32, u64)> {
    let sample = host.engine.sample(SampleLimits { rules: 9, ..SampleLimits::default() });
    sample.rules.iter().map(|RuleCount { rule_id, totals, .. }| (*rule_id, totals.flows)).collect()
}

#[test]
fn a_rule_counts_the_flows_that_it_opened_and_is_told_of_when_that_changed() {
    let mut host = Host::connected();
    let narrow = Rule { ports: 2..=2, ..rule(5) };
    host.allow(vec![], vec![narrow, rule(6)], true).unwrap();
    for (source_port, port) in [(1, 2), (1, 2), (2, 2), (1, 3)] {
        host.send(&udp(OWN, PEER, source_port, port));
    }
    assert_eq!(counts(&host), [(5, 2), (6, 1)]);
    assert_eq!(counts(&host), []);
    host.send(&udp(OWN, PEER, 3, 2));
    assert_eq!(counts(&host), [(5, 3)]);
}

#[test]
fn a_program_that_comes_again_goes_on_counting_and_another_one_begins_anew() {
    let mut host = Host::connected();
    host.allow(vec![], vec![rule(5)], true).unwrap();
    host.send(&udp(OWN, PEER, 1, 2));
    host.allow(vec![], vec![rule(5)], true).unwrap();
    host.send(&udp(OWN, PEER, 2, 2));
    assert_eq!(counts(&host), [(5, 2)]);
    host.allow(vec![], vec![rule(5), rule(6)], true).unwrap();
    host.send(&udp(OWN, PEER, 1, 2));
    assert_eq!(counts(&host), [(5, 0)]);
    host.send(&udp(OWN, PEER, 3, 2));
    assert_eq!(counts(&host), [(5, 1)]);
}

#[test]
fn a_flow_tells_its_rule_and_what_it_carried_either_way() {
    let mut host = Host::connected();
    host.allow(vec![], vec![rule(5)], true).unwrap();
    for _ in 0..3 {
        host.send(&udp(OWN, PEER, 1, 2));
    }
    host.now_ms = 40;
    let reply = host.sealed(Kind::Message, &[udp(PEER, OWN, 2, 1), vec![0; 7]].concat());
    host.receive(reply);
    host.now_ms = 100;
    host.pass().list_flows();
    let Some(Event::Flows(flows)) = host.out.events.last() else { panic!("there is a flow") };
    let [flow] = &flows[..] else { panic!("there is one flow") };
    assert_eq!((flow.opened_by, flow.by), (Direction::Outbound, AllowedBy { policy_id: POLICY, rule_id: 5 }));
    assert_eq!((flow.age_ms, flow.idle_ms), (100, 60));
    let traffic = Traffic { received_packets: 1, received_bytes: 28, sent_packets: 3, sent_bytes: 84 };
    assert_eq!(flow.traffic, traffic);
}

#[test]
fn a_flow_that_new_rules_allow_has_the_new_rule_and_keeps_what_it_counted() {
    let mut host = Host::connected();
    host.allow(vec![], vec![rule(5)], true).unwrap();
    host.send(&udp(OWN, PEER, 1, 2));
    host.allow(vec![], vec![rule(6)], true).unwrap();
    host.send(&udp(OWN, PEER, 1, 2));
    host.pass().list_flows();
    let Some(Event::Flows(flows)) = host.out.events.last() else { panic!("there is a flow") };
    assert_eq!((flows[0].by.rule_id, flows[0].traffic.sent_packets), (6, 2));
    assert_eq!(counts(&host), [(6, 0)]);
}

#[test]
fn no_flow_is_no_report() {
    let mut host = Host::connected();
    host.pass().list_flows();
    assert_eq!(host.out.events, []);
}

#[test]
fn flow_timeouts_are_those_of_the_host_as_they_are_now() {
    let mut host = Host::connected();
    host.send(&udp(OWN, PEER, 1, 2));
    host.allow(vec![], vec![], true).unwrap();
    host.allow(vec![], vec![], false).unwrap();
    host.now_ms = 51;
    let flow_timeouts = FlowTimeouts { udp_ms: 50, ..FlowTimeouts::default() };
    host.engine.configure(HostFacts { networks: vec![prefix(OWN, 24)], flow_timeouts, ..HostFacts::default() }, 0);
    assert_eq!(host.engine.sample(SampleLimits::default()).flows, 1);
    host.now_ms = 1_000;
    host.pass().tick();
    assert_eq!(host.engine.sample(SampleLimits::default()).flows, 0);
}

#[test]
fn a_refused_packet_is_told_of_with_its_action() {
    let mut host = Host::connected();
    host.allow(vec![], vec![], true).unwrap();
    host.send(&udp(OWN, PEER, 1, 2));
    let Some(Event::Dropped(sample)) = host.out.events.last() else { panic!("the first drops are told of") };
    let told = (sample.reason, sample.action, sample.local_index);
    assert_eq!(told, (DropReason::NoMatchingRule, Some(RefusalAction::Drop), LOCAL_INDEX));
}

#[test]
fn programs_are_forgotten_only_when_every_flow_is_judged_again() {
    let mut host = Host::connected();
    let apply = |host: &Host, policy_id, raise_epoch| {
        let programs = vec![(policy_id, Program::default())];
        host.engine.apply_policies(PolicyChange { programs, bindings: vec![], raise_epoch }).unwrap();
    };
    apply(&host, 50, false);
    apply(&host, 51, false);
    host.pass()
        .install(lacis_engine::control::Installation { local_index: 20, policy_id: 50, ..installation() })
        .unwrap();
    host.pass().remove(20, false).unwrap();
    apply(&host, 52, true);
    let bind = |policy_id| {
        let bindings = vec![(LOCAL_INDEX, policy_id)];
        host.engine.apply_policies(PolicyChange { programs: vec![], bindings, raise_epoch: false }).is_ok()
    };
    assert_eq!((bind(50), bind(51), bind(52)), (false, false, true));
}
