//! What waits to be read by the control plane. Bounded in every kind, so that a slow reader costs neither memory nor a packet.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lacis_contract::frame;
use lacis_contract::wire::{FromDataPlane, from_data_plane::Event};

use crate::event_class::{Amount, CLASSES, Class, is_asked_again};
use crate::gathering::Gathering;
use crate::platform::ControlStream;

/// Events written at once.
const WRITE_EVENTS: usize = 256;
/// So many are worth a wake-up at any time.
const GATHERED: usize = 16;
/// What is asked again is left out after so long, while more than so many events of its class wait: whoever asks now is answered in time, instead of
/// everybody too late. A control plane that was stopped for a while finds few, and reads all of them.
const LATE: Duration = Duration::from_secs(1);
const CROWD: usize = 256;
/// What the write buffer shrinks to.
const BUFFER_BYTES: usize = 256 << 10;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It will be written.
    Queued,
    /// Nobody is connected.
    Unheard,
    /// The queue for its kind is full.
    Overflow,
}

/// What the control plane hears first, made piece by piece by whoever writes it.
pub type Opening = Box<dyn Iterator<Item = Event> + Send>;

enum Waiting {
    One(Box<Event>, Class, usize, Instant),
    Many(Opening),
}

/// What is written next.
enum Next {
    Events(Vec<Event>),
    Opening(Opening),
}

#[derive(Default)]
struct State {
    /// Shared with a write under way.
    connection: Option<Arc<ControlStream>>,
    /// Which connection it is: a write that failed on the one before says nothing about this one.
    generation: u64,
    /// After Hello: events may flow.
    is_greeted: bool,
    waiting: VecDeque<Waiting>,
    held: [Amount; CLASSES],
    is_writing: bool,
    gathering: Gathering,
    /// Events that were left out.
    late: u64,
}

/// The queue and the connection at its end.
#[derive(Default)]
pub struct EventQueue {
    state: Mutex<State>,
    changed: Condvar,
}

impl EventQueue {
    /// Replaces the connection. What waited for the old one is forgotten; nothing flows before [`Self::greet`].
    pub fn connect(&self, connection: Option<ControlStream>) {
        let mut state = self.lock();
        state.disconnect();
        state.generation += 1;
        state.connection = connection.map(Arc::new);
    }

    /// Opens the connection with these events. Others may be pushed meanwhile and are written behind them.
    pub fn greet(&self, opening: Opening) {
        let mut state = self.lock();
        state.is_greeted = true;
        state.waiting.push_back(Waiting::Many(opening));
        self.changed.notify_all();
    }

    /// Queues an answer, whether events flow or not.
    pub fn answer(&self, answer: Event) {
        let bytes = size_of(&answer);
        let mut state = self.lock();
        if state.connection.is_some() {
            state.push(answer, bytes);
            self.tell(&state);
        }
    }

    /// Queues an event. Never blocks on the reader.
    pub fn push(&self, event: Event) -> Pushed {
        let bytes = size_of(&event);
        let mut state = self.lock();
        if !state.is_greeted {
            return Pushed::Unheard;
        }
        let pushed = state.push(event, bytes);
        self.tell(&state);
        pushed
    }

    /// How many events were left out since this was last asked.
    pub fn take_late(&self) -> u64 {
        std::mem::take(&mut self.lock().late)
    }

    /// Wakes who writes where it may have waited for this: not for each one while it gathers.
    fn tell(&self, state: &State) {
        if [1, GATHERED].contains(&state.waiting.len()) {
            self.changed.notify_all();
        }
    }

    /// Waits until everything is written, at most `patience`.
    pub fn drain(&self, patience: Duration) {
        let unwritten =
            |state: &mut State| state.connection.is_some() && (state.is_writing || !state.waiting.is_empty());
        let _ = self.changed.wait_timeout_while(self.lock(), patience, unwritten);
    }

    /// Writes what is queued, for ever.
    pub fn write_forever(&self) {
        let mut bytes = Vec::new();
        loop {
            let (connection, generation, next) = self.take();
            let written = connection.and_then(|connection| match next {
                Next::Events(events) => write(&connection, &mut bytes, events),
                Next::Opening(mut opening) => {
                    opening.try_for_each(|event| write(&connection, &mut bytes, [event].into()))
                }
            });
            let mut state = self.lock();
            state.is_writing = false;
            if written.is_err() && state.generation == generation {
                state.disconnect();
            }
            drop(state);
            self.changed.notify_all();
            bytes.shrink_to(BUFFER_BYTES);
        }
    }

