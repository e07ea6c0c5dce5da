//! The threads that move packets: for each direction one a queue. They wait for nothing but their own file.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use lacis_contract::wire;
use lacis_contract::wire::from_data_plane::Event;
use lacis_engine::engine::{Engine, Pass, Worker};
use lacis_engine::flow::Foreseen;
use lacis_engine::output::Output;
use lacis_engine::segments::Segments;

use crate::platform::confinement::spawn_bare;
use crate::platform::{
    DatagramSource, PacketSource, PacketTaker, Stop, Stopped, SystemTun, SystemUdp, Tun, Udp, pin_to, stop_switch,
};
use crate::shared::Shared;
use crate::thread_output::ThreadOutput;

/// How long a device or socket that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

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
        let threads = |queue| (shared.clone(), shared.output(tun, udp, queue));
        if let Some(tun) = tun {
            for queue in 0..tun.queues() {
                let (outbound, cpu) = (Outbound(tun.reader(queue), begun.try_clone()?), cpus.get(queue).copied());
                workers.spawn(format!("outbound-{queue}"), cpu, outbound, threads(queue), switches()?)?;
            }
        }
        for (queue, socket) in udp.iter().enumerate() {
            let inbound = Inbound(socket.reader());
            workers.spawn(format!("inbound-{queue}"), None, inbound, threads(queue), switches()?)?;
        }
        Ok(workers)
    }

    fn spawn(
        &mut self,
        name: String,
        cpu: Option<usize>,
        direction: impl Direction + Send + 'static,
        (shared, out): (Shared, ThreadOutput),
        switches: Vec<Stopped>,
    ) -> io::Result<()> {
        let gate = Arc::clone(&self.gate);
        let run = move || {
            // The CPU may be gone since it was chosen: then the system places this thread like any other.
            let _: io::Result<()> = cpu.map_or(Ok(()), pin_to);
            run(direction, &shared, out, &switches, &gate);
        };
        self.threads.push(spawn_bare(&name, run)?);
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
trait Direction {
    /// Blocks until the first burst may be moved, or the threads must stop.
    fn await_beginning(&self) {}
    /// Moves one burst. True when there may be more.
    fn burst(&mut self, engine: &Engine, now_ms: u64, worker: &mut Worker, out: &mut ThreadOutput) -> io::Result<bool>;
    /// What the control plane is told when the source fails.
    fn complaint(error: &io::Error) -> Event;
    /// Blocks until there may be something to move, or the threads must end. True when they must.
    fn wait(&self, stopped: &Stopped) -> bool;
}

/// Device to socket, once the switch is thrown.
struct Outbound<S>(S, Stopped);

impl<S: PacketSource> Direction for Outbound<S> {
    /// What programs send as soon as there is a device would find no way before the control plane has said where to.
    fn await_beginning(&self) {
        while !self.1.wait(Duration::MAX) {}
    }

    fn burst(&mut self, engine: &Engine, now_ms: u64, worker: &mut Worker, out: &mut ThreadOutput) -> io::Result<bool> {
        self.0.read_burst(&mut engine.at(now_ms, worker, out))
    }

    fn complaint(error: &io::Error) -> Event {
        Event::DeviceError(wire::DeviceError { error: format!("reading the TUN device: {error}") })
    }

    fn wait(&self, stopped: &Stopped) -> bool {
        self.0.wait(stopped)
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

impl<S: DatagramSource> Direction for Inbound<S> {
    fn burst(&mut self, engine: &Engine, now_ms: u64, worker: &mut Worker, out: &mut ThreadOutput) -> io::Result<bool> {
        self.0.receive_burst(|datagrams, datagram_bytes, source| {
            engine.at(now_ms, worker, out).inbound_all(datagrams, datagram_bytes, source);
        })
    }

    fn complaint(error: &io::Error) -> Event {
        Event::SocketError(wire::SocketError { error: format!("receiving from the UDP socket: {error}") })
    }

    fn wait(&self, stopped: &Stopped) -> bool {
        self.0.wait(stopped)
    }
}

/// Moves bursts until stopped: by the last of the switches, or by an earlier one when the gate is closed.
fn run<D: Direction>(mut direction: D, shared: &Shared, mut out: ThreadOutput, switches: &[Stopped], gate: &Gate) {
    direction.await_beginning();
    for stopped in switches {
        move_until(&mut direction, shared, &mut out, stopped);
        if !gate.pass() {
            return;
        }
    }
}

fn move_until<D: Direction>(direction: &mut D, shared: &Shared, out: &mut ThreadOutput, stopped: &Stopped) {
    let mut worker = Worker::new();
    let mut may_have_more = false;
    loop {
        if !may_have_more {
            worker.rest(&shared.engine);
            if direction.wait(stopped) {
                return;
            }
        }
        let now_ms = shared.clock.now_ms();
        let burst = shared.contain(|| {
            let moved = direction.burst(&shared.engine, now_ms, &mut worker, out);
            out.flush();
            moved
        });
        shared.wake.after_burst(&shared.engine, now_ms);
        may_have_more = match burst {
            Some(Ok(more)) => more,
            Some(Err(error)) => {
                shared.events.push(D::complaint(&error));
                worker.rest(&shared.engine);
                if stopped.wait(RETRY) {
                    return;
                }
                false
            }
            None => {
                out.clear();
                false
            }
        };
    }
}
