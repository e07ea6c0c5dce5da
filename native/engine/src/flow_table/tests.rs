//! What must hold of flows.

#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::sync::Arc;

use super::*;
use crate::host::FLOWS_DEFAULT;
use crate::packet::{TCP, UDP};
use crate::policy::{AllowedBy, RefusalAction};
use crate::rule_tally::RuleTally;
use crate::tcp_end::flag;

const REFUSED: Judged = Judged::Refused(RefusalAction::Drop);
const TIMEOUTS: FlowTimeouts = FlowTimeouts { tcp_ms: 720_000, udp_ms: 180_000, other_ms: 600_000 };

fn empty(limit: usize) -> FlowTable {
    FlowTable::new(limit, |_| {})
}

fn tuple(port: u16, protocol: u8) -> Tuple {
    Tuple {
        local_address: "10.0.0.1".parse().unwrap(),
        remote_address: "10.0.0.2".parse().unwrap(),
        local_port: port,
        remote_port: 9,
        protocol,
        icmp_in: 0,
        is_rest: false,
    }
}

fn judge(table: &FlowTable, tuple: Tuple, direction: Direction, now_ms: u64, allowed: Option<Direction>) -> Judged {
    let mut memo = FlowMemo::default();
    let judged = ask(table, &mut memo, (tuple, direction, now_ms, 1), |asked| Some(asked) == allowed);
    table.settle(&mut memo);
    judged
}

fn ask(
    table: &FlowTable,
    memo: &mut FlowMemo,
    (tuple, direction, now_ms, policy_id): (Tuple, Direction, u64, u32),
    allows: impl Fn(Direction) -> bool,
) -> Judged {
    segment(table, memo, (tuple, direction, now_ms, policy_id), 0, allows)
}

fn segment(
    table: &FlowTable,
    memo: &mut FlowMemo,
    (tuple, direction, now_ms, policy_id): (Tuple, Direction, u64, u32),
    tcp_flags: u8,
    allows: impl Fn(Direction) -> bool,
) -> Judged {
    let (peer, timeouts) = (tuple.remote_address, &TIMEOUTS);
    let packet = FlowPacket {
        tuple: &tuple,
        direction,
        foreseen: Foreseen::default(),
        tcp_flags,
        packets: 1,
        bytes: 100,
        peer,
        policy_id,
        now_ms,
        timeouts,
    };
    table.judge(memo, &packet, |direction, _| match allows(direction) {
        true => {
            let by = AllowedBy { policy_id, rule_id: policy_id + 10 };
            Verdict::Allowed(Arc::new(RuleTally::new(by)))
        }
        false => Verdict::Refused(RefusalAction::Drop),
    })
}

#[test]
fn an_allowed_flow_carries_both_directions() {
    let table = empty(FLOWS_DEFAULT);
    let outbound = Some(Direction::Outbound);
    assert_eq!(judge(&table, tuple(1, TCP), Direction::Inbound, 0, outbound), REFUSED);
    assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, outbound), Judged::Allowed);
    assert_eq!(judge(&table, tuple(1, TCP), Direction::Inbound, 0, None), Judged::Allowed);
}

#[test]
fn a_flow_expires_after_the_timeout_of_its_protocol() {
    for (protocol, timeout) in [(TCP, 720_000), (UDP, 180_000), (1, 600_000)] {
        let table = empty(FLOWS_DEFAULT);
        let flow = tuple(1, protocol);
        assert_eq!(judge(&table, flow, Direction::Inbound, 5, Some(Direction::Inbound)), Judged::Allowed);
        assert_eq!(judge(&table, flow, Direction::Outbound, 5 + timeout, None), Judged::Allowed);
        assert_eq!(judge(&table, flow, Direction::Outbound, 6 + 2 * timeout, None), REFUSED);
    }
}

