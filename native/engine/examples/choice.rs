//! Which library is chosen by a process that starts, so many times: `cargo run --release -p lacis-engine --example choice -- 300`. To be run beside whatever
//! else a machine may do then.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use lacis_engine::aead::choice::Libraries;

fn main() -> std::io::Result<()> {
    let Some(times) = std::env::args().nth(1) else {
        println!("{}", chosen());
        return Ok(());
    };
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..times.parse().unwrap_or(300) {
        let told = Command::new(std::env::current_exe()?).output()?;
        *all.entry(String::from_utf8_lossy(&told.stdout).trim().to_owned()).or_default() += 1;
    }
    for (chosen, times) in all {
        println!("{times:5} {chosen}");
    }
    Ok(())
}

fn chosen() -> String {
    let libraries = Libraries::fastest(|work| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    let [aes, chacha] = [libraries.aes_256_gcm, libraries.chacha20_poly1305].map(|library| library.name());
    format!("AES-256-GCM by {aes}, ChaCha20-Poly1305 by {chacha}")
}
