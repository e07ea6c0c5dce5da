//! Which of two threads serves which way: the one that receives and the one that reads the device.
//!
//! What a datagram brings to the device is often answered there and then, by an acknowledgement or an echo, and what leaves is soon acknowledged from
//! outside. Where each way has a thread that sleeps, each answer wakes one, and waking costs more than the answer. So whoever finds nothing more to do
//! leaves its way to the other thread and sleeps until it is called: one thread serves both ways, unless much goes both ways.
//!
//! A way belongs to one thread at a time, and changes hands between two bursts: what came first is sent first.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::platform::Bell;

/// For so long a burst says that much goes that way.
const HEAVY_MS: u64 = 10;

/// A way that packets take, and the thread whose way it is as long as none has taken it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Socket to device.
    In,
    /// Device to socket.
    Out,
}

impl Way {
    /// In the order in which one thread serves them: what comes in is answered by what goes out.
    pub const ALL: [Self; 2] = [Self::In, Self::Out];

    fn other(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
        }
    }
}

/// Something of each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Each<T> {
    /// Of [`Way::In`].
    pub inbound: T,
    /// Of [`Way::Out`].
    pub outbound: T,
}

impl<T> Each<T> {
    /// That of one.
    pub fn of(&self, way: Way) -> &T {
        match way {
            Way::In => &self.inbound,
            Way::Out => &self.outbound,
        }
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, way: Way) -> &mut T {
        match way {
            Way::In => &mut self.inbound,
            Way::Out => &mut self.outbound,
        }
    }
}

impl Each<bool> {
    /// Whether it is so of any.
    pub fn any(self) -> bool {
        self.inbound || self.outbound
    }

    /// Whether it is so of both.
    pub fn both(self) -> bool {
        self.inbound && self.outbound
    }
}

/// What two threads have agreed on.
pub struct Duties {
    state: Mutex<State>,
    bells: Each<Bell>,
    are_shared: bool,
}

struct State {
    /// The thread that serves each way.
    served_by: Each<Way>,
    /// Threads that can be given a way.
    is_here: Each<bool>,
    /// Threads that see only what they wait for.
    waits: Each<bool>,
    /// Until when much goes each way.
    heavy_until_ms: Each<u64>,
}

impl Duties {
    /// Each thread serves its own way, and always will unless the ways `are_shared`.
    pub fn new(are_shared: bool) -> io::Result<Self> {
        let bells = Each { inbound: Bell::new()?, outbound: Bell::new()? };
        let served_by = Each { inbound: Way::In, outbound: Way::Out };
        let (is_here, waits, heavy_until_ms) = Default::default();
        let state = State { served_by, is_here, waits, heavy_until_ms };
        Ok(Self { state: Mutex::new(state), bells, are_shared })
    }

    /// This thread can be given the other way from now on, or cannot.
    pub fn set_here(&self, me: Way, is_here: bool) {
        *self.lock().is_here.of_mut(me) = is_here && self.are_shared;
    }

    /// What this thread serves. It does not wait any more.
    pub fn served(&self, me: Way) -> Each<bool> {
        let mut state = self.lock();
        *state.waits.of_mut(me) = false;
        state.served(me)
    }

    /// This thread has nothing to do and is about to wait for [`Self::bell`] and for what it serves: nothing if the other thread is at work, which
    /// serves that then. Where much goes both ways each stays with its own.
    pub fn rest(&self, me: Way, now_ms: u64) -> Each<bool> {
        let mut state = self.lock();
        let other = me.other();
        if !state.are_both_heavy(now_ms)
            && *state.is_here.of(me)
            && *state.is_here.of(other)
            && state.served(other).any()
        {
            state.served_by = Each { inbound: other, outbound: other };
            self.call(&mut state, other);
        }
        *state.waits.of_mut(me) = true;
        state.served(me)
    }

    /// Much went one way now. If it does the other, too, each thread serves its own. Returns what this one serves then.
    pub fn heavy(&self, me: Way, way: Way, now_ms: u64) -> Each<bool> {
        let mut state = self.lock();
        *state.heavy_until_ms.of_mut(way) = now_ms + HEAVY_MS;
        if state.are_both_heavy(now_ms) {
            self.divide(&mut state, me);
        }
        state.served(me)
    }

    /// The other thread serves its own way again, if this one has served both and the other can be called.
    pub fn share(&self, me: Way) {
        self.divide(&mut self.lock(), me);
    }

    fn divide(&self, state: &mut State, me: Way) {
        let other = me.other();
        if state.served(me).both() && *state.is_here.of(other) {
            *state.served_by.of_mut(other) = other;
            self.call(state, other);
        }
    }

    /// What a thread that waits is called by.
    pub fn bell(&self, me: Way) -> &Bell {
        self.bells.of(me)
    }

