//! Superpackets of the device: the kernel hands over and takes many segments of one flow as one packet, which costs about a
//! sixth of handing them over one by one.

pub mod chain;
mod intact;
pub mod layout;
pub mod segments;
pub mod virtio_header;

#[cfg(test)]
mod test_packets;
#[cfg(test)]
mod wrong_packets;
