//! The rules of one direction, made ready to be asked: found by port, counted by rule.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::packet::{ICMP, ICMPV6, Tuple};
use crate::policy::{Rule, RuleProtocol};

/// Ports of a rule up to which it is found by port: more would cost memory for every rule.
const PORTS_INDEXED_MAX: usize = 16;

/// Rules and what they have allowed. The first one that matches decides.
pub struct Rules {
    rules: Vec<Checked>,
    /// Rules about few ports, by each of them. These lists and the other one ascend.
    by_port: HashMap<u16, Vec<u32>>,
    /// All others.
    by_order: Vec<u32>,
    counters: Vec<Counter>,
}

struct Checked {
    rule: Rule,
    counter: usize,
}

/// What rules with one id have allowed.
struct Counter {
    rule_id: u32,
    flows: AtomicU64,
    told: AtomicU64,
}

impl Rules {
    /// Rules in the order in which they are asked.
    pub fn new(rules: Vec<Rule>) -> Self {
        // In the order of the ids, for whoever reads them.
        let mut numbers: BTreeMap<u32, usize> = rules.iter().map(|rule| (rule.rule_id, 0)).collect();
        for (number, place) in numbers.values_mut().enumerate() {
            *place = number;
        }
        let counter = |rule_id: &u32| Counter { rule_id: *rule_id, flows: AtomicU64::new(0), told: AtomicU64::new(0) };
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
        let counters = numbers.keys().map(counter).collect();
        let checked = |rule: Rule| Checked { counter: numbers.get(&rule.rule_id).copied().unwrap_or(0), rule };
        Self { rules: rules.into_iter().map(checked).collect(), by_port, by_order, counters }
    }

    /// Whether these are the rules it was made of.
    pub fn are(&self, rules: &[Rule]) -> bool {
        self.rules.iter().map(|checked| &checked.rule).eq(rules)
    }

    /// The id of the first rule that allows a packet, which is counted if it opens a flow.
    pub fn find(&self, tuple: &Tuple, port: u16, opens: bool) -> Option<u32> {
        let is_icmp = matches!(tuple.protocol, ICMP | ICMPV6);
        let of_port = self.by_port.get(&port).filter(|_| !is_icmp).map_or(&[][..], Vec::as_slice);
        let first = self.first(of_port, tuple, port, u32::MAX);
        let limit = first.map_or(u32::MAX, |(at, _)| at);
        let (_, found) = self.first(&self.by_order, tuple, port, limit).or(first)?;
        if opens && let Some(counter) = self.counters.get(found.counter) {
            counter.flows.fetch_add(1, Ordering::Relaxed);
        }
        Some(found.rule.rule_id)
    }

    fn first(&self, among: &[u32], tuple: &Tuple, port: u16, before: u32) -> Option<(u32, &Checked)> {
        let earlier = among.iter().take_while(|at| **at < before);
        let mut checked = earlier.filter_map(|at| Some((*at, self.rules.get(*at as usize)?)));
        checked.find(|(_, checked)| checked.rule.matches(tuple, port))
    }

    /// Whether [`Self::take_counts`] has anything to tell.
    pub fn has_news(&self) -> bool {
        self.counters
            .iter()
            .any(|counter| counter.flows.load(Ordering::Relaxed) != counter.told.load(Ordering::Relaxed))
    }

    /// Ids and totals that have changed since they were told of, as far as they are taken.
    pub fn take_counts(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.counters.iter().filter_map(|counter| {
            let flows = counter.flows.load(Ordering::Relaxed);
            (counter.told.swap(flows, Ordering::Relaxed) != flows).then_some((counter.rule_id, flows))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(rule_id: u32, protocol: RuleProtocol, first: u16, last: u16) -> Rule {
        Rule { rule_id, protocol, ports: first..=last, remote: vec![], local: vec![], is_for_rests: false }
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
        let rules = Rules::new(vec![
            rule(7, RuleProtocol::Tcp, 1, 1),
            rule(3, RuleProtocol::Udp, 2, 2),
            rule(7, RuleProtocol::Udp, 0, 9),
        ]);
        for (protocol, port, opens) in [(6, 1, true), (17, 1, true), (17, 2, true), (17, 2, false), (6, 9, true)] {
            rules.find(&tuple(protocol, port), port, opens);
        }
        assert_eq!(rules.take_counts().collect::<Vec<_>>(), [(3, 1), (7, 2)]);
        assert_eq!(rules.take_counts().count(), 0);
        rules.find(&tuple(6, 1), 1, true);
        assert_eq!(rules.take_counts().collect::<Vec<_>>(), [(7, 3)]);
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
            let naive = rules.iter().find(|rule| rule.matches(&tuple, port)).map(|rule| rule.rule_id);
            prop_assert_eq!(Rules::new(rules).find(&tuple, port, false), naive);
        }
    }
}
