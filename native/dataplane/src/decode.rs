//! Values of the contract into values of the engine. The control plane is trusted with keys, not with lengths.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use lacis_contract::wire::{self, path::Way, route, set_relay};
use lacis_engine::aead::{Cipher, SecretKey};
use lacis_engine::allow_list::{ALLOW_RULES_MAX, AllowList, AllowRule};
use lacis_engine::capture::{Filter, Step};
use lacis_engine::control::Installation;
use lacis_engine::header::Kind;
use lacis_engine::host::{FLOWS_DEFAULT, FLOWS_MAX, FlowTimeouts, HostFacts, RecvErrorPolicy};
use lacis_engine::ip::{Prefix, address_from_bytes};
use lacis_engine::packet::ICMP_MESSAGE_MAX;
use lacis_engine::path::{Path, Relayed};
use lacis_engine::policy::{Program, RefusalAction, Rule, RuleProtocol};
use lacis_engine::relay::{Relay, Role};
use lacis_engine::route::{BadGateways, GATEWAYS_MAX, Gateway, Gateways, Route, Target};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Messages that one rule names.
const ICMP_TYPES_MAX: usize = 64;

/// An address of the overlay or the underlay.
pub fn address(bytes: &[u8]) -> Result<IpAddr, Failure> {
    address_from_bytes(bytes).ok_or_else(|| Failure::bad("an address is 4 or 16 bytes and never IPv4-mapped"))
}

/// An underlay address to send to.
pub fn endpoint(endpoint: &wire::Endpoint) -> Result<SocketAddr, Failure> {
    let socket = bind_endpoint(endpoint)?;
    if socket.port() == 0 {
        return Err(Failure::bad("nothing can be sent to port 0"));
    }
    Ok(socket)
}

/// An underlay address to bind to: port 0 lets the system choose.
pub fn bind_endpoint(endpoint: &wire::Endpoint) -> Result<SocketAddr, Failure> {
    Ok(SocketAddr::new(address(&endpoint.address)?, port(endpoint.port)?))
}

/// A way to a peer.
pub fn path(path: &wire::Path) -> Result<Path, Failure> {
    match &path.way {
        Some(Way::Direct(to)) => Ok(Path::Direct(endpoint(to)?)),
        Some(Way::Relayed(through)) => Ok(Path::Relayed(relayed(through.session, through.relay_index))),
        None => Err(Failure::unknown_member("path.way")),
    }
}

fn relayed(session: u32, relay_index: u32) -> Relayed {
    Relayed { session, relay_index }
}

/// A relay. Whether it can be is the engine's to say.
pub fn relay(set: &wire::SetRelay) -> Result<Relay, Failure> {
    Ok(Relay {
        relay_index: set.relay_index,
        session: set.session,
        remote_index: set.remote_index,
        role: match &set.role {
            Some(set_relay::Role::TerminalPeer(peer)) => Role::End(address(peer)?),
            Some(set_relay::Role::Forward(next)) => Role::Forward(relayed(next.session, next.relay_index)),
            None => return Err(Failure::unknown_member("set_relay.role")),
        },
    })
}

/// A field that must be there.
pub fn required<T>(value: Option<T>, name: &str) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::bad(format!("{name} is missing")))
}

/// A prefix, host bits kept.
pub fn prefix(prefix: &wire::Prefix) -> Result<Prefix, Failure> {
    let address = address(&prefix.address)?;
    Prefix::new(address, prefix.bits).ok_or_else(|| Failure::bad(format!("{address} has no {} bits", prefix.bits)))
}

/// A type and subtype of a datagram.
pub fn kind(kind: u32, subtype: u32) -> Result<Kind, Failure> {
    let pair = u8::try_from(kind).ok().zip(u8::try_from(subtype).ok());
    pair.and_then(|(kind, subtype)| Kind::from_wire(kind, subtype))
        .ok_or_else(|| Failure::bad(format!("there is no datagram of type {kind}, subtype {subtype}")))
}

