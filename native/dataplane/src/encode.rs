//! Values of the engine into values of the contract.

use std::net::{IpAddr, SocketAddr};

use lacis_contract::v1::{self, from_data_plane::Event as Wire};
use lacis_contract::{CONTRACT_VERSION, FRAME_LIMIT_BYTES};
use lacis_engine::control::{Sample, SessionSnapshot};
use lacis_engine::ip::address_to_bytes;
use lacis_engine::output::{DropSample, Event};
use prost::Message;

use crate::failure::Failure;

/// Name and version of this program.
pub const BUILD: &str = concat!("lacis-dataplane ", env!("CARGO_PKG_VERSION"));

/// Sessions in one `Sampled`: about 60 bytes each, so that they fit a frame with the counters.
pub const SAMPLED_SESSIONS_MAX: usize = 12_288;

/// Bytes of sessions in one `Ready`: leaves room for one session with the longest memo and for the rest of the message.
const READY_SESSIONS_BYTES: usize = FRAME_LIMIT_BYTES / 2;

/// An underlay address.
pub fn endpoint(socket: SocketAddr) -> v1::Endpoint {
    v1::Endpoint { address: address_to_bytes(socket.ip()), port: socket.port().into() }
}

/// The answer to one request, `None` when none is wanted.
pub fn result(request_id: u64, outcome: Result<Option<v1::result::Value>, Failure>) -> Option<Wire> {
    let (error, code, value) = match outcome {
        Ok(_) if request_id == 0 => return None,
        Ok(value) => (String::new(), String::new(), value),
        Err(failure) => (failure.message, failure.code.to_owned(), None),
    };
    Some(Wire::Result(v1::Result { request_id, error, code, value }))
}

/// One event.
pub fn event(event: Event) -> Wire {
    match event {
        Event::Datagram { source, datagram } => {
            Wire::Datagram(v1::Datagram { source: Some(endpoint(source)), datagram })
        }
        Event::Message { local_index, kind, body } => {
            let (kind, subtype) = kind.to_wire();
            Wire::Message(v1::Message { local_index, r#type: kind.into(), subtype: subtype.into(), body })
        }
        Event::NeedSession { destination } => {
            Wire::NeedSession(v1::NeedSession { destination: address_to_bytes(destination) })
        }
        Event::Confirmed { local_index } => Wire::Confirmed(v1::Confirmed { local_index }),
        Event::Roamed { local_index, path } => Wire::Roamed(v1::Roamed { local_index, path: Some(endpoint(path)) }),
        Event::CounterHigh { local_index, send_counter, exhausted } => {
            Wire::CounterHigh(v1::CounterHigh { local_index, send_counter, exhausted })
        }
        Event::Dropped(sample) => Wire::DropSample(drop_sample(&sample)),
    }
}

fn drop_sample(sample: &DropSample) -> v1::DropSample {
    let mut wire = v1::DropSample {
        reason: sample.reason.name().into(),
        inbound: sample.inbound,
        local_index: sample.local_index,
        source: sample.source.map(endpoint),
        ..Default::default()
    };
    if let Some(tuple) = sample.tuple {
        wire.local_address = address_to_bytes(tuple.local_address);
        wire.remote_address = address_to_bytes(tuple.remote_address);
        wire.protocol = tuple.protocol.into();
        wire.local_port = tuple.local_port.into();
        wire.remote_port = tuple.remote_port.into();
    }
    wire
}

/// Activity and counters.
pub fn sampled(sample: Sample) -> v1::Sampled {
    let activity = sample.activity.iter().map(|activity| v1::SessionActivity {
        local_index: activity.local_index,
        received: activity.received,
        sent: activity.sent,
        received_packets_total: activity.received_packets,
        received_bytes_total: activity.received_bytes,
        sent_packets_total: activity.sent_packets,
        sent_bytes_total: activity.sent_bytes,
    });
    let drops =
        sample.drops.iter().map(|(reason, count)| v1::NamedCounter { name: reason.name().into(), count: *count });
    v1::Sampled {
        activity: activity.collect(),
        more: sample.more,
        counters: Some(v1::Counters {
            drops: drops.collect(),
            tun_read_packets: sample.tun_read_packets,
            tun_written_packets: sample.tun_written_packets,
            udp_received_datagrams: sample.udp_received_datagrams,
            udp_sent_datagrams: sample.udp_sent_datagrams,
            flows: sample.flows,
            parked: sample.parked,
        }),
    }
}

/// What already runs here, in as many `Ready` as it takes. `devices` is a snapshot without sessions.
pub fn ready(
    capabilities: &[&str],
    devices: v1::Snapshot,
    sessions: impl Iterator<Item = SessionSnapshot>,
) -> Vec<v1::Ready> {
    let mut sessions = sessions.map(session_snapshot).peekable();
    let mut frames = vec![];
    loop {
        let (mut held, mut bytes) = (vec![], 0);
        while let Some(session) = sessions.next_if(|_| bytes < READY_SESSIONS_BYTES) {
            bytes += session.encoded_len();
            held.push(session);
        }
        let more = sessions.peek().is_some();
        frames.push(v1::Ready {
            contract_version: CONTRACT_VERSION,
            build: BUILD.into(),
            capabilities: capabilities.iter().map(|name| (*name).to_owned()).collect(),
            snapshot: Some(v1::Snapshot { sessions: held, ..devices.clone() }),
            more,
        });
        if !more {
            return frames;
        }
    }
}

fn session_snapshot(session: SessionSnapshot) -> v1::SessionSnapshot {
    v1::SessionSnapshot {
        local_index: session.local_index,
        remote_index: session.remote_index,
        path: session.path.map(endpoint),
        peer_addresses: session.peer_addresses.into_iter().map(|address: IpAddr| address_to_bytes(address)).collect(),
        confirmed: session.confirmed,
        primary: session.primary,
        send_counter: session.send_counter,
        memo: session.memo,
    }
}

#[cfg(test)]
mod tests {
    use lacis_engine::control::SessionSnapshot;

    use super::*;

    fn session(local_index: u32) -> SessionSnapshot {
        SessionSnapshot {
            local_index,
            remote_index: 1,
            path: None,
            peer_addresses: vec![],
            confirmed: true,
            primary: true,
            send_counter: 2,
            memo: vec![0; 64 << 10],
        }
    }

    #[test]
    fn a_long_snapshot_is_told_in_several_frames_that_all_fit() {
        let frames = ready(&[], v1::Snapshot::default(), (1..=40).map(session));
        assert!(frames.len() > 1);
        let last = frames.len() - 1;
        let mut indices = vec![];
        for (at, frame) in frames.iter().enumerate() {
            assert_eq!(frame.more, at != last);
            assert!(frame.encoded_len() <= FRAME_LIMIT_BYTES);
            indices.extend(frame.snapshot.iter().flat_map(|s| &s.sessions).map(|t| t.local_index));
        }
        assert!(indices.into_iter().eq(1..=40));
    }

    #[test]
    fn an_empty_snapshot_is_one_frame() {
        assert_eq!(ready(&["x"], v1::Snapshot::default(), [].into_iter()).len(), 1);
    }

    #[test]
    fn only_a_failure_is_told_to_who_wants_no_answer() {
        assert_eq!(result(0, Ok(None)), None);
        assert!(result(0, Err(Failure::bad("x"))).is_some());
        assert!(result(1, Ok(None)).is_some());
    }
}
