//! The threads that move packets: two a queue, which share what there is to do.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use lacis_contract::wire;
use lacis_contract::wire::from_data_plane::Event;
use lacis_engine::engine::{Pass, Worker};
use lacis_engine::flow::Foreseen;
use lacis_engine::output::Output;
use lacis_engine::segments::Segments;

use crate::duties::{Duties, Each, Way};
use crate::platform::confinement::spawn_bare;
use crate::platform::{
    Burst, DatagramSource, HandleRef, PacketSource, PacketTaker, Stop, Stopped, SystemTun, SystemUdp, Tun, Udp, Wait,
    pin_to, stop_switch,
};
use crate::shared::Shared;
use crate::thread_output::ThreadOutput;

/// How long a device or socket that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// A burst of so much is more than answers: it is what somebody sends.
const HEAVY_BYTES: usize = 32 << 10;

/// How long threads may take to finish what they are at.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The running threads. They end when this is dropped.
#[derive(Default)]
pub struct Workers {
    /// The device is read once this is taken.
    begin: Option<Stop>,
    /// Each interrupts the threads once; the last one taken ends them.
    stops: Vec<Stop>,
    gate: Arc<Gate>,
    threads: Vec<JoinHandle<()>>,
}

/// Where interrupted threads learn what becomes of them. No thread can be made any more once the process is confined, so that those that pause have
/// to be those that go on.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    is_pause: bool,
    is_end: bool,
    waiting: usize,
}

