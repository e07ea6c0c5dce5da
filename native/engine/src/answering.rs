//! Answers that are given without the control plane (SEMANTICS.md section 5.5).

use crate::control::Refusal;
use crate::engine::{Engine, Pass, Step};
use crate::header::{Kind, OVERHEAD_BYTES};
use crate::kept_answer::{ASKED_LIMIT_BYTES, KEPT_MS_MAX, NewAnswer};
use crate::lock::lock;
use crate::output::Output;
use crate::path::Path;
use crate::session::Session;

impl Engine {
    /// A control plane begins anew: it knows nothing of what was said before.
    pub fn forget_answers(&self) {
        for session in self.sessions.all() {
            lock(&session.seldom.kept_answer).forget();
        }
    }
}

impl<O: Output> Pass<'_, O> {
    /// Answers the last lighthouse message of a session, should it come again.
    pub fn keep_answer(&self, new: &NewAnswer) -> Result<(), Refusal> {
        if new.asked.len() > ASKED_LIMIT_BYTES {
            return Err(Refusal::bad(format!("no answer is kept to more than {ASKED_LIMIT_BYTES} bytes")));
        }
        if new.answer.len() > new.asked.len() {
            return Err(Refusal::bad("the answer is longer than what it answers"));
        }
        if new.for_ms > KEPT_MS_MAX {
            return Err(Refusal::bad(format!("no answer is kept for more than {KEPT_MS_MAX} ms")));
        }
        lock(&self.step.engine.session(new.local_index)?.seldom.kept_answer).keep(new, self.step.now_ms);
        Ok(())
    }
}

impl<O: Output> Step<'_, O> {
    /// What is kept for a message that came from where the session sends to.
    pub(crate) fn kept_answer(&self, session: &Session, origin: Path, body: &[u8]) -> Option<Vec<u8>> {
        let answer = lock(&session.seldom.kept_answer).to(body, origin, self.now_ms)?;
        (session.path() == Some(origin)).then_some(answer)
    }

    pub(crate) fn answer_again(&mut self, session: &Session, answer: &[u8]) {
        self.engine.inbound.kept_answers.add(1);
        lock(&session.seldom.kept_answer).given(answer.len() + OVERHEAD_BYTES);
        self.send(session, Kind::LightHouse, answer, None);
    }
}
