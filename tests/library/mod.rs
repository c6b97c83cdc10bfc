//! The TensorFlow Lite library for tests: fetched once, checked each time.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Where the library lies.
pub fn library() -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    let fetch = || {
        let root = env!("CARGO_MANIFEST_DIR");
        let arch = std::env::consts::ARCH;
        let run = Command::new(format!("{root}/cross/tflite.sh")).arg(arch).output();
        let run = run.expect("bash is there");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        PathBuf::from(format!("{root}/target/tflite/{arch}/libtensorflowlite_c.so"))
    };
    LIBRARY.get_or_init(fetch).clone()
}
