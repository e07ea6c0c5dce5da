//! Telling systemd how a service is (sd_notify(3)).

use std::env;
use std::io;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use super::handles::give_datagram;
use super::poll::wait_readable;

/// How long it may take to read what it was told. It finds out by the process that told it, which therefore has to be there still.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Tells the manager that waits for it, and returns when it has heard; nothing where nobody waits.
pub fn notify(state: &str) -> io::Result<()> {
    let Some(name) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.send(state.as_bytes())?;
    // Closed by the manager once it has come to this message.
    let (heard, barrier) = io::pipe()?;
    give_datagram(&socket, b"BARRIER=1", barrier.as_fd())?;
    drop(barrier);
    wait_readable([heard.as_fd()], Some(READ_WITHIN)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    fn the_word_comes_first_and_then_a_barrier_that_is_waited_for() {
        // In a process of its own: the environment belongs to all tests.
        let path = std::env::temp_dir().join(format!("lacis-notify-{}", std::process::id()));
        let manager = super::UnixDatagram::bind(&path).unwrap();
        let mut told = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "platform::linux::service_manager::tests::tells_whoever_is_named",
                "--nocapture",
                "--ignored",
            ])
            .env("NOTIFY_SOCKET", &path)
            .spawn()
            .unwrap();
        let mut bytes = [0; 64];
        let length = manager.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"READY=1");
        let length = manager.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"BARRIER=1");
        assert!(told.wait().unwrap().success());
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    #[ignore = "the other process of the test above"]
    fn tells_whoever_is_named() {
        super::notify("READY=1").unwrap();
    }
}
