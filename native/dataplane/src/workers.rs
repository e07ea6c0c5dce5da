//! The two threads that move packets, one for each direction. They wait for nothing but their own file.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lacis_contract::wire;
use lacis_contract::wire::from_data_plane::Event;
use lacis_engine::engine::{Engine, Worker};

use crate::burst::{DatagramSource, PacketSource};
use crate::os::poll::wait_readable;
use crate::os::tun::Tun;
use crate::os::udp::{Udp, UdpReader};
use crate::shared::Shared;
use crate::thread_output::ThreadOutput;

/// How long a device or socket that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// The running threads. They end when this is dropped.
#[derive(Default)]
pub struct Workers {
    stop: Option<PipeWriter>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts a thread for each direction that has a source.
    pub fn start(shared: &Shared, tun: Option<&Tun>, udp: Option<&Arc<Udp>>) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let mut workers = Self { stop: Some(stop), threads: vec![] };
        if let Some(tun) = tun {
            let outbound = Outbound(tun.reader());
            workers.spawn("outbound", outbound, shared.clone(), shared.output(Some(tun), udp), stopped.try_clone()?)?;
        }
        if let Some(udp) = udp {
            let inbound = Inbound(UdpReader::new(Arc::clone(udp)));
            workers.spawn("inbound", inbound, shared.clone(), shared.output(tun, Some(udp)), stopped)?;
        }
        Ok(workers)
    }

    fn spawn(
        &mut self,
        name: &str,
        direction: impl Direction + Send + 'static,
        shared: Shared,
        out: ThreadOutput,
        stopped: PipeReader,
    ) -> io::Result<()> {
        let run = move || run(direction, &shared, out, &stopped);
        self.threads.push(thread::Builder::new().name(name.into()).spawn(run)?);
        Ok(())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // The end of the pipe wakes them all.
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
    /// What to wait for.
    fn source(&self) -> BorrowedFd<'_>;
}

/// Device to socket.
struct Outbound<S>(S);

impl<S: PacketSource> Direction for Outbound<S> {
    fn burst(&mut self, engine: &Engine, now_ms: u64, worker: &mut Worker, out: &mut ThreadOutput) -> io::Result<bool> {
        self.0.read_burst(|packet| engine.at(now_ms, worker, out).outbound(packet))
    }

    fn complaint(error: &io::Error) -> Event {
        Event::DeviceError(wire::DeviceError { error: format!("reading the TUN device: {error}") })
    }

    fn source(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Socket to device.
struct Inbound<S>(S);

impl<S: DatagramSource> Direction for Inbound<S> {
    fn burst(&mut self, engine: &Engine, now_ms: u64, worker: &mut Worker, out: &mut ThreadOutput) -> io::Result<bool> {
        self.0.receive_burst(|datagram, source| engine.at(now_ms, worker, out).inbound(datagram, source))
    }

    fn complaint(error: &io::Error) -> Event {
        Event::SocketError(wire::SocketError { error: format!("receiving from the UDP socket: {error}") })
    }

    fn source(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Moves bursts until stopped.
fn run<D: Direction>(mut direction: D, shared: &Shared, mut out: ThreadOutput, stopped: &PipeReader) {
    let mut worker = Worker::new();
    let mut may_have_more = false;
    loop {
        if !may_have_more {
            worker.rest(&shared.engine);
            if is_over(wait_readable([stopped.as_fd(), direction.source()], None)) {
                return;
            }
        }
        let burst = shared.contain(|| {
            let moved = direction.burst(&shared.engine, shared.clock.now_ms(), &mut worker, &mut out);
            out.flush();
            moved
        });
        shared.wake.after_burst(&shared.engine);
        may_have_more = match burst {
            Some(Ok(more)) => more,
            Some(Err(error)) => {
                shared.events.push(D::complaint(&error));
                worker.rest(&shared.engine);
                if is_over(wait_readable([stopped.as_fd()], Some(RETRY))) {
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

/// Whether the first of the files, the pipe that ends with the workers, has ended.
fn is_over<const N: usize>(waited: io::Result<[bool; N]>) -> bool {
    waited.map_or(true, |ready| ready.first().copied().unwrap_or(true))
}
