//! Round trips of small datagrams.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::spread::Spread;

/// What a round trip carries each way.
const BYTES: usize = 64;
/// An answer that has not come by then is lost.
const PATIENCE: Duration = Duration::from_millis(500);

/// Sends every datagram back to where it came from.
pub fn serve(port: u16) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
    let mut datagram = [0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut datagram)?;
        // A sender that has gone is not this program's trouble.
        let _ = socket.send_to(&datagram[..length], from);
    }
}

/// Makes round trips for so long, each when the one before is back and `gap` has passed, and says how long they took.
pub fn trips(to: SocketAddr, time: Duration, gap: Duration) -> io::Result<String> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let (mut spread, mut lost) = (Spread::default(), 0_u64);
    let mut datagram = [0; BYTES];
    let begin = Instant::now();
    let mut due = begin;
    for number in 0_u64.. {
        if begin.elapsed() >= time {
            break;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let sent = Instant::now();
        due = sent + gap;
        datagram[..8].copy_from_slice(&number.to_be_bytes());
        socket.send(&datagram)?;
        if answered(&socket, number) { spread.add(sent.elapsed()) } else { lost += 1 }
    }
    Ok(format!(r#"{{{spread},"lost":{lost}}}"#))
}

/// Waits for the answer with this number; earlier ones come late and count no more.
fn answered(socket: &UdpSocket, number: u64) -> bool {
    let mut answer = [0; BYTES];
    while let Ok(length) = socket.recv(&mut answer) {
        if length == BYTES && answer[..8] == number.to_be_bytes() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_never_comes_is_lost() {
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let told = trips(silent.local_addr().expect("its address"), PATIENCE / 10, Duration::ZERO).expect("trips");
        assert_eq!(told, r#"{"count":0,"p50Us":0.0,"p99Us":0.0,"maxUs":0.0,"lost":1}"#);
    }
}