/// Which packets are captured.
pub fn capture_filter(steps: &[wire::CaptureStep]) -> Result<Filter, Failure> {
    let read = |step: &wire::CaptureStep| {
        let prefix = || self::prefix(&required(step.prefix.clone(), "prefix")?);
        let ports = || Ok::<_, Failure>((port(step.first)?, port(step.last)?));
        Ok(match known("op", step.op)? {
            wire::CaptureOp::And => Step::And,
            wire::CaptureOp::Or => Step::Or,
            wire::CaptureOp::Not => Step::Not,
            wire::CaptureOp::Inbound => Step::Inbound,
            wire::CaptureOp::Refused => Step::Refused,
            wire::CaptureOp::Protocol => Step::Protocol(
                u8::try_from(step.first).map_err(|_| Failure::bad(format!("there is no protocol {}", step.first)))?,
            ),
            wire::CaptureOp::Source => Step::Source(prefix()?),
            wire::CaptureOp::Destination => Step::Destination(prefix()?),
            wire::CaptureOp::SourcePort => ports().map(|(first, last)| Step::SourcePort(first, last))?,
            wire::CaptureOp::DestinationPort => ports().map(|(first, last)| Step::DestinationPort(first, last))?,
            wire::CaptureOp::Unspecified => return Err(Failure::bad("op is missing")),
        })
    };
    let steps = steps.iter().map(read).collect::<Result<_, Failure>>()?;
    Filter::new(steps).ok_or_else(|| Failure::bad("the filter is too long, or leaves no verdict or more than one"))
}

/// Facts about this host.
pub fn host_facts(configure: &wire::Configure) -> Result<HostFacts, Failure> {
    Ok(HostFacts {
        networks: configure.networks.iter().map(prefix).collect::<Result<_, _>>()?,
        send_recv_error: match known("send_recv_error", configure.send_recv_error)? {
            wire::RecvErrorPolicy::Always => RecvErrorPolicy::Always,
            wire::RecvErrorPolicy::Never => RecvErrorPolicy::Never,
            wire::RecvErrorPolicy::Private => RecvErrorPolicy::Private,
            wire::RecvErrorPolicy::Unspecified => return Err(Failure::bad("send_recv_error is missing")),
        },
        flow_timeouts: configure.flow_timeouts.as_ref().map_or(Ok(FlowTimeouts::default()), flow_timeouts)?,
        flow_limit: flow_limit(configure.flow_limit)?,
        record_flows: configure.record_flows,
        drop_local_broadcast: configure.drop_local_broadcast,
        drop_multicast: configure.drop_multicast,
        answer_echo: configure.answer_echo,
        relay_peer_kilobytes: configure.relay_peer_kilobytes,
        remote_allow_list: configure.remote_allow_list.as_ref().map_or(Ok(AllowList::default()), allow_list)?,
        refuse_no_route: refusal("refuse_no_route", configure.refuse_no_route)?,
    })
}

fn flow_limit(asked: u32) -> Result<usize, Failure> {
    match asked as usize {
        0 => Ok(FLOWS_DEFAULT),
        asked if asked <= FLOWS_MAX => Ok(asked),
        asked => Err(Failure::bad(format!("{asked} flows are more than {FLOWS_MAX}"))),
    }
}

fn allow_list(list: &wire::RemoteAllowList) -> Result<AllowList, Failure> {
    let ranges = list
        .ranges
        .iter()
        .map(|range| Ok((prefix(&required(range.overlay.clone(), "overlay")?)?, allow_rules(&range.rules)?)));
    AllowList::new(allow_rules(&list.rules)?, ranges.collect::<Result<_, Failure>>()?).ok_or_else(|| {
        Failure::bad(format!("there are more than {ALLOW_RULES_MAX} rules and ranges of where peers may be"))
    })
}

fn allow_rules(rules: &[wire::AllowRule]) -> Result<Vec<AllowRule>, Failure> {
    rules.iter().map(|rule| Ok((prefix(&required(rule.prefix.clone(), "prefix")?)?, rule.allowed))).collect()
}

