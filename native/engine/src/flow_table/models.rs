//! What must hold of flows in every order in which two threads can meet.

#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::sync::Arc;

use loom::sync::atomic::AtomicBool;
use loom::thread;

use super::*;
use crate::packet::UDP;
use crate::policy::AllowedBy;
use crate::rule_tally::RuleTally;

const TIMEOUTS: FlowTimeouts = FlowTimeouts { tcp_ms: 720_000, udp_ms: 180_000, other_ms: 600_000 };
const DROP: Verdict = Verdict::Refused(RefusalAction::Drop);

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn flow(remote_port: u16) -> Tuple {
    let (local_address, remote_address) = (address(1), address(2));
    Tuple { local_address, remote_address, local_port: 1, remote_port, protocol: UDP, icmp_in: 0, is_rest: false }
}

fn allowed() -> Verdict {
    Verdict::Allowed(Arc::new(RuleTally::new(AllowedBy { policy_id: 1, rule_id: 1 })))
}

fn judge(
    table: &FlowTable,
    memo: &mut FlowMemo,
    (port, direction): (u16, Direction),
    ask: impl Fn(Direction, Asked) -> Verdict,
) -> Judged {
    let (tuple, timeouts) = (&flow(port), &TIMEOUTS);
    let peer = address(2);
    let packet = FlowPacket {
        tuple,
        direction,
        foreseen: Foreseen::default(),
        tcp_flags: 0,
        packets: 1,
        bytes: 1,
        peer,
        policy_id: 1,
        now_ms: 0,
        timeouts,
    };
    table.judge(memo, &packet, ask)
}

fn views(table: &FlowTable) -> Vec<FlowView> {
    table.page(FlowPlace::default(), 9, 0, &TIMEOUTS).0
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

#[test]
fn two_threads_that_open_one_flow_open_it_once_and_count_every_packet() {
    model(|| {
        let table = Arc::new(FlowTable::in_parts(4, 2, |_| {}));
        let send = |table: &FlowTable, direction| {
            let mut memo = FlowMemo::default();
            for _ in 0..2 {
                assert_eq!(judge(table, &mut memo, (7, direction), |_, _| allowed()), Judged::Allowed);
            }
            table.settle(&mut memo);
        };
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || send(&other, Direction::Inbound));
        send(&table, Direction::Outbound);
        thread.join().unwrap();
        let views = views(&table);
        assert_eq!((views.len(), table.len()), (1, 1));
        let traffic = views.first().map(|view| view.traffic).unwrap_or_default();
        assert_eq!((traffic.sent_packets, traffic.received_packets), (2, 2));
    });
}

#[test]
fn flows_that_come_at_once_leave_as_many_as_fit() {
    model(|| {
        let table = Arc::new(FlowTable::in_parts(1, 2, |_| {}));
        judge(&table, &mut FlowMemo::default(), (1, Direction::Outbound), |_, _| allowed());
        let open = |table: &FlowTable, port| {
            judge(table, &mut FlowMemo::default(), (port, Direction::Outbound), |_, _| allowed());
        };
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || open(&other, 2));
        open(&table, 3);
        thread.join().unwrap();
        assert_eq!((views(&table).len(), table.len()), (1, 1));
    });
}

#[test]
fn after_a_new_epoch_no_packet_passes_by_the_old_rules() {
    model(|| {
        let table = Arc::new(FlowTable::in_parts(4, 1, |_| {}));
        let (is_open, is_told) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let change = (Arc::clone(&table), Arc::clone(&is_open), Arc::clone(&is_told));
        let thread = thread::spawn(move || {
            let (table, is_open, is_told) = change;
            is_open.store(false, Ordering::Release);
            table.raise_epoch();
            is_told.store(true, Ordering::Release);
        });
        let rules = |_, _| if is_open.load(Ordering::Acquire) { allowed() } else { DROP };
        let mut memo = FlowMemo::default();
        judge(&table, &mut memo, (7, Direction::Outbound), rules);
        let was_told = is_told.load(Ordering::Acquire);
        let judged = judge(&table, &mut memo, (7, Direction::Outbound), rules);
        assert!(!was_told || judged == Judged::Refused(RefusalAction::Drop));
        thread.join().unwrap();
        assert_eq!(judge(&table, &mut memo, (7, Direction::Outbound), rules), Judged::Refused(RefusalAction::Drop));
    });
}

#[test]
fn what_a_thread_remembers_of_a_flow_that_went_lets_nothing_through() {
    model(|| {
        let table = Arc::new(FlowTable::in_parts(1, 1, |_| {}));
        let mut memo = FlowMemo::default();
        judge(&table, &mut memo, (7, Direction::Outbound), |_, _| allowed());
        let other = Arc::clone(&table);
        let thread =
            thread::spawn(move || judge(&other, &mut FlowMemo::default(), (8, Direction::Outbound), |_, _| allowed()));
        judge(&table, &mut memo, (7, Direction::Outbound), |_, _| DROP);
        assert_eq!(thread.join().unwrap(), Judged::AllowedByEviction);
        assert_eq!(
            judge(&table, &mut memo, (7, Direction::Outbound), |_, _| DROP),
            Judged::Refused(RefusalAction::Drop)
        );
    });
}
