use proptest::prelude::*;

use super::*;

/// A RIFF file of these chunks, each with its length and, if that is odd, its padding.
fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (name, content) in chunks {
        body.extend_from_slice(*name);
        body.extend((content.len() as u32).to_le_bytes());
        body.extend_from_slice(content);
        body.extend(std::iter::repeat_n(0, content.len() % 2));
    }
    let mut file = b"RIFF".to_vec();
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(body);
    file
}

/// The 16 bytes that every format chunk begins with.
fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let align = channels * bits / 8;
    let mut chunk = tag.to_le_bytes().to_vec();
    chunk.extend(channels.to_le_bytes());
    chunk.extend(rate.to_le_bytes());
    chunk.extend((rate * u32::from(align)).to_le_bytes());
    chunk.extend(align.to_le_bytes());
    chunk.extend(bits.to_le_bytes());
    chunk
}

/// The longer form, with a count of valid bits and a sub-format (1 integer, 3 float).
fn extensible(channels: u16, rate: u32, bits: u16, valid: u16, sub: u8) -> Vec<u8> {
    let mut chunk = format(0xfffe, channels, rate, bits);
    chunk.extend(22_u16.to_le_bytes());
    chunk.extend(valid.to_le_bytes());
    chunk.extend(0_u32.to_le_bytes());
    chunk.extend([sub, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    chunk
}

fn decode(bytes: &[u8]) -> Result<Recording> {
    Recording::decode(bytes, "x.wav")
}

fn refusal(bytes: &[u8]) -> String {
    let error = decode(bytes).unwrap_err();
    assert_eq!(error.kind(), Kind::Media);
    let text = error.to_string();
    assert!(text.starts_with("x.wav: "), "{text}");
    text
}

#[test]
fn integers_of_every_width_fill_the_same_scale() {
    let halves: [(u16, Vec<u8>); 4] = [
        (8, vec![0x80, 0xc0, 0x00]),
        (16, vec![0, 0, 0, 0x40, 0, 0x80]),
        (24, vec![0, 0, 0, 0, 0, 0x40, 0, 0, 0x80]),
        (32, vec![0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0x80]),
    ];
    for (bits, data) in halves {
        for chunk in [format(1, 1, 44_100, bits), extensible(1, 44_100, bits, bits, 1)] {
            let got = decode(&riff(&[(b"fmt ", &chunk), (b"data", &data)])).unwrap();
            assert_eq!((got.rate, got.channels), (44_100, 1));
            assert_eq!(got.samples, [0.0, 0.5, -1.0], "{bits} bits");
        }
    }
}

#[test]
fn floats_are_taken_as_they_are_even_beyond_full_scale() {
    let data: Vec<u8> = [0.25_f32, -1.5].iter().flat_map(|v| v.to_le_bytes()).collect();
    for chunk in [format(3, 2, 8_000, 32), extensible(2, 8_000, 32, 32, 3)] {
        let got = decode(&riff(&[(b"fmt ", &chunk), (b"data", &data)])).unwrap();
        assert_eq!((got.channels, got.frames(), got.samples), (2, 1, vec![0.25, -1.5]));
    }
}

#[test]
fn fewer_valid_bits_than_the_container_has_are_its_upper_ones() {
    let data = [0, 0, 0, 0x40];
    let got = decode(&riff(&[(b"fmt ", &extensible(1, 48_000, 32, 24, 1)), (b"data", &data)]));
    assert_eq!(got.unwrap().samples, [0.5]);
}

#[test]
fn other_chunks_of_odd_length_and_wrong_redundant_fields_do_no_harm() {
    let mut chunk = format(1, 1, 16_000, 16);
    chunk[8..12].fill(0);
    let file = riff(&[
        (b"LIST", b"odd"),
        (b"fmt ", &chunk),
        (b"x\0\0\0", b"12345"),
        (b"data", &[0, 0x40]),
    ]);
    assert_eq!(decode(&file).unwrap().samples, [0.5]);
}

#[test]
fn a_streamed_file_of_unknown_length_reaches_to_the_file_s_end() {
    let mut file = riff(&[(b"fmt ", &format(1, 2, 16_000, 16)), (b"data", &[0, 0x40, 0, 0x40, 9])]);
    let length = file.len() - 10;
    file[length..length + 4].fill(0xff);
    assert_eq!(decode(&file).unwrap().samples, [0.5, 0.5]);
}

#[test]
fn a_sound_without_samples_says_so() {
    assert_eq!(refusal(&[]), "x.wav: is no sound that can be read: the file is empty");
    let none = riff(&[(b"fmt ", &format(1, 1, 16_000, 16)), (b"data", &[])]);
    assert_eq!(refusal(&none), "x.wav: is a WAV file without samples");
}

#[test]
fn a_truncated_sound_says_how_much_is_there() {
    let file = riff(&[(b"fmt ", &format(1, 1, 16_000, 16)), (b"data", &[0; 100])]);
    let text = refusal(&file[..file.len() - 30]);
    assert!(text.contains("100 bytes of sound announced, 70 there"), "{text}");
    assert!(refusal(&file[..30]).contains("truncated"));
}

#[test]
fn a_sample_that_is_no_number_is_refused_with_its_place() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let data: Vec<u8> = [0.0, 0.1, bad].iter().flat_map(|v: &f32| v.to_le_bytes()).collect();
        let text = refusal(&riff(&[(b"fmt ", &format(3, 1, 16_000, 32)), (b"data", &data)]));
        assert!(text.contains("sample 2 is no finite number"), "{text}");
    }
}