fn flow_timeouts(timeouts: &wire::FlowTimeouts) -> Result<FlowTimeouts, Failure> {
    let wire::FlowTimeouts { tcp_ms, udp_ms, other_ms } = *timeouts;
    if [tcp_ms, udp_ms, other_ms].contains(&0) {
        return Err(Failure::bad("a flow timeout is at least 1 ms"));
    }
    Ok(FlowTimeouts { tcp_ms, udp_ms, other_ms })
}

/// A session. The keys are taken out of the message.
pub fn installation(mut install: wire::InstallSession) -> Result<Installation, Failure> {
    let send_key = secret_key(&mut install.send_key);
    let receive_key = secret_key(&mut install.receive_key);
    Ok(Installation {
        local_index: install.local_index,
        remote_index: install.remote_index,
        cipher: match known("cipher", install.cipher)? {
            wire::Cipher::Aes256Gcm => Cipher::Aes256Gcm,
            wire::Cipher::Chacha20Poly1305 => Cipher::ChaCha20Poly1305,
            wire::Cipher::Unspecified => return Err(Failure::bad("cipher is missing")),
        },
        send_key: send_key?,
        receive_key: receive_key?,
        send_counter: install.send_counter,
        receive_floor: install.receive_floor,
        path: install.path.as_ref().map(path).transpose()?,
        peer_addresses: install.peer_addresses.iter().map(|bytes| address(bytes)).collect::<Result<_, _>>()?,
        allowed_prefixes: install.allowed_prefixes.iter().map(prefix).collect::<Result<_, _>>()?,
        policy_id: install.policy_id,
        confirmed: install.confirmed,
        primary: install.primary,
        memo: install.memo,
    })
}

/// A program, or a piece of one.
pub fn program(program: wire::PolicyProgram) -> Result<Program, Failure> {
    Ok(Program {
        inbound: program.inbound.iter().map(rule).collect::<Result<_, _>>()?,
        outbound: program.outbound.iter().map(rule).collect::<Result<_, _>>()?,
        refuse_inbound: refusal("refuse_inbound", program.refuse_inbound)?,
        refuse_outbound: refusal("refuse_outbound", program.refuse_outbound)?,
    })
}

fn refusal(field: &str, action: i32) -> Result<RefusalAction, Failure> {
    match known(field, action)? {
        wire::RefusalAction::Unspecified | wire::RefusalAction::Drop => Ok(RefusalAction::Drop),
        wire::RefusalAction::Reject => Ok(RefusalAction::Reject),
    }
}

fn rule(rule: &wire::PolicyRule) -> Result<Rule, Failure> {
    Ok(Rule {
        rule_id: rule.rule_id,
        protocol: match known("protocol", rule.protocol)? {
            wire::RuleProtocol::Any => RuleProtocol::Any,
            wire::RuleProtocol::Tcp => RuleProtocol::Tcp,
            wire::RuleProtocol::Udp => RuleProtocol::Udp,
            wire::RuleProtocol::Icmp => RuleProtocol::Icmp,
            wire::RuleProtocol::Unspecified => return Err(Failure::bad("protocol is missing in a rule")),
        },
        ports: ports(rule.port_first, rule.port_last)?,
        remote: rule.remote.iter().map(prefix).collect::<Result<_, _>>()?,
        local: rule.local.iter().map(prefix).collect::<Result<_, _>>()?,
        is_for_rests: rule.fragment,
        icmp_types: icmp_types(rule)?,
    })
}

