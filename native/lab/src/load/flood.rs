//! As many equal datagrams as a machine can send, and how many of them arrive.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::flows;
use crate::socket;

/// Datagrams in one call.
const BURST: usize = 64;
/// What a question to the sink is, shorter than anything it counts.
const QUESTION: [u8; 1] = [b'?'];
/// How often the sink is asked, and how long it may take until what is under way has arrived.
const ASK_EVERY: Duration = Duration::from_millis(200);
const QUESTIONS: usize = 50;

pub struct Plan {
    pub to: SocketAddr,
    pub bytes: usize,
    pub time: Duration,
    pub how: How,
}

#[derive(Clone, Copy)]
pub enum How {
    /// One message for each.
    Each,
    /// The kernel cuts one long datagram into the burst (UDP_SEGMENT).
    Offload,
    /// One message for each, of so many flows in turn, at most so many a second: there is a sink for every [`flows::destinations`] port from `to` on.
    Flows { flows: u32, rate: Option<u32> },
}

/// Counts datagrams of `bytes` bytes. A question is answered with how many there were since the one before, and the nanoseconds from the first to
/// the last of them.
pub fn sink(port: u16, bytes: usize) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
    socket::set_buffers(&socket, 8 << 20)?;
    // Joined by the kernel they cost the sink less than the sender: it is not what is measured.
    socket::set_option(&socket, libc::SOL_UDP, libc::UDP_GRO, 1)?;
    let mut joined = vec![0; 1 << 16];
    let (mut count, mut first, mut last) = (0, Instant::now(), Instant::now());
    loop {
        let (length, from) = socket.recv_from(&mut joined)?;
        if length >= bytes {
            last = Instant::now();
            first = if count == 0 { last } else { first };
            count += length / bytes;
        }
        // A question may have been joined to what it follows.
        if length % bytes != 0 {
            let elapsed = last.duration_since(first).as_nanos();
            socket.send_to(format!("{count} {elapsed}").as_bytes(), from)?;
            count = 0;
        }
    }
}

/// Floods a sink and says how many were sent and arrived, and in what time they arrived.
pub fn flood(plan: &Plan) -> io::Result<String> {
    let sinks = sinks(plan)?;
    for sink in &sinks {
        ask(sink)?;
    }
    let begin = Instant::now();
    let sent = match (plan.how, plan.to) {
        (How::Flows { flows, rate }, SocketAddr::V4(to)) => flows::flood((to, plan.bytes), flows, rate, plan.time)?,
        _ => flood_one(&sinks[0], plan)?,
    };
    let seconds = begin.elapsed().as_secs_f64();
    let (mut arrived, mut within) = (0, Duration::ZERO);
    for sink in &sinks {
        let (count, elapsed) = ask(sink)?;
        arrived += count;
        within = within.max(elapsed);
    }
    Ok(format!(
        r#"{{"sent":{sent},"seconds":{seconds:.4},"arrived":{arrived},"arrivedWithinSeconds":{:.4}}}"#,
        within.as_secs_f64()
    ))
}

/// A socket for each sink.
fn sinks(plan: &Plan) -> io::Result<Vec<UdpSocket>> {
    let count = if let How::Flows { flows, .. } = plan.how { flows::destinations(flows) } else { 1 };
    let mut to = plan.to;
    let sink = |port| {
        to.set_port(port);
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect(to)?;
        socket.set_read_timeout(Some(ASK_EVERY))?;
        Ok(socket)
    };
    (plan.to.port()..plan.to.port().saturating_add(count)).map(sink).collect()
}

fn flood_one(socket: &UdpSocket, plan: &Plan) -> io::Result<u64> {
    let offload = matches!(plan.how, How::Offload);
    let burst = vec![0; plan.bytes * BURST];
    let size = i32::try_from(plan.bytes).map_err(io::Error::other)?;
    if offload {
        socket::set_option(socket, libc::SOL_UDP, libc::UDP_SEGMENT, size)?;
    }
    let begin = Instant::now();
    let mut sent = 0;
    while begin.elapsed() < plan.time {
        let went = if offload {
            socket.send(&burst).map_or(0, |bytes| bytes / plan.bytes)
        } else {
            socket::send_many(socket, &burst[..plan.bytes], BURST).unwrap_or(0)
        };
        sent += went as u64;
    }
    Ok(sent)
}

/// What the sink has counted since it was asked last.
fn ask(socket: &UdpSocket) -> io::Result<(u64, Duration)> {
    let mut answer = [0; 64];
    for asked in 0..QUESTIONS {
        // While the way to it is full or not there yet, the question is lost like anything else.
        let _ = socket.send(&QUESTION);
        let Ok(length) = socket.recv(&mut answer) else { continue };
        let text = String::from_utf8_lossy(&answer[..length]);
        let mut numbers = text.split(' ').map(str::parse::<u64>);
        if let (Some(Ok(count)), Some(Ok(nanoseconds))) = (numbers.next(), numbers.next()) {
            // Later answers are to earlier questions, which came late: they would be taken for the next one's.
            while asked > 0 && socket.recv(&mut answer).is_ok() {}
            return Ok((count, Duration::from_nanos(nanoseconds)));
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "the sink does not answer"))
}
