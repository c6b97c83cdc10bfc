//! Sources without devices: pictures and samples from a function or from memory, for tests.
//!
//! Neither waits: the stamps alone say when something was taken.

use super::{
    AudioFormat, AudioSource, Block, Frame, Pull, RawFrame, VideoFormat, VideoSource, clip::time_of,
};
use crate::clock::Mono;
use crate::error::Result;

type Give<T> = Box<dyn FnMut(u64, &mut T) -> Result<Pull> + Send>;

/// A camera that a function plays.
///
/// ```
/// use tyto::capture::{Pull, RawFrame, VideoFormat, VideoSource, simulated::SimulatedVideo};
/// use tyto::clock::Mono;
///
/// let format = VideoFormat { width: 1, height: 1, rate: 10.0 };
/// let mut camera = SimulatedVideo::new(format, |index, raw: &mut RawFrame| {
///     raw.stamp = Mono(index * 100_000_000);
///     Ok(if index < 3 { Pull::Filled } else { Pull::Ended })
/// });
/// let mut raw = RawFrame::default();
/// while camera.pull(&mut raw)? == Pull::Filled {}
/// # Ok::<(), tyto::error::Error>(())
/// ```
pub struct SimulatedVideo {
    format: VideoFormat,
    give: Give<RawFrame>,
    given: u64,
}

impl SimulatedVideo {
    /// A camera that asks `give` for its frames, numbered from 0; an error or an end that it
    /// returns is the camera's.
    pub fn new(
        format: VideoFormat,
        give: impl FnMut(u64, &mut RawFrame) -> Result<Pull> + Send + 'static,
    ) -> Self {
        SimulatedVideo { format, give: Box::new(give), given: 0 }
    }

    /// A camera that gives these frames and ends. Its format is that of the first one, with
    /// `rate` frames a second.
    pub fn from_frames(rate: f64, frames: Vec<Frame>) -> Self {
        let (width, height) =
            frames.first().map_or((0, 0), |f| (f.picture.width, f.picture.height));
        SimulatedVideo::new(VideoFormat { width, height, rate }, move |index, raw| {
            let next = usize::try_from(index).ok().and_then(|index| frames.get(index));
            let Some(next) = next else { return Ok(Pull::Ended) };
            raw.exchange(next.stamp, &mut next.picture.clone());
            Ok(Pull::Filled)
        })
    }
}

impl VideoSource for SimulatedVideo {
    fn format(&self) -> VideoFormat {
        self.format.clone()
    }

    fn describe(&self) -> String {
        "simulated camera".to_owned()
    }

    fn pull(&mut self, raw: &mut RawFrame) -> Result<Pull> {
        let pull = (self.give)(self.given, raw)?;
        self.given += u64::from(pull == Pull::Filled);
        Ok(pull)
    }
}

/// A microphone that a function plays.
pub struct SimulatedAudio {
    format: AudioFormat,
    give: Give<Block>,
    given: u64,
}

impl SimulatedAudio {
    /// A microphone that asks `give` for its blocks, numbered from 0; an error or an end that
    /// it returns is the microphone's.
    pub fn new(
        format: AudioFormat,
        give: impl FnMut(u64, &mut Block) -> Result<Pull> + Send + 'static,
    ) -> Self {
        SimulatedAudio { format, give: Box::new(give), given: 0 }
    }

    /// A microphone that gives these interleaved samples in full blocks and ends. The first
    /// sample was taken at `start`. Values beyond the last whole sample are not given.
    pub fn from_samples(format: AudioFormat, samples: Vec<f32>, start: Mono) -> Self {
        let channels = usize::from(format.channels.max(1));
        let mut at = 0;
        SimulatedAudio::new(format, move |_, block| {
            let whole = |count: usize| count - count % channels;
            let count = whole(samples.len() - at).min(whole(block.values.len()));
            if count == 0 {
                return Ok(Pull::Ended);
            }
            block.values[..count].copy_from_slice(&samples[at..at + count]);
            block.filled = count;
            block.stamp = start + time_of((at / channels) as u64, format.rate);
            at += count;
            Ok(Pull::Filled)
        })
    }
}

impl AudioSource for SimulatedAudio {
    fn format(&self) -> AudioFormat {
        self.format
    }

    fn describe(&self) -> String {
        "simulated microphone".to_owned()
    }

    fn pull(&mut self, block: &mut Block) -> Result<Pull> {
        block.format = self.format;
        let pull = (self.give)(self.given, block)?;
        self.given += u64::from(pull == Pull::Filled);
        Ok(pull)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Picture;
    use crate::error::{Error, Kind};

    #[test]
    fn frames_come_in_order_and_then_the_end_for_ever() {
        let frame = |at| Frame {
            stamp: Mono(at),
            picture: Picture { width: 1, height: 1, rgb: vec![at as u8; 3] },
        };
        let mut camera = SimulatedVideo::from_frames(25.0, vec![frame(1), frame(2)]);
        assert_eq!(camera.format(), VideoFormat { width: 1, height: 1, rate: 25.0 });
        let mut got = RawFrame::default();
        for at in [1, 2] {
            assert_eq!(camera.pull(&mut got).unwrap(), Pull::Filled);
            assert_eq!((got.stamp, got.bytes[0]), (Mono(at), at as u8));
        }
        assert_eq!(camera.pull(&mut got).unwrap(), Pull::Ended);
        assert_eq!(camera.pull(&mut got).unwrap(), Pull::Ended);
    }

    #[test]
    fn samples_come_in_blocks_that_join_without_a_gap() {
        let samples: Vec<f32> = (0..2500).map(|n| n as f32).collect();
        let format = AudioFormat { rate: 1000, channels: 2 };
        let mut microphone = SimulatedAudio::from_samples(format, samples.clone(), Mono(7));
        let (mut block, mut got) = (Block::empty(), Vec::new());
        while microphone.pull(&mut block).unwrap() == Pull::Filled {
            assert_eq!(block.stamp, Mono(7 + got.len() as u64 / 2 * 1_000_000));
            got.extend_from_slice(block.samples());
        }
        assert_eq!(got, samples);
    }

    #[test]
    fn a_device_that_fails_can_be_played_too() {
        let format = AudioFormat { rate: 16_000, channels: 1 };
        let mut microphone = SimulatedAudio::new(format, |index, block| {
            if index == 1 {
                return Err(Error::new(Kind::Device, "hw:1", "was unplugged"));
            }
            block.filled = 1;
            Ok(Pull::Filled)
        });
        let mut block = Block::empty();
        assert!(microphone.pull(&mut block).is_ok());
        assert_eq!(microphone.pull(&mut block).unwrap_err().kind(), Kind::Device);
    }
}
