use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use proptest::prelude::*;

use super::*;

fn png(bytes: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file)
        .write_image(bytes, width, height, colour)
        .unwrap();
    file
}

fn jpeg(picture: &Picture) -> Vec<u8> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 95)
        .write_image(&picture.rgb, picture.width, picture.height, ExtendedColorType::Rgb8)
        .unwrap();
    file
}

/// Red on the left half, blue on the right.
fn two_halves(width: u32, height: u32) -> Picture {
    let pixel = |x: u32| if x < width / 2 { [200, 0, 0] } else { [0, 0, 200] };
    let rgb = (0..height).flat_map(|_| (0..width).flat_map(pixel)).collect();
    Picture { width, height, rgb }
}

fn decode(bytes: &[u8]) -> Result<Picture> {
    Picture::decode(bytes, "x.jpg")
}

fn refusal(bytes: &[u8]) -> String {
    let error = decode(bytes).unwrap_err();
    assert_eq!(error.kind(), Kind::Media);
    let text = error.to_string();
    assert!(text.starts_with("x.jpg: "), "{text}");
    text
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a picture.jpg");
    let picture = two_halves(7, 3);
    picture.write_png(&path).unwrap();
    assert_eq!(Picture::read(&path).unwrap(), picture);
    let error = picture.write_png(&folder.path().join("none/such.png")).unwrap_err();
    assert_eq!(error.kind(), Kind::System);
}

#[test]
fn grey_deep_and_transparent_pictures_become_eight_bit_rgb() {
    let rgb = |file: Vec<u8>| decode(&file).unwrap().rgb;
    assert_eq!(rgb(png(&[9], 1, 1, ExtendedColorType::L8)), [9, 9, 9]);
    let deep: Vec<u8> = [0xffff_u16, 0x8080, 0].iter().flat_map(|v| v.to_ne_bytes()).collect();
    assert_eq!(rgb(png(&deep, 1, 1, ExtendedColorType::Rgb16)), [255, 128, 0]);
    assert_eq!(rgb(png(&[1, 2, 3, 0], 1, 1, ExtendedColorType::Rgba8)), [1, 2, 3]);
    assert_eq!(rgb(png(&[5, 0], 1, 1, ExtendedColorType::La8)), [5, 5, 5]);
}

#[test]
fn a_jpeg_of_any_size_keeps_its_colours() {
    for (width, height) in [(1, 1), (17, 9), (640, 480)] {
        let picture = two_halves(width, height);
        let got = decode(&jpeg(&picture)).unwrap();
        assert_eq!((got.width, got.height), (width, height));
        let last = got.rgb.len() - 3;
        assert!(got.rgb[last + 2] > 150 && got.rgb[last] < 60);
    }
}

#[test]
fn a_picture_that_lies_on_its_side_is_turned_upright() {
    let mut file = jpeg(&two_halves(32, 16));
    // Exif with one entry: orientation 6, to be turned by 90° clockwise.
    let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut segment = vec![0xff, 0xe1];
    segment.extend((exif.len() as u16 + 2).to_be_bytes());
    segment.extend(exif);
    file.splice(2..2, segment);
    let got = decode(&file).unwrap();
    assert_eq!((got.width, got.height), (16, 32));
    assert!(got.rgb[0] > 150, "the left half is on top");
    assert!(got.rgb[got.rgb.len() - 1] > 150, "the right half is at the bottom");
}

#[test]
fn wherever_a_picture_is_cut_off_it_is_refused() {
    let picture = two_halves(64, 64);
    let (jpeg, png) = (jpeg(&picture), png(&picture.rgb, 64, 64, ExtendedColorType::Rgb8));
    for length in 1..jpeg.len() {
        refusal(&jpeg[..length]);
    }
    for length in 1..png.len() - 12 {
        refusal(&png[..length]);
    }
    assert!(refusal(&jpeg[..jpeg.len() / 2]).contains("truncated JPEG"));
    assert!(refusal(&png[..png.len() / 2]).contains("damaged or truncated PNG"));
}

#[test]
fn bytes_after_the_picture_s_end_do_no_harm() {
    let mut file = jpeg(&two_halves(8, 8));
    file.extend([0, 1, 2, 0xff, 0xff]);
    assert!(decode(&file).is_ok());
}

#[test]
fn other_things_are_told_what_they_are() {
    assert!(refusal(&[]).contains("the file is empty"));
    assert!(refusal(b"GIF89a......").contains("its content is GIF"));
    assert!(refusal(b"RIFF\0\0\0\0WAVEfmt ").contains("its content is a WAV sound"));
    assert!(refusal(b"hello, world").contains("its content is text"));
    assert!(refusal(&[0xfe; 40]).contains("of no known kind"));
    let gone = Picture::read(Path::new("/nonexistent.jpg")).unwrap_err();
    assert!(gone.to_string().starts_with("/nonexistent.jpg: cannot be read"));
}

/// The header of a PNG with these sides, followed by nothing.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut file = png(&[0; 3], 1, 1, ExtendedColorType::Rgb8);
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = u32::MAX;
    for &byte in &file[12..29] {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    file[29..33].copy_from_slice(&(!crc).to_be_bytes());
    file
}

#[test]
fn a_picture_beyond_the_limit_is_refused_before_it_is_decoded() {
    let text = refusal(&png_header(20_000, 10_001));
    assert!(text.contains("20000×10001 pixels, the limit is 200 megapixels"), "{text}");
    refusal(&png_header(u32::MAX / 2, u32::MAX / 2));
}

#[test]
fn a_picture_of_a_hundred_megapixels_is_decoded() {
    let (width, height) = (12_000, 9_000);
    let grey = vec![77; width as usize * height as usize];
    let got = decode(&png(&grey, width, height, ExtendedColorType::L8)).unwrap();
    assert_eq!((got.width, got.height), (width, height));
    assert_eq!(got.rgb.len(), grey.len() * 3);
    assert!(got.rgb.iter().all(|&value| value == 77));
}

proptest! {
    #[test]
    fn any_bytes_give_a_picture_or_an_error(
        magic in prop::sample::select(vec![&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b""]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = decode(&[magic, &bytes].concat());
    }

    #[test]
    fn a_jpeg_with_a_flipped_byte_never_panics(at in 0_usize..700, value in any::<u8>()) {
        let mut file = jpeg(&two_halves(16, 16));
        let at = at % file.len();
        file[at] = value;
        if let Ok(got) = decode(&file) {
            prop_assert_eq!(got.rgb.len(), got.width as usize * got.height as usize * 3);
        }
    }
}
