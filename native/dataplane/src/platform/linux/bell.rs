//! Calling a thread that waits for files.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use crate::platform::Wait;

/// Calls a thread that waits for it among other things.
pub struct Bell {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Bell {
    /// Silent.
    pub fn new() -> io::Result<Self> {
        io::pipe().map(|(reader, writer)| Self { reader, writer })
    }

    /// Whoever waits for it is woken. Not to be rung again before it was hushed.
    pub fn ring(&self) {
        let _ = (&self.writer).write(&[0]);
    }

    /// Of a bell that has rung.
    pub fn hush(&self) {
        let _ = (&self.reader).read(&mut [0; 16]);
    }
}

impl Wait for Bell {
    fn handle(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
