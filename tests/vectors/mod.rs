//! The reference vectors of the shipped pack (`models/recipe/vectors.py` writes them).

use std::path::{Path, PathBuf};

pub fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(at("tests/vectors/owlet").join(name)).expect("a reference vector")
}

pub fn floats(name: &str) -> Vec<f32> {
    let word = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    bytes(name).chunks_exact(4).map(word).collect()
}
