use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{current, sleep};
use std::time::Instant;

use super::*;
use crate::clock::Clock;
use crate::platform::Wake;

/// Nothing takes so long on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Long enough for threads that have nothing to do to have gone to sleep.
const SETTLED: Duration = Duration::from_millis(100);

const LIGHT: u8 = b'.';
const HEAVY: u8 = b'#';
const PANIC: u8 = b'!';

/// In place of what was read: it could not be.
const FAILED: u8 = b'x';

/// What became of a burst: what was read, which way, and by which thread.
type Moved = (u8, Way, String);

/// Something whose bursts are single bytes that a test writes.
struct Written {
    way: Way,
    bytes: UnixStream,
    fails: Arc<AtomicBool>,
    moved: Sender<Moved>,
}

impl Wait for Written {
    fn handle(&self) -> HandleRef<'_> {
        use std::os::fd::AsFd;
        self.bytes.as_fd()
    }
}

impl Written {
    fn tell(&self, what: u8) {
        // A test that has seen enough does not listen any more.
        let _ = self.moved.send((what, self.way, current().name().unwrap_or_default().into()));
    }
}

impl Source for Written {
    fn burst(&mut self, _: &mut Pass<'_, ThreadOutput>) -> io::Result<Burst> {
        if self.fails.load(Ordering::Relaxed) {
            self.tell(FAILED);
            return Err(io::Error::other("it is gone"));
        }
        let mut byte = [0];
        match self.bytes.read(&mut byte) {
            Ok(1) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Burst::default()),
            ended => return ended.map(|_| Burst::default()),
        }
        let [what] = byte;
        self.tell(what);
        assert_ne!(what, PANIC, "a burst that nobody thought of");
        Ok(Burst { bytes: if what == HEAVY { HEAVY_BYTES } else { 1 }, has_more: true })
    }

    fn complaint(&self, error: &io::Error) -> Event {
        Event::DeviceError(wire::DeviceError { error: error.to_string() })
    }
}

/// The two threads of a queue, and what a test does to them.
struct Threads {
    workers: Workers,
    ends: Each<UnixStream>,
    fails: Each<Arc<AtomicBool>>,
    moved: Receiver<Moved>,
}

impl Threads {
    /// At work, the device still untouched.
    fn new() -> Self {
        let (end, ended) = stop_switch().unwrap();
        let (pause, paused) = stop_switch().unwrap();
        let (begin, begun) = stop_switch().unwrap();
        let mut workers =
            Workers { begin: Some(begin), stops: vec![end, pause], gate: Arc::default(), threads: vec![] };
        let shared = Shared::new(Wake::new().unwrap(), Clock::from(0));
        let (moves, moved) = channel();
        let fails = Each { inbound: Arc::default(), outbound: Arc::default() };
        let source = |way| {
            let (end, bytes) = UnixStream::pair().unwrap();
            bytes.set_nonblocking(true).unwrap();
            let written = Written { way, bytes, fails: Arc::clone(fails.of(way)), moved: moves.clone() };
            (end, Some(boxed(written)))
        };
        let ((inbound_end, inbound), (outbound_end, outbound)) = (source(Way::In), source(Way::Out));
        let sources = Each { inbound, outbound };
        let pair = Arc::new(Pair { duties: Duties::new(true).unwrap(), sources, begun });
        for me in Way::ALL {
            let switches = vec![paused.try_clone().unwrap(), ended.try_clone().unwrap()];
            let outputs = (shared.clone(), shared.output(None, &[], 0));
            workers.spawn(0, None, Post { me, pair: Arc::clone(&pair) }, outputs, switches).unwrap();
        }
        let ends = Each { inbound: inbound_end, outbound: outbound_end };
        Self { workers, ends, fails, moved }
    }

    /// The same, both ways open.
    fn begun() -> Self {
        let mut threads = Self::new();
        threads.workers.begin();
        threads
    }

    fn write(&self, way: Way, bytes: &[u8]) {
        self.ends.of(way).write_all(bytes).unwrap();
    }

    /// Whose burst was moved next.
    fn next(&self) -> Moved {
        self.moved.recv_timeout(PATIENCE).expect("nothing was moved")
    }

    /// Until the thread whose way it is has seen that it fails: it leaves it alone from then on.
    fn until_left_alone(&self, way: Way) {
        while self.next() != (FAILED, way, own(way)) {}
    }

    /// Until something of that was moved this way.
    fn until_moved(&self, way: Way) {
        loop {
            let (what, moved, _) = self.next();
            if (what, moved) == (LIGHT, way) {
                return;
            }
        }
    }

    fn fail(&self, way: Way, fails: bool) {
        self.fails.of(way).store(fails, Ordering::Relaxed);
    }

    /// Which threads have moved what was written to both at once.
    fn movers(&self, what: u8) -> Each<String> {
        let mut movers = Each::default();
        for way in Way::ALL {
            self.write(way, &[what]);
        }
        for _ in Way::ALL {
            let (_, way, thread) = self.next();
            *movers.of_mut(way) = thread;
        }
        movers
    }

    /// Whether something becomes so.
    fn becomes(&self, mut test: impl FnMut(&Self) -> bool) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if test(self) {
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        false
    }

