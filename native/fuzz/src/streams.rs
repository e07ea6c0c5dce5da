//! What a peer, or whoever is behind one, sends to a host without a device: segments of a stream that we opened, as wrong as they may be.

use std::net::SocketAddr;

use arbitrary::{Arbitrary, Result, Unstructured};
use lacis_engine::checksum::Checksum;
use lacis_engine::ip::Prefix;
use lacis_stack::{Stack, StreamId};

const OURS: [u8; 4] = [10, 77, 0, 2];
const THEIRS: [u8; 4] = [10, 77, 0, 1];
const PORT: u16 = 80;
const MTU: usize = 1_300;
/// What the stack may want to say at one time: 64 packets, and an answer to each that came.
const OUTGOING_MAX: usize = 128;
/// The peer's first number: not far from where numbers begin anew.
const BEGIN: u32 = 4_294_000_000;
const POURED_BYTES: usize = 1_200;
const IP_BYTES: usize = 20;
const TCP_BYTES: usize = 20;

/// A number near one that would be right, or far from it.
#[derive(Arbitrary)]
struct Near {
    off: i8,
    scale: u8,
}

#[derive(Arbitrary)]
enum Step {
    Segment {
        sequence: Near,
        acknowledged: Near,
        window: u16,
        flags: u8,
        bytes: u8,
        options: [u8; 4],
    },
    /// So many segments in order, whether the window has room for them or not.
    Pour(u8),
    Raw(Vec<u8>),
    Later(u16),
    Send(u16),
    Receive(u16),
    /// So little that nobody is told that there is room again.
    Sip(u8),
    Finish,
    Abort,
    Dial,
}

/// Nothing that comes makes the stack give up, or say more than it may.
pub fn check(bytes: &[u8]) {
    let _ = play(&mut Unstructured::new(bytes));
}

fn play(input: &mut Unstructured<'_>) -> Result<()> {
    let own = Prefix::new(OURS.into(), 24).expect("a network");
    let mut world = World { stack: Stack::new(&[own], MTU, 7, 0), now_ms: 0, stream: None, said: Said::default() };
    world.dial();
    world.answer_the_call();
    while !input.is_empty() {
        world.step(input.arbitrary()?);
    }
    Ok(())
}

/// Of the last segment of ours: what would be right to say next.
#[derive(Default)]
struct Said {
    port: u16,
    next: u32,
    acknowledged: u32,
}

struct World {
    stack: Stack,
    now_ms: u64,
    stream: Option<StreamId>,
    said: Said,
}

impl World {
    fn step(&mut self, step: Step) {
        match step {
            Step::Segment { sequence, acknowledged, window, flags, bytes, options } => {
                let (sequence, acknowledged) =
                    (near(self.said.acknowledged, &sequence), near(self.said.next, &acknowledged));
                self.segment(sequence, acknowledged, window, flags & 0x3f, &options, usize::from(bytes) * 5);
            }
            Step::Pour(segments) => {
                let mut next = self.said.acknowledged;
                for _ in 0..segments {
                    self.segment(next, self.said.next, 65_535, ACK, &[1; 4], POURED_BYTES);
                    next = next.wrapping_add(POURED_BYTES as u32);
                    if segments % 2 == 0 {
                        self.look();
                    }
                }
            }
            Step::Raw(packet) => self.stack.push(&packet),
            Step::Later(ms) => self.now_ms += u64::from(ms),
            Step::Send(bytes) => self.on_stream(|stack, id| {
                stack.send(id, |room| usize::from(bytes).min(room.len()));
            }),
            Step::Receive(bytes) => self.receive(bytes.into()),
            Step::Sip(bytes) => self.receive(usize::from(bytes) * 4),
            Step::Finish => self.on_stream(Stack::finish),
            Step::Abort => self.on_stream(Stack::abort),
            Step::Dial => self.dial(),
        }
        self.look();
    }

    fn receive(&mut self, bytes: usize) {
        self.on_stream(|stack, id| {
            stack.receive(id, |there| bytes.min(there.len()));
        });
    }

    fn on_stream(&mut self, act: impl FnOnce(&mut Stack, StreamId)) {
        if let Some(id) = self.stream {
            act(&mut self.stack, id);
            self.stack.progress(id);
        }
    }

    /// Another stream in place of the one that there is.
    fn dial(&mut self) {
        if let Some(id) = self.stream.take() {
            self.stack.forget(id);
        }
        self.stream = self.stack.dial(SocketAddr::new(THEIRS.into(), PORT)).ok();
        self.look();
    }

    fn answer_the_call(&mut self) {
        self.segment(BEGIN, self.said.next, 65_535, SYN | ACK, &[2, 4, 4, 176], 0);
        self.look();
    }

    fn segment(&mut self, sequence: u32, acknowledged: u32, window: u16, flags: u8, options: &[u8; 4], bytes: usize) {
        let header = TCP_BYTES + options.len();
        let mut tcp = vec![0; header + bytes];
        tcp[0..2].copy_from_slice(&PORT.to_be_bytes());
        tcp[2..4].copy_from_slice(&self.said.port.to_be_bytes());
        tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
        tcp[8..12].copy_from_slice(&acknowledged.to_be_bytes());
        tcp[12] = u8::try_from(header / 4 * 16).expect("a short header");
        tcp[13] = flags;
        tcp[14..16].copy_from_slice(&window.to_be_bytes());
        tcp[TCP_BYTES..header].copy_from_slice(options);
        let length = u16::try_from(tcp.len()).expect("a short segment");
        let pseudo = [&THEIRS[..], &OURS, &[0, 6], &length.to_be_bytes(), &tcp].concat();
        tcp[16..18].copy_from_slice(&Checksum::default().with(&pseudo).finish());
        let whole = length + u16::try_from(IP_BYTES).expect("twenty");
        let mut ip = [&[0x45, 0][..], &whole.to_be_bytes(), &[0, 0, 0x40, 0, 64, 6, 0, 0], &THEIRS, &OURS].concat();
        let sum = Checksum::default().with(&ip).finish();
        ip[10..12].copy_from_slice(&sum);
        ip.extend_from_slice(&tcp);
        self.stack.push(&ip);
    }

    fn look(&mut self) {
        self.stack.advance(self.now_ms);
        self.stack.due_in_ms(self.now_ms);
        let mut count = 0;
        while let Some(packet) = self.stack.outgoing() {
            assert!(packet.len() <= MTU, "a packet of {} bytes", packet.len());
            if let Some(said) = said(packet) {
                self.said = said;
            }
            self.stack.sent();
            count += 1;
        }
        assert!(count <= OUTGOING_MAX, "{count} packets at once");
    }
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

fn said(packet: &[u8]) -> Option<Said> {
    let tcp = packet.get(IP_BYTES..)?;
    let number = |at: usize| tcp.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let port = u16::from_be_bytes([*tcp.first()?, *tcp.get(1)?]);
    let (header, flags) = (usize::from(tcp.get(12)? >> 4) * 4, tcp.get(13)?);
    let length = u32::try_from(tcp.len().checked_sub(header)?).ok()?;
    let marks = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
    Some(Said { port, next: number(4)?.wrapping_add(length + marks), acknowledged: number(8)? })
}

fn near(right: u32, Near { off, scale }: &Near) -> u32 {
    let off = i32::from(*off) * [1, 100, 10_000, 1 << 22][usize::from(scale % 4)];
    right.wrapping_add_signed(off)
}
