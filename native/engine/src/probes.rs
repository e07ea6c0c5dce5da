//! Questions about ways, and the answers: sections 5.1 and 5.4.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::drop_reason::DropReason;
use crate::engine::Step;
use crate::header::{Kind, PATH_TOKEN_BYTES};
use crate::output::{Event, Output};
use crate::path::Path;
use crate::session::Session;

/// Length of a binding request and of its reply: token, address, port.
const BINDING_BYTES: usize = PATH_TOKEN_BYTES + 16 + 2;

impl<O: Output> Step<'_, O> {
    /// An authentic probe, of whose kind there is one arm each.
    pub(crate) fn probed(
        &mut self,
        session: &Arc<Session>,
        kind: Kind,
        origin: Path,
        body: &[u8],
    ) -> Result<(), DropReason> {
        let local_index = session.local_index;
        let (token, rest) = body.split_first_chunk::<PATH_TOKEN_BYTES>().ok_or(DropReason::BadPathProbe)?;
        match (kind, origin) {
            // The reply goes where the request came from, wherever this session sends.
            (Kind::PathRequest, _) => self.answer_probe(session, origin, |step| {
                step.send_along(Some(origin), session, Kind::PathReply, token, None);
            })?,
            (Kind::PathReply, _) if rest.is_empty() => {
                self.out.event(Event::PathReplied { local_index, origin, token: *token });
            }
            // The reply goes where this session sends: what was asked from elsewhere may be let in from here only.
            (Kind::BindingRequest, Path::Direct(source)) if body.len() == BINDING_BYTES => {
                self.answer_probe(session, origin, |step| {
                    step.send(session, Kind::BindingReply, &binding(token, source), None);
                })?;
            }
            (Kind::BindingReply, _) if body.len() == BINDING_BYTES => {
                self.out.event(Event::Message { local_index, kind, body: body.to_vec(), heard: 0 });
            }
            _ => return Err(DropReason::BadPathProbe),
        }
        Ok(())
    }

    fn answer_probe(
        &mut self,
        session: &Arc<Session>,
        origin: Path,
        answer: impl FnOnce(&mut Self),
    ) -> Result<(), DropReason> {
        if !self.may_be_at(session, origin) {
            return Err(DropReason::PathNotAllowed);
        }
        self.engine.inbound.test_requests.add(1);
        answer(self);
        Ok(())
    }
}

/// The body of a reply.
fn binding(token: &[u8], source: SocketAddr) -> Vec<u8> {
    let address = match source.ip() {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    [token, &address.octets(), &source.port().to_be_bytes()].concat()
}