    /// Whether one thread serves both ways.
    fn one_serves_both(&self) -> bool {
        let mover = self.movers(LIGHT);
        mover.inbound == mover.outbound
    }
}

#[test]
fn nothing_is_read_from_the_device_before_it_is_begun_and_everything_that_waited_is_then() {
    let mut threads = Threads::new();
    threads.write(Way::Out, &[LIGHT]);
    threads.write(Way::In, &[LIGHT]);
    assert_eq!(threads.next(), (LIGHT, Way::In, "inbound-0".into()));
    sleep(SETTLED);
    assert!(threads.moved.try_recv().is_err());
    threads.workers.begin();
    assert_eq!(threads.next().1, Way::Out);
}

#[test]
fn one_thread_serves_both_ways_once_the_other_has_nothing_to_do() {
    let threads = Threads::begun();
    assert!(threads.becomes(Threads::one_serves_both));
}

#[test]
fn a_thread_that_waits_is_called_back_to_its_way_when_much_goes_both_ways_and_moves_what_was_there_already() {
    let threads = Threads::begun();
    assert!(threads.becomes(Threads::one_serves_both));
    sleep(SETTLED);
    let much = [HEAVY; 64];
    assert!(threads.becomes(|threads| {
        for way in Way::ALL {
            threads.write(way, &much);
        }
        let moved: Vec<_> = (0..2 * much.len()).map(|_| threads.next()).collect();
        Way::ALL.into_iter().all(|way| moved.iter().any(|moved| *moved == (HEAVY, way, own(way))))
    }));
}

#[test]
fn every_byte_is_moved_once_and_in_its_order_however_often_the_ways_change_hands() {
    let threads = Threads::begun();
    let mut expected = Each::<Vec<u8>>::default();
    let mut moved = Each::<Vec<u8>>::default();
    for round in 0..200_u8 {
        // Above what means something, so that the order shows.
        let byte = 128 + round % 100;
        for way in Way::ALL {
            let bytes = [byte, if round % 3 == 0 { HEAVY } else { LIGHT }];
            threads.write(way, &bytes);
            expected.of_mut(way).extend(bytes);
        }
        if round % 7 == 0 {
            sleep(Duration::from_millis(3));
        }
    }
    for _ in 0..expected.inbound.len() + expected.outbound.len() {
        let (what, way, _) = threads.next();
        moved.of_mut(way).push(what);
    }
    assert_eq!(moved, expected);
}

#[test]
fn what_fails_is_left_alone_for_a_while_and_the_other_way_is_served_meanwhile() {
    for [failing, other] in [Way::ALL, [Way::Out, Way::In]] {
        let threads = Threads::begun();
        threads.fail(failing, true);
        threads.write(failing, &[LIGHT]);
        threads.until_left_alone(failing);
        let left_alone = Instant::now();
        for _ in 0..10 {
            threads.write(other, &[LIGHT]);
            threads.until_moved(other);
        }
        threads.fail(failing, false);
        threads.until_moved(failing);
        assert!(left_alone.elapsed() > RETRY / 2);
    }
}

#[test]
fn a_burst_that_panics_is_lost_and_what_comes_behind_it_is_moved() {
    let threads = Threads::begun();
    for way in Way::ALL {
        threads.write(way, &[PANIC, LIGHT]);
        assert_eq!((threads.next().0, threads.next().0), (PANIC, LIGHT));
    }
}

#[test]
fn a_pause_holds_threads_wherever_they_wait_and_they_go_on_where_they_were() {
    for fails in [false, true] {
        let mut threads = Threads::begun();
        if fails {
            threads.fail(Way::Out, true);
            threads.write(Way::Out, &[LIGHT]);
            threads.until_left_alone(Way::Out);
        }
        assert!(threads.workers.pause());
        threads.fail(Way::Out, false);
        for way in Way::ALL {
            threads.write(way, &[LIGHT]);
        }
        sleep(SETTLED);
        assert!(threads.moved.try_recv().is_err());
        threads.workers.go_on();
        let moved = [threads.next().1, threads.next().1];
        assert!(Way::ALL.into_iter().all(|way| moved.contains(&way)), "{moved:?}");
        assert!(!threads.workers.pause(), "once only");
    }
}

#[test]
fn threads_end_wherever_they_wait() {
    let states: [fn(&mut Threads); 4] = [
        |_| {},
        |threads| threads.workers.begin(),
        |threads| assert!(threads.workers.pause()),
        |threads| {
            threads.workers.begin();
            threads.fail(Way::Out, true);
            threads.write(Way::Out, &[LIGHT]);
            threads.until_left_alone(Way::Out);
        },
    ];
    for bring in states {
        let mut threads = Threads::new();
        bring(&mut threads);
        sleep(SETTLED);
        let begun = Instant::now();
        drop(threads.workers);
        assert!(begun.elapsed() < RETRY / 2, "a thread has waited for the end of its pause");
    }
}

/// The thread whose way it is.
fn own(way: Way) -> String {
    match way {
        Way::In => "inbound-0".into(),
        Way::Out => "outbound-0".into(),
    }
}
