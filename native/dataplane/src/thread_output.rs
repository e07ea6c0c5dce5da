//! Where the engine's outputs go in a running process: each thread has its own.

use std::net::SocketAddr;
use std::sync::Arc;

use lacis_engine::drop_reason::DropReason;
use lacis_engine::engine::Engine;
use lacis_engine::header::HEADER_BYTES;
use lacis_engine::output::{Event, Output};

use crate::encode;
use crate::event_queue::{EventQueue, Pushed};
use crate::platform::{PacketSink, SystemTun, SystemUdp, Tun};
use crate::send_batch::SendBatch;

/// The outputs of one thread. Without a socket or a device what would go there is dropped by name.
pub struct ThreadOutput {
    /// Counts what could not be delivered.
    pub engine: Arc<Engine>,
    /// The send side of the socket.
    pub datagrams: Option<SendBatch<SystemUdp>>,
    /// The write side of the device.
    pub packets: Option<<SystemTun as Tun>::Writer>,
    /// To the control plane.
    pub events: Arc<EventQueue>,
}

impl ThreadOutput {
    /// Sends and writes what the burst gathered.
    pub fn flush(&mut self) {
        let refused = self.packets.as_mut().map_or(0, PacketSink::flush);
        self.count_refused(refused);
        if let Some(datagrams) = &mut self.datagrams {
            datagrams.flush();
        }
    }

    /// Forgets what a failed burst gathered.
    pub fn clear(&mut self) {
        if let Some(datagrams) = &mut self.datagrams {
            datagrams.clear();
        }
        if let Some(packets) = &mut self.packets {
            packets.clear();
        }
    }

    fn count_refused(&self, packets: usize) {
        if packets > 0 {
            self.engine.count_drops(DropReason::NoDevice, packets as u64);
        }
    }
}

impl Output for ThreadOutput {
    fn datagram(&mut self, to: SocketAddr, length: usize, fill: impl FnOnce(&mut [u8]) -> bool) -> bool {
        self.datagrams.as_mut().is_some_and(|datagrams| datagrams.push(to, length, fill))
    }

    fn keep_whole(&mut self, whole: bool) {
        if let Some(datagrams) = &mut self.datagrams {
            datagrams.keep_whole(whole);
        }
    }

    fn packet(&mut self, packet: &[u8]) {
        let refused = self.packets.as_mut().map_or(1, |packets| packets.write(packet));
        self.count_refused(refused);
    }

    fn event(&mut self, event: Event) {
        let is_counted = matches!(event, Event::FlowRecords(_) | Event::Captured(_)).then(|| event.clone());
        let limited = match &event {
            Event::Datagram { datagram, .. } if datagram.len() > HEADER_BYTES => Some(DropReason::HandshakeLimited),
            Event::Datagram { .. } => Some(DropReason::RecvErrorLimited),
            _ => None,
        };
        if self.events.push(encode::event(event)) != Pushed::Overflow {
            return;
        }
        if let Some(reason) = limited {
            self.engine.count_drops(reason, 1);
        }
        if let Some(event) = is_counted {
            self.engine.unheard(&event);
        }
    }
}
