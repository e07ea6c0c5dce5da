//! The programs that are in force, by the id that the control plane gave them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::packet::{Direction, Tuple};
use crate::policy::{Program, RefusalAction};
use crate::rule_tally::{RuleTally, RuleTotals};
use crate::rules::Rules;

/// Programs known at one time.
pub const POLICIES_MAX: usize = 4_096;
/// Rules of all of them together.
pub const RULES_MAX: usize = 262_144;

/// Why a program is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// For a new flow: the rule that allows it counts it.
    ToOpen,
    /// For a flow that another program or epoch has allowed.
    Again,
}

/// What a program says about a packet.
#[derive(Debug)]
pub enum Verdict {
    /// It may pass, by the rule whose tally this is; what passes is counted there.
    Allowed(Arc<RuleTally>),
    /// No rule allows it.
    Refused(RefusalAction),
}

/// What a rule has allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RuleCount {
    pub policy_id: u32,
    pub direction: Direction,
    pub rule_id: u32,
    pub totals: RuleTotals,
}

/// The programs by id.
#[derive(Default)]
pub struct PolicyTable {
    programs: BTreeMap<u32, Arc<InForce>>,
}

struct InForce {
    inbound: Rules,
    outbound: Rules,
    refuse_inbound: RefusalAction,
    refuse_outbound: RefusalAction,
    rule_count: usize,
}

impl PolicyTable {
    /// Whether there is a program of this id.
    pub fn has(&self, policy_id: u32) -> bool {
        self.programs.contains_key(&policy_id)
    }

    /// What the program of an id says about a packet that opens, or has opened, a flow in `direction`.
    pub fn judge(&self, policy_id: u32, direction: Direction, tuple: &Tuple, asked: Asked) -> Verdict {
        let Some(program) = self.programs.get(&policy_id) else {
            return Verdict::Refused(RefusalAction::Drop);
        };
        let (rules, action) = match direction {
            Direction::Inbound => (&program.inbound, program.refuse_inbound),
            Direction::Outbound => (&program.outbound, program.refuse_outbound),
        };
        let Some(tally) = rules.find(tuple, direction) else { return Verdict::Refused(action) };
        if asked == Asked::ToOpen {
            tally.opened();
        }
        Verdict::Allowed(Arc::clone(tally))
    }

    /// The table with `added` in it and, when `in_use` is said, without what is neither in use nor added. A program that is the same
    /// as before goes on counting. `None` when that would be more than [`POLICIES_MAX`], or more than [`RULES_MAX`] rules.
    pub fn with(&self, added: Vec<(u32, Program)>, in_use: Option<&HashSet<u32>>) -> Option<Self> {
        let is_kept = |policy_id: &u32| in_use.is_none_or(|in_use| in_use.contains(policy_id));
        let kept = self.programs.iter().filter(|(policy_id, _)| is_kept(policy_id));
        let mut programs: BTreeMap<_, _> = kept.map(|(policy_id, program)| (*policy_id, Arc::clone(program))).collect();
        for (policy_id, program) in added {
            let same = self.programs.get(&policy_id).filter(|held| held.is(&program)).cloned();
            programs.insert(policy_id, same.unwrap_or_else(|| Arc::new(InForce::new(policy_id, program))));
        }
        let rules: usize = programs.values().map(|program| program.rule_count).sum();
        (programs.len() <= POLICIES_MAX && rules <= RULES_MAX).then_some(Self { programs })
    }

    /// The programs in force, by id.
    pub fn programs(&self) -> impl Iterator<Item = (u32, Program)> + '_ {
        self.programs.iter().map(|(policy_id, held)| (*policy_id, held.program()))
    }

    /// At most `limit` rules that have allowed something since they were told of, by ascending id of program, direction (inbound
    /// first) and rule; and whether there may be more.
    pub fn take_counts(&self, limit: usize) -> (Vec<RuleCount>, bool) {
        let directions = self.programs.iter().flat_map(|(policy_id, held)| {
            [(*policy_id, Direction::Inbound, &held.inbound), (*policy_id, Direction::Outbound, &held.outbound)]
        });
        let counts = directions.clone().flat_map(|(policy_id, direction, rules)| {
            rules.take_counts().map(move |(rule_id, totals)| RuleCount { policy_id, direction, rule_id, totals })
        });
        let counts: Vec<RuleCount> = counts.take(limit).collect();
        let more = counts.len() == limit && directions.into_iter().any(|(_, _, rules)| rules.has_news());
        (counts, more)
    }
}

impl InForce {
    fn new(policy_id: u32, program: Program) -> Self {
        Self {
            rule_count: program.inbound.len() + program.outbound.len(),
            inbound: Rules::new(policy_id, program.inbound),
            outbound: Rules::new(policy_id, program.outbound),
            refuse_inbound: program.refuse_inbound,
            refuse_outbound: program.refuse_outbound,
        }
    }

    fn program(&self) -> Program {
        Program {
            inbound: self.inbound.all().cloned().collect(),
            outbound: self.outbound.all().cloned().collect(),
            refuse_inbound: self.refuse_inbound,
            refuse_outbound: self.refuse_outbound,
        }
    }

