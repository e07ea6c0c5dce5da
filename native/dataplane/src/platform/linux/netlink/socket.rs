//! A netlink socket: requests and acknowledgements, lists, and batches that are done whole or not at all.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::message::{Received, message, messages, u32_at};

/// The kernel fills a list's answers up to what the reader has room for, and to no more than this.
const ANSWER_BYTES: usize = 32 << 10;

/// An open socket.
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// A message of a batch.
pub struct Step {
    pub kind: u16,
    pub flags: u16,
    pub body: Vec<u8>,
}

impl Socket {
    /// `protocol`: NETLINK_ROUTE and the like.
    pub fn open(protocol: i32) -> io::Result<Self> {
        // SAFETY: socket takes plain numbers; the descriptor is new and owned by nobody else.
        let fd = unsafe {
            let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Self { fd, sequence: 0 })
    }

    /// Gives the socket an address of its own, without which it hears no news.
    pub fn bind(&self) -> io::Result<()> {
        // SAFETY: sockaddr_nl is plain data for which all zeros are a valid value: the kernel chooses the address.
        let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        let size = size_of_val(&address) as libc::socklen_t;
        // SAFETY: the pointer and the length are those of `address`.
        let bound = unsafe { libc::bind(self.fd.as_raw_fd(), (&raw const address).cast(), size) };
        if bound < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Lets the header of a list's request say what belongs into the list (Linux 4.20; before it, everything comes).
    pub fn filter_lists(&self) {
        let _ = self.set_option(libc::SOL_NETLINK, libc::NETLINK_GET_STRICT_CHK, 1);
    }

    /// setsockopt with a number.
    pub fn set_option(&self, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
        let size = size_of_val(&value) as libc::socklen_t;
        // SAFETY: the pointer and the length are those of `value`.
        let set = unsafe { libc::setsockopt(self.fd.as_raw_fd(), level, name, (&raw const value).cast(), size) };
        if set < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Sends one request and waits for its acknowledgement.
    pub fn request(&mut self, kind: u16, flags: u16, parts: &[&[u8]]) -> io::Result<()> {
        self.exchange(kind, flags | libc::NLM_F_ACK as u16, parts, |answer| code_of(answer).map(code_to_result))
    }

    /// Sends one request and hands over what answers it.
    pub fn ask(&mut self, kind: u16, parts: &[&[u8]]) -> io::Result<Vec<u8>> {
        self.exchange(kind, 0, parts, |answer| match code_of(answer) {
            Some(code) => code_to_result(code).err().map(Err),
            None => Some(Ok(answer.body.to_vec())),
        })
    }

    /// Asks for a list and hands over each message of it.
    pub fn list(&mut self, kind: u16, parts: &[&[u8]], mut each: impl FnMut(&[u8])) -> io::Result<()> {
        self.exchange(kind, libc::NLM_F_DUMP as u16, parts, |answer| match code_of(answer) {
            Some(code) => code_to_result(code).err().map(Err),
            None if answer.kind == libc::NLMSG_DONE as u16 => Some(Ok(())),
            None => {
                each(answer.body);
                None
            }
        })
    }

    /// Sends one request and shows what answers it to `take`, until that says what comes of it.
    fn exchange<T>(
        &mut self,
        kind: u16,
        flags: u16,
        parts: &[&[u8]],
        mut take: impl FnMut(&Received) -> Option<io::Result<T>>,
    ) -> io::Result<T> {
        let request = message(kind, flags | libc::NLM_F_REQUEST as u16, self.next(), &parts.concat());
        self.send(&request)?;
        let mut answers = vec![0; ANSWER_BYTES];
        loop {
            let received = self.receive(&mut answers, 0)?;
            let answers = messages(answers.get(..received).unwrap_or_default());
            if let Some(result) = answers.filter(|answer| answer.sequence == self.sequence).find_map(|a| take(&a)) {
                return result;
            }
        }
    }

    /// Sends a batch, whose steps are between `begin` and `end`. The kernel has done all of it, or refused, when this returns.
    pub fn batch(&mut self, begin: Step, steps: Vec<Step>, end: Step) -> io::Result<()> {
        let last = steps.len().saturating_sub(1);
        let mut bytes = self.step(&begin, 0);
        for (number, step) in steps.iter().enumerate() {
            // Refusals come unasked. One acknowledgement tells that the batch was read; more could overflow the socket.
            bytes.extend(self.step(step, if number == last { libc::NLM_F_ACK } else { 0 }));
        }
        bytes.extend(self.step(&end, 0));
        self.send(&bytes)?;
        let mut acknowledged = false;
        let mut answer = vec![0; ANSWER_BYTES];
        loop {
            let received = match self.receive(&mut answer, libc::MSG_DONTWAIT) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                other => other?,
            };
            for code in messages(answer.get(..received).unwrap_or_default()).filter_map(|answer| code_of(&answer)) {
                code_to_result(code)?;
                acknowledged = true;
            }
        }
        if acknowledged { Ok(()) } else { Err(io::Error::other("netlink gave no answer")) }
    }

    fn step(&mut self, step: &Step, more_flags: i32) -> Vec<u8> {
        let flags = step.flags | (libc::NLM_F_REQUEST | more_flags) as u16;
        message(step.kind, flags, self.next(), &step.body)
    }

    fn next(&mut self) -> u32 {
        self.sequence += 1;
        self.sequence
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: the pointer and the length are those of `bytes`.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Receives once.
    pub fn receive(&self, into: &mut [u8], flags: i32) -> io::Result<usize> {
        // SAFETY: the pointer and the length are those of `into`.
        let received = unsafe { libc::recv(self.fd.as_raw_fd(), into.as_mut_ptr().cast(), into.len(), flags) };
        usize::try_from(received).map_err(|_| io::Error::last_os_error())
    }
}

/// What an NLMSG_ERROR says: 0 is the acknowledgement.
fn code_of(answer: &Received) -> Option<i32> {
    if answer.kind != libc::NLMSG_ERROR as u16 {
        return None;
    }
    u32_at(answer.body, 0).map(|code| code as i32)
}

fn code_to_result(code: i32) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-code)) }
}
