//! Datagrams that came in one piece and belong to many flows: while the next ones are opened, the memory of their flows is fetched.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::engine::{Pass, Step};
use crate::flow::Foreseen;
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
    pub(crate) fn inbound_ahead(&mut self, datagrams: &mut [u8], datagram_bytes: usize, source: SocketAddr) {
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
                        let awaited = self.step.proved(session, Path::Direct(source), header.kind);
                        run.packets.push(Opened { foreseen: self.step.foresee_inbound(body), body });
                        if !awaited.is_empty() {
                            run.end(&mut self.step);
                            awaited.into_iter().for_each(|address| self.release(address));
                        }
                    }
                    Err(reason) => self.step.drop_inbound(session, None, reason),
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
        for Opened { body, foreseen } in self.packets.drain(..) {
            step.inner_packet(&session, body, foreseen);
        }
    }
}

impl<O: Output> Step<'_, O> {
    fn foresee_inbound(&self, body: &[u8]) -> Foreseen {
        match InnerPacket::parse(body) {
            Ok(inner) if inner.part.is_none() => self.engine.flows.foresee(&inner.tuple(Direction::Inbound)),
            _ => Foreseen::default(),
        }
    }
}
