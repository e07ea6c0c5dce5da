//! Connection tracking, by netlink (linux/netfilter/nfnetlink_conntrack.h).

use std::io;

use crate::socket;

const NFNL_SUBSYS_CTNETLINK: u16 = 1;
const IPCTNL_MSG_CT_DELETE: u16 = 2;
const NETLINK_HEADER_BYTES: usize = 16;
/// Address family, version, resource number.
const NFGENMSG: [u8; 4] = [libc::AF_UNSPEC as u8, 0, 0, 0];

/// Deletes every entry of this network namespace: a delete that names none.
pub fn forget_all() -> io::Result<()> {
    let netlink = socket::open(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_NETFILTER)?;
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
    let mut message = Vec::with_capacity(NETLINK_HEADER_BYTES + NFGENMSG.len());
    message.extend(((NETLINK_HEADER_BYTES + NFGENMSG.len()) as u32).to_ne_bytes());
    message.extend((NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE).to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(1u32.to_ne_bytes());
    message.extend(0u32.to_ne_bytes());
    message.extend(NFGENMSG);
    socket::send(&netlink, &message)?;

    let mut answer = [0u8; 256];
    let length = socket::receive(&netlink, &mut answer)?;
    match answer.get(NETLINK_HEADER_BYTES..NETLINK_HEADER_BYTES + 4) {
        Some(code) if length >= NETLINK_HEADER_BYTES + 4 => {
            let code = i32::from_ne_bytes([code[0], code[1], code[2], code[3]]);
            if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-code)) }
        }
        _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
    }
}
