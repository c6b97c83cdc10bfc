//! How pictures and samples come in: the two traits that live devices and files share.

pub mod camera;
pub mod clip;
pub mod microphone;
pub mod picture;
pub mod pixel;
pub mod simulated;
pub mod wav;

pub use clip::{Clip, ClipOptions, Pace};
pub use pixel::{Colour, Developer, PixelFormat};
pub use wav::Recording;

use crate::clock::Mono;
use crate::error::Result;

/// An RGB picture, 8 bits a channel, rows from the top, no padding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// `width * height * 3` bytes, R G B R G B …
    pub rgb: Vec<u8>,
}

/// A picture and the moment it was taken.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// When the exposure was stamped.
    pub stamp: Mono,
    /// What was seen.
    pub picture: Picture,
}

/// A picture as its source delivers it. [`Developer`] makes a [`Picture`] of it, which is left
/// to perception: most pictures of a fast camera are replaced before anyone looks at them.
#[derive(Clone, Debug, Default)]
pub struct RawFrame {
    /// When the exposure was stamped.
    pub stamp: Mono,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// What the bytes mean.
    pub format: PixelFormat,
    /// Bytes from one row of the first plane to the next; 0 where there are no rows.
    pub stride: usize,
    /// What the numbers of a format that is not RGB stand for.
    pub colour: Colour,
    /// The bytes; the buffer is reused.
    pub bytes: Vec<u8>,
}

impl RawFrame {
    /// Takes over a picture, and gives its old bytes in exchange.
    pub fn exchange(&mut self, stamp: Mono, picture: &mut Picture) {
        self.stamp = stamp;
        self.width = picture.width;
        self.height = picture.height;
        self.format = PixelFormat::Rgb24;
        self.stride = picture.width as usize * 3;
        std::mem::swap(&mut self.bytes, &mut picture.rgb);
    }
}

/// How many values a [`Block`] can hold: 21 ms of one channel at 48 kHz.
pub const BLOCK_VALUES: usize = 1024;

/// A run of samples as the source delivers them: interleaved, full scale ±1.
#[derive(Clone, Debug)]
pub struct Block {
    /// When the first sample was taken.
    pub stamp: Mono,
    /// What the samples are; another device after a loss may deliver them otherwise.
    pub format: AudioFormat,
    /// How many of `values` are filled, a multiple of the channel count.
    pub filled: usize,
    /// Interleaved samples.
    pub values: [f32; BLOCK_VALUES],
}

impl Block {
    /// A block with nothing in it.
    pub const fn empty() -> Self {
        Block {
            stamp: Mono(0),
            format: AudioFormat { rate: 16_000, channels: 1 },
            filled: 0,
            values: [0.0; BLOCK_VALUES],
        }
    }

    /// The filled part.
    pub fn samples(&self) -> &[f32] {
        &self.values[..self.filled]
    }
}

/// What a source delivers pictures as.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoFormat {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures a second, nominal.
    pub rate: f64,
}

/// What a source delivers samples as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// Samples a second and channel.
    pub rate: u32,
    /// Interleaved channels.
    pub channels: u16,
}

/// Whether a source had something to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// The buffer was filled.
    Filled,
    /// Nothing came within the source's own time-out, at most 250 ms; it may come later.
    Idle,
    /// The source has come to its end and will give nothing more.
    Ended,
}

/// What a source lost since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Pictures, or samples of each channel, that the device took and never gave.
    pub missed: u64,
    /// Pictures that the device gave and that were dropped: marked as faulty, or cut short.
    pub corrupt: u64,
    /// Times that the device's buffer ran over.
    pub xruns: u64,
}

/// Anything that gives pictures in order of time.
pub trait VideoSource: Send {
    /// What it delivers; constant while it lives.
    fn format(&self) -> VideoFormat;

    /// Waits for the next picture and writes it into `raw`, whose buffer is reused.
    ///
    /// # Errors
    /// The device or file failed; the text names it.
    fn pull(&mut self, raw: &mut RawFrame) -> Result<Pull>;

    /// What it is, for people.
    fn describe(&self) -> String;

    /// What it lost since it was opened.
    fn losses(&self) -> Losses {
        Losses::default()
    }
}

/// Anything that gives samples in order of time.
pub trait AudioSource: Send {
    /// What it delivers; constant while it lives.
    fn format(&self) -> AudioFormat;

    /// Waits for the next samples and writes them into `block`.
    ///
    /// # Errors
    /// The device or file failed; the text names it.
    fn pull(&mut self, block: &mut Block) -> Result<Pull>;

    /// What it is, for people.
    fn describe(&self) -> String;

    /// What it lost since it was opened.
    fn losses(&self) -> Losses {
        Losses::default()
    }
}