#[test]
fn a_new_epoch_asks_for_the_original_direction_and_what_it_refuses_is_not_opened_from_the_other_side() {
    let table = empty(FLOWS_DEFAULT);
    judge(&table, tuple(1, TCP), Direction::Inbound, 0, Some(Direction::Inbound));
    table.raise_epoch();
    assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, Some(Direction::Inbound)), Judged::Allowed);
    assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, None), Judged::Allowed);
    table.raise_epoch();
    for _ in 0..2 {
        assert_eq!(judge(&table, tuple(1, TCP), Direction::Outbound, 0, Some(Direction::Outbound)), REFUSED);
    }
    let expired_at = 720_001;
    let anew = judge(&table, tuple(1, TCP), Direction::Outbound, expired_at, Some(Direction::Outbound));
    assert_eq!(anew, Judged::Allowed);
}

#[test]
fn one_flow_more_than_fits_evicts_the_least_recently_used() {
    let table = empty(FLOWS_DEFAULT);
    let always = Some(Direction::Inbound);
    for port in 0..=u16::MAX {
        assert_eq!(judge(&table, tuple(port, TCP), Direction::Inbound, 0, always), Judged::Allowed);
    }
    assert_eq!(table.len(), FLOWS_DEFAULT);
    assert_eq!(judge(&table, tuple(0, UDP), Direction::Inbound, 0, always), Judged::AllowedByEviction);
    assert_eq!(judge(&table, tuple(0, TCP), Direction::Inbound, 0, None), REFUSED);
    assert_eq!(judge(&table, tuple(1, TCP), Direction::Inbound, 0, None), Judged::Allowed);
}

#[test]
fn a_memo_is_not_believed_after_anything_changed() {
    let table = empty(FLOWS_DEFAULT);
    let mut memo = FlowMemo::default();
    let mut ask = |table: &FlowTable, policy_id, allowed| {
        self::ask(table, &mut memo, (tuple(1, TCP), Direction::Inbound, 0, policy_id), |_| allowed)
    };
    assert_eq!(ask(&table, 1, true), Judged::Allowed);
    assert_eq!(ask(&table, 1, false), Judged::Allowed);
    assert_eq!(ask(&table, 2, false), REFUSED);
    assert_eq!(ask(&table, 1, false), Judged::Allowed);
    table.raise_epoch();
    assert_eq!(ask(&table, 1, false), REFUSED);
    assert_eq!(ask(&table, 1, false), REFUSED);
}

#[test]
fn a_sweep_forgets_what_expired_without_being_asked_for() {
    let table = empty(FLOWS_DEFAULT);
    for port in 0..300 {
        judge(&table, tuple(port, UDP), Direction::Inbound, 0, Some(Direction::Inbound));
    }
    table.sweep(180_000, &TIMEOUTS);
    assert_eq!(table.len(), 300);
    table.sweep(180_001, &TIMEOUTS);
    assert_eq!(table.len(), 0);
}

#[test]
fn a_flow_counts_what_it_carries_either_way_and_keeps_its_rule() {
    let table = empty(FLOWS_DEFAULT);
    let (mut outbound, mut inbound) = (FlowMemo::default(), FlowMemo::default());
    for _ in 0..3 {
        ask(&table, &mut outbound, (tuple(1, TCP), Direction::Outbound, 5, 1), |_| true);
        ask(&table, &mut inbound, (tuple(1, TCP), Direction::Inbound, 5, 1), |_| true);
    }
    ask(&table, &mut inbound, (tuple(1, TCP), Direction::Inbound, 7, 2), |_| true);
    table.settle(&mut outbound);
    table.settle(&mut inbound);
    table.settle(&mut inbound);
    let traffic = Traffic { received_packets: 4, received_bytes: 400, sent_packets: 3, sent_bytes: 300 };
    let by = AllowedBy { policy_id: 2, rule_id: 12 };
    let view = FlowView { tuple: tuple(1, TCP), opened_by: Direction::Outbound, by, age_ms: 5, idle_ms: 3, traffic };
    assert_eq!(table.page(FlowPlace::default(), 9, 10, &TIMEOUTS), (vec![view], None));
    assert_eq!(table.page(FlowPlace::default(), 9, 800_000, &TIMEOUTS), (vec![], None));
}

