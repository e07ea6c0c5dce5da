//! The two threads that move packets, one for each direction. They wait for nothing but their own file.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lacis_contract::v1;
use lacis_contract::v1::from_data_plane::Event;
use lacis_engine::engine::{Engine, Worker};

use crate::clock::Clock;
use crate::event_queue::EventQueue;
use crate::os::poll::wait_readable;
use crate::os::tun::{Tun, TunReader};
use crate::os::udp::{Udp, UdpReader};
use crate::send_batch::SendBatch;
use crate::thread_output::ThreadOutput;
use crate::wake::Wake;

/// A worker that panics more often than this in a minute is broken: the process ends and is started anew.
const PANICS_PER_MINUTE_MAX: usize = 10;
/// sysexits.h, EX_SOFTWARE.
const EXIT_PANICS: i32 = 70;
/// How long a device or socket that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// What all threads share.
#[derive(Clone)]
pub struct Shared {
    /// The engine.
    pub engine: Arc<Engine>,
    /// To the control plane.
    pub events: Arc<EventQueue>,
    /// The time.
    pub clock: Clock,
    /// The thread that looks after deadlines.
    pub wake: Arc<Wake>,
    panics: Arc<Mutex<Vec<Instant>>>,
}

impl Shared {
    /// A new engine with nobody connected.
    pub fn new(wake: Wake) -> Self {
        Self {
            engine: Arc::default(),
            events: Arc::default(),
            clock: Clock::start(),
            wake: Arc::new(wake),
            panics: Arc::default(),
        }
    }

    /// Outputs for one thread.
    pub fn output(&self, tun: Option<&Tun>, udp: Option<&Arc<Udp>>) -> ThreadOutput {
        ThreadOutput {
            engine: Arc::clone(&self.engine),
            datagrams: udp.map(|udp| SendBatch::new(Arc::clone(udp), Arc::clone(&self.engine))),
            packets: tun.map(Tun::writer),
            events: Arc::clone(&self.events),
        }
    }

    /// Runs one burst. A panic in it loses the burst, not the process, unless it happens again and again.
    fn contain<T>(&self, burst: impl FnOnce() -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(burst)).ok();
        if done.is_none() {
            let now = Instant::now();
            let mut panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
            panics.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
            panics.push(now);
            if panics.len() > PANICS_PER_MINUTE_MAX {
                eprintln!("lacis-dataplane: more than {PANICS_PER_MINUTE_MAX} panics in a minute, giving up");
                std::process::exit(EXIT_PANICS);
            }
        }
        done
    }
}

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
            let (reader, stopped) = (tun.reader(), stopped.try_clone()?);
            let (shared, out) = (shared.clone(), shared.output(Some(tun), udp));
            workers.spawn("outbound", move || outbound(&shared, reader, out, &stopped))?;
        }
        if let Some(udp) = udp {
            let reader = UdpReader::new(Arc::clone(udp));
            let (shared, out) = (shared.clone(), shared.output(tun, Some(udp)));
            workers.spawn("inbound", move || inbound(&shared, reader, out, &stopped))?;
        }
        Ok(workers)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
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

/// Device to socket.
fn outbound(shared: &Shared, mut reader: TunReader, mut out: ThreadOutput, stopped: &PipeReader) {
    let mut worker = Worker::new();
    let mut may_have_more = false;
    loop {
        if !may_have_more && !wait(&mut worker, reader.as_fd(), stopped, None) {
            return;
        }
        let burst = shared.contain(|| {
            let now_ms = shared.clock.now_ms();
            let read = reader.read_burst(|packet| shared.engine.at(now_ms, &mut worker, &mut out).outbound(packet));
            out.flush();
            read
        });
        shared.wake.after_burst(&shared.engine);
        may_have_more = match burst {
            Some(Ok(more)) => more,
            Some(Err(error)) => {
                let error = format!("reading the TUN device: {error}");
                shared.events.push(Event::DeviceError(v1::DeviceError { error }));
                if !pause(&mut worker, stopped) {
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

/// Socket to device.
fn inbound(shared: &Shared, mut reader: UdpReader, mut out: ThreadOutput, stopped: &PipeReader) {
    let mut worker = Worker::new();
    let mut may_have_more = false;
    loop {
        if !may_have_more && !wait(&mut worker, reader.as_fd(), stopped, None) {
            return;
        }
        let burst = shared.contain(|| {
            let now_ms = shared.clock.now_ms();
            let received = reader.receive_burst(|datagram, source| {
                shared.engine.at(now_ms, &mut worker, &mut out).inbound(datagram, source);
            });
            out.flush();
            received
        });
        shared.wake.after_burst(&shared.engine);
        may_have_more = match burst {
            Some(Ok(more)) => more,
            Some(Err(error)) => {
                let error = format!("receiving from the UDP socket: {error}");
                shared.events.push(Event::SocketError(v1::SocketError { error }));
                if !pause(&mut worker, stopped) {
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

fn wait(
    worker: &mut Worker,
    source: std::os::fd::BorrowedFd<'_>,
    stopped: &PipeReader,
    timeout: Option<Duration>,
) -> bool {
    worker.rest();
    wait_readable([source, stopped.as_fd()], timeout).is_ok_and(|[_, stopped]| !stopped)
}

fn pause(worker: &mut Worker, stopped: &PipeReader) -> bool {
    worker.rest();
    wait_readable([stopped.as_fd()], Some(RETRY)).is_ok_and(|[stopped]| !stopped)
}
