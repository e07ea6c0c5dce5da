//! A program of rules and some packets: what the rules say when they are found by port is what they say one after the other.

use std::net::{IpAddr, Ipv4Addr};

use arbitrary::{Arbitrary, Result, Unstructured};
use lacis_engine::header::Kind;
use lacis_engine::ip::Prefix;
use lacis_engine::packet::{Direction, InnerPacket};
use lacis_engine::policy::{Rule, RuleProtocol};

use crate::support::path;
use crate::world::{OWN, PEER, world};

const RULES_MAX: usize = 24;
const PACKETS_MAX: usize = 8;

/// Few ports and addresses, so that rules meet packets.
#[derive(Arbitrary)]
struct Draft {
    id: u8,
    protocol: u8,
    port: u8,
    width: u8,
    remote: Option<(u8, u8)>,
    local: Option<(u8, u8)>,
    is_for_rests: bool,
    icmp_type: Option<u8>,
}

#[derive(Arbitrary)]
struct Probe {
    is_inbound: bool,
    protocol: u8,
    ports: [u8; 2],
    rest: [u8; 12],
}

/// Both directions of a program, asked by packets of flows of which nothing is known.
pub fn check(bytes: &[u8]) {
    let Ok((inbound, outbound, probes)) = read(&mut Unstructured::new(bytes)) else { return };
    let mut world = world();
    for probe in probes {
        // What was allowed before is asked anew.
        world.allow(inbound.clone(), outbound.clone(), true).expect("rules");
        world.now_ms += 3_600_000;
        world.pass().tick();
        world.out = Default::default();
        let packet = packet(&probe);
        let direction = if probe.is_inbound { Direction::Inbound } else { Direction::Outbound };
        let rules = if probe.is_inbound { &inbound } else { &outbound };
        let Ok(inner) = InnerPacket::parse(&packet) else { continue };
        let tuple = inner.tuple(direction);
        let expected = rules.iter().any(|rule| rule.matches(&tuple, direction));
        let passed = if probe.is_inbound {
            let mut datagram = world.sealed(Kind::Message, &packet);
            world.pass().inbound(&mut datagram, path());
            !world.out.packets.is_empty()
        } else {
            world.pass().outbound(&packet);
            !world.out.datagrams.is_empty()
        };
        assert_eq!(passed, expected, "{tuple:?} {direction:?} under {rules:?}");
    }
}

fn read(input: &mut Unstructured<'_>) -> Result<(Vec<Rule>, Vec<Rule>, Vec<Probe>)> {
    let mut rules = || -> Result<Vec<Rule>> {
        let count = input.int_in_range(0..=RULES_MAX)?;
        (0..count).map(|_| Draft::arbitrary(input).map(rule)).collect()
    };
    let (inbound, outbound) = (rules()?, rules()?);
    let count = input.int_in_range(1..=PACKETS_MAX)?;
    Ok((inbound, outbound, (0..count).map(|_| Probe::arbitrary(input)).collect::<Result<_>>()?))
}

fn rule(draft: Draft) -> Rule {
    let protocol = [RuleProtocol::Any, RuleProtocol::Tcp, RuleProtocol::Udp, RuleProtocol::Icmp];
    let first = u16::from(draft.port);
    let ports = if draft.width == u8::MAX { 0..=u16::MAX } else { first..=first + u16::from(draft.width % 32) };
    let prefix = |(last, bits): (u8, u8)| Prefix::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), (bits % 33).into());
    Rule {
        rule_id: draft.id.into(),
        protocol: protocol[usize::from(draft.protocol) % protocol.len()],
        ports,
        remote: draft.remote.and_then(prefix).into_iter().collect(),
        local: draft.local.and_then(prefix).into_iter().collect(),
        is_for_rests: draft.is_for_rests,
        icmp_types: draft.icmp_type.map(u16::from).into_iter().collect(),
    }
}

/// Of one of the protocols that have ports or messages, or of another one.
fn packet(probe: &Probe) -> Vec<u8> {
    let [source, destination] = if probe.is_inbound { [PEER[0], OWN[0]] } else { [OWN[0], PEER[0]] };
    let octets = |address: IpAddr| if let IpAddr::V4(address) = address { address.octets() } else { [0; 4] };
    let protocol = [1, 6, 17, probe.protocol][usize::from(probe.protocol) % 4];
    let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet.extend_from_slice(&octets(source));
    packet.extend_from_slice(&octets(destination));
    match protocol {
        1 => packet.extend_from_slice(&[probe.ports[0], 0, 0, 0, 0, probe.ports[1], 0, 0]),
        _ => packet.extend_from_slice(&[0, probe.ports[0], 0, probe.ports[1], 0, 0, 0, 0]),
    }
    packet.extend_from_slice(&probe.rest);
    if protocol == 6 {
        packet[32] = 0x50;
        packet[33] = 0x02;
    }
    packet
}
