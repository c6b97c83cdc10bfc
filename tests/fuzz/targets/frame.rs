//! Whatever bytes a camera delivers, of whatever size and stride its driver claims, they are a
//! picture of that size or a clear error.
#![no_main]
use tyto::capture::{Developer, Picture, PixelFormat, RawFrame};

libfuzzer_sys::fuzz_target!(|input: (u8, u16, u16, u16, Vec<u8>)| {
    let (format, width, height, stride, bytes) = input;
    let format = PixelFormat::ALL[usize::from(format) % PixelFormat::ALL.len()];
    let (width, height) = (u32::from(width), u32::from(height));
    let mut raw = RawFrame {
        width,
        height,
        format,
        stride: usize::from(stride),
        bytes,
        ..RawFrame::default()
    };
    let mut picture = Picture::default();
    if Developer::new().develop(&mut raw, &mut picture).is_ok() {
        assert_eq!(picture.rgb.len(), (picture.width * picture.height * 3) as usize);
        // A JPEG has a size of its own.
        let claimed = format == PixelFormat::Mjpeg
            || (picture.width, picture.height) == (width, height);
        assert!(claimed, "{} by {}", picture.width, picture.height);
    }
});
