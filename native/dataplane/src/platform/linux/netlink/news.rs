//! News of the network's configuration (rtnetlink(7)): that something has changed, not what. Whoever hears of it lists it again, so that nothing
//! can be missed.

use std::io;
use std::os::fd::AsRawFd;

use super::message::messages;
use super::socket::Socket;

const NEWS_BYTES: usize = 32 << 10;

/// What news are about.
#[derive(Clone, Copy)]
pub enum Subject {
    Links = 1,
    Addresses4 = 5,
    Routes4 = 7,
    Addresses6 = 9,
    Routes6 = 11,
    Rules4 = 8,
    Rules6 = 19,
}

/// Changes of nf_tables, in a family of its own.
const NFNLGRP_NFTABLES: libc::c_int = 7;

/// A subscription.
pub struct News(Vec<Socket>);

impl News {
    /// Subscribes, with a buffer of this size or, for 0, of the system's choice.
    pub fn subscribe(subjects: &[Subject], buffer_bytes: u32) -> io::Result<Self> {
        let socket = Socket::open(libc::NETLINK_ROUTE)?;
        socket.bind()?;
        for subject in subjects {
            socket.set_option(libc::SOL_NETLINK, libc::NETLINK_ADD_MEMBERSHIP, *subject as libc::c_int)?;
        }
        if buffer_bytes > 0 {
            let bytes = libc::c_int::try_from(buffer_bytes).unwrap_or(libc::c_int::MAX);
            // Beyond what everybody may have, and if that is not permitted, as much as is.
            if socket.set_option(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes).is_err() {
                socket.set_option(libc::SOL_SOCKET, libc::SO_RCVBUF, bytes)?;
            }
        }
        Ok(Self(vec![socket]))
    }

    /// And news of packet filters, which not everybody may hear.
    pub fn with_filters(mut self) -> Self {
        let listen = || {
            let socket = Socket::open(libc::NETLINK_NETFILTER)?;
            socket.bind()?;
            socket.set_option(libc::SOL_NETLINK, libc::NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTABLES)?;
            io::Result::Ok(socket)
        };
        self.0.extend(listen());
        self
    }

    /// Waits for the next. False when standard input has come to its end: nobody wants to hear of it any more.
    pub fn wait(&self) -> io::Result<bool> {
        let watch = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let files = std::iter::once(io::stdin().as_raw_fd()).chain(self.0.iter().map(AsRawFd::as_raw_fd));
        let mut polled: Vec<_> = files.map(watch).collect();
        loop {
            // SAFETY: the pointer and the length are those of `polled`.
            let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) };
            if ready >= 0 {
                return Ok(polled.first().is_none_or(|stdin| stdin.revents == 0));
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// Forgets what has come. True when any of it counts; also when something was lost.
    pub fn drain(&self, mut counts: impl FnMut(u16, &[u8]) -> bool) -> bool {
        let mut news = [0; NEWS_BYTES];
        let mut any = false;
        for socket in &self.0 {
            loop {
                match socket.receive(&mut news, libc::MSG_DONTWAIT) {
                    Ok(bytes) => {
                        let bytes = news.get(..bytes).unwrap_or_default();
                        for message in messages(bytes) {
                            any |= counts(message.kind, message.body);
                        }
                    }
                    Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => any = true,
                    Err(_) => break,
                }
            }
        }
        any
    }
}
