//! What is told of flows as they begin, end and are refused (SEMANTICS.md section 4.8).

use std::collections::HashMap;
use std::net::IpAddr;

use crate::drop_reason::DropReason;
use crate::flow::{FlowEnd, FlowHappening, FlowPacket, FlowRecord, FlowView, Traffic};
use crate::flow_entry::Flow;
use crate::output::DropSample;
use crate::packet::{Direction, Tuple};
use crate::policy::AllowedBy;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, lock};

/// How flows begin and end is told so long after the first of it, together: each time costs both processes a wake-up and the disk a write.
const GATHERED_FOR_MS: u64 = 1_000;
/// What is refused, and all that waits with it: somebody may be looking for it.
const REFUSED_FOR_MS: u64 = 100;
/// From so many notes on they wait no longer than this: a little at a time keeps whoever shares a core with the control plane waiting for less.
const MANY: usize = 64;
const MANY_FOR_MS: u64 = 25;
/// Notes that may wait: what the control plane makes of each takes it some ten microseconds.
const NOTES_MAX: usize = 256;
const NOTHING: u64 = u64::MAX;

/// Some of what was noted, and how much was not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FlowRecords {
    pub records: Vec<FlowRecord>,
    pub untold: u64,
}

/// Notes that wait to be told. Off, it costs a look at a flag.
pub struct FlowLog {
    is_on: AtomicBool,
    due_ms: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    notes: Vec<Note>,
    /// When the first of them was made.
    first_ms: u64,
    /// Of packets that are refused alike there is one note.
    refusals: HashMap<Refusal, usize>,
    /// How many notes are about whom, refusals apart.
    held: HashMap<(Option<IpAddr>, bool), usize>,
    untold: u64,
}

struct Note {
    happening: FlowHappening,
    peer: Option<IpAddr>,
    flow: FlowView,
    began_ms: u64,
    last_ms: u64,
}

#[derive(PartialEq, Eq, Hash)]
struct Refusal {
    tuple: Tuple,
    inbound: bool,
    reason: DropReason,
    local_index: u32,
}

impl Default for FlowLog {
    /// Off.
    fn default() -> Self {
        Self { is_on: AtomicBool::new(false), due_ms: AtomicU64::new(NOTHING), waiting: Mutex::new(Waiting::default()) }
    }
}

