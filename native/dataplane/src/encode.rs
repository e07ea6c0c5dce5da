//! Values of the engine into values of the contract.

use std::net::{IpAddr, SocketAddr};

use lacis_contract::wire::{self, from_data_plane::Event as Wire};
use lacis_contract::{CONTRACT_VERSION, FRAME_LIMIT_BYTES, OLDEST_VERSION};
use lacis_engine::aead::choice::Libraries;
use lacis_engine::aead::{Cipher, Library};
use lacis_engine::capture::{Captured, CapturedPacket};
use lacis_engine::flow::{FlowHappening, FlowRecord, FlowView};
use lacis_engine::ip::{Prefix, address_to_bytes};
use lacis_engine::output::{DropSample, Event, FlowRecords, Standing};
use lacis_engine::packet::Direction;
use lacis_engine::path::{Path, Relayed};

use lacis_engine::policy::RefusalAction;
use lacis_engine::relay::{Relay, Role};
use lacis_engine::reports::{Sample, SampleLimits, SessionSnapshot};
use lacis_engine::route::{Route, Target};
use prost::Message;

use crate::failure::Failure;
use crate::platform::confinement::Confinement;

/// Name and version of this program.
#[cfg(not(lacis_null_cipher))]
pub const BUILD: &str = concat!("lacis-dataplane ", env!("CARGO_PKG_VERSION"));
/// The same, and what is wrong with it.
#[cfg(lacis_null_cipher)]
pub const BUILD: &str = concat!("lacis-dataplane ", env!("CARGO_PKG_VERSION"), ", NULL CIPHER, NOTHING IS ENCRYPTED");

/// What one `Sampled` tells: rules of 29 bytes at most, relays of 30; of sessions what is looked at in less than a millisecond on either side, while messages wait.
pub const SAMPLE_LIMITS: SampleLimits = SampleLimits { sessions: 128, rules: 8_192, relays: 2_048 };

/// Bytes of sessions in one `Ready`: leaves room for one session with the longest memo, for all relays (at most 44 bytes each) and for the rest
/// of the message.
const READY_SESSIONS_BYTES: usize = FRAME_LIMIT_BYTES / 2;

/// An underlay address.
pub fn endpoint(socket: SocketAddr) -> wire::Endpoint {
    wire::Endpoint { address: address_to_bytes(socket.ip()), port: socket.port().into() }
}

/// A way to a peer, or where a datagram came from.
pub fn path(path: Path) -> wire::Path {
    let way = match path {
        Path::Direct(to) => wire::path::Way::Direct(endpoint(to)),
        Path::Relayed(Relayed { session, relay_index }) => {
            wire::path::Way::Relayed(wire::Relayed { session, relay_index })
        }
    };
    wire::Path { way: Some(way) }
}

/// A relay that is set.
pub fn relay(relay: Relay) -> wire::SetRelay {
    let role = match relay.role {
        Role::End(peer) => wire::set_relay::Role::TerminalPeer(address_to_bytes(peer)),
        Role::Forward(Relayed { session, relay_index }) => {
            wire::set_relay::Role::Forward(wire::RelayHop { session, relay_index })
        }
    };
    wire::SetRelay {
        relay_index: relay.relay_index,
        session: relay.session,
        remote_index: relay.remote_index,
        role: Some(role),
    }
}

/// A prefix.
pub fn prefix(prefix: Prefix) -> wire::Prefix {
    wire::Prefix { address: address_to_bytes(prefix.address()), bits: prefix.bits().into() }
}

/// The answer to one request, `None` when none is wanted. `quiet`: only of a failure.
pub fn result(request_id: u64, quiet: bool, outcome: Result<Option<wire::result::Value>, Failure>) -> Option<Wire> {
    let (error, code, value) = match outcome {
        Ok(_) if request_id == 0 || quiet => return None,
        Ok(value) => (String::new(), String::new(), value),
        Err(failure) => (failure.message, failure.code.to_owned(), None),
    };
    Some(Wire::Result(wire::Result { request_id, error, code, value }))
}

