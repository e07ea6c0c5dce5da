//! The system calls: every `unsafe` of this program is below this folder.

pub mod netlink;
pub mod poll;
pub mod process;
pub mod socket_address;
pub mod tun;
pub mod udp;
