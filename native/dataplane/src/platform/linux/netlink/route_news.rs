//! News of routes (rtnetlink(7)): that something has changed, not what. Whoever hears of it lists them again, so that none can be missed.

use std::io;
use std::os::fd::AsRawFd;

use super::socket::Socket;

const RTNLGRP_IPV4_ROUTE: libc::c_int = 7;
const RTNLGRP_IPV6_ROUTE: libc::c_int = 11;
const NEWS_BYTES: usize = 32 << 10;

/// A subscription.
pub struct RouteNews(Socket);

impl RouteNews {
    /// Subscribes, with a buffer of this size or, for 0, of the system's choice.
    pub fn subscribe(buffer_bytes: u32) -> io::Result<Self> {
        let socket = Socket::open(libc::NETLINK_ROUTE)?;
        socket.bind()?;
        for group in [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE] {
            socket.set_option(libc::SOL_NETLINK, libc::NETLINK_ADD_MEMBERSHIP, group)?;
        }
        if buffer_bytes > 0 {
            let bytes = libc::c_int::try_from(buffer_bytes).unwrap_or(libc::c_int::MAX);
            // Beyond what everybody may have, and if that is not permitted, as much as is.
            if socket.set_option(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes).is_err() {
                socket.set_option(libc::SOL_SOCKET, libc::SO_RCVBUF, bytes)?;
            }
        }
        Ok(Self(socket))
    }

    /// Waits for the next. False when standard input has come to its end: nobody wants to hear of it any more.
    pub fn wait(&self) -> io::Result<bool> {
        let watch = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut polled = [watch(self.0.as_raw_fd()), watch(io::stdin().as_raw_fd())];
        loop {
            // SAFETY: the pointer and the length are those of `polled`.
            let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) };
            if ready >= 0 {
                return Ok(polled[1].revents == 0);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// Forgets what has come. Also that something was lost: everything is listed again anyway.
    pub fn drain(&self) {
        let mut news = [0; NEWS_BYTES];
        loop {
            match self.0.receive(&mut news, libc::MSG_DONTWAIT) {
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
                Err(_) => return,
            }
        }
    }
}
