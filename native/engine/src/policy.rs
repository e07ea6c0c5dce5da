//! What a class of peers may do: programs of allow rules that the control plane has already reduced to one certificate class.

use std::ops::RangeInclusive;

use crate::ip::Prefix;
use crate::packet::{Direction, ICMP, ICMPV6, TCP, Tuple, UDP};

const EVERY_PORT: RangeInclusive<u16> = 0..=u16::MAX;

/// The protocols a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RuleProtocol {
    Any,
    Tcp,
    Udp,
    /// ICMP and ICMPv6.
    Icmp,
}

/// How a packet is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefusalAction {
    /// Without a word.
    #[default]
    Drop,
    /// With an answer that says so.
    Reject,
}

/// The rule that allows something. Its direction is that of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct AllowedBy {
    pub policy_id: u32,
    pub rule_id: u32,
}

/// One allow rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What the control plane knows it by.
    pub rule_id: u32,
    /// Which protocols.
    pub protocol: RuleProtocol,
    /// The local port inbound, the remote port outbound.
    pub ports: RangeInclusive<u16>,
    /// Where the remote address must lie; empty = anywhere.
    pub remote: Vec<Prefix>,
    /// Where the local address must lie; empty = anywhere.
    pub local: Vec<Prefix>,
    /// It means only parts behind the first of which the first is not known.
    pub is_for_rests: bool,
    /// Of an ICMP rule, the messages that it means, as [`Tuple::icmp_message`] numbers them; empty = all.
    pub icmp_types: Vec<u16>,
}

/// The rules of one class of peers, and how is refused what none of them allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// For flows that the peer starts.
    pub inbound: Vec<Rule>,
    /// For flows that this host starts.
    pub outbound: Vec<Rule>,
    /// How the peer's packets are refused.
    pub refuse_inbound: RefusalAction,
    /// How this host's packets are refused.
    pub refuse_outbound: RefusalAction,
}

impl Rule {
    /// Whether the rule, one for this direction, allows a packet.
    pub fn matches(&self, tuple: &Tuple, direction: Direction) -> bool {
        self.fits(tuple, tuple.service_port(direction))
            && (self.icmp_types.is_empty() || self.names(tuple.icmp_message(direction)))
            && lies_in(&self.remote, tuple.remote_address)
            && lies_in(&self.local, tuple.local_address)
    }

    fn names(&self, message: Option<u16>) -> bool {
        message.is_some_and(|message| self.icmp_types.contains(&message))
    }

    fn fits(&self, tuple: &Tuple, port: u16) -> bool {
        if tuple.is_rest {
            return self.has_protocol(tuple.protocol) && self.means_rests_of(tuple.protocol);
        }
        let protocol = tuple.protocol;
        let is_icmp = matches!(protocol, ICMP | ICMPV6);
        !self.is_for_rests
            && self.has_protocol(protocol)
            && match self.protocol {
                RuleProtocol::Icmp => true,
                // What stands in the port field of an echo is an identifier: no port rule can mean it.
                RuleProtocol::Any if is_icmp => self.ports == EVERY_PORT,
                _ => self.ports.contains(&port),
            }
    }

    fn has_protocol(&self, protocol: u8) -> bool {
        match self.protocol {
            RuleProtocol::Any => true,
            RuleProtocol::Tcp => protocol == TCP,
            RuleProtocol::Udp => protocol == UDP,
            RuleProtocol::Icmp => matches!(protocol, ICMP | ICMPV6),
        }
    }

    /// Whether it looks at no port. As in Nebula one that means parts only means none of ICMP, unless it is about ICMP.
    fn means_rests_of(&self, protocol: u8) -> bool {
        match protocol {
            ICMP | ICMPV6 if self.protocol == RuleProtocol::Icmp => true,
            ICMP | ICMPV6 => !self.is_for_rests && self.ports == EVERY_PORT,
            _ => self.is_for_rests || self.ports == EVERY_PORT,
        }
    }
}

