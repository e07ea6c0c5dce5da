//! Connections that carry one byte each way.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::spread::Spread;

/// How many connections can be greeted at once.
const GREETERS: usize = 16;

/// Sends back the byte that a caller says.
pub fn greet(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
    thread::scope(|scope| {
        for _ in 0..GREETERS {
            scope.spawn(|| {
                for mut caller in listener.incoming().flatten() {
                    let mut byte = [0];
                    // A caller that has gone again is not this program's trouble.
                    let _ = caller.read_exact(&mut byte).and_then(|()| caller.write_all(&byte));
                    let _ = caller.read(&mut byte);
                }
            });
        }
    });
    Ok(())
}

/// Makes connections one after the other, as `clients` at once, for so long, and says how many a second and how long each took.
pub fn make(to: SocketAddr, time: Duration, clients: usize) -> io::Result<String> {
    let begin = Instant::now();
    let client = || {
        let (mut spread, mut failed) = (Spread::default(), 0_u64);
        while begin.elapsed() < time {
            let called = Instant::now();
            match talk(to) {
                Ok(()) => spread.add(called.elapsed()),
                Err(_) => failed += 1,
            }
        }
        (spread, failed)
    };
    let (mut all, mut failures) = (Spread::default(), 0);
    thread::scope(|scope| {
        let started: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        for one in started {
            let (spread, failed) = one.join().map_err(|_| io::Error::other("a client panicked"))?;
            all.merge(spread);
            failures += failed;
        }
        io::Result::Ok(())
    })?;
    let rate = all.count() as f64 / begin.elapsed().as_secs_f64();
    Ok(format!(r#"{{{all},"perSecond":{rate:.1},"failed":{failures}}}"#))
}

fn talk(to: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(to)?;
    stream.write_all(&[1])?;
    stream.read_exact(&mut [0])
}
