//! What a class of peers may do: programs of allow rules that the control plane has already reduced to one certificate class.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::ip::Prefix;
use crate::packet::{Direction, ICMP, ICMPV6, TCP, Tuple, UDP};

/// Programs known at one time.
pub const POLICIES_MAX: usize = 4_096;

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

/// One allow rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which protocols.
    pub protocol: RuleProtocol,
    /// The local port inbound, the remote port outbound.
    pub ports: RangeInclusive<u16>,
    /// Where the remote address must lie; empty = anywhere.
    pub remote: Vec<Prefix>,
}

/// The rules of one class of peers. Without rules nothing is allowed.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// For flows that the peer starts.
    pub inbound: Vec<Rule>,
    /// For flows that this host starts.
    pub outbound: Vec<Rule>,
}

impl Program {
    /// Whether some rule of the direction matches.
    pub fn allows(&self, direction: Direction, tuple: &Tuple) -> bool {
        let (rules, port) = match direction {
            Direction::Inbound => (&self.inbound, tuple.local_port),
            Direction::Outbound => (&self.outbound, tuple.remote_port),
        };
        rules.iter().any(|rule| rule.matches(tuple, port))
    }
}

impl Rule {
    fn matches(&self, tuple: &Tuple, port: u16) -> bool {
        let is_icmp = matches!(tuple.protocol, ICMP | ICMPV6);
        let fits = match self.protocol {
            RuleProtocol::Icmp => is_icmp,
            // What stands in the port field of an echo is an identifier: no port rule can mean it.
            RuleProtocol::Any if is_icmp => self.ports == EVERY_PORT,
            RuleProtocol::Any => self.ports.contains(&port),
            RuleProtocol::Tcp => tuple.protocol == TCP && self.ports.contains(&port),
            RuleProtocol::Udp => tuple.protocol == UDP && self.ports.contains(&port),
        };
        fits && (self.remote.is_empty() || self.remote.iter().any(|prefix| prefix.contains(tuple.remote_address)))
    }
}

/// The programs by id.
#[derive(Default)]
pub struct PolicyTable {
    programs: HashMap<u32, Arc<Program>>,
}

impl PolicyTable {
    /// The program of an id.
    pub fn get(&self, policy_id: u32) -> Option<&Arc<Program>> {
        self.programs.get(&policy_id)
    }

    /// The table with `added` in it and without what is neither in use nor added. `None` when that would be more than
    /// [`POLICIES_MAX`].
    pub fn with(&self, added: Vec<(u32, Program)>, in_use: &HashSet<u32>) -> Option<Self> {
        let kept = self.programs.iter().filter(|(policy_id, _)| in_use.contains(policy_id));
        let mut programs: HashMap<_, _> = kept.map(|(policy_id, program)| (*policy_id, Arc::clone(program))).collect();
        programs.extend(added.into_iter().map(|(policy_id, program)| (policy_id, Arc::new(program))));
        (programs.len() <= POLICIES_MAX).then_some(Self { programs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(protocol: RuleProtocol, ports: RangeInclusive<u16>) -> Rule {
        Rule { protocol, ports, remote: vec![] }
    }

    fn allowed(rule: Rule, protocol: u8, local_port: u16, remote_port: u16) -> (bool, bool) {
        let tuple = Tuple {
            local_address: "10.0.0.1".parse().unwrap(),
            remote_address: "10.0.0.2".parse().unwrap(),
            local_port,
            remote_port,
            protocol,
        };
        let program = Program { inbound: vec![rule.clone()], outbound: vec![rule] };
        (program.allows(Direction::Inbound, &tuple), program.allows(Direction::Outbound, &tuple))
    }

    #[test]
    fn without_rules_nothing_is_allowed() {
        let tuple = Tuple {
            local_address: "10.0.0.1".parse().unwrap(),
            remote_address: "10.0.0.2".parse().unwrap(),
            local_port: 1,
            remote_port: 1,
            protocol: TCP,
        };
        assert!(!Program::default().allows(Direction::Inbound, &tuple));
    }

    #[test]
    fn the_port_is_ours_inbound_and_theirs_outbound() {
        assert_eq!(allowed(rule(RuleProtocol::Tcp, 22..=22), TCP, 22, 5_000), (true, false));
        assert_eq!(allowed(rule(RuleProtocol::Tcp, 22..=22), TCP, 5_000, 22), (false, true));
        assert_eq!(allowed(rule(RuleProtocol::Tcp, 0..=65_535), UDP, 22, 22), (false, false));
        assert_eq!(allowed(rule(RuleProtocol::Any, 20..=30), UDP, 30, 31), (true, false));
        assert_eq!(allowed(rule(RuleProtocol::Any, 0..=0), 47, 0, 0), (true, true));
    }

    #[test]
    fn icmp_ignores_ports_and_matches_an_any_rule_only_when_that_means_every_port() {
        assert_eq!(allowed(rule(RuleProtocol::Icmp, 22..=22), ICMP, 0, 9), (true, true));
        assert_eq!(allowed(rule(RuleProtocol::Icmp, 0..=65_535), TCP, 0, 9), (false, false));
        assert_eq!(allowed(rule(RuleProtocol::Any, 0..=65_535), ICMPV6, 0, 9), (true, true));
        assert_eq!(allowed(rule(RuleProtocol::Any, 0..=100), ICMP, 0, 9), (false, false));
    }

    #[test]
    fn the_remote_address_must_lie_in_one_of_the_prefixes() {
        let within = |prefixes: &[&str]| {
            let remote = prefixes.iter().map(|p| Prefix::new(p.parse().unwrap(), 31).unwrap()).collect();
            allowed(Rule { protocol: RuleProtocol::Any, ports: EVERY_PORT, remote }, UDP, 1, 1)
        };
        assert_eq!(within(&["10.0.0.2"]), (true, true));
        assert_eq!(within(&["10.0.0.4"]), (false, false));
        assert_eq!(within(&["10.0.0.4", "10.0.0.3"]), (true, true));
    }

    #[test]
    fn the_table_keeps_what_is_used_or_new_and_refuses_more_than_it_holds() {
        let table = PolicyTable::default()
            .with(vec![(1, Program::default()), (2, Program::default())], &HashSet::new())
            .unwrap();
        let table = table.with(vec![(3, Program::default())], &HashSet::from([2])).unwrap();
        assert!(table.get(1).is_none() && table.get(2).is_some() && table.get(3).is_some());
        let many = (0..4_096).map(|id| (id + 10, Program::default())).collect();
        assert!(table.with(many, &HashSet::from([2])).is_none());
    }
}
