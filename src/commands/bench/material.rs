//! What is looked at and listened to: a clip held in memory as a camera and a microphone would
//! deliver it, or pictures and noise that are made up.

use std::path::Path;

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use tyto::capture::clip::{Clip, ClipOptions, Pace};
use tyto::capture::{AudioFormat, Block, Developer, Picture, PixelFormat, Pull, RawFrame};
use tyto::clock::Mono;
use tyto::error::{Error, Kind, Result};

/// Pictures that are kept, and seconds between them.
const SHOTS: usize = 24;
const APART_S: f64 = 1.0;

/// What webcams compress to, more or less.
const JPEG_QUALITY: u8 = 85;

/// One picture as two kinds of camera deliver it.
pub struct Shot {
    /// Uncompressed, YUYV.
    pub plain: RawFrame,
    /// Compressed, a JPEG.
    pub jpeg: RawFrame,
}

/// Pictures and sound, over and over.
pub struct Material {
    /// What it is, for people.
    pub name: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The pictures, at least one.
    pub shots: Vec<Shot>,
    /// What the samples are.
    pub format: AudioFormat,
    /// Interleaved samples, at least one of each channel.
    pub samples: Vec<f32>,
}

impl Material {
    /// The beginning of a clip.
    ///
    /// # Errors
    /// The clip cannot be read, or has no picture or no sound.
    pub fn of_clip(path: &Path) -> Result<Material> {
        let options = ClipOptions { pace: Pace::Free, repeat: false, start: Mono(0) };
        let clip = Clip::open(path, &options)?;
        let (format, size) = (clip.audio_format(), clip.video_format());
        let (mut video, mut audio) = clip.split();
        let end = SHOTS as f64 * APART_S;

        let (mut shots, mut raw, mut picture) =
            (Vec::new(), RawFrame::default(), Picture::default());
        let mut developer = Developer::new();
        while shots.len() < SHOTS && video.pull(&mut raw)? != Pull::Ended {
            if raw.stamp.as_secs_f64() >= shots.len() as f64 * APART_S {
                developer.develop(&mut raw, &mut picture)?;
                shots.push(Shot::of(&picture)?);
            }
        }
        let (mut samples, mut block) = (Vec::new(), Block::empty());
        while audio.pull(&mut block)? != Pull::Ended && block.stamp.as_secs_f64() < end {
            samples.extend_from_slice(block.samples());
        }
        if shots.is_empty() || samples.is_empty() {
            return Err(Error::new(Kind::Media, path.display(), "has no picture or no sound"));
        }
        let name = path.display().to_string();
        Ok(Material { name, width: size.width, height: size.height, shots, format, samples })
    }

    /// Coloured squares and bursts of noise, the same each time.
    pub fn made_up(width: u32, height: u32) -> Material {
        let mut random = Random(1);
        let shots = (0..SHOTS).filter_map(|_| Shot::of(&squares(width, height, &mut random)).ok());
        let shots = shots.collect();
        let format = AudioFormat { rate: 16_000, channels: 1 };
        let samples = (0..16_000 * SHOTS).map(|n| {
            // Each second begins loudly and fades.
            let loud = 0.3 * (-3.0 * (n % 16_000) as f32 / 16_000.0).exp();
            loud * (2.0 * random.unit() - 1.0)
        });
        let samples = samples.collect();
        Material {
            name: "made-up pictures and noise".into(),
            width,
            height,
            shots,
            format,
            samples,
        }
    }
}

impl Shot {
    fn of(picture: &Picture) -> Result<Shot> {
        let (width, height) = (picture.width, picture.height);
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
            .encode(&picture.rgb, width, height, ExtendedColorType::Rgb8)
            .map_err(|error| {
                let thing = format!("picture of {width}×{height} pixels");
                Error::new(Kind::Media, thing, "cannot be compressed").because(error)
            })?;
        let raw = RawFrame { width, height, ..RawFrame::default() };
        let jpeg = RawFrame { format: PixelFormat::Mjpeg, bytes, ..raw.clone() };
        let stride = PixelFormat::Yuyv.row_bytes(width);
        let bytes = yuyv(picture, stride);
        let plain = RawFrame { format: PixelFormat::Yuyv, stride, bytes, ..raw };
        Ok(Shot { plain, jpeg })
    }
}

/// ITU-R BT.601 with 16 for black and 235 for white, two pixels to one pair of colours.
fn yuyv(picture: &Picture, stride: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(stride * picture.height as usize);
    for row in picture.rgb.chunks_exact(3 * picture.width.max(1) as usize) {
        for pair in row.chunks(6) {
            let pixel = |at: usize| -> [f32; 3] {
                let at = at.min(pair.len() - 3);
                [pair[at].into(), pair[at + 1].into(), pair[at + 2].into()]
            };
            let luma = |[r, g, b]: [f32; 3]| 16.0 + 0.257 * r + 0.504 * g + 0.098 * b;
            let (a, b) = (pixel(0), pixel(3));
            let [r, g, bl] = std::array::from_fn(|c| (a[c] + b[c]) / 2.0);
            let u = 128.0 - 0.148 * r - 0.291 * g + 0.439 * bl;
            let v = 128.0 + 0.439 * r - 0.368 * g - 0.071 * bl;
            out.extend([luma(a), u, luma(b), v].map(|value| value.round() as u8));
        }
    }
    out
}

fn squares(width: u32, height: u32, random: &mut Random) -> Picture {
    let side = (width / 8).max(1);
    let colours: Vec<[u8; 3]> =
        (0..(width / side + 1) * (height / side + 1)).map(|_| random.colour()).collect();
    let across = width / side + 1;
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            // The list has a colour for each square that is begun.
            rgb.extend(colours[((y / side) * across + x / side) as usize]);
        }
    }
    Picture { width, height, rgb }
}

/// A generator of the simplest kind (Numerical Recipes' multiplier for 64 bits).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// 0..1.
    fn unit(&mut self) -> f32 {
        self.next() as f32 / u32::MAX as f32
    }

    fn colour(&mut self) -> [u8; 3] {
        let [r, g, b, _] = self.next().to_le_bytes();
        [r, g, b]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_camera_deliver_the_same_picture() {
        let material = Material::made_up(66, 34);
        assert_eq!((material.shots.len(), material.samples.len()), (SHOTS, 16_000 * SHOTS));
        let mut shown = Vec::new();
        for mut raw in material.shots.into_iter().take(1).flat_map(|shot| [shot.plain, shot.jpeg]) {
            let mut picture = Picture::default();
            Developer::new().develop(&mut raw, &mut picture).unwrap();
            assert_eq!((picture.width, picture.height), (66, 34));
            shown.push(picture.rgb);
        }
        let apart: f64 =
            shown[0].iter().zip(&shown[1]).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
        assert!(apart / (shown[0].len() as f64) < 8.0, "{apart}");
        assert!(shown[0].iter().any(|v| *v > 200) && shown[0].iter().any(|v| *v < 50));
    }
}
