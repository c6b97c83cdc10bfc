use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use proptest::prelude::*;

use super::*;
use crate::clock::Mono;

/// One pixel as the standards define it, in floating point: Y′ from luma weights and chroma
/// from the differences, limited or full range (BT.601-7, 2.5; BT.709-6, 3).
fn defined(colour: Colour, y: u8, u: u8, v: u8) -> [f64; 3] {
    let (kr, kb) = match colour.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt2020 => (0.2627, 0.0593),
        Matrix::Smpte240m => (0.212, 0.087),
    };
    let (y, u, v) = (f64::from(y), f64::from(u) - 128.0, f64::from(v) - 128.0);
    let (y, cb, cr) = match colour.range {
        Range::Limited => ((y - 16.0) / 219.0, u / 224.0, v / 224.0),
        Range::Full => (y / 255.0, u / 255.0, v / 255.0),
    };
    let red = y + 2.0 * (1.0 - kr) * cr;
    let blue = y + 2.0 * (1.0 - kb) * cb;
    let green = (y - kr * red - kb * blue) / (1.0 - kr - kb);
    [red, green, blue].map(|value| (value * 255.0).clamp(0.0, 255.0))
}

/// Where Y, U and V of a pixel lie in the bytes of a frame.
fn sample(raw: &RawFrame, x: usize, y: usize) -> [u8; 3] {
    let (stride, height) = (raw.stride, raw.height as usize);
    let at = |place: usize| raw.bytes[place];
    let half = height.div_ceil(2);
    match raw.format {
        PixelFormat::Yuyv => {
            let pair = y * stride + x / 2 * 4;
            [at(pair + x % 2 * 2), at(pair + 1), at(pair + 3)]
        }
        PixelFormat::Uyvy => {
            let pair = y * stride + x / 2 * 4;
            [at(pair + 1 + x % 2 * 2), at(pair), at(pair + 2)]
        }
        PixelFormat::Nv12 => {
            let pair = stride * height + y / 2 * stride + x / 2 * 2;
            [at(y * stride + x), at(pair), at(pair + 1)]
        }
        PixelFormat::Yu12 => {
            let chroma = stride * height + y / 2 * (stride / 2) + x / 2;
            [at(y * stride + x), at(chroma), at(chroma + half * (stride / 2))]
        }
        PixelFormat::Grey => [at(y * stride + x), 128, 128],
        PixelFormat::Y16 => [at(y * stride + x * 2 + 1), 128, 128],
        other => panic!("{other:?} has no luma"),
    }
}

/// Bytes that look like nothing, the same each time. None is blacker than black (below 16 of the
/// limited range): the library's vector units take that for black, its remainder loop does not.
fn noise(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 56) as u8).max(16)
    };
    (0..count).map(step).collect()
}

fn frame(format: PixelFormat, width: u32, height: u32, padding: usize, seed: u64) -> RawFrame {
    let stride = format.row_bytes(width) + padding;
    let bytes = noise(format.whole_bytes(stride, height), seed);
    RawFrame { width, height, format, stride, bytes, ..RawFrame::default() }
}

fn developed(raw: &RawFrame) -> Picture {
    let mut picture = Picture { width: 1, height: 1, rgb: vec![1, 2, 3] };
    Developer::new().develop(&mut raw.clone(), &mut picture).unwrap();
    picture
}

fn refusal(raw: &mut RawFrame) -> String {
    let error = Developer::new().develop(raw, &mut Picture::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Media);
    error.to_string()
}

/// Levels that the conversion may be off: it computes with six binary places.
const TOLERANCE: f64 = 3.5;

const LUMA: [PixelFormat; 6] = [
    PixelFormat::Yuyv,
    PixelFormat::Uyvy,
    PixelFormat::Nv12,
    PixelFormat::Yu12,
    PixelFormat::Grey,
    PixelFormat::Y16,
];

#[test]
fn an_rgb_frame_changes_hands_without_a_copy() {
    let mut picture = Picture { width: 2, height: 1, rgb: vec![7; 6] };
    let place = picture.rgb.as_ptr();
    let mut raw = RawFrame::default();
    raw.exchange(Mono(5), &mut picture);
    let mut developed = Picture::default();
    Developer::new().develop(&mut raw, &mut developed).unwrap();
    assert_eq!((developed.width, developed.height, developed.rgb.as_ptr()), (2, 1, place));
}

