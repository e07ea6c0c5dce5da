//! Datagrams of very many flows: no socket for each, so the headers are written here.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::socket;

/// Datagrams in one call.
const BURST: usize = 64;
const IP_BYTES: usize = 20;
const UDP_BYTES: usize = 8;
/// Ports from here on are sources: fewer are never in use by anybody else.
const FIRST_SOURCE: u32 = 2_000;
const SOURCES: u32 = 62_500;

/// Sends datagrams of `bytes` bytes, each of the next of so many flows: source ports in turn, and for more flows than there are of those the next
/// destination port; at most `rate` a second, if one is given. Says how many went.
pub fn flood((to, bytes): (SocketAddrV4, usize), flows: u32, rate: Option<u32>, time: Duration) -> io::Result<u64> {
    let from = source_towards(to)?;
    let raw = socket::open(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW)?;
    let mut packets = vec![template(from, *to.ip(), bytes)?; BURST];
    let begin = Instant::now();
    let (mut sent, mut flow) = (0, 0);
    while begin.elapsed() < time {
        for packet in &mut packets {
            set_flow(packet, to.port(), flow);
            flow = (flow + 1) % flows.max(1);
        }
        sent += socket::send_packets(&raw, &packets, *to.ip()).unwrap_or(0) as u64;
        if let Some(rate) = rate {
            let due = Duration::from_secs_f64(sent as f64 / f64::from(rate.max(1)));
            thread::sleep(due.saturating_sub(begin.elapsed()));
        }
    }
    Ok(sent)
}

/// How many destination ports so many flows have.
pub fn destinations(flows: u32) -> u16 {
    u16::try_from(flows.div_ceil(SOURCES)).unwrap_or(u16::MAX)
}

fn source_towards(to: SocketAddrV4) -> io::Result<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(to)?;
    match socket.local_addr()?.ip() {
        std::net::IpAddr::V4(address) => Ok(address),
        std::net::IpAddr::V6(_) => Err(io::Error::other("not IPv4")),
    }
}

/// A packet without ports. The kernel writes its length, identification and checksum; UDP over IPv4 needs none.
fn template(from: Ipv4Addr, to: Ipv4Addr, bytes: usize) -> io::Result<Vec<u8>> {
    let udp_length = u16::try_from(UDP_BYTES + bytes).map_err(io::Error::other)?;
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, libc::IPPROTO_UDP as u8, 0, 0];
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.extend([0; 4]);
    packet.extend(udp_length.to_be_bytes());
    packet.resize(IP_BYTES + UDP_BYTES + bytes, 0);
    Ok(packet)
}

fn set_flow(packet: &mut [u8], first_destination: u16, flow: u32) {
    let source = (FIRST_SOURCE + flow % SOURCES) as u16;
    let destination = first_destination + (flow / SOURCES) as u16;
    packet[IP_BYTES..IP_BYTES + 2].copy_from_slice(&source.to_be_bytes());
    packet[IP_BYTES + 2..IP_BYTES + 4].copy_from_slice(&destination.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_flows_are_a_million_pairs_of_ports() {
        assert_eq!((destinations(1), destinations(62_500), destinations(1_000_000)), (1, 1, 16));
        let mut packet = template(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, 1).expect("a packet");
        let mut pairs = std::collections::HashSet::new();
        for flow in 0..1_000_000 {
            set_flow(&mut packet, 7000, flow);
            pairs.insert(packet[IP_BYTES..IP_BYTES + 4].to_vec());
        }
        assert_eq!(pairs.len(), 1_000_000);
    }
}