impl FlowLog {
    /// From now on flows are noted, or not.
    pub fn switch(&self, on: bool) {
        self.is_on.store(on, Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// When what waits is to be told.
    pub fn due_ms(&self) -> Option<u64> {
        Some(self.due_ms.load(Ordering::Acquire)).filter(|due_ms| *due_ms != NOTHING)
    }

    /// A packet has opened a flow.
    pub fn begun(&self, packet: &FlowPacket<'_>, by: AllowedBy) {
        if self.is_on() {
            let flow = nothing_yet(*packet.tuple, packet.direction, by);
            let (began_ms, last_ms) = (packet.now_ms, packet.now_ms);
            let note = Note { happening: FlowHappening::Begun, peer: Some(packet.peer), flow, began_ms, last_ms };
            self.note(&mut lock(&self.waiting), note, packet.now_ms);
        }
    }

    /// A flow is remembered no more.
    pub fn ended(&self, (tuple, flow): (Tuple, &Flow), peer: IpAddr, end: FlowEnd, now_ms: u64) {
        if self.is_on() {
            let (began_ms, last_ms) = flow.times();
            let (happening, peer) = (FlowHappening::Ended(end), Some(peer));
            let note = Note { happening, peer, flow: flow.view(tuple, now_ms), began_ms, last_ms };
            self.note(&mut lock(&self.waiting), note, now_ms);
        }
    }

    /// A packet was refused. `peer` says whose session it met.
    pub fn refused(&self, sample: &DropSample, tuple: Tuple, peer: impl FnOnce() -> Option<IpAddr>, now_ms: u64) {
        if !self.is_on() {
            return;
        }
        let DropSample { reason, inbound, local_index, action, .. } = *sample;
        let mut waiting = lock(&self.waiting);
        let refusal = Refusal { tuple, inbound, reason, local_index };
        let at = waiting.refusals.get(&refusal).copied().or_else(|| {
            let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
            let flow = nothing_yet(tuple, direction, AllowedBy { policy_id: 0, rule_id: 0 });
            let happening = FlowHappening::Refused { reason, action };
            let note = Note { happening, peer: peer(), flow, began_ms: now_ms, last_ms: now_ms };
            let at = self.note(&mut waiting, note, now_ms)?;
            waiting.refusals.insert(refusal, at);
            Some(at)
        });
        if let Some(note) = at.and_then(|at| waiting.notes.get_mut(at)) {
            note.last_ms = now_ms;
            let Traffic { received_packets, sent_packets, .. } = &mut note.flow.traffic;
            *(if inbound { received_packets } else { sent_packets }) += 1;
        }
    }

    /// Of whoever may have one more note: nobody holds more than is left for others, and no traffic hides what was refused. Returns where it
    /// lies.
    fn note(&self, waiting: &mut Waiting, note: Note, now_ms: u64) -> Option<usize> {
        let at = waiting.notes.len();
        let is_refused = matches!(note.happening, FlowHappening::Refused { .. });
        self.bring_forward(waiting, is_refused, now_ms);
        let held = waiting.held.entry((note.peer, is_refused)).or_default();
        if *held >= NOTES_MAX - at {
            waiting.untold += 1;
            return None;
        }
        *held += 1;
        waiting.notes.push(note);
        Some(at)
    }

    /// One more note is about to wait.
    fn bring_forward(&self, waiting: &mut Waiting, is_refused: bool, now_ms: u64) {
        let due_ms = self.due_ms.load(Ordering::Relaxed);
        if due_ms == NOTHING {
            waiting.first_ms = now_ms;
        }
        let own_ms = now_ms + if is_refused { REFUSED_FOR_MS } else { GATHERED_FOR_MS };
        let many_ms =
            if waiting.notes.len() + 1 >= MANY { (waiting.first_ms + MANY_FOR_MS).max(now_ms + 1) } else { NOTHING };
        self.due_ms.store(due_ms.min(own_ms).min(many_ms), Ordering::Release);
    }

    /// What was told was not heard.
    pub fn unheard(&self, records: &FlowRecords) {
        let mut waiting = lock(&self.waiting);
        waiting.untold += records.untold + records.records.len() as u64;
    }

    /// What is due now.
    pub fn take_due(&self, now_ms: u64) -> Option<FlowRecords> {
        self.due_ms().filter(|due_ms| *due_ms <= now_ms)?;
        Some(self.take(now_ms))
    }

    /// Everything that waits, due or not, if anything does.
    pub fn take_all(&self, now_ms: u64) -> Option<FlowRecords> {
        self.due_ms().map(|_| self.take(now_ms))
    }

    fn take(&self, now_ms: u64) -> FlowRecords {
        let mut waiting = lock(&self.waiting);
        self.due_ms.store(NOTHING, Ordering::Release);
        let Waiting { notes, untold, .. } = std::mem::take(&mut *waiting);
        drop(waiting);
        FlowRecords { records: notes.into_iter().map(|note| note.as_record(now_ms)).collect(), untold }
    }
}

impl Note {
    fn as_record(&self, now_ms: u64) -> FlowRecord {
        let Self { happening, peer, began_ms, last_ms, .. } = *self;
        let (age_ms, idle_ms) = (now_ms.saturating_sub(began_ms), now_ms.saturating_sub(last_ms));
        FlowRecord { happening, peer, flow: FlowView { age_ms, idle_ms, ..self.flow.clone() } }
    }
}

fn nothing_yet(tuple: Tuple, opened_by: Direction, by: AllowedBy) -> FlowView {
    FlowView { tuple, opened_by, by, age_ms: 0, idle_ms: 0, traffic: Traffic::default() }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::flow::Foreseen;
    use crate::host::FlowTimeouts;

    fn tuple(port: u16, peer: u8) -> Tuple {
        Tuple {
            local_address: IpAddr::from([10, 0, 0, 1]),
            remote_address: IpAddr::from([10, 0, 0, peer]),
            local_port: port,
            remote_port: 9,
            protocol: 6,
            icmp_in: 0,
            is_rest: false,
        }
    }

    fn refuse(log: &FlowLog, port: u16, peer: u8, now_ms: u64) {
        let tuple = tuple(port, peer);
        let sample = DropSample::refused(true, tuple, DropReason::NoMatchingRule, false);
        log.refused(&sample, tuple, || Some(tuple.remote_address), now_ms);
    }

    fn on() -> FlowLog {
        let log = FlowLog::default();
        log.switch(true);
        log
    }

    #[test]
    fn nothing_is_noted_while_it_is_off() {
        let log = FlowLog::default();
        refuse(&log, 22, 2, 5);
        assert_eq!(log.due_ms(), None);
        assert_eq!(log.take_due(u64::MAX), None);
    }

    #[test]
    fn what_is_refused_alike_is_told_once_a_tenth_of_a_second() {
        let log = on();
        for now_ms in 5..25 {
            refuse(&log, 22, 2, now_ms);
        }
        assert_eq!(log.due_ms(), Some(105));
        assert_eq!(log.take_due(104), None);
        let told = log.take_due(105).expect("it is due");
        let [record] = &told.records[..] else { panic!("not one record") };
        assert_eq!((record.flow.traffic.received_packets, record.flow.age_ms, record.flow.idle_ms), (20, 100, 81));
        assert_eq!((log.due_ms(), log.take_due(u64::MAX)), (None, None));
    }

    fn begin(log: &FlowLog, port: u16, now_ms: u64) {
        let (tuple, timeouts) = (tuple(port, 2), FlowTimeouts::default());
        let packet = FlowPacket {
            tuple: &tuple,
            foreseen: Foreseen::default(),
            direction: Direction::Inbound,
            tcp_flags: 0,
            packets: 1,
            bytes: 40,
            peer: tuple.remote_address,
            policy_id: 1,
            now_ms,
            timeouts: &timeouts,
        };
        log.begun(&packet, AllowedBy { policy_id: 1, rule_id: 1 });
    }

    #[test]
    fn how_flows_begin_waits_for_a_second_and_for_no_more_than_what_is_refused_waits() {
        let log = on();
        begin(&log, 1, 0);
        begin(&log, 2, 700);
        assert_eq!(log.due_ms(), Some(1_000));
        refuse(&log, 22, 2, 750);
        assert_eq!(log.due_ms(), Some(850));
        assert_eq!(log.take_due(850).map(|told| told.records.len()), Some(3));
        begin(&log, 3, 900);
        assert_eq!(log.due_ms(), Some(1_900));
    }

    #[test]
    fn many_wait_for_less_than_what_is_refused() {
        let log = on();
        for port in 1..MANY {
            begin(&log, u16::try_from(port).unwrap(), 0);
        }
        assert_eq!(log.due_ms(), Some(1_000));
        begin(&log, 0, 10);
        assert_eq!(log.due_ms(), Some(25));
        let log = on();
        for port in 0..MANY {
            begin(&log, u16::try_from(port).unwrap(), 10 * port as u64);
        }
        assert_eq!(log.due_ms(), Some(10 * (MANY as u64 - 1) + 1));
    }

    #[test]
    fn whoever_asks_hears_of_all_that_waits() {
        let log = on();
        assert_eq!(log.take_all(5), None);
        begin(&log, 1, 0);
        assert_eq!(log.take_all(5).map(|told| told.records.len()), Some(1));
        assert_eq!((log.due_ms(), log.take_all(6)), (None, None));
    }

    #[test]
    fn nobody_takes_the_place_of_others_and_what_is_left_out_is_counted() {
        let log = on();
        for port in 0..5_000 {
            refuse(&log, port, 2, 0);
        }
        refuse(&log, 22, 3, 0);
        let FlowRecords { records, untold } = log.take_due(100).expect("it is due");
        assert_eq!((records.len(), untold), (129, 5_000 - 128));
        assert_eq!(records.last().and_then(|record| record.peer), Some(IpAddr::from([10, 0, 0, 3])));
    }

    #[test]
    fn what_nobody_heard_is_counted_with_the_next() {
        let log = on();
        refuse(&log, 22, 2, 0);
        log.unheard(&log.take_due(100).expect("it is due"));
        refuse(&log, 23, 2, 200);
        assert_eq!(log.take_due(300).map(|told| told.untold), Some(1));
    }
}
