//! The thread between the programs' socket and the device.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use lacis_stack::{STREAMS_MAX, Stack};

use super::carried::Carried;
use crate::clock::Clock;
use crate::platform::{Interest, LocalSocket, PacketSocket, Readiness, Stopped, wait_for};

/// Connections that have not been answered yet: more wait at the door.
const WAITING_MAX: usize = 64;
/// Packets of one look.
const PACKETS_A_TURN: usize = 64;

const READS: Interest = Interest { reads: true, writes: false };

/// See the head of this file.
pub struct Service {
    stack: Stack,
    device: PacketSocket,
    door: LocalSocket,
    carried: Vec<Carried>,
    clock: Clock,
}

impl Service {
    /// Nobody is carried yet.
    pub fn new(stack: Stack, device: PacketSocket, door: LocalSocket, clock: Clock) -> Self {
        Self { stack, device, door, carried: vec![], clock }
    }

    /// Until the switch is thrown, or the device is gone.
    pub fn run(mut self, stopped: &Stopped) {
        while let Ok(Some(ready)) = self.wait(stopped) {
            if self.turn(&ready).is_err() {
                return;
            }
        }
    }

    /// How it stands with the door and with those who are carried, in their order; `None`: it is over.
    fn wait(&mut self, stopped: &Stopped) -> io::Result<Option<Vec<Readiness>>> {
        let now_ms = self.clock.now_ms();
        let of_stack = self.stack.due_in_ms(now_ms);
        let of_carried = self.carried.iter().filter_map(Carried::due_ms).map(|due| due.saturating_sub(now_ms));
        let timeout = of_carried.chain(of_stack).min().map(Duration::from_millis);
        let device = Interest { reads: true, writes: self.stack.outgoing().is_some() };
        let door = Interest { reads: self.has_place(), writes: false };
        let mut files: Vec<(BorrowedFd<'_>, Interest)> =
            vec![(stopped.as_fd(), READS), (self.device.as_fd(), device), (self.door.as_fd(), door)];
        // One that is gone would be told again and again: its place is kept by the switch, without an interest.
        for carried in &self.carried {
            let interest = carried.interest(&self.stack);
            let local = carried.local().filter(|_| interest != Interest::default());
            files.push((local.map_or(stopped.as_fd(), AsFd::as_fd), interest));
        }
        let mut ready = wait_for(&files, timeout)?;
        let is_over = ready.first().is_some_and(|switch| switch.readable);
        Ok((!is_over).then(|| ready.split_off(2)))
    }

    fn turn(&mut self, ready: &[Readiness]) -> io::Result<()> {
        let now_ms = self.clock.now_ms();
        for _ in 0..PACKETS_A_TURN {
            let Some(packet) = self.device.read()? else { break };
            self.stack.push(packet);
        }
        self.stack.advance(now_ms);
        let of_carried = ready.iter().skip(1).map(|ready| ready.gone).chain(std::iter::repeat(false));
        for (carried, gone) in self.carried.iter_mut().zip(of_carried) {
            carried.step(&mut self.stack, now_ms, gone);
        }
        self.carried.retain(|carried| !carried.is_over());
        if ready.first().is_some_and(|door| door.readable) {
            self.accept(now_ms);
        }
        self.stack.advance(now_ms);
        while let Some(packet) = self.stack.outgoing() {
            if !self.device.write(packet)? {
                break;
            }
            self.stack.sent();
        }
        Ok(())
    }

    fn has_place(&self) -> bool {
        let waiting = self.carried.iter().filter(|carried| carried.is_waiting()).count();
        waiting < WAITING_MAX && self.carried.len() < STREAMS_MAX + WAITING_MAX
    }

    fn accept(&mut self, now_ms: u64) {
        while self.has_place() {
            // What cannot be accepted now is asked for again.
            let Ok(local) = self.door.accept_at_once() else { return };
            self.carried.push(Carried::new(local, now_ms));
        }
    }
}