/// Only ICMP has types.
fn icmp_types(rule: &wire::PolicyRule) -> Result<Vec<u16>, Failure> {
    let wire::PolicyRule { icmp_types: types, .. } = rule;
    if !types.is_empty() && rule.protocol != wire::RuleProtocol::Icmp as i32 {
        return Err(Failure::bad("only a rule of ICMP has types"));
    }
    if types.len() > ICMP_TYPES_MAX {
        return Err(Failure::bad(format!("a rule names more than {ICMP_TYPES_MAX} ICMP types")));
    }
    let known = |number: &u32| u16::try_from(*number).ok().filter(|number| *number <= ICMP_MESSAGE_MAX);
    let icmp_type = |number: &u32| known(number).ok_or_else(|| Failure::bad(format!("there is no ICMP type {number}")));
    types.iter().map(icmp_type).collect()
}

/// A route. Whether its prefix may stand in a table is the table's to say.
pub fn route(route: wire::Route) -> Result<Route, Failure> {
    Ok(Route {
        prefix: prefix(&required(route.prefix, "prefix")?)?,
        target: match route.target {
            Some(route::Target::Own(_)) => Target::Own,
            Some(route::Target::Peer(_)) => Target::Peer,
            Some(route::Target::None(_)) => Target::None,
            Some(route::Target::Gateways(route)) => Target::Gateways(gateways(&route.gateways)?),
            None => return Err(Failure::unknown_member("route.target")),
        },
    })
}

fn gateways(gateways: &[wire::Gateway]) -> Result<Gateways, Failure> {
    let gateway = |gateway: &wire::Gateway| -> Result<_, Failure> {
        let weight = u16::try_from(gateway.weight)
            .map_err(|_| Failure::bad(format!("a weight of {} is more than 65535", gateway.weight)))?;
        Ok(Gateway { address: address(&gateway.address)?, weight })
    };
    Gateways::new(gateways.iter().map(gateway).collect::<Result<_, _>>()?).map_err(|bad| {
        Failure::bad(match bad {
            BadGateways::Empty => "a route has no gateway".to_owned(),
            BadGateways::TooMany => format!("a route has more than {GATEWAYS_MAX} gateways"),
            BadGateways::Twice(address) => format!("a route has the gateway {address} twice"),
        })
    })
}

/// Queues of one device or port: each costs two threads and some MiB.
const QUEUES_MAX: u32 = 64;

/// A number of queues, 0 being one.
pub fn queues(queues: u32) -> Result<usize, Failure> {
    if queues > QUEUES_MAX {
        return Err(Failure::bad(format!("{queues} queues are more than {QUEUES_MAX}")));
    }
    Ok(queues.max(1) as usize)
}

/// The value of an enum. What a later contract calls so is not guessed.
fn known<E: TryFrom<i32>>(field: &str, value: i32) -> Result<E, Failure> {
    E::try_from(value).map_err(|_| Failure::unsupported(field, format!("{value} is no value that is known here")))
}

fn ports(first: u32, last: u32) -> Result<RangeInclusive<u16>, Failure> {
    let range = port(first)?..=port(last)?;
    if range.is_empty() {
        return Err(Failure::bad(format!("ports {first} to {last} are none")));
    }
    Ok(range)
}

/// A port.
pub fn port(port: u32) -> Result<u16, Failure> {
    u16::try_from(port).map_err(|_| Failure::bad(format!("there is no port {port}")))
}

