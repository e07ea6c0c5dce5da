//! The rules of one direction, made ready to be asked: found by port, counted by rule.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::packet::{Direction, ICMP, ICMPV6, Tuple};
use crate::policy::{AllowedBy, Rule, RuleProtocol};
use crate::rule_tally::{RuleTally, RuleTotals};

/// Ports of a rule up to which it is found by port: more would cost memory for every rule.
const PORTS_INDEXED_MAX: usize = 16;

/// Rules and what they have allowed. The first one that matches decides.
pub struct Rules {
    rules: Vec<Checked>,
    /// Rules about few ports, by each of them. These lists and the other one ascend.
    by_port: HashMap<u16, Vec<u32>>,
    /// All others.
    by_order: Vec<u32>,
    /// In the order of the ids.
    tallies: Vec<Arc<RuleTally>>,
}

struct Checked {
    rule: Rule,
    tally: Arc<RuleTally>,
}

impl Rules {
    /// Rules of a program in the order in which they are asked.
    pub fn new(policy_id: u32, rules: Vec<Rule>) -> Self {
        let mut tallies = BTreeMap::<u32, Arc<RuleTally>>::new();
        let (mut by_port, mut by_order) = (HashMap::<u16, Vec<u32>>::new(), vec![]);
        for (rule, at) in rules.iter().zip(0..) {
            // A rule about ICMP or about parts without ports means none, whatever stands there.
            let has_ports = rule.protocol != RuleProtocol::Icmp && !rule.is_for_rests;
            let is_narrow = rule.ports.len() <= PORTS_INDEXED_MAX && has_ports;
            match is_narrow {
                true => rule.ports.clone().for_each(|port| by_port.entry(port).or_default().push(at)),
                false => by_order.push(at),
            }
        }
        let mut checked = |rule: Rule| {
            let by = AllowedBy { policy_id, rule_id: rule.rule_id };
            let tally = tallies.entry(rule.rule_id).or_insert_with(|| Arc::new(RuleTally::new(by)));
            Checked { tally: Arc::clone(tally), rule }
        };
        let rules = rules.into_iter().map(&mut checked).collect();
        Self { rules, by_port, by_order, tallies: tallies.into_values().collect() }
    }

    /// Whether these are the rules it was made of.
    pub fn are(&self, rules: &[Rule]) -> bool {
        self.all().eq(rules)
    }

    /// The rules it was made of.
    pub fn all(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|checked| &checked.rule)
    }

    /// What the first rule that allows a packet has allowed.
    pub fn find(&self, tuple: &Tuple, direction: Direction) -> Option<&Arc<RuleTally>> {
        let is_icmp = matches!(tuple.protocol, ICMP | ICMPV6);
        let port = tuple.service_port(direction);
        let of_port = self.by_port.get(&port).filter(|_| !is_icmp).map_or(&[][..], Vec::as_slice);
        let first = self.first(of_port, tuple, direction, u32::MAX);
        let limit = first.map_or(u32::MAX, |(at, _)| at);
        let (_, found) = self.first(&self.by_order, tuple, direction, limit).or(first)?;
        Some(&found.tally)
    }

    fn first(&self, among: &[u32], tuple: &Tuple, direction: Direction, before: u32) -> Option<(u32, &Checked)> {
        let earlier = among.iter().take_while(|at| **at < before);
        let mut checked = earlier.filter_map(|at| Some((*at, self.rules.get(*at as usize)?)));
        checked.find(|(_, checked)| checked.rule.matches(tuple, direction))
    }

    /// Whether [`Self::take_counts`] has anything to tell.
    pub fn has_news(&self) -> bool {
        self.tallies.iter().any(|tally| tally.has_news())
    }

    /// Ids and totals that have changed since they were told of, as far as they are taken.
    pub fn take_counts(&self) -> impl Iterator<Item = (u32, RuleTotals)> + '_ {
        self.tallies.iter().filter_map(|tally| Some((tally.by.rule_id, tally.take()?)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(rule_id: u32, protocol: RuleProtocol, first: u16, last: u16) -> Rule {
        Rule {
            rule_id,
            protocol,
            ports: first..=last,
            remote: vec![],
            local: vec![],
            is_for_rests: false,
            icmp_types: vec![],
        }
    }

    fn tuple(protocol: u8, remote_port: u16) -> Tuple {
        Tuple {
            local_address: "10.0.0.1".parse().unwrap(),
            remote_address: "10.0.0.2".parse().unwrap(),
            local_port: 1,
            remote_port,
            protocol,
            icmp_in: 0,
            is_rest: false,
        }
    }

    #[test]
    fn rules_of_one_id_share_a_counter_that_is_told_when_it_has_changed() {
        let rules = Rules::new(
            1,
            vec![rule(7, RuleProtocol::Tcp, 1, 1), rule(3, RuleProtocol::Udp, 2, 2), rule(7, RuleProtocol::Udp, 0, 9)],
        );
        let open = |protocol, port| {
            if let Some(tally) = rules.find(&tuple(protocol, port), Direction::Outbound) {
                tally.opened();
                tally.passed(2, 100);
            }
        };
        for (protocol, port) in [(6, 1), (17, 1), (17, 2), (6, 9)] {
            open(protocol, port);
        }
        let totals = |flows| RuleTotals { flows, packets: 2 * flows, bytes: 100 * flows };
        assert!(rules.has_news());
        assert_eq!(rules.take_counts().collect::<Vec<_>>(), [(3, totals(1)), (7, totals(2))]);
        assert_eq!((rules.take_counts().count(), rules.has_news()), (0, false));
        open(6, 1);
        assert_eq!(rules.take_counts().collect::<Vec<_>>(), [(7, totals(3))]);
        rules.find(&tuple(6, 1), Direction::Outbound).unwrap().passed(1, 9);
        assert_eq!(rules.take_counts().collect::<Vec<_>>(), [(7, RuleTotals { flows: 3, packets: 7, bytes: 309 })]);
    }

    proptest! {
        #[test]
        fn the_first_rule_in_order_is_found(drawn in prop::collection::vec((0u8..4, 0u16..6, 0u16..3), 0..40), protocol in prop::sample::select(vec![1u8, 6, 17, 47]), port in 0u16..8) {
            let protocols = [RuleProtocol::Any, RuleProtocol::Tcp, RuleProtocol::Udp, RuleProtocol::Icmp];
            let last = |first: u16, width| if width == 2 { u16::MAX } else { first + width };
            let rules: Vec<Rule> = drawn
                .into_iter()
                .zip(0..)
                .map(|((kind, first, width), id)| rule(id, protocols[usize::from(kind)], if width == 2 { 0 } else { first }, last(first, width)))
                .collect();
            let tuple = tuple(protocol, port);
            let naive = rules.iter().find(|rule| rule.matches(&tuple, Direction::Outbound)).map(|rule| rule.rule_id);
            prop_assert_eq!(Rules::new(1, rules).find(&tuple, Direction::Outbound).map(|tally| tally.by.rule_id), naive);
        }
    }
}
