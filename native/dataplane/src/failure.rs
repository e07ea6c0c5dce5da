//! Why a command failed: a code for programs, a sentence for people.

use std::io;

use lacis_engine::control::{Refusal, RefusalCode};

/// A failed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One of the codes of `Result.code` in the contract.
    pub code: &'static str,
    /// What and why, and what to do about it.
    pub message: String,
}

impl Failure {
    /// With any code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A request that cannot be meant.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new("bad-request", message)
    }

    /// A field that is known and cannot be done, or a value of it that is not known.
    pub fn unsupported(field: &str, why: impl AsRef<str>) -> Self {
        Self::new("unsupported", format!("{field}: {}", why.as_ref()))
    }

    /// A choice of which nothing is there: whether it is missing or of a later contract cannot be told apart.
    pub fn unknown_member(field: &str) -> Self {
        Self::unsupported(field, "nothing in it is known here")
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.code {
            RefusalCode::BadRequest => "bad-request",
            RefusalCode::UnknownSession => "unknown-session",
            RefusalCode::UnknownPolicy => "unknown-policy",
        };
        Self::new(code, refusal.message)
    }
}

/// What a command ends with of which this could not be done.
pub fn outcome<'a>(failures: impl Iterator<Item = &'a Failure>) -> io::Result<()> {
    let texts: Vec<&str> = failures.map(|failure| failure.message.as_str()).collect();
    if texts.is_empty() { Ok(()) } else { Err(io::Error::other(texts.join("; "))) }
}