    fn is(&self, program: &Program) -> bool {
        self.inbound.are(&program.inbound)
            && self.outbound.are(&program.outbound)
            && (self.refuse_inbound, self.refuse_outbound) == (program.refuse_inbound, program.refuse_outbound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::TCP;
    use crate::policy::{AllowedBy, Rule, RuleProtocol};

    fn program(rule_id: u32) -> Program {
        let rule = Rule {
            rule_id,
            protocol: RuleProtocol::Tcp,
            ports: 22..=22,
            remote: vec![],
            local: vec![],
            is_for_rests: false,
            icmp_types: vec![],
        };
        Program { inbound: vec![rule.clone()], outbound: vec![rule], ..Program::default() }
    }

    fn table(added: Vec<(u32, Program)>) -> PolicyTable {
        PolicyTable::default().with(added, None).unwrap()
    }

    fn judge(
        table: &PolicyTable,
        direction: Direction,
        local_port: u16,
        remote_port: u16,
        asked: Asked,
    ) -> Result<AllowedBy, RefusalAction> {
        let (local_address, remote_address) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let tuple =
            Tuple { local_address, remote_address, local_port, remote_port, protocol: TCP, icmp_in: 0, is_rest: false };
        match table.judge(1, direction, &tuple, asked) {
            Verdict::Allowed(tally) => Ok(tally.by),
            Verdict::Refused(action) => Err(action),
        }
    }

    #[test]
    fn without_rules_nothing_is_allowed() {
        let refused = Err(RefusalAction::Drop);
        assert_eq!(judge(&table(vec![(1, Program::default())]), Direction::Inbound, 1, 1, Asked::ToOpen), refused);
        assert_eq!(judge(&table(vec![]), Direction::Inbound, 1, 1, Asked::ToOpen), refused);
    }

    #[test]
    fn the_port_is_ours_inbound_and_theirs_outbound() {
        let table = table(vec![(1, program(5))]);
        let allowed = Ok(AllowedBy { policy_id: 1, rule_id: 5 });
        let refused = Err(RefusalAction::Drop);
        assert_eq!(judge(&table, Direction::Inbound, 22, 5_000, Asked::Again), allowed);
        assert_eq!(judge(&table, Direction::Outbound, 22, 5_000, Asked::Again), refused);
        assert_eq!(judge(&table, Direction::Outbound, 5_000, 22, Asked::Again), allowed);
    }

    #[test]
    fn the_rules_of_all_programs_together_are_bounded() {
        let one = program(1).inbound.remove(0);
        let program = |rules: usize| Program { inbound: vec![one.clone(); rules], ..Program::default() };
        let table = PolicyTable::default().with(vec![(1, program(RULES_MAX))], None).unwrap();
        assert!(table.with(vec![(2, program(1))], None).is_none());
        assert!(table.with(vec![(1, program(1)), (2, program(1))], None).is_some());
        assert!(table.with(vec![(2, program(1))], Some(&HashSet::new())).is_some());
    }

    #[test]
    fn the_table_keeps_what_is_used_or_new_and_refuses_more_than_it_holds() {
        let table = table(vec![(1, Program::default()), (2, Program::default())]);
        let table = table.with(vec![(3, Program::default())], None).unwrap();
        assert!(table.has(1) && table.has(2) && table.has(3));
        let table = table.with(vec![(4, Program::default())], Some(&HashSet::from([2]))).unwrap();
        assert!(!table.has(1) && table.has(2) && !table.has(3) && table.has(4));
        let many = (0..4_096).map(|id| (id + 10, Program::default())).collect();
        assert!(table.with(many, Some(&HashSet::from([2]))).is_none());
    }

    #[test]
    fn a_rule_counts_the_flows_that_it_opens_until_its_program_becomes_another() {
        let first = table(vec![(1, program(5))]);
        for asked in [Asked::ToOpen, Asked::Again, Asked::ToOpen] {
            let _ = judge(&first, Direction::Inbound, 22, 1, asked);
        }
        let _ = judge(&first, Direction::Outbound, 1, 22, Asked::ToOpen);
        let totals = |flows| RuleTotals { flows, packets: 0, bytes: 0 };
        let count = |direction, flows| RuleCount { policy_id: 1, direction, rule_id: 5, totals: totals(flows) };
        assert_eq!(first.take_counts(1), (vec![count(Direction::Inbound, 2)], true));
        assert_eq!(first.take_counts(1), (vec![count(Direction::Outbound, 1)], false));
        let same = first.with(vec![(1, program(5))], None).unwrap();
        let _ = judge(&same, Direction::Inbound, 22, 1, Asked::ToOpen);
        assert_eq!(same.take_counts(9), (vec![count(Direction::Inbound, 3)], false));
        let another = same.with(vec![(1, program(6)), (1, program(5))], None).unwrap();
        let _ = judge(&another, Direction::Inbound, 22, 1, Asked::ToOpen);
        assert_eq!(another.take_counts(9).0.first().map(|count| count.totals.flows), Some(4));
        let another = another.with(vec![(1, program(6))], None).unwrap();
        assert_eq!(another.take_counts(9), (vec![], false));
    }
}