    /// Waits for something to write and takes some of it. It is made into bytes without the lock: nobody waits for that.
    fn take(&self) -> (io::Result<Arc<ControlStream>>, u64, Next) {
        let idle = |state: &mut State| state.connection.is_none() || state.waiting.is_empty();
        let mut state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let pause = state.gathering.pause(Instant::now());
        let few = |state: &mut State| state.connection.is_some() && state.waiting.len() < GATHERED;
        if !pause.is_zero() {
            let waited = self.changed.wait_timeout_while(state, pause, few);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.gathering.woken(Instant::now());
        let next = state.next(Instant::now());
        state.is_writing = true;
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        let connection = state.connection.clone().ok_or_else(gone);
        (connection, state.generation, next)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Queues an event, unless as much of its class waits as may; then whoever does not read is cut off, or the event is lost.
    fn push(&mut self, event: Event, bytes: usize) -> Pushed {
        let class = Class::of(&event);
        let Some(held) = self.held.get_mut(class as usize) else { return Pushed::Overflow };
        let with_it = Amount { events: held.events + 1, bytes: held.bytes + bytes };
        let limit = class.limit();
        if with_it.events > limit.events || with_it.bytes > limit.bytes {
            if !class.may_be_lost() {
                self.disconnect();
            }
            return Pushed::Overflow;
        }
        *held = with_it;
        self.waiting.push_back(Waiting::One(Box::new(event), class, bytes, Instant::now()));
        Pushed::Queued
    }

    /// Takes out what is first: an opening by itself, or some events.
    fn next(&mut self, now: Instant) -> Next {
        let mut events = vec![];
        while events.len() < WRITE_EVENTS {
            match self.waiting.pop_front() {
                Some(Waiting::One(event, class, bytes, at)) => {
                    let mut is_crowded = false;
                    if let Some(held) = self.held.get_mut(class as usize) {
                        is_crowded = held.events > CROWD;
                        *held = Amount { events: held.events - 1, bytes: held.bytes - bytes };
                    }
                    if is_crowded && now.saturating_duration_since(at) > LATE && is_asked_again(&event) {
                        self.late += 1;
                    } else {
                        events.push(*event);
                    }
                }
                Some(Waiting::Many(opening)) if events.is_empty() => return Next::Opening(opening),
                Some(opening) => {
                    self.waiting.push_front(opening);
                    break;
                }
                None => break,
            }
        }
        Next::Events(events)
    }

    fn disconnect(&mut self) {
        self.gathering = Gathering::default();
        if let Some(connection) = self.connection.take() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.is_greeted = false;
        self.waiting.clear();
        self.held = [Amount::default(); CLASSES];
    }
}

/// What an event takes while it waits: what it says, and what is around it.
fn size_of(event: &Event) -> usize {
    event.encoded_len() + std::mem::size_of::<Waiting>()
}

fn write(mut connection: &ControlStream, bytes: &mut Vec<u8>, events: Vec<Event>) -> io::Result<()> {
    bytes.clear();
    for event in events {
        // A message that fits no frame can only be one that this program made too long; it is left out, not cut.
        let _ = frame::append(&FromDataPlane { event: Some(event) }, bytes);
    }
    connection.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use lacis_contract::wire::{self, Confirmed, Datagram, DropSample, FlowReport, Message, NeedSession};

    use super::*;

    fn confirmed() -> Event {
        Event::Confirmed(Confirmed::default())
    }

    fn greeted() -> (EventQueue, ControlStream) {
        let (ours, theirs) = ControlStream::pair().unwrap();
        let queue = EventQueue::default();
        queue.connect(Some(ours));
        queue.greet(Box::new([].into_iter()));
        (queue, theirs)
    }

    fn queued(queue: &EventQueue, event: &Event) -> usize {
        (0..200_000).take_while(|_| queue.push(event.clone()) == Pushed::Queued).count()
    }

    fn message(kind: u32, bytes: usize) -> Event {
        Event::Message(Message { r#type: kind, body: vec![0; bytes], ..Default::default() })
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let queue = EventQueue::default();
        assert_eq!(queue.push(confirmed()), Pushed::Unheard);
        let (ours, _theirs) = ControlStream::pair().unwrap();
        queue.connect(Some(ours));
        assert_eq!(queue.push(confirmed()), Pushed::Unheard);
    }

    #[test]
    fn every_kind_has_its_own_limit() {
        let (queue, _theirs) = greeted();
        assert_eq!(queued(&queue, &Event::DropSample(DropSample::default())), 64);
        assert_eq!(queued(&queue, &Event::NeedSession(NeedSession::default())), 4_096);
        assert_eq!(queue.push(message(4, 0)), Pushed::Overflow);
        assert_eq!(queued(&queue, &Event::Datagram(Datagram::default())), 1_024);
        assert_eq!(queue.push(message(5, 0)), Pushed::Queued);
        assert_eq!(queued(&queue, &confirmed()), 131_071);
        let (queue, _theirs) = greeted();
        assert_eq!(queued(&queue, &Event::FlowReport(FlowReport::default())), 128);
        assert_eq!(queue.push(confirmed()), Pushed::Unheard);
    }

    #[test]
    fn long_messages_fill_their_share_of_memory_and_nobody_else_s() {
        let (queue, _theirs) = greeted();
        let long = queued(&queue, &message(3, 8_969));
        assert!((1_800..1_870).contains(&long), "{long} messages of 9 kB are 16 MiB");
        let handshake = Event::Datagram(Datagram { datagram: vec![0; 9_001], ..Default::default() });
        let long = queued(&queue, &handshake);
        assert!((440..466).contains(&long), "{long} datagrams of 9 kB are 4 MiB");
        assert_eq!(queue.push(confirmed()), Pushed::Queued);
        assert_eq!(queue.push(message(5, 0)), Pushed::Queued);
    }

    #[test]
    fn answers_that_are_not_read_cut_the_reader_off() {
        let (queue, _theirs) = greeted();
        let answer = Event::Result(wire::Result { error: "x".repeat(1 << 20), ..Default::default() });
        for _ in 0..63 {
            queue.answer(answer.clone());
        }
        assert_eq!(queue.push(confirmed()), Pushed::Queued);
        queue.answer(answer);
        assert_eq!(queue.push(confirmed()), Pushed::Unheard);
    }

    #[test]
    fn of_a_crowd_what_is_asked_again_and_has_waited_for_a_second_is_left_out_and_counted() {
        let read = |queue: &EventQueue, after: Duration| {
            let mut state = queue.lock();
            let mut read = 0;
            while let Next::Events(events) = state.next(Instant::now() + after) {
                if events.is_empty() && state.waiting.is_empty() {
                    break;
                }
                read += events.len();
            }
            read
        };
        let filled = |kind: u32, events: usize| {
            let (queue, theirs) = greeted();
            assert!(matches!(queue.lock().next(Instant::now()), Next::Opening(_)));
            for _ in 0..events {
                assert_eq!(queue.push(message(kind, 20)), Pushed::Queued);
            }
            (queue, theirs)
        };
        let (queue, _theirs) = filled(3, 1_000);
        assert_eq!((read(&queue, Duration::ZERO), queue.take_late()), (1_000, 0));
        let (queue, _theirs) = filled(3, 1_000);
        assert_eq!((read(&queue, Duration::from_secs(2)), queue.take_late()), (CROWD, 1_000 - CROWD as u64));
        let (queue, _theirs) = filled(3, CROWD);
        assert_eq!((read(&queue, Duration::from_secs(60)), queue.take_late()), (CROWD, 0));
        // Answers to this host: nobody gives them again.
        let (queue, _theirs) = filled(4, 1_000);
        assert_eq!((read(&queue, Duration::from_secs(2)), queue.take_late()), (1_000, 0));
    }

    #[test]
    fn nobody_waits_while_the_opening_is_made_and_what_came_meanwhile_follows_it() {
        let (ours, mut theirs) = ControlStream::pair().unwrap();
        let queue = Arc::new(EventQueue::default());
        queue.connect(Some(ours));
        let writer = Arc::clone(&queue);
        std::thread::spawn(move || writer.write_forever());
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let first = [1, 2].into_iter().map(move |local_index| {
            may_go_on.recv().unwrap();
            Event::Confirmed(Confirmed { local_index })
        });
        queue.answer(Event::Confirmed(Confirmed { local_index: 0 }));
        queue.greet(Box::new(first));
        assert_eq!(queue.push(Event::Confirmed(Confirmed { local_index: 3 })), Pushed::Queued);
        go_on.send(()).unwrap();
        assert_eq!(queue.push(Event::Confirmed(Confirmed { local_index: 4 })), Pushed::Queued);
        go_on.send(()).unwrap();
        for local_index in 0..=4 {
            let read: FromDataPlane = frame::read(&mut theirs).unwrap().unwrap();
            assert_eq!(read.event, Some(Event::Confirmed(Confirmed { local_index })));
        }
    }

    #[test]
    fn events_reach_the_reader_in_order_and_a_dead_reader_is_let_go() {
        let (queue, mut theirs) = greeted();
        let queue = Arc::new(queue);
        let writer = Arc::clone(&queue);
        std::thread::spawn(move || writer.write_forever());
        for local_index in 0..1_000 {
            queue.push(Event::Confirmed(Confirmed { local_index }));
        }
        for local_index in 0..1_000 {
            let read: FromDataPlane = frame::read(&mut theirs).unwrap().unwrap();
            assert_eq!(read.event, Some(Event::Confirmed(Confirmed { local_index })));
        }
        drop(theirs);
        while queue.push(confirmed()) != Pushed::Unheard {
            std::thread::yield_now();
        }
    }
}
