//! One function for each place where foreign bytes come in. Each takes any bytes, checks what must hold whatever they are, and panics when it does
//! not. `tests/replay.rs` calls them with the seeds of `seeds/` on every test run; `fuzz/` lets a fuzzer look for more.

mod chunks;
mod frames;
mod packet;
mod receive;
mod rules;
mod streams;
mod superpackets;
#[path = "../../engine/tests/support/mod.rs"]
mod support;
mod world;

/// A target: it is given any bytes.
pub type Target = fn(&[u8]);

/// All of them, by the names of their folders of seeds.
pub const TARGETS: [(&str, Target); 7] = [
    ("chunks", chunks::check),
    ("frames", frames::check),
    ("packet", packet::check),
    ("receive", receive::check),
    ("rules", rules::check),
    ("streams", streams::check),
    ("superpackets", superpackets::check),
];

/// Runs the target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.map_or_else(|| panic!("there is no target {name}"), |(_, check)| check(bytes));
}
