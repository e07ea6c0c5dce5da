//! What waits to be read by the control plane. Bounded in every kind, so that a slow reader costs neither memory nor a packet.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::Shutdown;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lacis_contract::frame;
use lacis_contract::wire::{FromDataPlane, from_data_plane::Event};
use lacis_engine::header::Kind;

use crate::platform::ControlStream;

/// Events written at once.
const WRITE_EVENTS: usize = 256;
/// What the write buffer shrinks to.
const BUFFER_BYTES: usize = 256 << 10;

/// How an event may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Never while the connection lives: a control plane that lets this many pile up is cut off, and learns the state anew from the
    /// snapshot when it comes back.
    Certain,
    /// Like [`Self::Certain`], but large.
    Bulky,
    /// Sent again by whoever sent it, or asked for again.
    Repeatable,
    /// The counters are exact without it.
    Sample,
}

impl Class {
    fn of(event: &Event) -> Self {
        match event {
            // The session is gone already, and nobody says so again.
            Event::Message(message) if message.r#type == u32::from(Kind::CloseTunnel.to_wire().0) => Self::Certain,
            Event::Datagram(_) | Event::Message(_) | Event::NeedSession(_) => Self::Repeatable,
            Event::DropSample(_) => Self::Sample,
            Event::FlowReport(_) => Self::Bulky,
            _ => Self::Certain,
        }
    }

    fn limit(self) -> usize {
        match self {
            Self::Certain => 131_072,
            // Twice all flows that there can be.
            Self::Bulky => 128,
            Self::Repeatable => 4_096,
            Self::Sample => 64,
        }
    }
}

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

#[derive(Default)]
struct State {
    connection: Option<ControlStream>,
    /// Which connection it is: a write that failed on the one before says nothing about this one.
    generation: u64,
    /// After Hello: events may flow.
    is_greeted: bool,
    waiting: VecDeque<Event>,
    held: [usize; 4],
    is_writing: bool,
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
        state.connection = connection;
    }

    /// Opens the connection with what `first` returns, which is made while no event can slip in between.
    pub fn greet(&self, first: impl FnOnce() -> Vec<Event>) {
        let mut state = self.lock();
        state.is_greeted = true;
        for event in first() {
            state.push(event);
        }
        self.changed.notify_all();
    }

    /// Queues an answer, whether events flow or not.
    pub fn answer(&self, answer: Event) {
        let mut state = self.lock();
        if state.connection.is_some() {
            state.push(answer);
            self.changed.notify_all();
        }
    }

    /// Queues an event. Never blocks on the reader.
    pub fn push(&self, event: Event) -> Pushed {
        let mut state = self.lock();
        if !state.is_greeted {
            return Pushed::Unheard;
        }
        let class = Class::of(&event);
        if state.held.get(class as usize).is_some_and(|held| *held >= class.limit()) {
            if matches!(class, Class::Certain | Class::Bulky) {
                state.disconnect();
            }
            return Pushed::Overflow;
        }
        state.push(event);
        self.changed.notify_all();
        Pushed::Queued
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
            let (connection, generation, events) = self.take();
            for event in events {
                // A message that fits no frame can only be one that this program made too long; it is left out, not cut.
                let _ = frame::append(&FromDataPlane { event: Some(event) }, &mut bytes);
            }
            let written = connection.and_then(|mut connection| connection.write_all(&bytes));
            let mut state = self.lock();
            state.is_writing = false;
            if written.is_err() && state.generation == generation {
                state.disconnect();
            }
            drop(state);
            self.changed.notify_all();
            bytes.clear();
            bytes.shrink_to(BUFFER_BYTES);
        }
    }

    /// Waits for events and takes some. They are made into bytes without the lock: nobody waits for that.
    fn take(&self) -> (io::Result<ControlStream>, u64, Vec<Event>) {
        let idle = |state: &mut State| state.connection.is_none() || state.waiting.is_empty();
        let mut state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let taken = state.waiting.len().min(WRITE_EVENTS);
        let events: Vec<Event> = state.waiting.drain(..taken).collect();
        for event in &events {
            if let Some(held) = state.held.get_mut(Class::of(event) as usize) {
                *held = held.saturating_sub(1);
            }
        }
        state.is_writing = true;
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        let connection = state.connection.as_ref().ok_or_else(gone).and_then(ControlStream::try_clone);
        (connection, state.generation, events)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, event: Event) {
        if let Some(held) = self.held.get_mut(Class::of(&event) as usize) {
            *held += 1;
        }
        self.waiting.push_back(event);
    }

    fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.is_greeted = false;
        self.waiting.clear();
        self.held = [0; 4];
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lacis_contract::wire::{Confirmed, DropSample, FlowReport, Message, NeedSession};

    use super::*;

    fn confirmed() -> Event {
        Event::Confirmed(Confirmed::default())
    }

    fn greeted() -> (EventQueue, ControlStream) {
        let (ours, theirs) = ControlStream::pair().unwrap();
        let queue = EventQueue::default();
        queue.connect(Some(ours));
        queue.greet(Vec::new);
        (queue, theirs)
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
        let queued = |event: Event| (0..200_000).take_while(|_| queue.push(event.clone()) == Pushed::Queued).count();
        assert_eq!(queued(Event::DropSample(DropSample::default())), 64);
        assert_eq!(queued(Event::NeedSession(NeedSession::default())), 4_096);
        assert_eq!(queue.push(Event::Message(Message { r#type: 4, ..Default::default() })), Pushed::Overflow);
        assert_eq!(queue.push(Event::Message(Message { r#type: 5, ..Default::default() })), Pushed::Queued);
        assert_eq!(queued(confirmed()), 131_071);
        let (queue, _theirs) = greeted();
        let queued = |event: Event| (0..200_000).take_while(|_| queue.push(event.clone()) == Pushed::Queued).count();
        assert_eq!(queued(Event::FlowReport(FlowReport::default())), 128);
        assert_eq!(queue.push(confirmed()), Pushed::Unheard);
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
