//! Netlink: what this program asks of the kernel's network configuration, by hand: no child process, no shell.

mod address;
pub mod concern;
pub mod device_routes;
pub mod filter;
pub mod interfaces;
pub mod link;
mod message;
pub mod news;
pub mod route_entry;
pub mod routes;
mod rule;
pub mod shadows;
mod socket;
