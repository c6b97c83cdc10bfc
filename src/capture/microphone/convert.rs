//! From the bytes of a card to samples of full scale ±1, only the channels that are wanted.

use alsa::pcm::Format;

/// How a card writes one sample, in the byte order of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// 16 bits in two bytes.
    S16,
    /// 24 bits in three bytes.
    S24Packed,
    /// 24 bits in the lower three of four bytes; the fourth means nothing.
    S24,
    /// 32 bits in four bytes.
    S32,
    /// An IEEE float in four bytes, full scale ±1.
    Float,
}

impl Encoding {
    /// In the order in which they are asked for: the fewest bytes first, as 16 bits reach 98 dB
    /// down, which no room is quieter than; floats last, as only software makes them.
    pub const ALL: [Encoding; 5] =
        [Encoding::S16, Encoding::S24Packed, Encoding::S24, Encoding::S32, Encoding::Float];

    /// What ALSA calls it.
    pub const fn format(self) -> Format {
        match self {
            Encoding::S16 => Format::s16(),
            Encoding::S24Packed => Format::s24_3(),
            Encoding::S24 => Format::s24(),
            Encoding::S32 => Format::s32(),
            Encoding::Float => Format::float(),
        }
    }

    /// Bytes of one sample.
    pub const fn bytes(self) -> usize {
        match self {
            Encoding::S16 => 2,
            Encoding::S24Packed => 3,
            Encoding::S24 | Encoding::S32 | Encoding::Float => 4,
        }
    }
}

/// How the frames of a card lie in memory, and which of their channels are wanted.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    encoding: Encoding,
    channels: usize,
    /// Byte offsets of the wanted channels in a frame.
    offsets: Vec<usize>,
}

impl Layout {
    /// Frames of so many channels, of which those in `map` are wanted; `None`: all.
    ///
    /// Channels of the map that there are not are left out: whoever opens the card has refused
    /// such a map before.
    pub fn new(encoding: Encoding, channels: u16, map: Option<&[u16]>) -> Layout {
        let wanted = |map: &[u16]| {
            let there = map.iter().filter(|channel| **channel < channels);
            there.map(|channel| usize::from(*channel) * encoding.bytes()).collect()
        };
        let offsets = match map {
            Some(map) => wanted(map),
            None => (0..usize::from(channels)).map(|c| c * encoding.bytes()).collect(),
        };
        Layout { encoding, channels: usize::from(channels), offsets }
    }

    /// Bytes of one frame.
    pub fn frame_bytes(&self) -> usize {
        self.channels * self.encoding.bytes()
    }

    /// How many channels are wanted.
    pub fn wanted(&self) -> usize {
        self.offsets.len()
    }

    /// Writes the wanted channels of the frames in `bytes` to `values`, interleaved, as far as
    /// both reach, and says how many values it wrote: a multiple of [`Layout::wanted`].
    pub fn convert(&self, bytes: &[u8], values: &mut [f32]) -> usize {
        if self.offsets.is_empty() {
            return 0;
        }
        match self.encoding {
            Encoding::S16 => self.each(bytes, values, |[a, b]: [u8; 2]| {
                f32::from(i16::from_ne_bytes([a, b])) * (1.0 / 32_768.0)
            }),
            Encoding::S24Packed => self.each(bytes, values, |[a, b, c]: [u8; 3]| {
                let whole =
                    if cfg!(target_endian = "little") { [0, a, b, c] } else { [a, b, c, 0] };
                of_i32(i32::from_ne_bytes(whole))
            }),
            Encoding::S24 => {
                self.each(bytes, values, |four: [u8; 4]| of_i32(i32::from_ne_bytes(four) << 8))
            }
            Encoding::S32 => {
                self.each(bytes, values, |four: [u8; 4]| of_i32(i32::from_ne_bytes(four)))
            }
            Encoding::Float => self.each(bytes, values, |four: [u8; 4]| {
                // One NaN would stay in every filter after it.
                let value = f32::from_ne_bytes(four);
                if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 }
            }),
        }
    }

    fn each<const N: usize>(
        &self,
        bytes: &[u8],
        values: &mut [f32],
        value: impl Fn([u8; N]) -> f32,
    ) -> usize {
        let frames = bytes.chunks_exact(self.frame_bytes());
        let places = values.chunks_exact_mut(self.offsets.len());
        let mut written = 0;
        for (frame, place) in frames.zip(places) {
            for (out, &offset) in place.iter_mut().zip(&self.offsets) {
                let sample = frame.get(offset..).and_then(|rest| rest.first_chunk());
                *out = sample.map_or(0.0, |sample| value(*sample));
            }
            written += place.len();
        }
        written
    }
}

