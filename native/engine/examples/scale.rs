//! What many tunnels, rules and flows cost a packet, without a system call: `cargo run --release --example scale`, `npm run bench:tables`.
//!
//! Two hosts in one process. Rows take turns; told is the fastest round of each, the one with the least foreign work in it, and the median
//! of the rounds' ratios to the first row.

mod hosts;

use std::time::Instant;

use hosts::{Packets, Pair, any_rule, port_rule};

const ROUNDS: usize = 9;
/// Datagrams that are on their way before the other host gets them.
const BURST: usize = 64;
/// Packets a round, each way.
const PACKETS: usize = 200_000;

fn main() {
    println!("ns for one packet, from device to socket and from socket to device; fastest of {ROUNDS} rounds\n");
    let rule = || vec![any_rule(0)];
    let rules = || (1..10_000).map(port_rule).chain([any_rule(10_000)]).collect();
    let bulk = Packets { bytes: 1_300, flows: 1 };
    compare(
        "1,300 bytes, one flow",
        vec![
            ("1 tunnel, 1 rule", Pair::new(1, rule()), bulk),
            ("10,000 tunnels", Pair::new(10_000, rule()), bulk),
            ("10,000 rules", Pair::new(1, rules()), bulk),
        ],
    );
    let flows = |flows| Packets { bytes: 64, flows };
    compare(
        "64 bytes, of flows at random",
        vec![
            ("1,000 flows", Pair::new(1, rule()), flows(1_000)),
            ("100,000 flows", Pair::new(1, rule()), flows(100_000)),
            ("1,000,000 flows", Pair::new(1, rule()), flows(1_000_000)),
        ],
    );
}

type Row = (&'static str, Pair, Packets);

fn compare(what: &str, mut rows: Vec<Row>) {
    for (_, pair, packets) in &mut rows {
        pair.open(packets);
    }
    let mut times: Vec<Vec<(f64, f64)>> = vec![vec![]; rows.len()];
    for _ in 0..ROUNDS {
        for ((_, pair, packets), times) in rows.iter_mut().zip(&mut times) {
            times.push(round(pair, packets));
        }
    }
    println!("{what}");
    let first = times.first().cloned().unwrap_or_default();
    for ((name, pair, _), times) in rows.iter().zip(&times) {
        let (sent, received) = (fastest(times.iter().map(|t| t.0)), fastest(times.iter().map(|t| t.1)));
        let rate = median(times.iter().zip(&first).map(|(of, one)| (one.0 + one.1) / (of.0 + of.1)));
        let best = fastest(first.iter().map(|t| t.0 + t.1)) / fastest(times.iter().map(|t| t.0 + t.1));
        println!(
            "  {name:18} {sent:5.0} out {received:5.0} in   {best:.3} of the rate, median of ratios {rate:.3}; {} flows",
            pair.flows()
        );
    }
    println!("  resident: {} MB\n", resident_mb());
}

/// Nanoseconds for each packet, out of one host and into the other.
fn round(pair: &mut Pair, packets: &Packets) -> (f64, f64) {
    let (mut sent, mut received) = (0, 0);
    for _ in 0..PACKETS / BURST {
        let burst = pair.draw(packets, BURST);
        let start = Instant::now();
        pair.send(&burst);
        sent += start.elapsed().as_nanos();
        let start = Instant::now();
        pair.receive();
        received += start.elapsed().as_nanos();
    }
    (sent as f64 / PACKETS as f64, received as f64 / PACKETS as f64)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn fastest(values: impl Iterator<Item = f64>) -> f64 {
    values.min_by(f64::total_cmp).unwrap_or_default()
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1_024
}
