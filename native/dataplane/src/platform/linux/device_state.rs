//! What a device has to be: up, of its MTU, with its addresses. Whoever manages this machine's network, by a program or by hand, may have changed that.

use std::io;

use lacis_engine::ip::Prefix;

use super::netlink::link::Links;
use crate::failure::Failure;

/// What was put right.
#[derive(Default)]
pub struct Mended {
    /// What others had changed, in a word or as the address that was missing.
    pub repairs: Vec<String>,
    /// What it lacks for good.
    pub failures: Vec<Failure>,
    /// Those of its addresses that it has.
    pub addresses: Vec<Prefix>,
}

/// Gives a device what it lacks. None of the addresses: whoever asks does not know them.
pub fn mend(links: &mut Links, link: u32, addresses: &[Prefix]) -> io::Result<Mended> {
    let mut mended = Mended::default();
    if addresses.is_empty() {
        return Ok(mended);
    }
    let standing = links.addresses(link)?;
    for address in addresses {
        if !standing.contains(address) {
            match links.add_address(link, address) {
                Ok(()) => mended.repairs.push(address.to_string()),
                Err(error) => {
                    let why = Failure::system(format!("the address {address}"), &error);
                    mended.failures.push(Failure::new("address-missing", why.message));
                    continue;
                }
            }
        }
        mended.addresses.push(*address);
    }
    if !links.state(link)?.is_up {
        links.set_up(link)?;
        mended.repairs.push("down".into());
    }
    Ok(mended)
}
