//! Any bytes are a recording with finite samples in whole frames, or a clear error.
#![no_main]
use tyto::capture::Recording;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(sound) = Recording::decode(bytes, "fuzz.wav") {
        assert!(!sound.samples.is_empty());
        assert_eq!(sound.samples.len() % usize::from(sound.channels), 0);
        assert!(sound.samples.iter().all(|v| v.is_finite()));
    }
});