#[test]
fn other_things_are_told_what_they_are() {
    assert!(refusal(b"\x89PNG\r\n\x1a\n12345678").contains("its content is a picture"));
    assert!(refusal(b"hello, world").contains("is no WAV file"));
    assert!(refusal(b"RF64\xff\xff\xff\xffWAVEds64").contains("RF64"));
    let adpcm = riff(&[(b"fmt ", &format(2, 1, 16_000, 8)), (b"data", &[0; 8])]);
    assert!(refusal(&adpcm).contains("ffmpeg -i IN -c:a pcm_s16le OUT.wav"));
    let torn = riff(&[(b"fmt ", &format(1, 2, 16_000, 16)), (b"data", &[0; 6])]);
    refusal(&torn);
    let silent_rate = riff(&[(b"fmt ", &format(1, 1, 0, 16)), (b"data", &[0; 2])]);
    assert!(refusal(&silent_rate).contains("sample rate of 0"));
}

proptest! {
    #[test]
    fn any_bytes_give_a_sound_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn any_format_gives_whole_finite_samples_or_an_error(
        tag in prop::sample::select(vec![1_u16, 3, 0xfffe, 2]),
        rest in prop::collection::vec(any::<u8>(), 14..40),
        small in prop::collection::vec(0_u8..40, 4),
        data in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut chunk = tag.to_le_bytes().to_vec();
        chunk.extend(&rest);
        // Small channel counts, alignments and widths, so that some of them fit together.
        (chunk[2], chunk[3]) = (small[0] % 4, 0);
        (chunk[12], chunk[13]) = (small[1] % 17, 0);
        (chunk[14], chunk[15]) = (small[2], 0);
        if let Ok(got) = decode(&riff(&[(b"fmt ", &chunk), (b"data", &data)])) {
            prop_assert!(!got.samples.is_empty());
            prop_assert_eq!(got.samples.len() % usize::from(got.channels), 0);
            prop_assert!(got.samples.iter().all(|sample| sample.is_finite()));
        }
    }

    #[test]
    fn a_valid_file_with_a_flipped_byte_never_panics(at in 0_usize..60, value in any::<u8>()) {
        let mut file = riff(&[(b"fmt ", &extensible(1, 16_000, 16, 16, 1)), (b"data", &[1; 64])]);
        file[at] = value;
        let _ = decode(&file);
    }
}
