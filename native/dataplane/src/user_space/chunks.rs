//! Bytes of one direction of a stream on their way through a local socket, which cannot tell an end from a break by itself:
//!
//! ```text
//! length (2 bytes, big endian)  bytes        again and again; length 0: the end, said by whoever writes
//! ```
//!
//! A connection that ends without a length of 0 broke off.

use std::io::{self, IoSlice, Read, Write};

const HEADER_BYTES: usize = 2;
const CHUNK_MAX: usize = u16::MAX as usize;

/// What came of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// So many bytes; 0 only of a header.
    Bytes(usize),
    /// Nothing more is there now.
    Nothing,
    /// The writer has said its last byte.
    End,
}

/// Takes chunks apart.
#[derive(Default)]
pub struct Reading {
    header: [u8; HEADER_BYTES],
    header_there: usize,
    left: usize,
}

impl Reading {
    /// Reads one piece: of a header, or of a chunk into `room`. An error: it broke off.
    pub fn read(&mut self, from: &mut impl Read, room: &mut [u8]) -> io::Result<Came> {
        if self.left == 0 {
            let Some(bytes) = attempt(from.read(self.header.get_mut(self.header_there..).unwrap_or_default()))? else {
                return Ok(Came::Nothing);
            };
            self.header_there += bytes;
            if self.header_there < HEADER_BYTES {
                return Ok(Came::Bytes(0));
            }
            self.header_there = 0;
            self.left = u16::from_be_bytes(self.header).into();
            return Ok(if self.left == 0 { Came::End } else { Came::Bytes(0) });
        }
        let length = self.left.min(room.len());
        let Some(bytes) = attempt(from.read(room.get_mut(..length).unwrap_or_default()))? else {
            return Ok(Came::Nothing);
        };
        self.left -= bytes;
        Ok(Came::Bytes(bytes))
    }
}

/// What was read, `None` for nothing now, an error for an end.
fn attempt(read: io::Result<usize>) -> io::Result<Option<usize>> {
    match read {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts bytes into chunks. What was promised by a header is written before there is another.
#[derive(Default)]
pub struct Writing {
    header: [u8; HEADER_BYTES],
    header_left: usize,
    owed: usize,
}

impl Writing {
    /// Writes of `bytes` what the socket takes, and says how much that is. No bytes: the end, which is written when [`Self::is_clear`].
    pub fn write(&mut self, to: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
        if self.is_clear() {
            let length = bytes.len().min(CHUNK_MAX);
            self.header = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
            self.header_left = HEADER_BYTES;
            self.owed = length;
        }
        let header = self.header.get(HEADER_BYTES - self.header_left..).unwrap_or_default();
        let chunk = bytes.get(..self.owed.min(bytes.len())).unwrap_or_default();
        let written = match to.write_vectored(&[IoSlice::new(header), IoSlice::new(chunk)]) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        let of_header = written.min(self.header_left);
        self.header_left -= of_header;
        let of_chunk = written - of_header;
        self.owed -= of_chunk;
        Ok(of_chunk)
    }

    /// Whether nothing is owed.
    pub fn is_clear(&self) -> bool {
        self.header_left == 0 && self.owed == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes as many bytes as it is told to, then none for once.
    struct Narrow {
        widths: Vec<usize>,
        there: Vec<u8>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let width = self.widths.pop().unwrap_or(usize::MAX);
            if width == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let taken = width.min(bytes.len());
            self.there.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            self.write(&all)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out_however_narrow_the_socket(
            bytes in prop::collection::vec(any::<u8>(), 1..4_000),
            widths in prop::collection::vec(0_usize..700, 0..40),
            room in 1_usize..900,
        ) {
            let mut socket = Narrow { widths, there: vec![] };
            let (mut writing, mut left) = (Writing::default(), &bytes[..]);
            while !left.is_empty() {
                let written = writing.write(&mut socket, left).unwrap();
                left = &left[written..];
            }
            loop {
                writing.write(&mut socket, &[]).unwrap();
                if writing.is_clear() {
                    break;
                }
            }
            let (mut reading, mut out, mut from) = (Reading::default(), vec![], &socket.there[..]);
            let mut piece = vec![0; room];
            loop {
                match reading.read(&mut from, &mut piece).unwrap() {
                    Came::Bytes(count) => out.extend_from_slice(&piece[..count]),
                    Came::End => break,
                    Came::Nothing => {}
                }
            }
            prop_assert_eq!(out, bytes);
            prop_assert!(from.is_empty());
        }
    }

    #[test]
    fn a_connection_that_ends_without_saying_so_broke_off() {
        let mut reading = Reading::default();
        let mut from: &[u8] = &[0, 3, 1];
        let mut room = [0; 8];
        assert_eq!(reading.read(&mut from, &mut room).unwrap(), Came::Bytes(0));
        assert_eq!(reading.read(&mut from, &mut room).unwrap(), Came::Bytes(1));
        assert!(reading.read(&mut from, &mut room).is_err());
    }
}
