//! What may pass between a peer and this host (SEMANTICS.md sections 4.3 to 4.5).

use std::net::IpAddr;

use crate::drop_reason::DropReason;
use crate::engine::Step;
use crate::flow::{FlowPacket, Foreseen, Judged};
use crate::icmp_error;
use crate::lock::{lock, read};
use crate::message_limiter::Order;
use crate::output::{DropSample, Output};
use crate::packet::{Direction, InnerPacket, Part, Subject, Tuple};
use crate::policy::RefusalAction;
use crate::reject::Rejection;
use crate::route_cache::Way;
use crate::session::Session;

/// An inner packet between the device and a session.
#[derive(Clone, Copy)]
pub struct Passing<'a> {
    /// What it says.
    pub inner: &'a InnerPacket,
    /// Its flow.
    pub subject: &'a Subject,
    /// What is known already of where that lies.
    pub foreseen: Foreseen,
    /// All of it, and nothing behind it.
    pub bytes: &'a [u8],
}

/// Why a packet may not pass, and what its sender is told.
pub struct Refused {
    pub(crate) reason: DropReason,
    pub(crate) answer: Option<Vec<u8>>,
}

impl<O: Output> Step<'_, O> {
    /// What the rules are asked about for a packet, and from now on for the parts that follow it.
    // Left to the compiler it is a call that copies a flow three times, 10 ns for each packet that comes in.
    #[inline(always)]
    pub(crate) fn subject(
        &self,
        tuple: Tuple,
        part: Option<Part>,
        direction: Direction,
        owner: IpAddr,
    ) -> Result<Subject, DropReason> {
        let flow = match &part {
            None => tuple,
            Some(part) => lock(self.engine.fragments(direction)).flow_of(owner, tuple, part, self.now_ms)?,
        };
        Ok(Subject { flow, part })
    }

    /// Whether a packet may pass and, of a part, may be put together by whoever receives it.
    #[inline]
    pub(crate) fn judge(
        &mut self,
        session: &Session,
        packet: Passing<'_>,
        direction: Direction,
    ) -> Result<(), Refused> {
        let owner = match direction {
            Direction::Inbound => session.peer(),
            Direction::Outbound => packet.subject.flow.remote_address,
        };
        let judged = self.judge_flow(session, packet, direction);
        if judged.is_err() {
            self.withdraw(packet.subject, direction, owner);
        }
        let judged = judged.and_then(|()| {
            let admitted = self.admit_part(packet.subject, direction, owner);
            admitted.map_err(|reason| Refused { reason, answer: None })
        });
        let refused = judged.as_ref().err().map(|refused| refused.reason);
        self.capture((&packet.subject.flow, packet.bytes), direction, Some(session), refused);
        judged
    }

    /// Whether a packet belongs to an allowed flow, is about one, or may open one.
    #[inline]
    fn judge_flow(&mut self, session: &Session, packet: Passing<'_>, direction: Direction) -> Result<(), Refused> {
        let is_about_flow = icmp_error::is_error(packet.inner) && self.is_about_flow(session, packet, direction);
        if is_about_flow && self.admits_error(session, direction) {
            return Ok(());
        }
        let Passing { inner, subject: Subject { flow: tuple, .. }, foreseen, .. } = packet;
        let engine = self.engine;
        let of_flow = FlowPacket {
            tuple,
            direction,
            foreseen,
            tcp_flags: inner.tcp_flags,
            packets: 1,
            bytes: inner.length as u64,
            peer: session.peer(),
            policy_id: session.policy_id(),
            now_ms: self.now_ms,
            timeouts: &self.host.flow_timeouts,
        };
        let judged = engine.flows.judge(self.flow, &of_flow, |direction, asked| {
            // The id is asked for again under the lock: a change of rules binds sessions while it holds it.
            read(&engine.policies).judge(session.policy_id(), direction, tuple, asked)
        });
        match judged {
            Judged::Allowed => Ok(()),
            Judged::AllowedByEviction => {
                engine.drops.add(DropReason::FlowEvicted, 1);
                Ok(())
            }
            Judged::Refused(_) if tuple.is_rest => Err(Refused { reason: DropReason::Fragment, answer: None }),
            Judged::Refused(_) if is_about_flow => Err(Refused { reason: DropReason::IcmpErrorLimited, answer: None }),
            Judged::Refused(action) => {
                let through = (direction == Direction::Inbound).then_some(session);
                Err(Refused { reason: DropReason::NoMatchingRule, answer: self.rejection(action, packet, through) })
            }
        }
    }

    /// Whether a part that the rules allow goes on.
    #[inline]
    fn admit_part(&self, subject: &Subject, direction: Direction, owner: IpAddr) -> Result<(), DropReason> {
        let Some(part) = &subject.part else { return Ok(()) };
        lock(self.engine.fragments(direction)).admit(owner, subject, part, self.now_ms)
    }

    /// What did not go on is not followed.
    pub(crate) fn withdraw(&self, subject: &Subject, direction: Direction, owner: IpAddr) {
        if let Some(part) = subject.part.filter(Part::is_first) {
            lock(self.engine.fragments(direction)).withdraw(owner, subject, &part);
        }
    }

    /// Whether what comes through a session may be from this address: a peer speaks for itself, a gateway for what lies behind it,
    /// nobody for us.
    pub(crate) fn speaks_for(&mut self, session: &Session, address: IpAddr) -> bool {
        match self.way(&address) {
            Way::Peer => session.peer_addresses.contains(&address),
            Way::Gateways | Way::None => session.is_behind(address),
            Way::Own => false,
        }
    }

    /// Refuses a packet for want of a route.
    pub(crate) fn refuse_unrouted(&mut self, packet: Passing<'_>) {
        self.capture((&packet.subject.flow, packet.bytes), Direction::Outbound, None, Some(DropReason::NoRoute));
        let answer = self.rejection(self.host.refuse_no_route, packet, None);
        self.refuse(None, &packet.subject.flow, Refused { reason: DropReason::NoRoute, answer });
    }

    /// Ends a packet of this host, and tells the host if it is rejected.
    pub(crate) fn refuse(&mut self, session: Option<&Session>, tuple: &Tuple, refused: Refused) {
        let Refused { reason, answer } = refused;
        let local_index = session.map_or(0, |session| session.local_index);
        self.drop(DropSample { local_index, ..DropSample::refused(false, *tuple, reason, answer.is_some()) });
        if let Some(answer) = answer {
            self.engine.inbound.tun_written.add(1);
            self.out.packet(&answer);
        }
    }

    /// Ends a packet of a peer. Returned is what the peer is to be told.
    pub(crate) fn refuse_peer(&mut self, session: &Session, tuple: &Tuple, refused: Refused) -> Option<Vec<u8>> {
        let Refused { reason, answer } = refused;
        let local_index = session.local_index;
        self.drop(DropSample { local_index, ..DropSample::refused(true, *tuple, reason, answer.is_some()) });
        answer
    }

    /// The answer to a packet that is refused in this way, if it gets one: through a session, or from this host to itself.
    fn rejection(&mut self, action: RefusalAction, packet: Passing<'_>, through: Option<&Session>) -> Option<Vec<u8>> {
        let rejection = || Rejection::of(packet.bytes, packet.inner);
        if action == RefusalAction::Reject { self.answer(packet.inner, rejection, through) } else { None }
    }

    /// What tells this host that a packet of its own is longer than `mtu`, which is all that its way carries.
    pub(crate) fn too_big(&mut self, packet: Passing<'_>, mtu: usize) -> Option<Vec<u8>> {
        self.answer(packet.inner, || Rejection::too_big(packet.bytes, packet.inner, mtu), None)
    }

    fn answer<'a>(
        &mut self,
        inner: &InnerPacket,
        rejection: impl FnOnce() -> Option<Rejection<'a>>,
        through: Option<&Session>,
    ) -> Option<Vec<u8>> {
        if (through.is_none() && self.host.answer_echo) || self.host.is_for_many(inner.destination) {
            return None;
        }
        let rejection = rejection()?;
        let is_admitted = match through {
            Some(session) => lock(&self.engine.messages_in).admits(session.peer(), Order::Reject, self.now_ms),
            None => self.engine.admits_rejection(self.now_ms),
        };
        if is_admitted {
            return Some(rejection.packet(inner));
        }
        self.engine.drops.add(DropReason::RejectLimited, 1);
        None
    }

    /// Whether an ICMP error is about a packet of a flow that this peer takes part in.
    fn is_about_flow(&mut self, session: &Session, packet: Passing<'_>, direction: Direction) -> bool {
        let Some(quoted) = icmp_error::quoted_flow(packet.bytes, packet.inner, direction) else { return false };
        if !self.speaks_for(session, quoted.remote_address) {
            return false;
        }
        let Self { engine, host, now_ms, .. } = self;
        engine.flows.knows(&quoted, session.policy_id(), (*now_ms, &host.flow_timeouts), |direction, asked| {
            read(&engine.policies).judge(session.policy_id(), direction, &quoted, asked)
        })
    }

    fn admits_error(&mut self, session: &Session, direction: Direction) -> bool {
        let order = match direction {
            Direction::Inbound => Order::ErrorIn,
            Direction::Outbound => Order::ErrorOut,
        };
        lock(&self.engine.messages_in).admits(session.peer(), order, self.now_ms)
    }
}
