//! What happens to a packet, exactly as SEMANTICS.md says it, without system calls, threads or clocks: bytes and time go in,
//! an [`output::Output`] takes what comes out.
//!
//! [`engine::Engine`] is shared by all threads; each thread brings its own [`engine::Worker`] and its own output.

// What comes from outside must not end a thread: nothing here may panic but arithmetic, which is checked in every build and contained.
#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::string_slice, clippy::unreachable)]

mod active_sessions;
pub mod aead;
mod alike;
pub mod allow_list;
mod answering;
mod arrivals;
mod awaited;
pub mod awake_sessions;
pub mod capture;
pub mod checksum;
pub mod control;
mod counters;
mod division;
pub mod drop_reason;
mod echo;
pub mod engine;
mod extension_headers;
mod firewall;
pub mod flow;
mod flow_entry;
mod flow_index;
mod flow_log;
mod flow_memory;
mod flow_order;
mod flow_shard;
mod flow_table;
mod fnv;
mod fragments;
pub mod hand_over;
pub mod header;
pub mod host;
mod icmp_error;
mod inbound;
mod inbound_run;
pub mod ip;
pub mod kept_answer;
mod kept_gateways;
pub mod limiter;
mod linked;
mod lock;
mod lru_map;
mod message_limiter;
mod mss;
mod narrow;
mod outbound;
mod outbound_run;
pub mod output;
pub mod packet;
mod park;
mod part;
pub mod path;
mod path_mtu;
pub mod policy;
mod policy_table;
mod prefetch;
mod prefix_index;
mod probes;
mod protocol;
mod range_tree;
mod reject;
pub mod relay;
mod relay_quota;
mod relaying;
mod replay_window;
pub mod reports;
mod roaming;
pub mod route;
mod route_cache;
pub mod route_table;
mod rule_tally;
mod rules;
pub mod segments;
mod send_counter;
mod session;
mod session_keys;
mod session_table;
mod shares;
mod silence;
mod silence_queue;
mod standing;
mod sync;
mod tcp_end;
#[cfg(test)]
mod test_packets;
pub mod tuple;
mod waiting;
