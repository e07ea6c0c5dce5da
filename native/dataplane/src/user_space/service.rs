//! The thread between the programs' socket and the device.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use lacis_stack::{STREAMS_MAX, Stack};

use super::carried::Carried;
use crate::platform::{Interest, LocalSocket, PacketSocket, Readiness, Stopped, wait_for};
use crate::shared::Shared;

/// Connections that have not been answered yet: more wait at the door.
const WAITING_MAX: usize = 64;
/// Packets of one look.
const PACKETS_A_TURN: usize = 64;

const READS: Interest = Interest { reads: true, writes: false };

/// Makes a stack that carries nobody yet, with ports that nobody can guess, for this moment.
pub type NewStack = Box<dyn Fn(u64) -> io::Result<Stack> + Send>;

/// See the head of this file.
pub struct Service {
    stack: Stack,
    new_stack: NewStack,
    device: PacketSocket,
    door: LocalSocket,
    carried: Vec<Carried>,
    shared: Shared,
}

impl Service {
    /// Nobody is carried yet.
    pub fn new(new_stack: NewStack, device: PacketSocket, door: LocalSocket, shared: Shared) -> io::Result<Self> {
        let stack = new_stack(shared.clock.now_ms())?;
        Ok(Self { stack, new_stack, device, door, carried: vec![], shared })
    }

    /// Until the switch is thrown, or the device is gone.
    pub fn run(mut self, stopped: &Stopped) {
        let shared = self.shared.clone();
        while let Ok(Some(ready)) = self.wait(stopped) {
            let done = shared.contain(|| self.turn(&ready)).unwrap_or_else(|| self.begin_anew());
            if done.is_err() {
                return;
            }
        }
    }

    /// A packet has broken what keeps the streams: those that there were break off, and the next ones are carried.
    fn begin_anew(&mut self) -> io::Result<()> {
        self.carried.clear();
        self.stack = (self.new_stack)(self.shared.clock.now_ms())?;
        Ok(())
    }

    /// How it stands with the door and with those who are carried, in their order; `None`: it is over.
    fn wait(&mut self, stopped: &Stopped) -> io::Result<Option<Vec<Readiness>>> {
        let now_ms = self.shared.clock.now_ms();
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
        let now_ms = self.shared.clock.now_ms();
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

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::clock::Clock;
    use crate::platform::Wake;

    #[test]
    fn what_breaks_the_streams_costs_those_that_there_are_and_no_other() {
        let path = std::env::temp_dir().join(format!("lacis-streams-{}.sock", std::process::id()));
        let door = LocalSocket::bind(&path).unwrap();
        door.never_block().unwrap();
        let (_other_end, device) = PacketSocket::pair(1_300).unwrap();
        let new_stack = |now_ms| Ok(Stack::new(&[], 1_300, 7, now_ms));
        let shared = Shared::new(Wake::new().unwrap(), Clock::from(0));
        let mut service = Service::new(Box::new(new_stack), device, door, shared).unwrap();
        let mut before = UnixStream::connect(&path).unwrap();
        service.accept(0);
        assert_eq!(service.carried.len(), 1);
        service.begin_anew().unwrap();
        assert_eq!(before.read(&mut [0]).unwrap(), 0);
        let _after = UnixStream::connect(&path).unwrap();
        service.accept(0);
        assert_eq!(service.carried.len(), 1);
        std::fs::remove_file(&path).unwrap();
    }
}
