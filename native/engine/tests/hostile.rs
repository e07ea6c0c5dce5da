//! Bytes that nobody honest would send.

#![allow(clippy::unwrap_used)]

mod support;

use lacis_engine::header::Kind;
use lacis_engine::output::Event;
use lacis_engine::relay::Role;
use lacis_engine::reports::SampleLimits;
use proptest::prelude::*;
use support::*;

proptest! {
    #[test]
    fn no_datagram_panics_or_gets_through(first in prop::sample::select(vec![0x10u8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16]), rest in prop::collection::vec(any::<u8>(), 0..200), aimed in any::<bool>()) {
        let mut host = Host::connected();
        let mut datagram = [&[first][..], &rest].concat();
        if aimed && datagram.len() >= 8 {
            datagram[4..8].copy_from_slice(&LOCAL_INDEX.to_be_bytes());
        }
        host.receive(datagram);
        prop_assert!(host.out.packets.is_empty());
        let sample = host.engine.sample(SampleLimits { sessions: 9, ..SampleLimits::default() });
        prop_assert!(sample.activity.is_empty());
    }

    #[test]
    fn no_datagram_in_a_frame_panics_and_each_goes_on_as_it_is_or_ends_by_name(inner in prop::collection::vec(any::<u8>(), 0..200), first in any::<u8>(), forwards in any::<bool>()) {
        let inner = [&[first][..], &inner].concat();
        let mut host = Host::relayed(if forwards { forward() } else { Role::End(address("10.0.0.3")) });
        let frame = host.framed(RELAY_INDEX, &inner);
        host.receive(frame);
        let sent: Vec<_> = host.out.datagrams.iter().map(|(_, frame)| frame.get(16..frame.len() - 16)).collect();
        prop_assert_eq!(&sent, &if forwards { vec![Some(&inner[..])] } else { vec![] });
        let handed_over = host.out.events.iter().filter(|event| matches!(event, Event::Datagram { .. })).count() as u64;
        prop_assert_eq!(sent.len() as u64 + handed_over + host.all_dropped(), 1);
    }

    #[test]
    fn no_inner_packet_of_a_peer_panics_or_gets_through_unparsed(body in prop::collection::vec(any::<u8>(), 0..200), first in prop::sample::select(vec![0x45u8, 0x46, 0x60, 0x00])) {
        let mut host = Host::connected();
        let datagram = host.sealed(Kind::Message, &[&[first][..], &body].concat());
        host.receive(datagram);
        prop_assert_eq!(host.out.packets.len() as u64 + host.all_dropped(), 1);
        prop_assert!(host.out.packets.is_empty());
    }

    #[test]
    fn no_packet_of_this_host_panics(body in prop::collection::vec(any::<u8>(), 0..200), first in prop::sample::select(vec![0x45u8, 0x46, 0x60, 0x00])) {
        let mut host = Host::connected();
        host.send(&[&[first][..], &body].concat());
        prop_assert_eq!(host.out.datagrams.len() as u64 + host.all_dropped(), 1);
    }
}