/// An empty list is everywhere.
fn lies_in(prefixes: &[Prefix], address: std::net::IpAddr) -> bool {
    prefixes.is_empty() || prefixes.iter().any(|prefix| prefix.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(protocol: RuleProtocol, ports: RangeInclusive<u16>) -> Rule {
        Rule { rule_id: 0, protocol, ports, remote: vec![], local: vec![], is_for_rests: false, icmp_types: vec![] }
    }

    fn allows(rule: &Rule, protocol: u8, port: u16) -> bool {
        let tuple = Tuple {
            local_address: "10.0.0.1".parse().unwrap(),
            remote_address: "10.0.0.2".parse().unwrap(),
            local_port: 1,
            remote_port: port,
            protocol,
            icmp_in: 0,
            is_rest: false,
        };
        rule.matches(&tuple, Direction::Outbound)
    }

    #[test]
    fn a_rule_is_about_its_protocol_and_ports() {
        assert!(allows(&rule(RuleProtocol::Tcp, 22..=22), TCP, 22));
        assert!(!allows(&rule(RuleProtocol::Tcp, 22..=22), TCP, 23));
        assert!(!allows(&rule(RuleProtocol::Tcp, 0..=65_535), UDP, 22));
        assert!(allows(&rule(RuleProtocol::Any, 20..=30), UDP, 30));
        assert!(allows(&rule(RuleProtocol::Any, 0..=0), 47, 0));
    }

    #[test]
    fn icmp_ignores_ports_and_matches_an_any_rule_only_when_that_means_every_port() {
        assert!(allows(&rule(RuleProtocol::Icmp, 22..=22), ICMP, 9));
        assert!(!allows(&rule(RuleProtocol::Icmp, 0..=65_535), TCP, 9));
        assert!(allows(&rule(RuleProtocol::Any, 0..=65_535), ICMPV6, 9));
        assert!(!allows(&rule(RuleProtocol::Any, 0..=100), ICMP, 9));
    }

    #[test]
    fn both_addresses_must_lie_in_one_of_their_prefixes() {
        let list = |prefixes: &[&str]| prefixes.iter().map(|p| Prefix::new(p.parse().unwrap(), 31).unwrap()).collect();
        let any = rule(RuleProtocol::Any, EVERY_PORT);
        let within = |remote: &[&str], local: &[&str]| {
            allows(&Rule { remote: list(remote), local: list(local), ..any.clone() }, UDP, 1)
        };
        assert!(within(&["10.0.0.2"], &[]) && within(&["10.0.0.4", "10.0.0.3"], &[]));
        assert!(!within(&["10.0.0.4"], &[]));
        assert!(within(&[], &["10.0.0.0"]) && within(&["10.0.0.2"], &["10.0.0.0"]));
        assert!(!within(&["10.0.0.2"], &["10.0.0.2"]));
    }

    #[test]
    fn icmp_types_mean_the_message_that_opens_the_flow() {
        let echo_request = Rule { icmp_types: vec![8, 256 + 128], ..rule(RuleProtocol::Icmp, EVERY_PORT) };
        let tuple = |local_address: &str, protocol, icmp_in| Tuple {
            local_address: local_address.parse().unwrap(),
            remote_address: local_address.parse().unwrap(),
            local_port: 0,
            remote_port: 1,
            protocol,
            icmp_in,
            is_rest: false,
        };
        let (v4, v6) = ("10.0.0.1", "fd00::1");
        let inbound = |tuple| echo_request.matches(&tuple, Direction::Inbound);
        let outbound = |tuple| echo_request.matches(&tuple, Direction::Outbound);
        assert!(inbound(tuple(v4, ICMP, 8)) && inbound(tuple(v6, ICMPV6, 128)));
        assert!(!inbound(tuple(v4, ICMP, 0)) && !inbound(tuple(v6, ICMPV6, 8)) && !inbound(tuple(v4, ICMP, 128)));
        // What lets an echo reply in was opened by a request.
        assert!(outbound(tuple(v4, ICMP, 0)) && outbound(tuple(v6, ICMPV6, 129)) && !outbound(tuple(v4, ICMP, 8)));
        // Another IP version's ICMP is none.
        assert!(!inbound(tuple(v6, ICMP, 8)) && !inbound(tuple(v4, ICMPV6, 128)));
    }
}
