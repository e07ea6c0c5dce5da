//! An address of a device as the kernel tells of it (rtnetlink(7)).
//!
//! ```text
//! ifaddrmsg: family u8 | prefix length u8 | flags u8 | scope u8 | index u32
//! ```

use lacis_engine::ip::{Prefix, address_from_bytes};

use super::message::{number_of, u32_at, value_of};

pub const IFA_ADDRESS: u16 = 1;
pub const IFA_LOCAL: u16 = 2;
pub const IFA_FLAGS: u16 = 8;
/// Length of `ifaddrmsg`.
pub const HEADER_BYTES: usize = 8;
/// Not known to be ours alone yet, or known not to be.
const UNUSABLE: u32 = libc::IFA_F_TENTATIVE | libc::IFA_F_DADFAILED;

/// The number of the device, and the address with the length of its network.
pub fn address_in(message: &[u8]) -> Option<(u32, Prefix)> {
    let (header, attributes) = message.split_at_checked(HEADER_BYTES)?;
    let &[_, bits, flags, ..] = header else { return None };
    let flags = number_of(attributes, IFA_FLAGS).unwrap_or(u32::from(flags));
    if flags & UNUSABLE != 0 {
        return None;
    }
    // Of two ends of a line, the near one.
    let bytes = value_of(attributes, IFA_LOCAL).or_else(|| value_of(attributes, IFA_ADDRESS))?;
    Some((u32_at(header, 4)?, Prefix::new(address_from_bytes(bytes)?, bits.into())?))
}

/// The number of the device that news of an address are about.
pub fn link_of(message: &[u8]) -> Option<u32> {
    u32_at(message, 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::message::attribute;
    use super::*;

    #[test]
    fn an_address_counts_once_it_is_ours_alone() {
        let message = |flags: u32| {
            let local = attribute(IFA_LOCAL, &[192, 0, 2, 3]);
            let far = attribute(IFA_ADDRESS, &[192, 0, 2, 9]);
            let flags = attribute(IFA_FLAGS, &flags.to_ne_bytes());
            [&[libc::AF_INET as u8, 24, 0, 0][..], &7u32.to_ne_bytes(), &far, &local, &flags].concat()
        };
        let expected = Prefix::new("192.0.2.3".parse().unwrap(), 24).unwrap();
        assert_eq!(address_in(&message(libc::IFA_F_PERMANENT)), Some((7, expected)));
        assert_eq!(address_in(&message(libc::IFA_F_TENTATIVE)), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (address_in(&bytes), link_of(&bytes));
        }
    }
}
