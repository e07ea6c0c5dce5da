use super::*;
use crate::header::{Header, Kind};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn key(hex: &str) -> SecretKey {
    Zeroizing::new(bytes(hex).try_into().unwrap())
}

fn sealed(aead: &Aead, kind: Kind, counter: u64, body: &[u8]) -> Vec<u8> {
    let header = Header { kind, remote_index: 0x0a0b_0c0d, counter }.encode();
    let mut datagram = [&header[..], body].concat();
    let tag = aead.seal(counter, &header, &mut datagram[HEADER_BYTES..]).unwrap();
    datagram.extend_from_slice(&tag);
    datagram
}

fn check_vectors(cipher: Cipher, key: &SecretKey, test: &str, message: &str, relay: &str) {
    for library in Library::ALL {
        let aead = Aead::new(*library, cipher, key).unwrap();
        assert_eq!(sealed(&aead, Kind::TestRequest, 3, b""), bytes(test));
        assert_eq!(sealed(&aead, Kind::Message, 4, b"hello"), bytes(message));
        let relay = bytes(relay);
        let (authenticated, tag) = relay.split_at(relay.len() - TAG_BYTES);
        assert_eq!(aead.tag(5, authenticated).unwrap(), tag);
        let mut tag: [u8; TAG_BYTES] = tag.try_into().unwrap();
        assert!(aead.verify(5, authenticated, &mut tag.clone()));
        assert!(!aead.verify(6, authenticated, &mut tag.clone()));
        tag[0] ^= 1;
        assert!(!aead.verify(5, authenticated, &mut tag));

        let mut datagram = bytes(message);
        let (header, body) = datagram.split_first_chunk_mut::<HEADER_BYTES>().unwrap();
        assert_eq!(aead.open(4, header, body).unwrap(), b"hello");
    }
}

#[test]
fn aes_256_gcm_packets_are_those_of_protocol_appendix_a_6() {
    check_vectors(
        Cipher::Aes256Gcm,
        &key("bb76231d8054dc7503a32d5d2fc7c2983edb22fdb904c4c97c21e05172ae1e77"),
        "140000000a0b0c0d00000000000000031cd5108c13b59376ffac68a22e09f2e3",
        "110000000a0b0c0d00000000000000041edbddee60999df652aaff51c215574de21fd9ec2f",
        "11010000556677880000000000000005aabbcc848165806477c86914a859e5fc8dcfc1",
    );
}

#[test]
fn chacha20_poly1305_packets_are_those_of_protocol_appendix_a_6() {
    check_vectors(
        Cipher::ChaCha20Poly1305,
        &key("149539294d376fc89597cc222d3ab36cd58f90bdca8eb27413840b6127548aef"),
        "140000000a0b0c0d00000000000000035612676dca4b1ad0498f5560f0020db4",
        "110000000a0b0c0d0000000000000004d20cb0dc9a3d912fe63ac0f0500691d88fb680fac9",
        "11010000556677880000000000000005aabbcc6ffc11468f0bd57e7af130b77746e76d",
    );
}

fn every_cipher_of_every_library() -> impl Iterator<Item = (Cipher, Library, Aead)> {
    Cipher::ALL.into_iter().flat_map(|cipher| {
        let of = move |library: &Library| {
            (cipher, *library, Aead::new(*library, cipher, &Zeroizing::new([7; KEY_BYTES])).unwrap())
        };
        Library::ALL.iter().map(of)
    })
}

/// Lengths on both sides of every number of blocks that a library works on at once.
fn lengths() -> impl Iterator<Item = usize> {
    (0..600).chain([1_300, 1_431, 2_047, 2_048, 2_049, 8_900, 65_487])
}

#[test]
fn what_one_library_seals_every_other_opens_and_seals_the_same() {
    let all: Vec<_> = every_cipher_of_every_library().collect();
    for length in lengths() {
        let body: Vec<u8> = (0..length).map(|at| at as u8).collect();
        for (cipher, library, sealing) in &all {
            let good = sealed(sealing, Kind::Message, 9, &body);
            for (_, other, opening) in all.iter().filter(|(of, ..)| of == cipher) {
                let mut datagram = good.clone();
                let (header, rest) = datagram.split_first_chunk_mut::<HEADER_BYTES>().unwrap();
                assert_eq!(opening.open(9, header, rest).unwrap(), body, "{length} bytes, {library:?} to {other:?}");
                assert_eq!(sealed(opening, Kind::Message, 9, &body), good, "{length} bytes, {library:?} and {other:?}");
            }
        }
    }
}

#[test]
fn any_changed_bit_makes_a_packet_not_authentic() {
    for (_, _, aead) in every_cipher_of_every_library() {
        let good = sealed(&aead, Kind::Message, 9, b"body");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let (header, body) = bad.split_first_chunk_mut::<HEADER_BYTES>().unwrap();
            let counter = u64::from_be_bytes(header[8..].try_into().unwrap());
            assert!(aead.open(counter, header, body).is_none());
        }
    }
}

#[test]
fn a_packet_that_was_cut_anywhere_is_not_authentic() {
    for (_, _, aead) in every_cipher_of_every_library() {
        let good = sealed(&aead, Kind::Message, 9, b"some body");
        let (header, rest) = good.split_first_chunk::<HEADER_BYTES>().unwrap();
        for length in 0..rest.len() {
            assert!(aead.open(9, header, &mut rest[..length].to_vec()).is_none());
        }
    }
}

#[test]
fn a_packet_of_another_key_cipher_or_counter_is_not_authentic() {
    for (cipher, library, aead) in every_cipher_of_every_library() {
        let good = sealed(&aead, Kind::Message, 9, b"body");
        let (header, rest) = good.split_first_chunk::<HEADER_BYTES>().unwrap();
        assert!(aead.open(10, header, &mut rest.to_vec()).is_none());
        let other_key = Aead::new(library, cipher, &Zeroizing::new([8; KEY_BYTES])).unwrap();
        assert!(other_key.open(9, header, &mut rest.to_vec()).is_none());
        for (_, _, other) in every_cipher_of_every_library().filter(|(other, ..)| *other != cipher) {
            assert!(other.open(9, header, &mut rest.to_vec()).is_none());
        }
    }
}
