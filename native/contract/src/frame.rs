//! Frames on a byte stream.
//!
//! ```text
//! byte 0..3            4..
//!      length, BE      one message of that many bytes
//! ```

use std::io::{self, Read, Write};

use prost::Message;
use zeroize::{Zeroize, Zeroizing};

use crate::FRAME_LIMIT_BYTES;

/// Bytes of the length in front of every message.
pub const LENGTH_BYTES: usize = 4;

/// Appends one frame to `out`. Fails, leaving `out` as it was, when the message is longer than [`FRAME_LIMIT_BYTES`].
pub fn append(message: &impl Message, out: &mut Vec<u8>) -> io::Result<()> {
    let length = message.encoded_len();
    let announced = u32::try_from(length).ok().filter(|_| length <= FRAME_LIMIT_BYTES);
    let Some(announced) = announced else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a message of {length} bytes fits no frame")));
    };
    out.extend_from_slice(&announced.to_be_bytes());
    message.encode(out).map_err(io::Error::other)
}

/// Writes one frame.
pub fn write(message: &impl Message, to: &mut impl Write) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(LENGTH_BYTES + message.encoded_len());
    append(message, &mut bytes)?;
    to.write_all(&bytes)
}

/// Reads one frame, `None` at an end of stream that falls between two frames.
pub fn read<M: Message + Default>(from: &mut impl Read) -> io::Result<Option<M>> {
    let mut length = [0; LENGTH_BYTES];
    let first = loop {
        match from.read(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if first == 0 {
        return Ok(None);
    }
    from.read_exact(length.get_mut(first..).unwrap_or_default())?;
    let mut body = Zeroizing::new(vec![0; checked_length(length)?]);
    from.read_exact(&mut body)?;
    decode(&body).map(Some)
}

/// Frames out of a stream that arrives in pieces. Wipes what it has handed out: session keys pass through here.
#[derive(Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    consumed: usize,
}

impl FrameBuffer {
    /// Takes what the stream delivered.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.consumed);
        self.consumed = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next complete message, `None` while more bytes are needed. An error ends the stream.
    pub fn take<M: Message + Default>(&mut self) -> io::Result<Option<M>> {
        let rest = self.bytes.get_mut(self.consumed..).unwrap_or_default();
        let Some((length, rest)) = rest.split_first_chunk_mut::<LENGTH_BYTES>() else { return Ok(None) };
        let length = checked_length(*length)?;
        let Some(body) = rest.get_mut(..length) else { return Ok(None) };
        let message = decode(body)?;
        body.zeroize();
        self.consumed += LENGTH_BYTES + length;
        Ok(Some(message))
    }
}

fn checked_length(length: [u8; LENGTH_BYTES]) -> io::Result<usize> {
    let length = u32::from_be_bytes(length) as usize;
    if length > FRAME_LIMIT_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {length} bytes is longer than any"),
        ));
    }
    Ok(length)
}

fn decode<M: Message + Default>(body: &[u8]) -> io::Result<M> {
    M::decode(body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Hello, NeedSession};

    #[test]
    fn a_frame_is_a_big_endian_length_and_the_message() {
        let mut bytes = Vec::new();
        append(&Hello { contract_version: 1, oldest_version: 0 }, &mut bytes).unwrap();
        assert_eq!(bytes, [0, 0, 0, 2, 0x08, 1]);
    }

    #[test]
    fn frames_are_found_wherever_the_stream_is_cut() {
        let messages: Vec<NeedSession> =
            (1..=3).map(|n| NeedSession { destination: vec![n; usize::from(n)] }).collect();
        let mut stream = Vec::new();
        for message in &messages {
            append(message, &mut stream).unwrap();
        }
        let mut frames = FrameBuffer::default();
        let mut found = Vec::new();
        for byte in stream {
            frames.extend(&[byte]);
            while let Some(message) = frames.take::<NeedSession>().unwrap() {
                found.push(message);
            }
        }
        assert_eq!(found, messages);
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_anything_is_allocated() {
        let mut frames = FrameBuffer::default();
        frames.extend(&u32::MAX.to_be_bytes());
        assert!(frames.take::<Hello>().is_err());
        assert!(read::<Hello>(&mut &u32::MAX.to_be_bytes()[..]).is_err());
        let long = NeedSession { destination: vec![0; FRAME_LIMIT_BYTES] };
        let mut out = vec![7];
        assert!(append(&long, &mut out).is_err());
        assert_eq!(out, [7]);
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_an_error_and_between_frames_is_the_end() {
        assert!(read::<Hello>(&mut &[][..]).unwrap().is_none());
        assert!(read::<Hello>(&mut &[0, 0][..]).is_err());
        assert!(read::<Hello>(&mut &[0, 0, 0, 2, 8][..]).is_err());
    }
}
