//! Packets that the device hands over in one piece: what is asked about one of them is not asked about each.

use std::ops::Range;

use crate::drop_reason::DropReason;
use crate::engine::Pass;
use crate::flow::{FlowPacket, Foreseen};
use crate::header::{Kind, OVERHEAD_BYTES};
use crate::output::{Event, Output};
use crate::packet::{Direction, InnerPacket};
use crate::path::Path;
use crate::route_cache::Way;
use crate::segments::Segments;

impl<O: Output> Pass<'_, O> {
    /// Handles what one read of the device stands for, as [`Self::outbound`] would handle the packets one by one: the first goes alone, and those that are
    /// like it follow in its way as long as that is open. `foreseen`: what [`Self::foresee_outbound`] said of them.
    pub fn outbound_all(&mut self, segments: &mut dyn Segments, foreseen: Foreseen) {
        let mut next = 0;
        while next < segments.count() {
            let forwarded = self.outbound_alone(segments.packet(next), foreseen);
            next += 1;
            if let Some(inner) = forwarded.filter(|_| next < segments.alike()) {
                next += self.follow(&inner, segments, next..segments.alike()).unwrap_or(0);
            }
        }
    }

    /// Sends packets after one of their flow that was forwarded, with one look at route, session, path, flow and counter for all of them. Returns how
    /// many; `None` where each of them must be looked at for itself.
    fn follow(&mut self, inner: &InnerPacket, segments: &dyn Segments, run: Range<usize>) -> Option<usize> {
        let Self { sessions, step, .. } = self;
        let is_on_its_way = !step.engine.capture.is_on()
            && inner.part.is_none()
            && step.way(&inner.destination) == Way::Peer
            && step.is_own(&inner.source);
        is_on_its_way.then_some(())?;
        let session = sessions.primary(&step.engine.sessions, &inner.destination)?;
        let Some(Path::Direct(to)) = session.path() else { return None };
        let (packets, longest) = (run.len() as u64, segments.length(run.start));
        let fits = session.mtu.longest().is_none_or(|limit| longest <= limit);
        (fits && session.counter().has(packets)).then_some(())?;
        let sealer = session.sealer()?;
        let of_flow = FlowPacket {
            tuple: &inner.tuple(Direction::Outbound),
            direction: Direction::Outbound,
            foreseen: Foreseen::default(),
            tcp_flags: inner.tcp_flags,
            packets,
            bytes: run.clone().map(|number| segments.length(number) as u64).sum(),
            peer: session.peer(),
            policy_id: session.policy_id(),
            now_ms: step.now_ms,
            timeouts: &step.host.flow_timeouts,
        };
        step.engine.flows.passes(step.flow, &of_flow).then_some(())?;
        if session.mtu.tells(longest, step.now_ms) {
            step.out.event(Event::LargeSent { local_index: session.local_index });
        }
        let (mut sent, mut bytes) = (0, 0);
        for (number, counter) in run.clone().zip(session.counter().reserve_many(packets)) {
            let length = segments.length(number) + OVERHEAD_BYTES;
            let write = |body: &mut [u8]| segments.write(number, body);
            if step.out.datagram(to, length, |slot| sealer.seal_with(slot, Kind::Message, counter, write)) {
                (sent, bytes) = (sent + 1, bytes + length);
            }
        }
        drop(sealer);
        step.engine.outbound.tun_read.add(packets);
        step.engine.outbound.udp_sent.add(sent);
        if sent > 0 {
            session.sent(sent, bytes);
            step.engine.silences.sent(session, step.now_ms);
        }
        for _ in sent..packets {
            step.drop_outbound(Some(session), Some(*of_flow.tuple), DropReason::SendFailed);
        }
        Some(run.len())
    }
}