/// One event.
pub fn event(event: Event) -> Wire {
    match event {
        Event::Datagram { origin, standing, datagram } => {
            let standing = match standing {
                Standing::Known => wire::DatagramStanding::Known,
                Standing::Repeated => wire::DatagramStanding::Repeated,
                Standing::First => wire::DatagramStanding::First,
            };
            Wire::Datagram(wire::Datagram { origin: Some(path(origin)), standing: standing.into(), datagram })
        }
        Event::Message { local_index, kind, body, heard } => {
            let (kind, subtype) = kind.to_wire();
            Wire::Message(wire::Message { local_index, r#type: kind.into(), subtype: subtype.into(), body, heard })
        }
        Event::NeedSession { destination } => {
            Wire::NeedSession(wire::NeedSession { destination: address_to_bytes(destination) })
        }
        Event::Confirmed { local_index } => Wire::Confirmed(wire::Confirmed { local_index }),
        Event::LargeSent { local_index } => Wire::LargeSent(wire::LargeSent { local_index }),
        Event::Roamed { local_index, path } => Wire::Roamed(wire::Roamed { local_index, path: Some(self::path(path)) }),
        Event::CounterHigh { local_index, send_counter, exhausted } => {
            Wire::CounterHigh(wire::CounterHigh { local_index, send_counter, exhausted })
        }
        Event::PathReplied { local_index, origin, token } => {
            Wire::PathReplied(wire::PathReplied { local_index, origin: Some(path(origin)), token: token.to_vec() })
        }
        Event::Silent { local_index, since_ms } => {
            Wire::Silent(wire::Silent { local_index, since_ms: u32::try_from(since_ms).unwrap_or(u32::MAX) })
        }
        Event::Dropped(sample) => Wire::DropSample(drop_sample(&sample)),
        Event::Flows(flows) => Wire::FlowReport(wire::FlowReport { flows: flows.iter().map(flow).collect() }),
        Event::Captured(Captured { packets, lost }) => {
            Wire::Captured(wire::Captured { packets: packets.into_iter().map(captured).collect(), lost })
        }
        Event::FlowRecords(FlowRecords { records, untold }) => {
            Wire::FlowRecords(wire::FlowRecords { records: records.iter().map(flow_record).collect(), untold })
        }
    }
}

fn drop_sample(sample: &DropSample) -> wire::DropSample {
    let mut wire = wire::DropSample {
        reason: sample.reason.name().into(),
        inbound: sample.inbound,
        local_index: sample.local_index,
        origin: sample.origin.map(path),
        action: refusal_action(sample.action).into(),
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

fn captured(packet: CapturedPacket) -> wire::CapturedPacket {
    wire::CapturedPacket {
        packet: packet.bytes,
        length: u32::try_from(packet.length).unwrap_or(u32::MAX),
        inbound: packet.inbound,
        refused: packet.refused.map(|reason| reason.name().into()).unwrap_or_default(),
        local_index: packet.local_index,
        ago_ms: packet.ago_ms,
    }
}

fn flow_record(record: &FlowRecord) -> wire::FlowRecord {
    let (happening, reason, action) = match record.happening {
        FlowHappening::Begun => (wire::FlowHappening::Begun, "", None),
        FlowHappening::Ended(end) => (wire::FlowHappening::Ended, end.name(), None),
        FlowHappening::Refused { reason, action } => (wire::FlowHappening::Refused, reason.name(), action),
    };
    wire::FlowRecord {
        happening: happening.into(),
        flow: Some(flow(&record.flow)),
        peer: record.peer.map(address_to_bytes).unwrap_or_default(),
        reason: reason.into(),
        action: refusal_action(action).into(),
    }
}

fn refusal_action(action: Option<RefusalAction>) -> wire::RefusalAction {
    match action {
        Some(RefusalAction::Drop) => wire::RefusalAction::Drop,
        Some(RefusalAction::Reject) => wire::RefusalAction::Reject,
        None => wire::RefusalAction::Unspecified,
    }
}

/// A flow.
pub fn flow(flow: &FlowView) -> wire::Flow {
    wire::Flow {
        local_address: address_to_bytes(flow.tuple.local_address),
        remote_address: address_to_bytes(flow.tuple.remote_address),
        local_port: flow.tuple.local_port.into(),
        remote_port: flow.tuple.remote_port.into(),
        protocol: flow.tuple.protocol.into(),
        inbound: flow.opened_by == Direction::Inbound,
        policy_id: flow.by.policy_id,
        rule_id: flow.by.rule_id,
        age_ms: flow.age_ms,
        idle_ms: flow.idle_ms,
        sent_packets: flow.traffic.sent_packets,
        sent_bytes: flow.traffic.sent_bytes,
        received_packets: flow.traffic.received_packets,
        received_bytes: flow.traffic.received_bytes,
    }
}

/// A route, an empty one where there is none.
pub fn route(route: Option<&Route>) -> wire::Route {
    let Some(route) = route else { return wire::Route::default() };
    let target = match &route.target {
        Target::Own => wire::route::Target::Own(wire::OwnRoute {}),
        Target::Peer => wire::route::Target::Peer(wire::PeerRoute {}),
        Target::None => wire::route::Target::None(wire::NoRoute {}),
        Target::Gateways(gateways) => wire::route::Target::Gateways(wire::GatewayRoute {
            gateways: gateways
                .iter()
                .map(|gateway| wire::Gateway {
                    address: address_to_bytes(gateway.address),
                    weight: gateway.weight.into(),
                })
                .collect(),
        }),
    };
    wire::Route { prefix: Some(prefix(route.prefix)), target: Some(target) }
}

/// Activity and counters.
pub fn sampled(sample: Sample) -> wire::Sampled {
    let activity = sample.activity.iter().map(|activity| wire::SessionActivity {
        local_index: activity.local_index,
        received: activity.received,
        sent: activity.sent,
        received_packets_total: activity.received_packets,
        received_bytes_total: activity.received_bytes,
        sent_packets_total: activity.sent_packets,
        sent_bytes_total: activity.sent_bytes,
        kept_answers: activity.given.answers,
        kept_answer_bytes: activity.given.bytes,
    });
    let drops =
        sample.drops.iter().map(|(reason, count)| wire::NamedCounter { name: reason.name().into(), count: *count });
    let rules = sample.rules.iter().map(|count| wire::RuleCounter {
        policy_id: count.policy_id,
        inbound: count.direction == Direction::Inbound,
        rule_id: count.rule_id,
        flows: count.totals.flows,
        packets: count.totals.packets,
        bytes: count.totals.bytes,
    });
    let relays = sample.relays.iter().map(|activity| wire::RelayActivity {
        relay_index: activity.relay_index,
        packets_total: activity.packets,
        bytes_total: activity.bytes,
    });
    wire::Sampled {
        activity: activity.collect(),
        rules: rules.collect(),
        relays: relays.collect(),
        more: sample.more,
        counters: Some(Box::new(wire::Counters {
            drops: drops.collect(),
            tun_read_packets: sample.tun_read_packets,
            tun_written_packets: sample.tun_written_packets,
            udp_received_datagrams: sample.udp_received_datagrams,
            udp_sent_datagrams: sample.udp_sent_datagrams,
            flows: sample.flows,
            parked: sample.parked,
            test_requests_answered: sample.test_requests_answered,
            kept_answers_given: sample.kept_answers_given,
            recv_errors_sent: sample.recv_errors_sent,
            parked_released: sample.parked_released,
            packets_lost: sample.packets_lost,
            packets_duplicate: sample.packets_duplicate,
            outbound_no_matching_rule: sample.outbound_no_matching_rule,
            outbound_local_address: sample.outbound_local_address,
        })),
    }
}

/// What already runs here, in as many `Ready` as it takes, each made when it is asked for. `devices` is a snapshot without sessions; only the first
/// one tells of its relays.
pub fn ready(
    introduction: wire::Ready,
    contract_version: u32,
    mut devices: wire::Snapshot,
    sessions: impl Iterator<Item = SessionSnapshot>,
) -> impl Iterator<Item = wire::Ready> {
    let mut sessions = sessions.map(session_snapshot).peekable();
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let (mut held, mut bytes) = (vec![], 0);
        while let Some(session) = sessions.next_if(|_| bytes < READY_SESSIONS_BYTES) {
            bytes += session.encoded_len();
            held.push(session);
        }
        let more = sessions.peek().is_some();
        is_over = !more;
        let relays = std::mem::take(&mut devices.relays);
        let snapshot = Some(wire::Snapshot { sessions: held, relays, ..devices.clone() });
        Some(wire::Ready { contract_version, snapshot, more, ..introduction.clone() })
    })
}

/// Who speaks here, whoever asks: all that is answered to a control plane that speaks no version spoken here.
pub fn introduction(capabilities: &[&str], libraries: Libraries, program: Vec<u8>, age_ms: u64) -> wire::Ready {
    wire::Ready {
        contract_version: CONTRACT_VERSION,
        oldest_version: OLDEST_VERSION,
        build: BUILD.into(),
        capabilities: capabilities.iter().map(|name| (*name).to_owned()).collect(),
        snapshot: None,
        more: false,
        ciphers: Cipher::ALL.map(|cipher| cipher_library(cipher, libraries.of(cipher))).to_vec(),
        program,
        age_ms,
    }
}

fn cipher_library(cipher: Cipher, library: Library) -> wire::CipherLibrary {
    let cipher = match cipher {
        Cipher::Aes256Gcm => wire::Cipher::Aes256Gcm,
        Cipher::ChaCha20Poly1305 => wire::Cipher::Chacha20Poly1305,
    };
    wire::CipherLibrary { cipher: cipher.into(), library: library.name().into() }
}

fn session_snapshot(session: SessionSnapshot) -> wire::SessionSnapshot {
    wire::SessionSnapshot {
        local_index: session.local_index,
        remote_index: session.remote_index,
        path: session.path.map(path),
        peer_addresses: session.peer_addresses.into_iter().map(|address: IpAddr| address_to_bytes(address)).collect(),
        allowed_prefixes: session.allowed_prefixes.into_iter().map(prefix).collect(),
        confirmed: session.confirmed,
        primary: session.primary,
        send_counter: session.send_counter,
        memo: session.memo,
    }
}

/// What a process has given up.
pub fn confinement(confinement: &Confinement) -> wire::Confinement {
    let names = confinement.holds.iter().map(|measure| measure.name().to_owned()).collect();
    let lacking = confinement
        .lacking
        .iter()
        .map(|(measure, why)| wire::LackingMeasure { measure: measure.name().to_owned(), why: why.clone() });
    wire::Confinement { holds: names, lacking: lacking.collect(), system_calls: confinement.system_calls }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(local_index: u32) -> SessionSnapshot {
        SessionSnapshot {
            local_index,
            remote_index: 1,
            path: None,
            peer_addresses: vec![],
            allowed_prefixes: vec![],
            confirmed: true,
            primary: true,
            send_counter: 2,
            memo: vec![0; 64 << 10],
        }
    }

    #[test]
    fn a_long_snapshot_is_told_in_several_frames_that_all_fit() {
        let frames: Vec<_> =
            ready(wire::Ready::default(), 2, wire::Snapshot::default(), (1..=40).map(session)).collect();
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
    fn it_says_who_does_the_work_of_each_cipher() {
        let libraries = Libraries { aes_256_gcm: Library::Ring, chacha20_poly1305: Library::AwsLc };
        let told = introduction(&[], libraries, vec![], 0).ciphers.into_iter().map(|told| (told.cipher, told.library));
        assert_eq!(told.collect::<Vec<_>>(), [(1, "ring".into()), (2, "aws-lc-rs".into())]);
    }

    #[test]
    fn an_empty_snapshot_is_one_frame() {
        assert_eq!(ready(wire::Ready::default(), 2, wire::Snapshot::default(), [].into_iter()).count(), 1);
    }

    #[test]
    fn only_a_failure_is_told_to_who_wants_no_answer() {
        assert_eq!(result(0, false, Ok(None)), None);
        assert!(result(0, false, Err(Failure::bad("x"))).is_some());
        assert!(result(1, false, Ok(None)).is_some());
        assert_eq!(result(1, true, Ok(None)), None);
        assert!(result(1, true, Err(Failure::bad("x"))).is_some());
    }
}
