//! Values on the command line and in what a command reads.

use lacis_engine::ip::Prefix;

/// Longest name of a device (IFNAMSIZ with the zero at its end).
pub const DEVICE_BYTES_MAX: usize = 15;

/// A name that may stand in the names of other things.
pub fn name(argument: &str, value: String, bytes_max: usize) -> Result<String, String> {
    let fits = (1..=bytes_max).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic() && b != b'*');
    if fits { Ok(value) } else { Err(format!("{argument} {value:?}: 1 to {bytes_max} letters, digits or signs")) }
}

/// A network, with or without host bits.
pub fn network(argument: &str, value: &str) -> Result<Prefix, String> {
    prefix(value).ok_or_else(|| format!("{argument} {value}: ADDRESS/BITS"))
}

/// A number.
pub fn number(argument: &str, value: &str) -> Result<u32, String> {
    value.parse().map_err(|_| format!("{argument} {value}: not a number"))
}

/// ADDRESS/BITS.
pub fn prefix(text: &str) -> Option<Prefix> {
    let (address, bits) = text.split_once('/')?;
    Prefix::new(address.parse().ok()?, bits.parse().ok()?)
}