    /// Once only: it looks at what it serves before it waits again.
    fn call(&self, state: &mut State, thread: Way) {
        if std::mem::take(state.waits.of_mut(thread)) {
            self.bell(thread).ring();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn are_both_heavy(&self, now_ms: u64) -> bool {
        now_ms < self.heavy_until_ms.inbound.min(self.heavy_until_ms.outbound)
    }

    fn served(&self, by: Way) -> Each<bool> {
        let served = |way| *self.served_by.of(way) == by;
        Each { inbound: served(Way::In), outbound: served(Way::Out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{Wait, stop_switch};

    const NOTHING: Each<bool> = Each { inbound: false, outbound: false };
    const IN: Each<bool> = Each { inbound: true, outbound: false };
    const OUT: Each<bool> = Each { inbound: false, outbound: true };
    const BOTH: Each<bool> = Each { inbound: true, outbound: true };

    /// Both threads are there, and at work.
    fn at_work() -> Duties {
        let duties = Duties::new(true).unwrap();
        Way::ALL.into_iter().for_each(|me| duties.set_here(me, true));
        duties
    }

    fn has_rung(duties: &Duties, me: Way) -> bool {
        let (_stop, stopped) = stop_switch().unwrap();
        let always = Bell::new().unwrap();
        always.ring();
        let [rung, _] = stopped.wait_with([Some(duties.bell(me).handle()), Some(always.handle())]).unwrap();
        if rung {
            duties.bell(me).hush();
        }
        rung
    }

    #[test]
    fn who_has_nothing_to_do_leaves_its_way_to_the_other_who_keeps_both_when_it_rests_too() {
        let duties = at_work();
        assert_eq!((duties.served(Way::In), duties.served(Way::Out)), (IN, OUT));
        assert_eq!(duties.rest(Way::Out, 0), NOTHING);
        assert_eq!(duties.served(Way::In), BOTH);
        assert!(!has_rung(&duties, Way::In), "it was at work, and sees it without being called");
        assert_eq!(duties.rest(Way::In, 0), BOTH);
    }

    #[test]
    fn who_waits_already_is_called_once_for_the_way_that_it_is_left() {
        let duties = at_work();
        duties.set_here(Way::In, false);
        assert_eq!(duties.rest(Way::Out, 0), OUT, "the other is not there");
        duties.set_here(Way::In, true);
        assert_eq!(duties.rest(Way::In, 0), NOTHING);
        assert!(has_rung(&duties, Way::Out) && !has_rung(&duties, Way::Out));
        assert_eq!(duties.served(Way::Out), BOTH);
    }

    #[test]
    fn who_cannot_serve_both_calls_the_other_back_to_its_own_way() {
        for me in Way::ALL {
            let duties = at_work();
            assert_eq!(duties.rest(me.other(), 0), NOTHING);
            duties.share(me);
            assert!(has_rung(&duties, me.other()));
            assert_eq!((duties.served(Way::In), duties.served(Way::Out)), (IN, OUT));
            duties.share(me);
            assert!(!has_rung(&duties, me.other()), "there is nothing left to share");
        }
    }

    #[test]
    fn each_thread_serves_its_own_way_while_much_goes_both_ways() {
        let duties = at_work();
        assert_eq!(duties.rest(Way::Out, 0), NOTHING);
        assert_eq!(duties.heavy(Way::In, Way::In, 5), BOTH, "the answers to much are little");
        assert_eq!(duties.heavy(Way::In, Way::Out, 7), IN);
        assert!(has_rung(&duties, Way::Out));
        assert_eq!((duties.rest(Way::In, 14), duties.rest(Way::Out, 14)), (IN, OUT));
        assert_eq!(duties.rest(Way::In, 15), NOTHING, "nothing much came in for a while");
        assert_eq!(duties.served(Way::Out), BOTH);
    }

    #[test]
    fn nobody_is_left_a_way_while_it_is_not_there() {
        let duties = at_work();
        duties.set_here(Way::Out, false);
        assert_eq!(duties.rest(Way::In, 0), IN);
        assert_eq!(duties.served(Way::Out), OUT);
        let duties = at_work();
        assert_eq!(duties.rest(Way::In, 0), NOTHING);
        duties.set_here(Way::In, false);
        duties.share(Way::Out);
        assert_eq!(duties.served(Way::Out), BOTH);
    }

    #[test]
    fn ways_that_are_not_shared_stay_where_they_are() {
        let duties = Duties::new(false).unwrap();
        Way::ALL.into_iter().for_each(|me| duties.set_here(me, true));
        assert_eq!((duties.rest(Way::In, 0), duties.rest(Way::Out, 0)), (IN, OUT));
        duties.share(Way::In);
        assert_eq!((duties.served(Way::In), duties.served(Way::Out)), (IN, OUT));
    }
}
