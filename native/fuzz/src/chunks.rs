//! Chunks that a program of this machine writes, in whatever pieces they come.

use std::io::{self, Read};

use lacis_dataplane::chunks::{Came, Reading};

/// How pieces are divided, so many bytes each; 0: nothing is there for once.
const WIDTHS: usize = 8;

/// However they are divided, and however little room there is, the same bytes come out as from all of them at once, and the same end.
pub fn check(bytes: &[u8]) {
    let Some(([room, widths @ ..], stream)) = bytes.split_first_chunk::<{ 1 + WIDTHS }>() else { return };
    let mut room = vec![0; usize::from(*room) + 1];
    let mut from = Pieces { left: stream, widths, turn: 0 };
    let (mut reading, mut out) = (Reading::default(), vec![]);
    let ended = loop {
        match reading.read(&mut from, &mut room) {
            Ok(Came::Bytes(count)) => out.extend_from_slice(&room[..count]),
            Ok(Came::Nothing) => {}
            Ok(Came::End) => break Some(from.left.len()),
            Err(_) => break None,
        }
    };
    assert_eq!((out, ended), whole(stream));
}

/// The bytes, and how many follow the end; `None`: it broke off.
fn whole(mut stream: &[u8]) -> (Vec<u8>, Option<usize>) {
    let mut out = vec![];
    while let Some((header, rest)) = stream.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*header));
        if length == 0 {
            return (out, Some(rest.len()));
        }
        let (chunk, rest) = rest.split_at(length.min(rest.len()));
        out.extend_from_slice(chunk);
        stream = rest;
    }
    (out, None)
}

struct Pieces<'a> {
    left: &'a [u8],
    widths: &'a [u8],
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let width = usize::from(self.widths[self.turn % self.widths.len()]);
        self.turn += 1;
        // One round of nothing is enough.
        if width == 0 && self.turn <= self.widths.len() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = width.max(1).min(room.len()).min(self.left.len());
        let (piece, left) = self.left.split_at(count);
        room[..count].copy_from_slice(piece);
        self.left = left;
        Ok(count)
    }
}
