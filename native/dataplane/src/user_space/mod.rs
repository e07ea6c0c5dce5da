//! A host without a device: streams between the programs of its user and the overlay (SEMANTICS.md section 17).

mod carried;
pub mod chunks;
mod request;
mod service;

use std::io;
use std::path::Path;
use std::thread::JoinHandle;

use lacis_engine::ip::Prefix;
use lacis_stack::Stack;
use ring::rand::{SecureRandom, SystemRandom};

use crate::platform::confinement::spawn_bare;
use crate::platform::{LocalSocket, PacketSocket, Stop, stop_switch};
use crate::shared::Shared;
use service::Service;

/// The thread that carries streams. It ends, and its socket with it, when this is dropped.
pub struct UserSpace {
    stop: Option<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl UserSpace {
    /// Stands in for the kernel at this end of a device, for whoever connects to `socket`.
    pub fn start(
        socket: &Path,
        device: PacketSocket,
        addresses: &[Prefix],
        mtu: usize,
        shared: Shared,
    ) -> io::Result<Self> {
        let socket = LocalSocket::bind(socket)?;
        socket.never_block()?;
        let addresses = addresses.to_vec();
        let new_stack = move |now_ms| {
            let mut seed = [0; 8];
            SystemRandom::new().fill(&mut seed).map_err(|_| io::Error::other("the system gives no randomness"))?;
            Ok(Stack::new(&addresses, mtu, u64::from_le_bytes(seed), now_ms))
        };
        let (stop, stopped) = stop_switch()?;
        let service = Service::new(Box::new(new_stack), device, socket, shared)?;
        let thread = spawn_bare("streams", || (), move || service.run(&stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for UserSpace {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
