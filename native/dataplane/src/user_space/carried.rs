//! One program's connection: what it asks, the call, and then bytes both ways, each as fast as its reader reads.

use std::io::Write;
use std::os::unix::net::UnixStream;

use lacis_stack::{Incoming, NotBegun, Progress, Stack, StreamId};

use super::chunks::{Came, Reading, Writing};
use super::request::{Answer, Request};
use crate::platform::Interest;

/// How long a program may take to say whom it wants.
const REQUEST_MS: u64 = 5_000;
/// How long somebody may take to answer a call: a tunnel may have to be made first.
const CALL_MS: u64 = 30_000;
/// How long what a program has left behind may take to arrive.
const FAREWELL_MS: u64 = 60_000;
/// Pieces that are moved before others have their turn.
const PIECES_A_TURN: usize = 16;

/// See the head of this file.
pub struct Carried {
    /// Gone once the program is.
    local: Option<UnixStream>,
    state: State,
    reading: Reading,
    writing: Writing,
    /// The program has said its last byte.
    is_said: bool,
    /// It was told the peer's last byte.
    is_told: bool,
    until_ms: u64,
}

enum State {
    Asking(Request),
    Calling(StreamId),
    Open(StreamId),
    /// Broken off: the reset goes with the packets of this turn.
    Leaving(StreamId),
    Over,
}

impl Carried {
    /// A program that has connected.
    pub fn new(local: UnixStream, now_ms: u64) -> Self {
        Self {
            local: Some(local),
            state: State::Asking(Request::default()),
            reading: Reading::default(),
            writing: Writing::default(),
            is_said: false,
            is_told: false,
            until_ms: now_ms + REQUEST_MS,
        }
    }

    /// The program's end.
    pub fn local(&self) -> Option<&UnixStream> {
        self.local.as_ref()
    }

    /// Whether nobody has answered yet.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Asking(_) | State::Calling(_))
    }

    /// Whether it is to be forgotten.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// When it is to be looked at again though nothing happens; `None`: never.
    pub fn due_ms(&self) -> Option<u64> {
        match self.state {
            State::Leaving(_) => Some(0),
            State::Open(_) if self.local.is_some() => None,
            _ => Some(self.until_ms),
        }
    }

    /// What it waits for at the program's end.
    pub fn interest(&self, stack: &Stack) -> Interest {
        match self.state {
            State::Asking(_) => Interest { reads: true, writes: false },
            State::Open(id) => {
                Interest { reads: !self.is_said && stack.has_room(id), writes: !self.is_told && stack.has_news(id) }
            }
            State::Calling(_) | State::Leaving(_) | State::Over => Interest::default(),
        }
    }

    /// Does what can be done now. `gone`: the program's end is closed.
    pub fn step(&mut self, stack: &mut Stack, now_ms: u64, gone: bool) {
        match &mut self.state {
            State::Asking(request) => {
                let Some(local) = &mut self.local else { return };
                match request.read(local) {
                    Ok(None) if now_ms < self.until_ms => {}
                    Ok(Some(Ok(to))) => match stack.dial(to) {
                        Ok(id) => {
                            self.state = State::Calling(id);
                            self.until_ms = now_ms + CALL_MS;
                        }
                        Err(NotBegun::TooMany) => self.answer(Answer::TooMany),
                        Err(NotBegun::NoWay) => self.answer(Answer::NoWay),
                    },
                    Ok(Some(Err(answer))) => self.answer(answer),
                    Ok(None) | Err(_) => self.state = State::Over,
                }
            }
            State::Calling(id) => {
                let id = *id;
                match stack.progress(id) {
                    Progress::Calling if gone => self.leave(stack, id),
                    Progress::Calling if now_ms >= self.until_ms => {
                        self.say(Answer::Silent);
                        self.leave(stack, id);
                    }
                    Progress::Calling => {}
                    Progress::Over => {
                        stack.forget(id);
                        self.answer(Answer::Refused);
                    }
                    Progress::Open => {
                        self.state = State::Open(id);
                        if !self.say(Answer::Connected) {
                            self.leave(stack, id);
                        }
                    }
                }
            }
            State::Open(id) => {
                let id = *id;
                self.carry(stack, id, now_ms, gone);
            }
            State::Leaving(id) => {
                stack.forget(*id);
                self.state = State::Over;
            }
            State::Over => {}
        }
    }

    fn carry(&mut self, stack: &mut Stack, id: StreamId, now_ms: u64, gone: bool) {
        if !self.take_from_program(stack, id) || !self.give_to_program(stack, id) {
            return self.leave(stack, id);
        }
        if self.local.is_some() && gone && self.is_said {
            // It listens no more, and what it has said still goes.
            self.local = None;
            self.until_ms = now_ms + FAREWELL_MS;
        }
        let is_late = self.local.is_none() && now_ms >= self.until_ms;
        let is_unwanted = self.local.is_none() && matches!(stack.receive(id, <[u8]>::len), Incoming::Taken(_));
        if is_late || is_unwanted {
            return self.leave(stack, id);
        }
        // An end that the program was not told yet is told first: its stream is over already then.
        if stack.progress(id) == Progress::Over && (self.is_told || self.local.is_none()) {
            stack.forget(id);
            self.state = State::Over;
        }
    }

    /// False: the program broke off.
    fn take_from_program(&mut self, stack: &mut Stack, id: StreamId) -> bool {
        for _ in 0..PIECES_A_TURN {
            let Some(local) = &mut self.local else { return true };
            if self.is_said {
                return true;
            }
            let mut came = Ok(Came::Nothing);
            let has_room = stack.send(id, |room| {
                came = self.reading.read(local, room);
                if let Ok(Came::Bytes(bytes)) = came { bytes } else { 0 }
            });
            match came {
                _ if has_room.is_none() => return true,
                Ok(Came::Bytes(_)) => {}
                Ok(Came::Nothing) => return true,
                Ok(Came::End) => {
                    self.is_said = true;
                    stack.finish(id);
                }
                Err(_) => return false,
            }
        }
        true
    }

    /// False: it broke off, at either end.
    fn give_to_program(&mut self, stack: &mut Stack, id: StreamId) -> bool {
        for _ in 0..PIECES_A_TURN {
            let Some(local) = &mut self.local else { return true };
            if self.is_told {
                return true;
            }
            let mut is_broken = false;
            let incoming = stack.receive(id, |bytes| {
                let written = self.writing.write(local, bytes);
                is_broken = written.is_err();
                written.unwrap_or(0)
            });
            match incoming {
                _ if is_broken => return false,
                Incoming::Nothing | Incoming::Taken(0) => return true,
                Incoming::Taken(_) => {}
                Incoming::Broken => return false,
                Incoming::End => {
                    if self.writing.write(local, &[]).is_err() {
                        return false;
                    }
                    self.is_told = self.writing.is_clear();
                    return true;
                }
            }
        }
        true
    }

    /// Breaks it off, at both ends.
    fn leave(&mut self, stack: &mut Stack, id: StreamId) {
        stack.abort(id);
        self.local = None;
        self.state = State::Leaving(id);
    }

    fn answer(&mut self, answer: Answer) {
        self.say(answer);
        self.local = None;
        self.state = State::Over;
    }

    /// A socket that takes not even one byte belongs to a program that is gone.
    fn say(&mut self, answer: Answer) -> bool {
        self.local.as_mut().is_some_and(|local| matches!(local.write(&[answer as u8]), Ok(1)))
    }
}
