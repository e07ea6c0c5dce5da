//! Load for measurements, and what measures it: each verb prints one line of JSON, or serves until it is ended.
//!
//! - `sink PORT BYTES`: counts datagrams of so many bytes and tells the count to whoever asks.
//! - `flood ADDRESS PORT BYTES SECONDS each|offload|FLOWS[@RATE]`: sends as many as it can to a sink, by `sendmmsg` or cut by the kernel, or of so many flows
//!   in turn, to sinks on the ports from `PORT` on, and then perhaps no more than `RATE` a second.
//! - `echo PORT`: sends every datagram back.
//! - `trips ADDRESS PORT SECONDS GAP`: round trips of 64 bytes to an echo, one after the other, at least `GAP` microseconds apart.
//! - `greet PORT`: sends back one byte of every connection and closes it.
//! - `askers PORT QUERIES REPORTS SECONDS`: what the hosts on standard input (see [`askers`]) say to a lighthouse on this machine, so many a second.
//! - `connections ADDRESS PORT SECONDS CLIENTS`: connects to it, says one byte, hears one, closes, and again.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

mod askers;
mod connections;
mod echo;
mod flood;
mod flows;
mod spread;

use flood::How;

type Done = Result<(), Box<dyn Error>>;

/// Does what a verb of this module says; `None` when it is none of its verbs.
pub fn run(words: &[&str]) -> Option<Done> {
    Some(match *words {
        ["sink", port, bytes] => sink(port, bytes),
        ["flood", address, port, bytes, seconds, how] => flood(address, port, bytes, seconds, how),
        ["echo", port] => echo(port),
        ["trips", address, port, seconds, gap] => trips(address, port, seconds, gap),
        ["greet", port] => greet(port),
        ["askers", port, queries, reports, seconds] => askers(port, queries, reports, seconds),
        ["connections", address, port, seconds, clients] => connections(address, port, seconds, clients),
        _ => return None,
    })
}

fn sink(port: &str, bytes: &str) -> Done {
    Ok(flood::sink(port.parse()?, bytes.parse()?)?)
}

fn flood(address: &str, port: &str, bytes: &str, seconds: &str, how: &str) -> Done {
    let how = match how {
        "each" => How::Each,
        "offload" => How::Offload,
        flows => {
            let (flows, rate) = flows.split_once('@').map_or((flows, None), |(flows, rate)| (flows, Some(rate)));
            How::Flows { flows: flows.parse()?, rate: rate.map(str::parse).transpose()? }
        }
    };
    let plan = flood::Plan { to: place(address, port)?, bytes: bytes.parse()?, time: span(seconds)?, how };
    println!("{}", flood::flood(&plan)?);
    Ok(())
}

fn echo(port: &str) -> Done {
    Ok(echo::serve(port.parse()?)?)
}

fn trips(address: &str, port: &str, seconds: &str, gap: &str) -> Done {
    let gap = Duration::from_micros(gap.parse()?);
    println!("{}", echo::trips(place(address, port)?, span(seconds)?, gap)?);
    Ok(())
}

fn greet(port: &str) -> Done {
    Ok(connections::greet(port.parse()?)?)
}

fn askers(port: &str, queries: &str, reports: &str, seconds: &str) -> Done {
    let plan = askers::Plan {
        lighthouse: place("127.0.0.1", port)?,
        queries_per_second: queries.parse()?,
        reports_per_second: reports.parse()?,
        time: span(seconds)?,
    };
    println!("{}", askers::ask(&plan, &std::io::read_to_string(std::io::stdin())?)?);
    Ok(())
}

fn connections(address: &str, port: &str, seconds: &str, clients: &str) -> Done {
    println!("{}", connections::make(place(address, port)?, span(seconds)?, clients.parse()?)?);
    Ok(())
}

fn place(address: &str, port: &str) -> Result<SocketAddr, Box<dyn Error>> {
    Ok(SocketAddr::new(address.parse::<IpAddr>()?, port.parse()?))
}

fn span(seconds: &str) -> Result<Duration, Box<dyn Error>> {
    Ok(Duration::try_from_secs_f64(seconds.parse()?)?)
}
