//! Linux: every `unsafe` of this program is below this folder.

mod affinity;
mod changes;
mod confine;
mod control_socket;
mod device_routes;
mod device_state;
mod doorway;
mod error;
mod guard;
mod handles;
mod netlink;
pub mod offload;
mod poll;
mod service_manager;
mod socket_address;
mod stop_signal;
mod tun;
mod udp;
mod udp_message;
mod underlay;
mod wake;

pub use affinity::{allowed_cpus, pin_to};
pub use changes::LinuxChanges as SystemChanges;
pub use confine::{confine, harden, renounce};
pub use device_routes::LinuxRoutes as SystemRoutes;
pub use doorway::{ControlStream, Doorway, await_bytes};
pub use error::error_code;
pub use guard::LinuxGuard as SystemGuard;
pub use handles::{Handle, HandleRef, give, take};
pub use poll::{Stop, Stopped, stop_switch};
pub use service_manager::notify;
pub use tun::LinuxTun as SystemTun;
pub use udp::LinuxUdp as SystemUdp;
pub use underlay::LinuxUnderlay as SystemUnderlay;
pub use wake::Wake;
