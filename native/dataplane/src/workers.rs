//! The threads that move packets: for each direction one a queue. They wait for nothing but their own file.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use lacis_contract::wire;
use lacis_contract::wire::from_data_plane::Event;
use lacis_engine::engine::{Engine, Worker};

use crate::platform::confinement::spawn_bare;
use crate::platform::{
    DatagramSource, PacketSource, Stop, Stopped, SystemTun, SystemUdp, Tun, Udp, pin_to, stop_switch,
};
use crate::shared::Shared;
use crate::thread_output::ThreadOutput;

/// How long a device or socket that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// The running threads. They end when this is dropped.
#[derive(Default)]
pub struct Workers {
    stop: Option<Stop>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts a thread for each queue of the device, on its CPU if one is said, and for each socket.
    pub fn start(shared: &Shared, tun: Option<&SystemTun>, udp: &[Arc<SystemUdp>], cpus: &[usize]) -> io::Result<Self> {
        let (stop, stopped) = stop_switch()?;
        let mut workers = Self { stop: Some(stop), threads: vec![] };
        let threads = |queue| (shared.clone(), shared.output(tun, udp, queue));
        if let Some(tun) = tun {
            for queue in 0..tun.queues() {
                let (outbound, cpu) = (Outbound(tun.reader(queue)), cpus.get(queue).copied());
                workers.spawn(format!("outbound-{queue}"), cpu, outbound, threads(queue), stopped.try_clone()?)?;
            }
        }
        for (queue, socket) in udp.iter().enumerate() {
            let inbound = Inbound(socket.reader());
            workers.spawn(format!("inbound-{queue}"), None, inbound, threads(queue), stopped.try_clone()?)?;
        }
        Ok(workers)
    }

    fn spawn(
        &mut self,
        name: String,
        cpu: Option<usize>,
        direction: impl Direction + Send + 'static,
        (shared, out): (Shared, ThreadOutput),
        stopped: Stopped,
    ) -> io::Result<()> {
        let run = move || {
            // The CPU may be gone since it was chosen: then the system places this thread like any other.
            let _: io::Result<()> = cpu.map_or(Ok(()), pin_to);
            run(direction, &shared, out, &stopped);
        };
        self.threads.push(spawn_bare(&name, run)?);
        Ok(())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Where packets come from, and which way they go.
trait Direction {
    /// Moves one burst. True when there may be more.
    fn burst(&mut self, engine: &Engine, now_ms: u64, worker: &mut Worker, out: &mut ThreadOutput) -> io::Result<bool>;
    /// What the control plane is told when the source fails.
    fn complaint(error: &io::Error) -> Event;
    /// Blocks until there may be something to move, or the threads must end. True when they must.
    fn wait(&self, stopped: &Stopped) -> bool;
}

/// Device to socket.
struct Outbound<S>(S);

impl<S: PacketSource> Direction for Outbound<S> {
    fn burst(&mut self, engine: &Engine, now_ms: u64, worker: &mut Worker, out: &mut ThreadOutput) -> io::Result<bool> {
        self.0.read_burst(|segments| engine.at(now_ms, worker, out).outbound_all(segments))
    }

    fn complaint(error: &io::Error) -> Event {
        Event::DeviceError(wire::DeviceError { error: format!("reading the TUN device: {error}") })
    }

    fn wait(&self, stopped: &Stopped) -> bool {
        self.0.wait(stopped)
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

/// Moves bursts until stopped.
fn run<D: Direction>(mut direction: D, shared: &Shared, mut out: ThreadOutput, stopped: &Stopped) {
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
            let moved = direction.burst(&shared.engine, now_ms, &mut worker, &mut out);
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
