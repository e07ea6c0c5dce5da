//! Which sessions there is something to tell of since the control plane asked last. It asks every second, and thousands are told of in parts: of those
//! that nobody uses it costs nothing to find the few that somebody does, and a part costs no more than what it tells.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::sync::{AtomicBool, Mutex, Ordering, lock};

/// The local indexes of those sessions. One that is gone stays until its turn comes.
#[derive(Default)]
pub struct ActiveSessions(Mutex<BTreeSet<u32>>);

impl ActiveSessions {
    /// Takes at most so many out from this index on, in ascending order, and says which one is next.
    pub fn take(&self, from: u32, limit: usize) -> (Vec<u32>, Option<u32>) {
        let mut listed = lock(&self.0);
        let taken: Vec<u32> = listed.range(from..).take(limit).copied().collect();
        for local_index in &taken {
            listed.remove(local_index);
        }
        (taken, listed.range(from..).next().copied())
    }
}

/// Sessions that samples tell of.
#[derive(Clone, Default)]
pub struct SampleLists {
    /// Those that were used.
    pub used: Arc<ActiveSessions>,
    /// Those whose peer moved, which nobody has been told yet.
    pub moved: Arc<ActiveSessions>,
}

/// One session's place among them.
pub struct Listing {
    local_index: u32,
    is_listed: AtomicBool,
    list: Arc<ActiveSessions>,
}

impl Listing {
    /// Of a session on which nothing has happened yet.
    pub fn new(local_index: u32, list: Arc<ActiveSessions>) -> Self {
        Self { local_index, is_listed: AtomicBool::new(false), list }
    }

    /// It has happened what `mark` says. Costs a look at the mark, when it is there already.
    pub fn note(&self, mark: &AtomicBool) {
        if !mark.load(Ordering::Relaxed) && !mark.swap(true, Ordering::AcqRel) {
            self.list();
        }
    }

    /// There is something to tell of it.
    pub fn list(&self) {
        if !self.is_listed.swap(true, Ordering::AcqRel) {
            lock(&self.list.0).insert(self.local_index);
        }
    }

    /// Its turn has come: to be called before its marks are taken, so that whoever sets one afterwards lists it again.
    pub fn unlist(&self) {
        self.is_listed.swap(false, Ordering::AcqRel);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_listed_once_however_often_it_is_used_and_again_after_its_turn() {
        let list = Arc::new(ActiveSessions::default());
        let (mark, listing) = (AtomicBool::new(false), Listing::new(7, Arc::clone(&list)));
        for _ in 0..3 {
            listing.note(&mark);
        }
        assert_eq!(list.take(0, 9), (vec![7], None));
        listing.note(&mark);
        assert_eq!(list.take(0, 9), (vec![], None));
        listing.unlist();
        mark.store(false, Ordering::Relaxed);
        listing.note(&mark);
        assert_eq!(list.take(0, 9), (vec![7], None));
    }

    #[test]
    fn those_whose_turn_has_not_come_keep_their_place() {
        let list = Arc::new(ActiveSessions::default());
        for local_index in [9, 3, 5] {
            Listing::new(local_index, Arc::clone(&list)).list();
        }
        assert_eq!(list.take(4, 1), (vec![5], Some(9)));
        assert_eq!(list.take(0, 0), (vec![], Some(3)));
        assert_eq!(list.take(0, 9), (vec![3, 9], None));
    }
}

#[cfg(all(test, loom))]
mod models {
    use loom::thread;

    use super::*;

    /// What a sample makes of the session: whether it was used.
    fn sample(list: &ActiveSessions, listing: &Listing, mark: &AtomicBool) -> bool {
        if list.take(0, 1).0.is_empty() {
            return false;
        }
        listing.unlist();
        mark.swap(false, Ordering::AcqRel)
    }

    #[test]
    fn a_use_beside_a_sample_is_told_by_that_one_or_the_next() {
        loom::model(|| {
            let list = Arc::new(ActiveSessions::default());
            let session = Arc::new((Listing::new(7, Arc::clone(&list)), AtomicBool::new(false)));
            session.0.note(&session.1);
            let user = Arc::clone(&session);
            let used = thread::spawn(move || user.0.note(&user.1));
            let first = sample(&list, &session.0, &session.1);
            used.join().unwrap();
            let second = sample(&list, &session.0, &session.1);
            assert!(first || second);
            // However they met: whoever uses it next is told of.
            session.0.note(&session.1);
            assert!(sample(&list, &session.0, &session.1));
        });
    }
}