#[test]
fn a_connection_that_is_over_lingers_and_makes_room_for_another_one() {
    let table = empty(FLOWS_DEFAULT);
    let mut memo = FlowMemo::default();
    let mut send = |direction, flags, now_ms, allowed: Option<Direction>| {
        let packet = (tuple(1, TCP), direction, now_ms, 1);
        segment(&table, &mut memo, packet, flags, |asked| Some(asked) == allowed)
    };
    let outbound = Some(Direction::Outbound);
    assert_eq!(send(Direction::Outbound, flag::SYN, 0, outbound), Judged::Allowed);
    assert_eq!(send(Direction::Inbound, flag::SYN, 0, None), Judged::Allowed);
    assert_eq!(send(Direction::Inbound, flag::FIN, 0, None), Judged::Allowed);
    assert_eq!(send(Direction::Outbound, flag::FIN, 0, None), Judged::Allowed);
    assert_eq!(send(Direction::Inbound, flag::ACK, 10_000, None), Judged::Allowed);
    assert_eq!(send(Direction::Inbound, flag::ACK, 10_001, None), REFUSED);
    assert_eq!(send(Direction::Outbound, flag::SYN, 20_000, outbound), Judged::Allowed);
    assert_eq!(send(Direction::Outbound, flag::RST, 20_000, None), Judged::Allowed);
    assert_eq!(send(Direction::Inbound, flag::SYN, 20_000, None), REFUSED);
    assert_eq!(send(Direction::Inbound, flag::ACK, 20_000, None), Judged::Allowed, "what is refused changes no flow");
    assert_eq!(send(Direction::Inbound, flag::ACK, 30_001, None), REFUSED);
}

#[test]
fn what_disproves_a_reset_is_seen_within_a_run() {
    let table = empty(FLOWS_DEFAULT);
    let mut memo = FlowMemo::default();
    let mut send = |direction, flags, now_ms| {
        segment(&table, &mut memo, (tuple(1, TCP), direction, now_ms, 1), flags, |_| now_ms == 0)
    };
    for flags in [flag::ACK, flag::ACK] {
        send(Direction::Outbound, flags, 0);
    }
    send(Direction::Inbound, flag::RST, 0);
    send(Direction::Outbound, flag::RST, 0);
    send(Direction::Outbound, flag::ACK, 0);
    assert_eq!(send(Direction::Inbound, flag::ACK, 700_000), Judged::Allowed);
}

#[test]
fn flows_are_told_of_in_pages() {
    let table = empty(FLOWS_DEFAULT);
    for port in 0..10 {
        judge(&table, tuple(port, TCP), Direction::Inbound, 0, Some(Direction::Inbound));
    }
    let (mut ports, mut from) = (vec![], Some(FlowPlace::default()));
    while let Some(at) = from {
        let (views, next) = table.page(at, 4, 0, &TIMEOUTS);
        ports.extend(views.iter().map(|view| view.tuple.local_port));
        from = next;
    }
    ports.sort_unstable();
    assert!(ports.into_iter().eq(0..10));
}

fn peer(number: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, number])
}

fn flow_with(remote: u8, port: u16) -> Tuple {
    Tuple { remote_address: peer(remote), remote_port: port, ..tuple(9, UDP) }
}

/// A packet of a peer's flow, of which rules allow everything.
fn pass(table: &FlowTable, memo: &mut FlowMemo, remote: u8, port: u16, direction: Direction) -> Judged {
    ask(table, memo, (flow_with(remote, port), direction, 0, 1), |_| true)
}

fn knows(table: &FlowTable, remote: u8, port: u16) -> bool {
    let refuse = |_, _| Verdict::Refused(RefusalAction::Drop);
    table.knows(&flow_with(remote, port), 1, (0, &TIMEOUTS), refuse)
}

#[test]
fn a_peer_that_fills_the_table_pushes_out_its_own_flows_only() {
    use Direction::{Inbound, Outbound};
    let (table, mut memo) = (empty(FLOWS_DEFAULT), FlowMemo::default());
    pass(&table, &mut memo, 2, 1, Inbound);
    pass(&table, &mut memo, 3, 1, Outbound);
    for port in 0..=u16::MAX {
        pass(&table, &mut memo, 3, port, Inbound);
    }
    for round in 0..3 {
        for port in 0..=u16::MAX {
            pass(&table, &mut memo, 4 + round, port, Inbound);
        }
    }
    assert_eq!(table.len(), FLOWS_DEFAULT);
    assert!(knows(&table, 2, 1), "another peer's");
    assert!(knows(&table, 3, 1), "what we opened towards it");
}