fn of_i32(value: i32) -> f32 {
    (f64::from(value) * (1.0 / 2_147_483_648.0)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn convert(encoding: Encoding, bytes: &[u8]) -> Vec<f32> {
        let mut values = [9.0; 8];
        let count = Layout::new(encoding, 1, None).convert(bytes, &mut values);
        values[..count].to_vec()
    }

    fn bytes_of<const N: usize>(samples: &[[u8; N]]) -> Vec<u8> {
        samples.concat()
    }

    #[test]
    fn half_of_full_scale_is_half_in_every_encoding() {
        let packed = |value: i32| {
            let [a, b, c, d] = (value << 8).to_ne_bytes();
            if cfg!(target_endian = "little") { [b, c, d] } else { [a, b, c] }
        };
        let s16 = [16_384_i16, -16_384, i16::MIN].map(i16::to_ne_bytes);
        let s24 = [1 << 22, -(1 << 22), -(1 << 23)];
        let s32 = [1 << 30, -(1 << 30), i32::MIN].map(i32::to_ne_bytes);
        let float = [0.5_f32, -0.5, -1.0].map(f32::to_ne_bytes);
        for (encoding, bytes) in [
            (Encoding::S16, bytes_of(&s16)),
            (Encoding::S24Packed, bytes_of(&s24.map(packed))),
            (Encoding::S24, bytes_of(&s24.map(i32::to_ne_bytes))),
            (Encoding::S32, bytes_of(&s32)),
            (Encoding::Float, bytes_of(&float)),
        ] {
            assert_eq!(convert(encoding, &bytes), [0.5, -0.5, -1.0], "{encoding:?}");
            assert_eq!(bytes.len(), 3 * encoding.bytes());
        }
    }

    #[test]
    fn the_fourth_byte_of_24_bits_in_four_means_nothing() {
        let value =
            if cfg!(target_endian = "little") { [0, 0, 0x40, 0x55] } else { [0x55, 0x40, 0, 0] };
        assert_eq!(convert(Encoding::S24, &value), [0.5]);
    }

    #[test]
    fn floats_that_are_no_numbers_are_silence_and_those_beyond_full_scale_are_clipped() {
        let wild = [f32::NAN, f32::INFINITY, 7.0, -1e30].map(f32::to_ne_bytes);
        assert_eq!(convert(Encoding::Float, &bytes_of(&wild)), [0.0, 0.0, 1.0, -1.0]);
    }

    #[test]
    fn the_map_picks_channels_in_its_own_order() {
        let frames = [1_i16, 2, 3, 4, 11, 12, 13, 14].map(|n| (n * 256).to_ne_bytes());
        let mut values = [0.0; 4];
        let layout = Layout::new(Encoding::S16, 4, Some(&[3, 0]));
        assert_eq!(layout.convert(&bytes_of(&frames), &mut values), 4);
        assert_eq!(values.map(|v| v * 128.0), [4.0, 1.0, 14.0, 11.0]);
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_the_values_are_whole_frames_within_full_scale(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            encoding in prop::sample::select(Encoding::ALL.to_vec()),
            channels in 1_u16..8,
            map in prop::option::of(prop::collection::vec(0_u16..10, 0..5)),
            room in 0_usize..40,
        ) {
            let layout = Layout::new(encoding, channels, map.as_deref());
            let mut values = vec![f32::NAN; room];
            let count = layout.convert(&bytes, &mut values);
            let whole = bytes.len() / layout.frame_bytes();
            let fits = room.checked_div(layout.wanted()).unwrap_or(0);
            prop_assert_eq!(count, whole.min(fits) * layout.wanted());
            prop_assert!(values[..count].iter().all(|value| (-1.0..=1.0).contains(value)));
        }
    }
}
