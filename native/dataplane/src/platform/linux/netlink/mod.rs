//! Netlink: what this program asks of the kernel's network configuration, by hand: no child process, no shell.

pub mod filter;
pub mod link;
mod message;
pub mod routes;
mod rule;
pub mod shadows;
mod socket;