fn secret_key(bytes: &mut Vec<u8>) -> Result<SecretKey, Failure> {
    let bytes = Zeroizing::new(std::mem::take(bytes));
    let key = bytes.as_slice().try_into().map_err(|_| Failure::bad("a key is 32 bytes"))?;
    Ok(Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install() -> wire::InstallSession {
        wire::InstallSession {
            local_index: 1,
            cipher: 1,
            send_key: vec![1; 32],
            receive_key: vec![2; 32],
            ..Default::default()
        }
    }

    #[test]
    fn a_session_needs_a_cipher_two_whole_keys_and_real_addresses() {
        assert!(installation(install()).is_ok());
        assert!(installation(wire::InstallSession { cipher: 0, ..install() }).is_err());
        assert!(installation(wire::InstallSession { cipher: 9, ..install() }).is_err());
        assert!(installation(wire::InstallSession { send_key: vec![1; 31], ..install() }).is_err());
        assert!(installation(wire::InstallSession { receive_key: vec![1; 33], ..install() }).is_err());
        assert!(installation(wire::InstallSession { peer_addresses: vec![vec![1; 5]], ..install() }).is_err());
        let way = Some(Way::Direct(wire::Endpoint { address: vec![1; 4], port: 65_536 }));
        let path = Some(wire::Path { way });
        assert!(installation(wire::InstallSession { path, ..install() }).is_err());
    }

    #[test]
    fn a_rule_needs_a_protocol_and_ports_in_order() {
        let rule = |protocol, port_first, port_last| {
            self::rule(&wire::PolicyRule { protocol, port_first, port_last, ..Default::default() })
        };
        assert!(rule(1, 0, 65_535).is_ok());
        assert!(rule(0, 0, 65_535).is_err());
        assert!(rule(2, 2, 1).is_err());
        assert!(rule(2, 0, 65_536).is_err());
    }

    #[test]
    fn only_a_rule_of_icmp_has_types_and_only_those_that_exist() {
        let rule = |protocol, icmp_types: Vec<u32>| {
            self::rule(&wire::PolicyRule { protocol, port_last: 65_535, icmp_types, ..Default::default() })
        };
        assert_eq!(rule(4, vec![8, 511]).unwrap().icmp_types, [8, 511]);
        assert!(rule(4, vec![512]).is_err() && rule(4, vec![1 << 20]).is_err());
        assert!(rule(1, vec![8]).is_err() && rule(2, vec![8]).is_err());
        assert!(rule(4, vec![8; 64]).is_ok() && rule(4, vec![8; 65]).is_err());
    }

    #[test]
    fn a_prefix_has_no_more_bits_than_its_address() {
        assert!(prefix(&wire::Prefix { address: vec![10, 0, 0, 1], bits: 32 }).is_ok());
        assert!(prefix(&wire::Prefix { address: vec![10, 0, 0, 1], bits: 33 }).is_err());
    }

    #[test]
    fn there_are_one_to_64_queues() {
        assert_eq!([0, 1, 2, 64].map(|wanted| queues(wanted).unwrap()), [1, 1, 2, 64]);
        assert!(queues(65).is_err());
    }

    #[test]
    fn what_is_not_known_or_cannot_be_done_is_refused_by_name() {
        let rule = |protocol| wire::PolicyRule { protocol, port_last: 65_535, ..Default::default() };
        let refused =
            |failure: Failure| (failure.code, failure.message.split(':').next().unwrap_or_default().to_owned());
        let program = |change: fn(&mut wire::PolicyProgram)| {
            let mut piece = wire::PolicyProgram::default();
            change(&mut piece);
            refused(self::program(piece).unwrap_err())
        };
        let unsupported = |field: &str| ("unsupported", field.to_owned());
        assert_eq!(program(|piece| piece.refuse_inbound = 3), unsupported("refuse_inbound"));
        assert_eq!(program(|piece| piece.refuse_outbound = 3), unsupported("refuse_outbound"));
        assert_eq!(refused(self::rule(&rule(5)).unwrap_err()), unsupported("protocol"));
        assert_eq!(refused(path(&wire::Path { way: None }).unwrap_err()), unsupported("path.way"));
        assert_eq!(refused(relay(&wire::SetRelay::default()).unwrap_err()), unsupported("set_relay.role"));
        let cipher = installation(wire::InstallSession { cipher: 9, ..install() });
        assert_eq!(cipher.err().map(refused), Some(unsupported("cipher")));
        let facts = host_facts(&wire::Configure { send_recv_error: 4, ..Default::default() });
        assert_eq!(refused(facts.unwrap_err()), unsupported("send_recv_error"));
        let prefix = Some(wire::Prefix { address: vec![10, 0, 0, 0], bits: 8 });
        assert_eq!(refused(route(wire::Route { prefix, target: None }).unwrap_err()), unsupported("route.target"));
    }
}
