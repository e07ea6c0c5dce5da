//! Nanoseconds of one route lookup among 10,000 prefixes, and how long a full table takes to make:
//! `cargo run --release --example routes`.

use std::collections::HashSet;
use std::hint::black_box;
use std::net::IpAddr;
use std::time::Instant;

use lacis_engine::ip::Prefix;
use lacis_engine::route::{ROUTES_MAX, Route, Target};
use lacis_engine::route_table::RouteTable;

const PREFIXES: usize = 10_000;
const ADDRESSES: usize = 65_536;
const ROUNDS: u32 = 31;

fn main() {
    for (name, draw) in [
        ("IPv4, anywhere", anywhere_v4 as Draw),
        ("IPv4, in 10.0.0.0/8", overlay_v4),
        ("IPv6, anywhere", anywhere_v6),
        ("IPv6, in fd00::/64", overlay_v6),
    ] {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let routes = draw_routes(&mut random, PREFIXES, draw);
        let addresses = draw_addresses(&mut random, &routes, draw);
        let Ok(table) = RouteTable::new(routes) else { return };
        let hits = addresses.iter().filter(|address| table.find(**address).is_some()).count();
        let (alone, chained) = (best::<false>(&table, &addresses), best::<true>(&table, &addresses));
        let full = draw_routes(&mut random, ROUTES_MAX, draw);
        println!(
            "{name}: {alone:.1} ns a lookup, {chained:.1} ns when each waits for the one before, {} % hit; {ROUTES_MAX} routes in {:.2} ms",
            100 * hits / ADDRESSES,
            build_ms(full)
        );
    }
}

type Draw = fn(&mut Random) -> (IpAddr, u32);

fn anywhere_v4(random: &mut Random) -> (IpAddr, u32) {
    (IpAddr::from((random.next() as u32).to_be_bytes()), 12 + random.below(21))
}

fn overlay_v4(random: &mut Random) -> (IpAddr, u32) {
    let [_, b, c, d] = (random.next() as u32).to_be_bytes();
    (IpAddr::from([10, b, c, d]), 20 + random.below(13))
}

fn anywhere_v6(random: &mut Random) -> (IpAddr, u32) {
    let bits = u128::from(random.next()) << 64 | u128::from(random.next());
    (IpAddr::from(bits.to_be_bytes()), 16 + random.below(113))
}

fn overlay_v6(random: &mut Random) -> (IpAddr, u32) {
    let bits = 0xfd << 120 | u128::from(random.next());
    (IpAddr::from(bits.to_be_bytes()), 80 + random.below(49))
}

fn draw_routes(random: &mut Random, count: usize, draw: Draw) -> Vec<Route> {
    let (mut routes, mut seen) = (vec![], HashSet::new());
    while routes.len() < count {
        let (address, bits) = draw(random);
        let Some(prefix) = Prefix::new(address, bits).map(Prefix::without_host_bits) else { continue };
        if seen.insert(prefix) {
            routes.push(Route { prefix, target: Target::Peer });
        }
    }
    routes
}

/// Half of them out of the prefixes, half of them drawn like the prefixes.
fn draw_addresses(random: &mut Random, routes: &[Route], draw: Draw) -> Vec<IpAddr> {
    let inside = |random: &mut Random| {
        let route = routes.get(random.below(PREFIXES as u32) as usize)?;
        let noise = u128::from(random.next()) << 64 | u128::from(random.next());
        let bits = u32::from(route.prefix.bits());
        Some(match route.prefix.address() {
            IpAddr::V4(v4) => IpAddr::from(
                (v4.to_bits() | (noise as u32).checked_shr(bits).map_or(0, |n| n & u32::MAX >> bits)).to_be_bytes(),
            ),
            IpAddr::V6(v6) => IpAddr::from((v6.to_bits() | noise.checked_shr(bits).unwrap_or(0)).to_be_bytes()),
        })
    };
    (0..ADDRESSES).filter_map(|at| if at % 2 == 0 { inside(random) } else { Some(draw(random).0) }).collect()
}

/// Nanoseconds of one lookup in the fastest round: the one with the least foreign work in it. `CHAINED`: the address asked for seems
/// to depend on the answer before, so that lookups do not overlap.
fn best<const CHAINED: bool>(table: &RouteTable, addresses: &[IpAddr]) -> f64 {
    let mut best = f64::MAX;
    // No prefix length has this bit, which only we know.
    let (mut found, mask) = (0, black_box(1 << 20));
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for at in 0..addresses.len() {
            let waits_for = if CHAINED { found & mask } else { 0 };
            let Some(address) = addresses.get(at + waits_for) else { break };
            let bits = table.find(*address).map_or(0, |route| usize::from(route.prefix.bits()));
            found = if CHAINED { bits } else { found ^ bits };
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / addresses.len() as f64);
    }
    black_box(found);
    best
}

fn build_ms(routes: Vec<Route>) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let routes = routes.clone();
        let start = Instant::now();
        black_box(RouteTable::new(routes).is_ok());
        start.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::MAX, f64::min)
}

/// xorshift64*: the same addresses in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u32) -> u32 {
        (self.next() >> 32) as u32 % limit
    }
}
