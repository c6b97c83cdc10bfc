//! Whatever a subscriber sends is understood or refused, never a crash.
#![no_main]
libfuzzer_sys::fuzz_target!(|line: &[u8]| {
    let _ = tyto::event::request::Request::parse(line);
});
