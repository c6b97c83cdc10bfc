//! Clips: pictures with their sound, replayed as if a camera and a microphone gave them.
//!
//! A clip is a file that the `ffmpeg` program can decode, or a folder with pictures and one WAV.
//! Either gives two halves that know nothing of the clock; `play` gives them their stamps,
//! their pace and, if asked, another turn.

mod ffmpeg;
mod folder;
mod play;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{AudioFormat, AudioSource, BLOCK_VALUES, Picture, VideoFormat, VideoSource};
use crate::clock::{Clock, Mono};
use crate::error::{Error, Kind, Result};

/// How fast a clip is delivered.
#[derive(Clone)]
pub enum Pace {
    /// As it was recorded: nothing is delivered before the clock reaches its moment, and a
    /// block of sound not before that of its last sample.
    RealTime(Arc<dyn Clock>),
    /// As fast as it is taken, with the same stamps.
    Free,
}

/// How a clip is to be delivered.
#[derive(Clone)]
pub struct ClipOptions {
    /// How fast.
    pub pace: Pace,
    /// Whether it begins anew when it has ended, with stamps that go on.
    pub repeat: bool,
    /// The stamp of the clip's beginning.
    pub start: Mono,
}

/// An open clip.
pub struct Clip {
    name: String,
    video: Box<dyn VideoReel>,
    audio: Box<dyn AudioReel>,
    duration: Option<Duration>,
    options: ClipOptions,
}

impl Clip {
    /// Opens a clip: a folder with pictures and one WAV, or a file for `ffmpeg`.
    ///
    /// A folder's pictures (JPEG or PNG, of one size) come in the order of their names, byte by
    /// byte, spread evenly over the sound, or at the `rate` (pictures a second) that a
    /// `clip.toml` in the folder gives. A picture that stands for longer than 0.2 s is given
    /// again that often, as a camera would.
    ///
    /// # Errors
    /// [`Kind::Media`]: nothing there, no picture or no sound in it, not decodable, or without
    /// a known end although it is to be repeated. [`Kind::Helper`]: `ffmpeg` or `ffprobe` is
    /// missing or does not run. [`Kind::Config`]: `clip.toml` is wrong.
    pub fn open(path: &Path, options: &ClipOptions) -> Result<Clip> {
        let meta = std::fs::metadata(path).map_err(|error| {
            Error::new(Kind::Media, path.display(), "cannot be opened").because(error)
        })?;
        let wrong = |what: &str| Error::new(Kind::Media, path.display(), what);
        let parts = if meta.is_dir() {
            folder::open(path)?
        } else if !meta.is_file() {
            return Err(wrong("is neither a file nor a folder"));
        } else if meta.len() == 0 {
            return Err(wrong("is no clip that can be read: the file is empty"));
        } else {
            ffmpeg::open(path, &ffmpeg::Programs::default())?
        };
        if options.repeat && parts.duration.is_none_or(|duration| duration.is_zero()) {
            return Err(wrong("does not say how long it is, so it cannot be repeated")
                .hint("put it into a container that does: ffmpeg -i IN -c copy OUT.mkv"));
        }
        let channels = usize::from(parts.audio.format().channels);
        if channels > BLOCK_VALUES {
            return Err(wrong(&format!("has {channels} channels, more than {BLOCK_VALUES}")));
        }
        Ok(Clip {
            name: format!("clip:{}", path.display()),
            video: parts.video,
            audio: parts.audio,
            duration: parts.duration,
            options: options.clone(),
        })
    }

    /// The same clip with its beginning at another stamp: opening takes a moment that the
    /// first frame of a live replay should not have to catch up with.
    #[must_use]
    pub fn starting(mut self, start: Mono) -> Clip {
        self.options.start = start;
        self
    }

    /// How long one turn lasts, if the file says so.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// What the pictures are delivered as.
    pub fn video_format(&self) -> VideoFormat {
        self.video.format()
    }

    /// What the samples are delivered as.
    pub fn audio_format(&self) -> AudioFormat {
        self.audio.format()
    }

    /// The two halves. Either can be taken at any pace without the other; what runs beneath
    /// them ends when they are dropped.
    pub fn split(self) -> (Box<dyn VideoSource>, Box<dyn AudioSource>) {
        let turn = self
            .duration
            .filter(|_| self.options.repeat)
            .map(|duration| Turn::of(duration, self.audio.format().rate));
        (
            Box::new(play::Video::new(self.name.clone(), self.video, &self.options, turn)),
            Box::new(play::Audio::new(self.name, self.audio, &self.options, turn)),
        )
    }
}

/// One turn of a repeated clip: a whole number of samples, so that neither half drifts away
/// from the other however often they turn.
#[derive(Clone, Copy)]
struct Turn {
    samples: u64,
    rate: u32,
}

impl Turn {
    fn of(duration: Duration, rate: u32) -> Turn {
        let samples = (duration.as_secs_f64() * f64::from(rate)).round();
        Turn { samples: (samples as u64).max(1), rate }
    }

    /// Where the turn begins that comes after `done` others.
    fn beginning(self, done: u64) -> Duration {
        time_of(self.samples.saturating_mul(done), self.rate)
    }
}

/// What opening a clip gives.
struct Parts {
    video: Box<dyn VideoReel>,
    audio: Box<dyn AudioReel>,
    duration: Option<Duration>,
}

/// The pictures of a clip, one after the other, each with its place in the clip.
trait VideoReel: Send {
    fn format(&self) -> VideoFormat;

    /// The next picture, and how long after the clip's beginning it was taken; `None` at the end.
    fn next(&mut self, picture: &mut Picture) -> Result<Option<Duration>>;

    /// Gets ready for a [`rewind`](Self::rewind) that will come soon.
    fn prepare(&mut self) -> Result<()>;

    /// Goes back to the beginning.
    fn rewind(&mut self) -> Result<()>;
}

/// The samples of a clip from its beginning, without gaps.
trait AudioReel: Send {
    fn format(&self) -> AudioFormat;

    /// Fills `values` with interleaved samples as far as there are any, and says how many
    /// values it wrote: a multiple of the channel count, 0 at the end.
    fn read(&mut self, values: &mut [f32]) -> Result<usize>;

    /// Gets ready for a [`rewind`](Self::rewind) that will come soon.
    fn prepare(&mut self) -> Result<()>;

    /// Goes back to the beginning.
    fn rewind(&mut self) -> Result<()>;
}

/// How long `frames` samples last at `rate` samples a second.
pub(super) fn time_of(frames: u64, rate: u32) -> Duration {
    let nanos = u128::from(frames) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
