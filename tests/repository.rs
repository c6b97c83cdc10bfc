//! Promises that the repository makes about itself.

use std::process::Command;

use serde_json::Value;

/// A version as its numbers; a missing part counts as zero.
fn numbers(version: &str) -> [u64; 3] {
    let mut parts = version.split('.').map(|part| part.parse().expect("a number"));
    [0; 3].map(|_| parts.next().unwrap_or(0))
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["metadata", "--format-version=1", "--locked"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// Clippy's `incompatible_msrv` watches our own code; this watches what it stands on.
#[test]
fn no_dependency_asks_for_a_newer_rust_than_we_state() {
    let stated = numbers(env!("CARGO_PKG_RUST_VERSION"));
    let packages = metadata()["packages"].as_array().expect("packages").clone();
    assert!(packages.len() > 50);
    let newer: Vec<String> = packages
        .iter()
        .filter(|package| package["rust_version"].as_str().is_some_and(|v| numbers(v) > stated))
        .map(|package| format!("{} asks for {}", package["name"], package["rust_version"]))
        .collect();
    assert!(newer.is_empty(), "{newer:#?}");
}

#[test]
fn every_dependency_has_a_licence_that_lets_us_ship_it() {
    const FREE: [&str; 12] = [
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "Unlicense",
        "0BSD",
        "CC0-1.0",
        "BSL-1.0",
    ];
    let packages = metadata()["packages"].as_array().expect("packages").clone();
    let doubtful: Vec<String> = packages
        .iter()
        .filter(|package| {
            let licence = package["license"].as_str().unwrap_or_default().replace(['(', ')'], "");
            // All of the parts joined by AND, at least one of those joined by OR.
            !licence.split(" AND ").all(|part| {
                part.split(" OR ").flat_map(|p| p.split('/')).any(|p| FREE.contains(&p.trim()))
            })
        })
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .collect();
    assert!(doubtful.is_empty(), "{doubtful:#?}");
}
