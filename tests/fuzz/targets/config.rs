//! Any text is a configuration, a board profile, or a clear error.
#![no_main]
use tyto::config::{Board, Config};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = Config::parse(text, "fuzz.toml");
    let _ = Board::parse(text, "fuzz.toml");
});