#[test]
fn greedy_peers_divide_what_modest_ones_leave() {
    let (table, mut memo) = (empty(FLOWS_DEFAULT), FlowMemo::default());
    for port in 0..1_000 {
        pass(&table, &mut memo, 2, port, Direction::Inbound);
    }
    for port in 0..=u16::MAX {
        for greedy in 3..5 {
            pass(&table, &mut memo, greedy, port, Direction::Inbound);
        }
    }
    let held = |remote| (0..=u16::MAX).filter(|port| knows(&table, remote, *port)).count();
    assert_eq!((held(2), held(3), held(4)), (1_000, 32_268, 32_268));
}

#[test]
fn what_was_used_last_stays() {
    let (table, mut memo) = (empty(FLOWS_DEFAULT), FlowMemo::default());
    for port in 0..=u16::MAX {
        pass(&table, &mut memo, 2, port, Direction::Inbound);
    }
    assert_eq!(pass(&table, &mut memo, 2, 0, Direction::Outbound), Judged::Allowed);
    assert_eq!(pass(&table, &mut memo, 3, 0, Direction::Inbound), Judged::AllowedByEviction);
    assert!(knows(&table, 2, 0) && !knows(&table, 2, 1) && knows(&table, 3, 0));
}

#[test]
fn sweeps_come_round_to_every_flow_and_look_at_some_each() {
    let (table, mut memo) = (empty(FLOWS_DEFAULT), FlowMemo::default());
    for port in 0..10_000 {
        pass(&table, &mut memo, 2, port, Direction::Inbound);
    }
    for left in [10_000 - 4_096, 10_000 - 2 * 4_096, 0] {
        table.sweep(180_001, &TIMEOUTS);
        assert_eq!(table.len(), left);
    }
}

#[test]
fn what_is_used_is_spared_but_not_by_looking_at_everything() {
    let (table, mut memo) = (empty(100), FlowMemo::default());
    for _ in 0..2 {
        for port in 0..100 {
            pass(&table, &mut memo, 2, port, Direction::Inbound);
        }
    }
    assert_eq!(pass(&table, &mut memo, 2, 100, Direction::Inbound), Judged::AllowedByEviction);
    assert!((0..=100).all(|port| knows(&table, 2, port) == (port != 16)));
}

#[test]
fn a_flow_that_comes_is_not_the_one_that_goes() {
    let (table, mut memo) = (empty(3), FlowMemo::default());
    for _ in 0..2 {
        for port in 0..3 {
            pass(&table, &mut memo, 2, port, Direction::Inbound);
        }
    }
    pass(&table, &mut memo, 2, 3, Direction::Inbound);
    assert!(knows(&table, 2, 3) && knows(&table, 2, 0) && !knows(&table, 2, 2));
}

#[test]
fn a_lower_limit_takes_what_is_too_much_from_whoever_has_most() {
    let (table, mut memo) = (empty(100), FlowMemo::default());
    for port in 0..90 {
        pass(&table, &mut memo, 2, port, Direction::Inbound);
    }
    for port in 0..10 {
        pass(&table, &mut memo, 3, port, Direction::Inbound);
    }
    assert_eq!(table.set_limit(20, 0), 80);
    assert_eq!(table.len(), 20);
    assert!((0..10).all(|port| knows(&table, 3, port)));
    assert!(knows(&table, 2, 89) && !knows(&table, 2, 0));
}

#[test]
fn threads_that_open_flows_all_at_once_leave_no_more_than_fit_and_each_in_its_place() {
    let table = empty(1_000);
    std::thread::scope(|scope| {
        for remote in 2..6 {
            let table = &table;
            scope.spawn(move || {
                let mut memo = FlowMemo::default();
                for port in 0..20_000 {
                    pass(table, &mut memo, remote, port % 5_000, Direction::Inbound);
                }
                table.settle(&mut memo);
            });
        }
    });
    assert_eq!(table.len(), 1_000);
    let (views, _) = table.page(FlowPlace::default(), 9_999, 0, &TIMEOUTS);
    assert_eq!(views.len(), 1_000);
}
