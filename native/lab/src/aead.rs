//! What the ciphers cost on this processor, and on lesser ones that it can pretend to be: nanoseconds to seal and to open a packet with each library,
//! and which of them a data plane chooses there. `npm run bench:aead`.

use std::hint::black_box;
use std::io::{self, Error};
use std::process::Command;
use std::time::{Duration, Instant};

use lacis_engine::aead::choice::Libraries;
use lacis_engine::aead::{Aead, Cipher, KEY_BYTES, Library};
use lacis_engine::header::{HEADER_BYTES, TAG_BYTES};

use crate::cpuid::{self, Kind};

const SIZES: [usize; 4] = [64, 576, 1_300, 8_900];
/// Where AWS-LC reads what it is to leave out. Empty, it would leave out everything.
const AWS_LC_MASK: &str = "OPENSSL_ia32cap";
const ROUNDS: usize = 30;
/// Time of one round: short against what else a machine does, so that some rounds are undisturbed.
const ROUND: Duration = Duration::from_millis(2);

/// One table for each kind of processor, each from a process of its own: a library looks at the processor once.
pub fn compare() -> io::Result<()> {
    println!("{}, best of {ROUNDS} rounds, ns per packet to seal / to open", cpuid::model());
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_within_reach()) {
        let mut table = Command::new(std::env::current_exe()?);
        table.args(["aead", kind.name()]).env_remove(AWS_LC_MASK);
        if let Some(mask) = kind.mask_for_aws_lc() {
            table.env(AWS_LC_MASK, mask);
        }
        let table = table.status()?;
        if !table.success() {
            println!("not measured: this machine cannot pretend to be one with {}", kind.title());
        }
    }
    Ok(())
}

/// The table of one kind.
pub fn print(kind: &str) -> io::Result<()> {
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
    let kind = kind.ok_or_else(|| Error::other("no such kind of processor"))?;
    cpuid::pretend(kind)?;
    let start = Instant::now();
    let libraries = Libraries::fastest(stopwatch);
    let took = start.elapsed();
    println!("\n{}", kind.title());
    println!("{:26}{}", "", SIZES.map(|bytes| format!("{bytes:>15}")).concat());
    for cipher in Cipher::ALL {
        for library in Library::ALL {
            let costs = costs(*library, cipher)?.map(|(seal, open)| format!("{seal:>8.0} /{open:>5.0}"));
            let mark = if libraries.of(cipher) == *library { "*" } else { " " };
            println!("{mark} {:11}{:13}{}", library.name(), name(cipher), costs.concat());
        }
    }
    println!("* chosen, in {:.2} ms for both", took.as_secs_f64() * 1e3);
    Ok(())
}

fn name(cipher: Cipher) -> &'static str {
    match cipher {
        Cipher::Aes256Gcm => "aes",
        Cipher::ChaCha20Poly1305 => "chachapoly",
    }
}

fn stopwatch(work: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// To seal and to open, for each size.
fn costs(library: Library, cipher: Cipher) -> io::Result<[(f64, f64); SIZES.len()]> {
    let aead = Aead::new(library, cipher, &[7; KEY_BYTES].into()).ok_or_else(|| Error::other("the key was refused"))?;
    Ok(SIZES.map(|bytes| {
        let header = [1; HEADER_BYTES];
        let mut packet = vec![0; bytes];
        let seal = best(|| {
            black_box(aead.seal(1, &header, &mut packet));
        });
        let mut sealed = vec![0; bytes];
        let tag = aead.seal(1, &header, &mut sealed).unwrap_or([0; TAG_BYTES]);
        sealed.extend_from_slice(&tag);
        let mut scratch = sealed.clone();
        // Opening spoils what it opens: the copy is part of it, as it is small beside it.
        let open = best(|| {
            scratch.copy_from_slice(&sealed);
            black_box(aead.open(1, &header, &mut scratch).is_some());
        });
        (seal, open)
    }))
}

/// Nanoseconds of one call in the fastest round: the one with the least foreign work in it.
fn best(mut call: impl FnMut()) -> f64 {
    let once = stopwatch(&mut call).max(Duration::from_nanos(1));
    let calls = (ROUND.as_nanos() / once.as_nanos()).clamp(16, 100_000) as u32;
    let round = |_| stopwatch(&mut || (0..calls).for_each(|_| call()));
    let best = (0..ROUNDS).map(round).min().unwrap_or_default();
    best.as_secs_f64() * 1e9 / f64::from(calls)
}
