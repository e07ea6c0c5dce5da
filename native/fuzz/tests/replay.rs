//! Every seed once: what a fuzzer found, and what it started with.

use std::fs;
use std::path::Path;

use lacis_fuzz::TARGETS;

#[test]
fn no_seed_of_any_target_breaks_what_must_hold() {
    for (name, check) in TARGETS {
        let seeds: Vec<_> = fs::read_dir(folder(name)).expect("a folder of seeds").flatten().collect();
        assert!(!seeds.is_empty(), "{name} has no seed");
        for seed in seeds {
            let bytes = fs::read(seed.path()).expect("a seed");
            assert!(bytes.len() <= 4 << 10, "{} is too large to be committed", seed.path().display());
            println!("{name} {}", seed.file_name().display());
            check(&bytes);
        }
    }
}

#[test]
fn every_folder_of_seeds_belongs_to_a_target_and_every_target_can_be_fuzzed() {
    let mut folders: Vec<_> = fs::read_dir(folder("")).expect("the seeds").flatten().map(|f| f.file_name()).collect();
    folders.sort();
    assert!(folders.iter().eq(TARGETS.iter().map(|(name, _)| *name)), "{folders:?}");
    let fuzzed = fs::read_to_string(folder("../fuzz/Cargo.toml")).expect("the fuzzer's list");
    for (name, _) in TARGETS {
        assert!(fuzzed.contains(&format!("name = \"{name}\"")), "nobody fuzzes {name}");
    }
}

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name)
}
