//! Which gateway each flow has (SEMANTICS.md section 3.2): it stays with it, whatever becomes of others.

use std::net::IpAddr;
use std::sync::Mutex;

use crate::lock::lock;
use crate::lru_map::LruMap;
use crate::packet::Tuple;
use crate::route::Gateways;

/// Flows remembered at one time.
pub const KEPT_GATEWAYS_MAX: usize = 65_536;

/// Gateways by flow. Only flows with a choice are here, and only they wait for the lock.
pub struct KeptGateways(Mutex<LruMap<Tuple, IpAddr>>);

impl KeptGateways {
    /// No flow.
    pub fn new() -> Self {
        Self(Mutex::new(LruMap::new(KEPT_GATEWAYS_MAX)))
    }

    /// The gateway of a flow: the one that it has, while that is one of these and has a session, else a new choice.
    pub fn choose(
        &self,
        gateways: &Gateways,
        flow: &Tuple,
        mut has_session: impl FnMut(IpAddr) -> bool,
    ) -> Option<IpAddr> {
        if let Some(only) = gateways.only() {
            return Some(only);
        }
        // What the hash does not tell apart is one flow here.
        let key = Tuple { icmp_in: 0, is_rest: false, ..*flow };
        let mut by_flow = lock(&self.0);
        if let Some(kept) = by_flow.peek(&key).copied()
            && gateways.iter().any(|gateway| gateway.address == kept)
            && has_session(kept)
        {
            return Some(kept);
        }
        let chosen = gateways.choose(flow, &mut has_session)?;
        if has_session(chosen) {
            by_flow.insert(key, chosen);
        }
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::UDP;
    use crate::route::Gateway;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn flow(remote_port: u16) -> Tuple {
        let (local_address, remote_address) = (address(1), address(9));
        Tuple { local_address, remote_address, local_port: 1, remote_port, protocol: UDP, icmp_in: 0, is_rest: false }
    }

    fn gateways(lasts: &[u8]) -> Gateways {
        Gateways::new(lasts.iter().map(|last| Gateway { address: address(*last), weight: 1 }).collect()).unwrap()
    }

    #[test]
    fn only_flows_of_a_gateway_that_goes_are_given_another_and_none_returns() {
        let kept = KeptGateways::new();
        let among = |lasts: &[u8], present: &[u8]| -> Vec<IpAddr> {
            let has_session = |of: IpAddr| present.iter().any(|last| address(*last) == of);
            (0..300).map(|port| kept.choose(&gateways(lasts), &flow(port), has_session).unwrap()).collect()
        };
        let before = among(&[2, 3, 4], &[2, 3, 4]);
        let without_session = among(&[2, 3, 4], &[2, 4]);
        let left_out = among(&[2, 4], &[2, 3, 4]);
        let back = among(&[2, 3, 4], &[2, 3, 4]);
        for (was, is) in before.iter().zip(&without_session) {
            assert!(if *was == address(3) { *is != address(3) } else { is == was });
        }
        assert!(before.contains(&address(3)));
        assert_eq!(left_out, without_session);
        assert_eq!(back, without_session);
    }

    #[test]
    fn a_choice_that_nobody_can_carry_out_is_not_kept() {
        let kept = KeptGateways::new();
        let parked = kept.choose(&gateways(&[2, 3]), &flow(1), |_| false).unwrap();
        let other = if parked == address(2) { 3 } else { 2 };
        assert_eq!(kept.choose(&gateways(&[2, 3]), &flow(1), |of| of == address(other)), Some(address(other)));
        assert_eq!(kept.choose(&gateways(&[2, 3]), &flow(1), |_| true), Some(address(other)));
    }
}
