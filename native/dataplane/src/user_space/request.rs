//! What a program asks first, and what it is answered.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// ```text
/// byte 0        1..16                          17..18
///   version | address, IPv4 mapped to IPv6  |  port          (big endian)
/// ```
const REQUEST_BYTES: usize = 19;
const VERSION: u8 = 1;

/// The byte that answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Answer {
    /// Chunks follow, both ways.
    Connected = 0,
    /// Somebody said no: a reset.
    Refused = 1,
    /// Nobody said anything.
    Silent = 2,
    /// This host has no address of that family.
    NoWay = 3,
    /// There are as many streams as there may be.
    TooMany = 4,
    /// This is no request of this version.
    Malformed = 5,
}

/// A request while it comes in.
#[derive(Default)]
pub struct Request {
    bytes: [u8; REQUEST_BYTES],
    there: usize,
}

impl Request {
    /// Reads what is there, and no byte beyond. `Ok(None)`: not all of it has come.
    pub fn read(&mut self, from: &mut impl Read) -> io::Result<Option<Result<SocketAddr, Answer>>> {
        let room = self.bytes.get_mut(self.there..).unwrap_or_default();
        match from.read(room) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => self.there += bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok((self.there == REQUEST_BYTES).then(|| decode(&self.bytes)))
    }
}

/// Whom a request is for. An address that nobody can have is told at once.
fn decode(bytes: &[u8; REQUEST_BYTES]) -> Result<SocketAddr, Answer> {
    let [version, middle @ .., high, low] = bytes;
    if *version != VERSION {
        return Err(Answer::Malformed);
    }
    let address = Ipv6Addr::from(*middle).to_canonical();
    let port = u16::from_be_bytes([*high, *low]);
    let is_nobody = match address {
        IpAddr::V4(v4) => v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast(),
    };
    if port == 0 || is_nobody {
        return Err(Answer::NoWay);
    }
    Ok(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: u8, address: Ipv6Addr, port: u16) -> [u8; REQUEST_BYTES] {
        let mut bytes = [version; REQUEST_BYTES];
        bytes[1..17].copy_from_slice(&address.octets());
        bytes[17..].copy_from_slice(&port.to_be_bytes());
        bytes
    }

    #[test]
    fn a_request_names_an_address_of_either_family() {
        let v4 = "::ffff:10.1.2.3".parse().unwrap();
        assert_eq!(decode(&request(1, v4, 80)), Ok("10.1.2.3:80".parse().unwrap()));
        let v6 = "fd00::1".parse().unwrap();
        assert_eq!(decode(&request(1, v6, 443)), Ok("[fd00::1]:443".parse().unwrap()));
    }

    #[test]
    fn a_request_for_nobody_is_refused_before_anybody_is_called() {
        for address in ["::", "ff02::1", "::ffff:0.0.0.0", "::ffff:255.255.255.255", "::ffff:224.0.0.1"] {
            assert_eq!(decode(&request(1, address.parse().unwrap(), 80)), Err(Answer::NoWay), "{address}");
        }
        assert_eq!(decode(&request(1, "fd00::1".parse().unwrap(), 0)), Err(Answer::NoWay));
    }

    #[test]
    fn another_version_is_malformed() {
        assert_eq!(decode(&request(2, "fd00::1".parse().unwrap(), 80)), Err(Answer::Malformed));
    }

    #[test]
    fn a_request_may_come_in_drops_and_takes_nothing_of_what_follows() {
        let bytes = request(1, "fd00::1".parse().unwrap(), 80);
        let mut reading = Request::default();
        let (first, rest) = bytes.split_at(7);
        assert_eq!(reading.read(&mut &first[..]).unwrap(), None);
        let mut longer: &[u8] = &[rest, b"more"].concat();
        assert_eq!(reading.read(&mut longer).unwrap(), Some(Ok("[fd00::1]:80".parse().unwrap())));
        assert_eq!(longer, b"more");
    }
}
