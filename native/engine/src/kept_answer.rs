//! The answer to a lighthouse message that a peer repeats (SEMANTICS.md section 5.5).

use crate::path::Path;

/// Longest message whose answer is kept; the answer is not longer.
pub const ASKED_LIMIT_BYTES: usize = 512;
/// No answer is kept for longer.
pub const KEPT_MS_MAX: u32 = 60_000;

/// What the control plane says to one message, should the same come again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct NewAnswer {
    pub local_index: u32,
    pub asked: Vec<u8>,
    pub answer: Vec<u8>,
    pub for_ms: u32,
    /// Number of the message that this is the answer to.
    pub heard: u32,
}

/// What one session is answered without asking the control plane: its last lighthouse message, from the same place, for a while.
#[derive(Default)]
pub struct KeptAnswer {
    /// Lighthouse messages that the control plane was told of, round and round without 0.
    told: u32,
    /// Where the last of them came from.
    from: Option<Path>,
    kept: Option<Kept>,
    given: Given,
}

struct Kept {
    /// What was asked, and behind it the answer.
    bytes: Box<[u8]>,
    asked: usize,
    until_ms: u64,
}

/// Answers that were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Given {
    pub answers: u32,
    /// Of their datagrams.
    pub bytes: u32,
}

impl KeptAnswer {
    /// The answer to a message that came from here now, if it is kept.
    pub fn to(&self, asked: &[u8], origin: Path, now_ms: u64) -> Option<Vec<u8>> {
        let kept = self.kept.as_ref().filter(|kept| now_ms < kept.until_ms && self.from == Some(origin))?;
        let (known, answer) = kept.bytes.split_at_checked(kept.asked)?;
        (known == asked).then(|| answer.to_vec())
    }

    /// The control plane is told of a message from here, which may change everything. Returns its number.
    pub fn told(&mut self, origin: Path) -> u32 {
        self.told = self.told.wrapping_add(1).max(1);
        self.from = Some(origin);
        self.kept = None;
        self.told
    }

    /// Keeps an answer, unless another message was told meanwhile.
    pub fn keep(&mut self, new: &NewAnswer, now_ms: u64) {
        if new.for_ms == 0 {
            self.forget();
        } else if new.heard == self.told {
            self.kept = Some(Kept {
                bytes: [&new.asked[..], &new.answer].concat().into(),
                asked: new.asked.len(),
                until_ms: now_ms + u64::from(new.for_ms),
            });
        }
    }

    /// Whoever asks next is told of.
    pub fn forget(&mut self) {
        self.kept = None;
    }

    /// One was given, in a datagram of so many bytes.
    pub fn given(&mut self, bytes: usize) {
        self.given.answers = self.given.answers.saturating_add(1);
        self.given.bytes = self.given.bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// Those that were given since this was last asked.
    pub fn take_given(&mut self) -> Given {
        std::mem::take(&mut self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(port: u16) -> Path {
        Path::Direct(([192, 0, 2, 1], port).into())
    }

    fn answer(heard: u32, for_ms: u32) -> NewAnswer {
        NewAnswer { local_index: 1, asked: b"asked".into(), answer: b"yes".into(), for_ms, heard }
    }

    #[test]
    fn the_same_message_from_the_same_place_is_answered_until_the_time_is_over() {
        let mut kept = KeptAnswer::default();
        assert_eq!(kept.told(place(1)), 1);
        kept.keep(&answer(1, 1_000), 0);
        assert_eq!(kept.to(b"asked", place(1), 999), Some(b"yes".into()));
        assert_eq!(kept.to(b"asked", place(1), 1_000), None);
        assert_eq!(kept.to(b"asked", place(2), 0), None);
        assert_eq!(kept.to(b"askee", place(1), 0), None);
        assert_eq!(kept.to(b"askedyes", place(1), 0), None);
    }

    #[test]
    fn an_answer_to_another_message_than_the_last_one_is_not_kept() {
        let mut kept = KeptAnswer::default();
        kept.told(place(1));
        assert_eq!(kept.told(place(1)), 2);
        kept.keep(&answer(1, 1_000), 0);
        assert_eq!(kept.to(b"asked", place(1), 0), None);
        kept.keep(&answer(2, 1_000), 0);
        assert!(kept.to(b"asked", place(1), 0).is_some());
        kept.keep(&answer(7, 0), 0);
        assert_eq!(kept.to(b"asked", place(1), 0), None);
    }

    #[test]
    fn numbers_go_round_without_nought() {
        let mut kept = KeptAnswer { told: u32::MAX, ..KeptAnswer::default() };
        assert_eq!(kept.told(place(1)), 1);
    }
}
