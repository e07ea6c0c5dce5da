//! What goes with a datagram between us and the kernel.

use std::mem;

/// A message of `sendmmsg` and `recvmmsg`, without its bytes.
pub fn message(name: *mut libc::c_void, name_bytes: usize, control: Option<&mut Control>) -> libc::mmsghdr {
    // SAFETY: mmsghdr is plain data for which all zeros are a valid value.
    let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
    header.msg_hdr.msg_name = name;
    header.msg_hdr.msg_namelen = name_bytes as libc::socklen_t;
    if let Some(control) = control {
        header.msg_hdr.msg_control = (&raw mut *control).cast();
        header.msg_hdr.msg_controllen = mem::size_of::<Control>() as _;
    }
    header
}

/// Room for one control message of at most 8 bytes: a cmsghdr and its value.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Control {
    header: libc::cmsghdr,
    value: [u8; 8],
}

impl Control {
    pub const EMPTY: Self = Self { header: libc::cmsghdr { cmsg_len: 0, cmsg_level: 0, cmsg_type: 0 }, value: [0; 8] };

    /// UDP_SEGMENT: a u16.
    pub fn with_segment_bytes(bytes: usize) -> Self {
        let [low, high] = (bytes as u16).to_ne_bytes();
        let cmsg_len = (mem::size_of::<libc::cmsghdr>() + 2) as _;
        let header = libc::cmsghdr { cmsg_len, cmsg_level: libc::SOL_UDP, cmsg_type: libc::UDP_SEGMENT };
        Self { header, value: [low, high, 0, 0, 0, 0, 0, 0] }
    }

    /// UDP_GRO: an int, present when the kernel put several datagrams together.
    pub fn gro_segment_bytes(&self, control_bytes: impl TryInto<usize>) -> Option<usize> {
        let is_present = control_bytes.try_into().is_ok_and(|bytes| bytes >= mem::size_of::<libc::cmsghdr>() + 4);
        if !is_present || self.header.cmsg_level != libc::SOL_UDP || self.header.cmsg_type != libc::UDP_GRO {
            return None;
        }
        let [a, b, c, d, ..] = self.value;
        usize::try_from(i32::from_ne_bytes([a, b, c, d])).ok().filter(|bytes| *bytes > 0)
    }
}
