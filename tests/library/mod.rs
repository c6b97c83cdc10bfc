//! Libraries of engines for tests: fetched once, checked each time.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

/// Where the library lies that `cross/ENGINE.sh` fetches.
pub fn library(engine: &str, file: &str) -> PathBuf {
    static FETCHED: Once = Once::new();
    let (root, arch) = (env!("CARGO_MANIFEST_DIR"), std::env::consts::ARCH);
    FETCHED.call_once(|| {
        let run = Command::new(format!("{root}/cross/{engine}.sh")).arg(arch).output();
        let run = run.expect("bash is there");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    });
    PathBuf::from(format!("{root}/target/{engine}/{arch}/{file}"))
}

/// TensorFlow Lite's.
#[allow(dead_code, reason = "each test takes one of the two")]
pub fn tflite() -> PathBuf {
    library("tflite", "libtensorflowlite_c.so")
}

/// ONNX Runtime's.
#[allow(dead_code, reason = "each test takes one of the two")]
pub fn onnxruntime() -> PathBuf {
    library("onnxruntime", "libonnxruntime.so")
}
