//! What a control plane has sent in pieces and not yet committed.

use lacis_contract::wire;
use lacis_engine::control::{POLICIES_MAX, PolicyChange, RULES_MAX};
use lacis_engine::policy::Program;
use lacis_engine::route::{ROUTES_MAX, Route};

use crate::decode;
use crate::failure::Failure;

/// Pieces in the order in which they came. Belongs to one connection.
#[derive(Default)]
pub struct Staged {
    programs: Vec<(u32, Program)>,
    routes: Vec<Route>,
    rules: usize,
    /// Why a piece was refused: what comes after it is worth nothing, up to and including the next commit, which says so.
    broken: Option<Failure>,
}

impl Staged {
    /// Takes pieces. When they are refused, everything is thrown away.
    pub fn add(&mut self, stage: wire::Stage) -> Result<(), Failure> {
        if self.broken.is_some() {
            return Ok(());
        }
        let added = self.add_programs(stage.programs).and_then(|()| self.add_routes(stage.routes));
        if let Err(failure) = &added {
            *self = Self { broken: Some(failure.clone()), ..Self::default() };
        }
        added
    }

    /// Takes the programs out, with those of the commit as last pieces.
    pub fn commit_programs(&mut self, apply: wire::ApplyPolicies) -> Result<PolicyChange, Failure> {
        self.check_whole()?;
        let added = self.add_programs(apply.programs);
        self.rules = 0;
        let programs = std::mem::take(&mut self.programs);
        added?;
        let bindings = apply.bindings.iter().map(|binding| (binding.local_index, binding.policy_id)).collect();
        Ok(PolicyChange { programs, bindings, raise_epoch: apply.raise_epoch })
    }

    /// Takes the routes out, with those of the commit behind them.
    pub fn commit_routes(&mut self, apply: wire::ApplyRoutes) -> Result<Vec<Route>, Failure> {
        self.check_whole()?;
        let added = self.add_routes(apply.routes);
        let routes = std::mem::take(&mut self.routes);
        added.map(|()| routes)
    }

    fn check_whole(&mut self) -> Result<(), Failure> {
        self.broken.take().map_or(Ok(()), Err)
    }

    fn add_programs(&mut self, pieces: Vec<wire::PolicyProgram>) -> Result<(), Failure> {
        for piece in pieces {
            let policy_id = piece.policy_id;
            self.rules += piece.inbound.len() + piece.outbound.len();
            if self.rules > RULES_MAX {
                return Err(Failure::bad(format!("more than {RULES_MAX} rules at once")));
            }
            let piece = decode::program(piece)?;
            // Pieces of one program mostly follow each other.
            let is_full = self.programs.len() >= POLICIES_MAX;
            match self.programs.iter_mut().rev().find(|(id, _)| *id == policy_id) {
                Some((_, program)) => {
                    program.inbound.extend(piece.inbound);
                    program.outbound.extend(piece.outbound);
                    (program.refuse_inbound, program.refuse_outbound) = (piece.refuse_inbound, piece.refuse_outbound);
                }
                None if is_full => {
                    return Err(Failure::bad(format!("more than {POLICIES_MAX} policies at once")));
                }
                None => self.programs.push((policy_id, piece)),
            }
        }
        Ok(())
    }

    fn add_routes(&mut self, routes: Vec<wire::Route>) -> Result<(), Failure> {
        if self.routes.len() + routes.len() > ROUTES_MAX {
            return Err(Failure::bad(format!("more than {ROUTES_MAX} routes at once")));
        }
        for route in routes {
            self.routes.push(decode::route(route)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(policy_id: u32, rule_id: u32) -> wire::PolicyProgram {
        let rule = wire::PolicyRule { rule_id, protocol: 1, port_last: 65_535, ..Default::default() };
        wire::PolicyProgram { policy_id, inbound: vec![rule], ..Default::default() }
    }

    fn stage(programs: Vec<wire::PolicyProgram>) -> wire::Stage {
        wire::Stage { programs, routes: vec![] }
    }

    fn commit(staged: &mut Staged, programs: Vec<wire::PolicyProgram>) -> Result<Vec<(u32, Vec<u32>)>, Failure> {
        let change = staged.commit_programs(wire::ApplyPolicies { programs, ..Default::default() })?;
        let rules = |program: Program| program.inbound.iter().map(|rule| rule.rule_id).collect();
        Ok(change.programs.into_iter().map(|(policy_id, program)| (policy_id, rules(program))).collect())
    }

    #[test]
    fn pieces_of_one_program_add_up_in_order_and_are_committed_once() {
        let mut staged = Staged::default();
        staged.add(stage(vec![program(1, 10), program(2, 20)])).unwrap();
        staged.add(stage(vec![program(1, 11)])).unwrap();
        assert_eq!(commit(&mut staged, vec![program(1, 12)]), Ok(vec![(1, vec![10, 11, 12]), (2, vec![20])]));
        assert_eq!(commit(&mut staged, vec![]), Ok(vec![]));
    }

    #[test]
    fn a_refused_piece_takes_everything_along_until_a_commit_has_failed() {
        let mut staged = Staged::default();
        staged.add(stage(vec![program(1, 10)])).unwrap();
        let bad = wire::PolicyProgram { refuse_inbound: 3, ..program(1, 11) };
        assert_eq!(staged.add(stage(vec![bad])).unwrap_err().code, "unsupported");
        staged.add(stage(vec![program(1, 12)])).unwrap();
        assert_eq!(commit(&mut staged, vec![program(1, 13)]).unwrap_err().code, "unsupported");
        assert_eq!(commit(&mut staged, vec![program(1, 14)]), Ok(vec![(1, vec![14])]));
    }

    #[test]
    fn a_refused_commit_leaves_nothing_behind() {
        let mut staged = Staged::default();
        staged.add(stage(vec![program(1, 10)])).unwrap();
        let bad = wire::PolicyProgram { refuse_inbound: 3, ..program(1, 11) };
        assert!(commit(&mut staged, vec![bad]).is_err());
        assert_eq!(commit(&mut staged, vec![]), Ok(vec![]));
        let routes = vec![wire::Route::default()];
        assert!(staged.commit_routes(wire::ApplyRoutes { routes }).is_err());
        assert_eq!(staged.commit_routes(wire::ApplyRoutes { routes: vec![] }), Ok(vec![]));
    }

    #[test]
    fn what_is_staged_is_bounded() {
        let many = |rules| {
            let rule = wire::PolicyRule { protocol: 1, port_last: 65_535, ..Default::default() };
            stage(vec![wire::PolicyProgram { policy_id: 1, inbound: vec![rule; rules], ..Default::default() }])
        };
        let mut staged = Staged::default();
        staged.add(many(RULES_MAX)).unwrap();
        assert!(staged.add(many(1)).is_err());
        let route = wire::Route {
            prefix: Some(wire::Prefix { address: vec![10, 0, 0, 0], bits: 8 }),
            target: Some(wire::route::Target::Own(wire::OwnRoute {})),
        };
        let routes = vec![route; ROUTES_MAX + 1];
        assert!(Staged::default().add(wire::Stage { programs: vec![], routes }).is_err());
    }
}