#[test]
fn every_format_with_luma_gives_what_the_standards_define() {
    for format in LUMA {
        for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020, Matrix::Smpte240m] {
            for range in [Range::Limited, Range::Full] {
                // Wide enough for the vector units and with a rest; stride with padding.
                let mut raw = frame(format, 70, 6, 10, 3);
                raw.colour = Colour { matrix, range };
                let picture = developed(&raw);
                for (place, pixel) in picture.rgb.chunks_exact(3).enumerate() {
                    let [y, u, v] = sample(&raw, place % 70, place / 70);
                    let wanted = defined(raw.colour, y, u, v);
                    for (is, should) in pixel.iter().zip(wanted) {
                        let off = (f64::from(*is) - should).abs();
                        assert!(
                            off <= TOLERANCE,
                            "{format:?} {matrix:?} {range:?} {place}: {pixel:?} {wanted:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn red_green_and_blue_come_out_in_their_order() {
    for format in [PixelFormat::Rgb24, PixelFormat::Bgr24] {
        let raw = frame(format, 5, 3, 4, 9);
        let picture = developed(&raw);
        for (y, row) in picture.rgb.chunks_exact(15).enumerate() {
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                let mut wanted = raw.bytes[y * raw.stride + x * 3..][..3].to_vec();
                if format == PixelFormat::Bgr24 {
                    wanted.reverse();
                }
                assert_eq!(pixel, wanted);
            }
        }
    }
}

#[test]
fn the_padding_behind_the_last_row_may_be_missing_but_no_more() {
    for format in LUMA.into_iter().chain([PixelFormat::Bgr24, PixelFormat::Rgb24]) {
        let mut raw = frame(format, 6, 4, 8, 1);
        let whole = developed(&raw);
        let padding = if format == PixelFormat::Yu12 { 4 } else { 8 };
        raw.bytes.truncate(raw.bytes.len() - padding);
        assert_eq!(developed(&raw), whole, "{format:?}");
        raw.bytes.pop();
        assert!(refusal(&mut raw).contains("too few for 6×4 pixels"), "{format:?}");
    }
}

#[test]
fn what_cannot_be_a_picture_is_refused() {
    let mut none = RawFrame { width: 2, height: 2, stride: 6, ..RawFrame::default() };
    assert_eq!(refusal(&mut none), "picture: 0 bytes are too few for 2×2 pixels");
    let mut narrow = RawFrame { stride: 5, ..frame(PixelFormat::Rgb24, 2, 2, 0, 1) };
    assert!(refusal(&mut narrow).contains("5 bytes apart"));
    let mut odd = RawFrame { stride: 7, ..frame(PixelFormat::Yu12, 4, 2, 8, 1) };
    assert!(refusal(&mut odd).contains("7 bytes apart"));
    for (width, height) in [(0, 1), (1, 0), (16_385, 1), (1, u32::MAX)] {
        let mut raw = RawFrame { width, height, ..RawFrame::default() };
        assert!(refusal(&mut raw).contains("no size of a picture"));
    }
}

fn jpeg(width: u32, height: u32, colour: ExtendedColorType) -> RawFrame {
    let depth = if colour == ExtendedColorType::L8 { 1 } else { 3 };
    // Smooth, so that it survives the compression.
    let pixel = |place: usize| (place * 5 % 200) as u8;
    let pixels: Vec<u8> = (0..width as usize * height as usize * depth).map(pixel).collect();
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.write_image(&pixels, width, height, colour).unwrap();
    RawFrame { width, height, format: PixelFormat::Mjpeg, bytes, ..RawFrame::default() }
}

/// The same JPEG without its Huffman tables, as many cameras send it.
fn without_tables(raw: &RawFrame) -> RawFrame {
    let mut bytes = raw.bytes[..2].to_vec();
    let mut at = 2;
    loop {
        let length = 2 + usize::from(u16::from_be_bytes([raw.bytes[at + 2], raw.bytes[at + 3]]));
        match raw.bytes[at + 1] {
            0xda => break,
            0xc4 => {}
            _ => bytes.extend_from_slice(&raw.bytes[at..at + length]),
        }
        at += length;
    }
    assert!(bytes.len() < at, "there were tables");
    bytes.extend_from_slice(&raw.bytes[at..]);
    RawFrame { bytes, ..raw.clone() }
}

#[test]
fn a_jpeg_is_developed_as_the_decoder_of_files_does() {
    for colour in [ExtendedColorType::Rgb8, ExtendedColorType::L8] {
        let raw = jpeg(70, 50, colour);
        let wanted = Picture::decode(&raw.bytes, "x.jpg").unwrap();
        assert_eq!(developed(&raw), wanted);
    }
}

#[test]
fn a_jpeg_without_huffman_tables_means_the_usual_ones() {
    let raw = jpeg(70, 50, ExtendedColorType::Rgb8);
    assert_eq!(developed(&without_tables(&raw)), developed(&raw));
}

#[test]
fn padding_behind_a_jpeg_and_a_missing_end_are_borne_if_it_is_whole() {
    let raw = jpeg(70, 50, ExtendedColorType::Rgb8);
    let wanted = developed(&raw);
    let mut padded = raw.clone();
    padded.bytes.extend([0; 300]);
    assert!(mjpeg::ends(&padded.bytes));
    assert_eq!(developed(&padded), wanted);
    let mut open = raw.clone();
    open.bytes.truncate(raw.bytes.len() - 2);
    assert!(!mjpeg::ends(&open.bytes));
    assert_eq!(developed(&open), wanted);
}

#[test]
fn a_jpeg_that_was_cut_short_is_refused() {
    let raw = jpeg(320, 240, ExtendedColorType::Rgb8);
    for part in [0, 1, 2, 20, raw.bytes.len() / 4, raw.bytes.len() / 2, raw.bytes.len() * 9 / 10] {
        let mut short = RawFrame { bytes: raw.bytes[..part].to_vec(), ..raw.clone() };
        let said = refusal(&mut short);
        assert!(said.contains("JPEG"), "{part}: {said}");
    }
}

#[test]
fn a_jpeg_of_quite_another_size_is_refused_and_one_rounded_up_is_not() {
    let mut raw = jpeg(64, 48, ExtendedColorType::Rgb8);
    raw.height = 40;
    let picture = developed(&raw);
    assert_eq!((picture.width, picture.height), (64, 48));
    raw.height = 480;
    assert!(refusal(&mut raw).contains("64×48 pixels, but the camera was set to 64×480"));
}

proptest! {
    #[test]
    fn whatever_comes_is_a_picture_of_its_size_or_refused(
        format in proptest::sample::select(PixelFormat::ALL.to_vec()),
        width in 0_u32..40, height in 0_u32..20,
        stride in 0_usize..200,
        bytes in proptest::collection::vec(any::<u8>(), 0..4000),
    ) {
        let mut raw = RawFrame { width, height, format, stride, bytes, ..RawFrame::default() };
        let mut picture = Picture::default();
        if Developer::new().develop(&mut raw, &mut picture).is_ok() {
            prop_assert_eq!(picture.rgb.len(), (picture.width * picture.height * 3) as usize);
            prop_assert!(format == PixelFormat::Mjpeg || (picture.width, picture.height) == (width, height));
        }
    }

    #[test]
    fn a_damaged_jpeg_is_a_picture_or_refused(
        place in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(),
        tables in any::<bool>(),
    ) {
        let whole = jpeg(40, 24, ExtendedColorType::Rgb8);
        let mut raw = if tables { whole } else { without_tables(&whole) };
        let at = place.index(raw.bytes.len());
        raw.bytes[at] = value;
        raw.bytes.truncate(cut.index(raw.bytes.len()).max(raw.bytes.len() / 2));
        let mut picture = Picture::default();
        if Developer::new().develop(&mut raw, &mut picture).is_ok() {
            prop_assert_eq!(picture.rgb.len(), (picture.width * picture.height * 3) as usize);
        }
    }

    #[test]
    fn every_size_and_stride_gives_what_the_standards_define(
        format in proptest::sample::select(LUMA.to_vec()),
        width in 1_u32..70, height in 1_u32..8, padding in 0_usize..8, seed in any::<u64>(),
    ) {
        let even = matches!(format, PixelFormat::Yu12 | PixelFormat::Y16);
        let raw = frame(format, width, height, if even { padding * 2 } else { padding }, seed);
        let picture = developed(&raw);
        for (place, pixel) in picture.rgb.chunks_exact(3).enumerate() {
            let across = width as usize;
            let [y, u, v] = sample(&raw, place % across, place / across);
            let wanted = defined(raw.colour, y, u, v);
            for (is, should) in pixel.iter().zip(wanted) {
                prop_assert!((f64::from(*is) - should).abs() <= TOLERANCE, "{:?} {:?}", pixel, wanted);
            }
        }
    }
}

/// What the costs in `camera::choice` rest on; nothing is asserted.
#[test]
#[ignore = "a measurement"]
fn how_long_developing_takes() {
    for format in PixelFormat::ALL {
        let raw = match format {
            PixelFormat::Mjpeg => jpeg(640, 480, ExtendedColorType::Rgb8),
            other => frame(other, 640, 480, 0, 1),
        };
        let (mut developer, mut picture) = (Developer::new(), Picture::default());
        let mut best = std::time::Duration::MAX;
        for _ in 0..20 {
            let mut raw = raw.clone();
            let start = std::time::Instant::now();
            developer.develop(&mut raw, &mut picture).unwrap();
            best = best.min(start.elapsed());
        }
        println!("{:<6} {:.2} ns a pixel", format.name(), best.as_secs_f64() * 1e9 / 307_200.0);
    }
}
