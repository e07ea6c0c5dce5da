//! Generates the message types from `dataplane.proto` without `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=dataplane.proto");
    let descriptors = protox::compile(["dataplane.proto"], ["."])?;
    let mut config = prost_build::Config::new();
    // Keys pass through this message: the library prints it without them.
    config.skip_debug(["InstallSession"]);
    // Dozens of numbers that come once a second: in place they would be the size of every event.
    config.boxed("Sampled.counters");
    config.compile_fds(descriptors)?;
    Ok(())
}
