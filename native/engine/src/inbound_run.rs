//! Datagrams that came in one piece: what is asked about one of them is not asked about each, and while the next ones are opened, the memory of flows
//! that are not at hand is fetched.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::alike::is_alike;
use crate::engine::{Pass, Step};
use crate::flow::{FlowPacket, Foreseen};
use crate::header::{Header, Kind};
use crate::output::Output;
use crate::packet::{Direction, InnerPacket};
use crate::path::Path;
use crate::session::Session;

/// Datagrams opened before the first of them is judged. More would not stay in the processor's first cache.
const AHEAD: usize = 16;

/// A packet that was opened and is not judged yet.
struct Opened<'a> {
    body: &'a mut [u8],
    foreseen: Foreseen,
}

impl<O: Output> Pass<'_, O> {
    /// What is done with datagrams one by one, in the same order but for this: several of one session are opened before the first of them is judged.
    pub(crate) fn inbound_run(&mut self, datagrams: &mut [u8], datagram_bytes: usize, source: SocketAddr) {
        let mut run = Run::default();
        for datagram in datagrams.chunks_mut(datagram_bytes) {
            let message = Header::decode(datagram).ok().filter(|header| self.is_plain(header, source));
            let Some(header) = message else {
                run.end(&mut self.step);
                self.datagram(datagram, source);
                continue;
            };
            if run.packets.len() == AHEAD || !run.is_of(header.remote_index) {
                run.end(&mut self.step);
                run.session = self.sessions.by_index(&self.step.engine.sessions, header.remote_index).cloned();
            }
            match &run.session {
                Some(session) => match session.take_in(&header, datagram, &self.step.engine.inbound) {
                    Ok(body) => {
                        // What the first of them has proved, those behind it prove once more.
                        let awaited = match run.packets.is_empty() {
                            true => self.step.proved(session, Path::Direct(source), header.kind),
                            false => vec![],
                        };
                        run.packets.push(Opened { foreseen: self.step.foresee_inbound(body), body });
                        if !awaited.is_empty() {
                            run.end(&mut self.step);
                            awaited.into_iter().for_each(|address| self.release(address));
                        }
                    }
                    Err(reason) => {
                        let session = Arc::clone(session);
                        run.end(&mut self.step);
                        self.step.drop_inbound(&session, None, reason);
                    }
                },
                None => self.datagram(datagram, source),
            }
        }
        run.end(&mut self.step);
    }

    /// Whether it can only be a message of an established session, or nothing.
    fn is_plain(&self, header: &Header, source: SocketAddr) -> bool {
        header.kind == Kind::Message && source.port() != 0 && !self.step.host.is_overlay(source.ip())
    }
}

/// Packets of one session that follow each other.
#[derive(Default)]
struct Run<'a> {
    session: Option<Arc<Session>>,
    packets: Vec<Opened<'a>>,
}

impl Run<'_> {
    fn is_of(&self, local_index: u32) -> bool {
        self.session.as_ref().is_some_and(|session| session.local_index == local_index)
    }

    /// Judges its packets. What follows is asked anew of whom it is: this one may be over.
    fn end<O: Output>(&mut self, step: &mut Step<'_, O>) {
        for opened in &self.packets {
            step.engine.flows.approach(opened.foreseen);
        }
        let Some(session) = self.session.take() else { return };
        let mut packets = self.packets.as_mut_slice();
        while let Some((first, behind)) = packets.split_first_mut() {
            let let_in = step.inner_packet(&session, first.body, first.foreseen);
            let followed = let_in.map_or(0, |inner| step.follow_in(&session, (&inner, first.body), behind));
            packets = behind.get_mut(followed..).unwrap_or_default();
        }
        self.packets.clear();
    }
}

impl<O: Output> Step<'_, O> {
    /// Lets in those that are like the one before them, which was let in, with one look at the flow for all of them. Returns how many.
    fn follow_in(&mut self, session: &Session, (inner, first): (&InnerPacket, &[u8]), behind: &[Opened<'_>]) -> usize {
        let alike = behind.iter().take_while(|next| is_alike(first, next.body)).count();
        let followers = behind.get(..alike).unwrap_or_default();
        if followers.is_empty() || self.engine.capture.is_on() {
            return 0;
        }
        let of_flow = FlowPacket {
            tuple: &inner.tuple(Direction::Inbound),
            direction: Direction::Inbound,
            foreseen: Foreseen::default(),
            tcp_flags: inner.tcp_flags,
            packets: followers.len() as u64,
            bytes: followers.iter().map(|packet| packet.body.len() as u64).sum(),
            peer: session.peer(),
            policy_id: session.policy_id(),
            now_ms: self.now_ms,
            timeouts: &self.host.flow_timeouts,
        };
        if !self.engine.flows.passes(self.flow, &of_flow) {
            return 0;
        }
        self.engine.inbound.tun_written.add(of_flow.packets);
        followers.iter().for_each(|packet| self.out.packet(packet.body));
        alike
    }

    fn foresee_inbound(&self, body: &[u8]) -> Foreseen {
        if !self.engine.flows.is_far() {
            return Foreseen::default();
        }
        match InnerPacket::parse(body) {
            Ok(inner) if inner.part.is_none() => self.engine.flows.foresee(&inner.tuple(Direction::Inbound)),
            _ => Foreseen::default(),
        }
    }
}