impl Gate {
    /// Of a thread that was interrupted: true when it goes on.
    fn pass(&self) -> bool {
        let mut state = self.lock();
        state.waiting += 1;
        self.changed.notify_all();
        state = self.changed.wait_while(state, |state| state.is_pause).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        !state.is_end
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workers {
    /// Starts a thread for each queue of the device, on its CPU if one is said, and for each socket. What arrives from the device waits there for [`Self::begin`].
    pub fn start(shared: &Shared, tun: Option<&SystemTun>, udp: &[Arc<SystemUdp>], cpus: &[usize]) -> io::Result<Self> {
        let (end, ended) = stop_switch()?;
        let (pause, paused) = stop_switch()?;
        let (begin, begun) = stop_switch()?;
        let mut workers = Self { begin: Some(begin), stops: vec![end, pause], gate: Arc::default(), threads: vec![] };
        // In the order in which they are thrown.
        let switches = || -> io::Result<Vec<Stopped>> { Ok(vec![paused.try_clone()?, ended.try_clone()?]) };
        let queues = tun.map_or(0, Tun::queues);
        for queue in 0..queues.max(udp.len()) {
            let outbound = tun.filter(|_| queue < queues).map(|tun| boxed(Outbound(tun.reader(queue))));
            let inbound = udp.get(queue).map(|udp| boxed(Inbound(udp.reader())));
            let cpu = cpus.get(queue).copied();
            let sources = Each { inbound, outbound };
            let are_shared = sources.inbound.is_some() && sources.outbound.is_some() && cpu.is_none();
            let ways = Way::ALL.into_iter().filter(|way| sources.of(*way).is_some()).collect::<Vec<_>>();
            let pair = Arc::new(Pair { duties: Duties::new(are_shared)?, sources, begun: begun.try_clone()? });
            for me in ways {
                let out = shared.output(tun, udp, queue);
                workers.spawn(queue, cpu, Post { me, pair: Arc::clone(&pair) }, (shared.clone(), out), switches()?)?;
            }
        }
        Ok(workers)
    }

    fn spawn(
        &mut self,
        queue: usize,
        cpu: Option<usize>,
        post: Post,
        (shared, out): (Shared, ThreadOutput),
        switches: Vec<Stopped>,
    ) -> io::Result<()> {
        let gate = Arc::clone(&self.gate);
        let (name, cpu) = match post.me {
            Way::In => (format!("inbound-{queue}"), None),
            Way::Out => (format!("outbound-{queue}"), cpu),
        };
        let place = move || {
            // The CPU may be gone since it was chosen: then the system places this thread like any other.
            let _: io::Result<()> = cpu.map_or(Ok(()), pin_to);
        };
        let run = move || post.run(&shared, out, &switches, &gate);
        self.threads.push(spawn_bare(&name, place, run)?);
        Ok(())
    }
}

impl Workers {
    /// The device is read from now on.
    pub fn begin(&mut self) {
        self.begin = None;
    }

    /// Whether the threads move nothing until [`Self::go_on`]. Once only.
    pub fn pause(&mut self) -> bool {
        if self.stops.len() < 2 {
            return false;
        }
        let mut state = self.gate.lock();
        state.is_pause = true;
        self.stops.pop();
        self.begin = None;
        let all = self.threads.len();
        let waited = self.gate.changed.wait_timeout_while(state, PAUSE_MAX, |state| state.waiting < all);
        waited.is_ok_and(|(state, _)| state.waiting == all)
    }

    /// The threads go on where they were.
    pub fn go_on(&mut self) {
        self.gate.lock().is_pause = false;
        self.gate.changed.notify_all();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.gate.lock().is_end = true;
        self.go_on();
        self.stops.clear();
        self.begin = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Where packets come from, and which way they go.
trait Source: Wait + Send {
    /// Moves one burst.
    fn burst(&mut self, pass: &mut Pass<'_, ThreadOutput>) -> io::Result<Burst>;
    /// What the control plane is told when it fails.
    fn complaint(&self, error: &io::Error) -> Event;
}

fn boxed(source: impl Source + 'static) -> Mutex<Box<dyn Source>> {
    Mutex::new(Box::new(source))
}

/// Device to socket.
struct Outbound<S>(S);

impl<S: PacketSource + Send> Source for Outbound<S> {
    fn burst(&mut self, pass: &mut Pass<'_, ThreadOutput>) -> io::Result<Burst> {
        self.0.read_burst(pass)
    }

    fn complaint(&self, error: &io::Error) -> Event {
        Event::DeviceError(wire::DeviceError { error: format!("reading the TUN device: {error}") })
    }
}

impl<S: Wait> Wait for Outbound<S> {
    fn handle(&self) -> HandleRef<'_> {
        self.0.handle()
    }
}

impl<O: Output> PacketTaker for Pass<'_, O> {
    fn foresee(&mut self, packet: &[u8]) -> Foreseen {
        self.foresee_outbound(packet)
    }

    fn approach(&mut self, foreseen: Foreseen) {
        self.approach_flow(foreseen);
    }

    fn take(&mut self, segments: &mut dyn Segments, foreseen: Foreseen) {
        self.outbound_all(segments, foreseen);
    }
}

/// Socket to device.
struct Inbound<S>(S);

impl<S: DatagramSource + Send> Source for Inbound<S> {
    fn burst(&mut self, pass: &mut Pass<'_, ThreadOutput>) -> io::Result<Burst> {
        self.0.receive_burst(|datagrams, datagram_bytes, source| pass.inbound_all(datagrams, datagram_bytes, source))
    }

    fn complaint(&self, error: &io::Error) -> Event {
        Event::SocketError(wire::SocketError { error: format!("receiving from the UDP socket: {error}") })
    }
}

impl<S: Wait> Wait for Inbound<S> {
    fn handle(&self) -> HandleRef<'_> {
        self.0.handle()
    }
}

/// What two threads share: a socket and a queue of the device.
struct Pair {
    duties: Duties,
    /// Taken by whoever serves it, for a burst or while it waits: never by both.
    sources: Each<Option<Mutex<Box<dyn Source>>>>,
    begun: Stopped,
}

impl Pair {
    fn source(&self, way: Way) -> Option<MutexGuard<'_, Box<dyn Source>>> {
        let source = self.sources.of(way).as_ref()?;
        Some(source.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until there may be something of what is `served`, or this thread serves something else: then all of it is worth a look. `None`: it must stop.
    fn wait(&self, me: Way, served: Each<bool>, stopped: &Stopped) -> Option<Each<bool>> {
        let source = |way| if *served.of(way) { self.source(way) } else { None };
        let (inbound, outbound, bell) = (source(Way::In), source(Way::Out), self.duties.bell(me));
        let files = [Some(bell.handle()), handle_of(&inbound), handle_of(&outbound)];
        let [rung, inbound, outbound] = stopped.wait_with(files)?;
        if rung {
            bell.hush();
        }
        Some(Each { inbound: inbound || rung, outbound: outbound || rung })
    }
}

fn handle_of<'a>(source: &'a Option<MutexGuard<'_, Box<dyn Source>>>) -> Option<HandleRef<'a>> {
    source.as_ref().map(|source| source.handle())
}

/// One thread of a pair.
struct Post {
    me: Way,
    pair: Arc<Pair>,
}

impl Post {
    /// Moves bursts until stopped: by the last of the switches, or by an earlier one when the gate is closed.
    fn run(&self, shared: &Shared, mut out: ThreadOutput, switches: &[Stopped], gate: &Gate) {
        // What programs send as soon as there is a device would find no way before the control plane has said where to.
        while self.me == Way::Out && !self.pair.begun.wait(Duration::MAX) {}
        self.pair.duties.set_here(self.me, true);
        for stopped in switches {
            self.move_until(shared, &mut out, stopped);
            if !gate.pass() {
                return;
            }
        }
    }

    fn move_until(&self, shared: &Shared, out: &mut ThreadOutput, stopped: &Stopped) {
        let Self { me, pair } = self;
        let mut worker = Worker::new();
        let mut due = Each::default();
        loop {
            let mut served = pair.duties.served(*me);
            due = Each { inbound: due.inbound && served.inbound, outbound: due.outbound && served.outbound };
            if !due.any() {
                worker.rest(&shared.engine);
                match pair.wait(*me, pair.duties.rest(*me, shared.clock.now_ms()), stopped) {
                    Some(ready) => due = ready,
                    None => return,
                }
                continue;
            }
            let mut more = Each::default();
            for way in Way::ALL {
                if !*due.of(way) || !*served.of(way) {
                    continue;
                }
                match self.burst(way, shared, &mut worker, out) {
                    Some(Ok(moved)) => {
                        *more.of_mut(way) = moved.has_more;
                        if moved.bytes >= HEAVY_BYTES {
                            // Who looks at what it has given away waits until whoever serves it does not.
                            served = pair.duties.heavy(*me, way, shared.clock.now_ms());
                        }
                    }
                    Some(Err(error)) => {
                        if self.leaves_alone(way, &error, shared, &mut worker, stopped) {
                            return;
                        }
                        served = pair.duties.served(*me);
                    }
                    None => out.clear(),
                }
                // What came in may have been answered.
                due.outbound |= way == Way::In;
            }
            // Who does not come to wait is not told what else there is.
            due = Each { inbound: more.any(), outbound: more.any() };
        }
    }

    /// `None` after a panic.
    fn burst(
        &self,
        way: Way,
        shared: &Shared,
        worker: &mut Worker,
        out: &mut ThreadOutput,
    ) -> Option<io::Result<Burst>> {
        let now_ms = shared.clock.now_ms();
        let moved = shared.contain(|| {
            let mut source = self.pair.source(way);
            let mut pass = shared.engine.at(now_ms, worker, out);
            let moved = source.as_mut().map_or(Ok(Burst::default()), |source| source.burst(&mut pass));
            out.flush();
            moved
        });
        shared.wake.after_burst(&shared.engine, now_ms);
        moved
    }

    /// After a failure: the other thread serves what it can, and nobody this way for a while. True when this thread must stop.
    fn leaves_alone(
        &self,
        way: Way,
        error: &io::Error,
        shared: &Shared,
        worker: &mut Worker,
        stopped: &Stopped,
    ) -> bool {
        let duties = &self.pair.duties;
        if let Some(source) = self.pair.source(way) {
            shared.events.push(source.complaint(error));
        }
        duties.share(self.me);
        // The other one has it now, and will see for itself.
        if !*duties.served(self.me).of(way) {
            return false;
        }
        worker.rest(&shared.engine);
        duties.set_here(self.me, false);
        let is_over = stopped.wait(RETRY);
        duties.set_here(self.me, true);
        is_over
    }
}

#[cfg(test)]
mod tests;
