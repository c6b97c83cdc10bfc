//! Any bytes are a picture of the size it claims, or a clear error.
#![no_main]
use tyto::capture::Picture;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(picture) = Picture::decode(bytes, "fuzz.png") {
        assert_eq!(picture.rgb.len(), (picture.width * picture.height * 3) as usize);
    }
});
