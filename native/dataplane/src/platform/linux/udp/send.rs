//! Sending.

use std::io;
use std::sync::atomic::Ordering;

use super::super::error::error_name;
use super::super::socket_address::RawAddress;
use super::super::udp_message::{Control, message};
use super::LinuxUdp;
use crate::platform::{Cause, DatagramSink, NotSent, Run};

impl DatagramSink for LinuxUdp {
    fn takes_runs(&self) -> bool {
        self.has_gso.load(Ordering::Relaxed)
    }

    fn stop_runs(&self) {
        self.has_gso.store(false, Ordering::Relaxed);
    }

    fn send(&self, slab: &[u8], runs: &[Run]) -> Result<usize, NotSent> {
        // Another thread's datagrams may come in between: they go out as they are, or are refused like any that is too long.
        let keeps_whole = runs.first().is_some_and(|run| run.is_whole);
        if keeps_whole {
            self.keep_whole(true);
        }
        let sent = self.send_now(slab, runs);
        if keeps_whole {
            self.keep_whole(false);
        }
        sent
    }
}

impl LinuxUdp {
    /// Whether the kernel may divide datagrams, and believes what routers say of how long they may be. Where it is not asked in vain: with `true` it sets
    /// "don't fragment" whatever it has heard.
    fn keep_whole(&self, whole: bool) {
        let v4 = if whole { libc::IP_PMTUDISC_PROBE } else { libc::IP_PMTUDISC_WANT };
        let _ = self.set(libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, v4);
        if self.is_ipv6 {
            let v6 = if whole { libc::IPV6_PMTUDISC_PROBE } else { libc::IPV6_PMTUDISC_WANT };
            let _ = self.set(libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, v6);
        }
    }

    fn send_now(&self, slab: &[u8], runs: &[Run]) -> Result<usize, NotSent> {
        let mut names = Vec::with_capacity(runs.len());
        let mut vectors = Vec::with_capacity(runs.len());
        let mut controls = Vec::with_capacity(runs.len());
        for run in runs {
            let bytes = slab.get(run.start..run.start + run.bytes).unwrap_or_default();
            names.push(RawAddress::new(self.reachable(run.to)));
            vectors.push(libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
            controls.push(Control::with_segment_bytes(run.segment_bytes));
        }
        let mut headers = Vec::with_capacity(runs.len());
        for (((run, (name, length)), vector), control) in
            runs.iter().zip(&mut names).zip(&mut vectors).zip(&mut controls)
        {
            let control = (run.datagrams > 1).then_some(control);
            let mut header = message((&raw mut *name).cast(), *length as usize, control);
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            headers.push(header);
        }
        // SAFETY: every header points to a vector, a name and a control of its own, all alive until the call returns; the kernel
        // only reads them and the bytes of `slab`.
        let sent = unsafe { libc::sendmmsg(self.as_raw_fd(), headers.as_mut_ptr(), headers.len() as libc::c_uint, 0) };
        usize::try_from(sent).map_err(|_| {
            let error = io::Error::last_os_error();
            let cause = match error.raw_os_error() {
                Some(libc::EINTR) => Cause::Interrupted,
                Some(libc::EINVAL | libc::EMSGSIZE) => Cause::TooLarge,
                Some(libc::EIO) => Cause::CannotSegment,
                _ => Cause::Refused,
            };
            NotSent { cause, error: error_name(&error) }
        })
    }
}
